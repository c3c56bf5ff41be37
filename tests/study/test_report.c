/* Reports of stores made by hand. */
#include "study/report.h"

#include "models/spec/json.h"
#include "sim/base/fingerprint.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static struct store store;
static struct arena arena;
static char path[64];

#define SCENARIO(size, rate, limit)                                                                \
    "{\"name\": \"chat\", \"populations\": {\"p\": {\"connections\": 100}}, \"rooms\": {\"r\": "   \
    "{\"size\": {\"constant\": " size "}, \"members\": [\"p\"]}}, \"traffic\": {\"t\": {"          \
    "\"from\": \"p\", \"to\": \"r\", \"rate\": {\"constant\": \"" rate                             \
    "/s per room\"}, \"bytes\": "                                                                  \
    "{\"constant\": 100}}}, \"nodes\": {\"gw\": {\"open_files\": " limit "}}}"
#define CHAT SCENARIO("50", "3", "200") /* 2 rooms x 3/s x 50 = 300 deliveries/s */

static void setup(void) {
    snprintf(path, sizeof path, "test_report_%d.db", (int)getpid());
    arena_init(&arena);
    ck_assert_msg(store_open(&store, path, STORE_WRITE), "%s", store.error);
}

static void teardown(void) {
    store_close(&store);
    arena_fini(&arena);
    unlink(path);
}

static int64_t begin(const char *command, const char *scenario, int64_t parent, double scale) {
    int64_t run;
    struct store_run_options options = {.kind = STORE_SIMULATED,
                                        .command = command,
                                        .parent = parent,
                                        .scenario = {"chat", scenario},
                                        .code = {"0.1.0", "code"},
                                        .load_scale = scale,
                                        .is_cell = strcmp(command, "cell") == 0};
    ck_assert_msg(store_begin_run(&store, &options, &run), "%s", store.error);
    return run;
}

static void put(int64_t run, const char *name, double value, double low, double high,
                const char *text) {
    struct store_metric metric = {name, value, low, high, "", text};
    ck_assert_msg(store_put_metric(&store, run, &metric), "%s", store.error);
}

static void finish(int64_t run) {
    ck_assert_msg(store_finish_run(&store, run, &(struct store_finish){.state = STORE_DONE}), "%s",
                  store.error);
}

static int64_t put_ceiling(double value, double low, double high) {
    int64_t run = begin("ceiling", CHAT, 0, 1);
    put(run, "ceiling.active", value, low, high, "worker_cpu");
    put(run, "ceiling.outcome", NAN, NAN, NAN, "found");
    return run;
}

static struct report composed(void) {
    struct report report;
    ck_assert_int_eq(report_begin(&report, &store, NULL, &arena), STORE_FOUND);
    ck_assert_msg(report_compose(&report, &store), "%s", store.error);
    return report;
}

static const struct report_part *part_of(const struct report *report, const char *id) {
    for (int32_t i = 0; i < report->parts_count; i++)
        if (strcmp(report->parts[i].id, id) == 0)
            return &report->parts[i];
    ck_abort_msg("no part %s", id);
}

static double number_at(const struct report_part *part, int32_t row, const char *field) {
    for (int32_t i = 0; i < part->table.columns_count; i++)
        if (strcmp(part->table.columns[i].field, field) == 0)
            return part->table.values[row * part->table.columns_count + i].number;
    ck_abort_msg("no column %s", field);
}

static const char *words_at(const struct report_part *part, int32_t row, const char *field) {
    for (int32_t i = 0; i < part->table.columns_count; i++)
        if (strcmp(part->table.columns[i].field, field) == 0)
            return part->table.values[row * part->table.columns_count + i].text;
    ck_abort_msg("no column %s", field);
}

START_TEST(the_verdict_is_where_the_load_lies_against_the_ceilings_interval) {
    static const struct {
        double low, high;
        enum report_answer answer;
    } cases[] = {{300, 500, REPORT_GOOD},
                 {299, 500, REPORT_UNSURE},
                 {200, 300, REPORT_UNSURE},
                 {200, 299, REPORT_BAD}};
    finish(put_ceiling(400, cases[_i].low, cases[_i].high));
    struct report report = composed();
    ck_assert_int_eq(report.answer, cases[_i].answer);
    ck_assert_ptr_nonnull(strstr(report.sentence, "asks for 300 deliveries/s, 75 % of it."));
    ck_assert_ptr_nonnull(strstr(report.sentence, "worker_cpu breaks first"));
}
END_TEST

