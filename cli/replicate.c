/* Batches on a pool of threads; after each one the estimates say how many more there should be, at
 * most as many again, since a variance from few replications is a rough one. Stopping when the
 * interval is narrow enough makes it cover a little less than it says (Law and Kelton, sequential
 * procedures); with eight to begin with and whole batches the loss is small. */
#include "cli/replicate.h"

#include "cli/pool.h"
#include "cli/print.h"
#include "cli/procedure.h"
#include "cli/record.h"
#include "cli/simulate.h"
#include "cli/stop.h"
#include "cli/world_sim.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BATCH = 8, MAX_DEFAULT = 200 };

bool replicate_is_asked(const struct options *options) {
    return options->reps > 1 || options->precision > 0 || options->max_reps > 0;
}

/* --- one replication --- */

struct batch {
    struct replicate *replicate;
    int32_t first;
    pthread_mutex_t lock; /* of the store, the pooled outcome and has_failed */
    int32_t done_count;
    bool has_failed;
};

static bool keep(struct batch *batch, int32_t number, const struct outcome *outcome,
                 int64_t started_at_ns) {
    struct replicate *replicate = batch->replicate;
    struct record_run record =
        record_simulated("replication", replicate->scenario, replicate->costs);
    record.parent = replicate->run;
    record.replication = number;
    record.scale = replicate->options->scale;
    record.started_at_ns = started_at_ns;
    enum store_state state = outcome->refused ? STORE_REFUSED : STORE_DONE;
    int64_t id;
    return record_begin(replicate->store, &record, &id) &&
           record_outcome(replicate->store, id, outcome) &&
           record_number(replicate->store, id, "draw", study_draw_of_replication(number), NAN, NAN,
                         "", NULL) &&
           record_finish(replicate->store, id, state, outcome->refused, outcome->fingerprint);
}

static double distance_of(const struct replicate *replicate, const struct outcome *outcome) {
    struct study_objective objective = procedure_objective(&replicate->scenario->spec);
    struct study_probe_result result = world_result_of(outcome);
    if (outcome->verdict == OUTCOME_CANNOT_TELL || outcome->refused)
        return (double)NAN;
    return study_distance_of(&result, &objective).logit;
}

static void note(struct replicate *replicate, int32_t number, const struct outcome *outcome) {
    struct replicate_one *one = &replicate->ones[number];
    memcpy(one->metric, outcome->metric, sizeof one->metric);
    one->distance = distance_of(replicate, outcome);
    memcpy(one->resources, outcome->resources, sizeof one->resources);
    one->resources_count = outcome->resources_count;
    hist_merge(&replicate->pooled.latency, &outcome->latency);
    one->warm_up_ns = outcome->warm_up_ns;
    one->fingerprint = outcome->fingerprint;
    one->verdict = outcome->verdict;
    one->broke = outcome->broke;
}

static void run_one(void *context, int32_t index) {
    struct batch *batch = context;
    struct replicate *replicate = batch->replicate;
    const struct spec_scenario *spec = &replicate->scenario->spec;
    int32_t number = batch->first + index;
    if (stop_signal != 0)
        return;
    struct profile_costs costs =
        world_sim_draw(&replicate->costs->profile, spec->seed, study_draw_of_replication(number));
    struct outcome outcome;
    outcome_init(&outcome);
    int64_t started_at_ns = record_now_ns();
    simulate(replicate->scenario, &replicate->layout, &costs, (uint64_t)number,
             replicate->options->scale, &outcome);
    pthread_mutex_lock(&batch->lock);
    note(replicate, number, &outcome);
    if (!batch->has_failed && !keep(batch, number, &outcome, started_at_ns))
        batch->has_failed = true;
    batch->done_count++;
    print_progress(replicate->options, "%d of %d replications", batch->first + batch->done_count,
                   replicate->target);
    pthread_mutex_unlock(&batch->lock);
    outcome_fini(&outcome);
}

static bool run_batch(struct replicate *replicate) {
    struct batch batch = {.replicate = replicate, .first = replicate->count};
    int32_t count = replicate->target - replicate->count;
    pthread_mutex_init(&batch.lock, NULL);
    pool_map(replicate->options->jobs, count, run_one, &batch);
    pthread_mutex_destroy(&batch.lock);
    print_progress_end(replicate->options);
    if (batch.done_count == count)
        replicate->count = replicate->target;
    return !batch.has_failed;
}

/* --- all of them --- */

/* No cost has an error, so all draws are the same. */
static bool is_certain(const struct costs_choice *costs) {
    for (int i = 0; i < COST_COUNT; i++)
        if (costs->profile.costs[i].standard_error > 0)
            return false;
    return true;
}

