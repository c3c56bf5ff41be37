/* --set: what a path reaches, what a value may be, and the whole message of each slip. */
#include "tests/models/spec/fixture.h"

enum { SETTINGS_MAX = 4 };

static void init_set(struct parsed *parsed, const struct spec_setting *settings, int32_t count) {
    const struct spec_options options = {
        .file = "demo.json", .settings = settings, .settings_count = count};
    parsed_init_with(parsed, DEMO, &options);
}

static void init_set_one(struct parsed *parsed, const char *path, const char *value) {
    const struct spec_setting setting = {path, value};
    init_set(parsed, &setting, 1);
}

START_TEST(a_path_reaches_every_kind_of_field) {
    struct parsed parsed;
    init_set_one(&parsed, "nodes.gateway.workers", "3");
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.nodes[0].workers, 3);
    parsed_fini(&parsed);
    init_set_one(&parsed, "nodes.gateway.send_queue.policy", "drop_oldest");
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.nodes[0].send_queue.policy, SPEC_DROP_OLDEST);
    parsed_fini(&parsed);
    init_set_one(&parsed, "window.measure", "2.385s");
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.window.measure, INT64_C(2385000000));
    parsed_fini(&parsed);
    init_set_one(&parsed, "seed", "18446744073709551615");
    ASSERT_GOOD(&parsed);
    ck_assert(parsed.scenario.seed == UINT64_MAX);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_bare_word_for_a_name_is_text_whatever_it_looks_like) {
    struct parsed parsed;
    init_set_one(&parsed, "name", "17");
    ASSERT_GOOD(&parsed);
    ck_assert_str_eq(parsed.scenario.name, "17");
    parsed_fini(&parsed);
    init_set_one(&parsed, "about", "[draft] true");
    ASSERT_GOOD(&parsed);
    ck_assert_str_eq(parsed.scenario.about, "[draft] true");
    parsed_fini(&parsed);
    init_set_one(&parsed, "about", "\"in \\u0022quotes\\u0022\"");
    ASSERT_GOOD(&parsed);
    ck_assert_str_eq(parsed.scenario.about, "in \"quotes\"");
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_value_may_be_json) {
    struct parsed parsed;
    init_set_one(&parsed, "rooms.halls.size", "{\"zipf\": {\"exponent\": 1.5, \"highest\": 90}}");
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.rooms[0].size.kind, SPEC_DIST_ZIPF);
    parsed_fini(&parsed);
    init_set_one(&parsed, "rooms.halls.members", "[\"users\"]");
    ASSERT_GOOD(&parsed);
    parsed_fini(&parsed);
    init_set_one(&parsed, "nodes.gateway.turn", "{\"events\": 5, \"read\": \"1KiB\"}");
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.nodes[0].turn.events, 5);
    ck_assert_int_eq(parsed.scenario.nodes[0].turn.flush_bytes, 256 << 10);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_path_goes_on_into_a_distribution) {
    struct parsed parsed;
    init_set_one(&parsed, "rooms.halls.size.constant", "50");
    ASSERT_GOOD(&parsed);
    ck_assert_double_eq(parsed.scenario.rooms[0].size.constant, 50);
    parsed_fini(&parsed);
    init_set_one(&parsed, "traffic.chat.rate.poisson", "7/s per user");
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.traffic[0].rate.per, SPEC_PER_USER);
    ck_assert_double_eq(parsed.scenario.traffic[0].rate.stages[0].rate_per_s, 7);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(one_parameter_of_a_distribution_leaves_the_others) {
    struct parsed parsed;
    const struct spec_setting settings[] = {
        {"rooms.halls.size", "{\"log_normal\": {\"mean\": 20, \"sigma\": 0.7}}"},
        {"rooms.halls.size.log_normal.mean", "30"}};
    init_set(&parsed, settings, 2);
    ASSERT_GOOD(&parsed);
    ck_assert_double_eq(parsed.scenario.rooms[0].size.mean, 30);
    ck_assert_double_eq(parsed.scenario.rooms[0].size.sigma, 0.7);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(an_optional_part_comes_and_goes) {
    struct parsed parsed;
    const struct spec_setting settings[] = {{"populations.users.receive.stall.every", "9s"},
                                            {"populations.users.receive.stall.for", "1s"}};
    init_set(&parsed, settings, 2);
    ASSERT_GOOD(&parsed);
    ck_assert(parsed.scenario.populations[0].receive.has_stall);
    ck_assert_int_eq(parsed.scenario.populations[0].receive.stall.for_, BASE_NS_PER_S);
    parsed_fini(&parsed);
    const struct spec_setting taken[] = {
        settings[0], settings[1], {"populations.users.receive.stall", "null"}};
    init_set(&parsed, taken, 3);
    ASSERT_GOOD(&parsed);
    ck_assert(!parsed.scenario.populations[0].receive.has_stall);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(the_last_setting_of_a_field_counts) {
    struct parsed parsed;
    const struct spec_setting settings[] = {{"nodes.gateway.workers", "3"},
                                            {"nodes.gateway.workers", "4"}};
    init_set(&parsed, settings, 2);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.nodes[0].workers, 4);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(a_whole_object_makes_an_entry_that_later_settings_reach) {
    struct parsed parsed;
    const struct spec_setting settings[] = {{"populations.guests", "{\"connections\": 5}"},
                                            {"populations.guests.connections", "6"}};
    init_set(&parsed, settings, 2);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.populations_count, 2);
    ck_assert_int_eq(parsed.scenario.populations[1].connections, 6);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(an_entry_whose_name_has_dots_is_the_longest_that_fits) {
    struct parsed parsed;
    const struct spec_setting settings[] = {
        {"populations", "{\"eu\": {\"connections\": 5}, \"eu.west\": {\"connections\": 6}}"},
        {"populations.eu.west.connections", "60"},
        {"populations.eu.connections", "50"}};
    init_set(&parsed, settings, 3);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.scenario.populations[1].connections, 50);
    ck_assert_int_eq(parsed.scenario.populations[2].connections, 60);
    parsed_fini(&parsed);
}
END_TEST

START_TEST(each_slip_earns_its_message) {
    static const struct {
        const char *path, *value, *message;
    } cases[] = {
        {"nodes.gateway.workers", "0",
         "nodes.gateway.workers: 0 is out of range; expected 1 to 64"},
        {"nodes.gateway.workers", "many",
         "nodes.gateway.workers: \"many\" is not a whole number; expected 1 to 64"},
        {"nodes.gateway.workers", "null",
         "nodes.gateway.workers: null is not a whole number; expected 1 to 64"},
        {"nodes.gateway.worker", "2",
         "nodes.gateway: \"worker\" is not a field here; did you mean \"workers\"?"},
        {"nodes.gatewy.workers", "2",
         "nodes: \"gatewy\" is not an entry here; did you mean \"gateway\"?"},
        {"node.gateway.workers", "2", "\"node\" is not a field here; did you mean \"nodes\"?"},
        {"colour", "blue",
         "\"colour\" is not a field here; expected name, about, seed, objectives, populations, "
         "rooms, "
         "traffic, nodes, balancer, backplane, faults, presence, window, prices, plan or machine"},
        {"populations.guests.connections", "5",
         "populations: \"guests\" is not an entry here; expected users"},
        {"populations.guests.receive", "{\"rate\": \"1Mbit/s\"}",
         "populations: \"guests\" is not an entry here; expected users"},
        {"populations.userspace.connections", "5",
         "populations: \"userspace\" is not an entry here; expected users"},
        {"populations.guests", "5", "populations: \"guests\" is not an entry here; expected users"},
        {"populations.guests", "{}",
         "populations.guests: \"connections\" is missing; expected a whole number from 1 "
         "to 10000000"},
        {"populations.my guests", "{\"connections\": 5}",
         "populations.my guests: \"my guests\" is not a name; expected 1 "
         "to 64 letters, digits, \"_\", \"-\" or \".\""},
        {"nodes.gateway.workers.count", "2",
         "nodes.gateway.workers: has no fields of its own; found \"count\" behind it"},
        {"nodes.gateway", "3", "nodes.gateway: 3 is not an object; expected fields in { }"},
        {"nodes.gateway.turn", "fast",
         "nodes.gateway.turn: \"fast\" is not an object; expected fields in { }"},
        {"nodes.second", "3", "nodes: \"second\" is not an entry here; expected gateway"},
        {"populations.users", "null", "\"populations\" is empty; expected at least one population"},
        {"window.measure", "10",
         "window.measure: 10 has no unit; expected a time such as \"10ms\"; the units are ns, us, "
         "ms, "
         "s, min, h, d"},
        {"rooms.halls.size.constnt", "5",
         "rooms.halls.size: \"constnt\" is not a distribution; did you mean \"constant\"?"},
        {"rooms.halls.size.log_normal.mean", "5",
         "rooms.halls.size.log_normal: \"sigma\" is missing"},
        {"rooms.halls.members", "users",
         "rooms.halls.members: \"users\" is not a list; expected a list of 1 to 16 names in [ ]"},
        {"rooms.halls.members", "[\"users\"", "the list is not closed; expected \"]\""},
        {"rooms.halls.size", "{\"constant\": 5,}",
         "a comma after the last value; remove it, at character 15 of "
         "\"{\\\"constant\\\": 5,}\""},
        {"rooms.halls.size", "{\"constant\": 5, \"constant\": 6}", "\"constant\" is given twice"},
        {"traffic.chat.from", "nobody",
         "traffic.chat.from: there is no population \"nobody\"; there are users"},
        {"extends", "base.json",
         "\"extends\" is not a field here; expected name, about, seed, objectives, populations, "
         "rooms, traffic, nodes, balancer, backplane, faults, presence, window, prices, plan or "
         "machine"},
        {"", "5", "a path without a name; expected name.name...=value"},
        {"nodes.", "5", "nodes: 5 is not an object; expected fields in { }"},
        {"nodes..workers", "5", "nodes: \"\" is not an entry here; expected gateway"},
        {".nodes", "5",
         "\"\" is not a field here; expected name, about, seed, objectives, populations, rooms, "
         "traffic, "
         "nodes, balancer, backplane, faults, presence, window, prices, plan or machine"},
        {"rooms.halls.size.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "5", "a path of more than 16 names"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct parsed parsed;
        init_set_one(&parsed, cases[i].path, cases[i].value);
        struct text messages = parsed_messages_new(&parsed);
        text_add(&messages, "");
        char expected[512];
        snprintf(expected, sizeof expected, "%s\n", cases[i].message);
        ck_assert_str_eq(text_bytes(&messages), expected);
        ck_assert(!parsed.is_good);
        text_fini(&messages);
        parsed_fini(&parsed);
    }
}
END_TEST

START_TEST(a_slip_is_placed_at_the_setting_and_not_in_the_file) {
    struct parsed parsed;
    init_set_one(&parsed, "nodes.gateway.workers", "0");
    ck_assert_str_eq(text_bytes(&parsed.messages),
                     "--set: nodes.gateway.workers: 0 is out of range; expected 1 to 64\n");
    parsed_fini(&parsed);
}
END_TEST

START_TEST(all_settings_are_read_before_giving_up) {
    struct parsed parsed;
    const struct spec_setting settings[SETTINGS_MAX] = {{"nodes.gateway.workers", "0"},
                                                        {"sed", "1"},
                                                        {"seed", "-1"},
                                                        {"nodes.gateway.memory", "1"}};
    init_set(&parsed, settings, SETTINGS_MAX);
    ck_assert_int_eq(parsed.diag.errors_count, SETTINGS_MAX);
    parsed_fini(&parsed);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_path_reaches_every_kind_of_field),
        TEST(a_bare_word_for_a_name_is_text_whatever_it_looks_like),
        TEST(a_value_may_be_json),
        TEST(a_path_goes_on_into_a_distribution),
        TEST(one_parameter_of_a_distribution_leaves_the_others),
        TEST(an_optional_part_comes_and_goes),
        TEST(the_last_setting_of_a_field_counts),
        TEST(a_whole_object_makes_an_entry_that_later_settings_reach),
        TEST(an_entry_whose_name_has_dots_is_the_longest_that_fits),
        TEST(each_slip_earns_its_message),
        TEST(a_slip_is_placed_at_the_setting_and_not_in_the_file),
        TEST(all_settings_are_read_before_giving_up),
    };
    return suite_run("models/spec/setting", tests, COUNT_OF(tests));
}
