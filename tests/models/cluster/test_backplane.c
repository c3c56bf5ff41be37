/* What each kind of backplane carries, what it takes and how long; against the closed forms of
 * polls, batches, one server, and members placed at random. */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

/* Costs are 0 unless the test says otherwise, so a latency is what the backplane makes of it. */
struct setting {
    int32_t nodes, clients, members;
    const char *balancer, *backplane; /* JSON of each */
    double rate;                      /* publishes/s of each client */
    double seconds;
};

static void init(struct simulation *simulation, const struct setting *setting) {
    simulation_init(
        simulation,
        "{\"name\": \"t\", \"objectives\": {\"delivery\": {\"within\": \"1s\"}}, "
        "\"populations\": {\"p\": {\"connections\": %d}}, \"rooms\": {\"g\": {\"size\": "
        "{\"constant\": %d}, \"members\": [\"p\"]}}, \"traffic\": {\"t\": {\"from\": "
        "\"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"%.12g/s per user\"}, "
        "\"bytes\": {\"constant\": 100}}}, \"nodes\": {\"n\": {\"count\": %d, "
        "\"open_files\": 200000}}, \"balancer\": {\"policy\": \"%s\"}, \"backplane\": "
        "%s, \"window\": {\"warm_up\": \"200ms\", \"measure\": \"%.6gs\"}}",
        setting->clients, setting->members, setting->rate, setting->nodes, setting->balancer,
        setting->backplane, setting->seconds);
}

static struct outcome run_once(const struct setting *setting) {
    struct simulation simulation;
    init(&simulation, setting);
    struct outcome outcome = simulation_run(&simulation, 0);
    simulation_fini(&simulation);
    return outcome;
}

static const struct outcome_resource *resource_of(const struct outcome *outcome, const char *name) {
    const struct outcome_resource *resource = outcome_find_resource(outcome, name);
    ck_assert_msg(resource != NULL, "no resource %s", name);
    return resource;
}

/* Rooms of two over two nodes: half of the deliveries are local and take no time. */
static struct setting two_nodes(const char *backplane) {
    return (struct setting){.nodes = 2,
                            .clients = 1000,
                            .members = 2,
                            .balancer = "round_robin",
                            .backplane = backplane,
                            .rate = 2,
                            .seconds = 2};
}

/* --- what is carried --- */

START_TEST(every_kind_delivers_to_every_member_once) {
    static const char *const kinds[] = {"broadcast",     "registry", "redis", "redis_sharded",
                                        "redis_cluster", "nats",     "kafka"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char backplane[128];
        snprintf(backplane, sizeof backplane,
                 "{\"kind\": \"%s\", \"latency\": {\"log_normal\": {\"mean\": \"1ms\", "
                 "\"sigma\": 1}}, \"instances\": 3}",
                 kinds[i]);
        struct outcome outcome = run_once(&(struct setting){.nodes = 7,
                                                            .clients = 900,
                                                            .members = 9,
                                                            .balancer = "random",
                                                            .backplane = backplane,
                                                            .rate = 3,
                                                            .seconds = 1});
        ck_assert_double_gt(outcome.metric[OUTCOME_due], 20000); /* 900 x 3/s x 9 x 1 s */
        ck_assert_double_eq(outcome.metric[OUTCOME_deliveries], outcome.metric[OUTCOME_due]);
        ck_assert_double_eq(outcome.metric[OUTCOME_lost], 0);
        ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
        outcome_fini(&outcome);
    }
}
END_TEST

static uint64_t fingerprint_of_one_node(const char *backplane) {
    struct simulation simulation;
    struct setting setting = two_nodes(backplane);
    setting.nodes = 1;
    init(&simulation, &setting);
    simulation.costs.value[COST_read] = 900;
    simulation.costs.value[COST_write] = 1700;
    struct outcome outcome = simulation_run(&simulation, 0);
    uint64_t fingerprint = outcome.fingerprint;
    outcome_fini(&outcome);
    simulation_fini(&simulation);
    return fingerprint;
}

/* Redis hears of every publish, whoever listens. */
START_TEST(with_one_node_a_backplane_that_does_nothing_changes_nothing) {
    uint64_t without = fingerprint_of_one_node("{}");
    ck_assert_uint_eq(without, fingerprint_of_one_node("{\"kind\": \"broadcast\"}"));
    ck_assert_uint_eq(without, fingerprint_of_one_node("{\"kind\": \"registry\"}"));
    ck_assert_uint_ne(without, fingerprint_of_one_node("{\"kind\": \"redis\"}"));
}
END_TEST