static struct study_estimate estimate_of(const struct replicate *replicate, int32_t metric) {
    double *values = calloc((size_t)replicate->count, sizeof *values);
    CHECK(values != NULL);
    for (int32_t i = 0; i < replicate->count; i++)
        values[i] = metric < 0 ? replicate->ones[i].distance : replicate->ones[i].metric[metric];
    struct study_estimate estimate =
        study_estimate_of(values, replicate->count, is_certain(replicate->costs));
    free(values);
    return estimate;
}

static void estimate_all(struct replicate *replicate) {
    for (int i = 0; i < OUTCOME_METRICS; i++)
        replicate->estimates[i] = estimate_of(replicate, i);
    replicate->distance = estimate_of(replicate, -1);
    replicate->more_to_tell = study_more_to_tell(&replicate->distance, 0);
    replicate->more_for_precision = 0;
    if (replicate->options->precision > 0) {
        const struct study_estimate *estimate = &replicate->estimates[replicate->metric];
        replicate->more_for_precision =
            study_more_until(estimate, replicate->options->precision * fabs(estimate->mean));
    }
}

/* False: enough, or as many as may be. */
static bool aim_further(struct replicate *replicate) {
    int64_t more = replicate->more_for_precision;
    if (more == 0 || replicate->count >= replicate->max || stop_signal != 0)
        return false;
    more = more > replicate->count ? replicate->count : more;
    more = more > replicate->max - replicate->count ? replicate->max - replicate->count : more;
    replicate->target = replicate->count + (int32_t)more;
    return true;
}

static bool run_all(struct replicate *replicate) {
    do {
        if (!run_batch(replicate))
            return false;
        if (replicate->count < replicate->target) /* stopped */
            return true;
        estimate_all(replicate);
    } while (aim_further(replicate));
    return true;
}

/* The most frequent reason among the replications on that side. */
static const char *broke_of(const struct replicate *replicate) {
    const char *best = "";
    int32_t most = 0;
    for (int32_t i = 0; i < replicate->count; i++) {
        int32_t votes = 0;
        for (int32_t j = 0; j < replicate->count && *replicate->ones[i].broke; j++)
            votes += strcmp(replicate->ones[i].broke, replicate->ones[j].broke) == 0;
        best = votes > most ? replicate->ones[i].broke : best;
        most = votes > most ? votes : most;
    }
    return best;
}

static enum outcome_verdict verdict_of(const struct replicate *replicate) {
    int32_t unstable = 0;
    for (int32_t i = 0; i < replicate->count; i++)
        unstable += replicate->ones[i].verdict == OUTCOME_UNSTABLE;
    switch (study_side_of(&replicate->distance, 0)) {
    case -1:
        return OUTCOME_HOLDS;
    case 1:
        return 2 * unstable > replicate->count ? OUTCOME_UNSTABLE : OUTCOME_FAILS;
    default:
        return OUTCOME_CANNOT_TELL;
    }
}

/* The mean use of each; they stand in one order in every run of a scenario. */
static void pool_resources(struct replicate *replicate) {
    struct outcome *pooled = &replicate->pooled;
    const struct replicate_one *first = &replicate->ones[0];
    memcpy(pooled->resources, first->resources, sizeof pooled->resources);
    pooled->resources_count = first->resources_count;
    for (int32_t r = 0; r < pooled->resources_count; r++) {
        double used = 0;
        for (int32_t i = 0; i < replicate->count; i++) {
            CHECK(replicate->ones[i].resources_count == first->resources_count);
            used += replicate->ones[i].resources[r].used;
        }
        pooled->resources[r].used = used / replicate->count;
    }
}

static void pool_outcomes(struct replicate *replicate) {
    struct outcome *pooled = &replicate->pooled;
    struct fingerprint fingerprint;
    double warm_up_ns = 0;
    fingerprint_init(&fingerprint);
    for (int i = 0; i < OUTCOME_METRICS; i++)
        pooled->metric[i] = replicate->estimates[i].mean;
    for (int32_t i = 0; i < replicate->count; i++) {
        fingerprint_u64(&fingerprint, replicate->ones[i].fingerprint);
        warm_up_ns += (double)replicate->ones[i].warm_up_ns / replicate->count;
    }
    pool_resources(replicate);
    pooled->fingerprint = fingerprint_value(&fingerprint);
    pooled->verdict = verdict_of(replicate);
    pooled->broke = pooled->verdict == OUTCOME_HOLDS ? "" : broke_of(replicate);
    pooled->window_ns = replicate->scenario->spec.window.measure;
    pooled->warm_up_ns = llround(warm_up_ns);
}

