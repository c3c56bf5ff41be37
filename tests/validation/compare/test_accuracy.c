/* Stores made by hand, with the runs that `headroom accuracy` would have put there. */
#include "validation/compare/accuracy.h"
#include "validation/compare/yardstick_of.h"

#include "sim/base/fingerprint.h"
#include "tests/sim/suite.h"
#include "validation/compare/repeats.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static struct store store;
static struct arena arena;
static char path[64];
static int64_t now_ns = 1000;

static void setup(void) {
    snprintf(path, sizeof path, "test_accuracy_%d.db", (int)getpid());
    arena_init(&arena);
    ck_assert_msg(store_open(&store, path, STORE_WRITE), "%s", store.error);
}

static void teardown(void) {
    store_close(&store);
    arena_fini(&arena);
    unlink(path);
}

#define NONE ((double)NAN)
#define CODE "code one"
#define PROFILE "profile one"
enum { METRICS_MAX = 5 };

struct made {
    enum store_kind kind;
    const char *scenario, *code, *profile; /* code, profile NULL: CODE, PROFILE */
    const char *part;                      /* NULL: made for no part */
    double factor, scale;
    enum store_state state; /* STORE_RUNNING: done */
    int64_t parent;
    bool is_moved; /* not written down as a prediction */
    struct store_metric metrics[METRICS_MAX];
};

static int64_t make(struct made made) {
    int64_t run;
    struct store_run_options options = {.kind = made.kind,
                                        .command = made.kind == STORE_SIMULATED ? "run" : "measure",
                                        .parent = made.parent,
                                        .scenario = {made.scenario, made.scenario},
                                        .code = {"0.1.0", made.code ? made.code : CODE},
                                        .load_scale = made.scale,
                                        .started_at_ns = now_ns++};
    if (made.kind == STORE_SIMULATED)
        options.profile = (struct store_text){"here", made.profile ? made.profile : PROFILE};
    ck_assert_msg(store_begin_run(&store, &options, &run), "%s", store.error);
    for (int i = 0; i < METRICS_MAX && made.metrics[i].name; i++) {
        made.metrics[i].unit = "";
        ck_assert(store_put_metric(&store, run, &made.metrics[i]));
    }
    if (made.part)
        ck_assert(store_put_metric(
            &store, run,
            &(struct store_metric){ACCURACY_PART_METRIC, made.factor, NONE, NONE, "", made.part}));
    if (made.kind == STORE_SIMULATED && !made.is_moved)
        ck_assert(store_put_prediction(&store, run, now_ns++));
    ck_assert(store_finish_run(
        &store, run,
        &(struct store_finish){.state = made.state == STORE_RUNNING ? STORE_DONE : made.state,
                               .reason = made.state == STORE_REFUSED ? "stolen time" : NULL}));
    return run;
}

static void predict_ceiling(const char *scenario, double factor, double value) {
    make((struct made){
        .kind = STORE_SIMULATED,
        .scenario = scenario,
        .part = "search",
        .factor = factor,
        .is_moved = factor != 1,
        .metrics = {{"ceiling.active", value, value * 0.9, value * 1.1, "", "worker_cpu"},
                    {ACCURACY_SCALE_METRIC, 10, NONE, NONE, "", NULL}}});
}

static int64_t measure_ceiling(const char *scenario, double value, double yard_ns) {
    return make(
        (struct made){.kind = STORE_MEASURED,
                      .scenario = scenario,
                      .part = "search",
                      .factor = NONE,
                      .metrics = {{"ceiling.active", value, NONE, NONE, "", "worker_cpu"},
                                  {COMPARE_YARDSTICK_METRIC, yard_ns, NONE, NONE, "", NULL}}});
}

static struct accuracy_case cases[2];

/* One case, "lobby", held to its ceiling by five measurements; the profile's yardstick is 1000 ns.
 */
