#include "models/workload/receiver.h"

#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>

static const base_ns MS = BASE_NS_PER_MS;

static void init(struct scenario *scenario, int32_t connections, const char *receive) {
    char text[1024];
    snprintf(text, sizeof text,
             "{\"name\": \"t\", \"seed\": \"5\", \"populations\": {\"p\": {\"connections\": %d, "
             "\"receive\": {%s}}}, \"rooms\": {\"g\": {\"size\": {\"constant\": 1}, \"members\": "
             "[\"p\"]}}, \"traffic\": {}, \"nodes\": {\"n\": {\"open_files\": 100000}}}",
             connections, receive);
    scenario_init(scenario, text);
}

/* Stalls at [7, 10), [27, 30), ... ms. */
START_TEST(a_stall_begins_and_ends_on_the_nanosecond) {
    struct receiver receiver = {.bytes_per_s = INFINITY,
                                .stall_first_ns = 7 * MS,
                                .stall_every_ns = 20 * MS,
                                .stall_for_ns = 3 * MS};
    for (base_ns k = 0; k < 3; k++) {
        base_ns begin = (7 + 20 * k) * MS, end = (10 + 20 * k) * MS;
        ck_assert(receiver_is_reading(&receiver, begin - 1));
        ck_assert(!receiver_is_reading(&receiver, begin));
        ck_assert(!receiver_is_reading(&receiver, begin + 1));
        ck_assert(!receiver_is_reading(&receiver, end - 1));
        ck_assert(receiver_is_reading(&receiver, end));
        ck_assert(receiver_is_reading(&receiver, end + 1));
        ck_assert_int_eq(receiver_next_change(&receiver, begin - 1), begin);
        ck_assert_int_eq(receiver_next_change(&receiver, begin), end);
        ck_assert_int_eq(receiver_next_change(&receiver, end - 1), end);
        ck_assert_int_eq(receiver_next_change(&receiver, end), begin + 20 * MS);
    }
    ck_assert_int_eq(receiver_next_change(&receiver, 0), 7 * MS);
}
END_TEST

START_TEST(a_single_stall_comes_once_and_one_for_good_never_ends) {
    struct receiver once = {.stall_first_ns = 5 * MS, .stall_every_ns = BASE_NS_MAX};
    once.stall_for_ns = 2 * MS;
    ck_assert_int_eq(receiver_next_change(&once, 5 * MS), 7 * MS);
    ck_assert_int_eq(receiver_next_change(&once, 7 * MS), BASE_NS_MAX);
    ck_assert(receiver_is_reading(&once, BASE_NS_MAX - 1));
    once.stall_for_ns = BASE_NS_MAX;
    ck_assert_int_eq(receiver_next_change(&once, 5 * MS), BASE_NS_MAX);
    ck_assert(!receiver_is_reading(&once, BASE_NS_MAX - 1));
}
END_TEST

START_TEST(a_steady_reader_never_changes) {
    struct scenario scenario;
    init(&scenario, 3, "\"rate\": \"2Mbit/s\"");
    struct receiver receiver = receiver_of(&scenario.roster, 2, 5);
    ck_assert_double_eq(receiver.bytes_per_s, 250000);
    ck_assert_int_eq(receiver_next_change(&receiver, 0), BASE_NS_MAX);
    ck_assert(receiver_is_reading(&receiver, 0));
    scenario_fini(&scenario);
}
END_TEST

START_TEST(a_stall_at_a_given_time_begins_there_for_everybody) {
    struct scenario scenario;
    init(&scenario, 3, "\"stall\": {\"at\": \"3s\", \"every\": \"20s\", \"for\": \"4s\"}");
    for (int32_t client = 0; client < 3; client++) {
        struct receiver receiver = receiver_of(&scenario.roster, client, 5);
        ck_assert_int_eq(receiver.stall_first_ns, 3000 * MS);
        ck_assert_double_eq(receiver.bytes_per_s, INFINITY);
    }
    scenario_fini(&scenario);
}
END_TEST