/* The pooled figures with their intervals, in the parent's row. */
static bool record_pooled(struct replicate *replicate) {
    struct store *store = replicate->store;
    if (!record_outcome(store, replicate->run, &replicate->pooled) ||
        !record_number(store, replicate->run, "replications", replicate->count, NAN, NAN, "", NULL))
        return false;
    for (int i = 0; i < OUTCOME_METRICS; i++) {
        struct stats_interval interval = replicate->estimates[i].interval;
        enum outcome_metric metric = (enum outcome_metric)i;
        if (isfinite(interval.value) &&
            !record_number(store, replicate->run, outcome_metric_name(metric), interval.value,
                           interval.low, interval.high, outcome_metric_unit(metric), NULL))
            return false;
    }
    return store_put_prediction(store, replicate->run, record_now_ns());
}

static int finish(struct replicate *replicate) {
    if (replicate->count < replicate->target) {
        fprintf(stderr, "headroom: stopped; the replications that ended are kept in %s\n",
                replicate->store->path);
        return record_finish(replicate->store, replicate->run, STORE_INTERRUPTED,
                             "stopped by a signal", 0)
                   ? stop_exit_code()
                   : EXIT_IO;
    }
    pool_outcomes(replicate);
    if (!record_pooled(replicate) || !record_finish(replicate->store, replicate->run, STORE_DONE,
                                                    NULL, replicate->pooled.fingerprint))
        return EXIT_IO;
    if (replicate->options->is_json)
        replicate_print_json(replicate);
    else
        replicate_print_text(replicate);
    int code = print_exit_code(replicate->pooled.verdict);
    return code == EXIT_HOLDS && replicate->more_for_precision > 0 ? EXIT_CANNOT_TELL : code;
}

/* --- the command --- */

static int find_metric(const char *name, enum outcome_metric *metric) {
    const char *names[OUTCOME_METRICS];
    for (int i = 0; i < OUTCOME_METRICS; i++) {
        names[i] = outcome_metric_name((enum outcome_metric)i);
        if (strcmp(names[i], name) == 0) {
            *metric = (enum outcome_metric)i;
            return -1;
        }
    }
    const char *nearest = text_nearest(name, names, OUTCOME_METRICS);
    fprintf(stderr, "headroom: --metric: \"%s\" is no metric of a run", name);
    if (nearest)
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    else
        fprintf(stderr, "; docs/reference/metrics.md lists them\n");
    return EXIT_USAGE;
}

static int32_t even(int32_t count) {
    return count + count % STUDY_STREAMS_PER_DRAW;
}

static int read_options(struct replicate *replicate) {
    const struct options *options = replicate->options;
    const char *why = NULL;
    if (options->reps > 1 && options->reps < STUDY_REPLICATIONS_MIN)
        why = "--reps: an interval takes at least 4 replications";
    if (options->max_reps > 0 && options->precision <= 0)
        why = "--max-reps: there is nothing to stop without --precision";
    if (why != NULL) {
        fprintf(stderr, "headroom: %s\n", why);
        return EXIT_USAGE;
    }
    bool is_fixed = options->precision <= 0;
    replicate->target = even(options->reps > 1 ? options->reps : FIRST_BATCH);
    int32_t max = even(options->max_reps > 0 ? options->max_reps : MAX_DEFAULT);
    replicate->max = is_fixed || max < replicate->target ? replicate->target : max;
    return find_metric(options->metric ? options->metric : "latency_p99_ms", &replicate->metric);
}

static int run_and_print(struct replicate *replicate) {
    const struct scenario *scenario = replicate->scenario;
    struct record_run record = record_simulated("run", scenario, replicate->costs);
    record.scale = replicate->options->scale;
    if (!record_begin(replicate->store, &record, &replicate->run))
        return EXIT_IO;
    replicate->ones = calloc((size_t)replicate->max, sizeof *replicate->ones);
    CHECK(replicate->ones != NULL);
    layout_init(&replicate->layout, &scenario->roster, scenario->spec.seed,
                &replicate->scenario->arena);
    outcome_init(&replicate->pooled);
    stop_catch();
    int code = run_all(replicate) ? finish(replicate) : EXIT_IO;
    outcome_fini(&replicate->pooled);
    free(replicate->ones);
    return code;
}

int replicate_answer(struct scenario *scenario, const struct costs_choice *costs,
                     const struct options *options) {
    struct store store;
    struct replicate replicate = {
        .options = options, .scenario = scenario, .costs = costs, .store = &store};
    int code = read_options(&replicate);
    if (code < 0)
        code = record_open(&store, options);
    if (code >= 0)
        return code;
    code = run_and_print(&replicate);
    store_close(&store);
    return code;
}
