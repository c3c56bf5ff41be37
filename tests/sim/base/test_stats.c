#include "sim/base/stats.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <math.h>

static const double five[] = {2.1, 3.7, 5.2, 2.9, 4.4};

START_TEST(mean_and_variance_are_those_of_the_textbook) {
    struct stats stats;
    stats_init(&stats);
    for (size_t i = 0; i < COUNT_OF(five); i++)
        stats_add(&stats, five[i]);
    /* Python's statistics module */
    ck_assert_double_eq_tol(stats.mean, 3.66, 1e-14);
    ck_assert_double_eq_tol(stats_variance(&stats), 1.483, 1e-14);
    ck_assert_double_eq_tol(stats_stderr(&stats), 0.5446099521676041, 1e-14);
    ck_assert_double_eq(stats.min, 2.1);
    ck_assert_double_eq(stats.max, 5.2);
}
END_TEST

START_TEST(the_interval_is_students) {
    struct stats stats;
    stats_init(&stats);
    for (size_t i = 0; i < COUNT_OF(five); i++)
        stats_add(&stats, five[i]);
    struct stats_interval interval = stats_mean_interval(&stats, 0.95);
    /* t(0.975, 4) = 2.7764451051977934, any table */
    ck_assert_double_eq_tol(interval.high - interval.value, 1.5120796359377489, 1e-9);
    ck_assert_double_eq_tol(interval.value - interval.low, 1.5120796359377489, 1e-9);
}
END_TEST

START_TEST(one_value_says_nothing_about_its_interval) {
    struct stats stats;
    stats_init(&stats);
    stats_add(&stats, 2.385);
    struct stats_interval interval = stats_mean_interval(&stats, 0.95);
    ck_assert_double_eq(interval.value, 2.385);
    ck_assert(isinf(interval.low) && interval.low < 0);
    ck_assert(isinf(interval.high) && interval.high > 0);
    ck_assert_double_eq(stats_variance(&stats), 0);
}
END_TEST

START_TEST(merged_halves_are_the_whole) {
    struct stats whole, left, right;
    stats_init(&whole);
    stats_init(&left);
    stats_init(&right);
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 1});
    for (int32_t i = 0; i < 10000; i++) {
        double value =
            1e9 + rng_exponential(&rng, 2.385); /* a large mean loses digits where sums are used */
        stats_add(&whole, value);
        stats_add(i < 2385 ? &left : &right, value);
    }
    stats_merge(&left, &right);
    ck_assert_uint_eq(left.count, whole.count);
    ck_assert_double_eq_tol(left.mean, whole.mean, 1e-5);
    ck_assert_double_eq_tol(stats_variance(&left), stats_variance(&whole), 1e-5);
    ck_assert_double_eq(left.min, whole.min);
    struct stats empty;
    stats_init(&empty);
    stats_merge(&left, &empty);
    ck_assert_uint_eq(left.count, whole.count);
}
END_TEST

START_TEST(a_level_is_weighted_by_how_long_it_stood) {
    struct stats_time_weighted level;
    stats_time_weighted_init(&level, 100, 2);
    ck_assert_double_eq(stats_time_weighted_mean(&level, 100), 2);
    stats_time_weighted_set(&level, 110, 5); /* 2 for 10 ns */
    stats_time_weighted_set(&level, 110, 9); /* for no time at all, but it was there */
    stats_time_weighted_set(&level, 110, 3);
    stats_time_weighted_set(&level, 140, 0); /* 3 for 30 ns */
    ck_assert_double_eq_tol(stats_time_weighted_mean(&level, 160), 110 / 60.0, 1e-12);
    ck_assert_double_eq(level.max, 9);
    stats_time_weighted_set(&level, 160, 4);
    stats_time_weighted_restart(&level, 160);
    ck_assert_double_eq(stats_time_weighted_mean(&level, 170), 4);
    ck_assert_double_eq(level.max, 4);
}
END_TEST

START_TEST(the_warm_up_ends_where_the_series_settles) {
    double values[203];
    for (int32_t i = 0; i < 203; i++)
        values[i] = i < 40 ? 100 - i : (i % 2 ? 1.5 : 2.5);
    ck_assert_uint_eq(stats_mser5(values, 203), 40);
    for (int32_t i = 0; i < 203; i++)
        values[i] = i % 2 ? 1.5 : 2.5; /* settled from the start: means of five differ a little, but
                                          in no direction */
    ck_assert_uint_le(stats_mser5(values, 203), 10);
    for (int32_t i = 0; i < 203; i++)
        values[i] = 2.385; /* of equally good cuts the earliest */
    ck_assert_uint_eq(stats_mser5(values, 203), 0);
}
END_TEST