/* --- amplification by nodes --- */

static struct setting hundred_nodes(const char *backplane) {
    return (struct setting){.nodes = 100,
                            .clients = 100000,
                            .members = 10,
                            .balancer = "random",
                            .backplane = backplane,
                            .rate = 0.2,
                            .seconds = 1};
}

/* Rooms of ten, 10,000 of them: 0.6 nodes of standard deviation each, so 0.006 of the mean. */
START_TEST(a_registry_sends_as_many_copies_as_members_at_random_need) {
    struct setting setting = hundred_nodes("{\"kind\": \"registry\"}");
    struct outcome outcome = run_once(&setting);
    double expected = golden("remote hops of a publish by a member,M=100 k=10,");
    double copies = outcome.metric[OUTCOME_backplane_copies];
    ck_assert_double_eq_tol(copies / expected, 1, 0.005);
    ck_assert_double_lt(fabs(copies - expected), 3.3 * 0.6 / sqrt(10000));
    ck_assert_double_eq(outcome.metric[OUTCOME_backplane_wasted_share], 0);
    outcome_fini(&outcome);
}
END_TEST

/* (1 - 1/M)^k of the nodes have no member. A broadcast leaves out the publisher's own, which has
 * one, so of the others (1 - 1/M)^(k-1). */
START_TEST(a_broadcast_wastes_what_the_formula_says) {
    struct setting setting = hundred_nodes("{\"kind\": \"broadcast\"}");
    struct outcome outcome = run_once(&setting);
    ck_assert_double_eq(outcome.metric[OUTCOME_backplane_copies], 99);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backplane_wasted_share] / pow(0.99, 9), 1,
                            0.005);
    outcome_fini(&outcome);
    setting.backplane = "{\"kind\": \"kafka\"}";
    outcome = run_once(&setting);
    ck_assert_double_eq(outcome.metric[OUTCOME_backplane_copies], 100);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backplane_wasted_share] / pow(0.99, 10), 1,
                            0.005);
    outcome_fini(&outcome);
}
END_TEST

/* --- time on the way --- */

START_TEST(a_hop_is_a_hop_and_a_system_in_between_is_two) {
    static const struct {
        const char *backplane;
        double way_ms;
    } cases[] = {
        {"{\"kind\": \"broadcast\", \"latency\": \"3ms\"}", 3},
        {"{\"kind\": \"registry\", \"latency\": \"3ms\"}", 3},
        {"{\"kind\": \"redis\", \"latency\": \"3ms\"}", 6},
        {"{\"kind\": \"redis_sharded\", \"instances\": 5, \"latency\": \"3ms\"}", 6},
        {"{\"kind\": \"nats\", \"latency\": \"3ms\"}", 6},
        /* nodes 0 and 1 on instances 0 and 1 */
        {"{\"kind\": \"redis_cluster\", \"instances\": 2, \"latency\": \"3ms\"}", 9},
        {"{\"kind\": \"redis_cluster\", \"instances\": 1, \"latency\": \"3ms\"}", 6},
        {"{\"kind\": \"kafka\", \"latency\": \"3ms\"}", 6},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct setting setting = two_nodes(cases[i].backplane);
        struct outcome outcome = run_once(&setting);
        ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_mean_ms], cases[i].way_ms / 2,
                                1e-3 * cases[i].way_ms);
        ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_max_ms], cases[i].way_ms,
                                1e-3 * cases[i].way_ms);
        outcome_fini(&outcome);
    }
}
END_TEST

/* The mean of a log-normal is its `mean`; half of the deliveries make one hop. Some 160,000 hops
 * with a coefficient of variation of sqrt(exp(0.25) - 1) = 0.53: 0.13 %. No two messages on a
 * connection change places, which one draw in thousands would make them do. */
START_TEST(a_hop_is_drawn_from_its_distribution) {
    struct setting setting = two_nodes("{\"kind\": \"registry\", \"latency\": {\"log_normal\": "
                                       "{\"mean\": \"20us\", \"sigma\": 0.5}}}");
    setting.rate = 0.8;
    setting.clients = 2000;
    setting.seconds = 100;
    struct outcome outcome = run_once(&setting);
    ck_assert_double_eq_tol(2 * outcome.metric[OUTCOME_latency_mean_ms] / 0.02, 1, 0.005);
    outcome_fini(&outcome);
}
END_TEST

