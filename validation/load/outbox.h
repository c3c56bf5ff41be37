/* A client's frames on their way to the kernel.
 *
 * Frames that are due at once leave in one send(). What the kernel does not take, because the
 * server does not read, waits here whole and in order; nothing is dropped unseen. */
#ifndef HEADROOM_VALIDATION_LOAD_OUTBOX_H
#define HEADROOM_VALIDATION_LOAD_OUTBOX_H

#include "sim/base/attributes.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTBOX_BYTES_MAX = 8 << 20 }; /* a full one makes a publish unsent, which is counted */

struct outbox_mark { /* the end of a publish */
    uint64_t end;    /* in bytes since the outbox was made */
    base_ns due_ns;
    uint64_t number; /* of the plan */
};

struct outbox {
    uint8_t *bytes;
    size_t start, length, capacity; /* bytes[start, length) wait */
    uint64_t taken;                 /* bytes that the kernel has taken so far */
    struct outbox_mark *marks;
    int32_t marks_start, marks_count, marks_capacity; /* [start, count) */
};

void outbox_init(struct outbox *outbox);
void outbox_fini(struct outbox *outbox);

static inline size_t outbox_waiting(const struct outbox *outbox) {
    return outbox->length - outbox->start;
}

/* Where `bytes_max` more bytes can be written; NULL when it would pass OUTBOX_BYTES_MAX. */
uint8_t *outbox_reserve(struct outbox *outbox, size_t bytes_max) MUST_USE;
/* `length` bytes were written there. */
void outbox_commit(struct outbox *outbox, size_t length);
/* What was committed last ends this publish. */
void outbox_mark(struct outbox *outbox, base_ns due_ns, uint64_t number);

/* The kernel took `length` more bytes. */
void outbox_took(struct outbox *outbox, size_t length);
/* Takes the oldest publish off the list if the kernel has it whole; false when it has not. */
bool outbox_pop_sent(struct outbox *outbox, struct outbox_mark *mark) MUST_USE;
/* Takes the oldest publish off the list, sent or not; false when there is none. */
bool outbox_pop(struct outbox *outbox, struct outbox_mark *mark) MUST_USE;
/* The connection is gone, and the bytes that wait with it; pop the marks first. */
void outbox_clear(struct outbox *outbox);

#endif
