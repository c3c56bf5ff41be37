/* Each test builds a store of its own and looks at what may be compared in it. */
#include "validation/compare/compare.h"
#include "validation/compare/yardstick_of.h"

#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static struct store store;
static struct arena arena;
static char path[64];
static int64_t now_ns = 1000;

static void setup(void) {
    snprintf(path, sizeof path, "test_compare_%d.db", (int)getpid());
    arena_init(&arena);
    ck_assert_msg(store_open(&store, path, STORE_WRITE), "%s", store.error);
}

static void teardown(void) {
    store_close(&store);
    arena_fini(&arena);
    unlink(path);
}

struct figure {
    const char *name;
    double value, low, high;
    const char *text;
};

struct made {
    enum store_kind kind;
    const char *command, *scenario, *scenario_text;
    bool is_fit, is_no_prediction;
    double load_scale;
    enum store_state state; /* STORE_RUNNING: done */
    struct figure figures[4];
};

static int64_t begin(const struct made *made) {
    int64_t run;
    struct store_run_options options = {
        .kind = made->kind,
        .command = made->command,
        .scenario = {made->scenario, made->scenario_text ? made->scenario_text : made->scenario},
        .code = {"0.1.0", "0.1.0"},
        .profile = {"here", "here"},
        .load_scale = made->load_scale,
        .is_fit = made->is_fit,
        .started_at_ns = now_ns++};
    ck_assert_msg(store_begin_run(&store, &options, &run), "%s", store.error);
    return run;
}

static void end(int64_t run, const struct made *made) {
    for (const struct figure *figure = made->figures; figure->name; figure++)
        ck_assert(store_put_metric(&store, run,
                                   &(struct store_metric){figure->name, figure->value, figure->low,
                                                          figure->high, "", figure->text}));
    if (made->kind == STORE_SIMULATED && !made->is_no_prediction)
        ck_assert(store_put_prediction(&store, run, now_ns++));
    ck_assert(store_finish_run(
        &store, run,
        &(struct store_finish){.state = made->state == STORE_RUNNING ? STORE_DONE : made->state,
                               .reason = made->state == STORE_REFUSED ? "stolen time" : NULL}));
}

static void make(struct made made) {
    end(begin(&made), &made);
}

#define NONE ((double)NAN)
#define PREDICTED(name, value, low, high, text)                                                    \
    {                                                                                              \
        .kind = STORE_SIMULATED, .command = "ceiling", .scenario = name, .figures = {              \
            {"ceiling.active.as_measured", value, low, high, text},                                \
            {"ceiling.active", 1, 1, 1, "wrong one"}                                               \
        }                                                                                          \
    }
#define MEASURED(name, value, text)                                                                \
    {                                                                                              \
        .kind = STORE_MEASURED, .command = "ceiling", .scenario = name, .figures = {               \
            {"ceiling.active", value, value, value, text}                                          \
        }                                                                                          \
    }

static struct comparison compared_by(const struct compare_mover *mover) {
    struct comparison comparison;
    ck_assert_msg(compare_worlds(&store, NULL, 0, mover, &arena, &comparison), "%s", store.error);
    return comparison;
}

static struct comparison compared(void) {
    return compared_by(NULL);
}

START_TEST(a_prediction_and_its_measurement_are_compared) {
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    struct comparison comparison = compared();
    ck_assert_int_eq(comparison.cells_count, 1);
    const struct compare_cell *cell = &comparison.cells[0];
    ck_assert_int_eq(cell->status, COMPARE_DONE);
    ck_assert_double_eq_tol(cell->error, 0.1, 1e-12);
    ck_assert(cell->has_interval && cell->is_inside && cell->same_text);
    ck_assert_str_eq(cell->title, "active ceiling");
}
END_TEST

