/* Fields one by one: every row's default, bounds and words through its own parser, and what units
 * were probably meant. */
#include "models/spec/value.h"

#include "tests/models/spec/fixture.h"

#include <math.h>

static struct arena arena;
static struct diag diag;
static struct json_source nowhere = {.file = "t"};

static void set_up(void) {
    arena_init(&arena);
    diag_init(&diag);
}

static void tear_down(void) {
    diag_fini(&diag);
    arena_fini(&arena);
}

/* Large enough for any field. */
union slot {
    int64_t whole;
    double real;
    uint64_t seed;
    const char *text;
    struct spec_names names;
    struct spec_dist dist;
    struct spec_pace pace;
    char bytes[256];
};

static bool parse_json(const struct table_row *row, const char *text, union slot *slot) {
    struct reading reading;
    reading_init(&reading, &arena, &diag);
    struct text wrapped;
    text_init(&wrapped);
    text_addf(&wrapped, "{\"v\": %s}", text);
    const struct json *json =
        json_read(arena_new_text(&arena, text_bytes(&wrapped)), "t", &reading);
    text_fini(&wrapped);
    return json && value_parse(&reading, row, json->first, slot);
}

/* `text` as a row spells it: a number bare, all else in quotes. */
static bool parse_spelt(const struct table_row *row, const char *text, union slot *slot) {
    bool is_number = !value_is_text(row) && json_is_number(text);
    const struct json *json = json_new(&arena, is_number ? JSON_NUMBER : JSON_STRING,
                                       arena_new_text(&arena, text), &nowhere);
    struct reading reading;
    reading_init(&reading, &arena, &diag);
    return value_parse(&reading, row, json, slot);
}

static const struct table_row *row_of(const char *tag, const char *key) {
    for (int32_t i = 0; i < table_all_count; i++)
        if (strcmp(table_all[i]->tag, tag) == 0)
            return table_find(table_all[i], key);
    ck_abort_msg("no table %s", tag);
    return NULL;
}

static void assert_writes_and_reads_back(const struct table_row *row, const union slot *slot) {
    struct text once, twice;
    union slot back = {.bytes = {0}};
    text_init(&once);
    text_init(&twice);
    value_write(row, slot, &once);
    ck_assert_msg(parse_json(row, text_bytes(&once), &back), "%s: %s", row->name,
                  text_bytes(&once));
    value_write(row, &back, &twice);
    ck_assert_str_eq(text_bytes(&once), text_bytes(&twice));
    text_fini(&twice);
    text_fini(&once);
}

static bool is_value(const struct table_row *row) {
    return row->kind == TABLE_FIELD || row->kind == TABLE_CHOICE;
}

START_TEST(every_default_is_read_by_its_own_parser_and_reads_back) {
    set_up();
    int defaults = 0;
    for (int32_t t = 0; t < table_all_count; t++) {
        for (int32_t i = 0; i < table_all[t]->count; i++) {
            const struct table_row *row = &table_all[t]->rows[i];
            union slot slot = {.bytes = {0}};
            if (!is_value(row) || !row->standard)
                continue;
            defaults++;
            value_set_default(row, &arena, &slot);
            ck_assert_msg(parse_spelt(row, row->standard, &slot), "%s", row->name);
            assert_writes_and_reads_back(row, &slot);
        }
    }
    ck_assert_int_gt(defaults,
                     25); /* the rows that have one, so that the loop is known to have run */
    tear_down();
}
END_TEST

static bool has_unit_range(const struct table_row *row) {
    return row->kind == TABLE_FIELD && row->lowest[0] && row->type < TABLE_SEED;
}

/* The next value beyond a bound, spelt in the type's smallest unit. */
static const char *beyond(const struct table_row *row, const char *bound, int direction) {
    static const enum units_kind kinds[TABLE_TYPES_COUNT] = {
        [TABLE_BYTES] = UNITS_BYTES,        [TABLE_BYTES_OR_UNLIMITED] = UNITS_BYTES,
        [TABLE_TIME] = UNITS_TIME,          [TABLE_TIME_OR_AUTO] = UNITS_TIME,
        [TABLE_TIME_OR_NEVER] = UNITS_TIME, [TABLE_BITRATE_OR_UNLIMITED] = UNITS_BITRATE,
    };
    static const char *const units[] = {"", "ns", "B", "bit/s"};
    enum units_kind kind = kinds[row->type];
    struct units_result result;
    ck_assert(units_parse(kind, bound, &result));
    double value =
        row->type == TABLE_SHARE ? result.value + direction * 1e-9 : result.value + direction;
    return arena_new_format(&arena, "%.17g%s", value, units[kind]);
}

