#include "study/prediction.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"
#include "tests/study/worlds.h"

#include <math.h>
#include <pthread.h>

static const struct study_prediction_options standard = {
    .objective = {.late_share = 0.01},
    .first_scale = 0.5,
    .scale_min = 0.01,
    .scale_max = 100,
    .warm_up_ns = BASE_NS_PER_S,
    .measure_ns = 10 * BASE_NS_PER_S,
    .seed = 1,
    .draws = 8,
    .streams = 3,
};

/* No noise between probes: one replication's stream is scaled, so its curve is smooth. */
static const struct logistic_world system_of_known_spread = {.ceiling = 2.385,
                                                             .objective = 0.01,
                                                             .slope = 60,
                                                             .due = 1e8,
                                                             .draw_spread = 0.03,
                                                             .stream_spread = 0.01};

START_TEST(a_root_is_found_to_its_tolerance_in_ten_probes) {
    struct logistic_world world = system_of_known_spread;
    world.stream_spread = 0;
    struct study_world as_world = logistic_world(&world);
    static const double slopes[] = {5, 60, 2000};
    static const double first_scales[] = {0.5, 2.3, 80};
    for (size_t i = 0; i < 9; i++) {
        world.slope = slopes[i % 3];
        struct study_root_options options = {.objective = standard.objective,
                                             .first_scale = first_scales[i / 3],
                                             .scale_min = 0.01,
                                             .scale_max = 100,
                                             .first_step = i / 3 == 1 ? 0.04 : 0.336,
                                             .tolerance = 0.002};
        struct study_root root =
            study_find_root(&as_world, &options, &(struct study_probe_request){.seed = 1});
        ck_assert_int_eq(root.outcome, STUDY_FOUND);
        ck_assert_double_eq_tol(root.log_scale, log(2.385), world.slope < 10 ? 0.006 : 0.002);
        ck_assert_int_le(root.probes_count, i / 3 == 1 ? 10 : 16);
        ck_assert_str_eq(root.broke, "worker_cpu");
    }
}
END_TEST

START_TEST(a_root_beyond_the_scales_is_not_made_up) {
    struct logistic_world world = system_of_known_spread;
    struct study_world as_world = logistic_world(&world);
    struct study_prediction prediction;
    world.ceiling = 1e4;
    study_predict(&as_world, &standard, NULL, &prediction);
    ck_assert_int_eq(prediction.outcome, STUDY_ABOVE_LAST);
    world.ceiling = 1e-4;
    study_predict(&as_world, &standard, NULL, &prediction);
    ck_assert_int_eq(prediction.outcome, STUDY_BELOW_FIRST);
    ck_assert(isnan(prediction.scale.value));
}
END_TEST

START_TEST(calibration_and_simulation_are_told_apart) {
    struct stats between, within;
    stats_init(&between);
    stats_init(&within);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct logistic_world world = system_of_known_spread;
        struct study_world as_world = logistic_world(&world);
        struct study_prediction_options options = standard;
        options.seed = seed;
        struct study_prediction prediction;
        study_predict(&as_world, &options, NULL, &prediction);
        ck_assert_int_eq(prediction.outcome, STUDY_FOUND);
        ck_assert_int_eq(prediction.roots_missing, 0);
        stats_add(&between, prediction.variance.between);
        stats_add(&within, prediction.variance.within);
    }
    /* the world's own spreads, squared */
    ck_assert_double_eq_tol(between.mean, 0.03 * 0.03, 3.3 * stats_stderr(&between));
    ck_assert_double_eq_tol(within.mean, 0.01 * 0.01, 3.3 * stats_stderr(&within));
}
END_TEST

/* Draws far apart, as of a machine that was calibrated badly: the case that rough looks are for. */
START_TEST(rough_looks_save_probes_and_move_nothing) {
    struct study_prediction straight, biased;
    struct logistic_world world = system_of_known_spread;
    world.draw_spread = 0.4;
    world.stream_spread = 0.002;
    struct study_world as_world = logistic_world(&world);
    study_predict(&as_world, &standard, NULL, &straight);
    ck_assert_int_eq(world.probes_count, straight.probes_count);
    /* 24 roots: one probe on either side of the root and one between, some one more */
    ck_assert_int_le(world.probes_count - world.rough_count, 24 * 4 + 12);
    world.rough_bias = 0.3;
    study_predict(&as_world, &standard, NULL, &biased);
    ck_assert_double_eq_tol(log(biased.scale.value), log(straight.scale.value), 0.0005);
    ck_assert_double_eq_tol(log(biased.scale.low), log(straight.scale.low), 0.002);
    world.rough_bias = 100; /* rough looks that see nothing at all */
    study_predict(&as_world, &standard, NULL, &biased);
    ck_assert_int_eq(biased.outcome, STUDY_FOUND);
    ck_assert_int_eq(biased.roots_missing, 0);
    ck_assert_double_eq_tol(log(biased.scale.value), log(straight.scale.value), 0.0005);
}
END_TEST

