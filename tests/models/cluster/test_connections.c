/* Connections that come and go, against what can be worked out by hand. */
#include "models/cluster/churn.h"

#include "sim/base/stats.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <math.h>

/* --- M/G/infinity --- */

enum { REPLICATIONS = 24 };

/* 40 arrivals/s that stay 5 s on average: 200 at a time, whatever the distribution of the stay
 * (insensitivity; Little's law). 2,000 clients, so that no arrival finds all of them there. */
static const struct {
    const char *length;
} stays[] = {{"{\"constant\": \"5s\"}"},
             {"{\"log_normal\": {\"mean\": \"5s\", \"sigma\": 1}}"},
             {"{\"empirical\": [[\"2s\", 3], [\"14s\", 1]]}"}};

START_TEST(a_population_is_arrival_rate_times_mean_stay) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"mg\", \"populations\": {\"p\": {\"connections\": 2000, "
                    "\"arrival\": {\"rate\": {\"poisson\": \"40/s in all\"}}, \"session\": "
                    "{\"length\": %s}}}, \"rooms\": {}, \"traffic\": {}, \"nodes\": {\"n\": "
                    "{\"open_files\": 100000}}, \"window\": {\"warm_up\": \"100s\", \"measure\": "
                    "\"800s\"}}",
                    stays[_i].length);
    struct stats connected;
    stats_init(&connected);
    for (uint64_t i = 0; i < REPLICATIONS; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        stats_add(&connected, outcome.metric[OUTCOME_connections]);
        ck_assert_double_eq(outcome.metric[OUTCOME_turned_away], 0);
        ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
        outcome_fini(&outcome);
    }
    ck_assert_double_eq_tol(connected.mean / 200, 1, 0.005);
    ck_assert_double_lt(fabs(connected.mean - 200) / stats_stderr(&connected), 3.3);
    simulation_fini(&simulation);
}
END_TEST

/* 120 arrivals/s for stays of 5 s want 600 clients, and there are 40: erlangs are lost. The mean is
 * that of M/G/40/40, 40 less what Erlang's B leaves out: A (1 - B(40, A)). */
START_TEST(arrivals_that_find_everybody_there_are_turned_away_as_erlang_says) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"b\", \"populations\": {\"p\": {\"connections\": 40, "
                    "\"arrival\": {\"rate\": {\"poisson\": \"7/s in all\"}}, \"session\": "
                    "{\"length\": {\"constant\": \"5s\"}}}}, \"rooms\": {}, \"traffic\": {}, "
                    "\"nodes\": {\"n\": {}}, \"window\": {\"warm_up\": \"100s\", \"measure\": "
                    "\"4000s\"}}");
    double load = 35, blocking = 1;
    for (int32_t k = 1; k <= 40; k++) /* B(k) = A B(k-1) / (k + A B(k-1)) */
        blocking = load * blocking / (k + load * blocking);
    struct stats connected;
    stats_init(&connected);
    for (uint64_t i = 0; i < REPLICATIONS; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        stats_add(&connected, outcome.metric[OUTCOME_connections]);
        ck_assert_double_gt(outcome.metric[OUTCOME_turned_away], 100);
        outcome_fini(&outcome);
    }
    double expected = load * (1 - blocking);
    ck_assert_double_eq_tol(connected.mean / expected, 1, 0.005);
    ck_assert_double_lt(fabs(connected.mean - expected) / stats_stderr(&connected), 3.3);
    simulation_fini(&simulation);
}
END_TEST

START_TEST(stages_of_arrivals_follow_one_another) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"d\", \"populations\": {\"p\": {\"connections\": 2000, "
                    "\"arrival\": {\"rate\": {\"constant\": [{\"for\": \"30s\", \"rate\": \"10/s "
                    "in all\"}, {\"for\": \"30s\", \"rate\": \"0/s in all\"}, {\"rate\": \"20/s in "
                    "all\"}]}}}}, \"rooms\": {}, \"traffic\": {}, \"nodes\": {\"n\": "
                    "{\"open_files\": 100000}}, \"window\": {\"warm_up\": \"0s\", \"measure\": "
                    "\"120s\"}}");
    struct outcome outcome = simulation_run(&simulation, 0);
    const struct outcome_timeline *line = &outcome.timeline; /* half a second each */
    ck_assert_int_eq(line->count, 240);
    ck_assert_double_eq_tol(line->connected[19], 100, 1);   /* 10 s at 10/s */
    ck_assert_double_eq_tol(line->connected[59], 300, 1);   /* and 30 s */
    ck_assert_double_eq_tol(line->connected[119], 300, 1);  /* nobody comes */
    ck_assert_double_eq_tol(line->connected[239], 1500, 1); /* 60 s at 20/s */
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* --- the accept queue --- */

