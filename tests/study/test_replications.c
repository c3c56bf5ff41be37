#include "study/replications.h"

#include "sim/base/rng.h"
#include "study/variance.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_randist.h>
#include <math.h>

START_TEST(an_estimate_tells_calibration_from_simulation) {
    /* By hand: means of the draws 2, 6, 4, so MSB = 2 * 4 = 8 with 2 degrees of freedom; within
     * them 2 + 2 + 0 = 4, so MSW = 4/3 with 3. Student's t at 97.5 %: 4.302653 and 3.182446. */
    const double values[] = {1, 3, 5, 7, 4, 4};
    struct study_estimate estimate = study_estimate_of(values, 6, false);
    ck_assert_int_eq(estimate.count, 6);
    ck_assert_double_eq_tol(estimate.mean, 4, 1e-12);
    ck_assert_double_eq_tol(estimate.between, (8 - 4.0 / 3) / 2, 1e-12);
    ck_assert_double_eq_tol(estimate.noise, 4.302653 * sqrt(8.0 / 6), 1e-5);
    ck_assert_double_eq_tol(estimate.simulation, 3.182446 * sqrt(4.0 / 3 / 6), 1e-5);
    ck_assert_double_eq_tol(estimate.calibration, 4.302653 * sqrt(10.0 / 3), 1e-5);
    /* tests/study/test_group_reach.c has the interval */
    struct study_squares squares = {8, 4.0 / 3, 3, 2};
    ck_assert_double_eq_tol(estimate.interval.high, 4 + study_group_reach(&squares, 0.95), 1e-9);
}
END_TEST

START_TEST(draws_with_a_missing_value_and_an_odd_last_one_are_left_out) {
    const double nan = (double)NAN;
    const double values[] = {1, 3, nan, 100, 5, 7, 4, 4, 1000};
    struct study_estimate estimate = study_estimate_of(values, 9, false);
    ck_assert_int_eq(estimate.count, 6);
    ck_assert_double_eq_tol(estimate.mean, 4, 1e-12);
    estimate = study_estimate_of(values, 4, false); /* one whole draw: no interval */
    ck_assert_double_eq_tol(estimate.mean, (1 + 3 + 100) / 3.0, 1e-12);
    ck_assert(isnan(estimate.interval.low) && isnan(estimate.noise));
    ck_assert(isnan(study_estimate_of(&nan, 1, false).mean));
}
END_TEST

START_TEST(more_replications_are_as_many_as_it_takes_and_no_fewer) {
    const double values[] = {1, 3, 5, 7, 4, 4};
    struct study_estimate estimate = study_estimate_of(values, 6, false);
    int64_t more = study_more_until(&estimate, 0.5);
    double count = (double)(6 + more);
    /* variance 8 of one value, freedom by draws */
    ck_assert_double_le(study_t_interval(0, 8 / count, count / 2 - 1, 0.95).high, 0.5);
    count -= 2;
    ck_assert_double_gt(study_t_interval(0, 8 / count, count / 2 - 1, 0.95).high, 0.5);
    ck_assert_int_eq(study_more_until(&estimate, estimate.noise), 0);
    ck_assert_int_eq(study_more_until(&estimate, 1e-9), 1000000 - 6);
}
END_TEST

START_TEST(a_limit_is_told_from_clear_of_it_and_not_while_the_calibration_straddles_it) {
    const double values[] = {1, 3, 5, 7, 4, 4}; /* of the half-width calibration is 7.86 */
    struct study_estimate estimate = study_estimate_of(values, 6, false);
    double high = estimate.interval.high, low = estimate.interval.low;
    ck_assert_double_gt(high, 4 + 7.86);
    ck_assert_int_eq(study_side_of(&estimate, high + 0.1), -1);
    ck_assert_int_eq(study_side_of(&estimate, low - 0.1), 1);
    ck_assert_int_eq(study_more_to_tell(&estimate, high + 0.1), 0);
    ck_assert_int_eq(study_side_of(&estimate, high - 0.1), 0);
    ck_assert_int_gt(study_more_to_tell(&estimate, high - 0.1), 0);
    ck_assert_int_eq(study_more_to_tell(&estimate, 11.8), STUDY_MORE_NEVER);
    const double alike[] = {3, 3, 3, 3};
    estimate = study_estimate_of(alike, 4, false);
    ck_assert_int_eq(study_side_of(&estimate, 3), -1); /* at the limit is not above it */
    ck_assert_int_eq(study_side_of(&estimate, 2.99), 1);
}
END_TEST

