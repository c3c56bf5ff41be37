/* Consumers that do not read: each policy does its thing, and the reader beside them gets
 * everything. */
#include "tests/sim/suite.h"
#include "tests/validation/gateway/client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of them together fit into a receive buffer of the usual size, a quarter of them into a small
 * one. */
enum { MESSAGES = 60, BODY = 1024 };

/* A reader that does not read yet, and one that both publishes and reads. */
struct scene {
    struct server server;
    int slow, good;
};

static void open_scene(struct scene *scene, const char *policy, const char *more,
                       const char *even_more) {
    char word[64];
    snprintf(word, sizeof word, "--queue-policy=%s", policy);
    const char *const words[] = {word, "--send-buffer=4KiB", more, even_more, NULL};
    server_start(&scene->server, words);
    scene->slow = client_connect_slow_reader(&scene->server);
    client_upgrade(scene->slow);
    client_join(&scene->server, scene->slow, "r");
    scene->good = client_open(&scene->server);
    client_join(&scene->server, scene->good, "r");
}

static void close_scene(struct scene *scene) {
    client_close(scene->slow);
    client_close(scene->good);
    ck_assert_int_eq(server_stop(&scene->server), 0);
}

static void publish(const struct scene *scene, const char *room, int number) {
    char message[BODY + 64];
    int head = snprintf(message, sizeof message, "publish %s\n%06d ", room, number);
    memset(message + head, '.', BODY);
    client_send_frame(scene->good, 0x81, message, (size_t)head + BODY);
}

static bool next_number(int fd, char room[16], int *number) {
    struct client_frame frame;
    if (!client_next(fd, &frame) || frame.opcode != FRAMES_TEXT)
        return false;
    ck_assert_int_eq(sscanf(frame.payload, "%15[^\n]\n%6d ", room, number), 2);
    return true;
}

static void expect_own(const struct scene *scene, int number) {
    char room[16];
    int got = -1;
    ck_assert(next_number(scene->good, room, &got));
    ck_assert_int_eq(got, number);
}

/* The good reader gets every message, in order, while the slow one reads nothing. */
static void publish_all(const struct scene *scene, const char *room) {
    for (int i = 0; i < MESSAGES; i++) {
        publish(scene, room, i);
        expect_own(scene, i);
    }
}

/* Everything that still comes to the slow one, until silence; numbers must rise. Returns the count.
 */
static int read_late(const struct scene *scene, int *first_gap, int *last) {
    client_say(scene->good, "publish r\n999999 ");
    char room[16];
    int number = -1, count = 0;
    *first_gap = *last = -1;
    while (next_number(scene->slow, room, &number) && number != 999999) {
        ck_assert_int_gt(number, *last);
        if (number != *last + 1 && *first_gap < 0)
            *first_gap = *last + 1;
        *last = number;
        count++;
    }
    ck_assert_int_eq(number, 999999);
    return count;
}

START_TEST(close_disconnects_at_the_limit_in_bytes) {
    struct scene scene;
    open_scene(&scene, "close", "--queue-limit=16KiB", NULL);
    publish_all(&scene, "r");
    server_wait_closed(&scene.server, GATEWAY_CLOSE_SLOW_BYTES, 1);
    ck_assert_uint_le(server_stats(&scene.server).queued_bytes_max, 16 << 10);
    ck_assert_uint_gt(server_stats(&scene.server).queued_bytes_max, (16 << 10) - 2 * BODY);
    ck_assert_uint_eq(server_stats(&scene.server).queued_bytes, 0);
    ck_assert_uint_eq(server_stats(&scene.server).connections, 1);
    client_expect_end(scene.slow); /* a FIN, not a reset */
    close_scene(&scene);
}
END_TEST

START_TEST(close_disconnects_at_the_limit_in_messages) {
    struct scene scene;
    open_scene(&scene, "close", "--queue-messages=7", NULL);
    publish_all(&scene, "r");
    server_wait_closed(&scene.server, GATEWAY_CLOSE_SLOW_MESSAGES, 1);
    ck_assert_uint_eq(server_stats(&scene.server).enqueued, 7);
    close_scene(&scene);
}
END_TEST

START_TEST(drop_newest_keeps_what_was_there_first) {
    struct scene scene;
    open_scene(&scene, "drop_newest", "--queue-limit=16KiB", NULL);
    publish_all(&scene, "r");
    ck_assert_uint_gt(server_stats(&scene.server).dropped, 0);
    int gap = 0, last = 0;
    int count = read_late(&scene, &gap, &last);
    /* the queue was full, of 1,037-byte frames, before the first one was dropped */
    ck_assert(gap >= (16 << 10) / (BODY + 13) || (gap < 0 && last >= (16 << 10) / (BODY + 13)));
    ck_assert_uint_eq((uint64_t)count + server_stats(&scene.server).dropped, MESSAGES);
    close_scene(&scene);
}
END_TEST

