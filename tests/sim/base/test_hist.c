#include "sim/base/hist.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <string.h>

static struct rng test_rng(uint32_t purpose) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 1, .purpose = purpose});
    return rng;
}

/* Of every size from one bit to 63. */
static int64_t any_value(struct rng *rng) {
    return (int64_t)(rng_u64(rng) >> (1 + rng_below(rng, 63)));
}

START_TEST(buckets_are_exact_below_512_and_follow_on_without_a_gap) {
    for (uint32_t value = 0; value < 512; value++)
        ck_assert_uint_eq(hist_bucket(value), value);
    for (uint32_t bucket = 0; bucket < HIST_BUCKETS_MAX; bucket++) {
        int64_t low = hist_bucket_low(bucket);
        ck_assert_uint_eq(hist_bucket(low), bucket);
        if (bucket > 0)
            ck_assert_uint_eq(hist_bucket(low - 1), bucket - 1);
    }
    ck_assert_uint_eq(hist_bucket(INT64_MAX), HIST_BUCKETS_MAX - 1);
}
END_TEST

START_TEST(a_quantile_is_within_a_five_hundredth_of_a_value_that_was_added) {
    struct rng rng = test_rng(1);
    for (int32_t round = 0; round < 20000; round++) {
        struct hist hist;
        hist_init(&hist);
        int64_t value = any_value(&rng), other = any_value(&rng);
        hist_add(&hist, value);
        hist_add(&hist, other);
        int64_t lower = value < other ? value : other, upper = value < other ? other : value;
        double error = (double)(hist_quantile(&hist, 0.5) - lower);
        ck_assert_double_le(error < 0 ? -error : error, (double)lower / 512);
        error = (double)(hist_quantile(&hist, 0.51) - upper);
        ck_assert_double_le(error < 0 ? -error : error, (double)upper / 512);
        hist_fini(&hist);
    }
}
END_TEST

START_TEST(quantiles_are_nearest_ranks) {
    struct hist hist;
    hist_init(&hist);
    ck_assert_int_eq(hist_quantile(&hist, 0.99), 0);
    for (int64_t value = 1; value <= 200; value++)
        hist_add(&hist, value);
    ck_assert_int_eq(hist_quantile(&hist, 0), 1);
    ck_assert_int_eq(hist_quantile(&hist, 0.5), 100);
    ck_assert_int_eq(hist_quantile(&hist, 0.505), 101);
    ck_assert_int_eq(hist_quantile(&hist, 0.99), 198);
    ck_assert_int_eq(hist_quantile(&hist, 1), 200);
    ck_assert_double_eq(hist_mean(&hist), 100.5);
    hist_fini(&hist);
}
END_TEST

START_TEST(a_range_counts_as_its_values_do_one_by_one) {
    struct rng rng = test_rng(2);
    for (int32_t round = 0; round < 5000; round++) {
        struct hist range, single;
        hist_init(&range);
        hist_init(&single);
        uint64_t count = rng_below(&rng, 300);
        int64_t first = any_value(&rng), step = any_value(&rng);
        if (count > 1 && step > (INT64_MAX - first) / (int64_t)(count - 1))
            step = (INT64_MAX - first) / (int64_t)(count - 1);
        hist_add_range(&range, first, step, count);
        for (uint64_t i = 0; i < count; i++)
            hist_add(&single, first + (int64_t)i * step);
        ck_assert(hist_equal(&range, &single));
        hist_fini(&range);
        hist_fini(&single);
    }
}
END_TEST

START_TEST(a_long_range_counts_as_its_values_do_one_by_one) {
    /* 2.385 us a write, from inside a bucket, over all widths up to 2^25 */
    for (int64_t step = 0; step < 5000; step = step * 3 + 1) {
        struct hist range, single;
        hist_init(&range);
        hist_init(&single);
        hist_add_range(&range, 777, step, 40001);
        for (int64_t i = 0; i < 40001; i++)
            hist_add(&single, 777 + i * step);
        ck_assert(hist_equal(&range, &single));
        hist_fini(&range);
        hist_fini(&single);
    }
}
END_TEST

