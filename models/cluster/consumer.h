/* A client that may fall behind: it reads at a bounded rate, or stalls now and then, so what is on
 * its way to it must be remembered.
 *
 * One stream of bytes with three positions on it: what the client has read, what the kernel has
 * taken, what the application has queued. A message that is with the kernel is the position at
 * which it ends; one that waits in the application has its place in a ring and no position yet, so
 * that those before it may be dropped. The client's reading is a function of time
 * (models/workload/receiver.h), so nothing happens between two writes that could not be worked out
 * at the second one: positions are settled lazily, in whole bytes and nanoseconds, from an origin
 * that changes only when the buffer was empty or a stall began or ended. A client is at a position
 * at the first nanosecond by which it has read that many bits since the origin; both directions of
 * that are exact. */
#ifndef HEADROOM_MODELS_CLUSTER_CONSUMER_H
#define HEADROOM_MODELS_CLUSTER_CONSUMER_H

#include "models/cluster/tally.h"
#include "models/workload/receiver.h"
#include "models/workload/slow_consumer.h"
#include "sim/base/time.h"
#include "sim/engine/calendar.h"

#include <stdbool.h>
#include <stdint.h>

struct consumer_message {
    base_ns due_ns, allowance_ns; /* as for tally_range */
    base_ns expires_ns;           /* of an ephemeral signal; 0: it is none */
    int64_t end;                  /* position of its last byte, once the kernel has that */
    int32_t bytes;                /* framing included */
    int32_t room;
};

struct consumer_ring { /* oldest first */
    struct consumer_message *messages;
    int32_t first, count, max;
};

struct consumer {
    int32_t client;
    struct receiver receiver;
    int64_t bits_per_s;     /* the receiver's rate in whole bits; 0: reads at once */
    int64_t capacity_bytes; /* receive buffer and send buffer together, as the kernel fills them */
    int64_t writable_bytes; /* level at or below which the socket is writable again */
    base_ns origin_ns;      /* the client has read `origin` at this instant ... */
    int64_t origin;
    int64_t kernel_end;          /* the kernel has taken this much */
    int64_t queued_end;          /* and this much has been written by the application in all */
    struct consumer_ring sent;   /* wholly with the kernel, not read yet */
    struct consumer_ring queued; /* the oldest of them may be partly with the kernel ... */
    int32_t signals_queued;      /* of these */
    int64_t head_begin;          /* ... and begins here */
    struct slow_consumer_queue queue;
    base_ns breaks_ns;  /* nothing that is written later arrives: its connection is cut */
    int32_t watch;      /* of tally_watch; -1: none */
    bool is_blocked;    /* the kernel is full and the loop waits for a writable event */
    bool is_throttling; /* its rooms' publishers are not read because of it */
    bool is_closed;
    calendar_handle writable_event, deadline_event;
};

struct consumer_options {
    int32_t client;
    struct receiver receiver;
    int64_t receive_bytes, send_bytes;   /* capacities as a stalled peer fills them */
    double window_share, writable_share; /* hysteresis of each */
};

void consumer_init(struct consumer *consumer, const struct consumer_options *options);
void consumer_fini(struct consumer *consumer);

/* Counts the messages that the client has read by `now_ns`. `delay_ns` is added to each arrival:
 * the reader's own. */
void consumer_settle(struct consumer *consumer, base_ns now_ns, struct tally *tally,
                     base_ns delay_ns);

/* Bytes in the kernel's buffers. */
int64_t consumer_level(const struct consumer *consumer, base_ns now_ns);

/* Appends a message behind what is queued. */
void consumer_append(struct consumer *consumer, const struct consumer_message *message);
/* Bytes of what waits that the kernel has room for. */
int64_t consumer_room(const struct consumer *consumer, base_ns now_ns);
/* Messages that are with the kernel when it has taken `bytes` more. */
int64_t consumer_messages_within(const struct consumer *consumer, int64_t bytes);
/* Gives the kernel `bytes`, at most consumer_room. Settle first. */
void consumer_push(struct consumer *consumer, int64_t bytes, base_ns now_ns);

/* Brings `queue`'s counts in line with the positions. Its times are slow_consumer_update's. */
void consumer_count_queue(struct consumer *consumer);

/* When the socket is writable again, given that nothing more is written. BASE_NS_MAX: never. */
base_ns consumer_writable_at(const struct consumer *consumer, base_ns now_ns);
/* The first instant at which the kernel has room for all that is queued or, if that is more than it
 * ever takes, for its next byte. */
base_ns consumer_room_at(const struct consumer *consumer, base_ns now_ns);

/* The oldest queued message of which no byte has gone out, taken away; false when there is none.
 * `room` -1: of any room. */
bool consumer_drop_oldest(struct consumer *consumer, int32_t room,
                          struct consumer_message *dropped);

/* Likewise the oldest signal that expires before `before_ns`; BASE_NS_MAX: any. */
bool consumer_drop_signal(struct consumer *consumer, base_ns before_ns,
                          struct consumer_message *dropped);

/* Closed: what the kernel has is still delivered, what was queued is lost (tally_lost). Settle
 * first. */
void consumer_close(struct consumer *consumer, struct tally *tally);

/* Cut off: its connection is gone with what the kernel had for it. Takes what it has not read, one
 * message at a time; false: there is nothing more, and it is closed. Settle first. */
bool consumer_cut(struct consumer *consumer, base_ns *due_ns);
/* A new connection, empty. */
void consumer_open(struct consumer *consumer);

#endif