START_TEST(drop_oldest_keeps_the_newest) {
    struct scene scene;
    open_scene(&scene, "drop_oldest", "--queue-limit=16KiB", NULL);
    publish_all(&scene, "r");
    uint64_t dropped = server_stats(&scene.server).dropped;
    ck_assert_uint_gt(dropped, 0);
    int gap = 0, last = 0;
    int count = read_late(&scene, &gap, &last);
    struct gateway_stats stats = server_stats(&scene.server);
    ck_assert_int_eq(last, MESSAGES - 1);
    ck_assert_int_gt(gap, 0);
    ck_assert_uint_eq((uint64_t)count + stats.dropped, MESSAGES);
    close_scene(&scene);
}
END_TEST

START_TEST(conflate_keeps_the_newest_of_each_room) {
    struct scene scene;
    open_scene(&scene, "conflate", "--queue-limit=16KiB", NULL);
    client_join(&scene.server, scene.slow, "s");
    client_join(&scene.server, scene.good, "s");
    publish_all(&scene, "s"); /* fills the queue with s, conflated again and again */
    publish(&scene, "r", 500);
    expect_own(&scene, 500);
    struct gateway_stats stats = server_stats(&scene.server);
    ck_assert_uint_gt(stats.conflated, 0);
    client_say(scene.good, "publish r\n999999 ");
    char room[16];
    int number = -1, last_of_s = -1, count = 0;
    while (next_number(scene.slow, room, &number) && number != 999999) {
        count++;
        last_of_s = strcmp(room, "s") == 0 ? number : last_of_s;
    }
    ck_assert_int_eq(last_of_s, MESSAGES - 1);
    stats = server_stats(&scene.server);
    ck_assert_uint_eq((uint64_t)count + stats.conflated + stats.dropped, MESSAGES + 1);
    close_scene(&scene);
}
END_TEST

static void publish_without_reading(const struct scene *scene) {
    for (int i = 0; i < MESSAGES; i++)
        publish(scene, "r", i);
}

static void expect_everything(const struct scene *scene, int fd) {
    char room[16];
    for (int i = 0; i < MESSAGES; i++) {
        int number = -1;
        ck_assert(next_number(fd, room, &number));
        ck_assert_int_eq(number, i);
    }
    ck_assert_uint_eq(server_stats(&scene->server).dropped, 0);
}

START_TEST(throttle_stops_reading_the_publisher_and_loses_nothing) {
    struct scene scene;
    open_scene(&scene, "throttle", "--queue-limit=8KiB", "--turn-read=1KiB");
    publish_without_reading(&scene);
    SERVER_WAIT_FOR(&scene.server, paused, 1);
    usleep(100000);
    struct gateway_stats stats = server_stats(&scene.server);
    ck_assert_uint_lt(stats.publishes, MESSAGES / 2);
    /* two queues, since the publisher reads nothing either: each the limit and one message */
    ck_assert_uint_le(stats.queued_bytes_max, 2 * ((8 << 10) + 2 * BODY));
    ck_assert_uint_ge(stats.throttles, 1);
    expect_everything(&scene, scene.slow);
    expect_everything(&scene, scene.good);
    ck_assert_uint_eq(server_stats(&scene.server).paused, 0);
    close_scene(&scene);
}
END_TEST

START_TEST(throttle_ends_with_the_connection_that_asked_for_it) {
    struct scene scene;
    open_scene(&scene, "throttle", "--queue-limit=8KiB", "--turn-read=1KiB");
    publish_without_reading(&scene);
    SERVER_WAIT_FOR(&scene.server, paused, 1);
    client_close(scene.slow);
    expect_everything(&scene, scene.good);
    scene.slow = client_open(&scene.server);
    close_scene(&scene);
}
END_TEST

/* Publishes and reads its own until one does not come back; returns that one's number. */
static int publish_until_held(const struct scene *scene) {
    for (int i = 0; i < 10 * MESSAGES; i++) {
        publish(scene, "r", i);
        struct pollfd own = {.fd = scene->good, .events = POLLIN};
        if (poll(&own, 1, 500) == 0)
            return i;
        expect_own(scene, i);
    }
    ck_abort_msg("nothing was held back");
}

/* Connections are dealt out in turn: the slow one is with worker 0, the publisher, who reads all it
 * gets, with worker 1. */
START_TEST(throttle_reaches_publishers_on_other_workers) {
    struct scene scene;
    open_scene(&scene, "throttle", "--queue-limit=8KiB", "--workers=2");
    int held = publish_until_held(&scene);
    ck_assert_uint_eq(server_stats(&scene.server).paused, 1);
    char room[16];
    for (int i = 0; i <= held; i++) {
        int number = -1;
        ck_assert(next_number(scene.slow, room, &number));
        ck_assert_int_eq(number, i);
    }
    expect_own(&scene, held);
    ck_assert_uint_eq(server_stats(&scene.server).hand_over_lost, 0);
    close_scene(&scene);
}
END_TEST

