/* Messages that a room holds back so that more are written at once: a batch, or a batched feed.
 *
 * A room holds from its first message on, until its time is up or it is full; then all that it
 * holds is one flush. Frames stay what they are: one flush saves the headers of packets and calls
 * to the kernel, about 90 bytes and a microsecond each; one frame for several messages would save
 * two or four bytes more, and every client would have to take it apart.
 *
 * All rooms that hold for the same reason hold equally long, so those that are due first stand
 * first in a plain queue. An entry whose room was written before its time is stale; its owner
 * knows, because the room's own instant is another by then. */
#ifndef HEADROOM_MODELS_WORKLOAD_HOLD_H
#define HEADROOM_MODELS_WORKLOAD_HOLD_H

#include "models/spec/spec.h"
#include "sim/base/attributes.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum hold_reason { HOLD_BATCH, HOLD_FEED, HOLD_REASONS };

/* Of a room with so many members: for how long, and how many messages at most. */
struct hold_rule {
    enum hold_reason reason;
    base_ns for_ns; /* 0: not at all */
    int64_t messages_max;
};
struct hold_rule hold_rule_of(const struct spec_batch *batch, const struct spec_feed *feed,
                              int64_t members_count);

struct hold { /* of one room; all 0: it holds nothing */
    base_ns since_ns, until_ns;
    base_ns offset_sum_ns; /* of each message behind the first one */
    int64_t messages, packets;
    enum hold_reason reason;
};

static inline bool hold_is_on(const struct hold *hold) {
    return hold->messages > 0;
}

/* A message of `frame_bytes` joins. True: the room is full and is to be written now. */
bool hold_add(struct hold *hold, const struct hold_rule *rule, int64_t frame_bytes,
              base_ns now_ns) MUST_USE;

/* What a flush of held messages came to. */
struct hold_batch {
    int64_t messages;
    base_ns delay_sum_ns;  /* of the messages: how long each was held */
    base_ns longest_ns;    /* the first one's */
    int64_t packets_saved; /* per recipient, against a write for each message */
    enum hold_reason reason;
};
/* The room writes all it held, `bytes` in all, and holds nothing any more. */
struct hold_batch hold_end(struct hold *hold, int64_t bytes, base_ns now_ns);

/* A flush of a batched feed broke its word: held for longer than it may be by more than a turn's
 * own bound. */
bool hold_is_late(const struct hold_batch *batch, const struct spec_feed *feed,
                  const struct spec_turn *turn);

/* --- rooms by the instant at which they are due --- */

struct hold_entry {
    base_ns due_ns;
    uint32_t room;
};
struct hold_queue { /* a ring */
    struct hold_entry *entries;
    uint32_t first, count, capacity;
};
void hold_queue_fini(struct hold_queue *queue);
/* `due_ns` not before that of an earlier one. False: no memory. */
bool hold_queue_add(struct hold_queue *queue, struct hold_entry entry) MUST_USE;
/* NULL: empty. */
const struct hold_entry *hold_queue_first(const struct hold_queue *queue);
void hold_queue_pop(struct hold_queue *queue);

#endif
