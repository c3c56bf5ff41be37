/* Reports: written, read, merged; figures derived from counts. */
#include "validation/load/report.h"

#include "tests/sim/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two populations: 1,000 players of whom 10 sampled, 40 on bad wifi, all sampled. */
static void fill(struct load_report *report) {
    load_report_init(report);
    report->seed = UINT64_MAX; /* does not fit a double */
    report->replication = 7;
    report->scale = 2.385;
    report->warm_up_ns = 1 * BASE_NS_PER_S;
    report->window_ns = 3 * BASE_NS_PER_S;
    report->within_ns = 100 * BASE_NS_PER_MS;
    report->publishes_due = 50;
    report->longest_gap_ns = 12345678;
    report->steps_count = load_report_steps(report->window_ns);
    report->step_ns = report->window_ns / report->steps_count;
    strcpy(report->first_error, "! \"unknown\" verb");
    report->server_errors = 1;
    load_report_add_close(report, 1008, 3);
    load_report_add_close(report, 1006, 1);
    struct load_population *players = load_report_add_population(report, "players");
    struct load_population *wifi = load_report_add_population(report, "bad_wifi");
    players->clients = 1000;
    players->sampled = 10;
    players->due = 40000;
    wifi->clients = wifi->sampled = 40;
    wifi->due = 3200;
    wifi->lost = 120;
    wifi->pending = 40;
    for (int32_t s = 0; s < report->steps_count; s++) {
        players->steps[s] = (struct load_step){
            .due = 20, .in_time = 19, .arrived = 20, .delay_sum_ms = 20 * (5 + 0.15 * s)};
        wifi->steps[s] = (struct load_step){
            .due = 80, .in_time = 60, .arrived = 76, .delay_sum_ms = 76 * (5 + 0.15 * s)};
    }
    players->due_sampled = players->arrived_sampled = 20 * report->steps_count;
    players->in_time_sampled = 19 * report->steps_count;
    wifi->due_sampled = 80 * report->steps_count;
    wifi->in_time_sampled = 60 * report->steps_count;
    wifi->arrived_sampled = 76 * report->steps_count;
    hist_add_n(&players->latency, 5000000, 799);
    hist_add_n(&players->latency, 300000000, 1);
    hist_add_n(&wifi->latency, 90000000, 3040);
    wifi->worst_client_p99_ms = 91.5;
    report->generator.processes = 1;
    report->generator.elapsed_s = 3;
    report->generator.busy_s = 0.75;
    hist_add(&report->generator.lateness, 4321);
    report->generator.bulk = (struct load_looks){.found = 10, .found_ns = 400, .empty_ns = 150};
}

START_TEST(a_late_share_weighs_populations_by_what_is_due_to_them) {
    struct load_report report;
    fill(&report);
    load_report_finish(&report);
    /* (40000 * 1/20 + 3200 * 20/80) / 43200, by hand */
    ck_assert_double_eq_tol(report.metric[OUTCOME_late_share], 2800.0 / 43200, 1e-12);
    ck_assert_double_eq_tol(report.metric[OUTCOME_late_share_stderr], 0, 1e-12);
    ck_assert_double_eq(report.metric[OUTCOME_due], 43200);
    ck_assert_double_eq(report.metric[OUTCOME_lost], 120);
    ck_assert_double_eq(report.metric[OUTCOME_deliveries], 43040);
    ck_assert(isnan(report.metric[OUTCOME_closed_slow])); /* the gateway knows */
    ck_assert_double_eq(report.metric[OUTCOME_worst_client_p99_ms], 91.5);
    ck_assert_double_eq_tol(report.metric[OUTCOME_load_cpu_share], 0.25, 1e-12);
    load_report_fini(&report);
}
END_TEST

START_TEST(a_delay_that_grows_is_a_backlog) {
    struct load_report report;
    fill(&report);
    load_report_finish(&report);
    /* 0.15 ms more each step of 0.075 s */
    ck_assert_double_eq_tol(report.metric[OUTCOME_backlog_growth], 2.0, 1e-9);
    ck_assert_int_eq(report.series.count, 20 * 2);
    ck_assert_double_eq_tol(report.series.delay_ms[10], 6.5, 1e-9);
    load_report_fini(&report);
}
END_TEST

static void stand_still(struct load_population *population, int32_t step, double delay_ms) {
    struct load_step *s = &population->steps[step];
    s->delay_sum_ms = s->standing_delay_sum_ms = (double)s->arrived * delay_ms;
    s->standing = s->arrived;
}

START_TEST(who_stands_still_now_and_then_is_no_backlog) {
    struct load_report report;
    fill(&report);
    for (int32_t s = 0; s < report.steps_count; s++)
        stand_still(&report.populations[1], s, 5 + 30 * s);
    load_report_finish(&report);
    ck_assert_double_eq_tol(report.metric[OUTCOME_backlog_growth], 2.0, 1e-9);
    ck_assert_double_gt(report.series.delay_ms[39], 20); /* what is shown is everybody's */
    for (int32_t s = 0; s < report.steps_count;
         s++) /* where nobody else is, theirs is all there is */
        stand_still(&report.populations[0], s, 5 + 30 * s);
    load_report_finish(&report);
    ck_assert_double_eq_tol(report.metric[OUTCOME_backlog_growth], 400, 1e-6);
    load_report_fini(&report);
}
END_TEST

