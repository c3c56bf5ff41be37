#include "sim/base/rng.h"

#include "sim/base/stats.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

static struct rng stream(struct rng_name name) {
    struct rng rng;
    rng_init(&rng, name);
    return rng;
}

static void assert_block(struct rng *rng, const uint64_t expected[4]) {
    for (int32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(rng_u64(rng), expected[i]);
}

START_TEST(the_numbers_are_philox_of_name_and_position) {
    /* Random123's known-answer test for key 0 and counter 0 */
    struct rng zero = stream((struct rng_name){0});
    assert_block(&zero, (const uint64_t[]){0x16554d9eca36314c, 0xdb20fe9d672d0fdc,
                                           0xd7e772cee186176b, 0x7e68b68aec7ba23b});
    /* key (2385, 7), counters (17, 3, 0, 0) and (17, 3, 1, 0), from a Philox written anew from the
     * paper in Python that passes that test */
    struct rng named =
        stream((struct rng_name){.seed = 2385, .entity = 17, .purpose = 7, .index = 3});
    assert_block(&named, (const uint64_t[]){0x49b4fa07860a3e6b, 0x0ac0cb0ce1f99835,
                                            0xf74d796fad6feecb, 0x16205e17c71e6772});
    assert_block(&named, (const uint64_t[]){0x59fe0874b52c1074, 0xdb8b4a89367a52a8,
                                            0x55514caee7f685d1, 0x969cbef640525ae3});
}
END_TEST

START_TEST(a_stream_goes_on_from_its_position) {
    struct rng_name name = {.seed = 2385, .entity = 17, .purpose = 3, .index = 1};
    struct rng whole;
    rng_init(&whole, name);
    for (uint64_t position = 0; position < 13; position++) {
        struct rng later;
        ck_assert_uint_eq(rng_position(&whole), position);
        rng_init_at(&later, name, position);
        ck_assert_uint_eq(rng_position(&later), position);
        struct rng rest = whole;
        for (int i = 0; i < 6; i++)
            ck_assert_uint_eq(rng_u64(&later), rng_u64(&rest));
        rng_u64(&whole);
    }
}
END_TEST

START_TEST(each_part_of_a_name_makes_another_stream) {
    struct rng_name name = {.seed = 1, .entity = 2, .purpose = 3, .index = 4};
    struct rng_name others[] = {name, name, name, name, {2, 1, 3, 4}, {1, 4, 3, 2}};
    others[0].seed = (uint64_t)1 << 63;
    others[1].entity++;
    others[2].purpose++;
    others[3].index++;
    struct rng first = stream(name);
    uint64_t number = rng_u64(&first);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct rng other = stream(others[i]);
        ck_assert_uint_ne(rng_u64(&other), number);
    }
}
END_TEST

START_TEST(uniforms_stay_inside_and_fill_their_interval) {
    struct rng rng = stream((struct rng_name){.seed = 1});
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < 1000000; i++)
        stats_add(&stats, rng_uniform(&rng));
    ck_assert_double_gt(stats.min, 0);
    ck_assert_double_lt(stats.max, 1);
    ck_assert_double_lt(fabs(stats.mean - 0.5), 3.3 * sqrt(1 / 12e6));
    ck_assert_double_eq_tol(stats_variance(&stats), 1 / 12.0, 0.0005);
}
END_TEST

START_TEST(the_extreme_bits_give_neither_0_nor_1) {
    struct rng rng = stream((struct rng_name){0});
    rng.block_used = 2;
    rng.block[2] = 0;
    rng.block[3] = UINT64_MAX;
    ck_assert_double_eq(rng_uniform(&rng), 0x1p-53);
    ck_assert_double_eq(rng_uniform(&rng), 1 - 0x1p-53);
}
END_TEST