static void look_at_littles_law(void *target, const struct cluster *cluster) {
    const struct churn *churn = cluster->churn;
    double *ratio = target; /* time in queues, counted by clients and by time */
    *ratio = base_seconds(churn->counts.waited_ns) / churn->backlog_s;
}

/* Arrivals at 90 % of the handshake limit: M/D/1 has a mean wait of rho / (2 (1 - rho)) services of
 * 1/200 s = 22.5 ms, and what all handshakes waited is the queue's integral over time. */
START_TEST(the_accept_queue_under_a_limit_is_an_m_d_1) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"q\", \"populations\": {\"p\": {\"connections\": 20000, "
                    "\"arrival\": {\"rate\": {\"poisson\": \"180/s in all\"}}, \"session\": "
                    "{\"length\": {\"constant\": \"1s\"}}}}, \"rooms\": {}, \"traffic\": {}, "
                    "\"nodes\": {\"n\": {\"open_files\": 100000, \"handshakes\": 200}}, "
                    "\"window\": {\"warm_up\": \"0s\", \"measure\": \"1000s\"}}");
    double ratio = 0;
    simulation.options.look = look_at_littles_law;
    simulation.options.look_target = &ratio;
    struct stats wait;
    stats_init(&wait);
    for (uint64_t i = 0; i < REPLICATIONS / 3; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        stats_add(&wait, outcome.metric[OUTCOME_handshake_wait_mean_ms]);
        ck_assert_double_eq_tol(ratio, 1, 1e-3); /* but for who still waits at the end */
        outcome_fini(&outcome);
    }
    ck_assert_double_lt(fabs(wait.mean - 22.5) / stats_stderr(&wait), 3.3);
    ck_assert_double_eq_tol(wait.mean / 22.5, 1, 0.03);
    simulation_fini(&simulation);
}
END_TEST

/* --- storms --- */

static void init_storm(struct simulation *simulation, int32_t clients, const char *reconnect,
                       const char *node, const char *window) {
    simulation_init(simulation,
                    "{\"name\": \"storm\", \"objectives\": {\"recovery\": \"1h\"}, "
                    "\"populations\": {\"p\": {\"connections\": %d, \"reconnect\": {%s}}}, "
                    "\"rooms\": {}, \"traffic\": {}, \"nodes\": {\"n\": {\"open_files\": 100000, "
                    "%s}}, \"faults\": {\"f\": {\"at\": \"1s\", \"kind\": \"crashes\", \"for\": "
                    "\"0s\"}}, \"window\": {\"warm_up\": \"0s\", %s}}",
                    clients, reconnect, node, window);
}

/* 3,000 clients at once over 250 handshakes/s drain in 12 s; all but 1 % of them in 99 % of that.
 */
START_TEST(a_storm_drains_in_clients_over_handshakes_per_second) {
    struct simulation simulation;
    init_storm(&simulation, 3000,
               "\"base\": \"0s\", \"jitter\": \"none\", \"handshake_timeout\": \"60s\"",
               "\"handshakes\": 250", "\"measure\": \"60s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_recovery_s], 12 * 0.99, 0.05);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_longest_outage_ms], 12000, 12);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes], 3000);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes_wasted], 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshake_backlog_max], 3000);
    ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* The same by the processor: 4 ms for each handshake are 250 a second. */
START_TEST(handshakes_take_the_workers_time) {
    struct simulation simulation;
    init_storm(&simulation, 3000,
               "\"base\": \"0s\", \"jitter\": \"none\", \"handshake_timeout\": \"60s\"",
               "\"tls\": \"full\"", "\"measure\": \"60s\"");
    simulation.costs.value[COST_accept] = 1.5e6;
    simulation.costs.value[COST_tls_handshake] = 2.5e6;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_longest_outage_ms], 12000, 1);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_cpu_share], 12.0 / 60, 0.001);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* 3,000 clients want 12 s of handshakes and wait for 2: all that is done after the first 500 is
 * done for somebody who has given up and stands further back again. Each round of two seconds lets
 * in those whose attempt is young, and with a queue longer than 2 s nobody's is: it never recovers.
 */
