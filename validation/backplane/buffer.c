#include "validation/backplane/buffer.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 4096 };

void backplane_buffer_fini(struct backplane_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct backplane_buffer){0};
}

static void move_to_front(struct backplane_buffer *buffer) {
    if (buffer->start == 0)
        return;
    memmove(buffer->bytes, buffer->bytes + buffer->start, backplane_buffer_waiting(buffer));
    buffer->end -= buffer->start;
    buffer->start = 0;
}

uint8_t *backplane_buffer_reserve(struct backplane_buffer *buffer, size_t length) {
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
    if (buffer->capacity - buffer->end >= length && buffer->bytes != NULL)
        return buffer->bytes + buffer->end;
    move_to_front(buffer);
    size_t needed = buffer->end + length;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_BYTES;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > buffer->capacity) {
        uint8_t *bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL)
            return NULL;
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->end;
}

bool backplane_buffer_add(struct backplane_buffer *buffer, const void *bytes, size_t length) {
    uint8_t *at = backplane_buffer_reserve(buffer, length);
    if (at == NULL)
        return false;
    if (length > 0)
        memcpy(at, bytes, length);
    buffer->end += length;
    return true;
}

void backplane_buffer_take(struct backplane_buffer *buffer, size_t length) {
    CHECK(length <= backplane_buffer_waiting(buffer));
    buffer->start += length;
}

void backplane_buffer_clear(struct backplane_buffer *buffer) {
    buffer->start = buffer->end = 0;
}
