/* Bytes that come in at one end and leave at the other: what a connection has read and not
 * understood yet, or has to say and has not sent. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_BUFFER_H
#define HEADROOM_VALIDATION_BACKPLANE_BUFFER_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backplane_buffer {
    uint8_t *bytes;
    size_t start, end, capacity; /* bytes[start .. end) wait */
};

void backplane_buffer_fini(struct backplane_buffer *buffer);
static inline size_t backplane_buffer_waiting(const struct backplane_buffer *buffer) {
    return buffer->end - buffer->start;
}
/* Room for so many more bytes at bytes + end; NULL: out of memory. Pointers into the buffer are
 * void after it. */
uint8_t *backplane_buffer_reserve(struct backplane_buffer *buffer, size_t length) MUST_USE;
/* False, and nothing added: out of memory. */
bool backplane_buffer_add(struct backplane_buffer *buffer, const void *bytes,
                          size_t length) MUST_USE;
/* The first `length` bytes are done with. They stay where they are until the next reserve. */
void backplane_buffer_take(struct backplane_buffer *buffer, size_t length);
void backplane_buffer_clear(struct backplane_buffer *buffer); /* keeps the memory */

#endif
