/* The whole node against the closed forms that one node can show. Judged as in sim/engine's closed
 * forms: within 0.5 % and 3.3 standard errors, seeds 0, 1, 2, ... and none chosen for its result.
 */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>

enum { REPLICATIONS = 48 };

/* --- written at once: M^[X]/D/1 --- */

enum { CONTROLS = 9 };

static const double write_s = 4e-6, rho = 0.6;

static const struct rooms {
    const char *name, *golden;
    int32_t small, small_count, large, large_count;
    int32_t seconds;
} all_rooms[] = {
    {"rooms of 150, per delivery", " ... random recipient us,,", 150, 10, 0, 0, 10},
    {"95 % of 10, 5 % of 1,000, per delivery", " ... per-recipient mean us,,", 10, 190, 1000, 10,
     15},
};

/* Two groups whose rooms have a traffic of the same rate each: which room a publish lands in is a
 * draw of its own. The publishers are many, so that two messages of one client are never read
 * together. */
static void init_rooms(struct simulation *simulation, const struct rooms *rooms, double rate) {
    char large[512] = "", large_traffic[512] = "", large_clients[64] = "";
    if (rooms->large_count > 0) {
        snprintf(large, sizeof large,
                 ", \"large\": {\"size\": {\"constant\": %d}, \"members\": [\"b\"]}", rooms->large);
        snprintf(large_traffic, sizeof large_traffic,
                 ", \"t2\": {\"from\": \"b\", \"to\": \"large\", \"rate\": {\"poisson\": "
                 "\"%.12g/s per room\"}, \"bytes\": {\"constant\": 100}}",
                 rate);
        snprintf(large_clients, sizeof large_clients, ", \"b\": {\"connections\": %d}",
                 rooms->large * rooms->large_count);
    }
    simulation_init(simulation,
                    "{\"name\": \"batches\", \"objectives\": {\"delivery\": {\"within\": "
                    "\"10s\"}}, \"populations\": {\"a\": {\"connections\": %d}%s}, \"rooms\": "
                    "{\"small\": {\"size\": {\"constant\": %d}, \"members\": [\"a\"]}%s}, "
                    "\"traffic\": {\"t\": {\"from\": \"a\", \"to\": \"small\", \"rate\": "
                    "{\"poisson\": \"%.12g/s per room\"}, \"bytes\": {\"constant\": 100}}%s}, "
                    "\"nodes\": {\"n\": {\"open_files\": 100000, \"fan_out\": \"write_at_once\", "
                    "\"turn\": {\"events\": 1}}}, \"window\": {\"warm_up\": \"500ms\", "
                    "\"measure\": \"%ds\"}}",
                    rooms->small * rooms->small_count, large_clients, rooms->small, large, rate,
                    large_traffic, rooms->seconds);
    simulation->costs.value[COST_write] = 4000;
}

static double rooms_count(const struct rooms *rooms) {
    return rooms->small_count + rooms->large_count;
}

static double mean_of(const struct rooms *rooms, int power) {
    return (rooms->small_count * pow(rooms->small, power) +
            rooms->large_count * pow(rooms->large, power)) /
           rooms_count(rooms);
}

/* Lindley's recursion over the plan that the run will follow: the terms that are 0 on average
 * whatever the node does (sim/engine's test has the same for a station). */
static void add_controls(const struct simulation *simulation, const struct rooms *rooms,
                         struct sample *sample) {
    struct arena arena;
    struct plan plan;
    struct plan_publish publish;
    arena_init(&arena);
    plan_init(&plan, &simulation->scenario.roster,
              &(struct plan_options){.seed = simulation->options.plan_seed, .scale = 1}, &arena);
    double turn = mean_of(rooms, 1) * write_s, turn_squared = mean_of(rooms, 2) * write_s * write_s;
    double gap_mean = turn / rho, work = 0, last_s = 0, turn_s = 0, count = 0;
    double from_s = base_seconds(simulation->options.warm_up_ns);
    double end_s = from_s + rooms->seconds;
    while (plan_next(&plan, &publish) && base_seconds(publish.due_ns) < end_s) {
        double gap = base_seconds(publish.due_ns) - last_s;
        double loaded = work + turn_s, after = fmax(loaded - gap, 0), idle = fmax(gap - loaded, 0);
        double terms[CONTROLS] = {gap - gap_mean,
                                  work * (gap - gap_mean),
                                  gap * gap - 2 * gap_mean * gap_mean,
                                  idle > 0 ? idle - gap_mean : 0,
                                  idle > 0 ? idle * idle - 2 * gap_mean * gap_mean : 0,
                                  after - (loaded * loaded - after * after) / 2 / gap_mean,
                                  turn_s - turn,
                                  work * (turn_s - turn),
                                  turn_s * turn_s - turn_squared};
        for (int32_t i = 0; i < CONTROLS && last_s >= from_s; i++)
            sample->controls[i] += terms[i];
        count += last_s >= from_s;
        work = after;
        turn_s = simulation->scenario.roster.rooms[publish.room].members_count * write_s;
        last_s = base_seconds(publish.due_ns);
    }
    for (int32_t i = 0; i < CONTROLS; i++)
        sample->controls[i] /= count;
    arena_fini(&arena);
}

