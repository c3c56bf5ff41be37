/* Scenario and costs come from the store: what was predicted is predicted again, and nothing else
 * changes but the speed. */
#include "cli/compare_moved.h"

#include "cli/costs.h"
#include "cli/predict.h"
#include "cli/print.h"
#include "cli/stored.h"
#include "cli/world_sim.h"
#include "validation/compare/yardstick_of.h"

#include <math.h>

static void predict(const struct compare_moved *moved, struct scenario *scenario,
                    const struct costs_choice *costs, struct compare_cell *cell) {
    struct world_sim sim;
    struct study_prediction prediction;
    print_progress(moved->options, "  predicting %s at factor %.3f", scenario->spec.name,
                   cell->factor);
    world_sim_init(&sim, scenario, costs);
    predict_ceiling(&sim, moved->options, &prediction);
    print_progress_end(moved->options);
    struct stats_interval load =
        prediction.has_as_measured ? prediction.as_measured_load : prediction.load;
    if (isnan(load.value)) /* no ceiling at that speed */
        return;
    cell->moved = (struct compare_side){.run = cell->predicted.run,
                                        .value = load.value,
                                        .low = load.low,
                                        .high = load.high,
                                        .text = "",
                                        .repeats = 1,
                                        .yardstick_ns = cell->measured.yardstick_ns};
}

/* What this program does not read any more, or was priced without a yardstick, is not moved. */
static bool move(void *context, struct compare_cell *cell) {
    const struct compare_moved *moved = context;
    struct costs_choice costs = {0};
    struct store_run run;
    if (isnan(cell->measured.yardstick_ns) || isnan(cell->predicted.value))
        return true;
    if (store_run_by_id(moved->store, cell->predicted.run, moved->arena, &run) != STORE_FOUND)
        return false; /* store->error */
    enum store_found found = stored_profile(moved->store, &run, moved->arena, &costs.profile);
    const struct profile_yardstick *send =
        found == STORE_FOUND ? profile_find_yardstick(&costs.profile, "send") : NULL;
    if (send == NULL)
        return found != STORE_FAILED;
    struct scenario scenario;
    found = stored_scenario(moved->store, &run, &scenario);
    if (found == STORE_FOUND) {
        cell->factor = compare_factor(cell->measured.yardstick_ns, send->value);
        profile_move(&costs.profile, cell->factor, 0);
        predict(moved, &scenario, &costs, cell);
    }
    files_scenario_fini(&scenario);
    return found != STORE_FAILED;
}

struct compare_mover compare_moved_mover(struct compare_moved *moved) {
    return (struct compare_mover){.move = move, .context = moved};
}
