/* The levers of fan-out in the real gateway: what is held back, until when, and what is withheld.
 */
#include "tests/sim/suite.h"
#include "tests/validation/gateway/client.h"

#include <time.h>

enum { FAR_MS = 400, NEAR_MS = 60 }; /* a machine that stands still for 300 ms fails no test */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(a_room_holds_its_messages_until_the_first_one_is_due) {
    struct server server;
    START(&server, "--batch-for=400ms");
    int a = client_open(&server), b = client_open(&server);
    client_join(&server, a, "lobby");
    client_join(&server, b, "lobby");
    int64_t began_ms = now_ms();
    uint64_t writes = server_stats(&server).writes;
    client_say(a, "publish lobby\none");
    SERVER_WAIT_FOR(&server, publishes, 1);
    client_say(b, "publish lobby\ntwo");
    client_expect_silence(b, NEAR_MS);
    client_say(a, "publish lobby\nthree");
    client_expect(b, "lobby\none");
    ck_assert_int_ge(now_ms() - began_ms, FAR_MS);
    client_expect(b, "lobby\ntwo");
    client_expect(b, "lobby\nthree");
    client_expect(a, "lobby\none");
    SERVER_WAIT_FOR(&server, writes, writes + 2); /* counted once they are made */
    struct gateway_stats stats = server_stats(&server);
    ck_assert_uint_eq(stats.held_flushes, 1);
    ck_assert_uint_eq(stats.held_messages, 3);
    ck_assert_uint_eq(stats.held_deliveries, 6);
    ck_assert_uint_eq(stats.held_packets_saved, 4);  /* two of three packets, to two members */
    ck_assert_uint_ge(stats.held_ns, 2 * 400000000); /* the first one's, for two members */
    ck_assert_uint_eq(stats.writes - writes, 2);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_full_room_is_written_without_waiting) {
    struct server server;
    START(&server, "--batch-for=10s", "--batch-messages=3");
    int a = client_open(&server);
    client_join(&server, a, "lobby");
    for (uint64_t i = 1; i <= 7; i++) {
        client_say(a, "publish lobby\nx");
        SERVER_WAIT_FOR(&server, publishes, i); /* each in a turn of its own */
    }
    for (int i = 0; i < 6; i++)
        client_expect(a, "lobby\nx");
    client_expect_silence(a, NEAR_MS);
    ck_assert_uint_eq(server_stats(&server).held_flushes, 2);
    ck_assert_int_eq(server_stop(&server), 0); /* with a message that is still held */
}
END_TEST

/* Of a client's two rooms only the one that is due is written to it. */
START_TEST(a_room_that_holds_is_passed_by_when_another_is_written) {
    struct server server;
    START(&server, "--batch-for=10s", "--batch-messages=2");
    int a = client_open(&server);
    client_join(&server, a, "one");
    client_join(&server, a, "two");
    client_say(a, "publish one\nheld");
    client_say(a, "publish two\nx");
    client_say(a, "publish two\ny");
    client_expect(a, "two\nx");
    client_expect(a, "two\ny");
    client_expect_silence(a, NEAR_MS);
    client_say(a, "publish one\nfull");
    client_expect(a, "one\nheld");
    client_expect(a, "one\nfull");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(what_is_held_is_for_who_was_there) {
    struct server server;
    START(&server, "--batch-for=10s");
    int a = client_open(&server), b = client_open(&server);
    client_join(&server, a, "lobby");
    client_say(a, "publish lobby\nbefore");
    SERVER_WAIT_FOR(&server, publishes, 1);
    client_join(&server, b, "lobby"); /* writes what is held */
    client_expect(a, "lobby\nbefore");
    client_say(b, "publish lobby\nbetween");
    client_say(b, "leave lobby");
    client_expect(b, "lobby\nbetween");
    client_expect(a, "lobby\nbetween");
    client_say(a, "publish lobby\nafter");
    SERVER_WAIT_FOR(&server, publishes, 3);
    client_close(a); /* the room goes with its last member, and with what it holds */
    for (int i = 0; i < 500 && server_stats(&server).rooms > 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    ck_assert_uint_eq(server_stats(&server).rooms, 0);
    client_join(&server, b, "lobby");
    client_expect_silence(b, NEAR_MS);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(above_the_cap_a_sampled_feed_withholds_from_all_members_alike) {
    struct server server;
    START(&server, "--feed-above=2", "--feed-share=0");
    int a = client_open(&server), b = client_open(&server), c = client_open(&server);
    client_join(&server, a, "lobby");
    client_join(&server, b, "lobby");
    client_say(a, "publish lobby\nlive");
    client_expect(a, "lobby\nlive");
    client_expect(b, "lobby\nlive");
    client_join(&server, c, "lobby");
    client_say(a, "publish lobby\nwithheld");
    SERVER_WAIT_FOR(&server, withheld, 3);
    client_say(c, "leave lobby");
    client_expect_silence(c, NEAR_MS);
    client_say(a, "publish lobby\nlive again");
    client_expect(a, "lobby\nlive again");
    client_expect(b, "lobby\nlive again");
    ck_assert_uint_eq(server_stats(&server).withheld, 3);
    ck_assert_uint_eq(server_stats(&server).publishes, 3);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(above_the_cap_a_batched_feed_delivers_every_message_within_its_time) {
    struct server server;
    START(&server, "--feed-above=1", "--feed-kind=batched", "--feed-every=200ms");
    int a = client_open(&server), b = client_open(&server);
    client_join(&server, a, "lobby");
    client_say(a, "publish lobby\nat once");
    client_expect(a, "lobby\nat once");
    client_join(&server, b, "lobby");
    client_say(a, "publish lobby\none");
    SERVER_WAIT_FOR(&server, publishes, 2);
    client_say(b, "publish lobby\ntwo");
    client_expect_silence(a, NEAR_MS);
    client_expect(b, "lobby\none");
    client_expect(b, "lobby\ntwo");
    struct gateway_stats stats = server_stats(&server);
    ck_assert_uint_eq(stats.held_messages, 2);
    ck_assert_uint_ge(stats.feed_longest_ns, 200000000);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_room_holds_its_messages_until_the_first_one_is_due),
        TEST(a_full_room_is_written_without_waiting),
        TEST(a_room_that_holds_is_passed_by_when_another_is_written),
        TEST(what_is_held_is_for_who_was_there),
        TEST(above_the_cap_a_sampled_feed_withholds_from_all_members_alike),
        TEST(above_the_cap_a_batched_feed_delivers_every_message_within_its_time),
    };
    return suite_run("gateway/levers", tests, COUNT_OF(tests));
}
