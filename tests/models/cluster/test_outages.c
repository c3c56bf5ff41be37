/* Nodes that fail on purpose, and what becomes of those who were on them: small clusters of which
 * each figure can be worked out by hand. */
#include "models/cluster/churn.h"

#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>

/* 900 clients in rooms of 30, publishes of 1/s in each, unless the scenario says otherwise. Clients
 * notice silence after 2 to 4 s and come back at once. */
static void init(struct simulation *simulation, const char *node, const char *cluster,
                 const char *faults, const char *objectives) {
    simulation_init(
        simulation,
        "{\"name\": \"o\", \"objectives\": {%s}, \"populations\": {\"p\": {\"connections\": 900, "
        "\"reconnect\": {\"base\": \"0s\", \"jitter\": \"none\", \"heartbeat\": \"2s\", "
        "\"heartbeat_timeout\": \"2s\", \"handshake_timeout\": \"1s\"}}}, \"rooms\": {\"r\": "
        "{\"size\": {\"constant\": 30}, \"members\": [\"p\"], \"placement\": \"scattered\"}}, "
        "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"r\", \"rate\": {\"poisson\": \"1/s per "
        "room\"}, \"bytes\": {\"constant\": 200}}}, \"nodes\": {\"n\": {\"open_files\": 10000, "
        "%s}}, %s, \"faults\": {%s}, \"window\": {\"warm_up\": \"0s\", \"measure\": \"60s\"}}",
        objectives, node, cluster, faults);
    simulation->costs.value[COST_write] = 2000;
    simulation->costs.value[COST_accept] = 50000;
}

static const char registry[] = "\"backplane\": {\"kind\": \"registry\"}, \"balancer\": "
                               "{\"policy\": \"least_connections\"}";

static double connected_at(const struct outcome *outcome, double at_s) {
    const struct outcome_timeline *line = &outcome->timeline;
    return line->connected[(int32_t)ceil(at_s / base_seconds(line->step_ns)) - 1];
}

struct held { /* connections by node at the end */
    int64_t nodes[8];
};

static void look_at_nodes(void *target, const struct cluster *cluster) {
    struct held *held = target;
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++)
        held->nodes[i] = cluster->layout->nodes[i].connections_count;
}

/* A third of the clients, for a detection of 2 to 4 s, 3 on average, out of 900 for 60 s: 1.67 %.
 */
START_TEST(who_was_on_a_node_that_dies_is_unreachable_until_it_notices) {
    struct simulation simulation;
    init(&simulation, "\"count\": 3", registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"dies\", \"node\": \"n-2\"}", "\"recovery\": \"5s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    double share = outcome.metric[OUTCOME_unreachable_share];
    double error = 2 / sqrt(12.0 * 300) * 300 / (900 * 60.0);
    ck_assert_double_eq_tol(share, 300 * 3 / (900 * 60.0), 3.3 * error + 1e-5);
    ck_assert_double_eq(outcome.metric[OUTCOME_unreachable_max], 300);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_longest_outage_ms], 4000, 40);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_recovery_s], 3.94, 0.06); /* all but 9 of 300 */
    ck_assert_double_eq(outcome.metric[OUTCOME_nodes_died], 0);
    ck_assert_double_eq(connected_at(&outcome, 9), 900);
    ck_assert_double_eq(connected_at(&outcome, 11), 600);
    ck_assert_double_eq(connected_at(&outcome, 15), 900);
    /* a third of the members miss 3 s of 60, and a third of the publishers are not heard meanwhile:
     * 1 - (2/3)^2 = 5/9 of what is due in 3 s of 60 */
    double lost = outcome.metric[OUTCOME_lost] / outcome.metric[OUTCOME_due];
    ck_assert_double_eq_tol(lost, 5.0 / 9 * 3 / 60, 0.004);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Some find the node refusing still, and try again after a round trip of 1 ms. */
