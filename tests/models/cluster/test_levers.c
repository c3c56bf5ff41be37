/* Batches and feeds in simulated time, against closed forms: costs are 0, so that what is seen is
 * the lever's own. */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <math.h>

static const char *const one_room =
    "{\"name\": \"levers\", \"seed\": \"5\", \"populations\": {\"p\": {\"connections\": 200}}, "
    "\"objectives\": {\"delivery\": {\"within\": \"100ms\"}}, \"rooms\": {\"g\": {\"size\": "
    "{\"constant\": 200}, \"members\": [\"p\"]}}, \"traffic\": {\"t\": {\"from\": \"p\", \"to\": "
    "\"g\", \"rate\": {\"%s\": \"400/s in all\"}, \"bytes\": {\"constant\": 64}}}, \"nodes\": "
    "{\"n\": {%s}}, \"window\": {\"warm_up\": \"1s\", \"measure\": \"%s\"}}";

static struct outcome run_room(const char *process, const char *node, const char *measure) {
    struct simulation simulation;
    simulation_init(&simulation, one_room, process, node, measure);
    struct outcome outcome = simulation_run(&simulation, 0);
    simulation_fini(&simulation);
    return outcome;
}

static void expect_within(double value, double expected, double share) {
    ck_assert_msg(fabs(value - expected) <= share * fabs(expected), "%.9g, expected %.9g", value,
                  expected);
}

/* A batch begins with a message and takes T. Poisson at rate l brings l T more, each held for T / 2
 * on average: 1 + l T messages, held (T + l T * T / 2) / (1 + l T) on average; here 9 messages and
 * 11.11 ms, which towards high rates is T / 2. All are of 66 B, so k messages save k - 1 packets of
 * 90 B per member: 8 of 9 at 400/s to 200 members, 400 * 200 * 8/9 * 90 bytes/s. */
START_TEST(a_batch_by_time_holds_and_saves_what_the_closed_form_says) {
    struct outcome outcome = run_room("poisson", "\"batch\": {\"for\": \"20ms\"}", "200s");
    const double *metric = outcome.metric;
    const double rate = metric[OUTCOME_due] / 200 / 200, t = 0.02;
    expect_within(metric[OUTCOME_held_messages], 1 + rate * t, 0.005);
    expect_within(metric[OUTCOME_held_ms], 1e3 * (t + rate * t * t / 2) / (1 + rate * t), 0.005);
    expect_within(metric[OUTCOME_latency_mean_ms], metric[OUTCOME_held_ms], 0.005);
    expect_within(metric[OUTCOME_held_saved_bytes_per_s],
                  rate * 200 * 90 * rate * t / (1 + rate * t), 0.005);
    ck_assert_double_eq(metric[OUTCOME_deliveries], metric[OUTCOME_due]);
    outcome_fini(&outcome);
}
END_TEST

/* Evenly spaced by d = 2.5 ms, five to a batch: held 4, 3, 2, 1 and 0 times d, 5 ms on average.
 * Four of five packets are saved. */
START_TEST(a_batch_by_count_is_written_when_it_is_full) {
    struct outcome outcome =
        run_room("constant", "\"batch\": {\"for\": \"1s\", \"messages\": 5}", "20s");
    const double *metric = outcome.metric;
    ck_assert_double_eq(metric[OUTCOME_held_messages], 5);
    ck_assert_double_eq_tol(metric[OUTCOME_held_ms], 5, 1e-6);
    expect_within(metric[OUTCOME_held_saved_bytes_per_s], 400.0 * 200 * 90 * 4 / 5, 0.001);
    ck_assert_double_eq_tol(metric[OUTCOME_latency_max_ms], 10, 0.1);
    outcome_fini(&outcome);
}
END_TEST

