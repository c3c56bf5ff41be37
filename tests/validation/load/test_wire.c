/* Bytes in and out: frames from a server, frames and requests to it, outboxes, commands. */
#include "validation/load/command.h"
#include "validation/load/inbound.h"
#include "validation/load/outbox.h"
#include "validation/load/wire.h"

#include "tests/sim/suite.h"

#include <stdio.h>
#include <string.h>

/* A message, a ping between two fragments, an empty message, a message with a 16-bit length, a
 * close with 1008 (RFC 6455, 5.2 and 5.5). */
static size_t write_stream(uint8_t *out) {
    static const uint8_t first[] = {0x81, 3, 'a',  'b', 'c', 0x01, 2, 'd',  'e', 0x89, 2,
                                    1,    2, 0x80, 1,   'f', 0x82, 0, 0x82, 126, 0x01, 0x2c};
    static const uint8_t last[] = {0x88, 5, 0x03, 0xf0, 'b', 'y', 'e'};
    memcpy(out, first, sizeof first);
    memset(out + sizeof first, 'x', 300);
    memcpy(out + sizeof first + 300, last, sizeof last);
    return sizeof first + 300 + sizeof last;
}

/* What the stream says, one letter an event, however it is cut. */
static void hear(const struct wire *wire, const uint8_t *bytes, size_t length, size_t piece,
                 char *heard) {
    struct inbound inbound;
    inbound_init(&inbound);
    *heard = '\0';
    for (size_t at = 0; at < length;) {
        size_t end = at + piece < length ? at + piece : length;
        enum inbound_event event;
        at += wire->feed(&inbound, bytes + at, end - at, &event);
        char *out = heard + strlen(heard);
        if (event == INBOUND_MESSAGE)
            sprintf(out, "M%d:%.3s ", (int)inbound.message_bytes,
                    inbound.head_length ? inbound.head : "");
        else if (event == INBOUND_PING)
            sprintf(out, "P%d ", (uint8_t)inbound.control[1]);
        else if (event == INBOUND_CLOSE)
            sprintf(out, "C%d ", inbound.close_code);
        else if (event == INBOUND_PONG || event == INBOUND_BROKEN)
            strcpy(out, event == INBOUND_PONG ? "O " : "B ");
        else
            ck_assert_int_eq(event, INBOUND_MORE);
    }
}

START_TEST(frames_are_heard_alike_in_any_pieces) {
    uint8_t bytes[512];
    size_t length = write_stream(bytes);
    for (size_t piece = 1; piece <= length; piece++) {
        char heard[256];
        hear(&wire_websocket, bytes, length, piece, heard);
        ck_assert_str_eq(heard, "M3:abc P2 M3:def M0: M300:xxx C1008 ");
    }
}
END_TEST

START_TEST(what_a_server_may_not_send_is_broken) {
    static const struct {
        uint8_t bytes[4];
        const char *what;
    } cases[] = {
        {{0x81, 0x80, 0, 0}, "masked"},          {{0xc1, 1, 'x', 0}, "a reserved bit"},
        {{0x83, 0, 0, 0}, "an unknown opcode"},  {{0x09, 0, 0, 0}, "a ping in fragments"},
        {{0x89, 126, 0, 200}, "a long ping"},    {{0x80, 0, 0, 0}, "a continuation of nothing"},
        {{0x8b, 0, 0, 0}, "an unknown control"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct inbound inbound;
        enum inbound_event event;
        inbound_init(&inbound);
        inbound_feed(&inbound, cases[i].bytes, sizeof cases[i].bytes, &event);
        ck_assert_msg(event == INBOUND_BROKEN, "%s", cases[i].what);
    }
}
END_TEST

START_TEST(a_message_that_begins_inside_another_is_broken) {
    static const uint8_t bytes[] = {0x01, 1, 'a', 0x81, 1, 'b'};
    struct inbound inbound;
    enum inbound_event event;
    inbound_init(&inbound);
    inbound_feed(&inbound, bytes, sizeof bytes, &event);
    ck_assert_int_eq(event, INBOUND_BROKEN);
}
END_TEST

START_TEST(a_clients_frame_is_masked_and_as_long_as_the_rfc_says) {
    static const struct {
        size_t payload, header;
    } cases[] = {{0, 6}, {125, 6}, {126, 8}, {65535, 8}, {65536, 14}};
    static uint8_t out[70000];
    static char payload[65536];
    memset(payload, 'q', sizeof payload);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t length = wire_write_frame(out, WIRE_TEXT, payload, cases[i].payload, 0x04030201);
        ck_assert_uint_eq(length, cases[i].header + cases[i].payload);
        ck_assert_uint_eq(out[0], 0x81);
        ck_assert_uint_ge(out[1], 0x80);
        const uint8_t *mask = out + cases[i].header - 4;
        for (size_t k = 0; k < cases[i].payload; k++)
            ck_assert_uint_eq(out[cases[i].header + k] ^ mask[k % 4], 'q');
    }
}
END_TEST

