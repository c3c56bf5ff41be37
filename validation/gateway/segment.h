/* A run of encoded frames that many sockets are written from: appended to once per publish, never
 * copied per recipient.
 *
 * A room fills one while a turn reads; the flush closes it, and from then on it does not change.
 * Whoever could not write all of it at once keeps a reference. One thread's only: references are
 * plain counts. */
#ifndef HEADROOM_VALIDATION_GATEWAY_SEGMENT_H
#define HEADROOM_VALIDATION_GATEWAY_SEGMENT_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment {
    uint32_t references;
    uint32_t bytes_count, bytes_capacity;
    uint32_t frames_count, frames_capacity;
    uint8_t *bytes;
    uint32_t *ends; /* [frames_count]: where each frame ends in `bytes` */
    struct segment *next_free;
};

enum { SEGMENT_POOL_BYTES_MAX = 1 << 20, SEGMENT_BYTES_MAX = 1 << 30 };

struct segment_pool {
    struct segment *free;
    size_t free_bytes;
};

void segment_pool_fini(struct segment_pool *pool);

/* One reference, empty. NULL: out of memory. */
struct segment *segment_new(struct segment_pool *pool) MUST_USE;
void segment_ref(struct segment *segment);
void segment_unref(struct segment_pool *pool, struct segment *segment);

/* Appends one final, unmasked frame. False: out of memory, or SEGMENT_BYTES_MAX would be passed;
 * nothing is added then. */
bool segment_append(struct segment *segment, uint8_t opcode, const void *payload,
                    size_t payload_bytes) MUST_USE;
/* The same for bytes that are frames already (wslay's, an HTTP answer): they count as one frame. */
bool segment_append_raw(struct segment *segment, const void *bytes, size_t length) MUST_USE;

#endif