START_TEST(a_crash_is_noticed_at_once) {
    struct simulation simulation;
    init(&simulation, "\"count\": 3", registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"crashes\", \"node\": \"n-2\"}",
         "\"recovery\": \"1s\"");
    struct outcome outcome = simulation_run(&simulation, 0);
    /* 300 handshakes of 50 us over two nodes */
    ck_assert_double_lt(outcome.metric[OUTCOME_longest_outage_ms], 20);
    ck_assert_double_gt(outcome.metric[OUTCOME_longest_outage_ms], 7);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes], 300);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Between the fault and the balancer's check new connections go to a machine that does not answer:
 * least_connections sends all of them there, because it is empty. A timeout of 1 s, then again. */
START_TEST(a_balancer_that_does_not_know_sends_clients_to_a_dead_node) {
    struct simulation simulation;
    struct held held = {{0}};
    init(&simulation, "\"count\": 3",
         "\"backplane\": {\"kind\": \"registry\"}, \"balancer\": {\"policy\": "
         "\"least_connections\", \"health_check\": \"5s\"}",
         "\"f\": {\"at\": \"10s\", \"kind\": \"dies\", \"node\": \"n-2\"}", "");
    simulation.options.look = look_at_nodes;
    simulation.options.look_target = &held;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_gt(outcome.metric[OUTCOME_handshake_timeouts], 300);
    ck_assert_double_gt(outcome.metric[OUTCOME_recovery_s], 5);
    ck_assert_double_le(outcome.metric[OUTCOME_longest_outage_ms], 6010);
    ck_assert_int_eq(held.nodes[1], 0);
    ck_assert_int_eq(held.nodes[0], 450);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Memory for 400 connections on each: 300 of the third are too many for the other two, which die
 * one after the other. With memory for 500 they live. */
static const struct {
    const char *memory;
    double died;
} memories[] = {{"\"memory\": \"40MiB\"", 2}, {"\"memory\": \"50MiB\"", 0}};

START_TEST(survivors_die_of_those_who_come_to_them) {
    struct simulation simulation;
    char node[64];
    snprintf(node, sizeof node, "\"count\": 3, %s", memories[_i].memory);
    init(&simulation, node, registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"crashes\", \"node\": \"n-2\"}", "");
    simulation.costs.value[COST_connection_user] = 1024.0 * 1024 / 10;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_nodes_died], memories[_i].died);
    bool has_recovered = isfinite(outcome.metric[OUTCOME_recovery_s]);
    ck_assert_int_eq(has_recovered, memories[_i].died == 0);
    ck_assert_double_eq(connected_at(&outcome, 50), memories[_i].died > 0 ? 0 : 900);
    if (memories[_i].died > 0)
        ck_assert_str_eq(outcome.broke, "memory");
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

START_TEST(a_silent_node_is_left_by_those_who_notice) {
    struct simulation simulation;
    init(&simulation, "\"count\": 1", "\"balancer\": {}",
         "\"f\": {\"at\": \"10s\", \"kind\": \"silent\", \"for\": \"20s\"}", "");
    struct outcome outcome = simulation_run(&simulation, 0);
    /* everybody is deaf for 20 s of 60, whatever they do about it: there is no other node */
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_unreachable_share], 20.0 / 60, 1e-3);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_recovery_s], 20, 0.1);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_lost_unreachable] / outcome.metric[OUTCOME_due],
                            20.0 / 60, 0.03);
    ck_assert_double_gt(outcome.metric[OUTCOME_longest_gap_ms], 19900);
    ck_assert_double_gt(outcome.metric[OUTCOME_handshakes], 900 * 4); /* every 2 to 4 s */
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* 300 closed over 30 s are back at once each: 5 ms of handshakes, not seconds of an outage. */
START_TEST(a_drain_that_is_spread_out_is_hardly_felt) {
    struct simulation simulation;
    struct held held = {{0}};
    init(&simulation, "\"count\": 3", registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"drains\", \"node\": \"n-3\", \"spread\": \"30s\"}",
         "");
    simulation.options.look = look_at_nodes;
    simulation.options.look_target = &held;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_handshakes], 300);
    ck_assert_double_le(outcome.metric[OUTCOME_unreachable_max], 3);
    ck_assert_double_lt(outcome.metric[OUTCOME_longest_outage_ms], 1);
    ck_assert_double_eq(outcome.metric[OUTCOME_recovery_s], 0);
    ck_assert_int_eq(held.nodes[0] + held.nodes[1], 900);
    ck_assert_int_eq(held.nodes[2], 0);
    ck_assert_double_lt(outcome.metric[OUTCOME_lost] / outcome.metric[OUTCOME_due], 1e-3);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

