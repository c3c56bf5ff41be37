/* Ephemeral signals: what is too old is not delivered, and what is full drops them first. Counted
 * by hand on the stalled reader of test_slow_policies.c; an overloaded worker has a closed form. */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

/* A prompt client and one that stalls at 1 s, as in test_slow_policies.c: the kernel holds eight
 * messages and a part of the ninth, a queue of 4 KiB the rest of it and three more. */
static struct outcome run(const char *policy, const char *limit, const char *stall,
                          const char *traffic) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"stalled\", \"populations\": {\"p\": {\"connections\": 1}, "
                    "\"q\": {\"connections\": 1, \"receive\": {\"buffer\": \"4KiB\", \"stall\": "
                    "{\"at\": \"1s\", \"for\": \"%s\"}}}}, \"rooms\": {\"g\": {\"size\": "
                    "{\"constant\": 2}, \"members\": [\"p\", \"q\"]}}, \"traffic\": {%s}, "
                    "\"nodes\": {\"n\": {\"send_buffer\": \"4KiB\", \"send_queue\": {\"limit\": "
                    "\"%s\", \"policy\": \"%s\"}}}, \"window\": {\"warm_up\": \"0s\", \"measure\": "
                    "\"4s\"}}",
                    stall, traffic, limit, policy);
    struct outcome outcome = simulation_run(&simulation, 0);
    simulation_fini(&simulation);
    return outcome;
}

#define TRAFFIC(name, rate, more)                                                                  \
    "\"" name "\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": \"" rate              \
    "/s in all\"}, \"bytes\": {\"constant\": 1000}" more "}"
#define EPHEMERAL(expires) ", \"ephemeral\": {\"expires\": \"" expires "\"}"

static void check(struct outcome *outcome, double due, double deliveries, double expired,
                  double shed) {
    ck_assert_double_eq(outcome->metric[OUTCOME_due], due);
    ck_assert_double_eq(outcome->metric[OUTCOME_deliveries], deliveries);
    ck_assert_double_eq(outcome->metric[OUTCOME_expired], expired);
    ck_assert_double_eq(outcome->metric[OUTCOME_shed], shed);
    ck_assert_double_eq(outcome->metric[OUTCOME_lost], 0);
    ck_assert_double_eq(outcome->metric[OUTCOME_dropped], 0);
    ck_assert_double_eq(outcome->metric[OUTCOME_conflated], 0);
    ck_assert_double_eq(outcome->metric[OUTCOME_closed_slow], 0);
    outcome_fini(outcome);
}

/* 300 after the stall, 12 of them in buffers for ever: 288 are dropped, and nobody is closed or
 * silenced for them. */
START_TEST(signals_alone_never_reach_a_policy) {
    static const char *const policies[] = {"close", "drop_newest", "drop_oldest", "conflate",
                                           "throttle"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct outcome outcome =
            run(policies[i], "4KiB", "never", TRAFFIC("typing", "100", EPHEMERAL("1h")));
        ck_assert_double_eq(outcome.metric[OUTCOME_throttled_share], 0);
        check(&outcome, 800 - 288, 500, 0, 288);
    }
}
END_TEST

/* Of 297 signals and three messages the same 288 are dropped, none of them a message. */
START_TEST(a_message_takes_the_place_of_a_signal) {
    struct outcome outcome =
        run("close", "4KiB", "never",
            TRAFFIC("chat", "1", "") ", " TRAFFIC("typing", "99", EPHEMERAL("1h")));
    check(&outcome, 800 - 288, 500, 0, 288);
    outcome =
        run("close", "4KiB", "never", TRAFFIC("chat", "1", "") ", " TRAFFIC("typing", "99", ""));
    ck_assert_double_eq(outcome.metric[OUTCOME_closed_slow], 1);
    outcome_fini(&outcome);
}
END_TEST

/* The reader is back after two seconds with 200 messages before it. The nine that the kernel has or
 * has begun with arrive; of the 191 others the 50 of the last half second. */
START_TEST(what_a_queue_has_held_for_too_long_is_not_written) {
    struct outcome outcome =
        run("close", "1MiB", "2s", TRAFFIC("typing", "100", EPHEMERAL("500ms")));
    check(&outcome, 800 - 141, 800 - 141, 141, 0);
}
END_TEST

/* A worker with more to do than it can: a message costs c_publish, and N c_write unless it is too
 * old. It is busy all the time, so a share a is written with rate (c_publish + a N c_write) = 1. */