/* Standard deviation of the share of 40,000 messages: sqrt(0.2 * 0.8 / 40000) = 0.002. */
START_TEST(a_sampled_feed_withholds_exactly_what_it_does_not_deliver) {
    struct outcome live = run_room("poisson", "", "100s");
    struct outcome feed = run_room("poisson", "\"feed\": {\"above\": 199, \"share\": 0.2}", "100s");
    double due = live.metric[OUTCOME_due], taken = feed.metric[OUTCOME_due];
    ck_assert_double_eq(taken + feed.metric[OUTCOME_withheld], due);
    ck_assert_double_eq_tol(taken / due, 0.2, 4 * 0.002);
    ck_assert_double_eq(feed.metric[OUTCOME_deliveries], taken);
    ck_assert_double_eq(feed.metric[OUTCOME_lost], 0);
    ck_assert_int_eq(feed.verdict, OUTCOME_HOLDS);
    expect_within(feed.metric[OUTCOME_offered_deliveries_per_s], 400 * 200 * 0.2, 1e-9);
    outcome_fini(&live);
    outcome_fini(&feed);
}
END_TEST

/* Ten times the objective's 100 ms: on time, because a feed has its own time beside it. Every
 * message within T, and the longest is T itself: the first of each flush. */
START_TEST(a_batched_feed_delivers_every_message_within_its_time) {
    struct outcome outcome = run_room(
        "poisson", "\"feed\": {\"above\": 199, \"kind\": \"batched\", \"every\": \"1s\"}", "20s");
    const double *metric = outcome.metric;
    ck_assert_double_eq(metric[OUTCOME_deliveries], metric[OUTCOME_due]);
    ck_assert_double_eq(metric[OUTCOME_late_share], 0);
    ck_assert_double_eq(metric[OUTCOME_feed_late], 0);
    ck_assert_double_eq(metric[OUTCOME_feed_longest_ms], 1000);
    ck_assert_double_gt(metric[OUTCOME_latency_mean_ms], 450);
    ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
    outcome_fini(&outcome);
}
END_TEST

/* A worker that is busy for 30 ms with each publish comes too late to the feed's time. */
START_TEST(a_batched_feed_that_does_not_keep_its_word_is_what_broke) {
    struct simulation simulation;
    simulation_init(&simulation, one_room, "poisson",
                    "\"turn\": {\"flush_after\": \"1ms\"}, \"feed\": {\"above\": 199, \"kind\": "
                    "\"batched\", \"every\": \"50ms\"}",
                    "2s");
    simulation.costs.value[COST_publish] = 30e6;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_gt(outcome.metric[OUTCOME_feed_late], 0);
    ck_assert_int_ne(outcome.verdict, OUTCOME_HOLDS);
    ck_assert_str_eq(outcome.broke, "feed");
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Rules that concern nobody: no time, and caps that no room passes. */
START_TEST(a_lever_that_does_nothing_changes_nothing) {
    static const char *const idle[] = {
        "\"batch\": {\"for\": \"0s\"}", "\"feed\": {\"above\": 200, \"share\": 0}",
        "\"feed\": {\"above\": 200, \"kind\": \"batched\", \"every\": \"10ms\"}"};
    struct outcome plain = run_room("poisson", "", "5s");
    for (size_t i = 0; i < COUNT_OF(idle); i++) {
        struct outcome outcome = run_room("poisson", idle[i], "5s");
        ck_assert_uint_eq(outcome.fingerprint, plain.fingerprint);
        ck_assert(isnan(outcome.metric[OUTCOME_held_messages]));
        outcome_fini(&outcome);
    }
    outcome_fini(&plain);
}
END_TEST

/* Clients in several rooms, slow readers, several workers, and a turn's own bounds. */
START_TEST(nothing_is_lost_in_batches_of_rooms_that_share_their_members) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"shared\", \"populations\": {\"a\": {\"connections\": 300}, \"b\": "
        "{\"connections\": 30, \"receive\": {\"rate\": \"10Mbit/s\"}}}, \"rooms\": {\"g\": "
        "{\"size\": {\"zipf\": {\"exponent\": 1.1, \"lowest\": 2, \"highest\": 200}}, \"members\": "
        "[\"a\", \"b\"], \"count\": 30, \"placement\": \"scattered\"}}, \"traffic\": {\"t\": "
        "{\"from\": \"a\", \"to\": \"g\", \"rate\": {\"poisson\": \"2/s per user\"}, \"bytes\": "
        "{\"constant\": 300}}}, \"nodes\": {\"n\": {\"workers\": 3, \"batch\": {\"for\": \"15ms\", "
        "\"messages\": 7}, \"turn\": {\"flush_bytes\": \"2KiB\"}, \"feed\": {\"above\": 80, "
        "\"kind\": \"batched\", \"every\": \"40ms\"}}}, \"window\": {\"warm_up\": \"200ms\", "
        "\"measure\": \"3s\"}}");
    simulation.costs.value[COST_publish] = 1700;
    simulation.costs.value[COST_write] = 1600;
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_gt(outcome.metric[OUTCOME_held_messages], 1);
    ck_assert_double_gt(outcome.metric[OUTCOME_feed_longest_ms], 39);
    ck_assert_double_gt(outcome.metric[OUTCOME_due], 10000);
    ck_assert_double_eq(outcome.metric[OUTCOME_deliveries], outcome.metric[OUTCOME_due]);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Two nodes of which one crashes and one dies in turn, stays and handshakes, and rooms that pass
 * the cap while people come: what is held when a node goes is lost with it, and nothing is counted
 * twice or forgotten. */