/* Arrivals at any time of a fixed interval T: U(0, T), mean T/2, p95 0.95 T; with the local half,
 * p97.5 of all. */
START_TEST(a_poll_adds_a_uniform_wait) {
    struct setting setting =
        two_nodes("{\"kind\": \"kafka\", \"latency\": \"0s\", \"poll\": \"50ms\"}");
    setting.rate = 20;
    setting.seconds = 5;
    struct outcome outcome = run_once(&setting);
    ck_assert_double_eq_tol(2 * outcome.metric[OUTCOME_latency_mean_ms] / 25, 1, 0.01);
    double p95_ms = base_ms(hist_quantile(&outcome.latency, 0.975));
    ck_assert_double_eq_tol(p95_ms / (0.95 * 50), 1, 0.01);
    ck_assert_double_le(outcome.metric[OUTCOME_latency_max_ms], 50 * 1.01);
    outcome_fini(&outcome);
}
END_TEST

enum { REPLICATIONS = 20 };

static void estimate_way(const char *name, struct setting *setting, enum cost cost, double cost_ns,
                         double expected_us) {
    static struct sample samples[REPLICATIONS];
    struct simulation simulation;
    init(&simulation, setting);
    if (cost_ns > 0)
        simulation.costs.value[cost] = cost_ns;
    for (uint64_t i = 0; i < REPLICATIONS; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        samples[i] = (struct sample){.value = 2000 * outcome.metric[OUTCOME_latency_mean_ms]};
        outcome_fini(&outcome);
    }
    struct estimate estimate = estimate_of(samples, REPLICATIONS, 0);
    assert_estimate(name, expected_us, &estimate);
    simulation_fini(&simulation);
}

/* Lg (1 + r Lg/2) / (1 + r Lg): 5,000/s per node and 200 us give 150 us. */
START_TEST(a_batch_waits_from_its_first_message_on) {
    struct setting setting =
        two_nodes("{\"kind\": \"kafka\", \"latency\": \"0s\", \"linger\": \"200us\"}");
    setting.rate = 10;
    setting.seconds = 1;
    double rate_us = 5000e-6, linger_us = 200;
    estimate_way("linger", &setting, COST_kafka_message, 0,
                 linger_us * (1 + rate_us * linger_us / 2) / (1 + rate_us * linger_us));
}
END_TEST

/* One instance is M/D/1: at 60 % busy s + rho s / (2 (1 - rho)) = 1.75 s (Pollaczek and
 * Khinchine). */
START_TEST(one_instance_is_a_queue) {
    struct setting setting = two_nodes("{\"kind\": \"redis\", \"latency\": \"0s\"}");
    setting.rate = 6;
    setting.seconds = 5;
    estimate_way("M/D/1 at an instance", &setting, COST_redis_message, 100000, 175);
}
END_TEST

/* --- what breaks --- */