START_TEST(a_range_of_a_trillion_values_costs_what_its_buckets_cost) {
    struct hist hist;
    hist_init(&hist);
    hist_add_range(&hist, 0, 7, 1000000000000);
    ck_assert_uint_eq(hist.total, 1000000000000);
    ck_assert_int_eq(hist.max, 6999999999993);
    ck_assert_double_eq(hist_mean(&hist), 3499999999996.5);
    hist_fini(&hist);
}
END_TEST

START_TEST(a_range_beyond_the_largest_value_is_our_bug) {
    struct hist hist;
    hist_init(&hist);
    hist_add_range(&hist, INT64_MAX - 10, 5, 4);
}
END_TEST

START_TEST(a_negative_value_is_our_bug) {
    struct hist hist;
    hist_init(&hist);
    hist_add(&hist, -1);
}
END_TEST

static void fill(struct hist *hist, uint32_t purpose, int32_t count) {
    struct rng rng = test_rng(purpose);
    for (int32_t i = 0; i < count; i++)
        hist_add_n(hist, any_value(&rng), 1 + rng_below(&rng, 1u << 20));
}

START_TEST(merging_in_any_order_gives_the_same_bytes) {
    struct hist parts[3], forward, backward;
    hist_init(&forward);
    hist_init(&backward);
    for (uint32_t i = 0; i < 3; i++) {
        hist_init(&parts[i]);
        fill(&parts[i], 10 + i, 500);
    }
    for (int32_t i = 0; i < 3; i++) {
        hist_merge(&forward, &parts[i]);
        hist_merge(&backward, &parts[2 - i]);
    }
    uint8_t *forward_bytes, *backward_bytes;
    size_t forward_length = hist_encode(&forward, &forward_bytes);
    size_t backward_length = hist_encode(&backward, &backward_bytes);
    ck_assert_uint_eq(forward_length, backward_length);
    ck_assert_mem_eq(forward_bytes, backward_bytes, forward_length);
    free(forward_bytes);
    free(backward_bytes);
    hist_fini(&forward);
    hist_fini(&backward);
    for (int32_t i = 0; i < 3; i++)
        hist_fini(&parts[i]);
}
END_TEST

START_TEST(counting_above_is_exact_at_a_buckets_upper_edge) {
    struct hist hist;
    hist_init(&hist);
    for (int64_t value = 1; value <= 10000; value++)
        hist_add(&hist, value);
    ck_assert_uint_eq(hist_count_above(&hist, 0), 10000);
    ck_assert_uint_eq(hist_count_above(&hist, 300), 9700);
    ck_assert_uint_eq(hist_count_above(&hist, 10000), 0);
    for (uint32_t bucket = 600; bucket < hist_bucket(9900); bucket++) {
        int64_t edge = hist_bucket_low(bucket + 1) - 1;
        ck_assert_uint_eq(hist_count_above(&hist, edge), (uint64_t)(10000 - edge));
    }
    uint64_t inside = hist_count_above(&hist, 5003); /* buckets are 16 wide here */
    ck_assert_uint_ge(inside, 4997 - 16);
    ck_assert_uint_le(inside, 4997 + 16);
    hist_fini(&hist);
}
END_TEST

START_TEST(an_image_brings_back_the_same_histogram) {
    struct hist hist, copy;
    hist_init(&hist);
    hist_init(&copy);
    fill(&copy, 20, 5); /* what was there goes */
    for (int32_t round = 0; round < 4; round++) {
        uint8_t *bytes;
        size_t length = hist_encode(&hist, &bytes);
        ck_assert(hist_decode(&copy, bytes, length));
        ck_assert(hist_equal(&hist, &copy));
        free(bytes);
        fill(&hist, 21 + (uint32_t)round, 200);
    }
    hist_fini(&hist);
    hist_fini(&copy);
}
END_TEST