START_TEST(a_storm_whose_clients_give_up_too_early_never_ends) {
    struct simulation simulation;
    init_storm(&simulation, 3000,
               "\"base\": \"0s\", \"jitter\": \"none\", \"handshake_timeout\": \"2s\"",
               "\"handshakes\": 250, \"accept_queue\": 1000000", "\"measure\": \"600s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert(isinf(outcome.metric[OUTCOME_recovery_s]));
    ck_assert_int_eq(outcome.verdict, OUTCOME_FAILS);
    ck_assert_str_eq(outcome.broke, "recovery");
    double connected = outcome.timeline.connected[outcome.timeline.count - 1];
    ck_assert_double_eq_tol(connected, 500, 2); /* 2 s of 250 a second, and nobody since */
    double wasted = outcome.metric[OUTCOME_handshakes_wasted];
    ck_assert_double_eq_tol(wasted, 599 * 250 - 500, 300);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Full jitter over 60 s: 3,000 clients are 50 a second, which 250 a second carry without a queue.
 */
START_TEST(full_jitter_makes_of_a_storm_a_stream) {
    struct simulation simulation;
    init_storm(&simulation, 3000,
               "\"base\": \"60s\", \"cap\": \"60s\", \"jitter\": \"full\", "
               "\"handshake_timeout\": \"2s\"",
               "\"handshakes\": 250", "\"measure\": \"100s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_recovery_s], 0.99 * 60, 0.4);
    ck_assert_double_lt(outcome.metric[OUTCOME_handshake_backlog_max], 12);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes_wasted], 0);
    /* uniform: at half the time half of them, +- 3.3 sqrt(n/4) */
    const struct outcome_timeline *line = &outcome.timeline;
    int32_t at = (int32_t)(31 / base_seconds(line->step_ns)) - 1;
    double there = 3000 * (base_seconds(line->step_ns) * (at + 1) - 1) / 60;
    ck_assert_double_eq_tol(line->connected[at], there, 3.3 * sqrt(3000.0 / 4));
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* The queue holds 100. 3,000 who knock at once: the others knock again after 1, 2, 4 ... seconds.
 */
START_TEST(who_finds_the_accept_queue_full_knocks_again) {
    struct simulation simulation;
    init_storm(&simulation, 3000,
               "\"base\": \"0s\", \"jitter\": \"none\", \"handshake_timeout\": \"3600s\"",
               "\"handshakes\": 250, \"accept_queue\": 100", "\"measure\": \"200s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshake_backlog_max], 100);
    ck_assert_double_ge(outcome.metric[OUTCOME_handshakes_unanswered], 2900);
    /* 100 at once, then 100 with each of six repeats: the rest is never heard of */
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes], 700);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

START_TEST(who_gives_up_stays_away) {
    struct simulation simulation;
    init_storm(&simulation, 1000,
               "\"base\": \"0s\", \"jitter\": \"none\", \"handshake_timeout\": \"1s\", "
               "\"attempts\": 3",
               "\"handshakes\": 100, \"accept_queue\": 1000000", "\"measure\": \"60s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_gave_up], 900, 2);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* A process that is gone refuses at once, and its clients wait for nothing: they ask again with
 * each round trip of 1 ms until it is back after 2 s, and not without end at one instant. */
START_TEST(who_is_refused_asks_again_with_the_next_round_trip) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"r\", \"populations\": {\"p\": {\"connections\": 10, "
                    "\"reconnect\": {\"base\": \"0s\", \"jitter\": \"none\"}}}, \"rooms\": {}, "
                    "\"traffic\": {}, \"nodes\": {\"n\": {}}, \"balancer\": {\"health_check\": "
                    "\"1h\"}, \"faults\": {\"f\": {\"at\": \"1s\", \"kind\": \"crashes\", "
                    "\"for\": \"2s\"}}, \"window\": {\"warm_up\": \"0s\", \"measure\": \"9s\"}}");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_ge(outcome.metric[OUTCOME_longest_outage_ms], 2000);
    ck_assert_double_le(outcome.metric[OUTCOME_longest_outage_ms], 2001);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes], 10);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* 200 clients whose sessions of 10 s end evenly: 20 a second say goodbye, and half a second of
 * turns lies between that and the end of their connections. Those whom the crash finds there stay
 * away. */
START_TEST(who_is_leaving_when_its_node_dies_does_not_come_back) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"l\", \"populations\": {\"p\": {\"connections\": 200, "
                    "\"session\": {\"length\": {\"constant\": \"10s\"}}, \"reconnect\": {\"base\": "
                    "\"100ms\"}}}, \"rooms\": {}, \"traffic\": {}, \"nodes\": {\"n\": {}}, "
                    "\"faults\": {\"f\": {\"at\": \"5s\", \"kind\": \"%s\", \"for\": \"0s\"}}, "
                    "\"window\": {\"warm_up\": \"0s\", \"measure\": \"20s\"}}",
                    _i ? "dies" : "crashes");
    simulation.costs.value[COST_turn] = 500e6;
    struct outcome outcome = simulation_run(&simulation, 0);
    const struct outcome_timeline *line = &outcome.timeline;
    ck_assert_double_gt(line->connected[12], 0);
    ck_assert_double_eq(line->connected[line->count - 1], 0);
    ck_assert_double_eq(line->unreachable[line->count - 1], 0);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* --- what a message is owed to --- */

