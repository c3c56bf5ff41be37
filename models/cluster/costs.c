/* Each cost is rounded once, where it becomes time. */
#include "models/cluster/costs.h"

#include <math.h>

static base_ns rounded(double ns) {
    return (base_ns)llround(ns);
}

base_ns costs_turn(const struct costs *costs, int64_t last_writes) {
    const double *value = costs->raw.value;
    return rounded(value[COST_turn] + value[COST_turn_cold] * profile_evicted((double)last_writes));
}

base_ns costs_read(const struct costs *costs, int64_t bytes, double working_set) {
    const double *value = costs->raw.value;
    return rounded(value[COST_read] + value[COST_read_cold] * profile_evicted(working_set) +
                   value[COST_read_byte] * (double)bytes);
}

base_ns costs_publish(const struct costs *costs) {
    return rounded(costs->raw.value[COST_publish]);
}

/* How likely the kernel's objects of a socket are cold depends on how many were written in between;
 * those of neighbours share pages, and what the processor keeps of them. */
base_ns costs_write(const struct costs *costs, const struct costs_write *write) {
    const double *value = costs->raw.value;
    double evicted = profile_evicted(write->working_set);
    return rounded(
        value[COST_write] +
        (value[COST_write_cold] + value[COST_write_scatter] * write->scattered) * evicted +
        value[COST_frame] * (double)write->frames + value[COST_byte] * (double)write->bytes);
}

base_ns costs_enqueue(const struct costs *costs) {
    return rounded(costs->raw.value[COST_enqueue]);
}
base_ns costs_writable(const struct costs *costs) {
    return rounded(costs->raw.value[COST_writable]);
}
base_ns costs_accept(const struct costs *costs, enum spec_tls tls) {
    const double *value = costs->raw.value;
    double handshake = tls == SPEC_TLS_FULL      ? value[COST_tls_handshake]
                       : tls == SPEC_TLS_RESUMED ? value[COST_tls_resumption]
                                                 : 0;
    return rounded(value[COST_accept] + handshake);
}
base_ns costs_wake_up(const struct costs *costs) {
    return rounded(costs->raw.value[COST_wake_up]);
}