/* Whatever is accepted must be what hist_encode would write for it. */
static void check_image(const uint8_t *bytes, size_t length) {
    struct hist hist;
    hist_init(&hist);
    if (hist_decode(&hist, bytes, length)) {
        uint8_t *again;
        ck_assert_uint_eq(hist_encode(&hist, &again), length);
        ck_assert_mem_eq(again, bytes, length);
        free(again);
        ck_assert_double_ge(hist_mean(&hist), (double)hist.min * (1 - 1e-15));
        ck_assert_double_le(hist_mean(&hist), (double)hist.max * (1 + 1e-15));
    } else {
        ck_assert_uint_eq(hist.total, 0);
    }
    hist_fini(&hist);
}

START_TEST(what_is_not_an_image_is_refused) {
    struct hist hist;
    hist_init(&hist);
    fill(&hist, 30, 12);
    uint8_t *bytes;
    size_t length = hist_encode(&hist, &bytes);
    for (size_t cut = 0; cut < length; cut++) {
        struct hist none;
        hist_init(&none);
        ck_assert(!hist_decode(&none, bytes, cut));
        hist_fini(&none);
    }
    for (size_t at = 0; at < length; at++)
        for (uint32_t value = 0; value < 256; value++) {
            uint8_t before = bytes[at];
            bytes[at] = (uint8_t)value;
            check_image(bytes, length);
            bytes[at] = before;
        }
    static const uint8_t wrong_sum[] = {1,  1, 100, 100,
                                        99, 0, 100, 1}; /* one value of 100, said to add up to 99 */
    static const uint8_t right_sum[] = {1, 1, 100, 100, 100, 0, 100, 1};
    ck_assert(!hist_decode(&hist, wrong_sum, sizeof wrong_sum));
    ck_assert(hist_decode(&hist, right_sum, sizeof right_sum));
    static const uint8_t endless[] = {1,    1,    0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    check_image(endless, sizeof endless);
    free(bytes);
    hist_fini(&hist);
}
END_TEST

START_TEST(a_random_instant_falls_into_long_intervals_more_often) {
    struct hist hist;
    hist_init(&hist);
    ck_assert_double_eq(hist_mean_residual(&hist), 0);
    hist_add_n(&hist, 100, 9); /* 0.1 us nine times and 100 us once: 100.9 us in all */
    hist_add_n(&hist, 100000, 1);
    double squares = 9 * 100.0 * 100 + 1e10;
    ck_assert_double_eq_tol(hist_mean_residual(&hist), squares / (2 * 100900), 0.004 * 50000);
    hist_fini(&hist);
}
END_TEST

START_TEST(clearing_keeps_nothing_but_the_memory) {
    struct hist hist, empty;
    hist_init(&hist);
    hist_init(&empty);
    fill(&hist, 40, 10);
    ck_assert(!hist_equal(&hist, &empty));
    hist_clear(&hist);
    ck_assert(hist_equal(&hist, &empty));
    ck_assert_double_eq(hist_mean(&hist), 0);
    hist_fini(&hist);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(a_random_instant_falls_into_long_intervals_more_often),
    TEST(buckets_are_exact_below_512_and_follow_on_without_a_gap),
    TEST(a_quantile_is_within_a_five_hundredth_of_a_value_that_was_added),
    TEST(quantiles_are_nearest_ranks),
    TEST(a_range_counts_as_its_values_do_one_by_one),
    TEST(a_long_range_counts_as_its_values_do_one_by_one),
    TEST(a_range_of_a_trillion_values_costs_what_its_buckets_cost),
    TEST_OF_OUR_BUG(a_range_beyond_the_largest_value_is_our_bug),
    TEST_OF_OUR_BUG(a_negative_value_is_our_bug),
    TEST(merging_in_any_order_gives_the_same_bytes),
    TEST(counting_above_is_exact_at_a_buckets_upper_edge),
    TEST(an_image_brings_back_the_same_histogram),
    TEST(what_is_not_an_image_is_refused),
    TEST(clearing_keeps_nothing_but_the_memory),
};

int main(void) {
    return suite_run("hist", tests, COUNT_OF(tests));
}
