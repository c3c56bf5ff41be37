#include "models/workload/plan.h"

#include "models/workload/pace.h"
#include "models/workload/protocol.h"
#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct planned {
    struct scenario scenario;
    struct plan plan;
};

struct asked {
    const char *more; /* of the traffic */
    int32_t clients;
    const char *size; /* of the rooms */
    const char *rate;
    double scale;
    const char *populations; /* more of them */
};

static void init(struct planned *planned, struct asked asked) {
    char text[2048];
    snprintf(text, sizeof text,
             "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": %d}%s}, \"rooms\": "
             "{\"g\": {\"size\": %s, \"members\": [\"p\"]}}, \"traffic\": {\"chat\": {\"from\": "
             "\"p\", \"to\": \"g\", \"rate\": %s, \"bytes\": {\"log_normal\": {\"mean\": 150, "
             "\"sigma\": 0.6}}%s}}, \"nodes\": {\"n\": {\"open_files\": 100000}}}",
             asked.clients, asked.populations ? asked.populations : "", asked.size, asked.rate,
             asked.more ? asked.more : "");
    scenario_init(&planned->scenario, text);
    plan_init(&planned->plan, &planned->scenario.roster,
              &(struct plan_options){.seed = plan_seed_of(11, 0), .scale = asked.scale},
              &planned->scenario.arena);
}

static int32_t count_until(struct planned *planned, base_ns end_ns) {
    struct plan_publish publish;
    int32_t count = 0;
    while (plan_next(&planned->plan, &publish) && publish.due_ns < end_ns)
        count++;
    return count;
}

/* 10 rooms of 5, 3/s per room, 1,000 s: 30,000 publishes, Poisson, so sqrt(30000) = 173; gaps of
 * one room have cv 1. */
START_TEST(poisson_publishes_come_at_their_rate_with_exponential_gaps) {
    struct planned planned;
    init(&planned, (struct asked){.clients = 50,
                                  .size = "{\"constant\": 5}",
                                  .rate = "{\"poisson\": \"3/s per room\"}",
                                  .scale = 1});
    struct plan_publish publish;
    base_ns last_ns = 0, before_ns = 0;
    double sum = 0, squares = 0;
    int32_t count = 0, gaps = 0;
    while (plan_next(&planned.plan, &publish) && publish.due_ns < 1000 * BASE_NS_PER_S) {
        ck_assert_int_ge(publish.due_ns, before_ns);
        ck_assert_uint_eq(publish.number, (uint64_t)count++);
        before_ns = publish.due_ns;
        if (publish.room != 4)
            continue;
        double gap = base_seconds(publish.due_ns - last_ns);
        sum += gap;
        squares += gap * gap;
        last_ns = publish.due_ns;
        gaps++;
    }
    ck_assert_int_ge(count, 30000 - 572);
    ck_assert_int_le(count, 30000 + 572);
    double mean = sum / gaps, cv2 = squares / gaps / (mean * mean) - 1;
    ck_assert_double_eq_tol(mean, 1.0 / 3, 3.3 / 3 / sqrt(gaps));
    ck_assert_double_eq_tol(cv2, 1, 3.3 * sqrt(8.0 / gaps)); /* of exponentials: variance 8/n */
    scenario_fini(&planned.scenario);
}
END_TEST

START_TEST(constant_publishes_are_evenly_spaced_from_a_random_phase_on) {
    struct planned planned;
    init(&planned, (struct asked){.clients = 3,
                                  .size = "{\"constant\": 1}",
                                  .rate = "{\"constant\": \"4/s per user\"}",
                                  .scale = 1});
    base_ns first_ns[3], last_ns[3] = {-1, -1, -1};
    struct plan_publish publish;
    for (int32_t i = 0; i < 300; i++) {
        ck_assert(plan_next(&planned.plan, &publish));
        if (last_ns[publish.client] < 0)
            first_ns[publish.client] = publish.due_ns;
        else
            ck_assert_int_le(llabs(publish.due_ns - last_ns[publish.client] - 250000000), 1);
        last_ns[publish.client] = publish.due_ns;
    }
    for (int32_t client = 0; client < 3; client++)
        ck_assert(first_ns[client] > 0 && first_ns[client] < 250000000);
    ck_assert(first_ns[0] != first_ns[1] && first_ns[1] != first_ns[2]);
    scenario_fini(&planned.scenario);
}
END_TEST

