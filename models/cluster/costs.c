/* Each cost is rounded once, where it becomes time. */
#include "models/cluster/costs.h"

#include <math.h>

static const double WORKING_SET_BASE = 128; /* sockets; where cost row `write` is defined */

struct costs costs_of(const struct profile_costs *raw, double working_set) {
    double doublings = working_set > WORKING_SET_BASE ? log2(working_set / WORKING_SET_BASE) : 0;
    return (struct costs){.raw = *raw,
                          .write_ns =
                              raw->value[COST_write] + raw->value[COST_write_spread] * doublings};
}

static base_ns rounded(double ns) {
    return (base_ns)llround(ns);
}

base_ns costs_turn(const struct costs *costs) {
    return rounded(costs->raw.value[COST_turn]);
}

base_ns costs_read(const struct costs *costs, int64_t bytes) {
    return rounded(costs->raw.value[COST_read] + costs->raw.value[COST_read_byte] * (double)bytes);
}

base_ns costs_publish(const struct costs *costs) {
    return rounded(costs->raw.value[COST_publish]);
}

base_ns costs_write(const struct costs *costs, int64_t frames, int64_t bytes) {
    return rounded(costs->write_ns + costs->raw.value[COST_frame] * (double)frames +
                   costs->raw.value[COST_byte] * (double)bytes);
}

base_ns costs_enqueue(const struct costs *costs) {
    return rounded(costs->raw.value[COST_enqueue]);
}
base_ns costs_writable(const struct costs *costs) {
    return rounded(costs->raw.value[COST_writable]);
}
base_ns costs_wake_up(const struct costs *costs) {
    return rounded(costs->raw.value[COST_wake_up]);
}