START_TEST(at_most_half_of_a_series_is_warm_up) {
    double values[100];
    for (int32_t i = 0; i < 100; i++)
        values[i] = i; /* never settles */
    ck_assert_uint_eq(stats_mser5(values, 100), 50);
    ck_assert_uint_eq(stats_mser5(values, 4), 0);
    ck_assert_uint_eq(stats_mser5(values, 0), 0);
}
END_TEST

START_TEST(a_batch_interval_is_the_interval_of_batch_means) {
    /* 31 values in 5 batches of 6: the first is left over, then each batch's mean is one of `five`
     */
    double values[31] = {1000};
    for (int32_t i = 0; i < 30; i++)
        values[1 + i] = five[i / 6] + (i % 2 ? 0.7 : -0.7);
    struct stats_interval interval = stats_batch_interval(values, 31, 5, 0.95);
    ck_assert_double_eq_tol(interval.value, 3.66, 1e-12);
    ck_assert_double_eq_tol(interval.high - interval.value, 1.5120796359377489, 1e-9);
}
END_TEST

START_TEST(too_few_values_for_their_batches_are_our_bug) {
    double values[9] = {0};
    (void)stats_batch_interval(values, 9, 5, 0.95);
}
END_TEST

START_TEST(a_slope_has_a_standard_error_that_knows_of_correlation) {
    const double x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const double y[] = {1.0, 1.4, 1.9, 1.7, 2.2, 3.1, 3.6, 3.9, 4.0, 4.2, 4.1, 5.3};
    struct stats_slope fit = stats_slope_fit(x, y, 12);
    /* least squares in Python from the normal equations; the residuals' lag-1 correlation is 0.1352
     */
    ck_assert_double_eq_tol(fit.intercept, 1.0179487179487174, 1e-12);
    ck_assert_double_eq_tol(fit.slope, 0.3664335664335664, 1e-12);
    ck_assert_double_eq_tol(fit.slope_stderr, 0.030382445020149813, 1e-12);
    /* alternating residuals (r = -0.645) narrow nothing */
    const double zigzag[] = {2.385, 2.9, 4.1, 4.05, 5.6, 5.2, 6.9, 7.7};
    fit = stats_slope_fit(x, zigzag, 8);
    ck_assert_double_eq_tol(fit.slope_stderr, 0.06812413535201982, 1e-12);
}
END_TEST

START_TEST(an_exact_line_has_no_error) {
    const double x[] = {1, 2, 4}, y[] = {3, 5, 9};
    struct stats_slope fit = stats_slope_fit(x, y, 3);
    ck_assert_double_eq_tol(fit.slope, 2, 1e-14);
    ck_assert_double_eq_tol(fit.intercept, 1, 1e-14);
    ck_assert_double_eq_tol(fit.slope_stderr, 0, 1e-12);
}
END_TEST

START_TEST(quantiles_are_linear_between_ranks) {
    double values[] = {3.1, 2.385, 9.7, 4.4, 5.05};
    ck_assert_double_eq(stats_median(values, 5), 4.4);
    ck_assert_double_eq(stats_quantile(values, 5, 0), 2.385);
    ck_assert_double_eq_tol(stats_quantile(values, 5, 0.1), 2.385 + 0.4 * 0.715, 1e-12);
    ck_assert_double_eq_tol(stats_quantile(values, 5, 0.9), 5.05 + 0.6 * 4.65, 1e-12);
    ck_assert_double_eq(stats_quantile(values, 5, 1), 9.7);
    ck_assert_double_eq_tol(stats_median(values, 4), 3.75, 1e-12);
    ck_assert_double_eq(stats_median(values, 0), 0);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(mean_and_variance_are_those_of_the_textbook),
    TEST(the_interval_is_students),
    TEST(one_value_says_nothing_about_its_interval),
    TEST(merged_halves_are_the_whole),
    TEST(a_level_is_weighted_by_how_long_it_stood),
    TEST(the_warm_up_ends_where_the_series_settles),
    TEST(at_most_half_of_a_series_is_warm_up),
    TEST(a_batch_interval_is_the_interval_of_batch_means),
    TEST_OF_OUR_BUG(too_few_values_for_their_batches_are_our_bug),
    TEST(a_slope_has_a_standard_error_that_knows_of_correlation),
    TEST(an_exact_line_has_no_error),
    TEST(quantiles_are_linear_between_ranks),
};

int main(void) {
    return suite_run("stats", tests, COUNT_OF(tests));
}