START_TEST(a_rate_is_per_room_per_user_or_in_all) {
    static const struct {
        const char *rate;
        int32_t expected; /* in 100 s, of 6 rooms and 24 users */
    } cases[] = {{"{\"constant\": \"2/s per room\"}", 1200},
                 {"{\"constant\": \"2/s per user\"}", 4800},
                 {"{\"constant\": \"2/s in all\"}", 200}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct planned planned;
        init(&planned,
             (struct asked){
                 .clients = 24, .size = "{\"constant\": 4}", .rate = cases[i].rate, .scale = 1});
        ck_assert_int_eq(count_until(&planned, 100 * BASE_NS_PER_S), cases[i].expected);
        scenario_fini(&planned.scenario);
    }
}
END_TEST

/* 10 s at 1/s, 5 s at 0.4/s, then 6/s: 10, 2 and 6 a second, from each of two rooms. */
START_TEST(stages_follow_each_other_and_the_last_one_stays) {
    struct planned planned;
    init(&planned, (struct asked){.clients = 4,
                                  .size = "{\"constant\": 2}",
                                  .rate = "{\"constant\": [{\"for\": \"10s\", \"rate\": \"1/s per "
                                          "room\"}, {\"for\": \"5s\", \"rate\": \"0.4/s per "
                                          "room\"}, {\"rate\": \"6/s per room\"}]}",
                                  .scale = 1});
    int32_t counts[3] = {0};
    struct plan_publish publish;
    while (plan_next(&planned.plan, &publish) && publish.due_ns < 115 * BASE_NS_PER_S)
        counts[publish.due_ns < 10 * BASE_NS_PER_S   ? 0
               : publish.due_ns < 15 * BASE_NS_PER_S ? 1
                                                     : 2]++;
    ck_assert_int_eq(counts[0], 20);
    ck_assert_int_eq(counts[1], 4);
    ck_assert_int_eq(counts[2], 1200);
    /* Of the window, which is from 5 to 15 s: two rooms of two, (5 * 1 + 5 * 0.4) / 10 each. */
    struct plan_load load = plan_offered(&planned.scenario.roster);
    ck_assert_double_eq_tol(load.publishes_per_s, 1.4, 1e-12);
    ck_assert_double_eq_tol(load.deliveries_per_s, 2.8, 1e-12);
    scenario_fini(&planned.scenario);
}
END_TEST

