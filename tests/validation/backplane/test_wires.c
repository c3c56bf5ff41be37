/* What is written on each wire, and what is understood of what comes back, in any pieces. The
 * expected bytes are those of the protocols' own pages: redis.io "RESP", docs.nats.io "Client
 * Protocol", and docs/backplanes.md. */
#include "validation/backplane/wire.h"

#include "tests/sim/suite.h"

#include <string.h>

static const struct backplane_self self = {
    .origin = 0x0102030405060708, .token = "secret", .routes_by_rooms = true};

static const struct backplane_message hello = {.origin = 0x0102030405060708,
                                               .opcode = 1,
                                               .room = "a.b",
                                               .room_length = 3,
                                               .delivery = "a.b\nhi",
                                               .delivery_length = 6};
#define HELLO_BYTES "H\1\3\0\1\2\3\4\5\6\7\10a.b\nhi"
enum { HELLO_LENGTH = sizeof HELLO_BYTES - 1 };

static void assert_bytes(const struct backplane_buffer *buffer, const char *bytes, size_t length) {
    ck_assert_uint_eq(backplane_buffer_waiting(buffer), length);
    ck_assert_mem_eq(buffer->bytes + buffer->start, bytes, length);
}
#define ASSERT_BYTES(buffer, literal) assert_bytes(buffer, literal, sizeof(literal) - 1)

/* Events of `bytes`, fed `step` at a time, as one letter each. */
static void read_all(const struct backplane_wire *wire, const char *bytes, size_t length,
                     size_t step, char letters[64]) {
    struct backplane_buffer in = {0};
    struct backplane_event event = {.kind = BACKPLANE_MORE};
    size_t count = 0;
    for (size_t used = 0; used < length && event.kind != BACKPLANE_BROKEN; used += step) {
        size_t piece = step < length - used ? step : length - used;
        ck_assert(backplane_buffer_add(&in, bytes + used, piece));
        do {
            wire->next(&in, &self, &event);
            static const char letter_of[] = {
                [BACKPLANE_MORE] = '-',      [BACKPLANE_GREETED] = 'g', [BACKPLANE_MESSAGE] = 'm',
                [BACKPLANE_HOLDS] = 'h',     [BACKPLANE_LEAVES] = 'l',  [BACKPLANE_PINGED] = 'p',
                [BACKPLANE_CONFIRMED] = 'c', [BACKPLANE_HEARD] = 'r',   [BACKPLANE_BROKEN] = 'X'};
            if (event.kind == BACKPLANE_MESSAGE) {
                ck_assert_uint_eq(event.length, HELLO_LENGTH);
                ck_assert_mem_eq(event.bytes, HELLO_BYTES, HELLO_LENGTH);
            }
            if (event.kind != BACKPLANE_MORE && count < 63)
                letters[count++] = letter_of[event.kind];
        } while (event.kind != BACKPLANE_MORE && event.kind != BACKPLANE_BROKEN);
    }
    letters[count] = '\0';
    backplane_buffer_fini(&in);
}

static void assert_read(const struct backplane_wire *wire, const char *bytes, size_t length,
                        const char *expected) {
    for (size_t step = 1; step <= length; step++) {
        char letters[64];
        read_all(wire, bytes, length, step, letters);
        ck_assert_str_eq(letters, expected);
    }
}
#define ASSERT_READ(wire, literal, expected)                                                       \
    assert_read(wire, literal, sizeof(literal) - 1, expected)

START_TEST(a_message_is_read_as_it_was_written) {
    uint8_t head[BACKPLANE_HEAD_BYTES];
    backplane_message_head(&hello, head);
    ck_assert_mem_eq(head, HELLO_BYTES, sizeof head);
    struct backplane_message read;
    ck_assert(backplane_message_read(&read, (const uint8_t *)HELLO_BYTES, HELLO_LENGTH));
    ck_assert_uint_eq(read.origin, hello.origin);
    ck_assert_uint_eq(read.opcode, 1);
    ck_assert_uint_eq(read.room_length, 3);
    ck_assert_mem_eq(read.room, "a.b", 3);
    ck_assert_uint_eq(read.delivery_length, 6);
    ck_assert_mem_eq(read.delivery, "a.b\nhi", 6);
}
END_TEST

