/* The open-loop publishing plan: when each message is due, whatever the server does.
 *
 * Every room (or user, or traffic as a whole) has a stream of its own. Its k-th publish falls where
 * the cumulative rate passes E_k / scale, E_k being the k-th point of a unit-rate process: scaling
 * a load moves the same arrivals closer together and changes no draw, which is what makes two loads
 * comparable. Each publish has a stream of its own for sender, room and length, so that no choice
 * shifts another publish's. */
#ifndef HEADROOM_MODELS_WORKLOAD_PLAN_H
#define HEADROOM_MODELS_WORKLOAD_PLAN_H

#include "models/workload/roster.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"

#include <stdbool.h>

struct plan_publish {
    base_ns due_ns;
    int32_t traffic; /* index into scenario->traffic */
    int32_t room;
    int32_t client;  /* the sender */
    int32_t bytes;   /* payload of the delivered message */
    bool is_heard;   /* false: nobody in the room is listening */
    uint64_t number; /* 0, 1, ... in order of due time */
};

struct plan_stream; /* one source of publishes */
struct plan_rooms;  /* of one traffic: the rooms in which somebody may publish */

struct plan_entry { /* of the heap */
    base_ns due_ns;
    int32_t stream;
};

struct plan {
    const struct roster *roster; /* borrowed */
    double scale;                /* of every rate */
    uint64_t seed;
    struct plan_stream *streams;
    int32_t streams_count;
    struct plan_entry *heap; /* by (due, stream); [heap_count] */
    int32_t heap_count;
    struct plan_rooms *rooms; /* by traffic */
    uint64_t next_number;
};

/* The plan's seed for replication 0, 1, ... of a scenario's seed. Roster and receivers keep the
 * scenario's own: the clients stay who they are. */
uint64_t plan_seed_of(uint64_t seed, uint64_t replication);

struct plan_options {
    uint64_t seed; /* from plan_seed_of */
    double scale;  /* 1: as written */
};

/* Lives in `arena`, with about 80 bytes per stream. */
void plan_init(struct plan *plan, const struct roster *roster, const struct plan_options *options,
               struct arena *arena);

/* The next publish in order of (due, stream); false when there will be none (every rate is 0). */
bool plan_next(struct plan *plan, struct plan_publish *publish);

/* Mean publishes and deliveries per second that the scenario asks for at scale 1 in its window
 * (with an automatic warm-up, in the last one that it may be): "offered" and "amplified" load. */
struct plan_load {
    double publishes_per_s;
    double product_per_s; /* publishes x mean room x active share: what is often planned with */
    double deliveries_per_s;
    double inbound_bytes_per_s;
    double outbound_bytes_per_s;
};
struct plan_load plan_offered(const struct roster *roster);

/* The same, room by room. */
struct plan_rate {
    double publishes_per_s;
    double heard_per_s; /* of these, where somebody is listening */
    double bytes;       /* mean of a message's payload */
    double senders;     /* clients that they come from */
};
void plan_rates(const struct roster *roster, struct plan_rate *rates); /* [rooms_count] */

#endif
