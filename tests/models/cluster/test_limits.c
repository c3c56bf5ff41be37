/* Limits of a node's kernel and of the balancer: who is let in, what breaks at which load, and in
 * which order. */
#include "models/cluster/limits.h"
#include "models/workload/protocol.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void init_idle(struct simulation *simulation, int32_t connections, const char *node,
                      const char *more) {
    simulation_init(simulation,
                    "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": %d}}, "
                    "\"nodes\": {\"n\": {%s}}%s, \"window\": {\"warm_up\": \"0s\", "
                    "\"measure\": \"1s\"}}",
                    connections, node, more);
}

/* What is let in of 9,999: the least of what each limit allows, 32 + 4 descriptors being kept. */
START_TEST(the_tightest_limit_decides_how_many_are_let_in) {
    static const struct {
        const char *node, *more;
        int64_t let_in;
    } cases[] = {
        {"\"open_files\": 5000", "", 4964},
        {"\"open_files\": 5000, \"kernel\": {\"nr_open\": 4000}", "", 3964},
        {"\"open_files\": 5000, \"kernel\": {\"file_max\": 3001}", "", 2965},
        {"\"open_files\": 5000, \"kernel\": {\"conntrack\": 2000}", "", 2000},
        {"\"open_files\": 20000", "", 9999},
        {"\"open_files\": 20000",
         ", \"balancer\": {\"kind\": \"l4_proxy\", \"ports\": 701, "
         "\"addresses\": 3}",
         2103},
        {"\"open_files\": 20000", ", \"balancer\": {\"ports\": 701}", 9999}, /* no proxy */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        init_idle(&simulation, 9999, cases[i].node, cases[i].more);
        ck_assert_int_eq(simulation.layout.connections_count, cases[i].let_in);
        ck_assert_int_eq(simulation.layout.refused_count, 9999 - cases[i].let_in);
        simulation_fini(&simulation);
    }
}
END_TEST

/* The shipped scenario. 1,024 less the 36 kept; 104,857 less 36; 4 x 28,232 ports; 1 GiB over 4,713
 * bytes a connection; fs.nr_open less 36. */