static void look_at_memory(void *target, const struct cluster *cluster) {
    int64_t *bytes = target;
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++)
        bytes[i] = cluster->nodes[i].memory_fixed_bytes;
}

/* What a connection takes when it comes it gives back when it goes, whatever it is made of: with
 * zlib's contexts, (1 << 17) + (1 << 17) + (1 << 15) + 7 KiB of zconf.h, 454 bytes for all else. */
START_TEST(a_node_that_nobody_is_on_any_more_has_its_memory_back) {
    struct simulation simulation;
    int64_t bytes[2] = {-1, -1};
    init(&simulation,
         "\"count\": 2, \"tls\": \"full\", \"session\": \"200B\", \"deflate\": {\"kind\": "
         "\"context_takeover\"}",
         registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"drains\", \"node\": \"n-2\", \"spread\": \"20s\"}",
         "");
    simulation.costs.value[COST_connection_user] = 100;
    simulation.costs.value[COST_runtime_connection] = 120;
    simulation.costs.value[COST_tls_connection] = 34;
    simulation.options.look = look_at_memory;
    simulation.options.look_target = bytes;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_int_eq(bytes[1], 0);
    ck_assert_int_eq(bytes[0], 900 * (131072 + 131072 + 32768 + 7168 + 454));
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

START_TEST(a_zone_takes_its_nodes_with_it) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"z\", \"populations\": {\"p\": {\"connections\": 700}}, "
                    "\"rooms\": {}, \"traffic\": {}, \"nodes\": {\"a\": {\"count\": 3, \"zone\": "
                    "\"east\"}, \"b\": {\"count\": 4, \"zone\": \"west\"}}, \"backplane\": "
                    "{\"kind\": \"registry\"}, \"faults\": {\"f\": {\"at\": \"10s\", \"kind\": "
                    "\"dies\", \"zone\": \"west\"}}, \"window\": {\"warm_up\": \"0s\", "
                    "\"measure\": \"60s\"}}");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(connected_at(&outcome, 9.5), 700);
    ck_assert_double_eq(connected_at(&outcome, 11), 300); /* three of seven nodes */
    ck_assert_double_eq(outcome.metric[OUTCOME_unreachable_max], 400);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* A third node is added to two with 450 each. Nobody moves by itself: 300 are on the wrong node, a
 * third. A rebalance moves them, unless the balancer is sticky. */
static const struct {
    const char *policy, *more;
    double imbalance;
} additions[] = {
    {"least_connections", "", 1.0 / 3},
    {"least_connections",
     ", \"r\": {\"at\": \"20s\", \"kind\": \"rebalance\", \"spread\": \"10s\"}", 0},
    {"sticky", ", \"r\": {\"at\": \"20s\", \"kind\": \"rebalance\", \"spread\": \"10s\"}", 1.0 / 3},
};

START_TEST(an_added_node_stays_empty_until_connections_move) {
    struct simulation simulation;
    char cluster[128], faults[256];
    snprintf(cluster, sizeof cluster,
             "\"backplane\": {\"kind\": \"registry\"}, \"balancer\": {\"policy\": \"%s\"}",
             additions[_i].policy);
    snprintf(faults, sizeof faults,
             "\"f\": {\"at\": \"10s\", \"kind\": \"added\", \"node\": \"n-3\"}%s",
             additions[_i].more);
    init(&simulation, "\"count\": 3", cluster, faults, "\"imbalance\": 0.1");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_imbalance], additions[_i].imbalance, 0.002);
    if (additions[_i].imbalance > 0)
        ck_assert_str_eq(outcome.broke, "imbalance");
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Each of three nodes drains for 4 s and is gone for 2; nothing of the cluster is lost for good. */
START_TEST(after_a_deploy_everybody_is_back) {
    struct simulation simulation;
    init(&simulation, "\"count\": 3", registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"deploy\", \"spread\": \"4s\", \"for\": \"2s\", "
         "\"pause\": \"1s\"}",
         "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(connected_at(&outcome, 40), 900);
    /* 300 of the first; 450 of the second, which took half of them; the third by then has 450 and
     * gets none of the second's, which go to the empty first one: 300 + 450 + 450 */
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_handshakes], 1200, 1);
    ck_assert_double_lt(outcome.metric[OUTCOME_longest_outage_ms], 5);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* One of three nodes on the other side for 15 of 60 s: of the pairs of publisher and member those
 * with one on each side, 2 * 1/3 * 2/3 = 4/9, lose a quarter. */