static void look_at_conservation(void *target, const struct cluster *cluster) {
    int64_t *lost = target;
    for (int32_t i = 0; i < cluster->tally.steps_count; i++) {
        const struct tally_step *step = &cluster->tally.steps[i];
        ck_assert_int_eq(step->due, step->delivered + step->lost);
        *lost += step->lost;
    }
}

static const struct {
    const char *population, *rooms, *node, *backplane, *faults;
} mixtures[] = {
    {"\"session\": {\"length\": {\"log_normal\": {\"mean\": \"700ms\", \"sigma\": 1}}}, "
     "\"arrival\": {\"present\": 0.5, \"rate\": {\"poisson\": \"300/s in all\"}}",
     "\"size\": {\"constant\": 20}", "\"count\": 1, \"workers\": 2", "none", ""},
    {"\"flap\": {\"share\": 0.3, \"every\": \"400ms\", \"for\": \"50ms\"}",
     "\"size\": {\"constant\": 20}", "\"count\": 3", "registry", ""},
    {"\"flap\": {\"share\": 0.3, \"every\": \"400ms\", \"for\": \"50ms\"}",
     "\"size\": {\"constant\": 20}, \"count\": 40, \"placement\": \"scattered\"",
     "\"count\": 2, \"workers\": 2", "redis",
     "\"a\": {\"at\": \"1s\", \"kind\": \"crashes\", \"node\": \"n-1\", \"for\": \"300ms\"}"},
    {"\"session\": {\"length\": {\"constant\": \"600ms\"}}, \"arrival\": {\"present\": 0.9, "
     "\"rate\": {\"poisson\": \"400/s in all\"}}",
     "\"size\": {\"constant\": 20}, \"count\": 40, \"placement\": \"scattered\"", "\"count\": 3",
     "broadcast",
     "\"a\": {\"at\": \"1s\", \"kind\": \"dies\", \"node\": \"n-1\", \"for\": \"300ms\"}, "
     "\"b\": {\"at\": \"1500ms\", \"kind\": \"silent\", \"node\": \"n-2\", \"for\": \"200ms\"}"},
    {"\"receive\": {\"rate\": \"400kbit/s\"}", "\"size\": {\"constant\": 20}", "\"count\": 3",
     "redis",
     "\"a\": {\"at\": \"1s\", \"kind\": \"drains\", \"node\": \"n-1\", \"spread\": \"400ms\", "
     "\"for\": \"100ms\"}, \"b\": {\"at\": \"2s\", \"kind\": \"rebalance\", \"spread\": "
     "\"300ms\"}"},
    {"\"reconnect\": {\"base\": \"20ms\", \"heartbeat\": \"100ms\", \"heartbeat_timeout\": "
     "\"50ms\"}",
     "\"size\": {\"constant\": 20}", "\"count\": 4", "kafka",
     "\"a\": {\"at\": \"1s\", \"kind\": \"deploy\", \"spread\": \"100ms\", \"for\": \"50ms\", "
     "\"pause\": \"50ms\"}, \"b\": {\"at\": \"1100ms\", \"kind\": \"backplane_stalls\", "
     "\"for\": \"60ms\"}, \"c\": {\"at\": \"2s\", \"kind\": \"backplane_splits\", \"node\": "
     "\"n-3\", \"for\": \"100ms\"}"},
    {"\"reconnect\": {\"base\": \"20ms\"}",
     "\"size\": {\"constant\": 20}, \"count\": 40, \"placement\": \"scattered\"",
     "\"count\": 2, \"workers\": 3", "registry",
     "\"a\": {\"at\": \"1s\", \"kind\": \"dies\", \"node\": \"n-2\"}"},
    {"\"reconnect\": {\"base\": \"20ms\"}", "\"size\": {\"constant\": 20}", "\"count\": 3", "none",
     "\"a\": {\"at\": \"1s\", \"kind\": \"crashes\", \"node\": \"n-2\", \"for\": \"50ms\"}"},
};

