/* Which node a connection lands on. */
#include "models/workload/balancer.h"

#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdlib.h>

enum { CLIENTS = 30000 };

struct dealt {
    int32_t node_of[CLIENTS + 1];
    int32_t held[64];
};

/* `nodes`: the body of "nodes". */
static struct dealt *deal(const char *policy, const char *nodes, int32_t clients) {
    static struct dealt all[4];
    static int next;
    struct dealt *dealt = &all[next++ % 4];
    struct scenario scenario;
    struct text json;
    text_init(&json);
    text_addf(
        &json,
        "{\"name\": \"t\", \"seed\": \"11\", \"populations\": {\"p\": {\"connections\": %d}}, "
        "\"rooms\": {\"g\": {\"size\": {\"constant\": 2}, \"members\": [\"p\"]}}, "
        "\"nodes\": {%s}, \"balancer\": {\"policy\": \"%s\"}}",
        clients, nodes, policy);
    scenario_init(&scenario, text_bytes(&json));
    text_fini(&json);
    *dealt = (struct dealt){0};
    balancer_deal(&scenario.roster, scenario.spec.seed, dealt->node_of);
    for (int32_t client = 0; client < clients; client++)
        dealt->held[dealt->node_of[client]]++;
    scenario_fini(&scenario);
    return dealt;
}

START_TEST(round_robin_deals_one_after_the_other_and_sticky_no_other_way) {
    static const char *const policies[] = {"round_robin", "sticky", "least_connections"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        const struct dealt *dealt = deal(policies[i], "\"n\": {\"count\": 7}", 100);
        for (int32_t client = 0; client < 100; client++)
            ck_assert_int_eq(dealt->node_of[client], client % 7);
    }
}
END_TEST

/* Two of weight 3 and one of weight 2: of 8 connections 3, 3 and 2. */
START_TEST(a_weight_is_a_share) {
    static const char *const policies[] = {"round_robin", "least_connections"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        const struct dealt *dealt =
            deal(policies[i], "\"big\": {\"count\": 2, \"weight\": 6}, \"small\": {\"weight\": 4}",
                 8000);
        ck_assert_int_eq(dealt->held[0], 3000);
        ck_assert_int_eq(dealt->held[1], 3000);
        ck_assert_int_eq(dealt->held[2], 2000);
    }
    const struct dealt *first = deal("round_robin", "\"a\": {\"weight\": 3}, \"b\": {}", 4);
    ck_assert_int_eq(first->node_of[0], 0); /* a, a, b, a: b as far from its next turn as can be */
    ck_assert_int_eq(first->node_of[1], 0);
    ck_assert_int_eq(first->node_of[2], 1);
}
END_TEST

/* Binomial: mean 10,000, standard deviation sqrt(30000 * 1/3 * 2/3) = 81.6. */
START_TEST(random_is_binomial) {
    const struct dealt *dealt = deal("random", "\"n\": {\"count\": 3}", CLIENTS);
    double chi = 0;
    for (int32_t node = 0; node < 3; node++)
        chi += pow(dealt->held[node] - 10000.0, 2) / 10000;
    ck_assert_double_lt(chi, 13.8); /* chi-square with 2 degrees of freedom: one in a thousand */
    ck_assert_double_gt(chi, 1e-4); /* dealt in turn it would be 0 */
}
END_TEST

/* The fullest of n bins is log log n / log 2 + O(1) above the mean (Azar, Broder, Karlin, Upfal
 * 1999): with 50 nodes 2 or so. One draw each would be some 2.2 standard deviations, 54, above. */
START_TEST(the_better_of_two_choices_is_nearly_even) {
    const struct dealt *dealt = deal("two_choices", "\"n\": {\"count\": 50}", CLIENTS);
    for (int32_t node = 0; node < 50; node++) {
        ck_assert_int_le(dealt->held[node], 600 + 6);
        ck_assert_int_ge(dealt->held[node], 600 - 30);
    }
    const struct dealt *drawn = deal("random", "\"n\": {\"count\": 50}", CLIENTS);
    int32_t most = 0;
    for (int32_t node = 0; node < 50; node++)
        most = drawn->held[node] > most ? drawn->held[node] : most;
    ck_assert_int_gt(most, 600 + 20);
}
END_TEST

/* With 160 points a node's share varies by 1/sqrt(160), 8 %; four of these are the bound. */
START_TEST(one_node_more_on_the_ring_takes_connections_and_moves_none_between_the_others) {
    const struct dealt *before = deal("consistent_hash", "\"n\": {\"count\": 9}", CLIENTS);
    const struct dealt *after = deal("consistent_hash", "\"n\": {\"count\": 10}", CLIENTS);
    for (int32_t client = 0; client < CLIENTS; client++)
        ck_assert(after->node_of[client] == before->node_of[client] || after->node_of[client] == 9);
    for (int32_t node = 0; node < 10; node++)
        ck_assert_double_eq_tol(after->held[node], 3000, 3000 * 4 * 0.08);
}
END_TEST

START_TEST(one_client_more_moves_no_other) {
    static const char *const policies[] = {"random", "two_choices", "consistent_hash"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        const struct dealt *some = deal(policies[i], "\"n\": {\"count\": 5}", 1000);
        const struct dealt *more = deal(policies[i], "\"n\": {\"count\": 5}", 1001);
        ck_assert_mem_eq(some->node_of, more->node_of, 1000 * sizeof some->node_of[0]);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(round_robin_deals_one_after_the_other_and_sticky_no_other_way),
        TEST(a_weight_is_a_share),
        TEST(random_is_binomial),
        TEST(the_better_of_two_choices_is_nearly_even),
        TEST(one_node_more_on_the_ring_takes_connections_and_moves_none_between_the_others),
        TEST(one_client_more_moves_no_other),
    };
    return suite_run("cluster/balancer", tests, COUNT_OF(tests));
}
