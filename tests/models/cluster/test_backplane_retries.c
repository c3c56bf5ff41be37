/* Nodes that wait for a backplane: what is sent again, given up, or not sent at all. One sender on
 * one node, 100 messages a second; one member on the other, behind one Redis a millisecond away.
 * Counted by hand, up to where 10 ms fall. */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

static void init(struct simulation *simulation, const char *rules, const char *rate,
                 const char *fault) {
    simulation_init(
        simulation,
        "{\"name\": \"t\", \"objectives\": {\"delivery\": {\"within\": \"3s\"}}, \"populations\": "
        "{\"a\": {\"connections\": 1}, \"b\": {\"connections\": 1}}, \"rooms\": {\"g\": {\"size\": "
        "{\"constant\": 2}, \"members\": [\"a\", \"b\"]}}, \"traffic\": {\"t\": {\"from\": \"a\", "
        "\"to\": \"g\", \"rate\": {\"constant\": \"%s/s in all\"}, \"bytes\": {\"constant\": "
        "100}}}, \"nodes\": {\"n\": {\"count\": 2}}, \"backplane\": {\"kind\": \"redis\", "
        "\"latency\": \"1ms\"%s}, \"faults\": {%s}, \"window\": {\"warm_up\": \"0s\", \"measure\": "
        "\"20s\"}}",
        rate, rules, fault);
}

static struct outcome run(const char *rules, const char *fault) {
    struct simulation simulation;
    init(&simulation, rules, "100", fault);
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_due],
                        outcome.metric[OUTCOME_deliveries] + outcome.metric[OUTCOME_lost]);
    simulation_fini(&simulation);
    return outcome;
}

#define STALL "\"f\": {\"at\": \"5s\", \"kind\": \"backplane_stalls\", \"for\": \"2s\"}"
#define SPLIT                                                                                      \
    "\"f\": {\"at\": \"5s\", \"kind\": \"backplane_splits\", \"node\": \"n-1\", \"for\": \"1s\"}"

/* Of 200 in the stall those that wait for 0.9 s and more are sent three times again, 110 of them;
 * 30 twice, 30 once, the last 30 not. Members hear each once. */
START_TEST(what_is_not_acknowledged_is_sent_again) {
    struct outcome outcome = run(", \"timeout\": \"300ms\", \"retries\": 3", STALL);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backplane_sendings] * 2000, 2000 + 420, 5);
    ck_assert_double_eq(outcome.metric[OUTCOME_lost], 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_backplane_given_up], 0);
    outcome_fini(&outcome);
}
END_TEST

START_TEST(without_a_stall_nothing_is_sent_twice) {
    struct outcome outcome = run(", \"timeout\": \"2ms\", \"retries\": 3", "");
    ck_assert_double_eq(outcome.metric[OUTCOME_backplane_sendings], 1);
    ck_assert_double_eq(outcome.metric[OUTCOME_lost], 0);
    outcome_fini(&outcome);
}
END_TEST

/* 50 wait for the end of the stall, the other 150 fail at once. */
START_TEST(one_more_than_may_be_in_flight_fails_at_once) {
    struct outcome outcome = run(", \"in_flight\": 50", STALL);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backplane_given_up], 150, 1);
    ck_assert_double_eq(outcome.metric[OUTCOME_lost], outcome.metric[OUTCOME_backplane_given_up]);
    outcome_fini(&outcome);
}
END_TEST

/* The stall ends more than half a second after 150 of them. */
START_TEST(a_node_does_not_deliver_what_is_past_its_deadline) {
    struct outcome outcome = run(", \"deadline\": \"500ms\"", STALL);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_lost], 150, 1);
    ck_assert_double_le(outcome.metric[OUTCOME_latency_max_ms], 501);
    outcome_fini(&outcome);
}
END_TEST