START_TEST(each_draw_has_two_replications_and_none_has_the_profiles_own_values) {
    ck_assert_int_eq(study_draw_of_replication(0), 1);
    ck_assert_int_eq(study_draw_of_replication(1), 1);
    ck_assert_int_eq(study_draw_of_replication(2), 2);
    ck_assert_int_eq(study_draw_of_replication(63), 32);
}
END_TEST

struct coverage {
    int32_t of_system, of_mean;
};

/* Values 2.385 + N(0, between^2) by draw + N(0, within^2); the interval is about the mean of one
 * more draw. */
enum { ROUNDS = 500, COUNT = 16 };
static struct coverage coverage_of(double between, double within) {
    struct coverage coverage = {0, 0};
    for (int32_t round = 0; round < ROUNDS; round++) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = 6, .entity = (uint64_t)round});
        gsl_rng as_gsl = rng_as_gsl(&rng);
        double values[COUNT], level = 0;
        for (int32_t i = 0; i < COUNT; i++) {
            if (i % 2 == 0)
                level = 2.385 + gsl_ran_gaussian(&as_gsl, between);
            values[i] = level + gsl_ran_gaussian(&as_gsl, within);
        }
        struct study_estimate estimate = study_estimate_of(values, COUNT, false);
        double system = 2.385 + gsl_ran_gaussian(&as_gsl, between);
        coverage.of_system += estimate.interval.low <= system && system <= estimate.interval.high;
        coverage.of_mean += fabs(estimate.mean - 2.385) <= estimate.noise;
    }
    return coverage;
}

START_TEST(where_costs_are_certain_it_is_students_interval) {
    /* By hand: squares about the mean 1 + 9 + ... = 9 + 1 + 1 + 9 + 0 + 0 = 20, over 5 = 4;
     * Student's t at 97.5 % with 5 degrees of freedom 2.570582. */
    const double values[] = {1, 3, 5, 7, 4, 4};
    struct study_estimate estimate = study_estimate_of(values, 6, true);
    ck_assert_double_eq_tol(estimate.interval.high, 4 + 2.570582 * sqrt(4.0 / 6), 1e-5);
    ck_assert_double_eq(estimate.calibration, 0);
    ck_assert_double_eq_tol(estimate.simulation, estimate.noise, 1e-12);
}
END_TEST

/* 95 % +- 3 binomial standard errors of 0.97 %. Where calibration is far below the noise of a run
 * the interval is wider than it need be: eight draws cannot rule out that it is there. */
static const struct {
    double between, within;
    int32_t of_system_most;
} sources[] = {{0.3, 0.1, 490}, {0.3, 0.3, 490}, {0.2, 0.3, 495}, {0.1, 0.3, 500}, {0, 0.3, 500}};

START_TEST(the_interval_covers_one_more_system_and_the_noise_covers_the_mean) {
    struct coverage coverage = coverage_of(sources[_i].between, sources[_i].within);
    ck_assert_int_ge(coverage.of_mean, 460);
    ck_assert_int_ge(coverage.of_system, 460);
    ck_assert_int_le(coverage.of_system, sources[_i].of_system_most);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(an_estimate_tells_calibration_from_simulation),
        TEST(draws_with_a_missing_value_and_an_odd_last_one_are_left_out),
        TEST(more_replications_are_as_many_as_it_takes_and_no_fewer),
        TEST(a_limit_is_told_from_clear_of_it_and_not_while_the_calibration_straddles_it),
        TEST(each_draw_has_two_replications_and_none_has_the_profiles_own_values),
        TEST(where_costs_are_certain_it_is_students_interval),
        LOOP_TEST(the_interval_covers_one_more_system_and_the_noise_covers_the_mean,
                  COUNT_OF(sources))};
    return suite_run("study/replications", tests, COUNT_OF(tests));
}