START_TEST(what_breaks_first_is_sorted_and_what_has_no_limit_is_left_out) {
    int64_t run = put_ceiling(400, 390, 410);
    const struct store_resource resources[] = {{"open_files", 50, 200, "descriptors"},
                                               {"memory", 1e9, INFINITY, "bytes"},
                                               {"worker_cpu", 0.975, 1, "share"},
                                               {"gw-1.worker_cpu", 0.5, 1, "share"}};
    for (size_t i = 0; i < COUNT_OF(resources); i++)
        ck_assert(store_put_resource(&store, run, &resources[i]));
    finish(run);
    struct report report = composed();
    const struct report_part *part = part_of(&report, "limits");
    ck_assert_ptr_null(part->missing);
    ck_assert_int_eq(part->table.rows_count, 2);
    ck_assert_str_eq(words_at(part, 0, "resource"), "worker_cpu");
    ck_assert_double_eq_tol(number_at(part, 0, "share"), 97.5, 1e-9);
    ck_assert_double_eq_tol(number_at(part, 1, "share"), 25, 1e-9);
}
END_TEST

START_TEST(draws_at_one_load_are_one_point_with_their_spread) {
    int64_t ceiling = put_ceiling(400, 390, 410);
    finish(ceiling);
    static const double p99[] = {20, 10, 90};
    for (int i = 0; i < 4; i++) {
        int64_t run = begin("probe", CHAT, ceiling, i < 3 ? 0.5 : 1.25);
        put(run, "offered_deliveries_per_s", i < 3 ? 150 : 375, NAN, NAN, NULL);
        put(run, "latency_p50_ms", 5, NAN, NAN, NULL);
        put(run, "latency_p99_ms", i < 3 ? p99[i] : 200, NAN, NAN, NULL);
        put(run, "late_share", 0.01 * i, NAN, NAN, NULL);
        put(run, "verdict", NAN, NAN, NAN, i == 3 ? "unstable" : "holds");
        finish(run);
    }
    struct report report = composed();
    const struct report_part *part = part_of(&report, "load");
    ck_assert_int_eq(part->table.rows_count, 2);
    ck_assert_double_eq(number_at(part, 0, "load"), 150);
    ck_assert_double_eq(number_at(part, 0, "p99"), 20); /* the median */
    ck_assert_double_eq(number_at(part, 0, "p99_low"), 10);
    ck_assert_double_eq(number_at(part, 0, "p99_high"), 90);
    ck_assert_double_eq_tol(number_at(part, 0, "late"), 1, 1e-9);
    ck_assert_str_eq(words_at(part, 0, "holds"), "3 of 3");
    ck_assert_str_eq(words_at(part, 1, "holds"), "0 of 1");
}
END_TEST

static void put_cell(const char *scenario, double p99, const char *verdict) {
    int64_t run = begin("cell", scenario, 0, 1);
    put(run, "latency_p99_ms", p99, NAN, NAN, NULL);
    put(run, "verdict", NAN, NAN, NAN, verdict);
    finish(run);
}

START_TEST(the_axes_of_a_sweep_are_the_fields_in_which_its_cells_differ) {
    finish(put_ceiling(400, 390, 410));
    /* open_files follows the size, so it is no axis; 9 before 10 before 100, as numbers go */
    put_cell(SCENARIO("100", "3", "300"), 30, "fails");
    put_cell(SCENARIO("10", "3", "200"), 10, "holds");
    put_cell(SCENARIO("10", "3", "200"), 20, "fails");
    put_cell(SCENARIO("9", "3", "190"), 1, "holds");
    put_cell(SCENARIO("10", "7", "200"), 11, "holds");
    struct report report = composed();
    const struct report_part *part = part_of(&report, "sweep");
    ck_assert_str_eq(part->table.columns[0].title, "rooms.r.size");
    ck_assert_str_eq(part->table.columns[1].title, "traffic.t.rate");
    ck_assert_int_eq(part->table.rows_count, 4);
    ck_assert_str_eq(words_at(part, 0, "x"), "9");
    ck_assert_str_eq(words_at(part, 1, "x"), "10");
    ck_assert_str_eq(words_at(part, 1, "y"), "3/s per room");
    ck_assert_double_eq(number_at(part, 1, "p99"), 15); /* the mean of two runs */
    ck_assert_double_eq(number_at(part, 1, "holds"), 1);
    ck_assert_str_eq(words_at(part, 2, "x"), "100");
    ck_assert_str_eq(words_at(part, 3, "y"), "7/s per room");
    ck_assert_str_eq(part->says,
                     "2 of 4 cells hold in every run; a cross marks those that do not.");
    ck_assert_ptr_nonnull(strstr(part->command,
                                 "\"values\": [{\"constant\": 9}, {\"constant\": 10}, "
                                 "{\"constant\": 100}]"));
    ck_assert_ptr_nonnull(strstr(part->command, "\"with\": \"a0\""));
}
END_TEST