/* 4 s at 1/s, 2.5 s at 3/s, then 10/s; by hand. */
START_TEST(a_mean_rate_is_that_of_the_stages_it_covers) {
    struct spec_stage stages[] = {
        {4 * BASE_NS_PER_S, 1}, {2500 * BASE_NS_PER_MS, 3}, {BASE_NS_MAX, 10}};
    struct spec_pace pace = {.stages = stages, .stages_count = COUNT_OF(stages)};
    static const struct {
        base_ns from_s, to_s;
        double expected;
    } cases[] = {{0, 4, 1}, {1, 3, 1}, {3, 5, 2}, {3, 9, (1 + 7.5 + 25) / 6}, {100, 200, 10}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_double_eq_tol(
            pace_mean(&pace, 0, cases[i].from_s * BASE_NS_PER_S, cases[i].to_s * BASE_NS_PER_S),
            cases[i].expected, 1e-12);
}
END_TEST

/* A counter's dead time: 2/s and 3 s make a message per 3.5 s, whose gaps have a variance of 1/4
 * s^2, so their number in t has t 0.25 / 3.5^3 (renewal theory). */
START_TEST(a_throttled_sender_waits_and_then_for_the_next_that_is_due) {
    struct planned planned;
    init(&planned, (struct asked){.clients = 50,
                                  .size = "{\"constant\": 5}",
                                  .rate = "{\"poisson\": \"2/s per user\"}",
                                  .more = ", \"throttle\": \"3s\"",
                                  .scale = 1});
    struct plan_publish publish;
    base_ns last_ns[50];
    for (int32_t i = 0; i < 50; i++)
        last_ns[i] = -3 * BASE_NS_PER_S;
    int32_t count = 0;
    while (plan_next(&planned.plan, &publish) && publish.due_ns < 10000 * BASE_NS_PER_S) {
        ck_assert_int_ge(publish.due_ns - last_ns[publish.client], 3 * BASE_NS_PER_S);
        last_ns[publish.client] = publish.due_ns;
        count++;
    }
    double seconds = 50 * 10000.0;
    ck_assert_double_eq_tol(count, seconds / 3.5, 3.3 * sqrt(seconds * 0.25 / (3.5 * 3.5 * 3.5)));
    ck_assert_double_eq_tol(plan_offered(&planned.scenario.roster).publishes_per_s, 50 / 3.5, 1e-9);
    scenario_fini(&planned.scenario);
}
END_TEST

/* 4/s and 1 s: every fourth; 4/s and 1.1 s: every fifth. */
START_TEST(of_equally_spaced_messages_a_throttled_sender_sends_each_nth) {
    static const struct {
        const char *throttle;
        int32_t expected;
    } cases[] = {{", \"throttle\": \"1s\"", 3000}, {", \"throttle\": \"1100ms\"", 2400}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct planned planned;
        init(&planned, (struct asked){.clients = 3,
                                      .size = "{\"constant\": 1}",
                                      .rate = "{\"constant\": \"4/s per user\"}",
                                      .more = cases[i].throttle,
                                      .scale = 1});
        int32_t count = count_until(&planned, 1000 * BASE_NS_PER_S);
        ck_assert_int_ge(count, cases[i].expected);
        ck_assert_int_le(count, cases[i].expected + 3); /* whose phase is early has one more */
        ck_assert_double_eq_tol(plan_offered(&planned.scenario.roster).publishes_per_s,
                                cases[i].expected / 1000.0, 1e-12);
        scenario_fini(&planned.scenario);
    }
}
END_TEST

/* Over stages too: never sooner than 700 ms, whatever the rate was before. */
START_TEST(a_change_of_rate_lets_nobody_send_sooner) {
    static const char *const kinds[] = {"poisson", "constant"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char rate[256];
        snprintf(rate, sizeof rate,
                 "{\"%s\": [{\"for\": \"1s\", \"rate\": \"0.5/s per user\"}, {\"for\": \"300ms\", "
                 "\"rate\": \"40/s per user\"}, {\"rate\": \"3/s per user\"}]}",
                 kinds[i]);
        struct planned planned;
        init(&planned, (struct asked){.clients = 40,
                                      .size = "{\"constant\": 5}",
                                      .rate = rate,
                                      .more = ", \"throttle\": \"700ms\"",
                                      .scale = 1});
        base_ns last_ns[40];
        for (int32_t k = 0; k < 40; k++)
            last_ns[k] = -BASE_NS_PER_S;
        struct plan_publish publish;
        int32_t early = 0;
        while (plan_next(&planned.plan, &publish) && publish.due_ns < 20 * BASE_NS_PER_S) {
            ck_assert_int_ge(publish.due_ns - last_ns[publish.client], 699999000);
            last_ns[publish.client] = publish.due_ns;
            early += publish.due_ns < 1300 * BASE_NS_PER_MS;
        }
        ck_assert_int_ge(early, 40); /* 40/s for 300 ms: each at least once */
        scenario_fini(&planned.scenario);
    }
}
END_TEST

/* Per stream the k-th publish is the same message, 2.5 times as early. */
START_TEST(scaling_moves_the_same_arrivals_closer_together) {
    static const struct {
        const char *rate, *more;
        int64_t rounding_ns; /* a throttled time counts from one that was rounded itself */
    } cases[] = {{"{\"poisson\": \"3/s per room\"}", NULL, 3},
                 {"{\"poisson\": \"3/s per user\"}", ", \"throttle\": \"900ms\"", 200}};
    struct planned plain, scaled;
    struct asked asked = {.clients = 50,
                          .size = "{\"constant\": 10}",
                          .rate = cases[_i].rate,
                          .more = cases[_i].more,
                          .scale = 1};
    init(&plain, asked);
    asked.scale = 2.5;
    init(&scaled, asked);
    for (int32_t i = 0; i < 2000; i++) {
        struct plan_publish a, b;
        ck_assert(plan_next(&plain.plan, &a) && plan_next(&scaled.plan, &b));
        ck_assert_int_le(llabs(a.due_ns - llround(2.5 * (double)b.due_ns)), cases[_i].rounding_ns);
        ck_assert_int_eq(a.room, b.room);
        ck_assert_int_eq(a.client, b.client);
        ck_assert_int_eq(a.bytes, b.bytes);
    }
    scenario_fini(&plain.scenario);
    scenario_fini(&scaled.scenario);
}
END_TEST

/* The first messages of the client that is number 17 of population p. */
static void first_of_17(struct planned *planned, struct plan_publish publishes[8]) {
    const struct roster *roster = &planned->scenario.roster;
    int32_t found = 0;
    while (found < 8) {
        ck_assert(plan_next(&planned->plan, &publishes[found]));
        int32_t client = publishes[found].client;
        found += roster->population[client] == 0 && roster->ordinal[client] == 17;
    }
}

START_TEST(a_client_draws_the_same_among_twenty_and_among_twenty_thousand) {
    static const struct asked cases[] = {
        {.clients = 20},
        {.clients = 20000},
        {.clients = 20, .populations = ", \"q\": {\"connections\": 33}"}};
    struct plan_publish expected[8], got[8];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct planned planned;
        struct asked asked = cases[i];
        asked.size = "{\"constant\": 10}";
        asked.rate = "{\"poisson\": \"0.5/s per user\"}";
        asked.scale = 1;
        init(&planned, asked);
        first_of_17(&planned, i == 0 ? expected : got);
        for (int32_t k = 0; i > 0 && k < 8; k++) {
            ck_assert_int_eq(got[k].due_ns, expected[k].due_ns);
            ck_assert_int_eq(got[k].room, 1);
            ck_assert_int_eq(got[k].bytes, expected[k].bytes);
        }
        scenario_fini(&planned.scenario);
    }
}
END_TEST

