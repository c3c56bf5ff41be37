/* `headroom measure SCENARIO...`: the same scenario on the real pair; with --ceiling, the same
 * search as the prediction's. */
#include "cli/ceiling.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/procedure.h"
#include "cli/programs.h"
#include "cli/stop.h"
#include "cli/stored.h"
#include "cli/world_real.h"
#include "models/workload/admission.h"
#include "models/workload/plan.h"
#include "validation/compare/yardstick_of.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- one load --- */

static int answer_run(struct world_real *real, const struct options *options) {
    const struct scenario *scenario = real->scenario;
    struct outcome outcome;
    outcome_init(&outcome);
    struct measure_request request = {
        .scale = options->scale,
        .warm_up_ns = scenario->spec.window.warm_up == SPEC_AUTO ? 2 * BASE_NS_PER_S
                                                                 : scenario->spec.window.warm_up,
        .measure_ns = options->seconds > 0 ? base_ns_from_seconds(options->seconds)
                                           : scenario->spec.window.measure,
        .seed = scenario->spec.seed};
    bool is_made = world_real_probe(real, &request, "measure", &outcome);
    int code = !is_made          ? EXIT_UNAVAILABLE
               : outcome.refused ? EXIT_REFUSED
                                 : print_exit_code(outcome.verdict);
    if (!is_made)
        fprintf(stderr, "headroom: %s: %s\n", scenario->spec.name, real->measure.why);
    struct print_run print = {.scenario = scenario->spec.name,
                              .source = "measured",
                              .outcome = &outcome,
                              .spec = &scenario->spec,
                              .seed = scenario->spec.seed,
                              .scale = options->scale};
    if (is_made && options->is_json)
        print_json(print_run_json(&print));
    else if (is_made)
        print_run_text(&print);
    outcome_fini(&outcome);
    return code;
}

/* --- the ceiling --- */

/* The descriptor ceiling, with a pair of its own; NAN with a word on stderr when it cannot be
 * reached here. */
static double measure_idle(const struct measure_options *options, const struct options *words) {
    const struct spec_node *node = &options->scenario->nodes[0];
    struct measure_options for_ramp = *options;
    for_ramp.is_for_ramp = true;
    struct measure pair;
    int64_t let_in = 0;
    int64_t most = admission_connections_max(node->open_files, node->workers);
    bool is_measured = measure_open(&pair, &for_ramp) && measure_ramp(&pair, most + 64, &let_in);
    if (!is_measured)
        print_say(words, "  idle ceiling not measured: %s", pair.why);
    measure_close(&pair);
    return is_measured ? (double)let_in : NAN;
}

static struct ceiling_answer search(struct world_real *real, const struct options *options,
                                    struct study_ceiling *ceiling) {
    const struct scenario *scenario = real->scenario;
    struct study_ceiling_options ask =
        procedure_ceiling(&scenario->spec, &scenario->roster, options->seconds);
    struct study_world world = world_real_as_world(real);
    struct study_listener listener = {.probed = ceiling_say_probe,
                                      .started_over = ceiling_say_started_over,
                                      .context = (void *)(uintptr_t)options};
    study_find_ceiling(&world, &ask, &listener, ceiling);
    return world_real_answer(real, ceiling);
}

