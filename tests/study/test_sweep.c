/* Cells of products, zips and designs. */
#include "study/sweep.h"

#include "study/sweep_where.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct diag diag;
static struct spec_study study;
static struct sweep sweep;

static void set_up(void) {
    arena_init(&arena);
    diag_init(&diag);
}

static void tear_down(void) {
    diag_fini(&diag);
    arena_fini(&arena);
}

#define STUDY(rest) "{\"name\": \"s\", \"scenario\": \"x\", " rest "}"

static bool expand(const char *text) {
    const struct spec_values none = {0};
    ck_assert(spec_parse_study(&study, text, "s.json", &arena, &diag));
    return sweep_init(&sweep, &study, &none, &arena, &diag);
}

static const char *messages(void) {
    struct text text;
    text_init(&text);
    for (int32_t i = 0; i < diag.items_count; i++)
        text_addf(&text, "%d: %s\n", diag.items[i].place.column, diag.items[i].message);
    const char *kept = arena_new_text(&arena, text_bytes(&text));
    text_fini(&text);
    return kept;
}

static const char *cells(void) {
    struct text text;
    text_init(&text);
    for (int32_t i = 0; i < sweep.cells_count; i++) {
        sweep_write_cell(&sweep, i, &text);
        text_add(&text, "\n");
    }
    const char *kept = arena_new_text(&arena, text_bytes(&text));
    text_fini(&text);
    return kept;
}

START_TEST(a_product_has_every_combination_with_the_last_axis_fastest) {
    ck_assert_msg(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"values\": [1, 2]}, "
                               "\"b\": {\"field\": \"q\", \"values\": [\"x\", \"10ms\", 3]}}")),
                  "%s", messages());
    ck_assert_str_eq(cells(), "a=1 b=x\na=1 b=10ms\na=1 b=3\na=2 b=x\na=2 b=10ms\na=2 b=3\n");
}
END_TEST

START_TEST(joined_axes_go_side_by_side) {
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"values\": [1, 2]}, "
                           "\"c\": {\"field\": \"r\", \"values\": [8, 9]}, "
                           "\"b\": {\"field\": \"q\", \"values\": [5, 6], \"with\": \"a\"}}")));
    ck_assert_str_eq(cells(), "a=1 c=8 b=5\na=1 c=9 b=5\na=2 c=8 b=6\na=2 c=9 b=6\n");
}
END_TEST

START_TEST(a_study_without_axes_is_one_cell) {
    ck_assert(expand(STUDY("\"repeat\": 3")));
    ck_assert_str_eq(cells(), "as it is\n");
}
END_TEST

START_TEST(ranges_are_linear_or_log_with_units_and_stay_whole_where_their_ends_are) {
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": 1, \"to\": 100, "
                           "\"spacing\": \"log\", \"steps\": 5}}")));
    /* 100^(k/4): 3.16, 10, 31.6 */
    ck_assert_str_eq(cells(), "a=1\na=3\na=10\na=32\na=100\n");
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": \"1/s per room\", "
                           "\"to\": \"100/s per room\", \"spacing\": \"log\", \"steps\": 5}}")));
    ck_assert_str_eq(cells(), "a=1/s per room\na=3.16228/s per room\na=10/s per room\n"
                              "a=31.6228/s per room\na=100/s per room\n");
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": 0.5, \"to\": 1, "
                           "\"steps\": 3}}")));
    ck_assert_str_eq(cells(), "a=0.5\na=0.75\na=1\n");
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": 3, \"to\": 1}}")));
    ck_assert_str_eq(cells(), "a=3\na=2\na=1\n"); /* 2.5 and 1.5 round away from zero, onto them */
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": \"1KiB\", "
                           "\"to\": \"4KiB\", \"steps\": 3}}")));
    ck_assert_str_eq(cells(), "a=1KiB\na=2560B\na=4KiB\n");
}
END_TEST

START_TEST(constraints_leave_cells_out) {
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"values\": [1, 2, 3]}, "
                           "\"b\": {\"field\": \"q\", \"values\": [\"1KiB\", \"unlimited\"]}}, "
                           "\"where\": [\"a != 2\", \"b > 1KiB or a * 2 <= 2\"]")));
    ck_assert_str_eq(cells(), "a=1 b=1KiB\na=1 b=unlimited\na=3 b=unlimited\n");
    ck_assert_int_eq((int)sweep.left_out_count, 3);
}
END_TEST

/* Which of `parts` equal parts of [low, high] the axis' values fall into, as counts. */
static void count_parts(int32_t axis, double low, double high, int32_t parts, int32_t *counts) {
    memset(counts, 0, (size_t)parts * sizeof *counts);
    for (int32_t i = 0; i < sweep.cells_count; i++) {
        double value = strtod(sweep_value(&sweep, i, axis)->shown, NULL);
        int32_t part = (int32_t)floor((value - low) / (high - low) * parts);
        ck_assert(part >= 0 && part < parts);
        counts[part]++;
    }
}

#define TWO_RANGES                                                                                 \
    "\"axes\": {\"a\": {\"field\": \"p\", \"from\": 0.0, \"to\": 1.0}, "                           \
    "\"b\": {\"field\": \"q\", \"from\": 10.0, \"to\": 20.0}}, \"points\": 32, "

