/* What does not fit together, just inside and just outside of each limit. The texts of the messages
 * are broken/'s. */
#include "tests/models/spec/fixture.h"

/* DEMO with settings: errors and warnings counted. */
struct counts {
    int32_t errors, warnings;
};

static struct counts count_with(const struct spec_setting *settings, int32_t count) {
    const struct spec_options options = {
        .file = "demo.json", .settings = settings, .settings_count = count};
    struct parsed parsed;
    parsed_init_with(&parsed, DEMO, &options);
    struct counts counts = {parsed.diag.errors_count,
                            parsed.diag.items_count - parsed.diag.errors_count};
    parsed_fini(&parsed);
    return counts;
}

#define COUNT_WITH(...)                                                                            \
    count_with((const struct spec_setting[]){__VA_ARGS__},                                         \
               (int32_t)COUNT_OF(((const struct spec_setting[]){__VA_ARGS__})))

#define ASSERT_SILENT(...)                                                                         \
    do {                                                                                           \
        struct counts counts = COUNT_WITH(__VA_ARGS__);                                            \
        ck_assert_int_eq(counts.errors, 0);                                                        \
        ck_assert_int_eq(counts.warnings, 0);                                                      \
    } while (0)
#define ASSERT_ERROR(...)                                                                          \
    do {                                                                                           \
        struct counts counts = COUNT_WITH(__VA_ARGS__);                                            \
        ck_assert_int_eq(counts.errors, 1);                                                        \
        ck_assert_int_eq(counts.warnings, 0);                                                      \
    } while (0)
#define ASSERT_WARNING(...)                                                                        \
    do {                                                                                           \
        struct counts counts = COUNT_WITH(__VA_ARGS__);                                            \
        ck_assert_int_eq(counts.errors, 0);                                                        \
        ck_assert_int_eq(counts.warnings, 1);                                                      \
    } while (0)

START_TEST(a_room_may_hold_all_of_its_clients_and_no_more) {
    ASSERT_SILENT({"rooms.halls.size.constant", "99"});
    ASSERT_SILENT({"rooms.halls.size.constant", "100"});
    ASSERT_ERROR({"rooms.halls.size.constant", "101"});
    ASSERT_SILENT({"populations.more", "{\"connections\": 1}"},
                  {"rooms.halls.members", "[\"users\", \"more\"]"},
                  {"rooms.halls.size.constant", "101"});
}
END_TEST

START_TEST(of_random_rooms_it_is_the_mean_that_must_fit) {
    ASSERT_SILENT({"rooms.halls.size", "{\"empirical\": [[50, 1], [150, 1]]}"});
    ASSERT_ERROR({"rooms.halls.size", "{\"empirical\": [[51, 1], [150, 1]]}"});
    ASSERT_SILENT({"rooms.halls.size", "{\"log_normal\": {\"mean\": 90, \"sigma\": 0.3}}"});
    ASSERT_ERROR({"rooms.halls.size", "{\"log_normal\": {\"mean\": 110, \"sigma\": 0.3}}"});
}
END_TEST

START_TEST(a_stall_may_fill_its_period_and_no_more) {
    ASSERT_SILENT({"populations.users.receive.stall", "{\"every\": \"5s\", \"for\": \"4999ms\"}"});
    ASSERT_SILENT({"populations.users.receive.stall", "{\"every\": \"5s\", \"for\": \"5s\"}"});
    ASSERT_ERROR({"populations.users.receive.stall", "{\"every\": \"5s\", \"for\": \"5001ms\"}"});
    ASSERT_ERROR({"populations.users.receive.stall", "{\"every\": \"5s\"}"});
}
END_TEST

START_TEST(a_single_stall_needs_its_start) {
    ASSERT_ERROR({"populations.users.receive.stall", "{\"for\": \"5s\"}"});
    ASSERT_ERROR({"populations.users.receive.stall", "{}"});
    ASSERT_SILENT({"populations.users.receive.stall", "{\"at\": \"0s\"}"});
    ASSERT_SILENT({"populations.users.receive.stall", "{\"at\": \"3s\", \"for\": \"5s\"}"});
}
END_TEST

START_TEST(stalling_is_for_those_that_stall) {
    ASSERT_WARNING({"populations.users.receive.stalling", "0.5"});
    ASSERT_SILENT(
        {"populations.users.receive", "{\"stalling\": 0.5, \"stall\": {\"at\": \"3s\"}}"});
}
END_TEST

START_TEST(a_soft_limit_has_a_time_and_stays_below_the_limit) {
    ASSERT_SILENT({"nodes.gateway.send_queue",
                   "{\"limit\": \"64KiB\", \"soft_limit\": \"65535B\", \"soft_for\": \"5s\"}"});
    ASSERT_SILENT({"nodes.gateway.send_queue",
                   "{\"limit\": \"64KiB\", \"soft_limit\": \"64KiB\", \"soft_for\": \"5s\"}"});
    ASSERT_ERROR({"nodes.gateway.send_queue",
                  "{\"limit\": \"64KiB\", \"soft_limit\": \"65537B\", \"soft_for\": \"5s\"}"});
    ASSERT_SILENT({"nodes.gateway.send_queue",
                   "{\"limit\": \"unlimited\", \"soft_limit\": \"1GiB\", \"soft_for\": \"5s\"}"});
    ASSERT_ERROR({"nodes.gateway.send_queue", "{\"soft_limit\": \"64KiB\"}"});
    ASSERT_ERROR({"nodes.gateway.send_queue", "{\"soft_for\": \"64s\"}"});
}
END_TEST