static struct accuracy_options options_of(uint32_t groups) {
    cases[0] = (struct accuracy_case){"lobby", fingerprint_of("lobby", 5), groups};
    return (struct accuracy_options){.cases = cases,
                                     .cases_count = 1,
                                     .code_hash = fingerprint_of(CODE, strlen(CODE)),
                                     .profile_hash = fingerprint_of(PROFILE, strlen(PROFILE)),
                                     .yardstick_ns = 1000,
                                     .repeats = 5,
                                     .refusals_max = 3};
}

static const uint32_t CEILING = 1u << ACCURACY_CEILING;

static struct accuracy_progress progress_of(const struct accuracy_options *options,
                                            enum accuracy_part part) {
    struct accuracy_progress progress;
    ck_assert(accuracy_progress_of(&store, options, &cases[0], part, &arena, &progress));
    return progress;
}

static struct accuracy_report report_of(const struct accuracy_options *options) {
    struct accuracy_report report;
    ck_assert_msg(accuracy_compare(&store, options, &arena, &report), "%s", store.error);
    return report;
}

START_TEST(medians_of_repeats_are_compared_and_their_spread_is_kept) {
    struct accuracy_options options = options_of(CEILING);
    predict_ceiling("lobby", 1, 105);
    measure_ceiling("lobby", 300, 1000); /* one disturbed repeat of three moves nothing */
    measure_ceiling("lobby", 98, 1000);
    measure_ceiling("lobby", 100, 1000);
    struct accuracy_report report = report_of(&options);
    ck_assert_int_eq(report.cells_count, 1);
    const struct accuracy_cell *cell = &report.cells[0];
    ck_assert_ptr_null(cell->missing);
    ck_assert_int_eq(cell->repeats_count, 3);
    ck_assert_double_eq(cell->measured.value, 100);
    ck_assert_double_eq(cell->measured.low, 98);
    ck_assert_double_eq(cell->measured.high, 300);
    ck_assert_double_eq_tol(cell->raw_error, 0.05, 1e-12);
    ck_assert_double_eq_tol(cell->moved_error, 0.05, 1e-12);
    ck_assert(cell->is_moved_inside && cell->is_same_text);
}
END_TEST

START_TEST(the_moved_error_is_of_the_prediction_at_the_median_yardstick) {
    struct accuracy_options options = options_of(CEILING);
    predict_ceiling("lobby", 1, 150);
    measure_ceiling("lobby", 100, 1200);
    measure_ceiling("lobby", 100, 1252); /* the median: 1.252, of which the step is 1.25 */
    measure_ceiling("lobby", 100, 9000);
    ck_assert_double_eq_tol(progress_of(&options, ACCURACY_SEARCH).factor, 1.25, 1e-9);
    ck_assert_str_eq(report_of(&options).cells[0].missing,
                     "not predicted at the speed that the machine had");
    predict_ceiling("lobby", 1.25, 120);
    struct accuracy_report report = report_of(&options);
    ck_assert_double_eq_tol(report.cells[0].raw_error, 0.5, 1e-12);
    ck_assert_double_eq_tol(report.cells[0].moved_error, 0.2, 1e-12);
    ck_assert(!report.cells[0].is_raw_inside && !report.cells[0].is_moved_inside);
    ck_assert_double_eq_tol(accuracy_median_ratio(&report), 1.2, 1e-12);
}
END_TEST

START_TEST(a_search_without_a_yardstick_of_its_own_takes_the_median_of_its_probes) {
    static const double yards[] = {1500, 1100, 1000};
    struct accuracy_options options = options_of(CEILING);
    predict_ceiling("lobby", 1, 100);
    int64_t search = make((struct made){.kind = STORE_MEASURED,
                                        .scenario = "lobby",
                                        .part = "search",
                                        .factor = NONE,
                                        .metrics = {{"ceiling.active", 90, NONE, NONE, "", ""}}});
    for (size_t i = 0; i < COUNT_OF(yards); i++)
        make(
            (struct made){.kind = STORE_MEASURED,
                          .scenario = "lobby",
                          .parent = search,
                          .metrics = {{COMPARE_YARDSTICK_METRIC, yards[i], NONE, NONE, "", NULL}}});
    ck_assert_double_eq_tol(progress_of(&options, ACCURACY_SEARCH).factor, 1.1, 1e-9);
}
END_TEST

