/* When a client reads: its stalls, as a pure function of time. */
#ifndef HEADROOM_MODELS_WORKLOAD_RECEIVER_H
#define HEADROOM_MODELS_WORKLOAD_RECEIVER_H

#include "models/workload/roster.h"
#include "sim/base/time.h"

struct receiver {
    double bytes_per_s;     /* while reading; INFINITY: at once */
    base_ns stall_first_ns; /* start of the first stall; BASE_NS_MAX: never stalls */
    base_ns stall_every_ns; /* BASE_NS_MAX: once */
    base_ns stall_for_ns;
};

/* Client `client`'s reading habits: whether it is one of the stalling share, and its phase, are
 * draws of its own. */
struct receiver receiver_of(const struct roster *roster, int32_t client, uint64_t seed);

/* Whether it ever stands still. */
bool receiver_stalls(const struct receiver *receiver);
bool receiver_is_reading(const struct receiver *receiver, base_ns now_ns);
/* The first instant after `now_ns` at which it stops or starts reading; BASE_NS_MAX: it stays as it
 * is. */
base_ns receiver_next_change(const struct receiver *receiver, base_ns now_ns);

#endif
