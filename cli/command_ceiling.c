/* `headroom ceiling SCENARIO...`: how far the scenario's load can be scaled before an objective
 * breaks, in simulated time. */
#include "cli/break_search.h"
#include "cli/ceiling.h"
#include "cli/ceiling_vary.h"
#include "cli/commands.h"
#include "cli/costs.h"
#include "cli/curve.h"
#include "cli/loaded.h"
#include "cli/predict.h"
#include "cli/print.h"
#include "cli/today.h"
#include "cli/world_sim.h"
#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "sim/base/fingerprint.h"
#include "study/prediction.h"

#include <math.h>

/* A run at the ceiling itself: the order in which the other limits stand. */
static void run_at(struct world_sim *sim, double scale, struct outcome *outcome) {
    struct cluster_options run = {.layout = &sim->layout,
                                  .costs = &sim->draws[0],
                                  .plan_seed = plan_seed_of(sim->scenario->spec.seed, 0),
                                  .scale = scale,
                                  .warm_up_ns = SPEC_AUTO,
                                  .measure_ns = predict_window(),
                                  .has_generator = sim->has_generator};
    if (!cluster_run(&run, outcome))
        outcome->verdict = OUTCOME_CANNOT_TELL;
}

/* The idle ceiling over the draws of the costs: exact where descriptors decide. */
static void add_idle(struct ceiling_answer *answer, const struct world_sim *sim,
                     struct study_idle *order) {
    struct study_idle idle = ceiling_idle(&sim->layout, &sim->draws[0]);
    *order = idle;
    answer->idle_order = order;
    answer->has_idle = true;
    answer->idle = (struct stats_interval){(double)idle.connections, (double)idle.connections,
                                           (double)idle.connections};
    answer->idle_limit = idle.rows[0].name;
    answer->idle_where = idle.rows[0].where;
    for (int32_t i = 1; i < WORLD_SIM_DRAWS_MAX; i++) {
        double connections = (double)ceiling_idle(&sim->layout, &sim->draws[i]).connections;
        answer->idle.low = fmin(answer->idle.low, connections);
        answer->idle.high = fmax(answer->idle.high, connections);
    }
}

static uint64_t fingerprint_answer(const struct ceiling_answer *answer) {
    struct fingerprint fingerprint;
    fingerprint_init(&fingerprint);
    fingerprint_bytes(&fingerprint, &answer->active, sizeof answer->active);
    fingerprint_bytes(&fingerprint, &answer->as_measured, sizeof answer->as_measured);
    fingerprint_bytes(&fingerprint, &answer->idle, sizeof answer->idle);
    fingerprint_u64(&fingerprint, answer->at_ceiling ? answer->at_ceiling->fingerprint : 0);
    return fingerprint_value(&fingerprint);
}

static int answer_one(struct scenario *scenario, const struct costs_choice *costs,
                      struct store *store, const struct options *options) {
    struct record_run record = record_simulated("ceiling", scenario, costs);
    int64_t id;
    if (!record_begin(store, &record, &id))
        return EXIT_IO;
    struct world_sim sim;
    world_sim_init(&sim, scenario, costs);
    struct study_prediction prediction;
    print_say(options,
              "%s: predicting the ceiling from %d draws of the costs, %d arrival streams each",
              scenario->spec.name, predict_draws(options), PREDICT_STREAMS);
    predict_ceiling(&sim, options, &prediction);
    struct outcome at_ceiling;
    outcome_init(&at_ceiling);
    bool is_found = prediction.outcome == STUDY_FOUND;
    if (is_found)
        run_at(&sim, prediction.scale.value, &at_ceiling);
    struct ceiling_answer answer = {.source = "simulated",
                                    .scenario = scenario,
                                    .outcome = prediction.outcome,
                                    .active = prediction.load,
                                    .broke = prediction.broke,
                                    .has_as_measured = prediction.has_as_measured,
                                    .as_measured = prediction.as_measured_load,
                                    .calibration_share = prediction.calibration_share,
                                    .asked = plan_offered(&scenario->roster).deliveries_per_s,
                                    .at_ceiling = is_found ? &at_ceiling : NULL,
                                    .probes_count = (int32_t)prediction.probes_count};
    struct break_order order;
    struct loaded loaded = {scenario, prediction.scale.value};
    struct break_search_options ask = {loaded_at, &loaded, &sim.draws[0], prediction.broke,
                                       options->jobs};
    if (is_found && break_search(&ask, &scenario->arena, &order))
        answer.order = &order;
    struct study_idle idle_order;
    add_idle(&answer, &sim, &idle_order);
    answer.fingerprint = fingerprint_answer(&answer);
    bool is_kept = ceiling_record(store, id, &answer) &&
                   store_put_prediction(store, id, record_now_ns()) &&
                   record_finish(store, id, STORE_DONE, NULL, answer.fingerprint);
    if (is_kept)
        ceiling_print(&answer, options);
    if (is_kept && is_found && options->is_curve)
        is_kept = curve_record(&sim, costs, prediction.scale.value, store, id, options);
    outcome_fini(&at_ceiling);
    return is_kept ? ceiling_exit_code(&answer) : EXIT_IO;
}

static int run_one(const char *path, struct store *store, const struct options *options) {
    struct scenario scenario;
    int code = files_scenario(&scenario, path, options);
    if (code < 0) {
        struct costs_choice costs;
        code = costs_choose(&costs, options);
#ifdef HEADROOM_HAS_VALIDATION
        if (code < 0 && options->is_today)
            today_move(&costs, options);
#endif
        if (code < 0)
            code = options->vary != NULL ? ceiling_vary_answer(&scenario, &costs, store, options)
                                         : answer_one(&scenario, &costs, store, options);
        costs_choice_fini(&costs);
    }
    files_scenario_fini(&scenario);
    return code;
}

static int run(const struct options *options) {
    struct store store;
    int worst = record_open(&store, options);
    if (worst >= 0)
        return worst;
    worst = EXIT_HOLDS;
    for (int32_t i = 0; i < options->arguments_count; i++) {
        int code = run_one(options->arguments[i], &store, options);
        worst = code > worst ? code : worst;
    }
    store_close(&store);
    return worst;
}

const struct command command_ceiling = {
    .name = "ceiling",
    .arguments = "SCENARIO...",
    .summary = "predict the idle and the active ceiling, with intervals",
    .doc = "The load that is scaled is every publish rate together, or with --vary one field. The "
           "prediction is kept in --db "
           "with the time and the hash of code,\n"
           "scenario and profile, so that a later measurement can be held against it.\n\n"
           "Exit code 0 when the scenario's own load is below the ceiling's interval, 99 when it "
           "is above, 96 when inside.\n\n"
           "  headroom ceiling scenarios/lobby.json\n"
           "  headroom ceiling scenarios/lobby.json --vary rooms.size\n"
           "  headroom ceiling scenarios/lobby.json --vary populations.*.connections --json",
#ifdef HEADROOM_HAS_VALIDATION
    .takes = "sejdprtVyCJq",
#else
    .takes = "sejdprtVCJq",
#endif
    .arguments_min = 1,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
