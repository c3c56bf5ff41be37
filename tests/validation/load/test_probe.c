/* A probe against a server whose faults are known exactly. */
#include "models/workload/plan.h"
#include "models/workload/protocol.h"
#include "tests/sim/suite.h"
#include "tests/validation/load/fake_server.h"
#include "tests/validation/load/world.h"
#include "validation/load/connect.h"
#include "validation/load/probe.h"
#include "validation/load/probe_state.h"
#include "validation/load/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct setting {
    struct world world;
    struct fake_server server;
    struct clients clients;
    struct unsent unsent;
    struct load_tally tally;
    struct load_report report;
};

static void setting_init(struct setting *setting, const char *json,
                         const struct fake_options *options, int32_t samples) {
    world_init(&setting->world, json);
    fake_start(&setting->server, options);
    struct clients_options clients = {.host = "127.0.0.1",
                                      .wire = &wire_websocket,
                                      .ports = {setting->server.port},
                                      .ports_count = 1,
                                      .seed = 42,
                                      .samples = samples,
                                      .processes = 1};
    clients_init(&setting->clients, &setting->world.roster, &clients, &setting->world.arena);
    ck_assert(unsent_init(&setting->unsent));
    connect_roster(&setting->clients, &setting->tally);
    load_report_init(&setting->report);
}

static void setting_fini(struct setting *setting) {
    load_report_fini(&setting->report);
    clients_fini(&setting->clients);
    unsent_fini(&setting->unsent);
    fake_stop(&setting->server);
    world_fini(&setting->world);
}

static struct probe_options options_of(struct setting *setting, double scale) {
    return (struct probe_options){
        .source = {.seed = 42, .scale = scale},
        .warm_up_ns = 100 * BASE_NS_PER_MS,
        .window_ns = 800 * BASE_NS_PER_MS,
        .within_ns = 100 * BASE_NS_PER_MS,
        .grace_ns = 3 * BASE_NS_PER_S,
        .unsent = &setting->unsent,
    };
}

static void probe(struct setting *setting, const struct probe_options *options) {
    probe_run(&setting->clients, options, &setting->report);
    load_report_finish(&setting->report);
}

/* Publishes due in the window and their deliveries, straight from the plan. */
static void expected(const struct setting *setting, const struct probe_options *options,
                     int64_t *publishes, int64_t *deliveries) {
    struct arena arena;
    arena_init(&arena);
    struct plan plan;
    struct plan_options plan_options = {plan_seed_of(options->source.seed, 0),
                                        options->source.scale};
    plan_init(&plan, &setting->world.roster, &plan_options, &arena);
    struct plan_publish publish;
    *publishes = *deliveries = 0;
    while (plan_next(&plan, &publish) &&
           publish.due_ns < options->warm_up_ns + options->window_ns) {
        if (publish.due_ns < options->warm_up_ns)
            continue;
        ++*publishes;
        *deliveries += setting->world.roster.rooms[publish.room].members_count;
    }
    arena_fini(&arena);
}

START_TEST(a_server_without_faults_loses_nothing_and_is_in_time) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){0}, 16);
    ck_assert_int_eq(setting.tally.connected, 220);
    struct probe_options options = options_of(&setting, 1.25);
    options.is_without_io_uring = _i;
    options.within_ns = BASE_NS_PER_S; /* this machine may be busy with something else */
    int64_t publishes, deliveries;
    expected(&setting, &options, &publishes, &deliveries);
    probe(&setting, &options);
    const double *metric = setting.report.metric;
    ck_assert_int_gt(publishes, 50);
    ck_assert_int_eq(setting.report.publishes_due, publishes);
    ck_assert_double_eq(metric[OUTCOME_due], (double)deliveries);
    ck_assert_double_eq(metric[OUTCOME_lost], 0);
    ck_assert_double_eq(metric[OUTCOME_deliveries], (double)deliveries);
    ck_assert_int_eq(setting.report.closes_count, 0);
    ck_assert(setting.report.is_quiet);
    ck_assert_int_eq(setting.report.server_errors, 0);
    ck_assert_double_lt(metric[OUTCOME_late_share], 0.2);
    ck_assert_int_eq(setting.report.generator.publishes_sent, setting.server.publishes);
    const struct load_population *players = &setting.report.populations[0];
    ck_assert_int_eq(players->sampled, 64);
    ck_assert_int_gt(players->bulk_bytes, 0);
    ck_assert_int_eq(players->bulk_bytes, players->bulk_due_bytes);
    ck_assert_int_eq(players->arrived_sampled, players->due_sampled);
    /* 102 bytes at 1 Mbit/s take 0.816 ms */
    ck_assert_int_eq(setting.report.populations[1].sampled, 64);
    ck_assert_int_eq(setting.report.populations[1].parsed, 6);
    ck_assert_int_eq(setting.report.populations[1].arrived_sampled,
                     setting.report.populations[1].due_sampled);
    ck_assert_int_ge(setting.report.populations[1].latency.min, 816000);
    setting_fini(&setting);
}
END_TEST