START_TEST(a_split_loses_what_would_cross_it) {
    struct simulation simulation;
    init(&simulation, "\"count\": 3", registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"backplane_splits\", \"node\": \"n-1\", \"for\": "
         "\"15s\"}",
         "");
    struct outcome outcome = simulation_run(&simulation, 0);
    double lost = outcome.metric[OUTCOME_lost_with_node] / outcome.metric[OUTCOME_due];
    ck_assert_double_eq_tol(lost, 4.0 / 9 * 15 / 60, 0.01);
    ck_assert_double_eq(outcome.metric[OUTCOME_unreachable_max], 0);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Messages to other nodes, two thirds of all, wait for the end of 15 s: the latest of them 15 s, on
 * average 7.5, and none is lost. */
START_TEST(a_stall_delays_and_loses_nothing) {
    struct simulation simulation;
    init(&simulation, "\"count\": 3", registry,
         "\"f\": {\"at\": \"10s\", \"kind\": \"backplane_stalls\", \"for\": \"15s\"}", "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_lost], 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_deliveries], outcome.metric[OUTCOME_due]);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_max_ms], 15000, 300);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_mean_ms], 2.0 / 3 * 7500 * 15 / 60, 100);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* A population and a fault more draw nothing of the others'. */
START_TEST(a_population_more_changes_no_draw_of_the_others) {
    double connected[2];
    for (int32_t i = 0; i < 2; i++) {
        struct simulation simulation;
        simulation_init(&simulation,
                        "{\"name\": \"c\", \"populations\": {\"p\": {\"connections\": 500, "
                        "\"arrival\": {\"rate\": {\"poisson\": \"20/s in all\"}}, \"session\": "
                        "{\"length\": {\"log_normal\": {\"mean\": \"3s\", \"sigma\": 1}}}}%s}, "
                        "\"rooms\": {}, \"traffic\": {}, \"nodes\": {\"n\": {\"open_files\": "
                        "10000}}, \"window\": {\"warm_up\": \"0s\", \"measure\": \"60s\"}}",
                        i ? ", \"q\": {\"connections\": 77, \"flap\": {\"every\": \"2s\"}}" : "");
        struct outcome outcome = simulation_run(&simulation, 5);
        connected[i] = outcome.metric[OUTCOME_connections];
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
    ck_assert_double_eq_tol(connected[1] - connected[0], 77, 1e-3);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(who_was_on_a_node_that_dies_is_unreachable_until_it_notices),
        TEST(a_crash_is_noticed_at_once),
        TEST(a_balancer_that_does_not_know_sends_clients_to_a_dead_node),
        LOOP_TEST(survivors_die_of_those_who_come_to_them, COUNT_OF(memories)),
        TEST(a_silent_node_is_left_by_those_who_notice),
        TEST(a_drain_that_is_spread_out_is_hardly_felt),
        TEST(a_node_that_nobody_is_on_any_more_has_its_memory_back),
        TEST(a_zone_takes_its_nodes_with_it),
        LOOP_TEST(an_added_node_stays_empty_until_connections_move, COUNT_OF(additions)),
        TEST(after_a_deploy_everybody_is_back),
        TEST(a_split_loses_what_would_cross_it),
        TEST(a_stall_delays_and_loses_nothing),
        TEST(a_population_more_changes_no_draw_of_the_others),
    };
    return suite_run("cluster/outages", tests, COUNT_OF(tests));
}