START_TEST(the_interval_includes_its_ends_and_nothing_beyond) {
    static const struct {
        double measured;
        bool is_inside;
    } cases[] = {{94999, false}, {95000, true}, {125000, true}, {125001, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        /* Each after a prediction of its own, so that none is a repeat of another. */
        make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
        make((struct made)MEASURED("lobby", cases[i].measured, "send_queue"));
        struct comparison comparison = compared();
        ck_assert_double_eq(comparison.cells[0].measured.value, cases[i].measured);
        ck_assert_int_eq(comparison.cells[0].is_inside, cases[i].is_inside);
        ck_assert(!comparison.cells[0].same_text);
    }
}
END_TEST

static void one_cell(enum compare_status status, const char *why) {
    struct comparison comparison = compared();
    ck_assert_int_eq(comparison.cells_count, 1);
    ck_assert_str_eq(comparison.cells[0].why, why);
    ck_assert_int_eq(comparison.cells[0].status, status);
    ck_assert(isnan(comparison.cells[0].error));
    ck_assert_int_eq(comparison.summaries[0].compared_count, 0);
    ck_assert(isnan(comparison.summaries[0].median_error));
}

START_TEST(a_case_that_was_fitted_is_refused_whichever_run_was) {
    struct made fit = MEASURED("lobby", 99000, "worker_cpu");
    fit.is_fit = true;
    make(fit);
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    one_cell(COMPARE_REFUSED, "the scenario was used in a fit");
}
END_TEST

START_TEST(a_prediction_after_the_measurement_is_refused) {
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    one_cell(COMPARE_REFUSED, "the prediction was written after its measurement began");
}
END_TEST

START_TEST(a_prediction_while_the_measurement_ran_is_refused_whatever_the_clock_says) {
    struct made predicted = PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu");
    struct made measured = MEASURED("lobby", 100000, "worker_cpu");
    int64_t prediction = begin(&predicted); /* begun before, written after */
    now_ns += 1000;
    int64_t measurement = begin(&measured);
    now_ns -= 900;
    end(prediction, &predicted);
    end(measurement, &measured);
    one_cell(COMPARE_REFUSED, "the prediction was written after its measurement began");
}
END_TEST

START_TEST(a_clock_behind_the_prediction_is_refused_too) {
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    now_ns -= 500;
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    one_cell(COMPARE_REFUSED, "the prediction was written after its measurement began");
}
END_TEST

START_TEST(a_prediction_of_another_text_is_refused) {
    struct made predicted = PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu");
    predicted.scenario_text = "lobby with another send queue";
    make(predicted);
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    one_cell(COMPARE_REFUSED, "the prediction is of another text of this scenario");
}
END_TEST

START_TEST(a_simulation_that_was_no_prediction_is_refused) {
    struct made predicted = PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu");
    predicted.is_no_prediction = true;
    make(predicted);
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    one_cell(COMPARE_REFUSED, "the simulated run was not written down as a prediction");
}
END_TEST

START_TEST(an_older_prediction_that_qualifies_is_taken) {
    make((struct made)PREDICTED("lobby", 90000, 80000, 95000, "worker_cpu"));
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    make((struct made)PREDICTED("lobby", 100000, 99999, 100001, "worker_cpu")); /* too late */
    struct comparison comparison = compared();
    ck_assert_int_eq(comparison.cells[0].status, COMPARE_DONE);
    ck_assert_double_eq(comparison.cells[0].predicted.value, 110000);
}
END_TEST

/* Three measurements of which one was disturbed: their median, and how far they lie apart. What was
 * measured before the prediction, by other code or at another load is no repeat. */
START_TEST(repeats_of_a_measurement_are_one_figure) {
    make((struct made)MEASURED("a", 50, "worker_cpu"));
    make((struct made)PREDICTED("a", 100, 90, 110, "worker_cpu"));
    make((struct made)MEASURED("a", 98, "worker_cpu"));
    make((struct made)MEASURED("a", 300, "send_queue"));
    struct made elsewhere = MEASURED("a", 400, "worker_cpu");
    elsewhere.load_scale = 2;
    make(elsewhere);
    make((struct made)MEASURED("a", 104, "worker_cpu"));
    struct comparison comparison = compared();
    const struct compare_side *measured = &comparison.cells[0].measured;
    ck_assert_int_eq(comparison.cells[0].status, COMPARE_DONE);
    ck_assert_int_eq(measured->repeats, 3);
    ck_assert_double_eq(measured->value, 104);
    ck_assert_double_eq(measured->low, 98);
    ck_assert_double_eq(measured->high, 300);
    ck_assert_str_eq(measured->text, "worker_cpu");
    ck_assert(comparison.cells[0].is_inside);
    struct text out;
    text_init(&out);
    compare_write(&comparison, COMPARE_TEXT, &out);
    ck_assert_msg(strstr(text_bytes(&out), "104 [98, 300] of 3") != NULL, "%s", text_bytes(&out));
    text_clear(&out);
    compare_write(&comparison, COMPARE_JSON, &out);
    ck_assert_ptr_nonnull(strstr(text_bytes(&out), "\"repeats\": 3"));
    text_fini(&out);
}
END_TEST

START_TEST(what_is_missing_is_said) {
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    one_cell(COMPARE_MISSING, "not measured");
    struct made refused = {
        .kind = STORE_MEASURED, .command = "ceiling", .scenario = "lobby", .state = STORE_REFUSED};
    make(refused);
    one_cell(COMPARE_MISSING, "the measurement was refused: stolen time");
}
END_TEST

START_TEST(a_measurement_without_a_prediction_is_missing_one) {
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    one_cell(COMPARE_MISSING, "not predicted");
}
END_TEST

static struct made searched(enum store_kind kind, const char *outcome) {
    return (struct made){.kind = kind,
                         .command = "ceiling",
                         .scenario = "huge room",
                         .figures = {{"ceiling.active", NONE, NONE, NONE, "worker_cpu"},
                                     {"ceiling.outcome", NONE, NONE, NONE, outcome}}};
}

START_TEST(no_sustained_load_is_a_result_that_can_be_right) {
    make(searched(STORE_SIMULATED, "below_first"));
    make(searched(STORE_MEASURED, "below_first"));
    struct comparison comparison = compared();
    ck_assert_int_eq(comparison.cells[0].status, COMPARE_DONE);
    ck_assert_double_eq(comparison.cells[0].error, 0);
    ck_assert(comparison.cells[0].same_text);
    make(searched(STORE_SIMULATED, "below_first"));
    make(searched(STORE_MEASURED, "above_last"));
    comparison = compared();
    ck_assert(isinf(comparison.cells[0].error));
}
END_TEST

START_TEST(figures_of_runs_are_compared_at_the_same_load_only) {
    struct made run = {.kind = STORE_SIMULATED,
                       .command = "run",
                       .scenario = "lobby",
                       .load_scale = 0.8,
                       .figures = {{"latency_p99_ms", 12.5, NONE, NONE, NULL},
                                   {"dropped", 0, NONE, NONE, NULL},
                                   {"closed_slow", 40, 38, 42, NULL}}};
    make(run);
    struct made measured = run;
    measured.kind = STORE_MEASURED;
    measured.command = "measure";
    measured.figures[0].value = 10;
    make(measured);
    struct comparison comparison = compared();
    ck_assert_int_eq(comparison.cells_count, 3);
    ck_assert_str_eq(comparison.cells[0].title, "p99");
    ck_assert_double_eq_tol(comparison.cells[0].error, 0.25, 1e-12);
    ck_assert(!comparison.cells[0].has_interval);
    ck_assert_double_eq(comparison.cells[1].error, 0); /* none and none */
    ck_assert(comparison.cells[2].is_inside);
    measured.load_scale = 1;
    make(measured);
    comparison = compared();
    ck_assert_str_eq(comparison.cells[0].why, "the prediction is of another load");
}
END_TEST

START_TEST(figures_at_a_ceiling_are_not_taken_for_those_of_the_scenario) {
    struct made ceiling = {.kind = STORE_MEASURED,
                           .command = "measure",
                           .scenario = "lobby",
                           .figures = {{"latency_p99_ms", 99, NONE, NONE, NULL},
                                       {"ceiling.outcome", NONE, NONE, NONE, "found"}}};
    make(ceiling);
    ck_assert_int_eq(compared().cells_count, 0);
}
END_TEST

static void make_three(void) {
    make((struct made)PREDICTED("cold", 50000, 48000, 52000, "worker_cpu"));
    make((struct made)PREDICTED("hot", 130000, 120000, 140000, "worker_cpu"));
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    make((struct made)PREDICTED("stalled", 110000, 95000, 125000, "worker_cpu"));
    make((struct made)MEASURED("cold", 50500, "worker_cpu"));
    make((struct made)MEASURED("hot", 100000, "send_queue"));
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
}

START_TEST(the_summary_counts_what_was_compared) {
    make_three();
    struct comparison comparison = compared();
    ck_assert_int_eq(comparison.summaries_count, 1);
    const struct compare_summary *summary = &comparison.summaries[0];
    ck_assert_int_eq(summary->compared_count, 3);
    ck_assert_int_eq(summary->missing_count, 1);
    ck_assert_double_eq_tol(summary->median_error, 0.1, 1e-12);
    ck_assert_double_eq_tol(summary->worst_error, 0.3, 1e-12);
    ck_assert_str_eq(summary->worst_scenario, "hot");
    ck_assert_int_eq(summary->inside_count, 2);
    ck_assert_int_eq(summary->same_text_count, 2);
}
END_TEST

static void writes(enum compare_format format, const char *expected) {
    struct comparison comparison = compared();
    struct text out;
    text_init(&out);
    compare_write(&comparison, format, &out);
    ck_assert_str_eq(text_bytes(&out), expected);
    text_fini(&out);
}

START_TEST(the_table_reads_well_as_text) {
    make_three();
    writes(COMPARE_TEXT,
           "scenario  figure                        predicted                measured              "
           "   error    broke first              result\n"
           "cold      active ceiling, deliveries/s  50000 [48000, 52000]     50500 [50500, 50500]  "
           "   -1.0 %   worker_cpu               inside\n"
           "hot       active ceiling, deliveries/s  130000 [120000, 140000]  100000 [100000, "
           "100000]  +30.0 %  worker_cpu / send_queue  outside\n"
           "lobby     active ceiling, deliveries/s  110000 [95000, 125000]   100000 [100000, "
           "100000]  +10.0 %  worker_cpu               inside\n"
           "stalled   active ceiling, deliveries/s  110000 [95000, 125000]   missing               "
           "            worker_cpu / -           not measured\n"
           "\n"
           "active ceiling: 3 compared, median absolute error 10.0 %, worst 30.0 % (hot), inside "
           "the interval 2 of 3, what broke first right in 2 of 3; 1 missing, 0 refused\n");
}
END_TEST

START_TEST(the_table_reads_well_as_markdown) {
    make((struct made)PREDICTED("a|b", 1.5, 1.2, 2, "worker_cpu"));
    make((struct made)MEASURED("a|b", 2.385, "worker_cpu"));
    writes(COMPARE_MARKDOWN,
           "| scenario | figure | predicted | measured | error | broke first | result |\n"
           "|---|---|---|---|---|---|---|\n"
           "| a\\|b | active ceiling, deliveries/s | 1.5 [1.2, 2] | 2.38 [2.38, 2.38] | -37.1 % | "
           "worker_cpu | outside |\n"
           "\n"
           "- active ceiling: 1 compared, median absolute error 37.1 %, worst 37.1 % (a|b), inside "
           "the interval 0 of 1, what broke first right in 1 of 1; 0 missing, 0 refused\n");
}
END_TEST

START_TEST(the_table_is_json_with_a_version) {
    make((struct made)PREDICTED("a\"b", 1.5, NONE, INFINITY, NULL));
    writes(COMPARE_JSON,
           "{\"schema_version\": 1,\n"
           " \"cells\": [\n"
           "  {\"scenario\": \"a\\\"b\", \"figure\": \"active ceiling\", \"unit\": "
           "\"deliveries/s\", \"status\": \"missing\", \"why\": \"not measured\", \"predicted\": "
           "{\"run\": 1, \"value\": 1.5, \"low\": null, \"high\": null, \"limit\": \"\", "
           "\"repeats\": 1}, "
           "\"measured\": null, \"error\": null, \"moved\": null, \"factor\": null, "
           "\"moved_error\": null, \"moved_inside\": null, \"inside\": null, \"same_limit\": "
           "null}],\n"
           " \"summary\": [\n"
           "  {\"figure\": \"active ceiling\", \"compared\": 0, \"missing\": 1, \"refused\": 0, "
           "\"median_absolute_error\": null, \"worst_absolute_error\": null, \"worst_scenario\": "
           "\"\", \"median_absolute_moved_error\": null, \"worst_absolute_moved_error\": null, "
           "\"moved\": 0, \"moved_inside\": 0, \"with_interval\": 0, \"inside\": 0, "
           "\"with_limit\": 0, \"same_limit\": 0}]}\n");
}
END_TEST

START_TEST(an_unknown_scenario_gets_the_nearest_name) {
    make((struct made)MEASURED("lobby", 1, ""));
    struct comparison comparison;
    const char *const names[] = {"lobbi"};
    ck_assert(!compare_worlds(&store, names, 1, NULL, &arena, &comparison));
    char expected[160];
    snprintf(expected, sizeof expected,
             "%s: has no run of a scenario 'lobbi'; did you mean 'lobby'?", path);
    ck_assert_str_eq(store.error, expected);
}
END_TEST

START_TEST(two_runs_are_compared_metric_by_metric) {
    struct made a = {.kind = STORE_SIMULATED,
                     .command = "run",
                     .scenario = "lobby",
                     .figures = {{"deliveries", 1000, NONE, NONE, NULL},
                                 {"latency_p99_ms", 10, NONE, NONE, NULL},
                                 {"verdict", NONE, NONE, NONE, "holds"}}};
    struct made b = a;
    b.figures[0].name = "cpu_share";
    b.figures[1].value = 12.5;
    b.figures[2].text = "fails";
    make(a);
    make(b);
    struct run_comparison comparison;
    ck_assert(compare_runs(&store, 1, 2, &arena, &comparison));
    struct text out;
    text_init(&out);
    compare_runs_write(&comparison, COMPARE_TEXT, &out);
    ck_assert_str_eq(text_bytes(&out), "metric          run 1    run 2    difference  unit\n"
                                       "cpu_share       missing  1000\n"
                                       "deliveries      1000     missing\n"
                                       "latency_p99_ms  10       12.5     +25.0 %\n"
                                       "verdict         holds    fails\n");
    text_fini(&out);
    ck_assert(!compare_runs(&store, 1, 3, &arena, &comparison));
    ck_assert_ptr_nonnull(strstr(store.error, ".db: has no run 3"));
}
END_TEST

/* --- moved predictions
 * ---------------------------------------------------------------------------------------- */

static bool move_by_yardstick(void *context, struct compare_cell *cell) {
    const double *then_ns = context;
    cell->factor = compare_factor(cell->measured.yardstick_ns, *then_ns);
    cell->moved = cell->predicted;
    cell->moved.value /= cell->factor;
    cell->moved.low /= cell->factor;
    cell->moved.high /= cell->factor;
    return *then_ns > 0;
}

/* Three repeats: the median of the values is held against the median of the speeds. */
START_TEST(a_moved_prediction_is_of_the_speed_beside_the_measurement) {
    static const double yards_ns[] = {4800, 5000, 5600};
    double then_ns = 4000;
    struct compare_mover mover = {move_by_yardstick, &then_ns};
    make((struct made)PREDICTED("lobby", 110000, 100000, 120000, "worker_cpu"));
    for (size_t i = 0; i < COUNT_OF(yards_ns); i++)
        make((struct made){.kind = STORE_MEASURED,
                           .command = "ceiling",
                           .scenario = "lobby",
                           .figures = {{"ceiling.active", 90000, NONE, NONE, "worker_cpu"},
                                       {COMPARE_YARDSTICK_METRIC, yards_ns[i], NONE, NONE, NULL}}});
    struct comparison comparison = compared_by(&mover);
    const struct compare_cell *cell = &comparison.cells[0];
    ck_assert_double_eq_tol(cell->factor, 1.25, 1e-9); /* 5,000 over 4,000 */
    ck_assert_double_eq_tol(cell->moved.value, 88000, 1e-6);
    ck_assert_double_eq_tol(cell->moved_error, -2.0 / 90, 1e-9);
    ck_assert_double_eq_tol(cell->error, 2.0 / 9, 1e-9); /* the raw one stays */
    ck_assert(cell->is_moved_inside && !cell->is_inside);
    ck_assert_int_eq(comparison.summaries[0].moved_count, 1);
    ck_assert_int_eq(comparison.summaries[0].moved_inside_count, 1);
    ck_assert_double_eq_tol(comparison.summaries[0].median_moved_error, 2.0 / 90, 1e-9);
    struct text out;
    text_init(&out);
    compare_write(&comparison, COMPARE_TEXT, &out);
    ck_assert_ptr_nonnull(strstr(text_bytes(&out), "88000 [80000, 96000] at 1.250"));
    ck_assert_ptr_nonnull(strstr(text_bytes(&out), "-2.2 %, inside"));
    text_fini(&out);
    then_ns = 0;
    ck_assert(!compare_worlds(&store, NULL, 0, &mover, &arena, &comparison));
}
END_TEST

/* Without a mover the table has no columns for it. */
START_TEST(nothing_is_moved_unasked) {
    make((struct made)PREDICTED("lobby", 110000, 95000, 125000, "worker_cpu"));
    make((struct made)MEASURED("lobby", 100000, "worker_cpu"));
    struct comparison comparison = compared();
    struct text out;
    text_init(&out);
    compare_write(&comparison, COMPARE_TEXT, &out);
    ck_assert_ptr_null(strstr(text_bytes(&out), "moved"));
    ck_assert_int_eq(comparison.cells[0].moved.run, 0);
    text_fini(&out);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_prediction_and_its_measurement_are_compared),
        TEST(the_interval_includes_its_ends_and_nothing_beyond),
        TEST(a_case_that_was_fitted_is_refused_whichever_run_was),
        TEST(a_prediction_after_the_measurement_is_refused),
        TEST(a_prediction_while_the_measurement_ran_is_refused_whatever_the_clock_says),
        TEST(a_clock_behind_the_prediction_is_refused_too),
        TEST(a_prediction_of_another_text_is_refused),
        TEST(a_simulation_that_was_no_prediction_is_refused),
        TEST(an_older_prediction_that_qualifies_is_taken),
        TEST(repeats_of_a_measurement_are_one_figure),
        TEST(what_is_missing_is_said),
        TEST(a_measurement_without_a_prediction_is_missing_one),
        TEST(no_sustained_load_is_a_result_that_can_be_right),
        TEST(figures_of_runs_are_compared_at_the_same_load_only),
        TEST(figures_at_a_ceiling_are_not_taken_for_those_of_the_scenario),
        TEST(the_summary_counts_what_was_compared),
        TEST(the_table_reads_well_as_text),
        TEST(the_table_reads_well_as_markdown),
        TEST(the_table_is_json_with_a_version),
        TEST(an_unknown_scenario_gets_the_nearest_name),
        TEST(two_runs_are_compared_metric_by_metric),
        TEST(a_moved_prediction_is_of_the_speed_beside_the_measurement),
        TEST(nothing_is_moved_unasked),
    };
    return suite_run_with("validation/compare", tests, COUNT_OF(tests), setup, teardown);
}