START_TEST(written_at_once_a_room_is_a_queue_of_batches) {
    static struct sample samples[REPLICATIONS];
    const struct rooms *rooms = &all_rooms[_i];
    struct simulation simulation;
    init_rooms(&simulation, rooms, rho / (mean_of(rooms, 1) * write_s) / rooms_count(rooms));
    for (uint64_t i = 0; i < REPLICATIONS; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        samples[i].value = outcome.metric[OUTCOME_latency_mean_ms] * 1000;
        add_controls(&simulation, rooms, &samples[i]);
        /* Little's law for who is being served: their mean number, the utilisation, is rate times
         * service time. */
        double served = outcome.metric[OUTCOME_writes_per_s] * write_s;
        ck_assert_double_eq_tol(outcome.metric[OUTCOME_cpu_share] / served, 1, 2e-3);
        ck_assert_double_eq(outcome.metric[OUTCOME_late_share], 0);
        outcome_fini(&outcome);
    }
    size_t controls = rooms->large_count > 0 ? CONTROLS : CONTROLS - 3;
    struct estimate estimate = estimate_of(samples, REPLICATIONS, controls);
    assert_estimate(rooms->name, golden(rooms->golden), &estimate);
    simulation_fini(&simulation);
}
END_TEST

/* --- coalesced per turn --- */

static const double turn_us = 5, coalesced_write_us = 1.7, publish_us = 2, frame_us = 0.05 + 0.013;

static void init_room_of(struct simulation *simulation, int32_t members, double rate) {
    simulation_init(simulation,
                    "{\"name\": \"one-room\", \"populations\": {\"p\": {\"connections\": %d}}, "
                    "\"rooms\": {\"g\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"]}}, "
                    "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"poisson\": "
                    "\"%.12g/s in all\"}, \"bytes\": {\"constant\": 126}}}, \"nodes\": {\"n\": "
                    "{\"open_files\": 100000, \"turn\": {\"events\": 65536, \"flush_after\": "
                    "\"10s\", \"flush_bytes\": \"64MiB\"}}}, \"window\": {\"warm_up\": \"1s\", "
                    "\"measure\": \"8s\"}}",
                    members, members, rate);
    double *cost = simulation->costs.value;
    cost[COST_turn] = 1000 * turn_us;
    cost[COST_write] = 1000 * coalesced_write_us;
    cost[COST_publish] = 1000 * publish_us;
    cost[COST_frame] = 50;
    cost[COST_byte] = 0.1;
}

/* Turns follow each other without a pause, T' = A + B Poisson(r T) with A = c_turn + N c_write and
 * B = c_pub + N c_frame. A publish falls into a turn with the odds of its length, waits for the
 * rest of it, and is written in the next one together with the Poisson(r T) others of that turn. */
static double coalesced_delivery_us(int32_t members, double rate, double mean_us) {
    double r = rate * 1e-6, b = publish_us + members * frame_us;
    double variance = b * b * r * mean_us / (1 - r * r * b * b);
    double met = mean_us + variance / mean_us, messages = 1 + r * met;
    return met / 2 + turn_us + messages * publish_us +
           (members + 1) / 2.0 * (coalesced_write_us + messages * frame_us);
}

static const struct {
    const char *name, *golden;
    double load;
} coalesced[] = {
    {"turn length at 0.5 of the ceiling", "coalesced turn length us,same at 0.5 of the ceiling,",
     0.5},
    {"turn length at 0.8 of the ceiling", "coalesced turn length us,same at 0.8 of the ceiling,",
     0.8},
};

START_TEST(a_turn_gathers_what_came_during_the_last_one) {
    static struct sample turns[REPLICATIONS], delays[REPLICATIONS];
    double ceiling = golden("coalesced ceiling publishes/s,c_turn=5us N=1000 c_write=1.7us "
                            "c_pub=2us c_msg=50ns c_byte=0.1ns m=130 L=100ms,");
    double rate = coalesced[_i].load * ceiling, expected = golden(coalesced[_i].golden);
    struct simulation simulation;
    init_room_of(&simulation, 1000, rate);
    for (uint64_t i = 0; i < REPLICATIONS; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        turns[i].value = outcome.metric[OUTCOME_turn_mean_us];
        delays[i].value = outcome.metric[OUTCOME_latency_mean_ms] * 1000;
        ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
        outcome_fini(&outcome);
    }
    struct estimate turn = estimate_of(turns, REPLICATIONS, 0);
    struct estimate delay = estimate_of(delays, REPLICATIONS, 0);
    assert_estimate(coalesced[_i].name, expected, &turn);
    assert_estimate("  mean delivery", coalesced_delivery_us(1000, rate, expected), &delay);
    ck_assert_double_eq_tol(delay.value / expected, 1, 0.04); /* formulas: the mean is a turn */
    simulation_fini(&simulation);
}
END_TEST

