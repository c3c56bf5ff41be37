#include "sim/base/units.h"

#include "tests/sim/suite.h"

static const struct {
    enum units_kind kind;
    const char *input;
    double value;
    const char *rest;
} readable[] = {
    {UNITS_NONE, "2.385", 2.385, ""},
    {UNITS_NONE, "-17", -17, ""},
    {UNITS_NONE, "1e6 of them", 1e6, "of them"},
    {UNITS_NONE, ".5", 0.5, ""},
    {UNITS_NONE, "0.1", 0.1, ""},
    {UNITS_TIME, "10ms", 1e7, ""},
    {UNITS_TIME, "2.385s", 2385000000, ""},
    {UNITS_TIME, "1h30min", 5400e9, ""},
    {UNITS_TIME, "1d2h3min4s5ms6us7ns", 93784005006007, ""},
    {UNITS_TIME, "-2s500ms", -2500000000, ""},
    {UNITS_TIME, "0ns", 0, ""},
    {UNITS_TIME, "1.1us", 1100, ""},
    {UNITS_TIME, "20s  for 4s", 20e9, "for 4s"},
    {UNITS_BYTES, "64KiB", 65536, ""},
    {UNITS_BYTES, "1.5GB", 1.5e9, ""},
    {UNITS_BYTES, "9007199254740991B", 9007199254740991, ""}, /* 2^53 - 1 */
    {UNITS_BITRATE, "1Gbit/s", 1e9, ""},
    {UNITS_BITRATE, "1.2Mbit/s", 1.2e6, ""},
    {UNITS_BITRATE, "2KiB/s", 16384, ""},
    {UNITS_RATE, "2/s", 2, ""},
    {UNITS_RATE, "90/min", 1.5, ""},
    {UNITS_RATE, "5/h", 5 / 3600.0, ""},
    {UNITS_RATE, "2/s per room", 2, "per room"},
};

START_TEST(quantities_are_read_exactly) {
    for (size_t i = 0; i < COUNT_OF(readable); i++) {
        struct units_result result = {-1, NULL};
        ck_assert_msg(units_parse(readable[i].kind, readable[i].input, &result), "%s",
                      readable[i].input);
        ck_assert_msg(result.value == readable[i].value, "%s: %.17g", readable[i].input,
                      result.value);
        ck_assert_str_eq(result.rest, readable[i].rest);
    }
}
END_TEST

static const struct {
    enum units_kind kind;
    const char *input;
} unreadable[] = {
    {UNITS_NONE, ""},
    {UNITS_NONE, "x"},
    {UNITS_NONE, "inf"},
    {UNITS_NONE, "nan"},
    {UNITS_NONE, "0x10"},
    {UNITS_NONE, "1.5.2"},
    {UNITS_NONE, "."},
    {UNITS_NONE, "-"},
    {UNITS_NONE, "1e999"},
    {UNITS_NONE, "10ms"},
    {UNITS_NONE, " 1"},
    {UNITS_TIME, "10"},
    {UNITS_TIME, "10 ms"},
    {UNITS_TIME, "10m"},
    {UNITS_TIME, "10MS"},
    {UNITS_TIME, "30min1h"},
    {UNITS_TIME, "1s1s"},
    {UNITS_TIME, "1h-5min"},
    {UNITS_TIME, "1h30"},
    {UNITS_TIME, "10msx"},
    {UNITS_TIME, "64KiB"},
    {UNITS_TIME, "unlimited"},
    {UNITS_BYTES, "64kb"},
    {UNITS_BYTES, "64K"},
    {UNITS_BYTES, "1MB1kB"},
    {UNITS_BITRATE, "1Mbit"},
    {UNITS_BITRATE, "1Mb/s"},
    {UNITS_RATE, "2"},
    {UNITS_RATE, "2/ms"},
    {UNITS_RATE, "2/s/s"},
    {UNITS_RATE, "2 /s"},
    {UNITS_BYTES, "1e400GB"},
    {UNITS_NONE, "1.0000000000000000000000000000000000000000000000000000000000000"},
};

