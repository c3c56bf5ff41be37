/* Waits against their formulas: Brooker, "Exponential Backoff And Jitter" (AWS, 2015). */
#include "models/workload/reconnect.h"

#include "sim/base/stats.h"
#include "tests/sim/suite.h"

#include <check.h>
#include <math.h>

static const base_ns MS = BASE_NS_PER_MS;
enum { DRAWS = 20000 };

static struct spec_reconnect policy_of(enum spec_jitter jitter) {
    return (struct spec_reconnect){.base = 700 * MS,
                                   .factor = 3,
                                   .cap = 20000 * MS,
                                   .jitter = jitter,
                                   .attempts = SPEC_UNLIMITED,
                                   .heartbeat = 8000 * MS,
                                   .heartbeat_timeout = 2500 * MS};
}

static struct rng stream(uint64_t entity) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 3, .entity = entity});
    return rng;
}

/* The wait after `before` others. */
static base_ns wait_after(const struct spec_reconnect *policy, int64_t before, struct rng *rng) {
    struct reconnect state = {0};
    for (int64_t i = 0; i < before; i++)
        (void)reconnect_wait(policy, &state, rng);
    return reconnect_wait(policy, &state, rng);
}

START_TEST(without_jitter_waits_grow_by_the_factor_up_to_the_cap) {
    const struct spec_reconnect policy = policy_of(SPEC_JITTER_NONE);
    const base_ns expected_ms[] = {700, 2100, 6300, 18900, 20000, 20000}; /* 700 * 3^k */
    struct rng rng = stream(0);
    for (int64_t i = 0; i < (int64_t)COUNT_OF(expected_ms); i++)
        ck_assert_int_eq(wait_after(&policy, i, &rng), expected_ms[i] * MS);
    ck_assert_int_eq(wait_after(&policy, 5000, &rng), 20000 * MS); /* 3^5000 is no number */
}
END_TEST

START_TEST(who_waits_for_nothing_never_begins_to) {
    struct spec_reconnect policy = policy_of(SPEC_JITTER_NONE);
    struct rng rng = stream(0);
    policy.base = 0;
    ck_assert_int_eq(wait_after(&policy, 5000, &rng), 0); /* 0 * 3^5000 */
}
END_TEST

static struct stats waits(const struct spec_reconnect *policy, int64_t before, double *least,
                          double *most) {
    struct stats stats;
    stats_init(&stats);
    *least = INFINITY;
    *most = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct rng rng = stream(i);
        double wait_ms = base_ms(wait_after(policy, before, &rng));
        stats_add(&stats, wait_ms);
        *least = fmin(*least, wait_ms);
        *most = fmax(*most, wait_ms);
    }
    return stats;
}

/* A uniform draw of width w: mean in the middle, standard deviation w / sqrt(12); DRAWS of them. */
static void check_uniform(const struct spec_reconnect *policy, int64_t before, double low,
                          double high) {
    double least, most;
    struct stats stats = waits(policy, before, &least, &most);
    double error = (high - low) / sqrt(12.0 * DRAWS);
    ck_assert_double_eq_tol(stats.mean, (low + high) / 2, 3.3 * error);
    ck_assert_double_eq_tol(least, low, (high - low) / 1000);
    ck_assert_double_eq_tol(most, high, (high - low) / 1000);
}

START_TEST(full_jitter_spreads_from_nothing_to_the_wait) {
    const struct spec_reconnect policy = policy_of(SPEC_JITTER_FULL);
    check_uniform(&policy, 0, 0, 700);
    check_uniform(&policy, 2, 0, 6300);
    check_uniform(&policy, 9, 0, 20000);
}
END_TEST

START_TEST(equal_jitter_keeps_half_of_the_wait) {
    const struct spec_reconnect policy = policy_of(SPEC_JITTER_EQUAL);
    check_uniform(&policy, 0, 350, 700);
    check_uniform(&policy, 2, 3150, 6300);
}
END_TEST

/* min(cap, U(base, 3 * before)): the first from base to 3 base; the mean of the second is
 * (base + 3 * mean of the first) / 2 = (700 + 3 * 1400) / 2. */
START_TEST(decorrelated_jitter_goes_by_the_wait_before) {
    const struct spec_reconnect policy = policy_of(SPEC_JITTER_DECORRELATED);
    double least, most;
    check_uniform(&policy, 0, 700, 2100);
    struct stats second = waits(&policy, 1, &least, &most);
    ck_assert_double_eq_tol(second.mean, 2450, 3.3 * stats_stderr(&second));
    ck_assert_double_ge(least, 700);
    ck_assert_double_gt(most, 6000);
    (void)waits(&policy, 30, &least, &most);
    ck_assert_double_le(most, 20000);
}
END_TEST

START_TEST(a_client_gives_up_after_so_many_attempts) {
    struct spec_reconnect policy = policy_of(SPEC_JITTER_FULL);
    policy.attempts = 4;
    struct rng rng = stream(0);
    ck_assert_int_lt(wait_after(&policy, 3, &rng), BASE_NS_MAX);
    ck_assert_int_eq(wait_after(&policy, 4, &rng), BASE_NS_MAX);
}
END_TEST

/* The next heartbeat is anywhere within its period, and its answer is waited for. */
START_TEST(a_silent_peer_is_noticed_within_a_heartbeat_and_its_timeout) {
    const struct spec_reconnect policy = policy_of(SPEC_JITTER_FULL);
    struct stats stats;
    stats_init(&stats);
    struct rng rng = stream(1);
    for (int32_t i = 0; i < DRAWS; i++) {
        base_ns at_ns = reconnect_detection(&policy, &rng);
        ck_assert(at_ns >= 2500 * MS && at_ns <= 10500 * MS);
        stats_add(&stats, base_ms(at_ns));
    }
    ck_assert_double_eq_tol(stats.mean, 6500, 3.3 * 8000 / sqrt(12.0 * DRAWS));
}
END_TEST

/* RFC 6298 2.1: a second at first, then twice as long each time; six times on Linux. */
START_TEST(a_request_that_is_not_answered_is_repeated_after_1_2_4_seconds) {
    ck_assert_int_eq(reconnect_knock(0), BASE_NS_PER_S);
    ck_assert_int_eq(reconnect_knock(1), 2 * BASE_NS_PER_S);
    ck_assert_int_eq(reconnect_knock(5), 32 * BASE_NS_PER_S);
    ck_assert_int_eq(reconnect_knock(6), BASE_NS_MAX);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(without_jitter_waits_grow_by_the_factor_up_to_the_cap),
        TEST(who_waits_for_nothing_never_begins_to),
        TEST(full_jitter_spreads_from_nothing_to_the_wait),
        TEST(equal_jitter_keeps_half_of_the_wait),
        TEST(decorrelated_jitter_goes_by_the_wait_before),
        TEST(a_client_gives_up_after_so_many_attempts),
        TEST(a_silent_peer_is_noticed_within_a_heartbeat_and_its_timeout),
        TEST(a_request_that_is_not_answered_is_repeated_after_1_2_4_seconds),
    };
    return suite_run("workload/reconnect", tests, COUNT_OF(tests));
}