START_TEST(a_latin_hypercube_has_one_point_in_each_part_of_every_axis) {
    int32_t counts[32];
    ck_assert(expand(STUDY(TWO_RANGES "\"design\": \"latin_hypercube\"")));
    ck_assert_int_eq(sweep.cells_count, 32);
    for (int32_t axis = 0; axis < 2; axis++) {
        count_parts(axis, axis ? 10 : 0, axis ? 20 : 1, 32, counts);
        for (int32_t i = 0; i < 32; i++)
            ck_assert_int_eq(counts[i], 1);
    }
    const char *first = cells();
    ck_assert(expand(STUDY(TWO_RANGES "\"design\": \"latin_hypercube\"")));
    ck_assert_str_eq(cells(), first);
    ck_assert(expand(STUDY(TWO_RANGES "\"draw\": 2, \"design\": \"latin_hypercube\"")));
    ck_assert_str_ne(cells(), first);
}
END_TEST

START_TEST(sobol_points_fill_evenly_and_more_points_keep_the_first) {
    ck_assert(expand(STUDY(TWO_RANGES "\"design\": \"sobol\"")));
    /* Bratley and Fox, Algorithm 659: 1/2 1/2, 3/4 1/4, 1/4 3/4, ... */
    const char *all = cells();
    ck_assert_ptr_eq(strstr(all, "a=0.5 b=15\na=0.75 b=12.5\na=0.25 b=17.5\n"), all);
    ck_assert(expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": 0.0, \"to\": 1.0}, "
                           "\"b\": {\"field\": \"q\", \"from\": 10.0, \"to\": 20.0}}, "
                           "\"points\": 7, \"design\": \"sobol\"")));
    ck_assert_int_eq(strncmp(all, cells(), strlen(cells())), 0);
    int32_t counts[8];
    count_parts(0, 0, 1, 8, counts); /* 7 points and the origin, which GSL leaves out */
    for (int32_t i = 0; i < 8; i++)
        ck_assert_int_eq(counts[i], i > 0);
}
END_TEST

START_TEST(a_design_takes_each_item_of_a_list_as_often) {
    ck_assert(
        expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"values\": [\"x\", \"y\", \"z\"]}}, "
                     "\"points\": 9, \"design\": \"latin_hypercube\"")));
    int32_t counts[3] = {0};
    for (int32_t i = 0; i < 9; i++)
        counts[sweep_value(&sweep, i, 0)->shown[0] - 'x']++;
    ck_assert(counts[0] == 3 && counts[1] == 3 && counts[2] == 3);
}
END_TEST

START_TEST(mistakes_of_axes_are_all_said_with_their_places) {
    ck_assert(
        !expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"values\": [1, 2], \"from\": 1},\n"
                      "\"b\": {\"field\": \"p\"},\n"
                      "\"c\": {\"field\": \"q\", \"from\": \"1s\", \"to\": \"2KiB\"},\n"
                      "\"d\": {\"field\": \"r\", \"from\": 0, \"to\": 5, \"spacing\": \"log\"},\n"
                      "\"e\": {\"field\": \"s\", \"values\": [1, 2, 3], \"with\": \"f\"},\n"
                      "\"f\": {\"field\": \"t\", \"values\": [1, 2]},\n"
                      "\"g\": {\"field\": \"u\", \"values\": [1, 2], \"with\": \"e\"},\n"
                      "\"h\": {\"field\": \"v\", \"values\": [1, 2], \"with\": \"ff\"}},\n"
                      "\"where\": \"siez < 1\"")));
    ck_assert_str_eq(
        messages(),
        "87: axes.a: \"values\" and a range exclude each other\n"
        "16: axes.b: has no values; expected \"values\", or \"from\" and \"to\"\n"
        "29: axes.c: \"from\" and \"to\" are of different kinds; expected the same unit kind at "
        "both\n"
        "29: axes.d: a range with equal ratios needs both ends above 0\n"
        "50: axes.e: has 3 values and \"f\" has 2; axes that are joined have as many\n"
        "47: axes.g: \"with\" names an axis that is itself joined; name the one that stands alone\n"
        "47: axes.h.with: \"ff\" is no axis; did you mean \"f\"?\n"
        "16: axes.b: varies the same field as \"a\"\n"
        "10: where: \"siez\" is no axis (a word stands in ' '); the axes are a, b, c, d, e, f, g "
        "or "
        "h, at character 1 of \"siez < 1\"\n");
}
END_TEST

START_TEST(a_product_beyond_a_million_cells_is_refused_before_it_is_made) {
    ck_assert(
        !expand(STUDY("\"axes\": {\"a\": {\"field\": \"p\", \"from\": 1, \"to\": 1001, "
                      "\"steps\": 1001}, \"b\": {\"field\": \"q\", \"from\": 1, \"to\": 1000, "
                      "\"steps\": 1000}}")));
    ck_assert_ptr_nonnull(
        strstr(messages(), "axes: their product has 1001000 cells; at most 1000000 are possible"));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_product_has_every_combination_with_the_last_axis_fastest),
        TEST(joined_axes_go_side_by_side),
        TEST(a_study_without_axes_is_one_cell),
        TEST(ranges_are_linear_or_log_with_units_and_stay_whole_where_their_ends_are),
        TEST(constraints_leave_cells_out),
        TEST(a_latin_hypercube_has_one_point_in_each_part_of_every_axis),
        TEST(sobol_points_fill_evenly_and_more_points_keep_the_first),
        TEST(a_design_takes_each_item_of_a_list_as_often),
        TEST(mistakes_of_axes_are_all_said_with_their_places),
        TEST(a_product_beyond_a_million_cells_is_refused_before_it_is_made),
    };
    return suite_run_with("study/sweep", tests, COUNT_OF(tests), set_up, tear_down);
}
