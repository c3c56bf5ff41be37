/* All are simulated first and then kept, in order: a store has one writer. */
#include "cli/curve.h"

#include "cli/pool.h"
#include "cli/predict.h"
#include "cli/print.h"
#include "cli/record.h"
#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"

#include <stdlib.h>

/* Of the ceiling: close where the curve bends. */
static const double shares[] = {0.1, 0.2,  0.3, 0.4,  0.5, 0.6,  0.7, 0.75,
                                0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2};
enum { LOADS = COUNT_OF(shares), DRAWS = 8 };

struct curve {
    struct world_sim *sim;
    double scale;
    struct outcome outcomes[LOADS * DRAWS];
};

static void run_one(void *context, int32_t index) {
    struct curve *curve = context;
    const struct world_sim *sim = curve->sim;
    struct outcome *outcome = &curve->outcomes[index];
    struct cluster_options run = {.layout = &sim->layout,
                                  .costs = &sim->draws[1 + index % DRAWS],
                                  .plan_seed = plan_seed_of(sim->scenario->spec.seed, 0),
                                  .scale = curve->scale * shares[index / DRAWS],
                                  .warm_up_ns = SPEC_AUTO,
                                  .measure_ns = predict_window(),
                                  .has_generator = sim->has_generator};
    outcome_init(outcome);
    if (!cluster_run(&run, outcome))
        outcome->refused = "a bound of the engine was reached";
}

static bool keep(const struct curve *curve, int32_t index, const struct costs_choice *costs,
                 struct store *store, int64_t ceiling, uint64_t code_hash) {
    const struct outcome *outcome = &curve->outcomes[index];
    struct record_run record = record_simulated("probe", curve->sim->scenario, costs);
    record.parent = ceiling;
    record.replication = index % DRAWS;
    record.scale = curve->scale * shares[index / DRAWS];
    record.code_hash = code_hash;
    int64_t id;
    return record_begin(store, &record, &id) && record_outcome(store, id, outcome) &&
           record_finish(store, id, outcome->refused ? STORE_REFUSED : STORE_DONE, outcome->refused,
                         outcome->fingerprint);
}

bool curve_record(struct world_sim *sim, const struct costs_choice *costs, double scale,
                  struct store *store, int64_t ceiling, const struct options *options) {
    struct curve *curve = calloc(1, sizeof *curve);
    CHECK(curve != NULL);
    curve->sim = sim;
    curve->scale = scale;
    print_say(options, "the curve: %d loads around the ceiling, %d draws of the costs each",
              (int)LOADS, (int)DRAWS);
    pool_map(options->jobs, LOADS * DRAWS, run_one, curve);
    uint64_t code_hash = files_code_hash();
    bool is_kept = true;
    for (int32_t i = 0; i < LOADS * DRAWS; i++) {
        is_kept = is_kept && keep(curve, i, costs, store, ceiling, code_hash);
        outcome_fini(&curve->outcomes[i]);
    }
    free(curve);
    return is_kept;
}
