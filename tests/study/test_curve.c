#include "study/curve.h"

#include "tests/sim/suite.h"

#include <math.h>

static struct study_point point(double x, double logit, double variance) {
    return (struct study_point){x, {logit, variance, fabs(logit) < STUDY_LOGIT_MAX}};
}

START_TEST(points_on_a_line_cross_where_it_does) {
    struct study_point points[6];
    for (int32_t i = 0; i < 6; i++) { /* out of order */
        double x = 0.7 + 0.01 * ((i * 5) % 6);
        points[i] = point(x, 50 * (x - 0.72385), 0.01);
    }
    struct study_curve curve = study_fit_curve(points, 6);
    ck_assert(curve.has_line);
    ck_assert_double_eq_tol(curve.crossing.value, 0.72385, 1e-12);
    ck_assert_double_eq_tol(curve.slope, 50, 1e-9);
    ck_assert_double_eq_tol(curve.isotonic_crossing, 0.72385, 1e-12);
    ck_assert_double_eq_tol(curve.last_pass, 0.72, 1e-12);
    ck_assert_double_eq_tol(curve.first_fail, 0.73, 1e-12);
    ck_assert(curve.is_separated);
}
END_TEST

START_TEST(the_interval_is_fiellers) {
    const double y[] = {-2.3, -1.1, -0.4, 0.9, 1.2, 2.6};
    struct study_point points[6];
    for (int32_t i = 0; i < 6; i++)
        points[i] = point(0.1 * i, y[i], 0);
    struct study_curve curve = study_fit_curve(points, 6);
    /* Ordinary least squares and Fieller's formula, computed in Python: slope 9.342857, residual
     * variance 0.064857 on 4 degrees of freedom, t = 2.776445 */
    ck_assert_double_eq_tol(curve.crossing.value, 0.2339449541, 1e-6);
    ck_assert_double_eq_tol(curve.crossing.low, 0.2018433958, 2e-5);
    ck_assert_double_eq_tol(curve.crossing.high, 0.2649600065, 2e-5);
    ck_assert_double_eq_tol(curve.slope, 9.34285714, 1e-4);
}
END_TEST

START_TEST(scatter_beyond_counting_widens_the_interval) {
    const double y[] = {-2.3, -1.1, -0.4, 0.9, 1.2, 2.6};
    struct study_point exact[6], vague[6];
    for (int32_t i = 0; i < 6; i++) {
        exact[i] = point(0.1 * i, y[i], 1e-8);
        vague[i] = point(0.1 * i, y[i], 0.5);
    }
    struct study_curve sure = study_fit_curve(exact, 6), unsure = study_fit_curve(vague, 6);
    /* the residual standard deviation above */
    ck_assert_double_eq_tol(sure.over_dispersion, 0.254671, 1e-3);
    ck_assert_double_lt(unsure.over_dispersion, 1e-3); /* counting explains all of it */
    ck_assert_double_gt(unsure.crossing.high - unsure.crossing.low,
                        sure.crossing.high - sure.crossing.low);
}
END_TEST

START_TEST(pooling_survives_a_violator) {
    const double y[] = {-3, -2, 1, -2, 2, 3}; /* the third and fourth pool to -0.5 */
    struct study_point points[6];
    for (int32_t i = 0; i < 6; i++)
        points[i] = point(i, y[i], 0.1);
    struct study_curve curve = study_fit_curve(points, 6);
    /* from (2.5, -0.5) to (4, 2), by hand */
    ck_assert_double_eq_tol(curve.isotonic_crossing, 2.8, 1e-9);
    ck_assert(!curve.is_separated);
}
END_TEST

START_TEST(a_curve_that_does_not_rise_has_no_line) {
    struct study_point points[6];
    for (int32_t i = 0; i < 6; i++)
        points[i] = point(i, i % 2 ? 2.385 : -2.385 - 0.01 * i, 0.1);
    ck_assert(!study_fit_curve(points, 6).has_line);
}
END_TEST

START_TEST(a_clean_step_is_separated_and_has_no_line) {
    struct study_point points[8];
    for (int32_t i = 0; i < 8; i++)
        points[i] = point(i, i < 5 ? -STUDY_LOGIT_MAX : STUDY_LOGIT_MAX, 1);
    struct study_curve curve = study_fit_curve(points, 8);
    ck_assert(!curve.has_line && !curve.has_informative && curve.is_separated);
    ck_assert_double_eq(curve.last_pass, 4);
    ck_assert_double_eq(curve.first_fail, 5);
}
END_TEST

START_TEST(points_on_one_side_only_cross_nowhere) {
    struct study_point points[8];
    for (int32_t i = 0; i < 8; i++)
        points[i] = point(i, -1 - 0.1 * i, 0.1);
    struct study_curve curve = study_fit_curve(points, 8);
    ck_assert(!curve.has_line);
    ck_assert(isnan(curve.first_fail) && isnan(curve.isotonic_crossing));
    ck_assert(!study_fit_curve(points, 0).has_line);
}
END_TEST

START_TEST(points_far_out_do_not_flatten_the_line) {
    struct study_point points[14];
    for (int32_t i = 0; i < 14; i++) {
        double y = 100 * (0.01 * i - 0.0651);
        points[i] = point(0.01 * i, fmin(fmax(y, -STUDY_LOGIT_MAX), STUDY_LOGIT_MAX), 0.01);
    }
    struct study_curve curve = study_fit_curve(points, 14);
    /* all 14 points would give 76: the six that only say their side would count in full */
    ck_assert_double_gt(curve.slope, 94);
    ck_assert_double_eq_tol(curve.crossing.value, 0.0651, 2e-4);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(points_on_a_line_cross_where_it_does),
        TEST(the_interval_is_fiellers),
        TEST(scatter_beyond_counting_widens_the_interval),
        TEST(pooling_survives_a_violator),
        TEST(a_curve_that_does_not_rise_has_no_line),
        TEST(a_clean_step_is_separated_and_has_no_line),
        TEST(points_on_one_side_only_cross_nowhere),
        TEST(points_far_out_do_not_flatten_the_line),
    };
    return suite_run("curve", tests, COUNT_OF(tests));
}
