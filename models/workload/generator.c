/* Each connection has something to be found at most once per look at it, however much it is sent.
 */
#include "models/workload/generator.h"

#include "models/workload/plan.h"

#include <math.h>

static const double BUSY_MOST = 0.95; /* beyond it a measurement is refused as generator-bound */

static double samples_of(const struct roster *roster) {
    return fmin(GENERATOR_SAMPLES, roster->clients_count);
}

double generator_busy_share(const struct roster *roster, const struct profile_costs *costs,
                            double scale) {
    const double *cost = costs->value;
    struct plan_load load = plan_offered(roster);
    double sweeps_per_s = 1 / base_seconds(GENERATOR_SWEEP_NS);
    double others = roster->clients_count - samples_of(roster);
    double found_per_s = fmin(load.deliveries_per_s * scale, roster->clients_count * sweeps_per_s);
    double busy_ns_per_s = load.publishes_per_s * scale * cost[COST_load_publish] +
                           found_per_s * cost[COST_load_read] +
                           others * sweeps_per_s * cost[COST_load_sweep];
    return fmin(busy_ns_per_s * 1e-9, BUSY_MOST);
}

struct generator_delays generator_delays(const struct roster *roster,
                                         const struct profile_costs *costs, double scale) {
    double walking = 1 - generator_busy_share(roster, costs, scale);
    return (struct generator_delays){.lateness_ns = costs->value[COST_load_lateness] / walking,
                                     .look_ns = costs->value[COST_load_sample] / walking *
                                                samples_of(roster) / GENERATOR_SAMPLES};
}