/* A split of a second: three retries of 400 ms outlast it, one does not for the first 60. */
START_TEST(retries_outlast_a_short_split) {
    struct outcome none = run("", SPLIT);
    ck_assert_double_eq_tol(none.metric[OUTCOME_lost], 100, 1);
    struct outcome one = run(", \"timeout\": \"400ms\", \"retries\": 1", SPLIT);
    ck_assert_double_eq_tol(one.metric[OUTCOME_lost], 60, 1);
    ck_assert_double_eq(one.metric[OUTCOME_lost], one.metric[OUTCOME_backplane_given_up]);
    struct outcome three = run(", \"timeout\": \"400ms\", \"retries\": 3", SPLIT);
    ck_assert_double_eq(three.metric[OUTCOME_lost], 0);
    /* 100 once; those that 600 ms and those that 200 ms are left of it for, once more each */
    ck_assert_double_eq_tol(three.metric[OUTCOME_backplane_sendings] * 2000, 2000 + 180, 4);
    outcome_fini(&none);
    outcome_fini(&one);
    outcome_fini(&three);
}
END_TEST

/* A message costs 20 ms, and there are 100 a second. With five in flight at most the instance is
 * always busy, so half of them are passed on, each within five of those times and a hop each way.
 * With a deluge at its door, a deadline alone saves nobody: what an instance comes to has waited
 * for as long as it may, and is over before it arrives. */
START_TEST(failing_fast_keeps_half_of_twice_too_much_and_a_deadline_nothing) {
    static const char *const rules[] = {", \"in_flight\": 5", ", \"deadline\": \"200ms\""};
    for (int32_t i = 0; i < 2; i++) {
        struct simulation simulation;
        init(&simulation, rules[i], "100", "");
        simulation.costs.value[COST_redis_message] = 2e6;
        simulation.costs.value[COST_redis_copy] = 9e6;
        struct outcome outcome = simulation_run(&simulation, 0);
        double passed_on = 1 - outcome.metric[OUTCOME_lost] / 2000;
        if (i == 0) {
            ck_assert_double_eq_tol(passed_on, 0.5, 0.0025 + 5.0 / 2000);
            ck_assert_double_le(outcome.metric[OUTCOME_latency_max_ms], 5 * 20 + 2);
        } else {
            ck_assert_double_lt(passed_on, 0.02); /* those of the first fifth of a second */
            ck_assert_double_gt(passed_on, 0);
        }
        ck_assert_double_gt(outcome.metric[OUTCOME_backplane_cpu_share], 0.99);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

/* 60 % busy; sent up to four times it would be 240 %. A second's stall is over for nodes that do
 * not try again; for those that do it never is. */
START_TEST(retries_keep_a_backplane_overloaded_for_ever) {
    static const char *const rules[] = {", \"timeout\": \"50ms\"",
                                        ", \"timeout\": \"50ms\", \"retries\": 3"};
    for (int32_t i = 0; i < 2; i++) {
        struct simulation simulation;
        init(&simulation, rules[i], "60",
             "\"f\": {\"at\": \"2s\", \"kind\": \"backplane_stalls\", \"for\": \"1s\"}");
        simulation.costs.value[COST_redis_message] = 2e6;
        simulation.costs.value[COST_redis_copy] = 4e6;
        struct outcome outcome = simulation_run(&simulation, 0);
        double late_share = outcome.metric[OUTCOME_late_share];
        if (i == 0) {
            ck_assert_double_eq(outcome.metric[OUTCOME_backplane_sendings], 1);
            ck_assert_double_eq(late_share, 0);
        } else {
            ck_assert_double_gt(outcome.metric[OUTCOME_backplane_sendings], 3.5);
            ck_assert_double_gt(late_share, 0.35); /* of the half that is due on the other node */
        }
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(what_is_not_acknowledged_is_sent_again),
        TEST(without_a_stall_nothing_is_sent_twice),
        TEST(one_more_than_may_be_in_flight_fails_at_once),
        TEST(a_node_does_not_deliver_what_is_past_its_deadline),
        TEST(retries_outlast_a_short_split),
        TEST(failing_fast_keeps_half_of_twice_too_much_and_a_deadline_nothing),
        TEST(retries_keep_a_backplane_overloaded_for_ever),
    };
    return suite_run("cluster/backplane retries", tests, COUNT_OF(tests));
}
