/* The profile's costs as the simulator uses them: whole nanoseconds per burst element, so that a
 * burst's k-th write ends at an exact multiple and counting it in closed form gives the same
 * histogram as counting it write by write. */
#ifndef HEADROOM_MODELS_CLUSTER_COSTS_H
#define HEADROOM_MODELS_CLUSTER_COSTS_H

#include "models/spec/profile.h"
#include "sim/base/time.h"

#include <stdint.h>

struct costs {
    struct profile_costs raw;
    double write_ns; /* a write call at this working set, before frames and bytes */
};

/* `working_set`: sockets that one worker writes between two visits to the same one. */
struct costs costs_of(const struct profile_costs *raw, double working_set);

base_ns costs_turn(const struct costs *costs);
base_ns costs_read(const struct costs *costs,
                   int64_t bytes); /* one ready socket, `bytes` taken from it */
base_ns costs_publish(const struct costs *costs);
base_ns costs_write(const struct costs *costs, int64_t frames, int64_t bytes);
base_ns costs_enqueue(const struct costs *costs);
base_ns costs_writable(const struct costs *costs);
base_ns costs_wake_up(const struct costs *costs);

#endif