START_TEST(replications_and_seeds_have_plans_of_their_own) {
    ck_assert_uint_ne(plan_seed_of(11, 0), plan_seed_of(11, 1));
    ck_assert_uint_ne(plan_seed_of(11, 0), plan_seed_of(12, 0));
    ck_assert_uint_eq(plan_seed_of(11, 3), plan_seed_of(11, 3));
}
END_TEST

START_TEST(publishers_are_members_of_the_room_and_of_their_population) {
    struct scenario scenario;
    scenario_init(
        &scenario,
        "{\"name\": \"t\", \"populations\": {\"a\": {\"connections\": 60}, \"b\": "
        "{\"connections\": 6}}, \"rooms\": {\"g\": {\"size\": {\"constant\": 8}, "
        "\"members\": [\"a\", \"b\"]}}, \"traffic\": {\"t\": {\"from\": \"b\", \"to\": "
        "\"g\", \"rate\": {\"poisson\": \"5/s in all\"}, \"bytes\": {\"constant\": 99}}}, "
        "\"nodes\": {\"n\": {}}}");
    const struct roster *roster = &scenario.roster;
    struct plan plan;
    plan_init(&plan, roster, &(struct plan_options){.seed = 3, .scale = 1}, &scenario.arena);
    for (int32_t i = 0; i < 500; i++) {
        struct plan_publish publish;
        ck_assert(plan_next(&plan, &publish));
        ck_assert_int_eq(roster->population[publish.client], 1);
        ck_assert_int_eq(roster->client_rooms[roster->client_first[publish.client]], publish.room);
        ck_assert_int_eq(publish.bytes, 99);
    }
    scenario_fini(&scenario);
}
END_TEST

/* What is offered against what is counted, publishes per user into rooms of unequal size: the room
 * that a publish lands in is size-biased (formulas: E[N^2]/E[N]). */
