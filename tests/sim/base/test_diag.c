#include "sim/base/diag.h"

#include "tests/sim/suite.h"

#include <string.h>

static struct diag diag;
static struct text text;

static const char *formatted(void) {
    text_clear(&text);
    diag_format(&diag, &text);
    return text_bytes(&text);
}

static void start(void) {
    diag_init(&diag);
    text_init(&text);
}

static void stop(void) {
    diag_fini(&diag);
    text_fini(&text);
}

START_TEST(an_error_shows_its_place_its_line_and_a_caret) {
    start();
    struct diag_place place = {"chat.json", 12, 16, "    \"workers\": 0,\n    \"next\": 1"};
    diag_error(&diag, place, "nodes.gateway.workers: %d is out of range; expected 1 to 64", 0);
    ck_assert_str_eq(formatted(),
                     "chat.json:12:16: nodes.gateway.workers: 0 is out of range; expected 1 to 64\n"
                     "   12 |     \"workers\": 0,\n"
                     "      |                ^\n");
    ck_assert_int_eq(diag.errors_count, 1);
    stop();
}
END_TEST

START_TEST(a_place_may_lack_its_line_its_column_or_its_file) {
    start();
    diag_error(&diag, (struct diag_place){.file = "--set"}, "rate: no unit");
    diag_error(&diag, (struct diag_place){.file = "a.json", .line = 3, .line_text = "x"}, "cut");
    diag_warning(&diag, (struct diag_place){0}, "the machine is busy");
    ck_assert_str_eq(formatted(), "--set: rate: no unit\n"
                                  "a.json:3: cut\n"
                                  "    3 | x\n"
                                  "warning: the machine is busy\n");
    ck_assert_int_eq(diag.errors_count, 2);
    stop();
}
END_TEST

START_TEST(the_caret_counts_characters_and_keeps_tabs) {
    start();
    /* Before the closing quote: tab, quote, g, r and two letters of two bytes each, so it is byte 9
     * and character 7. */
    struct diag_place place = {"a.json", 1, 9, "\t\"gr\xc3\xbc\xc3\x9f\": 1"};
    diag_error(&diag, place, "unknown");
    ck_assert_str_eq(formatted(), "a.json:1:9: unknown\n"
                                  "    1 | \t\"gr\xc3\xbc\xc3\x9f\": 1\n"
                                  "      | \t     ^\n");
    stop();
}
END_TEST

START_TEST(of_a_very_long_line_only_the_surroundings_are_shown) {
    start();
    char line[1001];
    memset(line, 'x', 1000);
    line[1000] = '\0';
    line[499] = '!';
    diag_error(&diag, (struct diag_place){"a.json", 1, 500, line}, "here");
    const char *caret = strchr(formatted(), '^');
    const char *shown = strchr(text_bytes(&text), '!');
    ck_assert_ptr_nonnull(caret);
    ck_assert_ptr_nonnull(shown);
    const char *second_line = strchr(text_bytes(&text), '\n') + 1;
    const char *third_line = strchr(second_line, '\n') + 1;
    ck_assert_int_eq(shown - second_line, caret - third_line);
    ck_assert_int_lt(third_line - second_line, 200);
    ck_assert_ptr_nonnull(strstr(second_line, "...\n"));
    stop();
}
END_TEST

START_TEST(the_list_ends_at_its_maximum_and_says_how_many_more) {
    start();
    for (int32_t i = 0; i < DIAG_MAX; i++)
        diag_error(&diag, (struct diag_place){0}, "mistake %d", i);
    ck_assert_int_eq(diag.dropped_count, 0);
    ck_assert_ptr_null(strstr(formatted(), "more not shown"));
    diag_error(&diag, (struct diag_place){0}, "one too many");
    diag_warning(&diag, (struct diag_place){0}, "and a warning");
    ck_assert_int_eq(diag.items_count, DIAG_MAX);
    ck_assert_int_eq(diag.errors_count, DIAG_MAX + 1);
    ck_assert_ptr_nonnull(strstr(formatted(), "mistake 199\n2 more not shown\n"));
    stop();
}
END_TEST

static const struct suite_test tests[] = {
    TEST(an_error_shows_its_place_its_line_and_a_caret),
    TEST(a_place_may_lack_its_line_its_column_or_its_file),
    TEST(the_caret_counts_characters_and_keeps_tabs),
    TEST(of_a_very_long_line_only_the_surroundings_are_shown),
    TEST(the_list_ends_at_its_maximum_and_says_how_many_more),
};

int main(void) {
    return suite_run("diag", tests, COUNT_OF(tests));
}