START_TEST(an_instance_that_is_too_slow_breaks_first) {
    struct simulation simulation;
    struct setting setting = two_nodes("{\"kind\": \"redis\"}");
    init(&simulation, &setting);
    simulation.costs.value[COST_redis_message] = 400000;
    simulation.costs.value[COST_redis_copy] = 100000; /* 2,000/s x (0.4 + 2 x 0.1) ms = 1.2 */
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_int_ne(outcome.verdict, OUTCOME_HOLDS);
    ck_assert_str_eq(outcome.broke, "backplane_cpu");
    ck_assert_double_gt(resource_of(&outcome, "backplane_cpu")->used, 0.99);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* 2,000/s x 2 copies x 102 B (100 and a header of 2) x 8 = 3.264 Mbit/s. */
START_TEST(egress_is_every_copy_and_has_an_end) {
    struct setting setting = two_nodes("{\"kind\": \"redis\", \"egress\": \"100Mbit/s\"}");
    setting.seconds = 10;
    struct outcome outcome = run_once(&setting);
    ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
    ck_assert_double_eq_tol(resource_of(&outcome, "backplane_egress")->used / 3.264e6, 1, 0.03);
    outcome_fini(&outcome);
    setting.backplane = "{\"kind\": \"redis\", \"egress\": \"2Mbit/s\"}";
    outcome = run_once(&setting);
    ck_assert_int_ne(outcome.verdict, OUTCOME_HOLDS);
    ck_assert_str_eq(outcome.broke, "backplane_egress");
    outcome_fini(&outcome);
}
END_TEST

/* Sharded, each instance has its share; the busiest of eight among 500 rooms has less than a fifth.
 */
START_TEST(instances_share_the_rooms) {
    double busy[2];
    for (int32_t i = 0; i < 2; i++) {
        struct simulation simulation;
        struct setting setting = two_nodes(
            i == 0 ? "{\"kind\": \"redis\"}" : "{\"kind\": \"redis_sharded\", \"instances\": 8}");
        init(&simulation, &setting);
        simulation.costs.value[COST_redis_message] = 100000;
        struct outcome outcome = simulation_run(&simulation, 0);
        busy[i] = outcome.metric[OUTCOME_backplane_cpu_share];
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
    ck_assert_double_eq_tol(busy[0], 0.2, 0.02); /* 2,000/s x 100 us */
    ck_assert_double_gt(busy[1], busy[0] / 8);
    ck_assert_double_lt(busy[1], busy[0] / 5);
}
END_TEST

/* Every instance of the classic cluster hears of every publish, so more of them carry no more:
 * 2,000/s x 100 us at each, and 2,000/s x 50 us x 7 for those passed on, shared by two entrances.
 */
START_TEST(the_classic_cluster_does_not_scale_with_its_instances) {
    struct simulation simulation;
    struct setting setting =
        two_nodes("{\"kind\": \"redis_cluster\", \"instances\": 8, \"latency\": \"0s\"}");
    setting.seconds = 10;
    init(&simulation, &setting);
    simulation.costs.value[COST_redis_message] = 100000;
    simulation.costs.value[COST_redis_forward] = 50000;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backplane_cpu_share], 0.2 + 0.35, 0.02);
    ck_assert_double_eq(outcome.metric[OUTCOME_deliveries], outcome.metric[OUTCOME_due]);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* One channel for all rooms is a broadcast with a system in between, the echo included. */
START_TEST(one_channel_reaches_every_node) {
    struct setting setting = hundred_nodes("{\"kind\": \"redis\", \"channels\": \"one\"}");
    struct outcome outcome = run_once(&setting);
    ck_assert_double_eq(outcome.metric[OUTCOME_backplane_copies], 100);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_backplane_wasted_share] / pow(0.99, 10), 1,
                            0.005);
    outcome_fini(&outcome);
}
END_TEST

/* --- one processor for all --- */

/* Each node handles its clients' 1,000/s and the other's: at 300 us each 60 % of a processor, and
 * 120 % of one for both. */