/* No sustained load holds in a room of more than L / (1.86 c_write) = 31,600 members; above
 * L / c_write = 58,800 not even a message now and then. */
START_TEST(a_room_can_be_too_large_for_any_load) {
    static const struct {
        int32_t members;
        double rate;
        bool holds;
    } cases[] = {{20000, 145, true}, {40000, 30, false}, {40000, 60, false}, {60000, 0.7, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct simulation simulation;
        init_room_of(&simulation, cases[i].members, cases[i].rate);
        struct outcome outcome = simulation_run(&simulation, 0);
        ck_assert_msg((outcome.verdict == OUTCOME_HOLDS) == cases[i].holds,
                      "%d members at %g/s: %s, late %g", cases[i].members, cases[i].rate,
                      outcome_verdict_name(outcome.verdict), outcome.metric[OUTCOME_late_share]);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
}
END_TEST

/* --- slow consumers --- */

/* A reader of 64 kbit/s gets 100 messages of 1,004 bytes a second: all that holds them, 128 KiB in
 * the kernel and 512 KiB in the application, is full after B / (r m - d) = 7.09 s. */
START_TEST(a_slow_readers_buffers_fill_at_the_rate_that_it_falls_behind) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"fill\", \"populations\": {\"p\": {\"connections\": 1}, \"q\": "
                    "{\"connections\": 1, \"receive\": {\"rate\": \"64kbit/s\", \"buffer\": "
                    "\"64KiB\"}}}, \"rooms\": {\"g\": {\"size\": {\"constant\": 2}, \"members\": "
                    "[\"p\", \"q\"]}}, \"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", "
                    "\"rate\": {\"constant\": \"100/s in all\"}, \"bytes\": {\"constant\": "
                    "1000}}}, \"nodes\": {\"n\": {\"send_buffer\": \"64KiB\", \"send_queue\": "
                    "{\"limit\": \"512KiB\"}}}, \"window\": {\"warm_up\": \"0s\", \"measure\": "
                    "\"12s\"}}");
    double buffers = 640 * 1024, expected_s = buffers / (100 * 1004.0 - 8000);
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_int_eq(outcome.closed_by_reason[SLOW_REASON_BYTES], 1);
    /* lost: what was queued when it was closed (522 messages are 512 KiB) and what came later */
    double closed_s = 12 - (outcome.metric[OUTCOME_lost] - floor(512 * 1024 / 1004.0)) / 100;
    ck_assert_double_eq_tol(closed_s / expected_s, 1, 0.005);
    ck_assert_str_eq(outcome.broke, "send_queue");
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* A stall of fixed length from empty: all buffers hold four messages, so the fifth that comes
 * within the stall closes: P(Poisson(r T) >= 5) with r = 10/s, T = 0.5 s. */
START_TEST(a_stall_kills_when_more_comes_than_the_buffers_hold) {
    enum { CLIENTS = 20000, RUNS = 16 };
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"kill\", \"populations\": {\"p\": {\"connections\": %d, "
                    "\"receive\": {\"buffer\": \"4KiB\", \"stall\": {\"at\": \"0s\", \"for\": "
                    "\"500ms\"}}}}, \"rooms\": {\"g\": {\"size\": {\"constant\": 1}, \"members\": "
                    "[\"p\"]}}, \"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": "
                    "{\"poisson\": \"10/s per room\"}, \"bytes\": {\"constant\": 124}}}, "
                    "\"nodes\": {\"n\": {\"open_files\": 100000, \"send_buffer\": \"4KiB\", "
                    "\"send_queue\": {\"limit\": \"256B\"}}}, \"window\": {\"warm_up\": \"0s\", "
                    "\"measure\": \"600ms\"}}",
                    CLIENTS);
    simulation.costs.value[COST_send_capacity] = 126.0 / 4096; /* one message of 2 + 124 bytes */
    simulation.costs.value[COST_receive_capacity] = 126.0 / 4096;
    static struct sample samples[RUNS];
    for (uint64_t i = 0; i < RUNS; i++) {
        struct outcome outcome = simulation_run(&simulation, i);
        samples[i].value = (double)outcome.closed_by_reason[SLOW_REASON_BYTES] / CLIENTS;
        outcome_fini(&outcome);
    }
    struct estimate estimate = estimate_of(samples, RUNS, 0);
    assert_estimate("killed by a stall", gsl_cdf_poisson_Q(4, 5), &estimate);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(written_at_once_a_room_is_a_queue_of_batches, COUNT_OF(all_rooms)),
        LOOP_TEST(a_turn_gathers_what_came_during_the_last_one, COUNT_OF(coalesced)),
        TEST(a_room_can_be_too_large_for_any_load),
        TEST(a_slow_readers_buffers_fill_at_the_rate_that_it_falls_behind),
        TEST(a_stall_kills_when_more_comes_than_the_buffers_hold),
    };
    return suite_run("cluster/closed forms", tests, COUNT_OF(tests));
}
