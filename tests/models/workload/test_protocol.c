/* The gateway's protocol, read and written. */
#include "models/workload/protocol.h"

#include "tests/sim/suite.h"

#include <string.h>

static void expect_refused(const char *message, const char *expected) {
    struct protocol_command command;
    const char *reason = NULL;
    ck_assert(!protocol_parse(message, strlen(message), &command, &reason));
    ck_assert_str_eq(reason, expected);
}

START_TEST(each_verb_is_understood_and_nothing_is_copied) {
    struct protocol_command command;
    const char *reason = NULL;
    const char join[] = "join a.b-c_d:9";
    ck_assert(protocol_parse(join, strlen(join), &command, &reason));
    ck_assert_int_eq(command.verb, PROTOCOL_JOIN);
    ck_assert_ptr_eq(command.room, join + 5);
    ck_assert_uint_eq(command.room_length, 9);
    ck_assert(protocol_parse("leave r", 7, &command, &reason));
    ck_assert_int_eq(command.verb, PROTOCOL_LEAVE);
    const char publish[] = "publish lobby\nhello\nworld";
    ck_assert(protocol_parse(publish, strlen(publish), &command, &reason));
    ck_assert_int_eq(command.verb, PROTOCOL_PUBLISH);
    ck_assert_ptr_eq(command.delivery, publish + 8);
    ck_assert_uint_eq(command.delivery_length, strlen("lobby\nhello\nworld"));
    ck_assert_uint_eq(command.room_length, 5);
}
END_TEST

START_TEST(a_member_enters_under_a_key_and_may_show_something) {
    struct protocol_command command;
    const char *reason = NULL;
    const char enter[] = "enter r\nann at lunch ";
    ck_assert(protocol_parse(enter, strlen(enter), &command, &reason));
    ck_assert_int_eq(command.verb, PROTOCOL_ENTER);
    ck_assert_ptr_eq(command.key, enter + 8);
    ck_assert_uint_eq(command.key_length, 3);
    ck_assert_uint_eq(command.state_length, strlen("at lunch "));
    ck_assert(protocol_parse("enter r\nann", 11, &command, &reason));
    ck_assert_uint_eq(command.state_length, 0);
    ck_assert(protocol_parse("exit r", 6, &command, &reason));
    ck_assert_int_eq(command.verb, PROTOCOL_EXIT);
    ck_assert(protocol_parse("list r", 6, &command, &reason));
    ck_assert_int_eq(command.verb, PROTOCOL_LIST);
}
END_TEST

START_TEST(a_body_may_be_empty_or_any_bytes) {
    struct protocol_command command;
    const char *reason = NULL;
    ck_assert(protocol_parse("publish r\n", 10, &command, &reason));
    ck_assert_uint_eq(command.delivery_length, 2);
    ck_assert(protocol_parse("publish r\n\0\xff", 12, &command, &reason));
    ck_assert_uint_eq(command.delivery_length, 4);
}
END_TEST

START_TEST(each_mistake_has_its_reason) {
    expect_refused("", "unknown verb");
    expect_refused("join", "unknown verb");
    expect_refused("Join r", "unknown verb");
    expect_refused("publishr\n", "unknown verb");
    expect_refused("join ", "room name is missing");
    expect_refused("publish \nbody", "room name is missing");
    expect_refused("join  r", "room name has a character that is not allowed");
    expect_refused("join r ", "room name has a character that is not allowed");
    expect_refused("publish a b\n", "room name has a character that is not allowed");
    expect_refused("join caf\xc3\xa9", "room name has a character that is not allowed");
    expect_refused("join r\n", "only publish and enter have a body");
    expect_refused("leave r\nbody", "only publish and enter have a body");
    expect_refused("publish r", "publish needs a newline after the room name");
    expect_refused("exit r\nk", "only publish and enter have a body");
    expect_refused("list r\n", "only publish and enter have a body");
    expect_refused("enter r", "enter needs a newline after the room name");
    static const char key[] = "key is missing, too long or has a character that is not allowed";
    expect_refused("enter r\n", key);
    expect_refused("enter r\n state", key);
    expect_refused("enter r\nk\nstate", key);
    expect_refused("enter r\nk a\tb", "state is too long or has control characters");
    expect_refused("join ~presence", "room name has a character that is not allowed");
}
END_TEST