START_TEST(every_field_takes_its_bounds_and_refuses_what_lies_beyond) {
    set_up();
    int fields = 0;
    for (int32_t t = 0; t < table_all_count; t++) {
        for (int32_t i = 0; i < table_all[t]->count; i++) {
            const struct table_row *row = &table_all[t]->rows[i];
            union slot slot = {.bytes = {0}};
            if (!has_unit_range(row))
                continue;
            fields++;
            ck_assert_msg(parse_spelt(row, row->lowest, &slot), "%s: %s", row->name, row->lowest);
            assert_writes_and_reads_back(row, &slot);
            ck_assert_msg(parse_spelt(row, row->highest, &slot), "%s: %s", row->name, row->highest);
            assert_writes_and_reads_back(row, &slot);
            const char *below = beyond(row, row->lowest, -1), *above = beyond(row, row->highest, 1);
            ck_assert_msg(!parse_spelt(row, below, &slot), "%s: %s", row->name, below);
            ck_assert_msg(!parse_spelt(row, above, &slot), "%s: %s", row->name, above);
        }
    }
    ck_assert_int_gt(fields, 25);
    tear_down();
}
END_TEST

START_TEST(bounds_are_exact_in_a_double) {
    set_up();
    for (int32_t t = 0; t < table_all_count; t++) {
        for (int32_t i = 0; i < table_all[t]->count; i++) {
            const struct table_row *row = &table_all[t]->rows[i];
            union slot slot = {.bytes = {0}};
            if (!has_unit_range(row) || row->type == TABLE_SHARE || row->type == TABLE_PRICE ||
                row->type == TABLE_BITRATE_OR_UNLIMITED)
                continue;
            ck_assert(parse_spelt(row, row->highest, &slot));
            ck_assert_int_le(slot.whole, INT64_C(1) << 53);
        }
    }
    tear_down();
}
END_TEST

START_TEST(words_stand_for_what_no_number_says) {
    set_up();
    union slot slot = {.bytes = {0}};
    ck_assert(parse_json(row_of("room_group", "count"), "\"auto\"", &slot));
    ck_assert_int_eq(slot.whole, SPEC_AUTO);
    ck_assert(parse_json(row_of("send_queue", "messages"), "\"unlimited\"", &slot));
    ck_assert_int_eq(slot.whole, SPEC_UNLIMITED);
    ck_assert(parse_json(row_of("send_queue", "limit"), "\"unlimited\"", &slot));
    ck_assert_int_eq(slot.whole, SPEC_UNLIMITED);
    ck_assert(parse_json(row_of("stall", "for"), "\"never\"", &slot));
    ck_assert_int_eq(slot.whole, BASE_NS_MAX);
    ck_assert(parse_json(row_of("window", "warm_up"), "\"auto\"", &slot));
    ck_assert_int_eq(slot.whole, SPEC_AUTO);
    ck_assert(parse_json(row_of("receive", "rate"), "\"unlimited\"", &slot));
    ck_assert_double_infinite(slot.real);
    tear_down();
}
END_TEST

/* Expected figures: by hand from the units (1 min = 60 s, 1 KiB = 1024 B, 1 kB/s = 8 kbit/s). */
START_TEST(quantities_become_base_units) {
    set_up();
    union slot slot = {.bytes = {0}};
    ck_assert(parse_json(row_of("window", "measure"), "\"2.385s\"", &slot));
    ck_assert_int_eq(slot.whole, INT64_C(2385000000));
    ck_assert(parse_json(row_of("window", "measure"), "\"1.0000000006s\"", &slot));
    ck_assert_int_eq(slot.whole, INT64_C(1000000001)); /* to the nearest nanosecond */
    ck_assert(parse_json(row_of("window", "measure"), "\"1h30min\"", &slot));
    ck_assert_int_eq(slot.whole, INT64_C(5400000000000));
    ck_assert(parse_json(row_of("node", "send_buffer"), "\"65.5KiB\"", &slot));
    ck_assert_int_eq(slot.whole, 67072);
    ck_assert(parse_json(row_of("receive", "rate"), "\"23.85kB/s\"", &slot));
    ck_assert_double_eq(slot.real, 190800);
    tear_down();
}
END_TEST