START_TEST(what_has_no_unit_of_its_kind_is_refused_and_writes_nothing) {
    for (size_t i = 0; i < COUNT_OF(unreadable); i++) {
        struct units_result result = {2.385, "untouched"};
        ck_assert_msg(!units_parse(unreadable[i].kind, unreadable[i].input, &result), "%s",
                      unreadable[i].input);
        ck_assert_double_eq(result.value, 2.385);
        ck_assert_str_eq(result.rest, "untouched");
    }
}
END_TEST

static const struct {
    enum units_kind kind;
    double value;
    const char *text;
} printable[] = {
    {UNITS_NONE, 0, "0"},
    {UNITS_NONE, 1000000, "1000000"},
    {UNITS_NONE, 2.385, "2.385"},
    {UNITS_NONE, -0.25, "-0.25"},
    {UNITS_NONE, 1.0 / 3, "0.333"},
    {UNITS_TIME, 100000000, "100ms"},
    {UNITS_TIME, 5400e9, "1.5h"},
    {UNITS_TIME, 90e9, "90s"},
    {UNITS_TIME, 86400e9, "1d"},
    {UNITS_TIME, 0, "0ns"},
    {UNITS_TIME, 0.5, "0.5ns"},
    {UNITS_TIME, -2500000, "-2.5ms"},
    {UNITS_TIME, 12345678, "12.3ms"},
    {UNITS_TIME, 1e9 / 3, "333ms"},
    {UNITS_TIME, 999999999, "1000ms"},
    {UNITS_BYTES, 65536, "64KiB"},
    {UNITS_BYTES, 65535, "65535B"},
    {UNITS_BYTES, 1000000, "1MB"},
    {UNITS_BYTES, 1048576, "1MiB"},
    {UNITS_BYTES, 1, "1B"},
    {UNITS_BITRATE, 8000000, "8Mbit/s"},
    {UNITS_BITRATE, 1e9, "1Gbit/s"},
    {UNITS_RATE, 2, "2/s"},
    {UNITS_RATE, 0.5, "30/min"},
    {UNITS_RATE, 5 / 3600.0, "5/h"},
};

START_TEST(quantities_are_printed_in_the_shortest_exact_form) {
    for (size_t i = 0; i < COUNT_OF(printable); i++) {
        struct text text;
        text_init(&text);
        units_format(&text, printable[i].kind, printable[i].value);
        ck_assert_str_eq(text_bytes(&text), printable[i].text);
        text_fini(&text);
    }
}
END_TEST

START_TEST(what_is_printed_exactly_reads_back_the_same) {
    for (int64_t value = 1; value < 1000000; value = value * 7 / 5 + 1)
        for (int32_t kind = UNITS_NONE; kind <= UNITS_RATE; kind++) {
            struct text text;
            struct units_result result;
            text_init(&text);
            units_format(&text, (enum units_kind)kind, (double)value);
            ck_assert(units_parse((enum units_kind)kind, text_bytes(&text), &result));
            ck_assert_msg(result.value == (double)value, "%s", text_bytes(&text));
            text_fini(&text);
        }
}
END_TEST

START_TEST(the_units_can_be_named_in_a_message) {
    ck_assert_str_eq(units_names(UNITS_TIME), "ns, us, ms, s, min, h, d");
    ck_assert_str_eq(units_names(UNITS_RATE), "/s, /min, /h");
}
END_TEST

static const struct suite_test tests[] = {
    TEST(quantities_are_read_exactly),
    TEST(what_has_no_unit_of_its_kind_is_refused_and_writes_nothing),
    TEST(quantities_are_printed_in_the_shortest_exact_form),
    TEST(what_is_printed_exactly_reads_back_the_same),
    TEST(the_units_can_be_named_in_a_message),
};

int main(void) {
    return suite_run("units", tests, COUNT_OF(tests));
}