START_TEST(every_delivery_that_a_server_loses_is_missed) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){.lose_every = 5}, 16);
    struct probe_options options = options_of(&setting, 4);
    options.is_without_io_uring = _i;
    options.warm_up_ns = 0; /* so that each loss is one of the window or of the tail */
    probe(&setting, &options);
    /* All of a connection's every fifth delivery are lost; what is due in the tail counts for the
     * server and not for the report. */
    double due = setting.report.metric[OUTCOME_due], lost = setting.report.metric[OUTCOME_lost];
    ck_assert(setting.report.is_quiet);
    ck_assert_double_le(lost, (double)setting.server.lost);
    ck_assert_double_eq_tol(lost / due, 0.2, 0.04); /* each connection cut at a fifth */
    int64_t bulk_lost_bytes = 0, sampled_lost = 0;
    for (int32_t p = 0; p < 2; p++) {
        const struct load_population *population = &setting.report.populations[p];
        bulk_lost_bytes += population->bulk_due_bytes - population->bulk_bytes;
        sampled_lost += population->due_sampled - population->arrived_sampled;
    }
    ck_assert_int_eq(bulk_lost_bytes % protocol_outbound_bytes(100), 0);
    ck_assert_int_le(bulk_lost_bytes / protocol_outbound_bytes(100) + sampled_lost,
                     setting.server.lost);
    ck_assert_double_ge(setting.report.metric[OUTCOME_late_share], 0.15); /* lost is late */
    setting_fini(&setting);
}
END_TEST

START_TEST(a_delay_is_measured_from_the_intended_instant) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){.delay_ns = 150 * BASE_NS_PER_MS},
                 16);
    struct probe_options options = options_of(&setting, 1);
    probe(&setting, &options);
    ck_assert_double_ge(setting.report.metric[OUTCOME_latency_p50_ms], 149.5);
    ck_assert_double_lt(setting.report.metric[OUTCOME_latency_p50_ms], 1000);
    ck_assert_double_eq(setting.report.metric[OUTCOME_late_share], 1); /* within 100 ms */
    ck_assert_double_eq(setting.report.metric[OUTCOME_lost], 0);
    ck_assert_double_ge(setting.report.metric[OUTCOME_worst_client_p99_ms],
                        setting.report.metric[OUTCOME_latency_p50_ms]);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_server_that_pauses_for_longer_than_a_silence_has_lost_nothing) {
    struct setting setting;
    /* about 125 publishes are due before the window's end at 0.9 s */
    setting_init(&setting, world_mixed,
                 &(struct fake_options){.pause_at_publish = 110, .pause_ns = 5 * PROBE_QUIET_NS},
                 16);
    struct probe_options options = options_of(&setting, 1);
    probe(&setting, &options);
    ck_assert_int_gt(setting.server.publishes, 110);
    ck_assert(setting.report.is_quiet);
    ck_assert_double_eq(setting.report.metric[OUTCOME_lost], 0);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_client_that_is_closed_is_counted_with_its_code_and_its_deliveries_are_lost) {
    struct setting setting;
    /* every connection sampled; the third is closed instead of its fourth delivery */
    setting_init(&setting, world_mixed,
                 &(struct fake_options){.close_connection = 3, .close_after = 4}, 220);
    struct probe_options options = options_of(&setting, 1);
    probe(&setting, &options);
    ck_assert_int_eq(setting.report.closes_count, 1);
    ck_assert_int_eq(setting.report.closes[0].code, 1008);
    ck_assert_int_eq(setting.report.closes[0].count, 1);
    ck_assert_double_gt(setting.report.metric[OUTCOME_lost], 0);
    ck_assert_int_eq(setting.clients.connected_count, 219);
    /* and the next probe counts without it, the one after with it again */
    double lost = setting.report.metric[OUTCOME_lost];
    load_report_fini(&setting.report);
    unsent_clear(&setting.unsent);
    probe(&setting, &options);
    ck_assert_double_eq(setting.report.metric[OUTCOME_connections], 219);
    ck_assert_double_eq(setting.report.metric[OUTCOME_lost], 0);
    connect_roster(&setting.clients, &setting.tally);
    ck_assert_int_eq(setting.tally.connected_new, 1);
    ck_assert_double_gt(lost, 0);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_publish_whose_sender_is_gone_is_due_to_nobody) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){.connections_max = 200}, 16);
    ck_assert_int_eq(setting.tally.connected, 200);
    ck_assert_int_eq(setting.tally.refused, 20);
    ck_assert_int_eq(setting.tally.limit, LOAD_LIMIT_SERVER);
    struct probe_options options = options_of(&setting, 1);
    probe(&setting, &options);
    ck_assert_double_eq(setting.report.metric[OUTCOME_refused], 20);
    ck_assert_int_gt(setting.report.generator.publishes_unsent, 0);
    ck_assert_double_eq(setting.report.metric[OUTCOME_lost], 0);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_wrong_accept_key_is_a_refusal) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){.garble_connection = 2}, 16);
    ck_assert_int_eq(setting.tally.connected, 219);
    ck_assert_int_eq(setting.tally.refused, 1);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_ramp_ends_where_the_server_does) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){.connections_max = 240}, 16);
    connect_ramp(&setting.clients, 1000, &setting.tally);
    ck_assert_int_eq(setting.tally.connected, 240);
    ck_assert_int_eq(setting.tally.limit, LOAD_LIMIT_SERVER);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_ramp_ends_where_it_was_told_to) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){0}, 16);
    connect_ramp(&setting.clients, 230, &setting.tally);
    ck_assert_int_eq(setting.tally.connected, 230);
    ck_assert_int_eq(setting.tally.limit, LOAD_LIMIT_NONE);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_burst_is_one_sender_at_one_instant_and_one_write) {
    struct setting setting;
    setting_init(&setting, world_mixed, &(struct fake_options){0}, 16);
    struct source_burst burst = {
        .room = 1, .rooms_count = 2, .publishes = 7, .bytes = 64, .every_ns = 20 * BASE_NS_PER_MS};
    struct probe_options options = options_of(&setting, 1);
    options.source.burst = &burst;
    probe(&setting, &options);
    /* 800 ms / 20 ms bursts of 7 into rooms of 11 */
    ck_assert_int_eq(setting.report.publishes_due, 40 * 7);
    ck_assert_double_eq(setting.report.metric[OUTCOME_due], 40 * 7 * 11);
    ck_assert_double_eq(setting.report.metric[OUTCOME_lost], 0);
    ck_assert_int_le(llabs(setting.report.generator.sends - 40), 1);
    setting_fini(&setting);
}
END_TEST

