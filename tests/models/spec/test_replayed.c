/* Rates from a file: what becomes of its lines, where it is looked for, and how many it may have.
 * Its mistakes are in broken/. */
#include "tests/models/spec/fixture.h"

#define REPLAYED(scope)                                                                            \
    "\"traffic\": {\"chat\": {\"from\": \"users\", \"to\": \"halls\", \"rate\": {\"poisson\": "    \
    "{\"csv\": \"day.csv\", \"scope\": \"" scope "\"}}, \"bytes\": {\"constant\": 100}}}"

static void assert_is_day(const struct spec_pace *pace) {
    ck_assert_int_eq(pace->per, SPEC_IN_ALL);
    ck_assert_int_eq(pace->stages_count, 3);
    ck_assert_int_eq(pace->stages[0].for_ns, INT64_C(60250000000));
    ck_assert_double_eq(pace->stages[0].rate_per_s, 120);
    ck_assert_int_eq(pace->stages[1].for_ns, INT64_C(59750000000));
    ck_assert_double_eq(pace->stages[1].rate_per_s, 135.5);
    ck_assert_int_eq(pace->stages[2].for_ns, BASE_NS_MAX);
    ck_assert_double_eq(pace->stages[2].rate_per_s, 0.25);
}

/* Seconds of the epoch, the marks and line ends of a spreadsheet, remarks, blanks. What is written
 * out has the rates themselves, and needs no file: another content is another scenario. */
START_TEST(rates_of_a_file_become_stages_and_are_written_as_such) {
    struct file items[] = {{"a/day.csv",
                            "\xef\xbb\xbf# monday\r\ntime_s,rate_per_s\r\n1700000000,120\r\n"
                            "\r\n1700000060.25 , 135.5\r\n1700000120,0.25"}};
    struct files files = {items, COUNT_OF(items)};
    struct spec_options options = options_of("a/top.json", &files);
    struct parsed parsed, again;
    parsed_init_with(&parsed,
                     "{\"name\": \"demo\", " DEMO_POPULATIONS ", " DEMO_ROOMS
                     ", " REPLAYED("in all") ", " DEMO_NODES
                                             ", \"window\": {\"measure\": \"5min\"}}",
                     &options);
    ASSERT_GOOD(&parsed);
    ck_assert_int_eq(parsed.diag.items_count, 0);
    assert_is_day(&parsed.scenario.traffic[0].rate);
    struct text text;
    text_init(&text);
    spec_write(&parsed.scenario, &text);
    parsed_init(&again, text_bytes(&text));
    ASSERT_GOOD(&again);
    assert_is_day(&again.scenario.traffic[0].rate);
    text_fini(&text);
    parsed_fini(&again);
    parsed_fini(&parsed);
}
END_TEST

/* From the command line a path counts from the current folder, in a study from the study's. */
START_TEST(a_setting_names_a_file_from_where_it_is_written) {
    struct file items[] = {{"day.csv", "time_s,rate_per_s\n0,3\n"},
                           {"studies/day.csv", "time_s,rate_per_s\n0,7\n"}};
    struct files files = {items, COUNT_OF(items)};
    struct spec_setting setting = {
        "traffic.chat.rate", "{\"constant\": {\"csv\": \"day.csv\", \"scope\": \"per user\"}}"};
    struct spec_setting_place place = {{.file = "studies/s.json"}, {.file = "studies/s.json"}};
    for (int is_study = 0; is_study <= 1; is_study++) {
        struct spec_options options = options_of("a/top.json", &files);
        options.settings = &setting;
        options.settings_count = 1;
        options.settings_places = is_study ? &place : NULL;
        struct parsed parsed;
        parsed_init_with(&parsed, DEMO, &options);
        ASSERT_GOOD(&parsed);
        ck_assert_double_eq(parsed.scenario.traffic[0].rate.stages[0].rate_per_s, is_study ? 7 : 3);
        parsed_fini(&parsed);
    }
}
END_TEST

/* Four files of 2,000 lines are the most: what is written out must be read again. */
START_TEST(a_file_has_two_thousand_lines_at_most_and_all_have_eight_thousand) {
    struct text csv, scenario;
    text_init(&csv);
    text_add(&csv, "time_s,rate_per_s\n");
    for (int i = 0; i < 2000; i++)
        text_addf(&csv, "%d,5\n", i);
    for (int count = 4; count <= 6; count++) {
        if (count == 6) /* one line more */
            text_add(&csv, "2000,5\n");
        struct file item = {"day.csv", text_bytes(&csv)};
        struct files files = {&item, 1};
        struct spec_options options = options_of("top.json", &files);
        text_init(&scenario);
        text_add(&scenario, "{\"name\": \"demo\", " DEMO_POPULATIONS ", " DEMO_ROOMS ", " DEMO_NODES
                            ", \"window\": {\"measure\": \"1h\"}, \"traffic\": {");
        for (int i = 0; i < (count == 6 ? 1 : count); i++)
            text_addf(
                &scenario,
                "%s\"t%d\": {\"from\": \"users\", \"to\": \"halls\", \"rate\": {\"poisson\": "
                "{\"csv\": \"day.csv\", \"scope\": \"in all\"}}, \"bytes\": {\"constant\": 100}}",
                i ? ", " : "", i);
        text_add(&scenario, "}}");
        struct parsed parsed;
        parsed_init_with(&parsed, text_bytes(&scenario), &options);
        ck_assert_int_eq(parsed.is_good, count == 4);
        if (count == 5)
            ck_assert_ptr_nonnull(strstr(text_bytes(&parsed.messages),
                                         "10000 rates over time, of all traffic and "
                                         "arrivals together; expected 8000 at most"));
        if (count == 6)
            ck_assert_ptr_nonnull(strstr(text_bytes(&parsed.messages),
                                         "day.csv:2002:1: traffic.t0.rate.poisson.csv: more than "
                                         "2000 lines of rates"));
        parsed_fini(&parsed);
        text_fini(&scenario);
    }
    text_fini(&csv);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(rates_of_a_file_become_stages_and_are_written_as_such),
        TEST(a_setting_names_a_file_from_where_it_is_written),
        TEST(a_file_has_two_thousand_lines_at_most_and_all_have_eight_thousand),
    };
    return suite_run("models/spec/replayed", tests, COUNT_OF(tests));
}
