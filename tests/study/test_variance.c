#include "study/variance.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_randist.h>
#include <math.h>

START_TEST(mean_squares_are_those_of_the_textbook) {
    /* Montgomery, Design and Analysis of Experiments, example of the looms: four looms, four
     * samples; MSB = 29.73, MSW = 1.90, components 6.96 and 1.90 */
    const double strength[] = {98, 97, 99, 96, 91, 90, 93, 92, 96, 95, 97, 95, 95, 96, 99, 98};
    struct study_variance variance = study_nested_variance(strength, 4, 4);
    ck_assert_double_eq_tol(variance.mean, 95.4375, 1e-12);
    ck_assert_double_eq_tol(variance.within, 1.895833333, 1e-8);
    ck_assert_double_eq_tol(variance.between, 6.958333333, 1e-8);
    /* MSB / 16, three degrees of freedom */
    ck_assert_double_eq_tol(variance.mean_variance, 1.858072917, 1e-8);
    ck_assert_double_eq(variance.mean_freedom, 3);
    ck_assert_double_eq_tol(variance.new_variance,
                            variance.between + variance.within + variance.mean_variance, 1e-9);
    /* Satterthwaite by hand: 29.7291667 * 5/16 = 9.2903646, 1.8958333 * 3/4 = 1.421875:
     * 10.7122396^2 / (9.2903646^2 / 3 + 1.421875^2 / 12) = 3.9663 */
    ck_assert_double_eq_tol(variance.new_freedom, 3.9663, 1e-3);
}
END_TEST

START_TEST(groups_that_do_not_differ_are_one_sample) {
    const double values[] = {2, 4, 6, 6, 4, 2.3};
    struct study_variance variance = study_nested_variance(values, 2, 3);
    ck_assert_double_eq(variance.between, 0);
    ck_assert_double_eq(variance.new_freedom, 5);
    /* Python's statistics.variance of the six */
    ck_assert_double_eq_tol(variance.within, 2.975, 1e-12);
}
END_TEST

START_TEST(components_are_recovered_and_the_interval_covers_the_next_one) {
    enum { ROUNDS = 400, GROUPS = 8, SIZE = 4 };
    const double between = 0.04, within = 0.0225; /* standard deviations 0.2 and 0.15 */
    struct stats of_between, of_within;
    stats_init(&of_between);
    stats_init(&of_within);
    int32_t inside = 0;
    for (int32_t round = 0; round < ROUNDS; round++) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = 5, .entity = (uint64_t)round});
        gsl_rng as_gsl = rng_as_gsl(&rng);
        double values[GROUPS * SIZE];
        for (int32_t group = 0; group < GROUPS; group++) {
            double level = 2.385 + gsl_ran_gaussian(&as_gsl, sqrt(between));
            for (int32_t i = 0; i < SIZE; i++)
                values[group * SIZE + i] = level + gsl_ran_gaussian(&as_gsl, sqrt(within));
        }
        struct study_variance variance = study_nested_variance(values, GROUPS, SIZE);
        stats_add(&of_between, variance.between);
        stats_add(&of_within, variance.within);
        double next = 2.385 + gsl_ran_gaussian(&as_gsl, sqrt(between)) +
                      gsl_ran_gaussian(&as_gsl, sqrt(within));
        struct stats_interval interval =
            study_t_interval(variance.mean, variance.new_variance, variance.new_freedom, 0.95);
        inside += interval.low <= next && next <= interval.high;
    }
    ck_assert_double_eq_tol(of_between.mean, between, 3.3 * stats_stderr(&of_between));
    ck_assert_double_eq_tol(of_within.mean, within, 3.3 * stats_stderr(&of_within));
    /* 95 % of 400, within 3.3 standard errors of 1.09 % */
    ck_assert_int_ge(inside, (int)(ROUNDS * 0.914));
    ck_assert_int_le(inside, (int)(ROUNDS * 0.986));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(mean_squares_are_those_of_the_textbook),
        TEST(groups_that_do_not_differ_are_one_sample),
        TEST(components_are_recovered_and_the_interval_covers_the_next_one),
    };
    return suite_run("variance", tests, COUNT_OF(tests));
}
