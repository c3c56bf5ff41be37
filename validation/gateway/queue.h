/* What waits in the application for one consumer: references to frames, oldest first, 24 bytes each
 * and no payload.
 *
 * Exists only while something waits. The rules are slow_consumer.h's; this is the list that they
 * speak of. */
#ifndef HEADROOM_VALIDATION_GATEWAY_QUEUE_H
#define HEADROOM_VALIDATION_GATEWAY_QUEUE_H

#include "models/workload/slow_consumer.h"
#include "sim/base/attributes.h"
#include "validation/gateway/segment.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum { QUEUE_FRAMES_MAX = 1 << 26, QUEUE_NO_ROOM = 0 };

struct queue_frame {
    struct segment *segment; /* a reference of its own */
    uint32_t begin, end;     /* unsent bytes of the frame within the segment */
    uint32_t room; /* number of its room, or QUEUE_NO_ROOM: a control frame, an echo, an error */
};

struct send_queue {
    struct slow_consumer_queue level;
    struct queue_frame *frames; /* a ring; [capacity], a power of two */
    uint32_t first, count, capacity;
};

struct send_queue *send_queue_new(void) MUST_USE; /* NULL: out of memory */
void send_queue_free(struct send_queue *queue, struct segment_pool *pool);

/* `sent_bytes` of the frame are with the kernel already; only the first frame of a queue may have
 * begun. False: out of memory or QUEUE_FRAMES_MAX. */
bool send_queue_add(struct send_queue *queue, struct segment *segment, uint32_t begin, uint32_t end,
                    uint32_t room, uint32_t sent_bytes) MUST_USE;
/* Bytes freed; 0: every frame has begun to go out (or there is none). */
int64_t send_queue_drop_oldest(struct send_queue *queue, struct segment_pool *pool);
/* Drops the room's frames that have not begun to go out; returns how many, and the bytes freed. */
int64_t send_queue_drop_room(struct send_queue *queue, uint32_t room, struct segment_pool *pool,
                             int64_t *bytes);
/* What to write next: at most `max` pieces, neighbours within a segment joined. Returns the count.
 */
int32_t send_queue_gather(const struct send_queue *queue, struct iovec *pieces, int32_t max);
/* The kernel took `bytes`; returns the frames that are complete with that. */
int64_t send_queue_sent(struct send_queue *queue, int64_t bytes, struct segment_pool *pool);

#endif
