/* The real gateway over loopback: the upgrade, rooms, and everything that a client can get wrong.
 */
#include "tests/sim/suite.h"
#include "tests/validation/gateway/client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void expect_status(const struct server *server, const char *request, int status) {
    char answer[1024];
    char expected[32];
    client_http(server, request, answer, sizeof answer);
    snprintf(expected, sizeof expected, "HTTP/1.1 %d ", status);
    ck_assert_msg(strncmp(answer, expected, strlen(expected)) == 0, "%s\nearned %.40s", request,
                  answer);
}

#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

START_TEST(each_wrong_request_earns_its_own_status) {
    struct server server;
    START(&server, "--token=s3cret", "--origin=https://good.example");
    expect_status(&server, "rubbish\r\n\r\n", 400);
    expect_status(&server, "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n", 404);
    expect_status(&server, "POST / HTTP/1.1\r\nHost: x\r\n\r\n", 405);
    expect_status(&server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426);
    expect_status(&server, "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE "\r\n", 400);
    expect_status(&server, "GET / HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY "\r\n", 403);
    expect_status(
        &server,
        "GET /?token=s3cret HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n" UPGRADE KEY
        "\r\n",
        403);
    expect_status(
        &server, "GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://good.example\r\n" UPGRADE KEY "\r\n",
        401);
    expect_status(
        &server,
        "GET /?token=wrong! HTTP/1.1\r\nHost: x\r\nOrigin: https://good.example\r\n" UPGRADE KEY
        "\r\n",
        401);
    ck_assert_uint_eq(server_stats(&server).rejected, 9);
    int fd = client_connect(&server);
    const char right[] = "GET /?token=s3cret HTTP/1.1\r\nHost: x\r\n"
                         "Origin: https://good.example\r\n" UPGRADE KEY "\r\n";
    client_send(fd, right, strlen(right));
    SERVER_WAIT_FOR(&server, upgraded, 1);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(every_member_hears_a_publish_and_nobody_else) {
    struct server server;
    START(&server, NULL);
    int a = client_open(&server), b = client_open(&server), c = client_open(&server);
    client_join(&server, a, "lobby");
    client_join(&server, b, "lobby");
    client_join(&server, c, "elsewhere");
    client_say(a, "publish lobby\nhello");
    client_expect(a, "lobby\nhello");
    client_expect(b, "lobby\nhello");
    client_say(b, "leave lobby");
    client_say(b, "publish lobby\nghost");
    client_expect(b, "! not a member\npublish lobby");
    client_say(a, "publish lobby\nalone");
    client_expect(a, "lobby\nalone");
    client_expect_silence(b, 50);
    client_expect_silence(c, 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(wrong_commands_are_answered_and_the_connection_stays) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    client_say(fd, "shout lobby");
    client_expect(fd, "! unknown verb\nshout lobby");
    client_say(fd, "join");
    client_expect(fd, "! unknown verb\njoin");
    client_say(fd, "join a b");
    client_expect(fd, "! room name has a character that is not allowed\njoin a b");
    client_join(&server, fd, "a");
    client_say(fd, "join a");
    client_expect(fd, "! already a member\njoin a");
    client_say(fd, "publish a");
    client_expect(fd, "! publish needs a newline after the room name\npublish a");
    ck_assert_uint_eq(server_stats(&server).command_errors, 5);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(fragments_with_a_ping_between_them_are_one_message) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    client_join(&server, fd, "room");
    client_send_frame(fd, FRAMES_TEXT, "publish ro", 10);
    client_send_frame(fd, 0x80 | FRAMES_PING, "are you there", 13);
    client_send_frame(fd, FRAMES_CONTINUATION, "om\nwh", 5);
    client_send_frame(fd, 0x80 | FRAMES_CONTINUATION, "ole", 3);
    struct client_frame frame;
    ck_assert(client_next(fd, &frame));
    ck_assert_uint_eq(frame.opcode, FRAMES_PONG);
    ck_assert_str_eq(frame.payload, "are you there");
    client_expect(fd, "room\nwhole");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_message_sent_byte_by_byte_is_the_same_message) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    client_join(&server, fd, "r");
    const uint8_t frame[] = {0x81, 0x8b, 0,   0,   0,   0,   'p',  'u', 'b',
                             'l',  'i',  's', 'h', ' ', 'r', '\n', '!'};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof frame; i++) {
            client_send(fd, &frame[i], 1);
            usleep(500);
        }
    client_expect(fd, "r\n!");
    client_expect(fd, "r\n!");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(large_messages_arrive_whole_in_every_length_form) {
    struct server server;
    START(&server, "--queue-limit=16MiB");
    int fd = client_open(&server);
    client_join(&server, fd, "r");
    static const size_t lengths[] = {12, 125, 126, 127, 65535, 65536, 65537, 1 << 20};
    static char message[1 << 20];
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        memset(message, 'x', sizeof message);
        memcpy(message, "publish r\n", 10);
        client_send_frame(fd, 0x82, message, lengths[i]);
        struct client_frame frame;
        ck_assert(client_next(fd, &frame));
        ck_assert_uint_eq(frame.opcode, FRAMES_BINARY);
        ck_assert_uint_eq(frame.length, lengths[i] - 8);
        ck_assert_int_eq(frame.payload[frame.length - 1], lengths[i] == 10 ? '\n' : 'x');
    }
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

static const struct {
    const char *what;
    uint8_t bytes[16];
    size_t length;
    uint16_t code;
    enum gateway_close reason;
} violations[] = {
    {"garbage", "\xff\xff\xff\xff", 4, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"unmasked", {0x81, 0x01, 'a'}, 3, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a reserved bit", {0xc1, 0x80, 0, 0, 0, 0}, 6, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a reserved opcode", {0x83, 0x80, 0, 0, 0, 0}, 6, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a long ping", {0x89, 0xfe, 0, 126}, 4, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a fragmented ping", {0x09, 0x80, 0, 0, 0, 0}, 6, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a length in the wrong form", {0x81, 0xfe, 0, 5}, 4, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a stray continuation", {0x80, 0x80, 0, 0, 0, 0}, 6, 1002, GATEWAY_CLOSE_PROTOCOL},
    {"a giant", {0x82, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0}, 10, 1009, GATEWAY_CLOSE_TOO_BIG},
    {"one byte too large",
     {0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1},
     10,
     1009,
     GATEWAY_CLOSE_TOO_BIG},
    {"text that is not UTF-8", {0x81, 0x81, 0, 0, 0, 0, 0xff}, 7, 1007, GATEWAY_CLOSE_BAD_TEXT},
    {"a close code that may not be sent",
     {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed},
     8,
     1002,
     GATEWAY_CLOSE_PROTOCOL},
    {"a close frame of one byte", {0x88, 0x81, 0, 0, 0, 0, 0x03}, 7, 1002, GATEWAY_CLOSE_PROTOCOL},
};

START_TEST(who_breaks_the_protocol_is_closed_by_rule_and_the_others_do_not_notice) {
    struct server server;
    START(&server, NULL);
    int other = client_open(&server);
    client_join(&server, other, "r");
    uint64_t counts[GATEWAY_CLOSE_COUNT] = {0};
    for (size_t i = 0; i < COUNT_OF(violations); i++) {
        int fd = client_open(&server);
        client_send(fd, violations[i].bytes, violations[i].length);
        client_expect_close(fd, violations[i].code);
        client_close(fd);
        enum gateway_close reason = violations[i].reason;
        ck_assert_msg(server_closed(&server, reason) == ++counts[reason], "%s", violations[i].what);
        client_say(other, "publish r\nstill here");
        client_expect(other, "r\nstill here");
    }
    ck_assert_uint_eq(server_stats(&server).protocol_errors, COUNT_OF(violations));
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(fragments_that_add_up_to_a_giant_are_refused) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    static char half[600 << 10];
    memset(half, 'x', sizeof half);
    client_send_frame(fd, FRAMES_BINARY, half, sizeof half);
    client_send_frame(fd, 0x80 | FRAMES_CONTINUATION, half, sizeof half);
    client_expect_close(fd, 1009);
    ck_assert_uint_eq(server_closed(&server, GATEWAY_CLOSE_TOO_BIG), 1);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(text_cut_inside_a_character_by_fragments_is_valid) {
    struct server server;
    START(&server, "--echo");
    int fd = client_open(&server);
    client_send_frame(fd, FRAMES_TEXT, "\xe2\x82", 2);
    client_send_frame(fd, 0x80 | FRAMES_CONTINUATION, "\xac", 1);
    client_expect(fd, "\xe2\x82\xac");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_close_frame_is_answered_in_kind) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    client_send_frame(fd, 0x80 | FRAMES_CLOSE,
                      "\x0f\xa1"
                      "bye",
                      5); /* 4001 */
    client_expect_close(fd, 4001);
    ck_assert_uint_eq(server_closed(&server, GATEWAY_CLOSE_NORMAL), 1);
    ck_assert_uint_eq(server_stats(&server).protocol_errors, 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(echo_answers_each_message_with_itself) {
    struct server server;
    START(&server, "--echo");
    int fd = client_open(&server);
    client_say(fd, "join nothing");
    client_expect(fd, "join nothing");
    client_send_frame(fd, 0x82, "", 0);
    struct client_frame frame;
    ck_assert(client_next(fd, &frame));
    ck_assert_uint_eq(frame.opcode, FRAMES_BINARY);
    ck_assert_uint_eq(frame.length, 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(frames_behind_the_request_in_one_segment_are_read) {
    struct server server;
    START(&server, "--echo");
    int fd = client_connect(&server);
    const char both[] = "GET /ws HTTP/1.1\r\nHost: x\r\n" UPGRADE KEY "\r\n\x82\x82\0\0\0\0hi";
    client_send(fd, both, sizeof both - 1);
    char head[129];
    ck_assert_uint_eq(client_read(fd, head, sizeof head), sizeof head);
    struct client_frame frame;
    ck_assert(client_next(fd, &frame));
    ck_assert_str_eq(frame.payload, "hi");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_client_in_several_rooms_is_written_once_per_turn_with_all_of_them) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    client_join(&server, fd, "a");
    client_join(&server, fd, "b");
    client_join(&server, fd, "c");
    uint64_t writes = server_stats(&server).writes;
    /* one segment, hence one read and one turn */
    const uint8_t three[] =
        "\x81\x8b\0\0\0\0publish a\n1\x81\x8b\0\0\0\0publish b\n2\x81\x8b\0\0\0\0publish a\n3";
    client_send(fd, three, sizeof three - 1);
    client_expect(fd, "a\n1");
    client_expect(fd, "a\n3"); /* the order holds within a room */
    client_expect(fd, "b\n2");
    SERVER_WAIT_FOR(&server, frames_written, 3);
    ck_assert_uint_eq(server_stats(&server).writes, writes + 1);
    ck_assert_uint_eq(server_stats(&server).frames_written, 3);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(who_joins_in_the_middle_of_a_turn_hears_only_what_comes_after) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    /* one segment, hence one turn: publish needs membership, so the same client leaves and joins
     * again around it */
    const uint8_t five[] = "\x81\x86\0\0\0\0join a\x81\x8b\0\0\0\0publish a\n1"
                           "\x81\x87\0\0\0\0leave a\x81\x86\0\0\0\0join a"
                           "\x81\x8b\0\0\0\0publish a\n2";
    client_send(fd, five, sizeof five - 1);
    client_expect(fd, "a\n1"); /* it was a member then */
    client_expect(fd, "a\n2");
    client_expect_silence(fd, 50);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(writing_at_once_takes_a_write_per_recipient_and_message) {
    struct server server;
    START(&server, "--fan-out=write_at_once");
    int a = client_open(&server), b = client_open(&server);
    client_join(&server, a, "r");
    client_join(&server, b, "r");
    const uint8_t two[] = "\x81\x8b\0\0\0\0publish r\n1\x81\x8b\0\0\0\0publish r\n2";
    client_send(a, two, sizeof two - 1);
    client_expect(a, "r\n1");
    client_expect(a, "r\n2");
    client_expect(b, "r\n1");
    client_expect(b, "r\n2");
    SERVER_WAIT_FOR(&server, frames_written, 4);
    ck_assert_uint_eq(server_stats(&server).writes, 4);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_publish_is_encoded_once_whatever_the_number_of_recipients) {
    struct server server;
    START(&server, NULL);
    enum { MEMBERS = 100, BODY = 1000 };
    int members[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = client_open(&server);
        client_join(&server, members[i], "r");
    }
    char message[10 + BODY + 1] = "publish r\n";
    memset(message + 10, 'x', BODY);
    message[10 + BODY] = '\0';
    client_say(members[0], message);
    for (int i = 0; i < MEMBERS; i++)
        client_expect(members[i], message + 8);
    SERVER_WAIT_FOR(&server, frames_written, MEMBERS);
    struct gateway_stats stats = server_stats(&server);
    ck_assert_uint_eq(stats.encoded_bytes, 4 + 2 + BODY); /* frame header, "r\n", body: once */
    ck_assert_uint_eq(stats.written_bytes, (uint64_t)MEMBERS * (4 + 2 + BODY));
    ck_assert_uint_eq(stats.writes, MEMBERS);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(rooms_reach_across_workers) {
    struct server server;
    START(&server, "--workers=3");
    enum { MEMBERS = 7 };
    int members[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = client_open(&server);
        client_join(&server, members[i], "r");
    }
    for (int i = 0; i < MEMBERS; i++) {
        client_say(members[i], "publish r\nto all");
        for (int k = 0; k < MEMBERS; k++)
            client_expect(members[k], "r\nto all");
    }
    struct gateway_stats one;
    gateway_stats_read(&server.stats, 0, &one);
    ck_assert_uint_eq(one.connections, 3); /* clients 0, 3 and 6: roster_worker */
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(each_wrong_request_earns_its_own_status),
        TEST(every_member_hears_a_publish_and_nobody_else),
        TEST(wrong_commands_are_answered_and_the_connection_stays),
        TEST(fragments_with_a_ping_between_them_are_one_message),
        TEST(a_message_sent_byte_by_byte_is_the_same_message),
        TEST(large_messages_arrive_whole_in_every_length_form),
        TEST(who_breaks_the_protocol_is_closed_by_rule_and_the_others_do_not_notice),
        TEST(fragments_that_add_up_to_a_giant_are_refused),
        TEST(text_cut_inside_a_character_by_fragments_is_valid),
        TEST(a_close_frame_is_answered_in_kind),
        TEST(echo_answers_each_message_with_itself),
        TEST(frames_behind_the_request_in_one_segment_are_read),
        TEST(a_client_in_several_rooms_is_written_once_per_turn_with_all_of_them),
        TEST(who_joins_in_the_middle_of_a_turn_hears_only_what_comes_after),
        TEST(writing_at_once_takes_a_write_per_recipient_and_message),
        TEST(a_publish_is_encoded_once_whatever_the_number_of_recipients),
        TEST(rooms_reach_across_workers),
    };
    return suite_run("gateway: protocol", tests, COUNT_OF(tests));
}