START_TEST(a_seed_keeps_all_of_its_64_bits) {
    static const struct {
        const char *json, *written;
        uint64_t seed;
    } cases[] = {
        {"0", "0", 0},
        {"9007199254740992", "9007199254740992", UINT64_C(1) << 53},
        {"9007199254740993", "\"9007199254740993\"",
         (UINT64_C(1) << 53) + 1}, /* no double is this */
        {"\"9007199254740993\"", "\"9007199254740993\"", (UINT64_C(1) << 53) + 1},
        {"18446744073709551615", "\"18446744073709551615\"", UINT64_MAX},
        {"\"18446744073709551615\"", "\"18446744073709551615\"", UINT64_MAX},
    };
    set_up();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        union slot slot = {.bytes = {0}};
        ck_assert(parse_json(row_of("scenario", "seed"), cases[i].json, &slot));
        ck_assert(slot.seed == cases[i].seed);
        struct text text;
        text_init(&text);
        value_write(row_of("scenario", "seed"), &slot, &text);
        ck_assert_str_eq(text_bytes(&text), cases[i].written);
        text_fini(&text);
    }
    tear_down();
}
END_TEST

static const char *first_message(const struct table_row *row, const char *json) {
    union slot slot = {.bytes = {0}};
    diag_fini(&diag);
    ck_assert(!parse_json(row, json, &slot));
    ck_assert_int_eq(diag.errors_count, 1);
    return diag.items[0].message;
}

/* What comes after "did you mean", or "" */
static const char *suggestion(const struct table_row *row, const char *json) {
    const char *found = strstr(first_message(row, json), "did you mean \"");
    if (!found)
        return "";
    found += strlen("did you mean \"");
    return arena_new_text_n(&arena, found, strcspn(found, "\""));
}

START_TEST(a_wrong_unit_suggests_the_one_that_was_probably_meant) {
    static const struct {
        const char *tag, *key, *json, *suggestion;
    } cases[] = {
        {"node", "send_buffer", "\"64kib\"", "64KiB"},
        {"node", "send_buffer", "\"64 KiB\"", "64KiB"},
        {"node", "send_buffer", "\"64K\"", "64KiB"},
        {"node", "send_buffer", "\"64k\"", "64kB"},
        {"node", "send_buffer", "\"64KB\"", "64kB"},
        {"node", "send_buffer", "\"64M\"", ""}, /* MB or MiB? */
        {"node", "send_buffer", "\"64bytes\"", ""},
        {"node", "send_buffer", "\"64Bytes\"", "64B"},
        {"node", "memory", "\"unlimeted\"", "unlimited"},
        {"window", "measure", "\"10sec\"", "10s"},
        {"window", "measure", "\"10 minutes\"", "10min"},
        {"window", "measure", "\"500msec\"", "500ms"},
        {"window", "measure", "\"5m\"", ""}, /* ms or min? */
        {"window", "measure", "\"5u\"", "5us"},
        {"window", "measure", "\"3parsec\"", ""},
        {"receive", "rate", "\"10Mbps\"", "10Mbit/s"}, /* never MB/s: eight times off */
        {"receive", "rate", "\"10mbps\"", "10Mbit/s"},
        {"receive", "rate", "\"10bps\"", "10bit/s"},
        {"receive", "rate", "\"10Mbit\"", "10Mbit/s"},
        {"receive", "rate", "\"10MBit/s\"", "10Mbit/s"},
    };
    set_up();
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_str_eq(suggestion(row_of(cases[i].tag, cases[i].key), cases[i].json),
                         cases[i].suggestion);
    tear_down();
}
END_TEST

START_TEST(a_quantity_of_another_kind_is_called_what_it_is) {
    set_up();
    ck_assert_str_eq(
        first_message(row_of("window", "measure"), "\"10MiB\""),
        "\"10MiB\" is an amount of bytes, not a time; expected one such as \"10ms\"; the units "
        "are ns, us, ms, s, min, h, d");
    ck_assert_str_eq(
        first_message(row_of("node", "session"), "\"2/s\""),
        "\"2/s\" is a rate, not an amount of bytes; expected one such as \"64KiB\"; the units are "
        "B, kB, MB, GB, KiB, MiB, GiB");
    tear_down();
}
END_TEST

