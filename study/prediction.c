/* A rough look at every draw, then all replications and what the measuring procedure would read,
 * side by side.
 *
 * The rough looks share one stream of arrivals and short windows, which read too high and all
 * alike: the pilot's own root tells by how much, and the rest is what the costs do. So a
 * replication begins within a percent or so of its root, knows how steep it is there, and needs
 * half the long windows that groping from the pilot took. A rough root is where to begin and never
 * part of an answer.
 *
 * Every task writes to a slot of its own and the sums are made afterwards in the order of the
 * indices, so the answer does not depend on the executor. The reading is paired with the root of
 * the same draw: their difference is the procedure's bias and noise, with the draw's effect taken
 * out. */
#include "study/prediction.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdio.h>

static const double pilot_step = 0.336472236621213; /* log(1.4): never deep into overload */
static const double next_step = 0.04;               /* replications differ by little */
static const double rough_tolerance = 0.02;
static const double surely_holds = 0.6; /* of the ceiling */

/* Streams: 0 is the pilot's, then one per replication, then a block for each reading. */
enum { READING_STREAMS = 1 << 10, DRAWS_MAX = STUDY_REPLICATIONS_MAX / 2 };

struct job {
    const struct study_world *world;
    const struct study_prediction_options *options;
    int32_t replications, readings_count;
    struct study_root pilot;                /* draw 0, which is the profile's own values */
    struct study_root rough[1 + DRAWS_MAX]; /* by draw */
    int32_t order[DRAWS_MAX];               /* draws by their rough roots, highest first */
    struct study_root roots[STUDY_REPLICATIONS_MAX];
    struct study_ceiling readings[STUDY_REPLICATIONS_MAX];
    int32_t read_at[STUDY_REPLICATIONS_MAX]; /* which replication a reading belongs to */
};

static int32_t draw_of(const struct job *job, int32_t replication) {
    return 1 + replication / job->options->streams;
}

static struct study_probe_request request_of(const struct job *job, int32_t draw, uint64_t stream) {
    const struct study_prediction_options *options = job->options;
    return (struct study_probe_request){.warm_up_ns = options->warm_up_ns,
                                        .measure_ns = options->measure_ns,
                                        .seed = options->seed,
                                        .replication = stream,
                                        .draw = draw};
}

static struct study_root_options around(const struct job *job, double log_scale, double step) {
    const struct study_prediction_options *options = job->options;
    return (struct study_root_options){
        .objective = options->objective,
        .first_scale = exp(log_scale),
        .scale_min = options->scale_min,
        .scale_max = options->scale_max,
        .first_step = step,
        .tolerance = options->root_tolerance > 0 ? options->root_tolerance : 0.005};
}

static struct study_root rough_root(const struct job *job, int32_t draw, double log_scale,
                                    double step) {
    struct study_probe_request request = request_of(job, draw, 0);
    struct study_root_options options = around(job, log_scale, step);
    request.is_rough = true;
    options.tolerance = rough_tolerance;
    return study_find_root(job->world, &options, &request);
}

/* Draw 0 has been looked at when the tasks begin; its own task finds the pilot's root. */
static void look_at_draw(void *context, int32_t draw) {
    struct job *job = context;
    const struct study_root *first = &job->rough[0];
    if (draw > 0) {
        job->rough[draw] = rough_root(job, draw, first->log_scale, next_step);
        return;
    }
    bool is_known = first->outcome == STUDY_FOUND;
    struct study_root_options options =
        is_known ? around(job, first->log_scale, next_step)
                 : around(job, log(job->options->first_scale), pilot_step);
    struct study_probe_request request = request_of(job, 0, 0);
    job->pilot = study_find_root(job->world, &options, &request);
}

/* Where the draw's roots should be; the pilot's own, where nothing was seen of it. */
static double expected_root(const struct job *job, int32_t draw) {
    bool is_known = job->rough[0].outcome == STUDY_FOUND && job->rough[draw].outcome == STUDY_FOUND;
    double from_pilot = is_known ? job->rough[draw].log_scale - job->rough[0].log_scale : 0;
    return job->pilot.log_scale + from_pilot;
}

static void find_one_root(struct job *job, int32_t index) {
    int32_t draw = draw_of(job, index);
    struct study_root_options options = around(job, expected_root(job, draw), next_step);
    options.steepness = job->pilot.steepness;
    struct study_probe_request request = request_of(job, draw, (uint64_t)index + 1);
    job->roots[index] = study_find_root(job->world, &options, &request);
}