START_TEST(a_profile_without_a_yardstick_moves_nothing) {
    struct accuracy_options options = options_of(CEILING);
    options.yardstick_ns = NONE;
    predict_ceiling("lobby", 1, 100);
    measure_ceiling("lobby", 100, 2000);
    ck_assert_double_eq(progress_of(&options, ACCURACY_SEARCH).factor, 1);
}
END_TEST

START_TEST(what_is_missing_says_why_and_is_averaged_over_by_nobody) {
    struct accuracy_options options = options_of(CEILING);
    ck_assert_str_eq(report_of(&options).cells[0].missing, "not predicted");
    predict_ceiling("lobby", 1, 100);
    ck_assert_str_eq(report_of(&options).cells[0].missing, "not measured");
    for (int i = 0; i < 2; i++)
        make((struct made){.kind = STORE_MEASURED,
                           .scenario = "lobby",
                           .part = "search",
                           .factor = NONE,
                           .state = STORE_REFUSED});
    struct accuracy_report report = report_of(&options);
    ck_assert_str_eq(report.cells[0].missing, "refused 2 times, the last: stolen time");
    ck_assert_int_eq(report.all.missing_count, 1);
    ck_assert_int_eq(report.all.compared_count, 0);
    ck_assert(isnan(report.all.moved_median) && isnan(accuracy_median_ratio(&report)));
}
END_TEST

/* Two counts that no cost moves, both right, and a ceiling predicted 1.9 times too high. */
START_TEST(a_gate_is_not_fooled_by_figures_that_no_cost_moves) {
    struct accuracy_cell cells[] = {{.figure = ACCURACY_FIGURE_closed, .moved_error = 0},
                                    {.figure = ACCURACY_FIGURE_dropped, .moved_error = 0},
                                    {.figure = ACCURACY_FIGURE_active, .moved_error = 0.9}};
    struct accuracy_report report = {.cells = cells, .cells_count = 3};
    ck_assert_double_eq(accuracy_median_ratio(&report), 1);
    ck_assert_double_eq_tol(accuracy_gate_ratio(&report), 1.9, 1e-12);
    cells[2].missing = "not measured";
    ck_assert_double_eq(accuracy_gate_ratio(&report), 1);
}
END_TEST

START_TEST(what_is_left_is_what_the_store_does_not_have) {
    struct accuracy_options options = options_of(CEILING);
    options.repeats = 2;
    predict_ceiling("lobby", 1, 100);
    struct accuracy_progress progress = progress_of(&options, ACCURACY_SEARCH);
    ck_assert(accuracy_is_left(&options, &progress));
    measure_ceiling("lobby", 100, 1000);
    make((struct made){.kind = STORE_MEASURED, /* somebody's own measurement, for no part */
                       .scenario = "lobby",
                       .metrics = {{"ceiling.active", 7, NONE, NONE, "", ""}}});
    make((struct made){.kind = STORE_MEASURED, /* killed */
                       .scenario = "lobby",
                       .part = "search",
                       .factor = NONE,
                       .state = STORE_INTERRUPTED});
    progress = progress_of(&options, ACCURACY_SEARCH);
    ck_assert_int_eq(progress.done_count, 1);
    ck_assert(accuracy_is_left(&options, &progress));
    measure_ceiling("lobby", 100, 1000);
    progress = progress_of(&options, ACCURACY_SEARCH);
    ck_assert(!accuracy_is_left(&options, &progress));
}
END_TEST