START_TEST(numbers_below_n_are_equally_frequent) {
    struct rng rng = stream((struct rng_name){.seed = 2});
    enum { SIDES = 7, THROWS = 700000 };
    double counts[SIDES] = {0}, chi_squared = 0;
    for (int32_t i = 0; i < THROWS; i++)
        counts[rng_below(&rng, SIDES)]++;
    for (int32_t i = 0; i < SIDES; i++)
        chi_squared += pow(counts[i] - THROWS / SIDES, 2) / (THROWS / SIDES);
    ck_assert_double_gt(gsl_cdf_chisq_Q(chi_squared, SIDES - 1), 0.001);
    ck_assert_uint_eq(rng_below(&rng, 1), 0);
}
END_TEST

START_TEST(numbers_below_a_large_n_are_equally_frequent) {
    /* of 2^64 numbers a quarter must be refused, or those divisible by three come twice as often as
     * the others */
    struct rng rng = stream((struct rng_name){.seed = 5});
    const uint64_t n = (uint64_t)3 << 62;
    double counts[3] = {0}, chi_squared = 0;
    for (int32_t i = 0; i < 30000; i++) {
        uint64_t number = rng_below(&rng, n);
        ck_assert(number < n);
        counts[number % 3]++;
    }
    for (int32_t i = 0; i < 3; i++)
        chi_squared += pow(counts[i] - 10000, 2) / 10000;
    ck_assert_double_gt(gsl_cdf_chisq_Q(chi_squared, 2), 0.001);
}
END_TEST

START_TEST(none_of_no_numbers_can_be_drawn) {
    struct rng rng = stream((struct rng_name){0});
    (void)rng_below(&rng, 0);
}
END_TEST

START_TEST(exponentials_have_their_mean_and_spread) {
    struct rng rng = stream((struct rng_name){.seed = 3});
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < 1000000; i++)
        stats_add(&stats, rng_exponential(&rng, 2.385));
    ck_assert_double_lt(fabs(stats.mean - 2.385), 3.3 * 2.385 / 1000);
    ck_assert_double_eq_tol(sqrt(stats_variance(&stats)), 2.385, 0.02);
}
END_TEST

START_TEST(gsl_draws_from_the_same_stream) {
    struct rng rng = stream((struct rng_name){.seed = 4});
    struct rng copy = rng;
    gsl_rng generator = rng_as_gsl(&rng);
    ck_assert_uint_eq(gsl_rng_get(&generator), rng_u64(&copy));
    ck_assert_double_eq(gsl_rng_uniform(&generator), rng_uniform(&copy));
    ck_assert_uint_eq(rng_u64(&rng), rng_u64(&copy));
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < 200000; i++)
        stats_add(&stats, gsl_ran_gamma(&generator, 2.5, 0.8));
    ck_assert_double_lt(fabs(stats.mean - 2.0), 3.3 * sqrt(2.5 * 0.64 / 200000));
}
END_TEST

START_TEST(gsl_can_make_and_seed_one_of_its_own) {
    gsl_rng *generator = gsl_rng_alloc(rng_gsl_type);
    gsl_rng_set(generator, 2385);
    struct rng same = stream((struct rng_name){.seed = 2385});
    ck_assert_uint_eq(gsl_rng_get(generator), rng_u64(&same));
    gsl_rng_free(generator);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(the_numbers_are_philox_of_name_and_position),
    TEST(a_stream_goes_on_from_its_position),
    TEST(each_part_of_a_name_makes_another_stream),
    TEST(uniforms_stay_inside_and_fill_their_interval),
    TEST(the_extreme_bits_give_neither_0_nor_1),
    TEST(numbers_below_n_are_equally_frequent),
    TEST(numbers_below_a_large_n_are_equally_frequent),
    TEST_OF_OUR_BUG(none_of_no_numbers_can_be_drawn),
    TEST(exponentials_have_their_mean_and_spread),
    TEST(gsl_draws_from_the_same_stream),
    TEST(gsl_can_make_and_seed_one_of_its_own),
};

int main(void) {
    return suite_run("rng", tests, COUNT_OF(tests));
}