/* Of 20,000 clients a share for/every is stalled at any time, from t = 0 on: standard deviation
 * sqrt(20000 * 0.2 * 0.8) = 56.6. */
START_TEST(as_many_are_stalled_at_the_start_as_later) {
    struct scenario scenario;
    init(&scenario, 20000, "\"stall\": {\"every\": \"20s\", \"for\": \"4s\"}");
    static const base_ns at_ms[] = {0, 1, 3999, 10000, 19999, 61234};
    for (size_t i = 0; i < COUNT_OF(at_ms); i++) {
        int32_t stalled = 0;
        for (int32_t client = 0; client < 20000; client++) {
            struct receiver receiver = receiver_of(&scenario.roster, client, 5);
            stalled += !receiver_is_reading(&receiver, at_ms[i] * MS);
        }
        ck_assert_int_ge(stalled, 4000 - 187);
        ck_assert_int_le(stalled, 4000 + 187);
    }
    scenario_fini(&scenario);
}
END_TEST

/* 0.3 of 20,000: 6,000 with a standard deviation of 64.8. */
START_TEST(only_the_stalling_share_stalls) {
    struct scenario scenario;
    init(&scenario, 20000, "\"stalling\": 0.3, \"stall\": {\"every\": \"20s\", \"for\": \"4s\"}");
    int32_t stalling = 0;
    for (int32_t client = 0; client < 20000; client++)
        stalling += receiver_of(&scenario.roster, client, 5).stall_first_ns != BASE_NS_MAX;
    ck_assert_int_ge(stalling, 6000 - 214);
    ck_assert_int_le(stalling, 6000 + 214);
    scenario_fini(&scenario);
}
END_TEST

/* Client 17 of the stallers has the same phase among 20 or 20,000, alone or beside others. */
START_TEST(a_clients_phase_is_its_own) {
    static const char *const populations[] = {
        "\"p\": {\"connections\": 20, \"receive\": {\"stall\": {\"every\": \"20s\", \"for\": "
        "\"4s\"}}}",
        "\"p\": {\"connections\": 20000, \"receive\": {\"stall\": {\"every\": \"20s\", \"for\": "
        "\"4s\"}}}",
        "\"p\": {\"connections\": 20, \"receive\": {\"stall\": {\"every\": \"20s\", \"for\": "
        "\"4s\"}}}, \"q\": {\"connections\": 31}"};
    base_ns first_ns = 0;
    for (size_t i = 0; i < COUNT_OF(populations); i++) {
        struct scenario scenario;
        char text[1024];
        snprintf(text, sizeof text,
                 "{\"name\": \"t\", \"populations\": {%s}, \"rooms\": {\"g\": {\"size\": "
                 "{\"constant\": 1}, \"members\": [\"p\"]}}, \"traffic\": {}, \"nodes\": {\"n\": "
                 "{\"open_files\": 100000}}}",
                 populations[i]);
        scenario_init(&scenario, text);
        for (int32_t client = 0; client < scenario.roster.clients_count; client++) {
            if (scenario.roster.population[client] != 0 || scenario.roster.ordinal[client] != 17)
                continue;
            base_ns phase_ns = receiver_of(&scenario.roster, client, 5).stall_first_ns;
            ck_assert(phase_ns < 0 && phase_ns >= -20000 * MS);
            ck_assert(i == 0 || phase_ns == first_ns);
            first_ns = phase_ns;
        }
        scenario_fini(&scenario);
    }
    ck_assert_int_ne(first_ns, 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_stall_begins_and_ends_on_the_nanosecond),
        TEST(a_single_stall_comes_once_and_one_for_good_never_ends),
        TEST(a_steady_reader_never_changes),
        TEST(a_stall_at_a_given_time_begins_there_for_everybody),
        TEST(as_many_are_stalled_at_the_start_as_later),
        TEST(only_the_stalling_share_stalls),
        TEST(a_clients_phase_is_its_own),
    };
    return suite_run("workload/receiver", tests, COUNT_OF(tests));
}
