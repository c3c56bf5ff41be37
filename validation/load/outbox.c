/* Two growing arrays that start over at their beginning whenever they run empty, which under a load
 * that the server can carry is after every send(). */
#include "validation/load/outbox.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 512, MARKS_MIN = 4 };

void outbox_init(struct outbox *outbox) {
    *outbox = (struct outbox){0};
}

void outbox_fini(struct outbox *outbox) {
    free(outbox->bytes);
    free(outbox->marks);
    outbox_init(outbox);
}

static void make_room(struct outbox *outbox, size_t bytes_max) {
    size_t waiting = outbox_waiting(outbox);
    if (outbox->start > 0) {
        memmove(outbox->bytes, outbox->bytes + outbox->start, waiting);
        outbox->start = 0;
        outbox->length = waiting;
    }
    size_t capacity = outbox->capacity ? outbox->capacity : CAPACITY_MIN;
    while (capacity < waiting + bytes_max)
        capacity *= 2;
    if (capacity == outbox->capacity)
        return;
    outbox->bytes = realloc(outbox->bytes, capacity);
    CHECK(outbox->bytes);
    outbox->capacity = capacity;
}

uint8_t *outbox_reserve(struct outbox *outbox, size_t bytes_max) {
    if (outbox_waiting(outbox) + bytes_max > OUTBOX_BYTES_MAX)
        return NULL;
    if (outbox->length + bytes_max > outbox->capacity)
        make_room(outbox, bytes_max);
    return outbox->bytes + outbox->length;
}

void outbox_commit(struct outbox *outbox, size_t length) {
    CHECK(outbox->length + length <= outbox->capacity);
    outbox->length += length;
}

static int32_t marks_live(const struct outbox *outbox) {
    return outbox->marks_count - outbox->marks_start;
}

void outbox_mark(struct outbox *outbox, base_ns due_ns, uint64_t number) {
    if (outbox->marks_count == outbox->marks_capacity) {
        int32_t live = marks_live(outbox);
        if (outbox->marks_start > live) {
            memmove(outbox->marks, outbox->marks + outbox->marks_start,
                    (size_t)live * sizeof *outbox->marks);
            outbox->marks_start = 0;
            outbox->marks_count = live;
        } else {
            outbox->marks_capacity =
                outbox->marks_capacity ? 2 * outbox->marks_capacity : MARKS_MIN;
            outbox->marks =
                realloc(outbox->marks, (size_t)outbox->marks_capacity * sizeof *outbox->marks);
            CHECK(outbox->marks);
        }
    }
    outbox->marks[outbox->marks_count++] =
        (struct outbox_mark){outbox->taken + outbox_waiting(outbox), due_ns, number};
}

void outbox_took(struct outbox *outbox, size_t length) {
    CHECK(length <= outbox_waiting(outbox));
    outbox->start += length;
    outbox->taken += length;
    if (outbox->start == outbox->length)
        outbox->start = outbox->length = 0;
}

bool outbox_pop(struct outbox *outbox, struct outbox_mark *mark) {
    if (marks_live(outbox) == 0)
        return false;
    *mark = outbox->marks[outbox->marks_start++];
    if (outbox->marks_start == outbox->marks_count)
        outbox->marks_start = outbox->marks_count = 0;
    return true;
}

bool outbox_pop_sent(struct outbox *outbox, struct outbox_mark *mark) {
    return marks_live(outbox) > 0 && outbox->marks[outbox->marks_start].end <= outbox->taken &&
           outbox_pop(outbox, mark);
}

void outbox_clear(struct outbox *outbox) {
    outbox->start = outbox->length = 0;
    outbox->marks_start = outbox->marks_count = 0;
}
