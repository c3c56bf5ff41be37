/* One pair per case and round: connecting takes longer than a probe. A pair that breaks ends the
 * case for this round; the next round tries again. */
#include "cli/accuracy.h"

#include "cli/ceiling.h"
#include "cli/print.h"
#include "cli/procedure.h"
#include "cli/programs.h"
#include "cli/record.h"
#include "cli/stop.h"
#include "cli/world_real.h"
#include "models/workload/admission.h"
#include "models/workload/plan.h"

#include <math.h>
#include <stdio.h>

/* A search climbs from here: as a share of the predicted ceiling, well below it, and still a climb
 * should the prediction be wrong by three. */
static const double FIRST_OF_PREDICTED = 0.3;

static bool note_part(struct store *store, int64_t id, enum accuracy_part part) {
    return record_number(store, id, ACCURACY_PART_METRIC, NAN, NAN, NAN, "",
                         accuracy_part_name(part));
}

static bool begin(const struct accuracy_bench *bench, int32_t index, uint64_t replication,
                  int64_t *id) {
    const struct scenario *scenario = &bench->entries[index].scenario;
    struct record_run record = {.kind = STORE_MEASURED,
                                .command = "measure",
                                .scenario = scenario,
                                .seed = scenario->spec.seed,
                                .replication = (int64_t)replication,
                                .scale = 1};
    return record_begin(bench->store, &record, id);
}

static void say_broken(const struct scenario *scenario, const struct measure *measure) {
    if (!stop_signal)
        fprintf(stderr, "headroom: %s: %s\n", scenario->spec.name, measure->why);
}

/* --- connections --- */

static bool measure_held(const struct accuracy_bench *bench, int32_t index,
                         const struct measure_options *options, uint64_t replication) {
    const struct scenario *scenario = &bench->entries[index].scenario;
    const struct spec_node *node = &scenario->spec.nodes[0];
    struct measure_options for_ramp = *options;
    for_ramp.is_for_ramp = true;
    struct measure pair;
    int64_t id, let_in = 0, most = admission_connections_max(node->open_files, node->workers);
    if (!begin(bench, index, replication, &id))
        return false;
    bool is_measured = measure_open(&pair, &for_ramp) && measure_ramp(&pair, most + 64, &let_in);
    measure_close(&pair);
    if (!is_measured) {
        say_broken(scenario, &pair);
        return note_part(bench->store, id, ACCURACY_RAMP) &&
               record_finish(bench->store, id, stop_signal ? STORE_INTERRUPTED : STORE_REFUSED,
                             pair.why, 0);
    }
    print_say(bench->options, "  %s: %s connections held", scenario->spec.name,
              print_number((double)let_in));
    return note_part(bench->store, id, ACCURACY_RAMP) &&
           record_number(bench->store, id, "ceiling.idle", (double)let_in, NAN, NAN, "connections",
                         "open_files") &&
           record_finish(bench->store, id, STORE_DONE, NULL, 0);
}

/* --- one load --- */

static void say_load(const struct accuracy_bench *bench, const struct world_real *real,
                     enum accuracy_part part, const struct outcome *outcome) {
    print_say(bench->options, "  %s, %s: p50 %s ms, p99 %s ms, %s%s", real->scenario->spec.name,
              accuracy_part_name(part), print_number(outcome->metric[OUTCOME_latency_p50_ms]),
              print_number(outcome->metric[OUTCOME_latency_p99_ms]),
              outcome->refused ? "refused: " : outcome_verdict_name(outcome->verdict),
              outcome->refused ? outcome->refused : "");
}

/* False: the pair or the store is broken. */
static bool measure_load(const struct accuracy_bench *bench, int32_t index, struct world_real *real,
                         enum accuracy_part part, uint64_t replication) {
    double scale;
    if (!accuracy_scale_of(bench, index, part, &scale))
        return false;
    if (isnan(scale))
        return true;
    struct accuracy_window window = accuracy_window_of(bench, index, part);
    struct measure_request request = {.scale = scale,
                                      .warm_up_ns = window.warm_up_ns,
                                      .measure_ns = window.measure_ns,
                                      .seed = real->scenario->spec.seed,
                                      .replication = replication};
    struct outcome outcome;
    outcome_init(&outcome);
    real->parent = 0;
    real->part_metric = ACCURACY_PART_METRIC;
    real->part = accuracy_part_name(part);
    bool is_made = world_real_probe(real, &request, "measure", &outcome);
    real->part = NULL;
    if (is_made)
        say_load(bench, real, part, &outcome);
    else
        say_broken(real->scenario, &real->measure);
    outcome_fini(&outcome);
    return is_made;
}