static const char good_response[] =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nCONNECTION:upgrade  \r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81";

START_TEST(a_handshake_is_complete_at_its_empty_line_and_not_before) {
    size_t used, length = sizeof good_response - 2; /* without the frame's first byte and NUL */
    for (size_t i = 1; i < length; i++)
        ck_assert_int_eq(wire_read_response(good_response, i, &used), WIRE_MORE);
    ck_assert_int_eq(wire_read_response(good_response, length + 1, &used), WIRE_UPGRADED);
    ck_assert_uint_eq(used, length);
}
END_TEST

START_TEST(a_handshake_that_is_not_right_is_refused) {
    static const char *const wrong[] = {
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n\r\n",
        "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        "SSH-2.0",
    };
    size_t used;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        ck_assert_int_eq(wire_read_response(wrong[i], strlen(wrong[i]), &used), WIRE_REFUSED);
    static char endless[WIRE_RESPONSE_MAX];
    memset(endless, 'x', sizeof endless);
    memcpy(endless, good_response, 20);
    ck_assert_int_eq(wire_read_response(endless, sizeof endless, &used), WIRE_REFUSED);
}
END_TEST

/* --- NATS --- */

/* Lines as docs.nats.io has them. A payload may hold line ends; its own is not part of it. */
START_TEST(lines_of_nats_are_heard_alike_in_any_pieces) {
    static const char stream[] =
        "INFO {\"server_id\":\"a line that is longer than what is kept of a "
        "line, since nobody reads what an INFO says once it is known to be "
        "one of these; so much for that\"}\r\n"
        "MSG r0 r0 3\r\nabc\r\n+OK\r\nPING\r\nMSG r1 r1 0\r\n\r\n"
        "MSG r0 r0 9\r\nde\r\nMSG \n\r\nPONG\r\n-ERR 'Slow Consumer'\r\n";
    size_t length = sizeof stream - 1;
    for (size_t piece = 1; piece <= length; piece++) {
        char heard[256];
        hear(&wire_nats, (const uint8_t *)stream, length, piece, heard);
        ck_assert_str_eq(heard, "M3:abc P73 M0: M9:de\r O M22:-ER ");
    }
}
END_TEST

START_TEST(what_nats_does_not_say_is_broken) {
    static const char *const wrong[] = {"MSG r0 r0 x\r\n", "MSG \r\n", "MSG r0 r0 3 \r\n",
                                        "MSG r0 r0 99999999999\r\n", "HTTP/1.1 400\r\n"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct inbound inbound;
        enum inbound_event event;
        inbound_init(&inbound);
        wire_nats.feed(&inbound, (const uint8_t *)wrong[i], strlen(wrong[i]), &event);
        ck_assert_msg(event == INBOUND_BROKEN, "%s", wrong[i]);
    }
}
END_TEST

/* What a server makes of it: PUB's line becomes MSG's, the payload stays. */
START_TEST(a_publish_over_nats_is_delivered_with_room_and_stamp) {
    uint8_t out[256 + WIRE_OVERHEAD_MAX];
    char stream[512];
    struct protocol_stamp stamp = {1234567890123, 77}, read;
    size_t length = wire_nats.write_publish(out, "r12", stamp, 131, 9);
    ck_assert_uint_eq(length, strlen("PUB r12 131\r\n") + 131 + 2);
    ck_assert_mem_eq(out, "PUB r12 131\r\nr12\n", 17);
    int head = sprintf(stream, "MSG r12 r12 131\r\n");
    memcpy(stream + head, out + strlen("PUB r12 131\r\n"), 133);
    ck_assert_int_eq(wire_nats.delivery_bytes("r12", 131), head + 133);
    struct inbound inbound;
    enum inbound_event event;
    inbound_init(&inbound);
    size_t used = wire_nats.feed(&inbound, (uint8_t *)stream, (size_t)head + 133, &event);
    ck_assert_uint_eq(used, (size_t)head + 133);
    ck_assert_int_eq(event, INBOUND_MESSAGE);
    ck_assert_uint_eq(inbound.message_bytes, 131);
    const char *room;
    size_t room_length;
    ck_assert(
        protocol_read_delivery(inbound.head, inbound.head_length, &room, &room_length, &read));
    ck_assert_mem_eq(room, "r12", room_length);
    ck_assert_int_eq(read.due_ns, stamp.due_ns);
    ck_assert_uint_eq(read.number, stamp.number);
}
END_TEST