START_TEST(a_room_name_may_have_64_bytes_and_no_more) {
    char message[5 + PROTOCOL_ROOM_NAME_MAX + 2] = "join ";
    memset(message + 5, 'x', PROTOCOL_ROOM_NAME_MAX + 1);
    struct protocol_command command;
    const char *reason = NULL;
    ck_assert(protocol_parse(message, 5 + PROTOCOL_ROOM_NAME_MAX, &command, &reason));
    ck_assert_uint_eq(command.room_length, PROTOCOL_ROOM_NAME_MAX);
    expect_refused(message, "room name is too long");
}
END_TEST

START_TEST(a_publish_written_is_delivered_with_its_stamp) {
    static const size_t lengths[] = {29, 48, 128, 65536}; /* 29: "r17", a newline and the stamp */
    static char message[65536 + 8];
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct protocol_stamp stamp = {.due_ns = 1234567890123456789, .number = 0xfedcba98};
        size_t length = protocol_write_publish(message, "r17", stamp, lengths[i]);
        ck_assert_uint_eq(length, lengths[i] + 8);
        struct protocol_command command;
        const char *reason = NULL;
        ck_assert(protocol_parse(message, length, &command, &reason));
        ck_assert_uint_eq(command.delivery_length, lengths[i]);
        const char *room = NULL;
        size_t room_length = 0;
        struct protocol_stamp read;
        ck_assert(protocol_read_delivery(command.delivery, command.delivery_length, &room,
                                         &room_length, &read));
        ck_assert_uint_eq(room_length, 3);
        ck_assert_mem_eq(room, "r17", 3);
        ck_assert_int_eq(read.due_ns, stamp.due_ns);
        ck_assert_uint_eq(read.number, stamp.number);
    }
}
END_TEST

START_TEST(the_stamp_is_as_the_page_says) {
    char message[64];
    size_t length = protocol_write_publish(
        message, "r1", (struct protocol_stamp){.due_ns = 0x1b, .number = 10}, 30);
    ck_assert_uint_eq(length, 38);
    ck_assert_mem_eq(message, "publish r1\n000000000000001b0000000a ..", 38);
}
END_TEST

START_TEST(what_the_generator_did_not_write_is_not_read) {
    static const char *const messages[] = {
        "",
        "r1\n000000000000001b0000000a",     /* no space */
        "r1\n000000000000001b0000000a.",    /* another byte there */
        "r1\n000000000000001B0000000a ",    /* upper case */
        "r1\n800000000000001b0000000a ",    /* beyond int64 */
        "r1 000000000000001b0000000a ....", /* no newline */
        "\n000000000000001b0000000a ....",  /* no room */
        "! unknown verb\nwhatever it was that was sent",
    };
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        const char *room = NULL;
        size_t room_length = 0;
        struct protocol_stamp stamp;
        ck_assert_msg(
            !protocol_read_delivery(messages[i], strlen(messages[i]), &room, &room_length, &stamp),
            "%s", messages[i]);
    }
}
END_TEST

START_TEST(frame_lengths_are_those_of_rfc_6455) {
    static const struct {
        int64_t payload, header;
    } cases[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        ck_assert_int_eq(protocol_frame_header_bytes(cases[i].payload, false), cases[i].header);
        ck_assert_int_eq(protocol_frame_header_bytes(cases[i].payload, true), cases[i].header + 4);
    }
    /* 128 delivered: 136 come in behind 2 + 2 + 4 bytes, 128 go out behind 2 + 2 */
    ck_assert_int_eq(protocol_inbound_bytes(128), 144);
    ck_assert_int_eq(protocol_outbound_bytes(128), 132);
    ck_assert_int_eq(protocol_inbound_bytes(117), 131); /* 125 in: the short form, just */
    ck_assert_int_eq(protocol_inbound_bytes(118), 134);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(each_verb_is_understood_and_nothing_is_copied),
        TEST(a_member_enters_under_a_key_and_may_show_something),
        TEST(a_body_may_be_empty_or_any_bytes),
        TEST(each_mistake_has_its_reason),
        TEST(a_room_name_may_have_64_bytes_and_no_more),
        TEST(a_publish_written_is_delivered_with_its_stamp),
        TEST(the_stamp_is_as_the_page_says),
        TEST(what_the_generator_did_not_write_is_not_read),
        TEST(frame_lengths_are_those_of_rfc_6455),
    };
    return suite_run("models/workload: protocol", tests, COUNT_OF(tests));
}
