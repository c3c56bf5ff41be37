/* A figure of a load is the spread over draws of the costs, with what calibration leaves open.
 * Latencies multiply, so theirs is on the logarithm; counts are as they are.
 *
 * The draws run under the very plans that the rounds will measure: a plan is a function of seed and
 * replication, known before anything is measured, and in three seconds of a room of thousands the
 * few publishes that come close together are most of a p99. Draws under plans of their own would
 * answer for another three seconds. */
#include "cli/accuracy.h"

#include "cli/ceiling.h"
#include "cli/pool.h"
#include "cli/predict.h"
#include "cli/print.h"
#include "cli/procedure.h"
#include "cli/record.h"
#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"
#include "study/variance.h"

#include <math.h>
#include <string.h>

static const double LOAD_WINDOW_S = 3;

struct accuracy_window accuracy_window_of(const struct accuracy_bench *bench, int32_t index,
                                          enum accuracy_part part) {
    const struct spec_window *window = &bench->entries[index].scenario.spec.window;
    double seconds = bench->options->seconds;
    if (part != ACCURACY_AT_OWN)
        return (struct accuracy_window){
            procedure_warm_up(), base_ns_from_seconds(seconds > 0 ? seconds : LOAD_WINDOW_S)};
    return (struct accuracy_window){
        window->warm_up == SPEC_AUTO ? 2 * BASE_NS_PER_S : window->warm_up, window->measure};
}

bool accuracy_scale_of(const struct accuracy_bench *bench, int32_t index, enum accuracy_part part,
                       double *scale) {
    *scale = 1;
    if (isnan(accuracy_part_share(part)))
        return true;
    struct arena arena;
    arena_init(&arena);
    struct store_run run;
    struct store_metric metric;
    enum store_found found =
        accuracy_find_prediction(bench->store, bench->compare, &bench->compare->cases[index],
                                 ACCURACY_SEARCH, 1, &arena, &run);
    if (found == STORE_FOUND)
        found = store_metric_of(bench->store, run.id, ACCURACY_SCALE_METRIC, &arena, &metric);
    *scale = found == STORE_FOUND ? metric.value * accuracy_part_share(part) : (double)NAN;
    arena_fini(&arena);
    if (found == STORE_FAILED)
        fprintf(stderr, "headroom: %s\n", bench->store->error);
    return found != STORE_FAILED;
}

/* --- one load --- */

static const struct figure {
    const char *name, *unit;
    bool is_logarithmic;
} figures[] = {
    {"latency_p50_ms", "ms", true},
    {"latency_p99_ms", "ms", true},
    {"memory_per_connection", "bytes", false},
    {"closed_slow", "connections", false},
    {"dropped", "messages", false},
    {"conflated", "messages", false},
    {"queued_bytes_max", "bytes", false},
};
enum { FIGURES = COUNT_OF(figures) };

struct drawn {
    double value[FIGURES];
    enum outcome_verdict verdict;
};

struct job {
    const struct world_sim *sim;
    double scale;
    struct accuracy_window window;
    int32_t rounds; /* replications 0 .. rounds-1 are what will be measured */
    struct drawn drawn[WORLD_SIM_DRAWS_MAX];
};

static void run_draw(void *context, int32_t index) {
    struct job *job = context;
    struct outcome outcome;
    outcome_init(&outcome);
    struct cluster_options run = {
        .layout = &job->sim->layout,
        .costs = &job->sim->draws[1 + index],
        .plan_seed = plan_seed_of(job->sim->scenario->spec.seed, (uint64_t)(index % job->rounds)),
        .scale = job->scale,
        .warm_up_ns = job->window.warm_up_ns,
        .measure_ns = job->window.measure_ns,
        .has_generator = job->sim->has_generator};
    if (!cluster_run(&run, &outcome))
        outcome.verdict = OUTCOME_CANNOT_TELL;
    const double *metric = outcome.metric;
    job->drawn[index] =
        (struct drawn){.value = {metric[OUTCOME_latency_p50_ms], metric[OUTCOME_latency_p99_ms],
                                 record_memory_per_connection(&outcome),
                                 metric[OUTCOME_closed_slow], metric[OUTCOME_dropped],
                                 metric[OUTCOME_conflated], metric[OUTCOME_queued_bytes_max]},
                       .verdict = outcome.verdict};
    outcome_fini(&outcome);
}

/* 95 % for one more run. */
static struct stats_interval spread_of(const struct job *job, int32_t draws, int32_t figure) {
    struct stats stats;
    double values[WORLD_SIM_DRAWS_MAX];
    stats_init(&stats);
    for (int32_t i = 0; i < draws; i++) {
        values[i] = job->drawn[i].value[figure];
        stats_add(&stats, figures[figure].is_logarithmic ? log(values[i]) : values[i]);
    }
    double variance = stats_variance(&stats) * (1 + 1 / (double)draws);
    struct stats_interval interval = study_t_interval(stats.mean, variance, draws - 1, 0.95);
    if (figures[figure].is_logarithmic)
        return (struct stats_interval){exp(interval.value), exp(interval.low), exp(interval.high)};
    return (struct stats_interval){stats_median(values, (size_t)draws), fmax(interval.low, 0),
                                   interval.high};
}

