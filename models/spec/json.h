/* JSON as a tree in which everything knows its place in the file.
 *
 * Strict RFC 8259 in UTF-8, and // and block comments. Numbers stay as they were written, so that a
 * seed of 2^64 - 1 survives; keys are compared with case; a key given twice is an error with both
 * places. Not cJSON with a locator of places beside it: a locator that can say what was expected
 * where is a whole reader already, and cJSON behind it would fold case, keep duplicates and lose
 * digits. It is the oracle of the tests instead. */
#ifndef HEADROOM_MODELS_SPEC_JSON_H
#define HEADROOM_MODELS_SPEC_JSON_H

#include "models/spec/reading.h"
#include "sim/base/attributes.h"
#include "sim/base/diag.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* Reaching one is an error that names it. A file of the largest size takes some 30 MB while it is
 * read. */
enum { JSON_BYTES_MAX = 1 << 20, JSON_DEPTH_MAX = 32, JSON_MEMBERS_MAX = 1000 };

struct json_source {
    const char *file;
    const char *bytes; /* borrowed while places are asked for */
    size_t length;
    bool is_setting;         /* the value of a --set or of an axis: all of it has one place ... */
    struct diag_place place; /* ... this */
    size_t shown_at;         /* start of the line that was shown last ... */
    const char *shown_line;  /* ... and its copy in the list's arena; NULL: none yet */
};

struct json {
    enum json_kind kind;
    const char *key;  /* NULL when not a member of an object */
    const char *text; /* a string's characters, a number as written; else NULL */
    struct json_source *source;
    size_t at, key_at; /* bytes from the start of the source */
    struct json *first, *next;
    int32_t count; /* of children */
};

/* An object. NULL after a mistake of syntax, which ends the reading and is in `reading->diag` with
 * what was expected. Duplicate keys are errors too, but the first stands and reading goes on.
 * `bytes` must outlive the last json_place. */
struct json *json_read(const char *bytes, const char *file, struct reading *reading) MUST_USE;
/* The value of a --set or of an axis: all of it stands at `place`. */
struct json *json_read_setting(const char *bytes, struct diag_place place,
                               struct reading *reading) MUST_USE;
/* As JSON, on one line; numbers as they were written. */
void json_write(const struct json *json, struct text *out);

/* A value that stands in no file: a default, or one made of a --set's bare word. */
struct json *json_new(struct arena *arena, enum json_kind kind, const char *text,
                      struct json_source *source) MUST_USE;
void json_append(struct json *parent, struct json *child);

/* Of byte `at`; the line is shown as a terminal can show it. */
struct diag_place json_place_at(struct json_source *source, size_t at, struct diag *diag);
struct diag_place json_place(const struct json *json, struct diag *diag);
struct diag_place json_key_place(const struct json *json, struct diag *diag);

struct json *json_member(const struct json *object, const char *key); /* NULL: none */

/* True when `text` is a number as RFC 8259 writes it, all of it. */
bool json_is_number(const char *text);

#endif
