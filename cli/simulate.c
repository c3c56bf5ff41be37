/* Replication 0 of a cell is what `run` gives for the same settings and seed. */
#include "cli/simulate.h"

#include "models/cluster/cluster.h"
#include "models/workload/plan.h"

void simulate(const struct scenario *scenario, const struct layout *layout,
              const struct profile_costs *costs, uint64_t replication, double scale,
              struct outcome *outcome) {
    struct cluster_options run = {.layout = layout,
                                  .costs = costs,
                                  .plan_seed = plan_seed_of(scenario->spec.seed, replication),
                                  .scale = scale,
                                  .warm_up_ns = scenario->spec.window.warm_up,
                                  .measure_ns = scenario->spec.window.measure};
    if (!cluster_run(&run, outcome))
        outcome->verdict = OUTCOME_CANNOT_TELL;
}
