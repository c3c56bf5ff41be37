/* What stands between a message and its socket: compression, a session that is looked up, a runtime
 * that pauses; and the table of what a connection costs. */
#include "models/cluster/costs.h"
#include "models/cluster/memory.h"
#include "models/cluster/steal.h"
#include "models/workload/protocol.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

/* 20 clients in two rooms of 10, 50 publishes/s in all, each of 400 bytes. */
static void init(struct simulation *simulation, const char *node) {
    simulation_init(simulation,
                    "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 20}}, \"rooms\": "
                    "{\"g\": {\"size\": {\"constant\": 10}, \"members\": [\"p\"]}}, \"traffic\": "
                    "{\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": \"50/s in "
                    "all\"}, \"bytes\": {\"constant\": 400}}}, \"nodes\": {\"n\": {%s}}, "
                    "\"window\": {\"warm_up\": \"1s\", \"measure\": \"20s\"}}",
                    node);
}

static const char *const plain = "",
                         *const each_for_itself = "\"deflate\": {\"kind\": "
                                                  "\"no_context_takeover\", "
                                                  "\"left\": 0.25}",
                         *const with_a_window = "\"deflate\": {\"kind\": \"context_takeover\", "
                                                "\"left\": 0.25}";

/* 404 bytes with their header of 4, or 102 with one of 2. */
START_TEST(a_compressed_payload_is_what_is_left_of_it_behind_its_header) {
    static const struct {
        const char *const *node;
        double bytes;
    } cases[] = {{&plain, 404}, {&each_for_itself, 102}, {&with_a_window, 102}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        init(&simulation, *cases[i].node);
        struct outcome outcome = simulation_run(&simulation, 0);
        const double *metric = outcome.metric;
        ck_assert_double_eq_tol(metric[OUTCOME_written_bytes_per_s] / metric[OUTCOME_writes_per_s],
                                cases[i].bytes, 1e-9);
        ck_assert_double_eq(metric[OUTCOME_deliveries], 50 * 20 * 10);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

static double cpu_share(const char *node, enum cost cost, double value) {
    struct simulation simulation;
    init(&simulation, node);
    simulation.costs.value[cost] = value;
    struct outcome outcome = simulation_run(&simulation, 0);
    double share = outcome.metric[OUTCOME_cpu_share];
    outcome_fini(&outcome);
    simulation_fini(&simulation);
    return share;
}

/* 50 publishes/s of 400 bytes, to 10 recipients each. Inwards a payload of 100 left comes with
 * "publish " and a header of 6, 114 bytes, each of which is four when it is decompressed. */
START_TEST(compression_is_paid_once_a_publish_or_once_a_recipient) {
    static const double per_s = 50, bytes = 400, recipients = 10;
    static const double message_ns = 7013, byte_ns = 23.85;
    double once = per_s * 1e-9;
    ck_assert_double_eq_tol(cpu_share(each_for_itself, COST_deflate_message, message_ns),
                            once * message_ns, 1e-9);
    ck_assert_double_eq_tol(cpu_share(each_for_itself, COST_deflate_byte, byte_ns),
                            once * round(bytes * byte_ns), 1e-9);
    ck_assert_double_eq_tol(cpu_share(with_a_window, COST_deflate_message, message_ns),
                            recipients * once * message_ns, 1e-9);
    /* by bytes written: 102 for every 100 left */
    ck_assert_double_eq_tol(cpu_share(with_a_window, COST_deflate_byte, byte_ns),
                            recipients * once * round(102 * 4 * byte_ns), 1e-9);
    ck_assert_double_eq_tol(cpu_share(each_for_itself, COST_inflate_byte, byte_ns),
                            once * round(114 * 4 * byte_ns), 1e-9);
    ck_assert_double_eq(cpu_share(plain, COST_deflate_message, message_ns), 0);
    ck_assert_double_eq(cpu_share(plain, COST_inflate_byte, byte_ns), 0);
}
END_TEST

/* TLS 1.3: 22 bytes around each write of up to 16 KiB, and a record to seal or open for each. */
START_TEST(tls_seals_each_write_and_opens_each_read) {
    static const char *const sealed = "\"tls\": \"full\"";
    static const double record_ns = 811, byte_ns = 0.7;
    double once = 50e-9, recipients = 10, read_bytes = (double)protocol_inbound_bytes(400);
    ck_assert_double_eq_tol(cpu_share(sealed, COST_tls_record, record_ns),
                            once * (recipients + 1) * record_ns, 1e-9);
    ck_assert_double_eq_tol(
        cpu_share(sealed, COST_tls_byte, byte_ns),
        once * (recipients * round(404 * byte_ns) + round(read_bytes * byte_ns)), 1e-9);
    ck_assert_double_eq(cpu_share(plain, COST_tls_record, record_ns), 0);
    struct simulation simulation;
    init(&simulation, sealed);
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_written_bytes_per_s] /
                                outcome.metric[OUTCOME_writes_per_s],
                            404 + 22, 1e-9);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* At, and one byte above, what one record holds; none around what goes to another node. */
START_TEST(a_long_write_is_several_records) {
    struct profile_costs raw = {.value = {[COST_tls_record] = 1000}};
    struct costs costs = costs_of(&raw, &(struct spec_node){.tls = SPEC_TLS_RESUMED});
    ck_assert_int_eq(costs_record_bytes(&costs, 1, 16384), 22);
    ck_assert_int_eq(costs_record_bytes(&costs, 3, 3 * 16385), 3 * 44);
    ck_assert_int_eq(costs_write(&costs, &(struct costs_write){.bytes = 16385}), 2000);
    ck_assert_int_eq(costs_write(&costs, &(struct costs_write){.bytes = 16385, .is_to_node = true}),
                     0);
}
END_TEST

/* The worker's part keeps it busy; the wait keeps the publish alone. */
START_TEST(a_shared_session_makes_each_publish_wait_for_its_look_up) {
    static const double wait_ns = 3000017, lookup_ns = 41000;
    for (int is_shared = 0; is_shared < 2; is_shared++) {
        struct simulation simulation;
        init(&simulation, is_shared ? "\"session_state\": \"shared\", \"session\": \"2KiB\""
                                    : "\"session\": \"2KiB\"");
        simulation.costs.value[COST_session_lookup] = lookup_ns;
        simulation.costs.value[COST_session_wait] = wait_ns;
        struct outcome outcome = simulation_run(&simulation, 0);
        const double *metric = outcome.metric;
        ck_assert_double_eq_tol(metric[OUTCOME_latency_mean_ms],
                                is_shared ? (wait_ns + lookup_ns) * 1e-6 : 0, 1e-9);
        ck_assert_double_eq_tol(metric[OUTCOME_cpu_share], is_shared ? 50 * lookup_ns * 1e-9 : 0,
                                1e-9);
        ck_assert_double_eq(metric[OUTCOME_memory_user_bytes], 20 * (is_shared ? 64 : 2048));
        ck_assert_double_eq(metric[OUTCOME_deliveries], 50 * 20 * 10);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

/* Alternating renewal, as for gaps of the host: a third of the time is a pause, and who comes then
 * waits its mean, being exponential. */
START_TEST(who_comes_during_a_pause_of_the_runtime_waits_it_out) {
    enum { REPLICATIONS = 48 };
    struct simulation simulation;
    init(&simulation, plain);
    simulation.costs.value[COST_pauses] = 100;
    simulation.costs.value[COST_pause] = 5e6;
    struct sample waits[REPLICATIONS] = {0};
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        struct outcome outcome = simulation_run(&simulation, r);
        waits[r].value = outcome.metric[OUTCOME_latency_mean_ms];
        outcome_fini(&outcome);
    }
    struct estimate estimate = estimate_of(waits, REPLICATIONS, 0);
    ck_assert_double_lt(fabs(estimate.value - 5.0 / 3), 3.3 * estimate.stderr_value);
    ck_assert_double_lt(estimate.stderr_value, 0.05);
    simulation_fini(&simulation);
}
END_TEST

/* Two workers of a node: each has gaps of its own, the pauses are the same. */
START_TEST(a_pause_stops_all_workers_of_a_node_at_once) {
    struct profile_costs costs = {.value = {[COST_pauses] = 100, [COST_pause] = 5e6}};
    struct steal steals[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct rng own, nodes;
        rng_init(&own, (struct rng_name){.seed = i});
        rng_init(&nodes, (struct rng_name){.seed = 2385});
        steal_init(&steals[i], &costs, own);
        steal_add_pauses(&steals[i], &costs, nodes);
    }
    int32_t waited = 0;
    for (int64_t i = 1; i < 10000; i++) {
        base_ns at_ns = i * BASE_NS_PER_MS, resumed_ns = steal_resume(&steals[0], at_ns);
        ck_assert_int_eq(resumed_ns, steal_resume(&steals[1], at_ns));
        waited += resumed_ns > at_ns;
    }
    ck_assert_int_gt(waited, 2000); /* about a third */
}
END_TEST

/* zlib's defaults: 128 KiB of window and 128 KiB of chains to compress, 32 and 7 KiB to
 * decompress. */
START_TEST(the_rows_of_the_table_add_up_to_what_a_connection_takes) {
    struct simulation simulation;
    init(&simulation,
         "\"session\": \"3KiB\", \"tls\": \"full\", \"deflate\": {\"kind\": \"context_takeover\"}, "
         "\"send_buffer\": \"16KiB\", \"send_queue\": {\"limit\": \"64KiB\"}");
    simulation.costs.value[COST_connection_kernel] = 3768;
    simulation.costs.value[COST_connection_user] = 131;
    simulation.costs.value[COST_runtime_connection] = 2704;
    simulation.costs.value[COST_tls_connection] = 10240;
    simulation.costs.value[COST_queued_kernel] = 1.02;
    simulation.costs.value[COST_queued_user] = 1.5;
    struct memory_row rows[MEMORY_ROWS];
    memory_rows(&simulation.layout, 0, &simulation.costs, rows);
    double sum = 0;
    for (int32_t i = 0; i < MEMORY_ROWS; i++) {
        sum += rows[i].idle_bytes;
        ck_assert(rows[i].cost != COST_COUNT || rows[i].source != NULL);
        if (strcmp(rows[i].name, "compression, both ways") == 0)
            ck_assert_double_eq(rows[i].idle_bytes, 262144 + 32768 + 7168);
        if (strcmp(rows[i].name, "backlog in its socket") == 0)
            ck_assert_double_eq_tol(rows[i].most_bytes, 1.02 * 16384, 1e-9);
        if (strcmp(rows[i].name, "backlog in its send queue") == 0)
            ck_assert_double_eq_tol(rows[i].most_bytes, 1.5 * 65536, 1e-9);
    }
    ck_assert_double_eq(sum, 3768 + 131 + 2704 + 3072 + 10240 + 302080);
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_memory_user_bytes] +
                                outcome.metric[OUTCOME_memory_kernel_bytes],
                            20 * sum, 1e-6);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

START_TEST(a_queue_without_a_limit_can_take_everything) {
    struct simulation simulation;
    init(&simulation, "\"send_queue\": {\"policy\": \"unbounded\"}");
    struct memory_row rows[MEMORY_ROWS];
    memory_rows(&simulation.layout, 0, &simulation.costs, rows);
    ck_assert_double_eq(rows[MEMORY_ROWS - 1].most_bytes, INFINITY);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(a_compressed_payload_is_what_is_left_of_it_behind_its_header),
        TEST(compression_is_paid_once_a_publish_or_once_a_recipient),
        TEST(tls_seals_each_write_and_opens_each_read),
        TEST(a_long_write_is_several_records),
        TEST(a_shared_session_makes_each_publish_wait_for_its_look_up),
        TEST(who_comes_during_a_pause_of_the_runtime_waits_it_out),
        TEST(a_pause_stops_all_workers_of_a_node_at_once),
        TEST(the_rows_of_the_table_add_up_to_what_a_connection_takes),
        TEST(a_queue_without_a_limit_can_take_everything),
    };
    return suite_run("models/cluster: transport", tests, COUNT_OF(tests));
}
