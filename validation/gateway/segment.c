/* Segments come from a pool and go back to it with their memory, so that a steady load allocates
 * nothing. */
#include "validation/gateway/segment.h"

#include "validation/gateway/frames.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 1024, FIRST_FRAMES = 16 };

static size_t footprint(const struct segment *segment) {
    return sizeof *segment + segment->bytes_capacity + segment->frames_capacity * sizeof(uint32_t);
}

static void release(struct segment *segment) {
    free(segment->bytes);
    free(segment->ends);
    free(segment);
}

void segment_pool_fini(struct segment_pool *pool) {
    while (pool->free != NULL) {
        struct segment *segment = pool->free;
        pool->free = segment->next_free;
        release(segment);
    }
    pool->free_bytes = 0;
}

static struct segment *allocate(void) {
    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL)
        return NULL;
    segment->bytes = malloc(FIRST_BYTES);
    segment->ends = malloc(FIRST_FRAMES * sizeof *segment->ends);
    if (segment->bytes == NULL || segment->ends == NULL) {
        release(segment);
        return NULL;
    }
    segment->bytes_capacity = FIRST_BYTES;
    segment->frames_capacity = FIRST_FRAMES;
    return segment;
}

struct segment *segment_new(struct segment_pool *pool) {
    struct segment *segment = pool->free;
    if (segment != NULL) {
        pool->free = segment->next_free;
        pool->free_bytes -= footprint(segment);
    } else {
        segment = allocate();
    }
    if (segment == NULL)
        return NULL;
    segment->references = 1;
    segment->bytes_count = segment->frames_count = 0;
    return segment;
}

void segment_ref(struct segment *segment) {
    segment->references++;
}

void segment_unref(struct segment_pool *pool, struct segment *segment) {
    if (--segment->references > 0)
        return;
    size_t bytes = footprint(segment);
    if (pool->free_bytes + bytes > SEGMENT_POOL_BYTES_MAX) {
        release(segment);
        return;
    }
    segment->next_free = pool->free;
    pool->free = segment;
    pool->free_bytes += bytes;
}

static bool reserve(struct segment *segment, size_t more) {
    size_t needed = segment->bytes_count + more;
    if (more > SEGMENT_BYTES_MAX || needed > SEGMENT_BYTES_MAX)
        return false;
    if (needed > segment->bytes_capacity) {
        size_t capacity = segment->bytes_capacity;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *bytes = realloc(segment->bytes, capacity);
        if (bytes == NULL)
            return false;
        segment->bytes = bytes;
        segment->bytes_capacity = (uint32_t)capacity;
    }
    if (segment->frames_count < segment->frames_capacity)
        return true;
    uint32_t *ends = realloc(segment->ends, 2 * segment->frames_capacity * sizeof *ends);
    if (ends == NULL)
        return false;
    segment->ends = ends;
    segment->frames_capacity *= 2;
    return true;
}

static void append_bytes(struct segment *segment, const void *bytes, size_t length) {
    if (length > 0)
        memcpy(segment->bytes + segment->bytes_count, bytes, length);
    segment->bytes_count += (uint32_t)length;
}

bool segment_append(struct segment *segment, uint8_t opcode, const void *payload,
                    size_t payload_bytes) {
    if (!reserve(segment, payload_bytes + FRAMES_SERVER_HEADER_MAX))
        return false;
    segment->bytes_count +=
        (uint32_t)frames_write_header(segment->bytes + segment->bytes_count, opcode, payload_bytes);
    append_bytes(segment, payload, payload_bytes);
    segment->ends[segment->frames_count++] = segment->bytes_count;
    return true;
}

bool segment_append_raw(struct segment *segment, const void *bytes, size_t length) {
    if (!reserve(segment, length))
        return false;
    append_bytes(segment, bytes, length);
    segment->ends[segment->frames_count++] = segment->bytes_count;
    return true;
}
