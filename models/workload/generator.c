/* Each connection has something to be found at most once per look at it, however much it is sent.
 */
#include "models/workload/generator.h"

#include "models/workload/plan.h"

#include <math.h>

static const double BUSY_MOST = 0.95; /* beyond it a measurement is refused as generator-bound */

static double samples_of(const struct roster *roster) {
    return fmin(GENERATOR_SAMPLES, roster->clients_count);
}

/* Of the time: into what the load brings, and into looking at everybody else every so often. */
struct shares {
    double load, sweep;
};

static struct shares shares_of(const struct roster *roster, const double *cost, double scale) {
    struct plan_load load = plan_offered(roster);
    double sweeps_per_s = 1 / base_seconds(GENERATOR_SWEEP_NS);
    double others = roster->clients_count - samples_of(roster);
    double found_per_s = fmin(load.deliveries_per_s * scale, roster->clients_count * sweeps_per_s);
    double load_ns_per_s =
        load.publishes_per_s * scale * cost[COST_load_publish] + found_per_s * cost[COST_load_read];
    return (struct shares){load_ns_per_s * 1e-9,
                           others * sweeps_per_s * cost[COST_load_sweep] * 1e-9};
}

double generator_busy_share(const struct roster *roster, const struct profile_costs *costs,
                            double scale) {
    struct shares shares = shares_of(roster, costs->value, scale);
    return fmin(shares.load + shares.sweep, BUSY_MOST);
}

/* How many times as long a turn of the loop takes as its walk past the sampled connections alone.
 */
static double stretch_of(struct shares shares) {
    const double others_most = (double)GENERATOR_OTHERS_PER_TURN / GENERATOR_SAMPLES_PER_TURN;
    double in_time = 1 / (1 - fmin(shares.load + shares.sweep, BUSY_MOST));
    double behind = (1 + others_most) / (1 - fmin(shares.load, BUSY_MOST));
    return fmin(in_time, behind);
}

struct generator_delays generator_delays(const struct roster *roster,
                                         const struct profile_costs *costs, double scale) {
    double stretch = stretch_of(shares_of(roster, costs->value, scale));
    return (struct generator_delays){.lateness_ns = costs->value[COST_load_lateness] * stretch,
                                     .look_ns = costs->value[COST_load_sample] * stretch *
                                                samples_of(roster) / GENERATOR_SAMPLES};
}
