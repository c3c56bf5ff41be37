/* Where a reader of JSON stands, and how it complains.
 *
 * Every complaint about a file has a place in it (json.h), the path of the field
 * ("nodes.gateway.workers") and says what was found and what was expected. The path is kept here as
 * the readers go down and up, in a buffer of fixed size: a key of a megabyte must not make a
 * message of a megabyte. */
#ifndef HEADROOM_MODELS_SPEC_READING_H
#define HEADROOM_MODELS_SPEC_READING_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/diag.h"

#include <stdint.h>

struct json;
struct spec_reader;

enum { READING_PATH_BYTES = 256, READING_FOUND_BYTES = 64 };

struct reading {
    struct arena *arena;              /* of what is read; borrowed */
    struct diag *diag;                /* borrowed */
    const struct spec_reader *reader; /* of files that a value names; borrowed; NULL: none */
    char path[READING_PATH_BYTES];
    int32_t path_length;
};

void reading_init(struct reading *reading, struct arena *arena, struct diag *diag);

/* One step down; what is returned goes back to `reading_leave`. */
int32_t reading_enter(struct reading *reading, const char *key);
int32_t reading_enter_index(struct reading *reading, int32_t index);
void reading_leave(struct reading *reading, int32_t path_length);

/* "<path>: <what the format says>" at the value `json`, at its key, or at no place of a file. */
void reading_error(struct reading *reading, const struct json *json, const char *format, ...)
    PRINTF_LIKE(3, 4);
void reading_error_at_key(struct reading *reading, const struct json *json, const char *format, ...)
    PRINTF_LIKE(3, 4);
void reading_warning(struct reading *reading, const struct json *json, const char *format, ...)
    PRINTF_LIKE(3, 4);
void reading_error_at(struct reading *reading, struct diag_place place, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The text of the file at `path`, in the reading's arena; NULL: it cannot be read. */
const char *reading_file(struct reading *reading, const char *path) MUST_USE;

/* What stands in the file, short enough for a message: 0, "two", an object, a list. */
struct reading_found {
    char text[READING_FOUND_BYTES];
};
struct reading_found reading_found(const struct json *json);
/* `bytes` in quotes, escaped as JSON does and cut where it is long. */
struct reading_found reading_quoted(const char *bytes);

/* "; did you mean "workers"?", or, where nothing is near, "; " and all the names: at most 1 KiB. */
enum { READING_HINT_BYTES = 1024 };
struct reading_hint {
    char text[READING_HINT_BYTES];
};
struct reading_hint reading_hint(const char *wrong, const char *const *names, int32_t count,
                                 const char *before_all);

#endif