START_TEST(what_is_held_is_delivered_or_lost_whoever_comes_and_goes) {
    static const char *const levers[] = {
        "\"batch\": {\"for\": \"300ms\"}",
        "\"feed\": {\"above\": 15, \"kind\": \"batched\", \"every\": \"700ms\"}",
        "\"feed\": {\"above\": 15, \"share\": 0.3}"};
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"held\", \"objectives\": {\"delivery\": {\"within\": \"1s\"}}, "
        "\"populations\": {\"p\": {\"connections\": 900, \"arrival\": {\"rate\": {\"poisson\": "
        "\"100/s in all\"}}, \"session\": {\"length\": {\"log_normal\": {\"mean\": \"5s\", "
        "\"sigma\": 1}}}, \"reconnect\": {\"base\": \"100ms\", \"heartbeat\": \"1s\", "
        "\"heartbeat_timeout\": \"1s\"}}}, \"rooms\": {\"r\": {\"size\": {\"constant\": 45}, "
        "\"members\": [\"p\"], \"placement\": \"scattered\"}}, \"traffic\": {\"t\": {\"from\": "
        "\"p\", \"to\": \"r\", \"rate\": {\"poisson\": \"9/s per room\"}, \"bytes\": "
        "{\"constant\": 200}}}, \"nodes\": {\"n\": {\"count\": 2, \"open_files\": 10000, %s}}, "
        "\"backplane\": {\"kind\": \"registry\"}, \"faults\": {\"a\": {\"at\": \"5s\", \"kind\": "
        "\"crashes\", \"node\": \"n-2\", \"for\": \"1s\"}, \"b\": {\"at\": \"12s\", \"kind\": "
        "\"dies\", \"node\": \"n-1\", \"for\": \"2s\"}}, \"window\": {\"warm_up\": \"0s\", "
        "\"measure\": \"20s\"}}",
        levers[_i]);
    simulation.costs.value[COST_write] = 2000;
    simulation.costs.value[COST_accept] = 50000;
    struct outcome outcome = simulation_run(&simulation, 0);
    const double *metric = outcome.metric;
    ck_assert_double_gt(metric[OUTCOME_due] + metric[OUTCOME_withheld], 20000);
    ck_assert(_i == 2 || metric[OUTCOME_lost_with_node] > 100); /* what is held for long */
    ck_assert_double_eq(metric[OUTCOME_deliveries] + metric[OUTCOME_lost], metric[OUTCOME_due]);
    ck_assert(_i < 2 ? metric[OUTCOME_held_messages] > 1 : metric[OUTCOME_withheld] > 10000);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* --- unread counts --- */

/* 40 who read a room and 900 who are told its count, on `nodes`; more fields of the two groups. */
static void init_unread(struct simulation *simulation, const char *nodes, const char *rooms,
                        const char *unread, const char *measure) {
    simulation_init(
        simulation,
        "{\"name\": \"unread\", \"populations\": {\"r\": {\"connections\": 40}, \"p\": "
        "{\"connections\": 900}}, \"rooms\": {\"room\": {\"size\": {\"constant\": 40}, "
        "\"members\": [\"r\"]%s}, \"list\": {\"size\": {\"constant\": 900}, \"members\": "
        "[\"p\"]%s, \"unread\": {\"of\": \"room\", %s}}}, \"traffic\": {\"t\": {\"from\": \"r\", "
        "\"to\": \"room\", \"rate\": {\"poisson\": \"37/s in all\"}, \"bytes\": {\"constant\": "
        "300}}}, \"nodes\": {\"n\": {%s}}, \"backplane\": {\"kind\": \"registry\", \"latency\": "
        "\"0s\"}, \"window\": {\"warm_up\": \"1s\", \"measure\": \"%s\"}}",
        rooms, rooms, unread, nodes, measure);
}

