#include "study/bound.h"

#include "tests/sim/suite.h"

#include <math.h>

/* Holds from `low` to `high`. */
struct piece {
    double low, high;
    double asked[256];
    int32_t asked_count;
};

static bool holds(void *context, double value) {
    struct piece *piece = context;
    for (int32_t i = 0; i < piece->asked_count; i++)
        ck_assert_double_ne(piece->asked[i], value); /* a run is dear */
    piece->asked[piece->asked_count++] = value;
    return piece->low <= value && value <= piece->high;
}

static struct study_bound find_whole(double low, double high, double start) {
    struct piece piece = {.low = low, .high = high};
    return study_find_bound(&(struct study_bound_options){.holds = holds,
                                                          .context = &piece,
                                                          .start = start,
                                                          .lowest = 1,
                                                          .highest = 100,
                                                          .is_whole = true});
}

START_TEST(the_largest_value_is_exact_wherever_the_search_begins) {
    for (double start = 1; start <= 100; start++)
        for (double high = 1; high < 100; high += 7) {
            struct study_bound bound = find_whole(0, high, start);
            ck_assert_int_eq(bound.kind, STUDY_BOUND_MOST);
            ck_assert_double_eq(bound.low, 1);
            ck_assert_double_eq(bound.high, high);
            ck_assert_double_eq(bound.fails_above, high + 1);
        }
}
END_TEST

START_TEST(the_smallest_value_is_exact_wherever_the_search_begins) {
    for (double start = 1; start <= 100; start++)
        for (double low = 2; low <= 100; low += 7) {
            struct study_bound bound = find_whole(low, 1000, start);
            ck_assert_int_eq(bound.kind, STUDY_BOUND_LEAST);
            ck_assert_double_eq(bound.low, low);
            ck_assert_double_eq(bound.high, 100);
            ck_assert_double_eq(bound.fails_below, low - 1);
        }
}
END_TEST

START_TEST(a_piece_between_two_ends_has_both) {
    struct study_bound bound = find_whole(23, 61, 40);
    ck_assert_int_eq(bound.kind, STUDY_BOUND_BETWEEN);
    ck_assert_double_eq(bound.low, 23);
    ck_assert_double_eq(bound.high, 61);
    bound = find_whole(23, 61, 3);
    ck_assert_int_eq(bound.kind, STUDY_BOUND_BETWEEN);
    ck_assert_double_eq(bound.low, 23);
    ck_assert_double_eq(bound.high, 61);
}
END_TEST

START_TEST(nothing_and_everything_are_said) {
    struct study_bound bound = find_whole(200, 300, 40);
    ck_assert_int_eq(bound.kind, STUDY_BOUND_NOTHING);
    ck_assert(isnan(bound.low) && isnan(bound.high));
    ck_assert_int_eq(find_whole(0, 300, 40).kind, STUDY_BOUND_ALL);
    ck_assert_int_eq(find_whole(0, 300, 1).kind, STUDY_BOUND_ALL);
    ck_assert_str_eq(study_bound_kind_name(STUDY_BOUND_LEAST), "least");
}
END_TEST

START_TEST(a_continuous_end_is_as_near_as_was_asked_for) {
    struct piece piece = {.low = 0, .high = 23.85};
    struct study_bound bound = study_find_bound(&(struct study_bound_options){.holds = holds,
                                                                              .context = &piece,
                                                                              .start = 1.7,
                                                                              .lowest = 0.001,
                                                                              .highest = 1e6,
                                                                              .tolerance = 0.01});
    ck_assert_int_eq(bound.kind, STUDY_BOUND_MOST);
    ck_assert_double_le(bound.high, 23.85);
    ck_assert_double_gt(bound.fails_above, 23.85);
    ck_assert_double_le(bound.fails_above / bound.high, 1.0101);
    ck_assert_int_le(bound.asked_count, 14); /* 1 below, 5 doublings, 7 halvings of log(2) */
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_largest_value_is_exact_wherever_the_search_begins),
        TEST(the_smallest_value_is_exact_wherever_the_search_begins),
        TEST(a_piece_between_two_ends_has_both), TEST(nothing_and_everything_are_said),
        TEST(a_continuous_end_is_as_near_as_was_asked_for)};
    return suite_run("study/bound", tests, COUNT_OF(tests));
}
