/* The text below JSON's grammar: UTF-8, escapes, numbers, and the line that a byte stands in. */
#ifndef HEADROOM_MODELS_SPEC_JSON_TEXT_H
#define HEADROOM_MODELS_SPEC_JSON_TEXT_H

#include "models/spec/reading.h"
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

/* Length of the word at `bytes`, the kinds of word that people write where a value belongs: 64KiB,
 * 1/s, True, -1. A comment that follows is none of it. */
size_t json_text_word(const char *bytes);
/* The string, word or character at `bytes` (not its end), short enough for a message and safe for a
 * terminal. */
struct reading_found json_text_shown(const char *bytes);
/* Why `word` is no number; `number_length` bytes of it are one. */
const char *json_text_number_hint(const char *word, size_t number_length);

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