static const char world_stalling[] =
    "{\"name\":\"stalling\",\"objectives\":{\"delivery\":{\"within\":\"100ms\",\"share\":0.99}},"
    "\"populations\":{\"players\":{\"connections\":20},"
    "\"asleep\":{\"connections\":2,\"receive\":{\"stall\":{\"at\":\"0s\",\"for\":\"never\"}}}},"
    "\"rooms\":{\"one\":{\"size\":{\"constant\":22},\"members\":[\"players\",\"asleep\"]}},"
    "\"traffic\":{\"chat\":{\"from\":\"players\",\"to\":\"one\","
    "\"rate\":{\"constant\":\"50/s in all\"},\"bytes\":{\"constant\":200}}},"
    "\"nodes\":{\"gateway\":{}},\"window\":{\"warm_up\":\"0s\",\"measure\":\"1s\"}}";

START_TEST(a_stalled_reader_is_late_but_has_lost_nothing_that_it_finds_when_it_reads_again) {
    struct setting setting;
    setting_init(&setting, world_stalling, &(struct fake_options){0}, 22);
    struct probe_options options = options_of(&setting, 1);
    probe(&setting, &options);
    const struct load_population *players = &setting.report.populations[0],
                                 *asleep = &setting.report.populations[1];
    ck_assert_int_eq(asleep->in_time_sampled, 0);
    ck_assert_int_eq(asleep->arrived_sampled, 0); /* only when it was made to read */
    ck_assert_int_eq(asleep->lost, 0);
    ck_assert_int_gt(asleep->due_sampled, 0);
    ck_assert_int_eq(players->arrived_sampled, players->due_sampled);
    ck_assert_double_eq(setting.report.metric[OUTCOME_lost], 0);
    /* 2 of 22 hear nothing in time */
    ck_assert_double_ge(setting.report.metric[OUTCOME_late_share], 2.0 / 22 - 1e-12);
    setting_fini(&setting);
}
END_TEST

