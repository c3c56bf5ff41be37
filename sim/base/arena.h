/* Memory that lives as long as a run, a parse or a report, and goes in one call.
 *
 * Blocks double from the first size on, so that a run of a million connections makes some twenty
 * mallocs. Nothing is freed one by one. Running out of memory is not an outcome that a caller can
 * do anything about here: it is a CHECK. */
#ifndef HEADROOM_SIM_BASE_ARENA_H
#define HEADROOM_SIM_BASE_ARENA_H

#include "sim/base/attributes.h"

#include <stddef.h>
#include <stdint.h>

struct arena_block;

struct arena {
    struct arena_block *newest;
    size_t used_bytes;     /* handed out, with alignment */
    size_t reserved_bytes; /* taken from malloc */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);

/* Zeroed and aligned for any type; never NULL. `count` * `size` must not overflow (CHECK). count 0
 * gives a valid pointer. */
void *arena_new(struct arena *arena, size_t count, size_t size) MUST_USE;

char *arena_new_text(struct arena *arena, const char *text) MUST_USE;
char *arena_new_text_n(struct arena *arena, const char *text, size_t length) MUST_USE;
char *arena_new_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;

#define ARENA_NEW(arena, count, type) ((type *)arena_new((arena), (count), sizeof(type)))

#endif