START_TEST(a_part_without_runs_stays_and_says_what_fills_it) {
    finish(put_ceiling(400, 390, 410));
    struct report report = composed();
    static const char *const ids[] = {"limits", "load",   "sweep", "percentiles",
                                      "memory", "egress", "time"};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const struct report_part *part = part_of(&report, ids[i]);
        ck_assert_ptr_nonnull(part->missing);
        ck_assert_ptr_nonnull(strstr(part->missing, "headroom "));
        ck_assert_int_eq(part->table.rows_count, 0);
    }
}
END_TEST

START_TEST(an_empty_store_and_an_unknown_scenario_have_no_report) {
    struct report report;
    ck_assert_int_eq(report_begin(&report, &store, NULL, &arena), STORE_MISSING);
    finish(put_ceiling(400, 390, 410));
    ck_assert_int_eq(report_begin(&report, &store, "chatt", &arena), STORE_MISSING);
    ck_assert_int_eq(report_begin(&report, &store, "chat", &arena), STORE_FOUND);
}
END_TEST

START_TEST(a_default_is_told_from_what_the_scenario_says) {
    finish(put_ceiling(400, 390, 410));
    struct report report = composed();
    ck_assert(report_compose_inputs(&report, &store));
    const struct report_part *part = part_of(&report, "scenario");
    int found = 0;
    for (int32_t i = 0; i < part->table.rows_count; i++) {
        const char *field = words_at(part, i, "field"), *source = words_at(part, i, "source");
        if (strcmp(field, "nodes.gw.open_files") == 0 && ++found)
            ck_assert_str_eq(source, "the scenario");
        if (strcmp(field, "nodes.gw.workers") == 0 && ++found) {
            ck_assert_str_eq(source, "default");
            ck_assert_str_eq(words_at(part, i, "value"), "1");
        }
    }
    ck_assert_int_eq(found, 2);
}
END_TEST

START_TEST(a_charts_data_is_its_table_and_all_of_it_is_json) {
    struct report report = {.arena = &arena};
    struct report_part *part = report_add(&report, "x", "X");
    report_add_column(&part->table, "name", "name", "", false);
    report_add_column(&part->table, "v", "v", "", true);
    REPORT_ADD_ROW(&part->table, report_words("a\"b</script>"), report_number(2.385));
    REPORT_ADD_ROW(&part->table, report_words(NULL), report_number(INFINITY));
    part->chart = "{\"mark\":\"bar\"}";
    struct text text;
    text_init(&text);
    report_write_chart(part, &text);
    ck_assert_ptr_nonnull(strstr(text_bytes(&text), "[{\"name\":\"a\\\"b</script>\",\"v\":2.385},\n"
                                                    "{\"name\":\"\",\"v\":null}]"));
    struct diag diag;
    diag_init(&diag);
    struct reading reading = {.diag = &diag, .arena = &arena};
    ck_assert_ptr_nonnull(json_read(text_bytes(&text), "chart", &reading));
    diag_fini(&diag);
    text_fini(&text);
}
END_TEST

START_TEST(every_chart_that_is_composed_is_json) {
    int64_t run = put_ceiling(400, 390, 410);
    ck_assert(
        store_put_resource(&store, run, &(struct store_resource){"memory", 1e6, 2e6, "bytes"}));
    struct hist hist;
    hist_init(&hist);
    hist_add_range(&hist, 1000000, 1000, 5000);
    ck_assert(store_put_hist(&store, run, "latency", "ns", &hist));
    hist_fini(&hist);
    finish(run);
    put_cell(SCENARIO("10", "3", "200"), 10, "holds");
    put_cell(SCENARIO("9", "3", "200"), 1, "holds");
    struct report report = composed();
    int charts = 0;
    for (int32_t i = 0; i < report.parts_count; i++) {
        if (report.parts[i].missing || report.parts[i].chart == NULL)
            continue;
        struct text text;
        struct diag diag;
        text_init(&text);
        diag_init(&diag);
        struct reading reading = {.diag = &diag, .arena = &arena};
        report_write_chart(&report.parts[i], &text);
        ck_assert_msg(json_read(text_bytes(&text), "chart", &reading) != NULL, "%s",
                      report.parts[i].id);
        charts++;
        diag_fini(&diag);
        text_fini(&text);
    }
    ck_assert_int_eq(charts, 4); /* limits, sweep, percentiles, memory */
}
END_TEST

