/* The profile's costs as the simulator uses them: whole nanoseconds per burst element, so that a
 * burst's k-th write ends at an exact multiple and counting it in closed form gives the same
 * histogram as counting it write by write. */
#ifndef HEADROOM_MODELS_CLUSTER_COSTS_H
#define HEADROOM_MODELS_CLUSTER_COSTS_H

#include "models/spec/profile.h"
#include "models/spec/spec.h"
#include "sim/base/time.h"

#include <stdint.h>

struct costs {
    struct profile_costs raw;
};

struct costs_write {
    int64_t frames, bytes;
    double working_set; /* sockets that the worker wrote since it last wrote this one */
    double scattered;   /* share of writes to a socket that was not accepted after the one before */
};

/* `last_writes`: the send calls of the worker's turn before. */
base_ns costs_turn(const struct costs *costs, int64_t last_writes);
/* One ready socket, `bytes` taken from it; `working_set` as in struct costs_write. */
base_ns costs_read(const struct costs *costs, int64_t bytes, double working_set);
base_ns costs_publish(const struct costs *costs);
base_ns costs_write(const struct costs *costs, const struct costs_write *write);
base_ns costs_enqueue(const struct costs *costs);
base_ns costs_writable(const struct costs *costs);
/* A new connection, with its TLS handshake. */
base_ns costs_accept(const struct costs *costs, enum spec_tls tls);
base_ns costs_wake_up(const struct costs *costs);

#endif
