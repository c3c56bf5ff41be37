#include "models/spec/spec.h"

#include "tests/sim/suite.h"

#include <math.h>

/* Moments added up over every value of the support, at the definition's own pace: what dist.c must
 * agree with. */
struct sums {
    double mean, square;
};

static struct sums zipf_by_the_definition(const struct spec_dist *dist) {
    long double weight = 0, sum = 0, squares = 0;
    for (double v = dist->lowest; v <= dist->highest; v++) {
        long double w = powl((long double)v / dist->lowest, -(long double)dist->exponent);
        weight += w;
        sum += w * v;
        squares += w * v * v;
    }
    return (struct sums){(double)(sum / weight), (double)(squares / weight)};
}

static double log_normal_share_below(const struct spec_dist *dist, double x) {
    double zeta = log(dist->mean) - dist->sigma * dist->sigma / 2;
    return 0.5 * erfc((zeta - log(x)) / (dist->sigma * sqrt(2)));
}

/* P(R = v) of each whole v, the ends taking what lies beyond them. */
static struct sums log_normal_by_the_definition(const struct spec_dist *dist) {
    double sum = 0, squares = 0;
    for (double v = dist->lowest; v <= dist->highest; v++) {
        double below = v == dist->lowest ? 0 : log_normal_share_below(dist, v - 0.5);
        double above = v == dist->highest ? 1 : log_normal_share_below(dist, v + 0.5);
        sum += (above - below) * v;
        squares += (above - below) * v * v;
    }
    return (struct sums){sum, squares};
}

static void check_moments(const struct spec_dist *dist, struct sums expected, double tolerance) {
    double mean = spec_dist_mean(dist), square = spec_dist_mean_square(dist);
    ck_assert_msg(fabs(mean / expected.mean - 1) < tolerance, "mean %.12g, expected %.12g", mean,
                  expected.mean);
    ck_assert_msg(fabs(square / expected.square - 1) < tolerance,
                  "mean square %.12g, expected %.12g", square, expected.square);
}

START_TEST(a_constant_is_rounded_to_a_whole_number) {
    struct spec_dist dist = {.kind = SPEC_DIST_CONSTANT, .constant = 127.6};
    ck_assert_double_eq(spec_dist_mean(&dist), 128);
    ck_assert_double_eq(spec_dist_mean_square(&dist), 16384);
}
END_TEST

START_TEST(an_empirical_distribution_weighs_its_rounded_points) {
    double values[] = {2.4, 10, 97}, weights[] = {5, 3, 2};
    struct spec_dist dist = {
        .kind = SPEC_DIST_EMPIRICAL, .values = values, .weights = weights, .points_count = 3};
    ck_assert_double_eq_tol(spec_dist_mean(&dist), (5 * 2 + 3 * 10 + 2 * 97) / 10.0, 1e-12);
    ck_assert_double_eq_tol(spec_dist_mean_square(&dist), (5 * 4 + 3 * 100 + 2 * 9409) / 10.0,
                            1e-9);
}
END_TEST

/* Short supports, long ones, both sides of an exponent of 1, 2 and 3, and one so steep that its
 * powers underflow. */
static const struct spec_dist zipfs[] = {
    {.kind = SPEC_DIST_ZIPF, .exponent = 1.1, .lowest = 2, .highest = 10000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 1.1, .lowest = 2, .highest = 3000000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 1, .lowest = 1, .highest = 1000000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 2, .lowest = 7, .highest = 1000000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 3, .lowest = 1, .highest = 1000000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 0.3, .lowest = 5, .highest = 400000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 170, .lowest = 900, .highest = 1000000},
    {.kind = SPEC_DIST_ZIPF, .exponent = 1.1, .lowest = 12, .highest = 12},
};

START_TEST(a_zipf_has_the_moments_of_its_weights) {
    check_moments(&zipfs[_i], zipf_by_the_definition(&zipfs[_i]), 1e-9);
}
END_TEST

/* The tail cut off, the head cut off, a step narrower than one whole number, wide ones with a long
 * integral. */
static const struct spec_dist log_normals[] = {
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 150, .sigma = 1.2, .lowest = 1, .highest = 10000},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 150, .sigma = 1.2, .lowest = 48, .highest = 200},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 2.385, .sigma = 0.7, .lowest = 1, .highest = 1000},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 5000.3, .sigma = 1e-5, .lowest = 1, .highest = 1000000},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 30000, .sigma = 2.5, .lowest = 1, .highest = 3000000},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 700000, .sigma = 0.4, .lowest = 1, .highest = 3000000},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 3, .sigma = 0.5, .lowest = 100, .highest = 1000},
    {.kind = SPEC_DIST_LOG_NORMAL, .mean = 5000, .sigma = 0.1, .lowest = 1, .highest = 10},
};

START_TEST(a_log_normal_has_the_moments_of_what_is_rounded_and_clamped) {
    check_moments(&log_normals[_i], log_normal_by_the_definition(&log_normals[_i]), 1e-9);
}
END_TEST

START_TEST(a_log_normal_without_spread_is_a_constant_within_its_bounds) {
    struct spec_dist dist = {
        .kind = SPEC_DIST_LOG_NORMAL, .mean = 17.2, .sigma = 0, .lowest = 1, .highest = 1000};
    ck_assert_double_eq(spec_dist_mean(&dist), 17);
    dist.highest = 12;
    ck_assert_double_eq(spec_dist_mean_square(&dist), 144);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_constant_is_rounded_to_a_whole_number),
        TEST(an_empirical_distribution_weighs_its_rounded_points),
        LOOP_TEST(a_zipf_has_the_moments_of_its_weights, COUNT_OF(zipfs)),
        LOOP_TEST(a_log_normal_has_the_moments_of_what_is_rounded_and_clamped,
                  COUNT_OF(log_normals)),
        TEST(a_log_normal_without_spread_is_a_constant_within_its_bounds),
    };
    return suite_run("models/spec/dist", tests, COUNT_OF(tests));
}
