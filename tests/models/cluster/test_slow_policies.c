/* One reader that stalls for good, under each policy: what happens can be counted by hand.
 *
 * 100 messages a second of 1,004 bytes go to a prompt client and to one that stops reading after a
 * second; 4 seconds count. The kernel holds 8,192 bytes: eight messages and 160 bytes of the ninth.
 * The application's limit of 4 KiB holds the other 844 and three whole messages. So of the 300
 * messages after the stall 12 are in buffers for ever. */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

static struct outcome run(const char *policy, const char *more) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"stalled\", \"populations\": {\"p\": {\"connections\": 1}, "
                    "\"q\": {\"connections\": 1, \"receive\": {\"buffer\": \"4KiB\", \"stall\": "
                    "{\"at\": \"1s\", \"for\": \"never\"}}}}, \"rooms\": {\"g\": {\"size\": "
                    "{\"constant\": 2}, \"members\": [\"p\", \"q\"]}}, \"traffic\": {\"t\": "
                    "{\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": \"100/s in all\"}, "
                    "\"bytes\": {\"constant\": 1000}}}, \"nodes\": {\"n\": {\"send_buffer\": "
                    "\"4KiB\", \"send_queue\": {\"limit\": \"4KiB\", \"policy\": \"%s\"}%s}}, "
                    "\"window\": {\"warm_up\": \"0s\", \"measure\": \"4s\"}}",
                    policy, more);
    simulation.costs.value[COST_queued_user] = 10;
    struct outcome outcome = simulation_run(&simulation, 0);
    simulation_fini(&simulation);
    return outcome;
}

static void check(struct outcome *outcome, double deliveries, double lost, double dropped,
                  double conflated) {
    ck_assert_double_eq(outcome->metric[OUTCOME_due], 800);
    ck_assert_double_eq(outcome->metric[OUTCOME_deliveries], deliveries);
    ck_assert_double_eq(outcome->metric[OUTCOME_lost], lost);
    ck_assert_double_eq(outcome->metric[OUTCOME_dropped], dropped);
    ck_assert_double_eq(outcome->metric[OUTCOME_conflated], conflated);
}

/* The thirteenth is one too many: it goes, with the four that were queued (one of them in part) and
 * the 287 that come later. */
START_TEST(close_loses_what_was_queued_and_what_comes_later) {
    struct outcome outcome = run("close", "");
    check(&outcome, 500, 292, 0, 0);
    ck_assert_int_eq(outcome.closed_by_reason[SLOW_REASON_BYTES], 1);
    ck_assert_str_eq(outcome.broke, "send_queue");
    outcome_fini(&outcome);
}
END_TEST

START_TEST(dropping_the_newest_or_the_oldest_keeps_twelve) {
    static const char *const policies[] = {"drop_newest", "drop_oldest"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct outcome outcome = run(policies[i], "");
        check(&outcome, 500, 288, 288, 0);
        ck_assert_double_eq(outcome.metric[OUTCOME_queued_bytes_max], 844 + 3 * 1004);
        outcome_fini(&outcome);
    }
}
END_TEST

/* 291 come to the queue whole; each third one replaces the three before it: three are left. */
START_TEST(conflating_replaces_what_is_queued) {
    struct outcome outcome = run("conflate", "");
    check(&outcome, 500, 288, 0, 288);
    outcome_fini(&outcome);
}
END_TEST

/* The thirteenth is queued and silences its sender, for good: 2.87 to 2.88 of 4 s, and its other
 * 287 messages are not read, so that nobody gets them and none is lost. */
START_TEST(throttling_silences_the_publisher) {
    struct outcome outcome = run("throttle", "");
    check(&outcome, 200 + 13, 0, 0, 0);
    ck_assert_double_ge(outcome.metric[OUTCOME_throttled_share], 2.87 / 4);
    ck_assert_double_le(outcome.metric[OUTCOME_throttled_share], 2.88 / 4);
    outcome_fini(&outcome);
}
END_TEST

/* The worker stops in the write of the ninth, right after the prompt client has got it (it is
 * written first), and for longer than the window lasts: from 1.08 to 1.09 s on. */
START_TEST(blocking_stops_everybody) {
    struct outcome outcome = run("blocking", "");
    check(&outcome, 200 + 9, 0, 0, 0);
    ck_assert_double_ge(outcome.metric[OUTCOME_longest_gap_ms], 2910);
    ck_assert_double_le(outcome.metric[OUTCOME_longest_gap_ms], 2920);
    outcome_fini(&outcome);
}
END_TEST

/* 844 bytes and 104 whole messages make 105,260 bytes, the first number above a tenth of 1 MiB that
 * the queue comes to: the node dies of the 113th, which the prompt client still gets. */
START_TEST(unbounded_queues_kill_the_node) {
    struct outcome outcome = run("unbounded", ", \"memory\": \"1MiB\"");
    check(&outcome, 200 + 113, 0, 0, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_queued_bytes_max], 844 + 104 * 1004);
    ck_assert_str_eq(outcome.broke, "memory");
    outcome_fini(&outcome);
}
END_TEST

/* One in a hundred stands still from the middle of the window on: the mean delay of all is longer
 * in its second half, and nothing grows. */
START_TEST(who_stands_still_is_no_sign_of_a_backlog) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"standing\", \"populations\": {\"a\": {\"connections\": 99}, \"b\": "
        "{\"connections\": 1, \"receive\": {\"stall\": {\"at\": \"2s\", \"every\": "
        "\"1s\", \"for\": \"900ms\"}}}}, "
        "\"rooms\": {\"all\": {\"size\": {\"constant\": 100}, \"members\": [\"a\", "
        "\"b\"]}}, \"traffic\": {\"t\": {\"from\": \"a\", \"to\": \"all\", \"rate\": "
        "{\"constant\": \"50/s per room\"}, \"bytes\": {\"constant\": 100}}}, "
        "\"nodes\": {\"n\": {}}, \"window\": {\"warm_up\": \"1s\", \"measure\": \"2s\"}}");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_int_gt(hist_quantile(&outcome.latency, 1), 800 * BASE_NS_PER_MS);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backlog_growth], 0, 1e-9);
    ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(close_loses_what_was_queued_and_what_comes_later),
        TEST(dropping_the_newest_or_the_oldest_keeps_twelve),
        TEST(conflating_replaces_what_is_queued),
        TEST(throttling_silences_the_publisher),
        TEST(blocking_stops_everybody),
        TEST(unbounded_queues_kill_the_node),
        TEST(who_stands_still_is_no_sign_of_a_backlog),
    };
    return suite_run("cluster/slow policies", tests, COUNT_OF(tests));
}
