#include "study/group_reach.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The same quantity drawn instead of integrated: 95 of 100 deviations. */
static double drawn(const struct study_squares *squares) {
    enum { DRAWS = 200000 };
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 7, .entity = (uint64_t)squares->groups});
    gsl_rng as_gsl = rng_as_gsl(&rng);
    double *deviations = calloc(DRAWS, sizeof *deviations);
    double between_freedom = squares->groups - 1, size = squares->group_size;
    double within_freedom = squares->groups * (size - 1), count = squares->groups * size;
    ck_assert(deviations != NULL);
    for (int32_t i = 0; i < DRAWS; i++) {
        double within = squares->within * within_freedom / gsl_ran_chisq(&as_gsl, within_freedom);
        double tau = squares->between * between_freedom / gsl_ran_chisq(&as_gsl, between_freedom);
        double between = fmax((tau - within) / size, 0);
        double mean_variance = fmax(tau, within) / count;
        deviations[i] = fabs(gsl_ran_gaussian(&as_gsl, sqrt(between + mean_variance)));
    }
    qsort(deviations, DRAWS, sizeof *deviations, by_size);
    double reach = deviations[DRAWS * 95 / 100];
    free(deviations);
    return reach;
}

static const struct study_squares cases[] = {
    {0.17, 0.09, 8, 2}, {0.09, 0.17, 8, 2}, {2, 0.01, 8, 2}, {8, 4.0 / 3, 4, 2}, {0.3, 0.2, 16, 3}};

START_TEST(the_reach_is_that_of_drawn_variances) {
    const struct study_squares *squares = &cases[_i];
    ck_assert_double_eq_tol(study_group_reach(squares, 0.95) / drawn(squares), 1, 0.02);
}
END_TEST

/* Where groups hardly have any members' noise, one more group is one more observation of them:
 * t sqrt(variance of a group's mean (1 + 1/groups)), with t(7, 97.5 %) = 2.364624. */
START_TEST(without_noise_it_is_students_prediction_interval) {
    struct study_squares squares = {2 * 0.04, 1e-12, 8, 2};
    double expected = 2.364624 * sqrt(0.04 * (1 + 1.0 / 8));
    ck_assert_double_eq_tol(study_group_reach(&squares, 0.95) / expected, 1, 0.01);
}
END_TEST

START_TEST(groups_without_any_difference_are_reached_at_once) {
    struct study_squares squares = {0, 0, 4, 2};
    ck_assert_double_eq(study_group_reach(&squares, 0.95), 0);
    squares.within = 0.3; /* by chance the groups' means are all the same */
    ck_assert_double_gt(study_group_reach(&squares, 0.95), 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(the_reach_is_that_of_drawn_variances, COUNT_OF(cases)),
        TEST(without_noise_it_is_students_prediction_interval),
        TEST(groups_without_any_difference_are_reached_at_once)};
    return suite_run("study/group reach", tests, COUNT_OF(tests));
}
