/* One pilot, then all replications side by side, then what the measuring procedure would read on
 * some of them.
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

/* Streams: 0 is the pilot's, then one per replication, then a block for each reading. */
enum { READING_STREAMS = 1 << 10 };

struct job {
    const struct study_world *world;
    const struct study_prediction_options *options;
    double start_scale;
    int32_t replications;
    struct study_root roots[STUDY_REPLICATIONS_MAX];
    struct study_ceiling readings[STUDY_REPLICATIONS_MAX];
    int32_t read_at[STUDY_REPLICATIONS_MAX]; /* which replication a reading belongs to */
};

static int32_t draw_of(const struct job *job, int32_t replication) {
    return 1 + replication / job->options->streams; /* draw 0 is the profile's own values */
}

static struct study_root root_of(const struct job *job, double first_scale, double step,
                                 int32_t draw, uint64_t stream) {
    const struct study_prediction_options *options = job->options;
    return study_find_root(job->world,
                           &(struct study_root_options){.objective = options->objective,
                                                        .first_scale = first_scale,
                                                        .scale_min = options->scale_min,
                                                        .scale_max = options->scale_max,
                                                        .first_step = step,
                                                        .tolerance = options->root_tolerance > 0
                                                                         ? options->root_tolerance
                                                                         : 0.002},
                           &(struct study_probe_request){.warm_up_ns = options->warm_up_ns,
                                                         .measure_ns = options->measure_ns,
                                                         .seed = options->seed,
                                                         .replication = stream,
                                                         .draw = draw});
}

static void find_one_root(void *context, int32_t index) {
    struct job *job = context;
    job->roots[index] =
        root_of(job, job->start_scale, next_step, draw_of(job, index), (uint64_t)index + 1);
}

static void read_one(void *context, int32_t index) {
    struct job *job = context;
    struct study_ceiling_options options = job->options->as_measured;
    options.objective = job->options->objective;
    options.scale_min = job->options->scale_min;
    options.scale_max = job->options->scale_max;
    options.first_scale = job->options->first_scale;
    options.seed = job->options->seed;
    options.first_replication = (uint64_t)(index + 1) * READING_STREAMS;
    options.draw = draw_of(job, job->read_at[index]);
    study_find_ceiling(job->world, &options, NULL, &job->readings[index]);
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

/* A measurement differs from the predicted reading by its draw (`between`), its own noise (seen in
 * the paired differences, which hold a little of the roots' noise too) and the errors of the two
 * means. */
static void conclude_readings(const struct job *job, int32_t count,
                              struct study_prediction *prediction) {
    struct stats difference;
    stats_init(&difference);
    for (int32_t i = 0; i < count; i++) {
        const struct study_root *root = &job->roots[job->read_at[i]];
        if (job->readings[i].outcome == STUDY_FOUND && root->outcome == STUDY_FOUND)
            stats_add(&difference, log(job->readings[i].scale.value) - root->log_scale);
    }
    if (difference.count < 2)
        return;
    const struct study_variance *variance = &prediction->variance;
    double of_draws = variance->between + variance->mean_variance;
    double of_noise = stats_variance(&difference) * (1 + 1 / (double)difference.count);
    double freedom =
        study_sum_freedom(of_draws, variance->mean_freedom, of_noise, (double)difference.count - 1);
    prediction->has_as_measured = true;
    prediction->as_measured_bias = difference.mean;
    prediction->as_measured_scale =
        scales_of(variance->mean + difference.mean, of_draws + of_noise, freedom, 1);
    prediction->as_measured_load = scales_of(variance->mean + difference.mean, of_draws + of_noise,
                                             freedom, job->world->load_unit);
}

/* Spread over the replications, so that they see different draws. */
static void choose_readings(struct job *job, int32_t count) {
    for (int32_t i = 0; i < count; i++)
        job->read_at[i] = (int32_t)((int64_t)i * job->replications / count);
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

static bool pilot(struct job *job, struct study_prediction *prediction) {
    struct study_root root = root_of(job, job->options->first_scale, pilot_step, 0, 0);
    prediction->probes_count += root.probes_count;
    prediction->outcome = root.outcome;
    snprintf(prediction->broke, sizeof prediction->broke, "%s", root.broke ? root.broke : "");
    job->start_scale = exp(root.log_scale);
    return root.outcome == STUDY_FOUND;
}

static void replicate(struct job *job, const struct study_executor *executor,
                      struct study_prediction *prediction) {
    double values[STUDY_REPLICATIONS_MAX];
    map(executor, job->replications, find_one_root, job);
    count_roots(job, prediction);
    int32_t count = gather(job, values);
    if (was_stopped(job) || count < 2 * job->options->streams) {
        prediction->outcome = was_stopped(job) ? STUDY_STOPPED : STUDY_REFUSED;
        return;
    }
    conclude_roots(job, values, count, prediction);
    int32_t readings = job->options->as_measured_count;
    if (readings == 0)
        return;
    choose_readings(job, readings);
    map(executor, readings, read_one, job);
    for (int32_t i = 0; i < readings; i++)
        prediction->probes_count += job->readings[i].probes_count;
    conclude_readings(job, readings, prediction);
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
    struct job job = {
        .world = world, .options = options, .replications = options->draws * options->streams};
    if (pilot(&job, prediction))
        replicate(&job, executor, prediction);
}