/* One measurement: a machine of its own draw, the whole procedure with its noise. */
START_TEST(the_interval_covers_one_measurement) {
    enum { SEEDS = 150 };
    int32_t inside = 0;
    double narrowest = INFINITY, widest = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct logistic_world world = system_of_known_spread;
        world.noise = 0.5;
        struct study_world as_world = logistic_world(&world);
        struct study_prediction_options options = standard;
        options.seed = seed;
        options.as_measured_count = 2;
        options.as_measured = (struct study_ceiling_options){.measure_ns = BASE_NS_PER_S};
        struct study_prediction prediction;
        study_predict(&as_world, &options, NULL, &prediction);
        ck_assert(prediction.has_as_measured);
        struct study_ceiling measured;
        study_find_ceiling(&as_world,
                           &(struct study_ceiling_options){.objective = options.objective,
                                                           .first_scale = 0.5,
                                                           .scale_min = 0.01,
                                                           .scale_max = 100,
                                                           .seed = seed + 10000,
                                                           .draw = 77},
                           NULL, &measured);
        double width = log(prediction.as_measured_scale.high / prediction.as_measured_scale.low);
        narrowest = fmin(narrowest, width);
        widest = fmax(widest, width);
        inside += prediction.as_measured_scale.low <= measured.scale.value &&
                  measured.scale.value <= prediction.as_measured_scale.high;
    }
    /* 95 % of 150, within 3.3 standard errors of 1.8 % */
    ck_assert_int_ge(inside, (int)(SEEDS * 0.89));
    ck_assert_int_lt(inside, SEEDS);
    /* Eight draws are a chi-squared with 7 degrees of freedom; two readings alone would have 1. */
    ck_assert_msg(widest < 5 * narrowest, "%g to %g", narrowest, widest);
}
END_TEST

START_TEST(the_reading_of_short_windows_is_predicted_with_its_bias) {
    struct md1_world md1 = {.service_s = 0.001, .within_s = 0.1};
    struct study_world world = md1_world(&md1);
    struct study_prediction_options options = standard;
    options.measure_ns = 300 * BASE_NS_PER_S;
    options.draws = 2;
    options.streams = 4;
    options.as_measured_count = 8;
    options.as_measured = (struct study_ceiling_options){.measure_ns = 2 * BASE_NS_PER_S};
    struct study_prediction prediction;
    study_predict(&world, &options, NULL, &prediction);
    /* DESIGN section 5: the limit is 0.977, and probes of 2 s read 1.036 */
    ck_assert_double_eq_tol(prediction.scale.value, 0.977, 0.006);
    ck_assert_double_eq_tol(prediction.as_measured_scale.value, 1.036, 0.02);
    ck_assert_double_lt(prediction.as_measured_scale.low, 1.036);
    ck_assert_double_gt(prediction.as_measured_scale.high, 1.036);
    ck_assert_double_gt(prediction.as_measured_bias, 0.03);
    ck_assert_double_eq_tol(prediction.load.value, prediction.scale.value * 1000, 1e-9);
}
END_TEST

static void map_backwards(void *context, int32_t count, void (*task)(void *, int32_t),
                          void *task_context) {
    *(int32_t *)context += count;
    for (int32_t i = count - 1; i >= 0; i--)
        task(task_context, i);
}

struct half {
    void (*task)(void *, int32_t);
    void *task_context;
    int32_t first, count;
};
static void *run_half(void *context) {
    struct half *half = context;
    for (int32_t i = half->first; i < half->count; i += 2)
        half->task(half->task_context, i);
    return NULL;
}
static void map_in_two_threads(void *context, int32_t count, void (*task)(void *, int32_t),
                               void *task_context) {
    (void)context;
    struct half halves[2] = {{task, task_context, 0, count}, {task, task_context, 1, count}};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, run_half, &halves[0]), 0);
    run_half(&halves[1]);
    pthread_join(thread, NULL);
}

START_TEST(the_executor_changes_nothing) {
    struct md1_world md1 = {.service_s = 0.001, .within_s = 0.1}; /* has no state */
    struct study_world world = md1_world(&md1);
    struct study_prediction_options options = standard;
    options.measure_ns = 5 * BASE_NS_PER_S;
    options.draws = 2;
    options.as_measured_count = 3;
    options.as_measured = (struct study_ceiling_options){.measure_ns = BASE_NS_PER_S};
    int32_t tasks = 0;
    struct study_executor backwards = {map_backwards, &tasks}, threads = {map_in_two_threads, NULL};
    struct study_prediction a, b, c;
    study_predict(&world, &options, NULL, &a);
    study_predict(&world, &options, &backwards, &b);
    study_predict(&world, &options, &threads, &c);
    ck_assert_int_eq(tasks, 1 + 2 + 6 + 3); /* the pilot, a look at each draw, roots, readings */
    ck_assert_double_eq(a.scale.value, b.scale.value);
    ck_assert_double_eq(a.scale.high, c.scale.high);
    ck_assert_double_eq(a.as_measured_scale.low, b.as_measured_scale.low);
    ck_assert_double_eq(a.as_measured_scale.low, c.as_measured_scale.low);
    ck_assert_int_eq(a.probes_count, c.probes_count);
}
END_TEST

START_TEST(a_stop_ends_the_prediction) {
    struct logistic_world world = system_of_known_spread;
    struct study_world as_world = logistic_world(&world);
    struct study_prediction prediction;
    for (int64_t after = 3; after < 60; after += 40) { /* in the pilot, in the replications */
        world.probes_count = 0;
        world.stop_after = after;
        study_predict(&as_world, &standard, NULL, &prediction);
        ck_assert_int_eq(prediction.outcome, STUDY_STOPPED);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_root_is_found_to_its_tolerance_in_ten_probes),
        TEST(a_root_beyond_the_scales_is_not_made_up),
        TEST(calibration_and_simulation_are_told_apart),
        TEST(rough_looks_save_probes_and_move_nothing),
        TEST(the_interval_covers_one_measurement),
        TEST(the_reading_of_short_windows_is_predicted_with_its_bias),
        TEST(the_executor_changes_nothing),
        TEST(a_stop_ends_the_prediction),
    };
    return suite_run("prediction", tests, COUNT_OF(tests));
}
