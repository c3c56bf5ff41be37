/* The arena: a chain of zeroed blocks, the newest of which is handed out from front to back.
 *
 * A block is at least as large as everything reserved before it, so the number of mallocs grows
 * with the logarithm of what is used. calloc gives large blocks straight from the kernel's zero
 * pages: what is reserved but never touched costs no memory. What is left of a block when the next
 * one starts is given up; that is at most half of the whole. */
#include "sim/base/arena.h"

#include "sim/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK_BYTES = 16384, ALIGNMENT = _Alignof(max_align_t) };

struct arena_block {
    struct arena_block *previous;
    size_t used, capacity;
    max_align_t bytes[];
};

void arena_init(struct arena *arena) {
    *arena = (struct arena){0};
}

void arena_fini(struct arena *arena) {
    struct arena_block *block = arena->newest;
    while (block) {
        struct arena_block *previous = block->previous;
        free(block);
        block = previous;
    }
    arena_init(arena);
}

static void add_block(struct arena *arena, size_t needed) {
    size_t capacity = arena->reserved_bytes;
    if (capacity < FIRST_BLOCK_BYTES)
        capacity = FIRST_BLOCK_BYTES;
    if (capacity < needed)
        capacity = needed;
    struct arena_block *block = calloc(1, sizeof *block + capacity);
    CHECK(block);
    block->previous = arena->newest;
    block->capacity = capacity;
    arena->newest = block;
    arena->reserved_bytes += capacity;
}

void *arena_new(struct arena *arena, size_t count, size_t size) {
    size_t bytes;
    CHECK(!__builtin_mul_overflow(count, size, &bytes));
    CHECK(bytes <= SIZE_MAX / 4); /* so that neither the rounding nor a block's head can overflow */
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->newest || arena->newest->capacity - arena->newest->used < bytes)
        add_block(arena, bytes);
    struct arena_block *block = arena->newest;
    void *memory = (char *)block->bytes + block->used;
    block->used += bytes;
    arena->used_bytes += bytes;
    return memory;
}

char *arena_new_text_n(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_new(arena, length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_new_text(struct arena *arena, const char *text) {
    return arena_new_text_n(arena, text, strlen(text));
}

char *arena_new_format(struct arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    CHECK(length >= 0);
    char *text = arena_new(arena, (size_t)length + 1, 1);
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}
