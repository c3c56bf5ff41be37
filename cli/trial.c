/* Clients and rooms stay who they are; only the nodes are other ones, and the clients dealt to them
 * anew. A kind without nodes leaves the scenario, since a count of 0 is none that it could ask for.
 */
#include "cli/trial.h"

#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"

void trial_init(struct trial *trial, const struct scenario *scenario, const int64_t *counts) {
    trial->spec = scenario->spec;
    trial->roster = scenario->roster;
    trial->spec.nodes = trial->kinds;
    trial->spec.nodes_count = 0;
    trial->roster.scenario = &trial->spec;
    CHECK(scenario->spec.nodes_count <= TRIAL_KINDS_MAX);
    for (int32_t i = 0; i < scenario->spec.nodes_count; i++) {
        struct spec_node *kind = &trial->kinds[trial->spec.nodes_count];
        if (counts[i] == 0)
            continue;
        *kind = scenario->spec.nodes[i];
        kind->count = counts[i];
        trial->spec.nodes_count++;
    }
    CHECK(trial->spec.nodes_count > 0);
    arena_init(&trial->arena);
    layout_init(&trial->layout, &trial->roster, trial->spec.seed, &trial->arena);
}

void trial_fini(struct trial *trial) {
    arena_fini(&trial->arena);
}

void trial_run(const struct trial *trial, const struct profile_costs *costs,
               const struct trial_load *load, struct outcome *outcome) {
    struct cluster_options run = {.layout = &trial->layout,
                                  .costs = costs,
                                  .plan_seed = plan_seed_of(trial->spec.seed, load->replication),
                                  .scale = load->scale,
                                  .warm_up_ns = trial->spec.window.warm_up,
                                  .measure_ns = trial->spec.window.measure};
    if (!cluster_run(&run, outcome))
        outcome->verdict = OUTCOME_CANNOT_TELL;
}