/* 90 a minute are 1.5 a second; 1 an hour is 1/3600. */
START_TEST(a_pace_is_a_rate_and_what_it_counts) {
    set_up();
    const struct table_row *row = row_of("traffic", "rate");
    union slot slot = {.bytes = {0}};
    ck_assert(parse_json(row, "{\"constant\": \"90/min per user\"}", &slot));
    ck_assert_int_eq(slot.pace.kind, SPEC_PACE_CONSTANT);
    ck_assert_int_eq(slot.pace.per, SPEC_PER_USER);
    ck_assert_int_eq(slot.pace.stages_count, 1);
    ck_assert_double_eq(slot.pace.stages[0].rate_per_s, 1.5);
    ck_assert_int_eq(slot.pace.stages[0].for_ns, BASE_NS_MAX);
    ck_assert(parse_json(row, "{\"poisson\": \"1/h in all\"}", &slot));
    ck_assert_double_eq(slot.pace.stages[0].rate_per_s, 1 / 3600.0);
    assert_writes_and_reads_back(row, &slot);
    tear_down();
}
END_TEST

START_TEST(stages_follow_one_another_and_the_last_lasts) {
    set_up();
    const struct table_row *row = row_of("traffic", "rate");
    union slot slot = {.bytes = {0}};
    ck_assert(parse_json(
        row,
        "{\"poisson\": [{\"for\": \"2.385s\", \"rate\": \"0.7/s per room\"}, {\"for\": \"1min\", "
        "\"rate\": \"1/min per room\"}, {\"rate\": \"5/s per room\"}]}",
        &slot));
    ck_assert_int_eq(slot.pace.stages_count, 3);
    ck_assert_int_eq(slot.pace.stages[0].for_ns, INT64_C(2385000000));
    ck_assert_double_eq(slot.pace.stages[0].rate_per_s, 0.7);
    ck_assert_int_eq(slot.pace.stages[1].for_ns, 60 * BASE_NS_PER_S);
    ck_assert_int_eq(slot.pace.stages[2].for_ns, BASE_NS_MAX);
    assert_writes_and_reads_back(row, &slot);
    tear_down();
}
END_TEST

START_TEST(there_are_two_thousand_stages_at_most) {
    for (int count = 2000; count <= 2001; count++) {
        set_up();
        union slot slot = {.bytes = {0}};
        struct text text;
        text_init(&text);
        text_add(&text, "{\"poisson\": [");
        for (int i = 1; i < count; i++)
            text_add(&text, "{\"for\": \"1s\", \"rate\": \"1/s per room\"}, ");
        text_add(&text, "{\"rate\": \"1/s per room\"}]}");
        ck_assert_int_eq(parse_json(row_of("traffic", "rate"), text_bytes(&text), &slot),
                         count == 2000);
        if (count > 2000)
            ck_assert_str_eq(diag.items[0].message,
                             "poisson: a list of 2001 stages; expected 1 to 2000");
        text_fini(&text);
        tear_down();
    }
}
END_TEST

START_TEST(distributions_keep_what_they_say_and_fill_in_the_rows_range) {
    set_up();
    const struct table_row *size = row_of("room_group", "size"),
                           *bytes = row_of("traffic", "bytes");
    union slot slot = {.bytes = {0}};
    ck_assert(parse_json(size, "{\"zipf\": {\"exponent\": 1.1, \"lowest\": 2}}", &slot));
    ck_assert_int_eq(slot.dist.kind, SPEC_DIST_ZIPF);
    ck_assert_double_eq(slot.dist.exponent, 1.1);
    ck_assert_double_eq(slot.dist.lowest, 2);
    ck_assert_double_eq(slot.dist.highest, 10000000);
    assert_writes_and_reads_back(size, &slot);
    ck_assert(
        parse_json(size, "{\"zipf\": {\"exponent\": 1.1, \"lowest\": 7, \"highest\": 7}}", &slot));
    ck_assert_double_eq(slot.dist.lowest, slot.dist.highest);
    ck_assert(parse_json(bytes, "{\"log_normal\": {\"mean\": \"1.5KiB\", \"sigma\": 1.2}}", &slot));
    ck_assert_double_eq(slot.dist.mean, 1536);
    ck_assert_double_eq(slot.dist.lowest, 48);
    ck_assert_double_eq(slot.dist.highest, 1048568);
    assert_writes_and_reads_back(bytes, &slot);
    ck_assert(parse_json(bytes, "{\"empirical\": [[64, 0.75], [\"8KiB\", 0.25]]}", &slot));
    ck_assert_int_eq(slot.dist.points_count, 2);
    ck_assert_double_eq(slot.dist.values[1], 8192);
    ck_assert_double_eq(slot.dist.weights[1], 0.25);
    assert_writes_and_reads_back(bytes, &slot);
    tear_down();
}
END_TEST