static void read_one(struct job *job, int32_t index) {
    struct study_ceiling_options options = job->options->as_measured;
    options.objective = job->options->objective;
    options.scale_min = job->options->scale_min;
    options.scale_max = job->options->scale_max;
    options.first_scale = job->options->first_scale;
    options.seed = job->options->seed;
    options.first_replication = (uint64_t)(index + 1) * READING_STREAMS;
    options.draw = draw_of(job, job->read_at[index]);
    if (job->rough[options.draw].outcome == STUDY_FOUND)
        options.holds_below = surely_holds * exp(expected_root(job, options.draw));
    study_find_ceiling(job->world, &options, NULL, &job->readings[index]);
}

/* The longest first: readings, then the draws with the highest loads. */
static void replicate_or_read(void *context, int32_t index) {
    struct job *job = context;
    int32_t streams = job->options->streams, replication = index - job->readings_count;
    if (replication < 0)
        read_one(job, index);
    else
        find_one_root(job,
                      (job->order[replication / streams] - 1) * streams + replication % streams);
}

static void map(const struct study_executor *executor, int32_t count, void (*task)(void *, int32_t),
                struct job *job) {
    if (executor) {
        executor->map(executor->context, count, task, job);
        return;
    }
    for (int32_t i = 0; i < count; i++)
        task(job, i);
}

/* The balanced part: draws whose every stream has a root. Returns how many values. */
static int32_t gather(const struct job *job, double *values) {
    int32_t streams = job->options->streams, count = 0;
    for (int32_t draw = 0; draw < job->options->draws; draw++) {
        bool is_whole = true;
        for (int32_t i = 0; i < streams; i++) {
            const struct study_root *root = &job->roots[draw * streams + i];
            is_whole &= root->outcome == STUDY_FOUND;
            values[count + i] = root->log_scale;
        }
        if (is_whole)
            count += streams;
    }
    return count;
}

static struct stats_interval scales_of(double mean, double variance, double freedom, double unit) {
    struct stats_interval logs = study_t_interval(mean, variance, freedom, 0.95);
    return (struct stats_interval){exp(logs.value) * unit, exp(logs.low) * unit,
                                   exp(logs.high) * unit};
}

static void conclude_roots(const struct job *job, const double *values, int32_t count,
                           struct study_prediction *prediction) {
    int32_t streams = job->options->streams;
    struct study_variance variance = study_nested_variance(values, count / streams, streams);
    prediction->variance = variance;
    prediction->calibration_share =
        variance.between > 0 ? variance.between / (variance.between + variance.within) : 0;
    prediction->scale = scales_of(variance.mean, variance.new_variance, variance.new_freedom, 1);
    prediction->load = scales_of(variance.mean, variance.new_variance, variance.new_freedom,
                                 job->world->load_unit);
    prediction->mean_scale =
        scales_of(variance.mean, variance.mean_variance, variance.mean_freedom, 1);
}

/* What a reading says about its own noise: its interval comes from about eight probes and a line
 * through them. */
static const double reading_freedom = 6;

static double reading_variance(const struct study_ceiling *reading) {
    double width = log(reading->scale.high / reading->scale.low);
    return study_t_variance(width, reading_freedom, 0.95);
}

/* A measurement differs from the predicted reading by its draw (`between`), its own noise and the
 * errors of the two means. Noise has two witnesses, weighted by their degrees of freedom: the
 * readings' own intervals, and how the paired differences scatter (they hold a little of the roots'
 * noise too), which alone would leave the width of the interval to the luck of one pair. */
static void conclude_readings(const struct job *job, int32_t count,
                              struct study_prediction *prediction) {
    struct stats difference;
    double noise_sum = 0;
    stats_init(&difference);
    for (int32_t i = 0; i < count; i++) {
        const struct study_root *root = &job->roots[job->read_at[i]];
        if (job->readings[i].outcome != STUDY_FOUND || root->outcome != STUDY_FOUND)
            continue;
        stats_add(&difference, log(job->readings[i].scale.value) - root->log_scale);
        noise_sum += reading_freedom * reading_variance(&job->readings[i]);
    }
    if (difference.count < 2)
        return;
    const struct study_variance *variance = &prediction->variance;
    double readings = (double)difference.count;
    double noise_freedom = readings - 1 + reading_freedom * readings;
    double noise = (difference.m2 + noise_sum) / noise_freedom;
    double of_draws = variance->between + variance->mean_variance;
    double of_noise = noise * (1 + 1 / readings);
    double freedom = study_sum_freedom(of_draws, variance->mean_freedom, of_noise, noise_freedom);
    prediction->has_as_measured = true;
    prediction->as_measured_bias = difference.mean;
    prediction->as_measured_scale =
        scales_of(variance->mean + difference.mean, of_draws + of_noise, freedom, 1);
    prediction->as_measured_load = scales_of(variance->mean + difference.mean, of_draws + of_noise,
                                             freedom, job->world->load_unit);
}