START_TEST(a_nats_server_has_greeted_when_its_first_line_is_whole) {
    static const char info[] = "INFO {\"max_payload\":1048576}\r\nPING\r\n";
    size_t used, line = (size_t)(strchr(info, '\n') - info) + 1;
    for (size_t i = 1; i < line; i++)
        ck_assert_int_eq(wire_nats.read_response(info, i, &used), WIRE_MORE);
    ck_assert_int_eq(wire_nats.read_response(info, sizeof info - 1, &used), WIRE_UPGRADED);
    ck_assert_uint_eq(used, line);
    ck_assert_int_eq(wire_nats.read_response("HTTP/1.1 101", 12, &used), WIRE_REFUSED);
    static char endless[WIRE_RESPONSE_MAX];
    memset(endless, 'x', sizeof endless);
    memcpy(endless, info, 5);
    ck_assert_int_eq(wire_nats.read_response(endless, sizeof endless, &used), WIRE_REFUSED);
}
END_TEST

START_TEST(the_longest_join_fits_what_is_reserved_for_it) {
    char room[PROTOCOL_ROOM_NAME_MAX + 1];
    uint8_t out[WIRE_OVERHEAD_MAX];
    memset(room, 'r', PROTOCOL_ROOM_NAME_MAX);
    room[PROTOCOL_ROOM_NAME_MAX] = '\0';
    ck_assert_uint_le(wire_named("websocket")->write_join(out, room, 1), sizeof out);
    ck_assert_uint_le(wire_named("nats")->write_join(out, room, 1), sizeof out);
    ck_assert_ptr_null(wire_named("carrier-pigeon"));
}
END_TEST

START_TEST(a_publish_is_sent_when_its_last_byte_is) {
    struct outbox outbox;
    struct outbox_mark mark;
    outbox_init(&outbox);
    for (uint64_t i = 0; i < 3; i++) {
        uint8_t *out = outbox_reserve(&outbox, 1000);
        ck_assert_ptr_nonnull(out);
        memset(out, (int)i, 700);
        outbox_commit(&outbox, 700);
        outbox_mark(&outbox, (base_ns)(10 * i), i);
    }
    outbox_took(&outbox, 699);
    ck_assert(!outbox_pop_sent(&outbox, &mark));
    outbox_took(&outbox, 702);
    ck_assert(outbox_pop_sent(&outbox, &mark) && mark.number == 0 && mark.due_ns == 0);
    ck_assert(outbox_pop_sent(&outbox, &mark) && mark.number == 1 && mark.due_ns == 10);
    ck_assert(!outbox_pop_sent(&outbox, &mark));
    ck_assert_uint_eq(outbox_waiting(&outbox), 699);
    ck_assert_uint_eq(outbox.bytes[outbox.start], 2);
    ck_assert(outbox_pop(&outbox, &mark) && mark.number == 2);
    ck_assert(!outbox_pop(&outbox, &mark));
    outbox_fini(&outbox);
}
END_TEST

START_TEST(an_outbox_is_full_at_its_limit_and_not_before) {
    struct outbox outbox;
    outbox_init(&outbox);
    ck_assert_ptr_nonnull(outbox_reserve(&outbox, OUTBOX_BYTES_MAX));
    outbox_commit(&outbox, OUTBOX_BYTES_MAX - 10);
    ck_assert_ptr_nonnull(outbox_reserve(&outbox, 10));
    ck_assert_ptr_null(outbox_reserve(&outbox, 11));
    outbox_took(&outbox, 1);
    ck_assert_ptr_nonnull(outbox_reserve(&outbox, 11));
    outbox_fini(&outbox);
}
END_TEST