START_TEST(offered_load_is_what_the_plan_counts_up_to) {
    struct planned planned;
    init(&planned, (struct asked){.clients = 400,
                                  .size = "{\"empirical\": [[2, 9], [60, 1]]}",
                                  .rate = "{\"poisson\": \"2/s per user\"}",
                                  .scale = 1});
    const struct roster *roster = &planned.scenario.roster;
    struct plan_load load = plan_offered(roster);
    double squares = 0, publishes = 0, deliveries = 0, inbound = 0, outbound = 0;
    for (int32_t room = 0; room < roster->rooms_count; room++)
        squares += pow(roster->rooms[room].members_count, 2);
    ck_assert_double_eq_tol(load.deliveries_per_s, 2 * squares, 1e-6);
    ck_assert_double_eq_tol(load.publishes_per_s, 800, 1e-9);
    struct plan_publish publish;
    while (plan_next(&planned.plan, &publish) && publish.due_ns < 250 * BASE_NS_PER_S) {
        double members = roster->rooms[publish.room].members_count;
        publishes++;
        deliveries += members;
        inbound += (double)protocol_inbound_bytes(publish.bytes);
        outbound += members * (double)protocol_outbound_bytes(publish.bytes);
    }
    ck_assert_double_eq_tol(publishes / 250 / load.publishes_per_s, 1, 3.3 / sqrt(200000));
    ck_assert_double_eq_tol(deliveries / 250 / load.deliveries_per_s, 1, 0.01);
    /* frame headers of the mean length instead of each one's own: within a percent */
    ck_assert_double_eq_tol(inbound / 250 / load.inbound_bytes_per_s, 1, 0.01);
    ck_assert_double_eq_tol(outbound / 250 / load.outbound_bytes_per_s, 1, 0.02);
    scenario_fini(&planned.scenario);
}
END_TEST

/* Room by room it is the same load, whatever a rate is per; a publisher is a member. */
START_TEST(rates_of_rooms_add_up_to_the_offered_load) {
    static const char *const rates[] = {"{\"poisson\": \"3/s per room\"}",
                                        "{\"constant\": \"0.7/s per user\"}",
                                        "{\"poisson\": \"2385/s in all\"}"};
    struct planned planned;
    init(&planned,
         (struct asked){.clients = 3000,
                        .size = "{\"zipf\": {\"exponent\": 1.1, \"lowest\": 2, \"highest\": 400}}",
                        .rate = rates[_i],
                        .scale = 1});
    const struct roster *roster = &planned.scenario.roster;
    struct plan_rate *of =
        ARENA_NEW(&planned.scenario.arena, (size_t)roster->rooms_count, struct plan_rate);
    struct plan_load load = plan_offered(roster);
    double publishes = 0, deliveries = 0, senders = 0;
    plan_rates(roster, of);
    for (int32_t i = 0; i < roster->rooms_count; i++) {
        publishes += of[i].publishes_per_s;
        deliveries += of[i].heard_per_s * roster->rooms[i].members_count;
        senders += of[i].senders;
        ck_assert_double_eq_tol(of[i].bytes, 150, 1);
    }
    ck_assert_double_eq_tol(publishes / load.publishes_per_s, 1, 1e-9);
    ck_assert_double_eq_tol(deliveries / load.deliveries_per_s, 1, 1e-9);
    ck_assert_double_eq_tol(senders, 3000, 1e-6);
    scenario_fini(&planned.scenario);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(poisson_publishes_come_at_their_rate_with_exponential_gaps),
        TEST(constant_publishes_are_evenly_spaced_from_a_random_phase_on),
        TEST(a_rate_is_per_room_per_user_or_in_all),
        TEST(stages_follow_each_other_and_the_last_one_stays),
        TEST(a_mean_rate_is_that_of_the_stages_it_covers),
        TEST(a_throttled_sender_waits_and_then_for_the_next_that_is_due),
        TEST(of_equally_spaced_messages_a_throttled_sender_sends_each_nth),
        TEST(a_change_of_rate_lets_nobody_send_sooner),
        LOOP_TEST(scaling_moves_the_same_arrivals_closer_together, 2),
        TEST(a_client_draws_the_same_among_twenty_and_among_twenty_thousand),
        TEST(replications_and_seeds_have_plans_of_their_own),
        TEST(publishers_are_members_of_the_room_and_of_their_population),
        TEST(offered_load_is_what_the_plan_counts_up_to),
        LOOP_TEST(rates_of_rooms_add_up_to_the_offered_load, 3),
    };
    return suite_run("workload/plan", tests, COUNT_OF(tests));
}