START_TEST(a_message_fits_into_the_queue_and_the_flush) {
    ASSERT_SILENT({"nodes.gateway.send_queue.limit", "1000B"},
                  {"traffic.chat.bytes.constant", "1000"});
    ASSERT_ERROR({"nodes.gateway.send_queue.limit", "1000B"},
                 {"traffic.chat.bytes.constant", "1001"});
    ASSERT_WARNING({"nodes.gateway.send_queue.limit", "1000B"},
                   {"traffic.chat.bytes", "{\"empirical\": [[100, 9], [1001, 1]]}"});
    ASSERT_SILENT({"nodes.gateway.send_queue.limit", "unlimited"},
                  {"traffic.chat.bytes.constant", "200KiB"});
    ASSERT_SILENT({"nodes.gateway.turn.flush_bytes", "1024B"},
                  {"traffic.chat.bytes.constant", "1024"});
    ASSERT_WARNING({"nodes.gateway.turn.flush_bytes", "1024B"},
                   {"traffic.chat.bytes.constant", "1025"});
    ASSERT_SILENT(
        {"nodes.gateway.turn.flush_bytes", "1024B"}, {"traffic.chat.bytes.constant", "1025"},
        {"nodes.gateway.fan_out", "write_at_once"}); /* gathers nothing, so flushes nothing */
}
END_TEST

START_TEST(a_queue_without_bounds_has_no_limit_that_matters) {
    ASSERT_SILENT({"nodes.gateway.send_queue.policy", "unbounded"});
    ASSERT_WARNING(
        {"nodes.gateway.send_queue", "{\"policy\": \"unbounded\", \"limit\": \"64KiB\"}"});
    ASSERT_WARNING({"nodes.gateway.send_queue", "{\"policy\": \"blocking\", \"messages\": 5}"});
    ASSERT_SILENT({"nodes.gateway.send_queue", "{\"policy\": \"conflate\", \"messages\": 5}"});
    ASSERT_SILENT({"nodes.gateway.send_queue.policy", "blocking"},
                  {"traffic.chat.bytes.constant", "250KiB"},
                  {"nodes.gateway.turn.flush_bytes", "1MiB"});
    /* its limit is warned of once, and not also held against a message */
    ASSERT_WARNING(
        {"nodes.gateway.send_queue", "{\"policy\": \"unbounded\", \"limit\": \"1000B\"}"},
        {"traffic.chat.bytes.constant", "1001"});
}
END_TEST

START_TEST(only_members_publish) {
    ASSERT_ERROR({"populations.more", "{\"connections\": 1}"}, {"traffic.chat.from", "more"});
    ASSERT_SILENT({"populations.more", "{\"connections\": 1}"}, {"traffic.chat.from", "more"},
                  {"rooms.halls.members", "[\"users\", \"more\"]"});
}
END_TEST

START_TEST(one_unknown_name_is_one_mistake) {
    ASSERT_ERROR({"rooms.halls.members", "[\"usres\"]"});
    ASSERT_ERROR({"traffic.chat.from", "nobody"});
    ASSERT_ERROR({"traffic.chat.to", "nowhere"});
    ASSERT_ERROR({"populations.users", "null"}); /* not also that nobody publishes */
}
END_TEST

START_TEST(the_window_is_longer_than_what_counts_as_late) {
    ASSERT_SILENT({"window.measure", "100ms"}, {"objectives.delivery.within", "100ms"});
    ASSERT_WARNING({"window.measure", "100ms"}, {"objectives.delivery.within", "101ms"});
}
END_TEST

START_TEST(the_two_programs_have_a_processor_each) {
    ASSERT_SILENT({"machine.gateway_cpu", "2"});
    ASSERT_WARNING({"machine.gateway_cpu", "1"});
}
END_TEST

START_TEST(a_scenario_may_have_neither_rooms_nor_traffic) {
    ASSERT_SILENT({"traffic.chat", "null"});
    ASSERT_SILENT({"traffic.chat", "null"}, {"rooms.halls", "null"});
    ASSERT_ERROR({"rooms.halls", "null"}); /* the traffic is still there */
    ASSERT_ERROR({"nodes.gateway", "null"});
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_room_may_hold_all_of_its_clients_and_no_more),
        TEST(of_random_rooms_it_is_the_mean_that_must_fit),
        TEST(a_stall_may_fill_its_period_and_no_more),
        TEST(a_single_stall_needs_its_start),
        TEST(stalling_is_for_those_that_stall),
        TEST(a_soft_limit_has_a_time_and_stays_below_the_limit),
        TEST(a_message_fits_into_the_queue_and_the_flush),
        TEST(a_queue_without_bounds_has_no_limit_that_matters),
        TEST(only_members_publish),
        TEST(one_unknown_name_is_one_mistake),
        TEST(the_window_is_longer_than_what_counts_as_late),
        TEST(the_two_programs_have_a_processor_each),
        TEST(a_scenario_may_have_neither_rooms_nor_traffic),
    };
    return suite_run("models/spec/cross_check", tests, COUNT_OF(tests));
}