/* A window from 2 s on to 7 s: a fault at 3 s that lasts 2.5 s, another before the window and one
 * after its end. */
START_TEST(a_fault_is_marked_where_it_begins_and_ends_on_each_charts_own_clock) {
    static const char faulty[] =
        "{\"name\": \"chat\", \"populations\": {\"p\": {\"connections\": 100}}, \"rooms\": {}, "
        "\"traffic\": {}, \"nodes\": {\"gw\": {}}, \"faults\": {\"early\": {\"at\": \"1s\", "
        "\"kind\": \"silent\"}, \"late\": {\"at\": \"8s\", \"kind\": \"silent\"}, \"loss\": "
        "{\"at\": \"3s\", \"kind\": \"crashes\", \"for\": \"2500ms\"}}, \"window\": {\"warm_up\": "
        "\"2s\", \"measure\": \"5s\"}}";
    const double values[] = {1, 2, 3};
    const struct {
        const char *series, *marks, *axis;
    } charts[] = {
        {"delay_ms",
         "{\"at_s\":1,\"fault\":\"loss crashes\"},{\"at_s\":3.5,\"fault\":\"loss ends\"}]",
         "seconds into the measured window"},
        {"unreachable",
         "{\"at_s\":1,\"fault\":\"early silent\"},{\"at_s\":3,\"fault\":\"loss crashes\"},"
         "{\"at_s\":5.5,\"fault\":\"loss ends\"}]",
         "seconds from the start of the run"}};
    int64_t run = begin("run", faulty, 0, 1);
    put(run, "latency_p99_ms", 3, NAN, NAN, "");
    for (size_t i = 0; i < COUNT_OF(charts); i++)
        ck_assert(store_put_series(&store, run,
                                   &(struct store_series){.name = charts[i].series,
                                                          .unit = "x",
                                                          .step_ns = BASE_NS_PER_S,
                                                          .count = COUNT_OF(values),
                                                          .values = values}));
    finish(run);
    struct report report = composed();
    int32_t found = 0;
    for (int32_t i = 0; i < report.parts_count; i++)
        for (size_t k = 0; k < COUNT_OF(charts); k++) {
            const struct report_part *part = &report.parts[i];
            if (strncmp(part->id, "time", 4) != 0 || !strstr(part->chart, charts[k].axis))
                continue;
            ck_assert_msg(strstr(part->chart, charts[k].marks) != NULL, "%s", part->chart);
            found++;
        }
    ck_assert_int_eq(found, 2);
}
END_TEST

START_TEST(a_word_for_the_shell_is_quoted_where_it_must_be) {
    ck_assert_str_eq(report_shell_word(&arena, "a/b-1.db"), "a/b-1.db");
    ck_assert_str_eq(report_shell_word(&arena, "my file"), "'my file'");
    ck_assert_str_eq(report_shell_word(&arena, "it's"), "'it'\\''s'");
    ck_assert_str_eq(report_shell_word(&arena, "-x"), "'-x'");
    ck_assert_str_eq(report_shell_word(&arena, ""), "''");
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(the_verdict_is_where_the_load_lies_against_the_ceilings_interval, 4),
        TEST(what_breaks_first_is_sorted_and_what_has_no_limit_is_left_out),
        TEST(draws_at_one_load_are_one_point_with_their_spread),
        TEST(the_axes_of_a_sweep_are_the_fields_in_which_its_cells_differ),
        TEST(a_part_without_runs_stays_and_says_what_fills_it),
        TEST(an_empty_store_and_an_unknown_scenario_have_no_report),
        TEST(a_default_is_told_from_what_the_scenario_says),
        TEST(a_charts_data_is_its_table_and_all_of_it_is_json),
        TEST(every_chart_that_is_composed_is_json),
        TEST(a_fault_is_marked_where_it_begins_and_ends_on_each_charts_own_clock),
        TEST(a_word_for_the_shell_is_quoted_where_it_must_be),
    };
    return suite_run_with("report", tests, COUNT_OF(tests), setup, teardown);
}