START_TEST(an_untuned_kernel_breaks_by_descriptors_then_files_then_ports) {
    static const struct {
        const char *name;
        double connections;
    } expected[] = {{"open_files", 988},
                    {"file_max", 104821},
                    {"balancer_ports", 112928},
                    {"memory", 1073741824.0 / 4713},
                    {"nr_open", 1048540}};
    static char json[1 << 16];
    FILE *file = fopen(SCENARIOS_FOLDER "/untuned.json", "rb");
    ck_assert_ptr_nonnull(file);
    json[fread(json, 1, sizeof json - 1, file)] = '\0';
    fclose(file);
    struct simulation simulation;
    simulation_init(&simulation, "%s", json);
    simulation.costs.value[COST_connection_user] = 126;
    simulation.costs.value[COST_connection_kernel] = 4587;
    struct outcome outcome = simulation_run(&simulation, 0);
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    ck_assert_int_eq(outcome_break_order(&outcome, order), COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        ck_assert_str_eq(order[i]->name, expected[i].name);
        ck_assert_double_eq_tol(order[i]->breaks_at / expected[i].connections, 1, 1e-9);
    }
    ck_assert_str_eq(outcome.broke, "open_files");
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* A limit that is raised is the first no more, and what was second becomes it. */
START_TEST(raising_the_first_limit_uncovers_the_second) {
    static const struct {
        const char *node, *first;
        double at;
    } cases[] = {
        {"\"open_files\": 1024, \"kernel\": {\"file_max\": 3000}", "open_files", 988},
        {"\"open_files\": 9000, \"kernel\": {\"file_max\": 3000}", "file_max", 2964},
        {"\"open_files\": 9000, \"kernel\": {\"file_max\": 90000}", "balancer_ports", 4000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        init_idle(&simulation, 500, cases[i].node,
                  ", \"balancer\": {\"kind\": \"l7_proxy\", \"ports\": 4000}");
        struct outcome outcome = simulation_run(&simulation, 0);
        const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
        ck_assert_int_gt(outcome_break_order(&outcome, order), 0);
        ck_assert_str_eq(order[0]->name, cases[i].first);
        ck_assert_double_eq_tol(order[0]->breaks_at, cases[i].at, 1e-6);
        ck_assert_double_eq(outcome.metric[OUTCOME_refused], 0);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

/* Two nodes by halves: each is full at 1,964 of its own, so the cluster at twice that. */
START_TEST(a_break_is_told_in_connections_to_the_whole_cluster) {
    struct simulation simulation;
    init_idle(&simulation, 1000, "\"count\": 2, \"open_files\": 2000", "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome_find_resource(&outcome, "open_files")->breaks_at, 2 * 1964,
                            1e-6);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

static struct outcome run_behind(const char *balancer) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 1000}}, "
                    "\"rooms\": {\"g\": {\"size\": {\"constant\": 100}, \"members\": [\"p\"]}}, "
                    "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": "
                    "{\"constant\": \"50/s in all\"}, \"bytes\": {\"constant\": 1000}}}, "
                    "\"nodes\": {\"n\": {\"open_files\": 2000, \"fan_out\": "
                    "\"write_at_once\"}}%s, \"window\": {\"warm_up\": \"1s\", \"measure\": "
                    "\"4s\"}}",
                    balancer);
    simulation.costs.value[COST_proxy_write] = 4000;
    simulation.costs.value[COST_proxy_byte] = 0.2;
    simulation.costs.value[COST_proxy_l7_write] = 2000;
    simulation.costs.value[COST_proxy_l7_byte] = 1;
    simulation.costs.value[COST_proxy_connection] = 40000;
    simulation.costs.value[COST_redis_message] = 1000;
    simulation.costs.value[COST_redis_copy] = 1538;
    struct outcome outcome = simulation_run(&simulation, 0);
    for (int32_t i = 0; i < outcome.resources_count; i++)
        outcome.resources[i].node = NULL; /* names die with the simulation */
    simulation_fini(&simulation);
    return outcome;
}

/* 50 publishes/s in, 1,016 bytes each with framing and the verb, and 5,000 writes/s of 1,004 bytes
 * out: 5,050 x 4 us + 5,070,800 x 0.2 ns = 2.12 % of a thread; an HTTP proxy takes 2 us and 1 ns
 * more of each: 3.64 %. */
START_TEST(an_http_proxy_costs_more_than_a_tcp_proxy_and_that_more_than_none) {
    struct outcome none = run_behind("");
    struct outcome tcp = run_behind(", \"balancer\": {\"kind\": \"l4_proxy\"}");
    struct outcome http = run_behind(", \"balancer\": {\"kind\": \"l7_proxy\", \"instances\": 2}");
    double bytes = 5000 * 1004.0 + 50 * (double)protocol_inbound_bytes(1000);
    double expected = 5050 * 4e-6 + bytes * 0.2e-9;
    ck_assert_ptr_null(outcome_find_resource(&none, "balancer_cpu"));
    ck_assert_double_eq_tol(outcome_find_resource(&tcp, "balancer_cpu")->used / expected, 1, 0.001);
    ck_assert_double_eq_tol(outcome_find_resource(&http, "balancer_cpu")->used /
                                ((expected + 5050 * 2e-6 + bytes * 1e-9) / 2),
                            1, 0.001);
    ck_assert_double_eq(outcome_find_resource(&tcp, "balancer_open_files")->used, 2000);
    ck_assert_double_eq(outcome_find_resource(&http, "balancer_open_files")->used, 1000);
    ck_assert_double_eq(outcome_find_resource(&tcp, "balancer_memory")->used, 4e7);
    ck_assert_double_eq_tol(
        outcome_find_resource(&tcp, "balancer_cpu")->breaks_at / (50 / expected), 1, 0.001);
    ck_assert_uint_eq(none.fingerprint, tcp.fingerprint); /* nothing waits for it */
    outcome_fini(&none);
    outcome_fini(&tcp);
    outcome_fini(&http);
}
END_TEST

START_TEST(a_proxy_without_enough_memory_fails_the_run_by_its_name) {
    struct outcome outcome =
        run_behind(", \"balancer\": {\"kind\": \"l4_proxy\", \"memory\": \"16MiB\"}");
    ck_assert_int_eq(outcome.verdict, OUTCOME_FAILS);
    ck_assert_str_eq(outcome.broke, "balancer_memory"); /* 40 MB */
    outcome_fini(&outcome);
}
END_TEST

/* One node, which hears its own publishes: 2,538 ns of the instance for each, and 8 x 1,004 bits of
 * its link. 200 publishes in the window, one of which may lie across its end. */
START_TEST(a_backplane_breaks_by_its_processor_or_its_link) {
    struct outcome outcome =
        run_behind(", \"backplane\": {\"kind\": \"redis\", \"egress\": \"1Mbit/s\"}");
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    ck_assert_int_gt(outcome_break_order(&outcome, order), 1);
    ck_assert_str_eq(order[0]->name, "open_files"); /* 1,964 of 1,000 */
    ck_assert_str_eq(order[1]->name, "backplane_egress");
    ck_assert_double_eq_tol(order[1]->breaks_at / (1e6 / (8 * 1004.0)), 1, 0.006);
    ck_assert_double_eq_tol(
        outcome_find_resource(&outcome, "backplane_cpu")->breaks_at / (1e9 / 2538.0), 1, 0.006);
    ck_assert_ptr_null(outcome_find_resource(&outcome, "backplane_connections"));
    outcome_fini(&outcome);
}
END_TEST

/* A node opens two, to publish and to subscribe; in a classic cluster of three, nodes 1 and 4 are
 * with the first instance, which holds a connection to each of the others. */
START_TEST(a_backplane_takes_as_many_connections_as_it_may) {
    static const struct {
        const char *backplane;
        double used;
        enum outcome_verdict verdict;
    } cases[] = {
        {"\"kind\": \"redis\", \"connections\": 8", 8, OUTCOME_HOLDS},
        {"\"kind\": \"redis\", \"connections\": 7", 8, OUTCOME_FAILS},
        {"\"kind\": \"nats\", \"connections\": 7", 4, OUTCOME_HOLDS},
        {"\"kind\": \"redis_cluster\", \"instances\": 3, \"connections\": 7", 6, OUTCOME_HOLDS}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        simulation_init(&simulation,
                        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 40}}, "
                        "\"rooms\": {\"g\": {\"size\": {\"constant\": 40}, \"members\": [\"p\"]}}, "
                        "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": "
                        "{\"constant\": \"50/s in all\"}, \"bytes\": {\"constant\": 100}}}, "
                        "\"nodes\": {\"n\": {\"count\": 4}}, \"backplane\": {%s}, \"window\": "
                        "{\"warm_up\": \"1s\", \"measure\": \"4s\"}}",
                        cases[i].backplane);
        struct outcome outcome = simulation_run(&simulation, 0);
        ck_assert_double_eq(outcome_find_resource(&outcome, "backplane_connections")->used,
                            cases[i].used);
        ck_assert_int_eq(outcome.verdict, cases[i].verdict);
        ck_assert_str_eq(outcome.broke,
                         cases[i].verdict == OUTCOME_HOLDS ? "" : "backplane_connections");
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

START_TEST(a_send_buffer_is_granted_up_to_the_kernels_limit) {
    static const struct {
        const char *node;
        int64_t granted;
    } cases[] = {{"\"send_buffer\": \"512KiB\"", 524288},
                 {"\"send_buffer\": \"512KiB\", \"kernel\": {\"wmem_max\": \"208KiB\"}", 212992},
                 {"\"send_buffer\": \"64KiB\", \"kernel\": {\"wmem_max\": \"208KiB\"}", 65536}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        init_idle(&simulation, 1, cases[i].node, "");
        ck_assert_int_eq(limits_send_buffer(&simulation.scenario.spec.nodes[0]), cases[i].granted);
        simulation_fini(&simulation);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_tightest_limit_decides_how_many_are_let_in),
        TEST(an_untuned_kernel_breaks_by_descriptors_then_files_then_ports),
        TEST(raising_the_first_limit_uncovers_the_second),
        TEST(a_break_is_told_in_connections_to_the_whole_cluster),
        TEST(a_backplane_breaks_by_its_processor_or_its_link),
        TEST(a_backplane_takes_as_many_connections_as_it_may),
        TEST(an_http_proxy_costs_more_than_a_tcp_proxy_and_that_more_than_none),
        TEST(a_proxy_without_enough_memory_fails_the_run_by_its_name),
        TEST(a_send_buffer_is_granted_up_to_the_kernels_limit),
    };
    return suite_run("cluster/limits", tests, COUNT_OF(tests));
}