/* Whoever comes, goes or dies: each delivery that was due has arrived or is lost for a reason, once
 * nothing is on its way any more. */
START_TEST(every_delivery_that_was_due_arrives_or_is_lost) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"m\", \"objectives\": {\"delivery\": {\"within\": \"20s\"}}, "
        "\"populations\": {\"p\": {\"connections\": 400, %s}}, \"rooms\": {\"r\": {%s, "
        "\"members\": [\"p\"]}}, \"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"r\", \"rate\": "
        "{\"poisson\": \"40/s per room\"}, \"bytes\": {\"constant\": 300}}}, \"nodes\": {\"n\": "
        "{\"open_files\": 10000, %s}}, \"backplane\": {\"kind\": \"%s\"}, \"faults\": {%s}, "
        "\"window\": {\"warm_up\": \"100ms\", \"measure\": \"3s\"}}",
        mixtures[_i].population, mixtures[_i].rooms, mixtures[_i].node, mixtures[_i].backplane,
        mixtures[_i].faults);
    int64_t lost = 0;
    simulation.costs.value[COST_turn] = 20000;
    simulation.costs.value[COST_read] = 3000;
    simulation.costs.value[COST_write] = 2500;
    simulation.costs.value[COST_accept] = 70000;
    simulation.costs.value[COST_wake_up] = 8000;
    simulation.options.look = look_at_conservation;
    simulation.options.look_target = &lost;
    for (uint64_t i = 0; i < 4; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        ck_assert_double_gt(outcome.metric[OUTCOME_deliveries], 1000);
        outcome_fini(&outcome);
    }
    ck_assert_int_gt(lost, _i == 0 ? -1 : 100); /* who leaves is owed nothing */
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(a_population_is_arrival_rate_times_mean_stay, COUNT_OF(stays)),
        TEST(arrivals_that_find_everybody_there_are_turned_away_as_erlang_says),
        TEST(stages_of_arrivals_follow_one_another),
        TEST(the_accept_queue_under_a_limit_is_an_m_d_1),
        TEST(a_storm_drains_in_clients_over_handshakes_per_second),
        TEST(handshakes_take_the_workers_time),
        TEST(a_storm_whose_clients_give_up_too_early_never_ends),
        TEST(full_jitter_makes_of_a_storm_a_stream),
        TEST(who_finds_the_accept_queue_full_knocks_again),
        TEST(who_gives_up_stays_away),
        TEST(who_is_refused_asks_again_with_the_next_round_trip),
        LOOP_TEST(who_is_leaving_when_its_node_dies_does_not_come_back, 2),
        LOOP_TEST(every_delivery_that_was_due_arrives_or_is_lost, COUNT_OF(mixtures)),
    };
    return suite_run("cluster/connections", tests, COUNT_OF(tests));
}
