/* The smallest number that holds. */
#include "study/smallest.h"

#include "tests/sim/suite.h"

struct threshold {
    int64_t at;
    int64_t asked[64];
    int32_t asked_count;
};

static bool holds(void *context, int64_t count) {
    struct threshold *threshold = context;
    threshold->asked[threshold->asked_count++] = count;
    return count >= threshold->at;
}

typedef int64_t search(const struct study_smallest_options *options);

static int64_t find_by(search *by, int64_t at, int64_t first, int64_t most, int32_t *asked_count) {
    struct threshold threshold = {.at = at};
    int64_t found =
        by(&(struct study_smallest_options){holds, &threshold, .first = first, .most = most});
    *asked_count = threshold.asked_count;
    for (int32_t i = 0; i < threshold.asked_count; i++)
        for (int32_t k = 0; k < i; k++)
            ck_assert_int_ne(threshold.asked[i], threshold.asked[k]); /* a run is dear */
    return found;
}

static int64_t find(int64_t at, int64_t first, int64_t most, int32_t *asked_count) {
    return find_by(study_smallest, at, first, most, asked_count);
}

START_TEST(it_is_found_wherever_the_search_begins) {
    int32_t asked;
    for (int64_t at = 1; at <= 40; at++)
        for (int64_t first = 1; first <= 40; first++)
            ck_assert_int_eq(find(at, first, 40, &asked), at);
    ck_assert_int_eq(find(41, 3, 40, &asked), 0);
    ck_assert_int_eq(find(4, 3, 1000, &asked), 4);
    ck_assert_int_le(asked, 5); /* 3, 6, 4 and what bisection needs between */
}
END_TEST

START_TEST(beside_a_good_guess_it_takes_two_questions) {
    int32_t asked;
    for (int64_t at = 1; at <= 40; at++)
        for (int64_t first = 1; first <= 40; first++)
            ck_assert_int_eq(find_by(study_smallest_near, at, first, 40, &asked), at);
    ck_assert_int_eq(find_by(study_smallest_near, 41, 3, 40, &asked), 0);
    ck_assert_int_eq(find_by(study_smallest_near, 7, 7, 1000, &asked), 7);
    ck_assert_int_eq(asked, 2); /* 7 holds, 6 does not */
    ck_assert_int_eq(find_by(study_smallest_near, 8, 7, 1000, &asked), 8);
    ck_assert_int_eq(asked, 2);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {TEST(it_is_found_wherever_the_search_begins),
                                              TEST(beside_a_good_guess_it_takes_two_questions)};
    return suite_run("study/smallest", tests, COUNT_OF(tests));
}
