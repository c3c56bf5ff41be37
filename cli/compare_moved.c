/* Both texts come from the store: what was predicted is predicted again, whatever the files are
 * now.
 */
#include "cli/compare_moved.h"

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/predict.h"
#include "cli/print.h"
#include "cli/world_sim.h"
#include "validation/compare/yardstick_of.h"

#include <math.h>
#include <stdlib.h>

/* A text that an older program wrote, and that this one does not read, is not predicted again. */
static bool parse_scenario(struct scenario *scenario, const char *text) {
    struct diag *diag = malloc(sizeof *diag);
    if (diag == NULL)
        return false;
    diag_init(diag);
    bool is_right = files_scenario_parse(
        scenario, text, &(struct spec_options){.file = "a stored scenario"}, NULL, diag);
    diag_fini(diag);
    free(diag);
    if (is_right)
        roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
    return is_right;
}

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
    cell->moved = (struct compare_side){.run = cell->predicted.run,
                                        .value = load.value,
                                        .low = load.low,
                                        .high = load.high,
                                        .text = "",
                                        .repeats = 1,
                                        .yardstick_ns = cell->measured.yardstick_ns};
}

static void predict_text(const struct compare_moved *moved, const char *text,
                         struct costs_choice *costs, struct compare_cell *cell) {
    const struct profile_yardstick *send = profile_find_yardstick(&costs->profile, "send");
    struct scenario scenario;
    if (send == NULL)
        return;
    cell->factor = compare_factor(cell->measured.yardstick_ns, send->value);
    profile_move(&costs->profile, cell->factor, 0);
    if (parse_scenario(&scenario, text))
        predict(moved, &scenario, costs, cell);
    files_scenario_fini(&scenario);
}

static bool move(void *context, struct compare_cell *cell) {
    const struct compare_moved *moved = context;
    struct costs_choice costs = {0};
    struct store_run run;
    struct store_text scenario, profile;
    if (isnan(cell->measured.yardstick_ns) || isnan(cell->predicted.value))
        return true;
    if (store_run_by_id(moved->store, cell->predicted.run, moved->arena, &run) != STORE_FOUND)
        return false; /* store->error */
    enum store_found found =
        store_scenario_text(moved->store, run.scenario_hash, moved->arena, &scenario);
    if (found == STORE_FOUND)
        found = store_profile_text(moved->store, run.profile_hash, moved->arena, &profile);
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    if (files_parse_profile(&costs.profile, profile.text, "the stored profile", moved->arena) < 0)
        predict_text(moved, scenario.text, &costs, cell);
    return true;
}

struct compare_mover compare_moved_mover(struct compare_moved *moved) {
    return (struct compare_mover){.move = move, .context = moved};
}