START_TEST(a_part_that_is_refused_again_and_again_is_given_up) {
    struct accuracy_options options = options_of(CEILING);
    predict_ceiling("lobby", 1, 100);
    for (int i = 0; i < options.refusals_max; i++) {
        struct accuracy_progress progress = progress_of(&options, ACCURACY_SEARCH);
        ck_assert(accuracy_is_left(&options, &progress));
        make((struct made){.kind = STORE_MEASURED,
                           .scenario = "lobby",
                           .part = "search",
                           .factor = NONE,
                           .state = STORE_REFUSED});
    }
    struct accuracy_progress progress = progress_of(&options, ACCURACY_SEARCH);
    ck_assert(!accuracy_is_left(&options, &progress));
}
END_TEST

START_TEST(measurements_of_another_program_or_before_the_prediction_do_not_count) {
    struct accuracy_options options = options_of(CEILING);
    measure_ceiling("lobby", 100, 1000); /* before */
    predict_ceiling("lobby", 1, 100);
    make((struct made){.kind = STORE_MEASURED,
                       .scenario = "lobby",
                       .code = "code two",
                       .part = "search",
                       .factor = NONE,
                       .metrics = {{"ceiling.active", 100, NONE, NONE, "", ""}}});
    ck_assert_int_eq(progress_of(&options, ACCURACY_SEARCH).done_count, 0);
    options.profile_hash++; /* another profile: not even predicted */
    ck_assert_str_eq(report_of(&options).cells[0].missing, "not predicted");
}
END_TEST

START_TEST(a_load_counts_at_the_predicted_scale_only) {
    struct accuracy_options options = options_of(1u << ACCURACY_LATENCY);
    static const double scales[] = {3, 3.0000001};
    make((struct made){.kind = STORE_SIMULATED,
                       .scenario = "lobby",
                       .part = "at 30 %",
                       .factor = 1,
                       .scale = 3,
                       .metrics = {{"latency_p50_ms", 2, 1.5, 2.5, "", NULL}}});
    for (size_t i = 0; i < COUNT_OF(scales); i++)
        make((struct made){.kind = STORE_MEASURED,
                           .scenario = "lobby",
                           .part = "at 30 %",
                           .factor = NONE,
                           .scale = scales[i],
                           .metrics = {{"latency_p50_ms", 2.2, NONE, NONE, "", NULL}}});
    ck_assert_int_eq(progress_of(&options, ACCURACY_AT_30).done_count, 1);
}
END_TEST

START_TEST(no_ceiling_in_both_worlds_is_right_and_in_one_is_infinitely_wrong) {
    struct accuracy_options options = options_of(CEILING);
    make((struct made){.kind = STORE_SIMULATED,
                       .scenario = "lobby",
                       .part = "search",
                       .factor = 1,
                       .metrics = {{"ceiling.active", NONE, NONE, NONE, "", "delivery"},
                                   {"ceiling.outcome", NONE, NONE, NONE, "", "below_first"}}});
    make((struct made){.kind = STORE_MEASURED,
                       .scenario = "lobby",
                       .part = "search",
                       .factor = NONE,
                       .metrics = {{"ceiling.active", NONE, NONE, NONE, "", "delivery"},
                                   {"ceiling.outcome", NONE, NONE, NONE, "", "below_first"}}});
    ck_assert_double_eq(report_of(&options).cells[0].moved_error, 0);
    measure_ceiling("lobby", 100, 1000); /* now half of the repeats found one */
    struct accuracy_report report = report_of(&options);
    ck_assert(isinf(report.cells[0].moved_error));
}
END_TEST