START_TEST(a_message_larger_than_the_limit_is_finished_once_it_has_begun) {
    struct scene scene;
    open_scene(&scene, "drop_newest", "--queue-limit=1KiB", NULL);
    static char large[64 << 10];
    memset(large, '.', sizeof large);
    memcpy(large, "publish r\n000000 ", 17);
    client_send_frame(scene.good, 0x81, large, sizeof large);
    expect_own(&scene, 0);
    publish(&scene, "r", 1); /* does not fit behind it */
    expect_own(&scene, 1);
    ck_assert_uint_eq(server_stats(&scene.server).dropped, 1);
    int gap = 0, last = -1;
    char room[16];
    int number = -1;
    ck_assert(next_number(scene.slow, room, &number));
    ck_assert_int_eq(number, 0);
    ck_assert_int_eq(read_late(&scene, &gap, &last), 0);
    close_scene(&scene);
}
END_TEST

START_TEST(unbounded_queues_everything) {
    struct scene scene;
    open_scene(&scene, "unbounded", "--queue-limit=1KiB", NULL);
    publish_all(&scene, "r");
    ck_assert_uint_gt(server_stats(&scene.server).queued_bytes, MESSAGES / 2 * BODY);
    expect_everything(&scene, scene.slow);
    close_scene(&scene);
}
END_TEST

START_TEST(blocking_makes_everybody_wait_for_the_slow_one) {
    struct scene scene;
    open_scene(&scene, "blocking", NULL, NULL);
    int third = client_open(&scene.server);
    publish_without_reading(&scene);
    SERVER_WAIT_FOR(&scene.server, blocked_waits, 1);
    client_send_frame(third, 0x80 | FRAMES_PING, "", 0);
    client_expect_silence(third, 200);
    expect_everything(&scene, scene.slow);
    struct client_frame frame;
    ck_assert(client_next(third, &frame));
    ck_assert_uint_eq(frame.opcode, FRAMES_PONG);
    expect_everything(&scene, scene.good);
    close_scene(&scene);
}
END_TEST

START_TEST(a_consumer_that_takes_nothing_for_the_write_deadline_is_closed) {
    struct scene scene;
    open_scene(&scene, "unbounded", "--queue-write-deadline=300ms", NULL);
    publish_all(&scene, "r");
    server_wait_closed(&scene.server, GATEWAY_CLOSE_SLOW_WRITE_DEADLINE, 1);
    ck_assert_uint_eq(server_stats(&scene.server).connections, 1);
    close_scene(&scene);
}
END_TEST

START_TEST(a_queue_above_the_soft_limit_for_too_long_is_closed) {
    struct scene scene;
    open_scene(&scene, "drop_newest", "--queue-soft-limit=8KiB", "--queue-soft-for=200ms");
    publish_all(&scene, "r");
    server_wait_closed(&scene.server, GATEWAY_CLOSE_SLOW_SOFT_LIMIT, 1);
    close_scene(&scene);
}
END_TEST

START_TEST(a_blocked_consumer_that_reads_again_gets_every_message_whole) {
    struct scene scene;
    open_scene(&scene, "close", "--queue-limit=1MiB", NULL);
    publish_all(&scene, "r");
    ck_assert_uint_eq(server_stats(&scene.server).blocked, 1);
    expect_everything(&scene, scene.slow);
    SERVER_WAIT_FOR(&scene.server, frames_written, 2 * MESSAGES);
    usleep(10000); /* counted while the last write was under way */
    struct gateway_stats stats = server_stats(&scene.server);
    ck_assert_uint_eq(stats.blocked, 0);
    ck_assert_uint_eq(stats.queued_bytes, 0);
    ck_assert_uint_eq(stats.frames_written, 2 * MESSAGES);
    close_scene(&scene);
}
END_TEST

START_TEST(pongs_that_nobody_reads_are_bounded_too) {
    struct scene scene;
    open_scene(&scene, "close", "--queue-limit=4KiB", NULL);
    char ping[FRAMES_CONTROL_MAX];
    memset(ping, 'p', sizeof ping);
    for (int i = 0; i < 2000 && server_closed(&scene.server, GATEWAY_CLOSE_SLOW_BYTES) == 0; i++)
        client_send_frame(scene.slow, 0x80 | FRAMES_PING, ping, sizeof ping);
    server_wait_closed(&scene.server, GATEWAY_CLOSE_SLOW_BYTES, 1);
    close_scene(&scene);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(close_disconnects_at_the_limit_in_bytes),
        TEST(close_disconnects_at_the_limit_in_messages),
        TEST(drop_newest_keeps_what_was_there_first),
        TEST(drop_oldest_keeps_the_newest),
        TEST(conflate_keeps_the_newest_of_each_room),
        TEST(throttle_stops_reading_the_publisher_and_loses_nothing),
        TEST(throttle_ends_with_the_connection_that_asked_for_it),
        TEST(throttle_reaches_publishers_on_other_workers),
        TEST(a_message_larger_than_the_limit_is_finished_once_it_has_begun),
        TEST(unbounded_queues_everything),
        TEST(blocking_makes_everybody_wait_for_the_slow_one),
        TEST(a_consumer_that_takes_nothing_for_the_write_deadline_is_closed),
        TEST(a_queue_above_the_soft_limit_for_too_long_is_closed),
        TEST(a_blocked_consumer_that_reads_again_gets_every_message_whole),
        TEST(pongs_that_nobody_reads_are_bounded_too),
    };
    return suite_run("gateway: slow consumers", tests, COUNT_OF(tests));
}