START_TEST(what_is_no_message_is_refused) {
    static const struct {
        const char *bytes;
        size_t length;
    } wrong[] = {
#define CASE(literal) {literal, sizeof(literal) - 1}
        CASE(""),
        CASE("H\1\3\0\1\2\3\4\5\6\7\10"),        /* no delivery */
        CASE("J\1\3\0\1\2\3\4\5\6\7\10a.b\nhi"), /* another letter */
        CASE("H\3\3\0\1\2\3\4\5\6\7\10a.b\nhi"), /* neither text nor binary */
        CASE("H\1\3\1\1\2\3\4\5\6\7\10a.b\nhi"), /* not 0 */
        CASE("H\1\2\0\1\2\3\4\5\6\7\10a.b\nhi"), /* no newline after the room */
        CASE("H\1\0\0\1\2\3\4\5\6\7\10\nhi"),    /* a room without a name */
        CASE("H\1\6\0\1\2\3\4\5\6\7\10a.b\nhi"), /* a room as long as all of it */
        CASE("H\1\3\0\1\2\3\4\5\6\7\10a b\nhi"), /* a space */
        CASE("H\1\101\0\1\2\3\4\5\6\7\10"        /* 65 letters */
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nx"),
#undef CASE
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct backplane_message read;
        ck_assert_msg(
            !backplane_message_read(&read, (const uint8_t *)wrong[i].bytes, wrong[i].length),
            "case %zu", i);
    }
}
END_TEST

START_TEST(redis_is_told_in_resp) {
    struct backplane_buffer out = {0};
    struct backplane_room room = {"a.b", 3, 9}, all = {"", 0, 1};
    ck_assert(backplane_wire_redis.write_interest(&out, &room, true));
    ck_assert(backplane_wire_redis.write_interest(&out, &all, false));
    ck_assert(backplane_wire_redis.write_publish(&out, &hello, false));
    ck_assert(backplane_wire_redis.write_publish(&out, &hello, true));
    ck_assert(backplane_wire_redis.write_ping(&out));
    ASSERT_BYTES(&out, "*2\r\n$9\r\nSUBSCRIBE\r\n$12\r\nheadroom:a.b\r\n"
                       "*2\r\n$11\r\nUNSUBSCRIBE\r\n$8\r\nheadroom\r\n"
                       "*3\r\n$7\r\nPUBLISH\r\n$12\r\nheadroom:a.b\r\n$18\r\n" HELLO_BYTES "\r\n"
                       "*3\r\n$7\r\nPUBLISH\r\n$8\r\nheadroom\r\n$18\r\n" HELLO_BYTES "\r\n"
                       "*1\r\n$4\r\nPING\r\n");
    backplane_buffer_fini(&out);
}
END_TEST

START_TEST(redis_is_understood_in_any_pieces) {
    ASSERT_READ(&backplane_wire_redis,
                ":2\r\n*3\r\n$9\r\nsubscribe\r\n$12\r\nheadroom:a.b\r\n:1\r\n"
                "*3\r\n$7\r\nmessage\r\n$12\r\nheadroom:a.b\r\n$18\r\n" HELLO_BYTES "\r\n"
                "+PONG\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"
                "*3\r\n$11\r\nunsubscribe\r\n$12\r\nheadroom:a.b\r\n:0\r\n:0\r\n",
                "crmrrrc");
}
END_TEST

START_TEST(what_redis_does_not_say_ends_the_connection) {
    ASSERT_READ(&backplane_wire_redis, ":1\r\n-NOAUTH Authentication required.\r\n", "cX");
    ASSERT_READ(&backplane_wire_redis, "*4\r\n$7\r\nmessage\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, "*3\r\n$8\r\npmessage\r\n$1\r\na\r\n$1\r\nb\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1048589\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, ":\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, ":-1\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, "*2\r\n$4\r\npongX\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, "+OK\r\n", "X");
    ASSERT_READ(&backplane_wire_redis, "HTTP/1.1 200 OK\r\n", "X");
}
END_TEST

/* A subject's parts are between dots, so a room's dots are written as '='. */
START_TEST(nats_is_told_in_lines) {
    struct backplane_buffer out = {0};
    struct backplane_room room = {"a.b", 3, 9};
    ck_assert(backplane_wire_nats.write_interest(&out, &room, true));
    ck_assert(backplane_wire_nats.write_interest(&out, &room, false));
    ck_assert(backplane_wire_nats.write_publish(&out, &hello, false));
    ck_assert(backplane_wire_nats.write_publish(&out, &hello, true));
    ASSERT_BYTES(&out, "SUB headroom.a=b 9\r\nUNSUB 9\r\n"
                       "PUB headroom.a=b 18\r\n" HELLO_BYTES "\r\n"
                       "PUB headroom 18\r\n" HELLO_BYTES "\r\n");
    backplane_buffer_fini(&out);
}
END_TEST

START_TEST(nats_is_understood_in_any_pieces) {
    ASSERT_READ(&backplane_wire_nats,
                "INFO {\"server_id\":\"x\",\"max_payload\":1048576} \r\n+OK\r\nPONG\r\nPING\r\n"
                "MSG headroom.a=b 9 18\r\n" HELLO_BYTES "\r\n"
                "MSG headroom.a=b 9 reply 18\r\n" HELLO_BYTES "\r\n",
                "rrgpmm");
}
END_TEST

START_TEST(what_nats_does_not_say_ends_the_connection) {
    ASSERT_READ(&backplane_wire_nats, "PING\r\n-ERR 'Authorization Violation'\r\n", "pX");
    ASSERT_READ(&backplane_wire_nats, "MSG headroom.a 9 1048589\r\n", "X");
    ASSERT_READ(&backplane_wire_nats, "MSG headroom.a 9 x\r\n", "X");
    ASSERT_READ(&backplane_wire_nats, "MSG headroom.a 9 2\r\nhello\r\n", "X");
    ASSERT_READ(&backplane_wire_nats, "PING\n", "X");
}
END_TEST

START_TEST(nodes_tell_each_other_in_frames) {
    struct backplane_buffer out = {0};
    struct backplane_room room = {"a.b", 3, 9};
    ck_assert(backplane_wire_mesh.write_hello(&out, &self));
    ck_assert(backplane_wire_mesh.write_interest(&out, &room, true));
    ck_assert(backplane_wire_mesh.write_interest(&out, &room, false));
    ck_assert(backplane_wire_mesh.write_publish(&out, &hello, false));
    ck_assert(backplane_wire_mesh.write_ping(&out));
    ck_assert(backplane_wire_mesh.write_pong(&out));
    ASSERT_BYTES(&out, "\0\0\0\21H\1R\1\2\3\4\5\6\7\10secret"
                       "\0\0\0\4Sa.b\0\0\0\4Ua.b"
                       "\0\0\0\23P" HELLO_BYTES "\0\0\0\1I\0\0\0\1O");
    backplane_buffer_fini(&out);
}
END_TEST

START_TEST(nodes_are_understood_in_any_pieces) {
    ASSERT_READ(&backplane_wire_mesh,
                "\0\0\0\21H\1R\7\7\7\7\7\7\7\7secret\0\0\0\4Sa.b\0\0\0\4Ua.b"
                "\0\0\0\23P" HELLO_BYTES "\0\0\0\1I\0\0\0\1O",
                "ghlmpr");
}
END_TEST

START_TEST(a_node_that_is_none_of_ours_is_refused) {
    static const struct {
        const char *bytes;
        size_t length;
        const char *why;
    } wrong[] = {
#define CASE(literal, why) {literal, sizeof(literal) - 1, why}
        CASE("\0\0\0\21H\1R\7\7\7\7\7\7\7\7secrat", "a node with another token"),
        CASE("\0\0\0\20H\1R\7\7\7\7\7\7\7\7secre", "a node with another token"),
        CASE("\0\0\0\13H\1R\7\7\7\7\7\7\7\7", "a node with another token"),
        CASE("\0\0\0\21H\1B\7\7\7\7\7\7\7\7secret", "a node with another kind of backplane"),
        CASE("\0\0\0\21H\2R\7\7\7\7\7\7\7\7secret", "no node of this version"),
        CASE("\0\0\0\4H\1R\7", "no node of this version"),
        CASE("\0\0\0\21H\1R\1\2\3\4\5\6\7\10secret", "this node itself"),
        CASE("\0\20\0\16P", "no frame of a node"), /* one byte more than the largest */
        CASE("\0\0\0\0", "no frame of a node"),
        CASE("\0\0\0\2Q1", "no frame of a node"),
        CASE("\0\0\0\4Sa b", "no frame of a node"),
        CASE("\0\0\0\1S", "no frame of a node"),
        CASE("GET / HTTP/1.1\r\n", "no frame of a node"),
#undef CASE
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct backplane_buffer in = {0};
        struct backplane_event event;
        ck_assert(backplane_buffer_add(&in, wrong[i].bytes, wrong[i].length));
        backplane_wire_mesh.next(&in, &self, &event);
        ck_assert_int_eq(event.kind, BACKPLANE_BROKEN);
        ck_assert_str_eq(event.why, wrong[i].why);
        backplane_buffer_fini(&in);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_message_is_read_as_it_was_written),
        TEST(what_is_no_message_is_refused),
        TEST(redis_is_told_in_resp),
        TEST(redis_is_understood_in_any_pieces),
        TEST(what_redis_does_not_say_ends_the_connection),
        TEST(nats_is_told_in_lines),
        TEST(nats_is_understood_in_any_pieces),
        TEST(what_nats_does_not_say_ends_the_connection),
        TEST(nodes_tell_each_other_in_frames),
        TEST(nodes_are_understood_in_any_pieces),
        TEST(a_node_that_is_none_of_ours_is_refused),
    };
    return suite_run("backplane wires", tests, COUNT_OF(tests));
}