START_TEST(a_verdict_is_right_or_wrong_and_has_no_error) {
    struct accuracy_options options = options_of(1u << ACCURACY_VERDICT);
    static const char *const measured[] = {"holds", "unstable", "unstable"};
    make((struct made){.kind = STORE_SIMULATED,
                       .scenario = "lobby",
                       .part = "own load",
                       .factor = 1,
                       .scale = 1,
                       .metrics = {{"verdict", NONE, NONE, NONE, "", "unstable"}}});
    for (size_t i = 0; i < COUNT_OF(measured); i++)
        make((struct made){.kind = STORE_MEASURED,
                           .scenario = "lobby",
                           .part = "own load",
                           .factor = NONE,
                           .scale = 1,
                           .metrics = {{"verdict", NONE, NONE, NONE, "", measured[i]}}});
    struct accuracy_report report = report_of(&options);
    const struct accuracy_summary *verdict = &report.classes[ACCURACY_CLASS_VERDICT];
    ck_assert_int_eq(verdict->texts_count, 1);
    ck_assert_int_eq(verdict->same_text_count, 1);
    ck_assert_int_eq(report.all.errors_count, 0);
}
END_TEST

START_TEST(misses_and_bars_are_printed_like_hits) {
    struct accuracy_options options = options_of(CEILING);
    struct text text;
    predict_ceiling("lobby", 1, 150);
    measure_ceiling("lobby", 100, 1000);
    struct accuracy_report report = report_of(&options);
    text_init(&text);
    struct accuracy_origin origin = {"today", "code", "profile", "machine"};
    accuracy_write(&report, &origin, ACCURACY_MARKDOWN, &text);
    const char *page = text_bytes(&text);
    ck_assert_ptr_nonnull(strstr(page, "Written by `headroom accuracy` on today"));
    ck_assert_ptr_nonnull(strstr(page, "up to 1 time, interleaved")); /* made, not asked for */
    ck_assert_ptr_nonnull(strstr(page, "bar of the median 5 %: not met, bar of the worst 12 %: "
                                       "not met; inside the interval 0 of 1 raw, 0 of 1 moved; "
                                       "what broke first right in 1 of 1"));
    ck_assert_ptr_nonnull(
        strstr(page, "| lobby | active ceiling, deliveries/s | 150 [135, 165] | 150 [135, 165] | "
                     "1.000 | 100 (100..100) | 1 | +50.0 % | +50.0 % | outside; worker_cpu right "
                     "|"));
    ck_assert_ptr_nonnull(strstr(page, "half-width of a ceiling's interval: median 10.0 %"));
    text_fini(&text);
}
END_TEST

START_TEST(most_repeats_without_a_number_make_a_result_without_one) {
    struct repeats repeats = {0};
    repeats_add(&repeats, 5, "worker_cpu");
    repeats_add(&repeats, NONE, "below_first");
    ck_assert_double_eq(repeats_summarise(&repeats).median, 5);
    repeats_add(&repeats, NONE, "below_first");
    ck_assert(isnan(repeats_summarise(&repeats).median));
    ck_assert_str_eq(repeats_summarise(&repeats).text, "below_first");
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(medians_of_repeats_are_compared_and_their_spread_is_kept),
        TEST(the_moved_error_is_of_the_prediction_at_the_median_yardstick),
        TEST(a_search_without_a_yardstick_of_its_own_takes_the_median_of_its_probes),
        TEST(a_profile_without_a_yardstick_moves_nothing),
        TEST(what_is_missing_says_why_and_is_averaged_over_by_nobody),
        TEST(a_gate_is_not_fooled_by_figures_that_no_cost_moves),
        TEST(what_is_left_is_what_the_store_does_not_have),
        TEST(a_part_that_is_refused_again_and_again_is_given_up),
        TEST(measurements_of_another_program_or_before_the_prediction_do_not_count),
        TEST(a_load_counts_at_the_predicted_scale_only),
        TEST(no_ceiling_in_both_worlds_is_right_and_in_one_is_infinitely_wrong),
        TEST(a_verdict_is_right_or_wrong_and_has_no_error),
        TEST(misses_and_bars_are_printed_like_hits),
        TEST(most_repeats_without_a_number_make_a_result_without_one),
    };
    return suite_run_with("validation/compare/accuracy", tests, COUNT_OF(tests), setup, teardown);
}