/* --- the ceiling --- */

static struct study_ceiling_options search_of(const struct accuracy_bench *bench, int32_t index,
                                              uint64_t replication) {
    const struct scenario *scenario = &bench->entries[index].scenario;
    struct study_ceiling_options ask =
        procedure_ceiling(&scenario->spec, &scenario->roster, bench->options->seconds);
    double share;
    if (accuracy_scale_of(bench, index, ACCURACY_AT_30, &share) && isfinite(share)) {
        double first = share / accuracy_part_share(ACCURACY_AT_30) * FIRST_OF_PREDICTED;
        ask.first_scale = fmin(fmax(first, ask.scale_min), ask.scale_max);
    }
    ask.first_replication = replication * STUDY_PROBES_MAX;
    return ask;
}

static bool measure_search(const struct accuracy_bench *bench, int32_t index,
                           struct world_real *real, uint64_t replication) {
    if (!begin(bench, index, replication, &real->parent))
        return false;
    struct study_ceiling_options ask = search_of(bench, index, replication);
    struct study_world world = world_real_as_world(real);
    struct study_ceiling ceiling;
    struct study_listener listener = {.started_over = ceiling_say_started_over,
                                      .context = (void *)(uintptr_t)bench->options};
    study_find_ceiling(&world, &ask, &listener, &ceiling);
    struct ceiling_answer answer = world_real_answer(real, &ceiling);
    print_say(bench->options, "  %s: ceiling %s deliveries/s (%s%s%s)", real->scenario->spec.name,
              print_number(ceiling.load.value), study_ceiling_outcome_name(ceiling.outcome),
              answer.refused ? ": " : "", answer.refused ? answer.refused : "");
    if (real->is_broken)
        say_broken(real->scenario, &real->measure);
    return ceiling_record(bench->store, real->parent, &answer) &&
           note_part(bench->store, real->parent, ACCURACY_SEARCH) &&
           world_real_finish(real, &ceiling);
}

/* --- one case --- */

static bool measure_parts(const struct accuracy_bench *bench, int32_t index,
                          const struct measure_options *options, const bool wanted[ACCURACY_PARTS],
                          uint64_t replication) {
    static const enum accuracy_part loads[] = {ACCURACY_AT_OWN, ACCURACY_AT_30, ACCURACY_AT_60,
                                               ACCURACY_AT_80};
    struct world_real real = {
        .scenario = &bench->entries[index].scenario, .options = options, .store = bench->store};
    bool is_well = measure_open(&real.measure, options);
    if (!is_well)
        say_broken(real.scenario, &real.measure);
    for (size_t i = 0; i < COUNT_OF(loads) && is_well && !stop_signal; i++)
        if (wanted[loads[i]])
            is_well = measure_load(bench, index, &real, loads[i], replication);
    if (is_well && wanted[ACCURACY_SEARCH] && !stop_signal)
        is_well = measure_search(bench, index, &real, replication);
    measure_close(&real.measure);
    return !stop_signal && (is_well || real.measure.why[0] != '\0');
}

bool accuracy_measure(const struct accuracy_bench *bench, int32_t index,
                      const bool wanted[ACCURACY_PARTS], uint64_t replication) {
    struct scenario *scenario = &bench->entries[index].scenario;
    struct programs programs;
    if (!programs_find(&programs, &scenario->arena))
        return false;
    struct measure_options options = {.gateway_program = programs.gateway,
                                      .load_program = programs.load,
                                      .scenario = &scenario->spec,
                                      .roster = &scenario->roster,
                                      .scenario_text = text_bytes(&scenario->canonical),
                                      .calm_ns = fmax(bench->compare->yardstick_ns, 0),
                                      .stop = &stop_signal};
    if (wanted[ACCURACY_RAMP] && !measure_held(bench, index, &options, replication))
        return false;
    for (int part = 0; part < ACCURACY_RAMP; part++)
        if (wanted[part])
            return measure_parts(bench, index, &options, wanted, replication);
    return !stop_signal;
}
