#include "study/bisection.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <math.h>

static const struct study_bisection_options from_0_to_10 = {
    .low = 2, .high = 6, .lowest = 0, .highest = 10, .step = 1};

START_TEST(nothing_said_is_a_uniform_posterior) {
    struct study_bisection bisection;
    study_bisection_init(&bisection, &from_0_to_10);
    ck_assert_double_eq_tol(study_bisection_quantile(&bisection, 0.5), 4, 1e-9);
    ck_assert_double_eq_tol(study_bisection_quantile(&bisection, 0.1), 2.4, 1e-9);
}
END_TEST

START_TEST(one_verdict_weighs_as_much_as_it_is_right) {
    struct study_bisection bisection;
    study_bisection_init(&bisection, &from_0_to_10);
    study_bisection_tell(&bisection, (struct study_verdict){4, 0.9, false});
    /* Bayes: 0.9 of the mass between 4 and 6, evenly */
    ck_assert_double_eq_tol(study_bisection_quantile(&bisection, 0.1), 4, 1e-9);
    ck_assert_double_eq_tol(study_bisection_quantile(&bisection, 0.55), 5, 1e-9);
}
END_TEST

START_TEST(a_wrong_verdict_is_outvoted) {
    struct study_bisection bisection;
    const double truth = 3.385;
    study_bisection_init(&bisection, &from_0_to_10);
    study_bisection_tell(&bisection, (struct study_verdict){4, 0.9, false}); /* wrong */
    for (int32_t i = 0; i < 16; i++) {
        double at = study_bisection_quantile(&bisection, 0.5);
        study_bisection_tell(&bisection, (struct study_verdict){at, 0.9, at > truth});
    }
    ck_assert_double_eq_tol(study_bisection_quantile(&bisection, 0.5), truth, 0.05);
}
END_TEST

START_TEST(the_window_follows_the_mass_to_its_limits) {
    struct study_bisection bisection;
    for (int32_t side = 0; side < 2; side++) {
        double truth = side ? 9.4 : 0.4;
        study_bisection_init(&bisection, &from_0_to_10);
        for (int32_t i = 0; i < 40; i++) {
            double at = study_bisection_quantile(&bisection, 0.5);
            study_bisection_tell(&bisection, (struct study_verdict){at, 0.9, at > truth});
        }
        ck_assert_double_eq_tol(study_bisection_quantile(&bisection, 0.5), truth, 0.05);
        ck_assert_double_eq(side ? bisection.high : bisection.low, side ? 10 : 0);
    }
}
END_TEST

START_TEST(the_posterior_covers_the_truth_as_often_as_it_says) {
    int32_t inside = 0;
    enum { ROUNDS = 400 };
    for (int32_t round = 0; round < ROUNDS; round++) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = 11, .entity = (uint64_t)round});
        struct study_bisection bisection;
        study_bisection_init(&bisection, &(struct study_bisection_options){0, 1, 0, 1, 0.1});
        double truth = rng_uniform(&rng);
        for (int32_t i = 0; i < 10; i++) {
            double at = study_bisection_quantile(&bisection, 0.5);
            bool is_right = rng_uniform(&rng) < 0.9;
            study_bisection_tell(&bisection,
                                 (struct study_verdict){at, 0.9, (at > truth) == is_right});
        }
        inside += study_bisection_quantile(&bisection, 0.1) <= truth &&
                  truth <= study_bisection_quantile(&bisection, 0.9);
    }
    /* 80 % of 400, within 3.3 standard errors of 2 % */
    ck_assert_int_ge(inside, (int)(ROUNDS * 0.734));
    ck_assert_int_le(inside, (int)(ROUNDS * 0.866));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(nothing_said_is_a_uniform_posterior),
        TEST(one_verdict_weighs_as_much_as_it_is_right),
        TEST(a_wrong_verdict_is_outvoted),
        TEST(the_window_follows_the_mass_to_its_limits),
        TEST(the_posterior_covers_the_truth_as_often_as_it_says),
    };
    return suite_run("bisection", tests, COUNT_OF(tests));
}
