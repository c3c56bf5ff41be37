/* The text below JSON's grammar: UTF-8, escapes, numbers, and the line that a byte stands in. */
#ifndef HEADROOM_MODELS_SPEC_JSON_TEXT_H
#define HEADROOM_MODELS_SPEC_JSON_TEXT_H

#include "sim/base/diag.h"
#include "sim/base/text.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of the valid UTF-8 sequence (Unicode 15, table 3-7) that `bytes` starts with; 0: none. NUL
 * ends the text, so it is never read past. */
size_t json_text_character(const char *bytes);

/* Length of the RFC 8259 number at the start of `bytes`, or 0. */
size_t json_text_number(const char *bytes);

/* Decodes the escape at `at` (a backslash) onto `out`. The bytes read, or 0 with the reason in
 * `problem`. */
size_t json_text_escape(const char *at, struct text *out, const char **problem);

/* Line and column of byte `at`, from 1. `line_start` gets the byte that the line starts at. */
struct json_text_position {
    int32_t line, column;
    size_t line_start, line_end;
};
struct json_text_position json_text_position(const char *bytes, size_t length, size_t at);

/* A copy of a line for a message: what a terminal would obey or could not show becomes '?', byte by
 * byte, so that columns stay. */
char *json_text_shown_line(struct arena *arena, const char *line, size_t length) MUST_USE;

#endif