START_TEST(nodes_that_share_a_processor_break_where_those_with_their_own_do_not) {
    for (int32_t shared = 0; shared < 2; shared++) {
        struct simulation simulation;
        struct setting setting = two_nodes("{\"kind\": \"broadcast\", \"latency\": \"0s\"}");
        setting.seconds = 5;
        init(&simulation, &setting);
        simulation.scenario.spec.machine.processors =
            shared ? SPEC_SHARED_PROCESSOR : SPEC_OWN_PROCESSORS;
        simulation.costs.value[COST_publish] = 300000;
        struct outcome outcome = simulation_run(&simulation, 0);
        ck_assert_int_eq(outcome.verdict == OUTCOME_HOLDS, !shared);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

static double latency_mean_ms(const char *backplane, enum cost cost, double ns, double switch_ns) {
    struct simulation simulation;
    struct setting setting = two_nodes(backplane);
    setting.rate = 0.05; /* 50/s in all: hardly two at a time */
    setting.seconds = 4;
    init(&simulation, &setting);
    simulation.scenario.spec.machine.processors = SPEC_SHARED_PROCESSOR;
    simulation.costs.value[cost] = ns;
    simulation.costs.value[COST_publish] = 10000;
    simulation.costs.value[COST_process_switch] = switch_ns;
    struct outcome outcome = simulation_run(&simulation, 0);
    double mean_ms = outcome.metric[OUTCOME_latency_mean_ms];
    outcome_fini(&outcome);
    simulation_fini(&simulation);
    return mean_ms;
}

/* A publish takes 10 us at each node. The other node is woken while the first still runs, so a
 * wake-up of 1 ms is paid once, and a switch of 0.1 ms: of two deliveries one after 1.01 ms, the
 * other after 1.01 + 0.1 + 0.01. Through Redis it is two switches, and for half of the publishes
 * the echo and a switch more, because their own node is the first; and a turn of 0.2 ms of the idle
 * instance. */
START_TEST(who_is_woken_on_a_shared_processor_waits_for_a_switch_and_not_for_a_wake_up) {
    double mesh =
        latency_mean_ms("{\"kind\": \"registry\", \"latency\": \"0s\"}", COST_wake_up, 1e6, 1e5);
    ck_assert_double_eq_tol(mesh, 1.01 + 0.11 / 2, 0.01);
    double redis =
        latency_mean_ms("{\"kind\": \"redis\", \"latency\": \"0s\"}", COST_wake_up, 1e6, 1e5);
    ck_assert_double_eq_tol(redis, 1.01 + (0.1 + 0.1 + 0.01 + 0.11 / 2) / 2, 0.01);
    double turn =
        latency_mean_ms("{\"kind\": \"redis\", \"latency\": \"0s\"}", COST_redis_turn, 2e5, 0);
    ck_assert_double_eq_tol(turn, 0.01 + (0.2 + 0.01 + 0.01 / 2) / 2, 0.005);
}
END_TEST

/* --- what nodes pay --- */

static double cpu_of(const char *backplane, enum cost cost, double cost_ns) {
    struct simulation simulation;
    struct setting setting = two_nodes(backplane);
    setting.seconds = 10;
    init(&simulation, &setting);
    simulation.costs.value[cost] = cost_ns;
    struct outcome outcome = simulation_run(&simulation, 0);
    double share = resource_of(&outcome, "worker_cpu")->used;
    outcome_fini(&outcome);
    simulation_fini(&simulation);
    return share;
}

/* Per publish of its own 1,000/s a node reads its client, and once more for each publish of the
 * other; from Redis and Kafka its own comes back too. It writes one member for each of both, and
 * once to the other node or the system. At 1 us each hardly two fall into one turn. */
START_TEST(a_node_pays_for_what_it_sends_and_for_what_it_gets) {
    static const struct {
        const char *backplane;
        double reads, writes;
    } cases[] = {{"{}", 1, 1},
                 {"{\"kind\": \"broadcast\"}", 2, 3},
                 {"{\"kind\": \"registry\"}", 2, 3},
                 {"{\"kind\": \"redis\"}", 3, 3},
                 {"{\"kind\": \"nats\"}", 2, 3},
                 {"{\"kind\": \"kafka\"}", 3, 3}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double reads = cpu_of(cases[i].backplane, COST_read, 1000) / 1e-3;
        double writes = cpu_of(cases[i].backplane, COST_write, 1000) / 1e-3;
        ck_assert_double_eq_tol(reads / cases[i].reads, 1, 0.04);
        ck_assert_double_eq_tol(writes / cases[i].writes, 1, 0.04);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_kind_delivers_to_every_member_once),
        TEST(with_one_node_a_backplane_that_does_nothing_changes_nothing),
        TEST(a_registry_sends_as_many_copies_as_members_at_random_need),
        TEST(a_broadcast_wastes_what_the_formula_says),
        TEST(a_hop_is_a_hop_and_a_system_in_between_is_two),
        TEST(a_hop_is_drawn_from_its_distribution),
        TEST(a_poll_adds_a_uniform_wait),
        TEST(a_batch_waits_from_its_first_message_on),
        TEST(one_instance_is_a_queue),
        TEST(an_instance_that_is_too_slow_breaks_first),
        TEST(egress_is_every_copy_and_has_an_end),
        TEST(instances_share_the_rooms),
        TEST(the_classic_cluster_does_not_scale_with_its_instances),
        TEST(one_channel_reaches_every_node),
        TEST(nodes_that_share_a_processor_break_where_those_with_their_own_do_not),
        TEST(who_is_woken_on_a_shared_processor_waits_for_a_switch_and_not_for_a_wake_up),
        TEST(a_node_pays_for_what_it_sends_and_for_what_it_gets),
    };
    return suite_run("cluster/backplane", tests, COUNT_OF(tests));
}