START_TEST(a_pooled_histogram_holds_each_delivery_once) {
    struct load_report report;
    fill(&report);
    load_report_finish(&report);
    /* 40000 players' deliveries arrived and 3200 - 160 of the others */
    ck_assert_uint_eq(report.latency.total, 43040);
    ck_assert_uint_eq(hist_count_above(&report.latency, 200000000), 50); /* 1 in 800 of 40000 */
    ck_assert_double_eq_tol(report.metric[OUTCOME_latency_p50_ms], 5, 0.01);
    ck_assert_double_eq_tol(report.metric[OUTCOME_latency_p99_ms], 90, 0.2);
    load_report_fini(&report);
}
END_TEST

START_TEST(what_is_written_reads_back_to_the_same_line) {
    struct load_report report, again;
    fill(&report);
    load_report_finish(&report);
    struct text first, second;
    text_init(&first);
    text_init(&second);
    load_report_write(&report, &first);
    const char *why = "";
    load_report_init(&again);
    ck_assert_msg(load_report_parse(&again, text_bytes(&first), &why), "%s", why);
    load_report_write(&again, &second);
    ck_assert_str_eq(text_bytes(&first), text_bytes(&second));
    ck_assert_ptr_null(strchr(text_bytes(&first), '\n'));
    ck_assert_uint_eq(again.seed, UINT64_MAX);
    ck_assert(hist_equal(&report.populations[1].latency, &again.populations[1].latency));
    ck_assert(isnan(again.metric[OUTCOME_cpu_share]));
    text_fini(&first);
    text_fini(&second);
    load_report_fini(&report);
    load_report_fini(&again);
}
END_TEST

START_TEST(two_processes_merge_to_what_one_would_have_said) {
    struct load_report once, twice, one;
    fill(&once);
    fill(&twice);
    fill(&one);
    load_report_merge(&twice, &one);
    load_report_finish(&once);
    load_report_finish(&twice);
    ck_assert_double_eq(twice.metric[OUTCOME_due], 2 * once.metric[OUTCOME_due]);
    ck_assert_double_eq_tol(twice.metric[OUTCOME_late_share], once.metric[OUTCOME_late_share],
                            1e-12);
    ck_assert_double_eq(twice.metric[OUTCOME_latency_p99_ms], once.metric[OUTCOME_latency_p99_ms]);
    ck_assert_double_eq(twice.metric[OUTCOME_longest_gap_ms], once.metric[OUTCOME_longest_gap_ms]);
    ck_assert_int_eq(twice.closes[0].count, 6);
    ck_assert_double_eq_tol(twice.metric[OUTCOME_load_cpu_share], 0.5, 1e-12); /* they share one */
    load_report_fini(&once);
    load_report_fini(&twice);
    load_report_fini(&one);
}
END_TEST

/* Every prefix and every changed byte of a report: refused or read, never a crash. */
START_TEST(a_damaged_report_is_refused_or_read_but_never_crashes) {
    struct load_report report;
    fill(&report);
    load_report_finish(&report);
    struct text text;
    text_init(&text);
    load_report_write(&report, &text);
    const char *why;
    for (size_t i = 0; i < text.length; i += 7) {
        struct load_report damaged;
        char *copy = strdup(text_bytes(&text));
        copy[i] = '\0';
        load_report_init(&damaged);
        ck_assert(!load_report_parse(&damaged, copy, &why));
        load_report_fini(&damaged);
        strcpy(copy, text_bytes(&text));
        copy[i] = copy[i] == '9' ? '-' : '9';
        load_report_init(&damaged);
        if (load_report_parse(&damaged, copy, &why))
            ck_assert_int_eq(damaged.populations_count, 2);
        load_report_fini(&damaged);
        free(copy);
    }
    text_fini(&text);
    load_report_fini(&report);
}
END_TEST

START_TEST(another_version_is_refused_by_name) {
    struct load_report report;
    const char *why;
    load_report_init(&report);
    ck_assert(!load_report_parse(&report, "{\"report_version\":2}", &why));
    ck_assert_str_eq(why, "not a report of this version");
    load_report_fini(&report);
}
END_TEST

START_TEST(steps_are_a_tenth_of_a_second_in_whole_batches) {
    ck_assert_int_eq(load_report_steps(100 * BASE_NS_PER_MS), 20);
    ck_assert_int_eq(load_report_steps(2 * BASE_NS_PER_S), 20);
    ck_assert_int_eq(load_report_steps(10 * BASE_NS_PER_S), 100);
    ck_assert_int_eq(load_report_steps(3600 * BASE_NS_PER_S), 600);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_late_share_weighs_populations_by_what_is_due_to_them),
        TEST(a_delay_that_grows_is_a_backlog),
        TEST(who_stands_still_now_and_then_is_no_backlog),
        TEST(a_pooled_histogram_holds_each_delivery_once),
        TEST(what_is_written_reads_back_to_the_same_line),
        TEST(two_processes_merge_to_what_one_would_have_said),
        TEST(a_damaged_report_is_refused_or_read_but_never_crashes),
        TEST(another_version_is_refused_by_name),
        TEST(steps_are_a_tenth_of_a_second_in_whole_batches),
    };
    return suite_run("load report", tests, COUNT_OF(tests));
}