static enum outcome_verdict most_frequent_verdict(const struct job *job, int32_t draws) {
    int32_t counts[OUTCOME_CANNOT_TELL + 1] = {0};
    int best = 0;
    for (int32_t i = 0; i < draws; i++)
        counts[job->drawn[i].verdict]++;
    for (int i = 0; i <= OUTCOME_CANNOT_TELL; i++)
        best = counts[i] > counts[best] ? i : best;
    return (enum outcome_verdict)best;
}

static bool predict_load(const struct accuracy_bench *bench, const struct world_sim *sim,
                         struct job *job, int64_t id) {
    int32_t draws = predict_draws(bench->options);
    draws = draws < WORLD_SIM_DRAWS_MAX ? draws : WORLD_SIM_DRAWS_MAX - 1;
    job->sim = sim;
    pool_map(bench->options->jobs, draws, run_draw, job);
    for (int32_t i = 0; i < FIGURES; i++) {
        struct stats_interval spread = spread_of(job, draws, i);
        if (isfinite(spread.value) &&
            !record_number(bench->store, id, figures[i].name, spread.value, spread.low, spread.high,
                           figures[i].unit, NULL))
            return false;
    }
    return record_number(bench->store, id, "verdict", NAN, NAN, NAN, "",
                         outcome_verdict_name(most_frequent_verdict(job, draws)));
}

/* --- the ceilings --- */

static bool predict_search(const struct accuracy_bench *bench, struct world_sim *sim, int64_t id) {
    struct study_prediction prediction;
    predict_ceiling(sim, bench->options, &prediction);
    struct ceiling_answer answer = {.source = "simulated",
                                    .scenario = sim->scenario,
                                    .outcome = prediction.outcome,
                                    .active = prediction.load,
                                    .broke = prediction.broke,
                                    .has_as_measured = prediction.has_as_measured,
                                    .as_measured = prediction.as_measured_load,
                                    .calibration_share = prediction.calibration_share};
    double scale = prediction.outcome == STUDY_FOUND ? prediction.scale.value : (double)NAN;
    return ceiling_record(bench->store, id, &answer) &&
           record_number(bench->store, id, ACCURACY_SCALE_METRIC, scale, NAN, NAN, "", NULL);
}

static bool predict_ramp(const struct accuracy_bench *bench, const struct world_sim *sim,
                         int64_t id) {
    struct study_idle idle = ceiling_idle(&sim->layout, &sim->draws[0]);
    struct stats_interval held = {(double)idle.connections, (double)idle.connections,
                                  (double)idle.connections};
    for (int32_t i = 1; i < WORLD_SIM_DRAWS_MAX; i++) {
        double connections = (double)ceiling_idle(&sim->layout, &sim->draws[i]).connections;
        held.low = fmin(held.low, connections);
        held.high = fmax(held.high, connections);
    }
    return record_number(bench->store, id, "ceiling.idle", held.value, held.low, held.high,
                         "connections", idle.rows[0].name);
}

/* --- any part --- */

static bool predict_part(const struct accuracy_bench *bench, int32_t index, enum accuracy_part part,
                         double factor, double scale, int64_t id) {
    struct costs_choice moved = *bench->costs;
    if (factor != 1)
        profile_move(&moved.profile, factor, 0);
    struct world_sim sim;
    world_sim_init(&sim, &bench->entries[index].scenario, &moved);
    struct job job = {.scale = scale,
                      .window = accuracy_window_of(bench, index, part),
                      .rounds = bench->compare->repeats > 0 ? bench->compare->repeats : 1};
    bool is_kept = part == ACCURACY_SEARCH ? predict_search(bench, &sim, id)
                   : part == ACCURACY_RAMP ? predict_ramp(bench, &sim, id)
                                           : predict_load(bench, &sim, &job, id);
    return is_kept && record_number(bench->store, id, ACCURACY_PART_METRIC, factor, NAN, NAN, "",
                                    accuracy_part_name(part));
}

/* A moved prediction is made after the measurement, so it is not written down as one: `compare`
 * would refuse it, and so it should. */
static bool predict_and_keep(const struct accuracy_bench *bench, int32_t index,
                             enum accuracy_part part, double factor, double scale) {
    const struct scenario *scenario = &bench->entries[index].scenario;
    struct record_run record =
        record_simulated(part == ACCURACY_SEARCH ? "ceiling" : "run", scenario, bench->costs);
    record.scale = scale;
    int64_t id;
    print_progress(bench->options, "  predicting %s, %s, at factor %.3f", scenario->spec.name,
                   accuracy_part_name(part), factor);
    if (!record_begin(bench->store, &record, &id) ||
        !predict_part(bench, index, part, factor, scale, id))
        return false;
    if (factor == 1 && !store_put_prediction(bench->store, id, record_now_ns())) {
        fprintf(stderr, "headroom: %s\n", bench->store->error);
        return false;
    }
    return record_finish(bench->store, id, STORE_DONE, NULL, 0);
}

bool accuracy_predict(const struct accuracy_bench *bench, int32_t index, enum accuracy_part part,
                      double factor) {
    struct arena arena;
    struct store_run run;
    arena_init(&arena);
    enum store_found found = accuracy_find_prediction(
        bench->store, bench->compare, &bench->compare->cases[index], part, factor, &arena, &run);
    arena_fini(&arena);
    if (found == STORE_FAILED)
        fprintf(stderr, "headroom: %s\n", bench->store->error);
    double scale;
    if (found != STORE_MISSING || !accuracy_scale_of(bench, index, part, &scale))
        return found == STORE_FOUND;
    return isnan(scale) || predict_and_keep(bench, index, part, factor, scale);
}