/* A count begins with a message and takes T; Poisson at rate l brings l T more. So each of 900 is
 * told l / (1 + l T) times a second, of 1 + l T messages: 7.87 instead of 37 writes, with T = 100
 * ms. Bytes of a count are 48 and a header of 2, those of a message 300 and 4. */
START_TEST(who_gets_counts_is_written_to_as_often_as_the_closed_form_says) {
    struct simulation simulation;
    init_unread(&simulation, "", "", "\"every\": \"100ms\"", "400s");
    struct outcome outcome = simulation_run(&simulation, 0);
    const double *metric = outcome.metric;
    const double live = metric[OUTCOME_due] - metric[OUTCOME_unread_counts];
    const double rate = live / 40 / 400, t = 0.1;
    expect_within(metric[OUTCOME_unread_messages], 1 + rate * t, 0.005);
    expect_within(metric[OUTCOME_unread_counts], 900 * 400 * rate / (1 + rate * t), 0.005);
    expect_within(metric[OUTCOME_written_bytes_per_s],
                  40 * rate * 304 + 900 * rate / (1 + rate * t) * 50, 0.005);
    ck_assert_double_eq(metric[OUTCOME_deliveries], metric[OUTCOME_due]);
    ck_assert_double_eq_tol(metric[OUTCOME_latency_max_ms], 100, 0.5);
    ck_assert_double_eq(metric[OUTCOME_late_share], 0);
    ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Wherever they are: on one node, on others that have nobody else (each room has one owner), and
 * on workers that have nobody else. Workers and nodes wait on their own, each from the same message
 * on, so the counts are the same, but for what is on its way. */
START_TEST(who_gets_counts_gets_them_wherever_the_messages_are) {
    struct simulation simulation;
    init_unread(&simulation, "", "", "\"every\": \"100ms\"", "20s");
    struct outcome one = simulation_run(&simulation, 0);
    simulation_fini(&simulation);
    static const struct {
        const char *nodes, *rooms;
        double copies;
    } cases[] = {{"\"workers\": 7", "", 0},
                 {"\"count\": 3", "", 2},
                 {"\"count\": 30", ", \"shards\": 1", 1},
                 {"\"count\": 60, \"workers\": 2", "", 59}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        init_unread(&simulation, cases[i].nodes, cases[i].rooms, "\"every\": \"100ms\"", "20s");
        struct outcome outcome = simulation_run(&simulation, 0);
        ck_assert_double_eq(outcome.metric[OUTCOME_deliveries], outcome.metric[OUTCOME_due]);
        expect_within(outcome.metric[OUTCOME_unread_counts], one.metric[OUTCOME_unread_counts],
                      1e-3);
        if (cases[i].copies > 0)
            ck_assert_double_eq(outcome.metric[OUTCOME_backplane_copies], cases[i].copies);
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
    outcome_fini(&one);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_batch_by_time_holds_and_saves_what_the_closed_form_says),
        TEST(a_batch_by_count_is_written_when_it_is_full),
        TEST(a_sampled_feed_withholds_exactly_what_it_does_not_deliver),
        TEST(a_batched_feed_delivers_every_message_within_its_time),
        TEST(a_batched_feed_that_does_not_keep_its_word_is_what_broke),
        TEST(a_lever_that_does_nothing_changes_nothing),
        TEST(nothing_is_lost_in_batches_of_rooms_that_share_their_members),
        TEST(who_gets_counts_is_written_to_as_often_as_the_closed_form_says),
        TEST(who_gets_counts_gets_them_wherever_the_messages_are),
        LOOP_TEST(what_is_held_is_delivered_or_lost_whoever_comes_and_goes, 3),
    };
    return suite_run("models/cluster/levers", tests, COUNT_OF(tests));
}