/* Draws without a rough root are last. */
static bool is_before(const struct job *job, int32_t draw, int32_t other) {
    const struct study_root *a = &job->rough[draw], *b = &job->rough[other];
    return a->outcome == STUDY_FOUND && (b->outcome != STUDY_FOUND || a->log_scale > b->log_scale);
}

static void sort_draws(struct job *job) {
    for (int32_t draw = 1; draw <= job->options->draws; draw++) {
        int32_t place = draw - 1;
        for (; place > 0 && is_before(job, draw, job->order[place - 1]); place--)
            job->order[place] = job->order[place - 1];
        job->order[place] = draw;
    }
}

/* One of each draw, from the middle of their order outwards, before a second one of any: the bias
 * is wanted where the prediction is. */
static void choose_readings(struct job *job) {
    int32_t draws = job->options->draws, streams = job->options->streams;
    for (int32_t i = 0; i < job->readings_count; i++) {
        int32_t outwards = i % draws, aside = (outwards + 1) / 2;
        int32_t place = draws / 2 + (outwards % 2 ? -aside : aside);
        job->read_at[i] = (job->order[place] - 1) * streams + i / draws;
    }
}

static void count_roots(const struct job *job, struct study_prediction *prediction) {
    for (int32_t i = 0; i < job->replications; i++) {
        bool is_found = job->roots[i].outcome == STUDY_FOUND;
        prediction->roots_count += is_found;
        prediction->roots_missing += !is_found;
        prediction->probes_count += job->roots[i].probes_count;
    }
}

static void check_options(const struct study_prediction_options *options) {
    CHECK(options->draws >= 2 && options->streams >= 2);
    CHECK(options->draws * options->streams <= STUDY_REPLICATIONS_MAX);
    CHECK(options->as_measured_count <= options->draws * options->streams);
    CHECK(options->as_measured.probes_max <= READING_STREAMS);
}

/* Whether anybody asked to stop: then nothing that follows is worth starting. */
static bool was_stopped(const struct job *job) {
    for (int32_t i = 0; i < job->replications; i++)
        if (job->roots[i].outcome == STUDY_STOPPED)
            return true;
    return false;
}

/* False: the profile's own values have no root, and there is nothing to predict. */
static bool look_around(struct job *job, const struct study_executor *executor,
                        struct study_prediction *prediction) {
    job->rough[0] = rough_root(job, 0, log(job->options->first_scale), pilot_step);
    bool is_known = job->rough[0].outcome == STUDY_FOUND;
    map(executor, is_known ? 1 + job->options->draws : 1, look_at_draw, job);
    for (int32_t draw = 0; draw <= job->options->draws; draw++)
        prediction->probes_count += job->rough[draw].probes_count;
    prediction->probes_count += job->pilot.probes_count;
    prediction->outcome = job->pilot.outcome;
    snprintf(prediction->broke, sizeof prediction->broke, "%s",
             job->pilot.broke ? job->pilot.broke : "");
    return job->pilot.outcome == STUDY_FOUND;
}

static void replicate(struct job *job, const struct study_executor *executor,
                      struct study_prediction *prediction) {
    double values[STUDY_REPLICATIONS_MAX];
    sort_draws(job);
    choose_readings(job);
    map(executor, job->readings_count + job->replications, replicate_or_read, job);
    count_roots(job, prediction);
    for (int32_t i = 0; i < job->readings_count; i++)
        prediction->probes_count += job->readings[i].probes_count;
    int32_t count = gather(job, values);
    if (was_stopped(job) || count < 2 * job->options->streams) {
        prediction->outcome = was_stopped(job) ? STUDY_STOPPED : STUDY_REFUSED;
        return;
    }
    conclude_roots(job, values, count, prediction);
    if (job->readings_count > 0)
        conclude_readings(job, job->readings_count, prediction);
}

void study_predict(const struct study_world *world, const struct study_prediction_options *options,
                   const struct study_executor *executor, struct study_prediction *prediction) {
    const struct stats_interval none = {(double)NAN, (double)NAN, (double)NAN};
    check_options(options);
    *prediction = (struct study_prediction){.scale = none,
                                            .load = none,
                                            .mean_scale = none,
                                            .as_measured_scale = none,
                                            .as_measured_load = none,
                                            .as_measured_bias = (double)NAN};
    struct job job = {.world = world,
                      .options = options,
                      .replications = options->draws * options->streams,
                      .readings_count = options->as_measured_count};
    for (int32_t draw = 0; draw <= options->draws; draw++)
        job.rough[draw].outcome = STUDY_EXHAUSTED; /* until somebody has looked */
    if (look_around(&job, executor, prediction))
        replicate(&job, executor, prediction);
}
