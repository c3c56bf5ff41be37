/* A ring of frames. The level's bytes and messages are kept here; its times by
 * slow_consumer_update. */
#include "validation/gateway/queue.h"

#include "sim/base/check.h"

#include <stdlib.h>

enum { FIRST_FRAMES = 32 };

static struct queue_frame *at(const struct send_queue *queue, uint32_t i) {
    return &queue->frames[(queue->first + i) & (queue->capacity - 1)];
}

struct send_queue *send_queue_new(void) {
    struct send_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL)
        return NULL;
    slow_consumer_queue_init(&queue->level);
    queue->capacity = FIRST_FRAMES;
    queue->frames = malloc(FIRST_FRAMES * sizeof *queue->frames);
    if (queue->frames == NULL) {
        free(queue);
        return NULL;
    }
    return queue;
}

void send_queue_free(struct send_queue *queue, struct segment_pool *pool) {
    for (uint32_t i = 0; i < queue->count; i++)
        segment_unref(pool, at(queue, i)->segment);
    free(queue->frames);
    free(queue);
}

static bool grow(struct send_queue *queue) {
    if (queue->capacity >= QUEUE_FRAMES_MAX)
        return false;
    struct queue_frame *frames = malloc(2 * (size_t)queue->capacity * sizeof *frames);
    if (frames == NULL)
        return false;
    for (uint32_t i = 0; i < queue->count; i++)
        frames[i] = *at(queue, i);
    free(queue->frames);
    queue->frames = frames;
    queue->first = 0;
    queue->capacity *= 2;
    return true;
}

bool send_queue_add(struct send_queue *queue, struct segment *segment, uint32_t begin, uint32_t end,
                    uint32_t room, uint32_t sent_bytes) {
    CHECK(sent_bytes == 0 || queue->count == 0);
    if (queue->count == queue->capacity && !grow(queue))
        return false;
    segment_ref(segment);
    *at(queue, queue->count++) = (struct queue_frame){segment, begin + sent_bytes, end, room};
    queue->level.bytes += end - begin - sent_bytes;
    queue->level.messages++;
    if (sent_bytes > 0)
        queue->level.head_sent_bytes = sent_bytes;
    return true;
}

static int64_t forget(struct send_queue *queue, const struct queue_frame *frame,
                      struct segment_pool *pool) {
    int64_t bytes = frame->end - frame->begin;
    queue->level.bytes -= bytes;
    queue->level.messages--;
    segment_unref(pool, frame->segment);
    return bytes;
}

int64_t send_queue_drop_oldest(struct send_queue *queue, struct segment_pool *pool) {
    uint32_t begun = queue->level.head_sent_bytes > 0 ? 1 : 0;
    if (queue->count <= begun)
        return 0;
    struct queue_frame dropped = *at(queue, begun);
    if (begun == 1)
        *at(queue, 1) = *at(queue, 0);
    queue->first++;
    queue->count--;
    return forget(queue, &dropped, pool);
}

int64_t send_queue_drop_room(struct send_queue *queue, uint32_t room, struct segment_pool *pool,
                             int64_t *bytes) {
    uint32_t begun = queue->level.head_sent_bytes > 0 ? 1 : 0;
    uint32_t kept = begun;
    int64_t dropped = 0;
    *bytes = 0;
    for (uint32_t i = begun; i < queue->count; i++) {
        struct queue_frame frame = *at(queue, i);
        if (frame.room != room) {
            *at(queue, kept++) = frame;
            continue;
        }
        *bytes += forget(queue, &frame, pool);
        dropped++;
    }
    queue->count = kept;
    return dropped;
}

int32_t send_queue_gather(const struct send_queue *queue, struct iovec *pieces, int32_t max) {
    int32_t count = 0;
    for (uint32_t i = 0; i < queue->count; i++) {
        const struct queue_frame *frame = at(queue, i);
        uint8_t *begin = frame->segment->bytes + frame->begin;
        struct iovec *last = count > 0 ? &pieces[count - 1] : NULL;
        if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == begin) {
            last->iov_len += frame->end - frame->begin;
            continue;
        }
        if (count == max)
            break;
        pieces[count++] = (struct iovec){begin, frame->end - frame->begin};
    }
    return count;
}

int64_t send_queue_sent(struct send_queue *queue, int64_t bytes, struct segment_pool *pool) {
    int64_t frames = 0;
    while (bytes > 0) {
        CHECK(queue->count > 0);
        struct queue_frame *frame = at(queue, 0);
        int64_t left = frame->end - frame->begin;
        if (bytes < left) {
            frame->begin += (uint32_t)bytes;
            queue->level.bytes -= bytes;
            queue->level.head_sent_bytes += bytes;
            return frames;
        }
        bytes -= forget(queue, frame, pool);
        queue->level.head_sent_bytes = 0;
        queue->first++;
        queue->count--;
        frames++;
    }
    return frames;
}
