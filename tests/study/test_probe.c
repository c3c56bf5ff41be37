#include "study/probe.h"

#include "tests/sim/suite.h"

#include <math.h>

static const struct study_objective objective = {.late_share = 0.01, .lost_share = 0.002};

static struct study_probe_result result_of(double late, double error) {
    return (struct study_probe_result){.late_share = late,
                                       .late_share_stderr = error,
                                       .due_count = 1e6,
                                       .verdict = late > 0.01 ? OUTCOME_FAILS : OUTCOME_HOLDS,
                                       .broke = ""};
}

static void judges(struct study_probe_result result, enum study_judgement judgement) {
    ck_assert_int_eq(study_judge(&result, &objective), judgement);
}

START_TEST(the_late_share_decides_at_two_standard_errors) {
    judges(result_of(0.00799, 0.001), STUDY_PASSED);
    judges(result_of(0.00801, 0.001), STUDY_UNDECIDED);
    judges(result_of(0.01199, 0.001), STUDY_UNDECIDED);
    judges(result_of(0.01201, 0.001), STUDY_FAILED);
    judges(result_of(0, 0), STUDY_PASSED);
    judges(result_of(1, 0), STUDY_FAILED);
}
END_TEST

START_TEST(without_a_standard_error_the_binomial_one_stands_in) {
    /* sqrt(0.01 * 0.99 / 1e6) = 0.0000995 */
    judges(result_of(0.0101, (double)NAN), STUDY_UNDECIDED);
    judges(result_of(0.0103, (double)NAN), STUDY_FAILED);
    judges(result_of(0.0097, (double)NAN), STUDY_PASSED);
}
END_TEST

START_TEST(loss_instability_and_failed_resources_fail_whatever_is_late) {
    struct study_probe_result result = result_of(0, 0);
    result.lost_share = 0.002;
    judges(result, STUDY_PASSED);
    result.lost_share = 0.00201;
    judges(result, STUDY_FAILED);
    result = result_of(0, 0);
    result.verdict = OUTCOME_UNSTABLE;
    judges(result, STUDY_FAILED);
    result.verdict = OUTCOME_FAILS; /* descriptors, with every delivery in time */
    judges(result, STUDY_FAILED);
    ck_assert(study_leans_to_fail(&result, &objective));
    result.verdict = OUTCOME_CANNOT_TELL;
    judges(result, STUDY_UNDECIDED);
}
END_TEST

START_TEST(nothing_due_decides_nothing) {
    struct study_probe_result result = result_of((double)NAN, (double)NAN);
    result.due_count = 0;
    judges(result, STUDY_UNDECIDED);
}
END_TEST

START_TEST(two_probes_pool_by_what_was_due) {
    struct study_probe_result a = result_of(0.004, 0.001), b = result_of(0.012, 0.002);
    b.due_count = 3e6;
    struct study_probe_result both = study_pooled(&a, &b);
    ck_assert_double_eq_tol(both.late_share, 0.01, 1e-15);
    /* hypot(0.25 * 0.001, 0.75 * 0.002) */
    ck_assert_double_eq_tol(both.late_share_stderr, 0.00152069063257455, 1e-15);
    ck_assert_double_eq(both.due_count, 4e6);
}
END_TEST

START_TEST(distances_are_logits_cut_at_four) {
    struct study_probe_result result = result_of(0.01, 0.001);
    struct study_distance distance = study_distance_of(&result, &objective);
    ck_assert_double_eq_tol(distance.logit, 0, 1e-12);
    /* (0.001 / (0.01 * 0.99))^2 */
    ck_assert_double_eq_tol(distance.variance, 0.0102030405060708, 1e-12);
    ck_assert(distance.is_informative);
    result = result_of(0.02, 0.001);
    /* logit(0.02) - logit(0.01) = log(99 / 49) */
    ck_assert_double_eq_tol(study_distance_of(&result, &objective).logit, 0.703299552023963, 1e-12);
    result = result_of(0, 0);
    distance = study_distance_of(&result, &objective);
    ck_assert_double_eq(distance.logit, -STUDY_LOGIT_MAX);
    ck_assert(!distance.is_informative);
    result = result_of(1, 0);
    ck_assert_double_eq(study_distance_of(&result, &objective).logit, STUDY_LOGIT_MAX);
}
END_TEST

START_TEST(a_share_of_zero_among_few_still_says_little) {
    struct study_probe_result result = result_of(0, 0);
    result.due_count = 99; /* 0.5 / 100 = 0.005: hardly below the objective */
    struct study_distance distance = study_distance_of(&result, &objective);
    ck_assert_double_eq_tol(distance.logit, log(0.005 / 0.995) - log(0.01 / 0.99), 1e-12);
}
END_TEST

START_TEST(a_failure_for_another_reason_lies_above) {
    struct study_probe_result result = result_of(0.0001, 0.00001);
    result.verdict = OUTCOME_UNSTABLE;
    struct study_distance distance = study_distance_of(&result, &objective);
    ck_assert_double_eq(distance.logit, 2);
    ck_assert(!distance.is_informative);
    result.late_share = 0.2; /* as measured, where that says more */
    ck_assert_double_gt(study_distance_of(&result, &objective).logit, 2);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_late_share_decides_at_two_standard_errors),
        TEST(without_a_standard_error_the_binomial_one_stands_in),
        TEST(loss_instability_and_failed_resources_fail_whatever_is_late),
        TEST(nothing_due_decides_nothing),
        TEST(two_probes_pool_by_what_was_due),
        TEST(distances_are_logits_cut_at_four),
        TEST(a_share_of_zero_among_few_still_says_little),
        TEST(a_failure_for_another_reason_lies_above),
    };
    return suite_run("probe", tests, COUNT_OF(tests));
}