static int answer_ceiling(struct world_real *real, const struct options *options) {
    struct record_run record = {.kind = STORE_MEASURED,
                                .command = "measure",
                                .scenario = real->scenario,
                                .seed = real->scenario->spec.seed,
                                .scale = 1};
    if (!record_begin(real->store, &record, &real->parent))
        return EXIT_IO;
    double idle = measure_idle(real->options, options);
    if (!measure_open(&real->measure, real->options)) {
        fprintf(stderr, "headroom: %s: %s\n", real->scenario->spec.name, real->measure.why);
        bool is_noted =
            record_finish(real->store, real->parent, STORE_INTERRUPTED, real->measure.why, 0);
        return is_noted ? EXIT_UNAVAILABLE : EXIT_IO;
    }
    struct study_ceiling ceiling;
    struct ceiling_answer answer = search(real, options, &ceiling);
    answer.has_idle = isfinite(idle);
    answer.idle = (struct stats_interval){idle, idle, idle};
    answer.idle_limit = "open_files";
    bool is_kept =
        ceiling_record(real->store, real->parent, &answer) && world_real_finish(real, &ceiling);
    if (real->is_broken)
        fprintf(stderr, "headroom: %s: %s\n", real->scenario->spec.name, real->measure.why);
    ceiling_print(&answer, options);
    if (stop_signal)
        return stop_exit_code();
    return !is_kept ? EXIT_IO : real->is_broken ? EXIT_UNAVAILABLE : ceiling_exit_code(&answer);
}

/* --- one scenario --- */

/* What a bare send took when the newest calibration in the database was made; 0: there is none. A
 * machine that has moods is measured in the one that was calibrated, where waiting can bring it. */
static double calm_of(struct store *store) {
    struct arena arena;
    struct store_run run;
    struct store_metric yard = {.value = 0};
    arena_init(&arena);
    bool has =
        stored_calibration(store, &arena, &run) == STORE_FOUND &&
        store_metric_of(store, run.id, COMPARE_YARDSTICK_METRIC, &arena, &yard) == STORE_FOUND;
    arena_fini(&arena);
    return has ? yard.value : 0;
}

static int measure_scenario(struct scenario *scenario, struct store *store,
                            const struct options *options) {
    struct programs programs;
    if (!files_check_real(scenario))
        return EXIT_INPUT;
    if (!programs_find(&programs, &scenario->arena))
        return EXIT_UNAVAILABLE;
    struct measure_options pair = {.gateway_program = programs.gateway,
                                   .load_program = programs.load,
                                   .scenario = &scenario->spec,
                                   .roster = &scenario->roster,
                                   .scenario_text = text_bytes(&scenario->canonical),
                                   .calm_ns = calm_of(store),
                                   .stop = &stop_signal};
    struct world_real real = {.scenario = scenario, .options = &pair, .store = store};
    print_say(options, "%s: %d clients against the real gateway", scenario->spec.name,
              scenario->roster.clients_count);
    int code;
    if (options->is_ceiling) {
        code = answer_ceiling(&real, options);
    } else if (measure_open(&real.measure, &pair)) {
        code = answer_run(&real, options);
    } else {
        fprintf(stderr, "headroom: %s: %s\n", scenario->spec.name, real.measure.why);
        code = EXIT_UNAVAILABLE;
    }
    measure_close(&real.measure);
    return code;
}

static int run(const struct options *options) {
    struct store store;
    int worst = record_open(&store, options);
    if (worst >= 0)
        return worst;
    stop_catch();
    worst = EXIT_HOLDS;
    for (int32_t i = 0; i < options->arguments_count && !stop_signal; i++) {
        struct scenario scenario;
        int code = files_scenario(&scenario, options->arguments[i], options);
        if (code < 0)
            code = measure_scenario(&scenario, &store, options);
        files_scenario_fini(&scenario);
        worst = code > worst ? code : worst;
    }
    store_close(&store);
    return stop_signal ? stop_exit_code() : worst;
}

const struct command command_measure = {
    .name = "measure",
    .arguments = "SCENARIO...",
    .summary =
        "run a scenario for real: the gateway on one processor, the load generator on another",
    .doc =
        "With --ceiling, searches for the active ceiling with the same procedure that `headroom "
        "ceiling` predicts, and ramps connections up to the\n"
        "descriptor limit. A run that is no measurement is refused by name, exit code 75: the "
        "generator was the bottleneck, the host took processor\n"
        "time (above 3 %), the yardstick moved by more than a fifth, or the rate was not reached. "
        "Everything runs on 127.0.0.1.",
    .takes = "sedxctJq",
    .arguments_min = 1,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