START_TEST(a_delay_is_a_time_or_a_distribution_of_times) {
    set_up();
    const struct table_row *latency = row_of("backplane", "latency");
    union slot slot = {.bytes = {0}};
    ck_assert(parse_json(latency, "\"2.385ms\"", &slot));
    ck_assert_int_eq(slot.dist.kind, SPEC_DIST_CONSTANT);
    ck_assert_double_eq(slot.dist.constant, 2385000);
    assert_writes_and_reads_back(latency, &slot);
    ck_assert(parse_json(latency, "{\"constant\": \"10s\"}", &slot));
    ck_assert_double_eq(slot.dist.constant, 1e10);
    ck_assert(!parse_json(latency, "{\"constant\": \"10001ms\"}", &slot));
    ck_assert(!parse_json(latency, "{\"constant\": 5}", &slot));
    ck_assert(!parse_json(latency, "7", &slot));
    ck_assert(
        parse_json(latency, "{\"log_normal\": {\"mean\": \"300us\", \"sigma\": 0.7}}", &slot));
    ck_assert_double_eq(slot.dist.mean, 300000);
    assert_writes_and_reads_back(latency, &slot);
    ck_assert(parse_json(latency, "{\"empirical\": [[\"1ms\", 9], [\"40ms\", 1]]}", &slot));
    ck_assert_double_eq(slot.dist.values[1], 40e6);
    assert_writes_and_reads_back(latency, &slot);
    ck_assert(!parse_json(latency, "{\"zipf\": {\"exponent\": 1.1}}", &slot));
    tear_down();
}
END_TEST

START_TEST(what_was_there_stays_after_a_mistake) {
    set_up();
    union slot slot = {.whole = 2385};
    ck_assert(!parse_json(row_of("node", "workers"), "65", &slot));
    ck_assert_int_eq(slot.whole, 2385);
    tear_down();
}
END_TEST

START_TEST(a_name_is_short_and_plain) {
    char name[66];
    memset(name, 'n', 65);
    name[65] = '\0';
    ck_assert(!value_is_name(name));
    name[64] = '\0';
    ck_assert(value_is_name(name));
    ck_assert(value_is_name("eu.west-1_A"));
    ck_assert(!value_is_name(""));
    ck_assert(!value_is_name("a b"));
    ck_assert(!value_is_name("\xc3\xa9"));
}
END_TEST

START_TEST(a_double_is_written_in_the_fewest_digits_that_read_back) {
    static const struct {
        double value;
        const char *written;
    } cases[] = {{0.1, "0.1"}, {2.385, "2.385"}, {1e22, "1e+22"},
                 {100, "100"}, {-0.25, "-0.25"}, {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text text;
        text_init(&text);
        value_write_double(cases[i].value, &text);
        ck_assert_str_eq(text_bytes(&text), cases[i].written);
        text_fini(&text);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_default_is_read_by_its_own_parser_and_reads_back),
        TEST(every_field_takes_its_bounds_and_refuses_what_lies_beyond),
        TEST(bounds_are_exact_in_a_double),
        TEST(words_stand_for_what_no_number_says),
        TEST(quantities_become_base_units),
        TEST(a_seed_keeps_all_of_its_64_bits),
        TEST(a_wrong_unit_suggests_the_one_that_was_probably_meant),
        TEST(a_quantity_of_another_kind_is_called_what_it_is),
        TEST(a_pace_is_a_rate_and_what_it_counts),
        TEST(stages_follow_one_another_and_the_last_lasts),
        TEST(there_are_two_thousand_stages_at_most),
        TEST(distributions_keep_what_they_say_and_fill_in_the_rows_range),
        TEST(a_delay_is_a_time_or_a_distribution_of_times),
        TEST(what_was_there_stays_after_a_mistake),
        TEST(a_name_is_short_and_plain),
        TEST(a_double_is_written_in_the_fewest_digits_that_read_back),
    };
    return suite_run("models/spec/value", tests, COUNT_OF(tests));
}