START_TEST(a_sample_has_all_of_the_few_and_a_share_of_the_many) {
    struct world world;
    world_init(&world, "{\"name\":\"lobby\",\"objectives\":{\"delivery\":{}},"
                       "\"populations\":{\"players\":{\"connections\":4000},"
                       "\"bad_wifi\":{\"connections\":40},\"bots\":{\"connections\":100}},"
                       "\"rooms\":{\"lobbies\":{\"size\":{\"constant\":100},\"members\":"
                       "[\"players\",\"bad_wifi\",\"bots\"]}},"
                       "\"traffic\":{\"chat\":{\"from\":\"players\",\"to\":\"lobbies\",\"rate\":"
                       "{\"poisson\":\"2/s per room\"},\"bytes\":{\"constant\":128}}},"
                       "\"nodes\":{\"gateway\":{}},\"window\":{}}");
    struct sample sample, same, other;
    sample_init(&sample, &world.roster, 256, 42, &world.arena);
    sample_init(&same, &world.roster, 256, 42, &world.arena);
    sample_init(&other, &world.roster, 256, 43, &world.arena);
    int32_t of_population[3] = {0}, rooms_seen = 0;
    bool is_seen[64] = {false};
    for (int32_t i = 0; i < sample.count; i++) {
        of_population[world.roster.population[sample.clients[i]]]++;
        ck_assert(i == 0 || sample.clients[i] > sample.clients[i - 1]);
        int32_t room = world.roster.client_rooms[world.roster.client_first[sample.clients[i]]];
        rooms_seen += !is_seen[room];
        is_seen[room] = true;
    }
    ck_assert_int_eq(of_population[0], 247); /* 256 * 4000 / 4140, rounded */
    ck_assert_int_eq(of_population[1], 40);
    ck_assert_int_eq(of_population[2], 64);
    ck_assert_int_eq(rooms_seen, world.roster.rooms_count);
    ck_assert_int_eq(same.count, sample.count);
    ck_assert_mem_eq(same.clients, sample.clients, (size_t)sample.count * sizeof(int32_t));
    ck_assert(memcmp(other.clients, sample.clients, (size_t)sample.count * sizeof(int32_t)) != 0);
    world_fini(&world);
}
END_TEST

START_TEST(a_gap_between_two_readings_of_the_clock_is_stolen_time_if_it_is_long_and_in_the_window) {
    struct load_report report;
    load_report_init(&report);
    base_ns now_ns = probe_clock();
    struct probe probe = {.report = &report,
                          .now_ns = now_ns - 7 * BASE_NS_PER_MS,
                          .window_start_ns = now_ns - BASE_NS_PER_S,
                          .window_end_ns = now_ns + BASE_NS_PER_S};
    probe_tick(&probe);
    ck_assert_int_eq((int64_t)report.generator.stolen.total, 1);
    ck_assert_int_ge(report.generator.stolen.min, 7 * BASE_NS_PER_MS);
    ck_assert_int_ge(probe.now_ns, now_ns);
    now_ns = probe.now_ns = probe_clock(); /* a short one, unless this very test is stolen from */
    probe_tick(&probe);
    int64_t gaps = 1 + (probe.now_ns - now_ns >= PROBE_STOLEN_NS);
    ck_assert_int_eq((int64_t)report.generator.stolen.total, gaps);
    probe.now_ns = probe.window_start_ns - 1;
    probe_tick(&probe);
    probe.window_end_ns = probe.now_ns = probe.now_ns - 7 * BASE_NS_PER_MS;
    probe_tick(&probe);
    ck_assert_int_eq((int64_t)report.generator.stolen.total, gaps);
    load_report_fini(&report);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(a_server_without_faults_loses_nothing_and_is_in_time, 2),
        LOOP_TEST(every_delivery_that_a_server_loses_is_missed, 2),
        TEST(a_delay_is_measured_from_the_intended_instant),
        TEST(
            a_gap_between_two_readings_of_the_clock_is_stolen_time_if_it_is_long_and_in_the_window),
        TEST(a_server_that_pauses_for_longer_than_a_silence_has_lost_nothing),
        TEST(a_client_that_is_closed_is_counted_with_its_code_and_its_deliveries_are_lost),
        TEST(a_publish_whose_sender_is_gone_is_due_to_nobody),
        TEST(a_wrong_accept_key_is_a_refusal),
        TEST(a_ramp_ends_where_the_server_does),
        TEST(a_ramp_ends_where_it_was_told_to),
        TEST(a_burst_is_one_sender_at_one_instant_and_one_write),
        TEST(a_stalled_reader_is_late_but_has_lost_nothing_that_it_finds_when_it_reads_again),
        TEST(a_sample_has_all_of_the_few_and_a_share_of_the_many),
    };
    return suite_run("load probe", tests, COUNT_OF(tests));
}