START_TEST(an_overloaded_worker_writes_what_is_young_enough) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"overloaded\", \"objectives\": {\"delivery\": {\"within\": "
        "\"60ms\"}}, \"populations\": {\"p\": {\"connections\": 100}}, \"rooms\": "
        "{\"g\": {\"size\": {\"constant\": 100}, \"members\": [\"p\"]}}, \"traffic\": "
        "{\"typing\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"2000/s "
        "in all\"}, \"bytes\": {\"constant\": 64}, \"ephemeral\": {\"expires\": "
        "\"50ms\"}}}, \"nodes\": {\"n\": {\"fan_out\": \"write_at_once\"}}, \"window\": "
        "{\"warm_up\": \"1s\", \"measure\": \"40s\"}}");
    simulation.costs.value[COST_publish] = 100e3;
    simulation.costs.value[COST_write] = 10e3;
    const double alive = (1.0 / 2000 - 100e-6) / (100 * 10e-6);
    struct outcome outcome = simulation_run(&simulation, 0);
    const double *metric = outcome.metric;
    double all = metric[OUTCOME_due] + metric[OUTCOME_expired];
    ck_assert_double_eq_tol(metric[OUTCOME_deliveries] / (40 * 2000 * 100 * alive), 1, 0.005);
    ck_assert_double_eq_tol(metric[OUTCOME_due] / all, alive, 0.01); /* 80,000 Poisson: 0.35 % */
    ck_assert_double_eq(metric[OUTCOME_lost], 0);
    ck_assert_double_lt(metric[OUTCOME_latency_max_ms], 50 + 1.2);
    ck_assert_double_eq(metric[OUTCOME_late_share], 0);
    ck_assert_double_gt(metric[OUTCOME_cpu_share], 0.999);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* One member on each of two nodes, 40 ms apart: what is 30 ms old there has expired, every one. */
START_TEST(signals_expire_on_their_way_to_another_node) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"far\", \"populations\": {\"p\": {\"connections\": 2}}, \"rooms\": "
        "{\"g\": {\"size\": {\"constant\": 2}, \"members\": [\"p\"]}}, \"traffic\": "
        "{\"typing\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": \"50/s "
        "in all\"}, \"bytes\": {\"constant\": 64}, \"ephemeral\": {\"expires\": "
        "\"30ms\"}}}, \"nodes\": {\"n\": {\"count\": 2}}, \"backplane\": {\"kind\": "
        "\"registry\", \"latency\": \"40ms\"}, \"window\": {\"warm_up\": \"0s\", "
        "\"measure\": \"4s\"}}");
    struct outcome outcome = simulation_run(&simulation, 0);
    check(&outcome, 200, 200, 200, 0);
    simulation_fini(&simulation);
}
END_TEST

/* Clients that come and go under an overloaded worker: everything that is still due at the end has
 * been delivered or lost. */
START_TEST(nothing_is_left_over_where_clients_come_and_go) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"busy\", \"objectives\": {\"delivery\": {\"within\": \"500ms\"}}, "
        "\"populations\": {\"p\": {\"connections\": 100, \"arrival\": {\"rate\": "
        "{\"poisson\": \"40/s in all\"}, \"present\": 1}, \"session\": {\"length\": "
        "\"2s\"}}}, \"rooms\": {\"g\": {\"size\": {\"constant\": 50}, \"members\": "
        "[\"p\"]}}, \"traffic\": {\"typing\": {\"from\": \"p\", \"to\": \"g\", \"rate\": "
        "{\"poisson\": \"2000/s in all\"}, \"bytes\": {\"constant\": 64}, \"ephemeral\": "
        "{\"expires\": \"20ms\"}}}, \"nodes\": {\"n\": {\"workers\": 2}}, \"window\": "
        "{\"warm_up\": \"0s\", \"measure\": \"4s\"}}");
    simulation.costs.value[COST_publish] = 500e3;
    simulation.costs.value[COST_write] = 10e3;
    struct outcome outcome = simulation_run(&simulation, 0);
    const double *metric = outcome.metric;
    ck_assert_double_gt(metric[OUTCOME_expired], 1000);
    ck_assert_double_gt(metric[OUTCOME_lost], 0);
    ck_assert_double_gt(metric[OUTCOME_deliveries], 10000);
    ck_assert_double_eq(metric[OUTCOME_due], metric[OUTCOME_deliveries] + metric[OUTCOME_lost]);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(signals_alone_never_reach_a_policy),
        TEST(a_message_takes_the_place_of_a_signal),
        TEST(what_a_queue_has_held_for_too_long_is_not_written),
        TEST(an_overloaded_worker_writes_what_is_young_enough),
        TEST(signals_expire_on_their_way_to_another_node),
        TEST(nothing_is_left_over_where_clients_come_and_go),
    };
    return suite_run("cluster/signals", tests, COUNT_OF(tests));
}