static const struct spec_window window = {.warm_up = SPEC_AUTO, .measure = 10 * BASE_NS_PER_S};

START_TEST(a_command_reads_back_as_it_was_written) {
    struct command command, again;
    struct text why, line;
    text_init(&why);
    text_init(&line);
    ck_assert(command_parse(&command, "{\"do\":\"probe\",\"scale\":2.385,\"measure_s\":0.3}",
                            &window, &why));
    ck_assert_int_eq(command.warm_up_ns, 2 * BASE_NS_PER_S);
    command.start_ns = (base_ns)0x7ffffffffffffff; /* more than 2^53 */
    command_write(&command, &line);
    ck_assert_msg(command_parse(&again, text_bytes(&line), &window, &why), "%s: %s",
                  text_bytes(&line), text_bytes(&why));
    ck_assert_int_eq(again.verb, command.verb); /* field by field: padding is anybody's */
    ck_assert_double_eq(again.scale, command.scale);
    ck_assert_int_eq(again.warm_up_ns, command.warm_up_ns);
    ck_assert_int_eq(again.measure_ns, command.measure_ns);
    ck_assert_int_eq(again.grace_ns, command.grace_ns);
    ck_assert_int_eq(again.patience_ns, command.patience_ns);
    ck_assert_int_eq(again.every_ns, command.every_ns);
    ck_assert_int_eq(again.start_ns, command.start_ns);
    ck_assert_int_eq(again.replication, command.replication);
    ck_assert_int_eq(again.connections_max, command.connections_max);
    ck_assert_int_eq(again.room, command.room);
    ck_assert_int_eq(again.rooms, command.rooms);
    ck_assert_int_eq(again.publishes, command.publishes);
    ck_assert_int_eq(again.bytes, command.bytes);
    text_fini(&why);
    text_fini(&line);
}
END_TEST

START_TEST(a_wrong_command_earns_its_reason) {
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "expected one JSON object on a line"},
        {"[]", "expected one JSON object on a line"},
        {"{\"do\":\"dance\"}", "do: expected connect, probe, burst, drain, ramp or quit"},
        {"{\"scale\":1}", "do: expected connect, probe, burst, drain, ramp or quit"},
        {"{\"do\":\"probe\",\"scale\":0}", "scale: expected a number from 1e-09 to 1e+09"},
        {"{\"do\":\"probe\",\"scale\":\"1\"}", "scale: expected a number from 1e-09 to 1e+09"},
        {"{\"do\":\"connect\",\"scale\":1}", "scale: no key of \"connect\""},
        {"{\"do\":\"burst\",\"bytes\":47}", "bytes: expected a number from 48 to 1.04858e+06"},
        {"{\"do\":\"burst\",\"room\":0.5}", "room: expected a number from 0 to 2.14748e+09"},
        {"{\"do\":\"probe\",\"start_ns\":5}", "start_ns: expected a string of digits"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct command command;
        struct text why;
        text_init(&why);
        ck_assert(!command_parse(&command, cases[i].line, &window, &why));
        ck_assert_str_eq(text_bytes(&why), cases[i].why);
        text_fini(&why);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(frames_are_heard_alike_in_any_pieces),
        TEST(what_a_server_may_not_send_is_broken),
        TEST(a_message_that_begins_inside_another_is_broken),
        TEST(a_clients_frame_is_masked_and_as_long_as_the_rfc_says),
        TEST(a_handshake_is_complete_at_its_empty_line_and_not_before),
        TEST(a_handshake_that_is_not_right_is_refused),
        TEST(lines_of_nats_are_heard_alike_in_any_pieces),
        TEST(what_nats_does_not_say_is_broken),
        TEST(a_publish_over_nats_is_delivered_with_room_and_stamp),
        TEST(a_nats_server_has_greeted_when_its_first_line_is_whole),
        TEST(the_longest_join_fits_what_is_reserved_for_it),
        TEST(a_publish_is_sent_when_its_last_byte_is),
        TEST(an_outbox_is_full_at_its_limit_and_not_before),
        TEST(a_command_reads_back_as_it_was_written),
        TEST(a_wrong_command_earns_its_reason),
    };
    return suite_run("load wire", tests, COUNT_OF(tests));
}
