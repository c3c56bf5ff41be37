#include "models/workload/outcome.h"

#include "tests/sim/suite.h"

#include <math.h>

/* 99 % within 100 ms, 0.2 % may be lost; a window of 8 s, 10,000 deliveries due. The delay may grow
 * by 100 / (20 * 8) = 0.625 ms/s. */
static const struct spec_objectives objectives = {
    .delivery = {.within = 100 * BASE_NS_PER_MS, .share = 0.99}, .lost_share = 0.002};

static struct outcome outcome;

static void setup(void) {
    outcome_init(&outcome);
    outcome.window_ns = 8 * BASE_NS_PER_S;
    outcome.metric[OUTCOME_due] = 10000;
    outcome.metric[OUTCOME_late_share] = 0.003;
    outcome.metric[OUTCOME_lost] = 0;
    outcome.metric[OUTCOME_closed_slow] = 0;
    outcome.metric[OUTCOME_refused] = 0;
    outcome.metric[OUTCOME_backlog_growth] = 0.1;
    outcome.metric[OUTCOME_backlog_growth_stderr] = 0.01;
}

static void add(const char *name, double used, double limit) {
    outcome.resources[outcome.resources_count++] =
        (struct outcome_resource){.name = name, .unit = "x", .used = used, .limit = limit};
}

static void add_admission(const char *name, double used, double limit) {
    add(name, used, limit);
    outcome.resources[outcome.resources_count - 1].is_admission = true;
}

static void judged(enum outcome_verdict verdict, const char *broke) {
    outcome_judge(&outcome, &objectives);
    ck_assert_str_eq(outcome_verdict_name(outcome.verdict), outcome_verdict_name(verdict));
    ck_assert_str_eq(outcome.broke, broke);
    outcome_fini(&outcome);
}

START_TEST(lateness_up_to_the_objective_holds) {
    static const double late[] = {0, 0.0099, 0.01};
    for (size_t i = 0; i < COUNT_OF(late); i++) {
        setup();
        outcome.metric[OUTCOME_late_share] = late[i];
        judged(OUTCOME_HOLDS, "");
    }
}
END_TEST

START_TEST(lateness_above_the_objective_fails_by_the_resource_nearest_to_its_limit) {
    setup();
    add("worker_cpu", 0.93, 1);
    add("send_queue", 10, 100);
    add("memory", 5, INFINITY);
    outcome.metric[OUTCOME_late_share] = 0.0101;
    judged(OUTCOME_FAILS, "worker_cpu");
    setup();
    outcome.metric[OUTCOME_late_share] = 0.0101; /* nothing is short */
    add("worker_cpu", 0.49, 1);
    judged(OUTCOME_FAILS, "delivery");
}
END_TEST

/* Descriptors that are nearly all in use refuse connections; they delay nobody's messages. */
START_TEST(descriptors_do_not_make_deliveries_late) {
    setup();
    add("worker_cpu", 0.93, 1);
    add_admission("open_files", 1000, 1000);
    outcome.metric[OUTCOME_late_share] = 0.2;
    judged(OUTCOME_FAILS, "worker_cpu");
}
END_TEST

START_TEST(loss_up_to_its_budget_holds_and_above_it_fails) {
    static const struct {
        double lost;
        enum outcome_verdict verdict;
    } cases[] = {{19, OUTCOME_HOLDS}, {20, OUTCOME_HOLDS}, {21, OUTCOME_FAILS}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        setup();
        outcome.metric[OUTCOME_lost] = cases[i].lost;
        outcome.metric[OUTCOME_closed_slow] = 3;
        judged(cases[i].verdict, cases[i].verdict == OUTCOME_FAILS ? "send_queue" : "");
    }
}
END_TEST

START_TEST(a_delay_that_grows_is_unstable_even_when_it_is_not_late_yet) {
    static const struct {
        double growth, error;
        enum outcome_verdict verdict;
    } cases[] = {{0.624, 0.01, OUTCOME_HOLDS},
                 {0.625, 0.01, OUTCOME_HOLDS},
                 {0.626, 0.01, OUTCOME_UNSTABLE},
                 {0.8, 0.41, OUTCOME_HOLDS}, /* within twice its error of none */
                 {0.8, 0.4, OUTCOME_HOLDS},
                 {0.8, 0.39, OUTCOME_UNSTABLE},
                 {-5, 0.01, OUTCOME_HOLDS},
                 {NAN, NAN, OUTCOME_HOLDS}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        setup();
        add("worker_cpu", 0.99, 1);
        outcome.metric[OUTCOME_backlog_growth] = cases[i].growth;
        outcome.metric[OUTCOME_backlog_growth_stderr] = cases[i].error;
        judged(cases[i].verdict, cases[i].verdict == OUTCOME_UNSTABLE ? "worker_cpu" : "");
    }
}
END_TEST

/* By a feed's second in 8 s, and a twentieth of the objective: (100 / 20 + 1,000) / 8 ms/s. */
START_TEST(a_feed_swings_by_its_own_time_without_a_backlog) {
    static const struct {
        double growth;
        enum outcome_verdict verdict;
    } cases[] = {{125.6, OUTCOME_HOLDS}, {125.7, OUTCOME_UNSTABLE}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        setup();
        outcome.metric[OUTCOME_feed_longest_ms] = 1000;
        outcome.metric[OUTCOME_backlog_growth] = cases[i].growth;
        judged(cases[i].verdict, cases[i].verdict == OUTCOME_UNSTABLE ? "delivery" : "");
    }
}
END_TEST

START_TEST(growth_goes_before_lateness_and_loss) {
    setup();
    outcome.metric[OUTCOME_late_share] = 0.5;
    outcome.metric[OUTCOME_lost] = 900;
    outcome.metric[OUTCOME_backlog_growth] = 50;
    judged(OUTCOME_UNSTABLE, "delivery");
}
END_TEST

/* Both are over; connections were stopped by the one that is further over. */
START_TEST(what_is_furthest_over_its_limit_is_what_refused) {
    setup();
    add_admission("file_max", 1500, 1200);
    add_admission("open_files", 1500, 1000);
    add_admission("nr_open", 1500, 1400);
    outcome.metric[OUTCOME_refused] = 500;
    judged(OUTCOME_FAILS, "open_files");
}
END_TEST

/* By hand: 1,000 connections were asked for, 200 publishes/s were due. */
START_TEST(resources_break_in_the_order_of_how_many_times_the_load_it_takes) {
    setup();
    outcome.metric[OUTCOME_connections] = 900;
    outcome.metric[OUTCOME_refused] = 100;
    outcome.metric[OUTCOME_offered_publishes_per_s] = 200;
    static const struct outcome_resource resources[] = {
        {.name = "memory", .grows_with = OUTCOME_LOAD_CONNECTIONS, .breaks_at = 2500},
        {.name = "worker_cpu", .grows_with = OUTCOME_LOAD_PUBLISHES, .breaks_at = 350},
        {.name = "nic_egress", .grows_with = OUTCOME_LOAD_PUBLISHES, .breaks_at = INFINITY},
        {.name = "send_queue"},
        {.name = "open_files", .grows_with = OUTCOME_LOAD_CONNECTIONS, .breaks_at = 950},
    };
    for (size_t i = 0; i < COUNT_OF(resources); i++)
        outcome.resources[outcome.resources_count++] = resources[i];
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    ck_assert_int_eq(outcome_break_order(&outcome, order), 3);
    ck_assert_str_eq(order[0]->name, "open_files"); /* 0.95 times */
    ck_assert_str_eq(order[1]->name, "worker_cpu"); /* 1.75 */
    ck_assert_str_eq(order[2]->name, "memory");     /* 2.5 */
}
END_TEST

START_TEST(a_refused_connection_fails_by_the_limit_that_refused_it) {
    setup();
    add("worker_cpu", 0.99, 1);
    add_admission("open_files", 1001, 1000);
    outcome.metric[OUTCOME_refused] = 1;
    judged(OUTCOME_FAILS, "open_files");
    setup();
    outcome.metric[OUTCOME_refused] = 1;
    judged(OUTCOME_FAILS, "open_files");
}
END_TEST

START_TEST(nothing_due_cannot_be_told_unless_a_limit_is_reached) {
    setup();
    outcome.metric[OUTCOME_due] = 0;
    outcome.metric[OUTCOME_late_share] = NAN;
    judged(OUTCOME_CANNOT_TELL, "");
    setup();
    outcome.metric[OUTCOME_due] = 0;
    add("memory", 999, 1000);
    judged(OUTCOME_CANNOT_TELL, "");
    setup();
    outcome.metric[OUTCOME_due] = 0;
    add("memory", 1000, 1000);
    judged(OUTCOME_FAILS, "memory");
    outcome_init(&outcome); /* every metric unknown */
    judged(OUTCOME_CANNOT_TELL, "");
}
END_TEST

START_TEST(what_follows_from_other_figures_is_filled_in) {
    setup();
    for (int64_t ms = 1; ms <= 100; ms++)
        hist_add(&outcome.latency, ms * BASE_NS_PER_MS);
    outcome.metric[OUTCOME_offered_publishes_per_s] = 12;
    outcome.metric[OUTCOME_offered_deliveries_per_s] = 300;
    outcome.metric[OUTCOME_deliveries] = 2384;
    outcome_finish(&outcome);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_p50_ms], 50, 0.1); /* 0.2 %, hist.h */
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_p99_ms], 99, 0.2);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_mean_ms], 50.5, 1e-9);
    ck_assert_double_eq_tol(outcome.metric[OUTCOME_latency_max_ms], 100, 1e-9);
    ck_assert_double_eq(outcome.metric[OUTCOME_amplification], 25);
    ck_assert_double_eq(outcome.metric[OUTCOME_deliveries_per_s], 298);
    outcome_fini(&outcome);
}
END_TEST

/* Each objective beside delivery and loss, at its limit and above it; without the figure, as in a
 * run without churn, none is missed. */
START_TEST(an_objective_about_connections_or_gaps_is_missed_above_its_limit_and_names_itself) {
    static const struct {
        enum outcome_metric metric;
        double limit, above;
        const char *name;
    } rows[] = {{OUTCOME_recovery_s, 7.5, 7.501, "recovery"},
                {OUTCOME_recovery_s, 7.5, INFINITY, "recovery"},
                {OUTCOME_unreachable_share, 0.03, 0.0301, "unreachable_share"},
                {OUTCOME_imbalance, 0.2, 0.21, "imbalance"},
                {OUTCOME_longest_outage_ms, 2500, 2501, "longest_outage"},
                {OUTCOME_longest_gap_ms, 1300, 1301, "longest_gap"}};
    const struct spec_objectives all = {.delivery = objectives.delivery,
                                        .lost_share = objectives.lost_share,
                                        .recovery = 7500 * BASE_NS_PER_MS,
                                        .unreachable_share = 0.03,
                                        .imbalance = 0.2,
                                        .longest_outage = 2500 * BASE_NS_PER_MS,
                                        .longest_gap = 1300 * BASE_NS_PER_MS};
    for (size_t i = 0; i < 3 * COUNT_OF(rows); i++) {
        size_t row = i / 3;
        const double values[] = {NAN, rows[row].limit, rows[row].above};
        bool is_missed = i % 3 == 2;
        setup();
        outcome.metric[rows[row].metric] = values[i % 3];
        outcome_judge(&outcome, &all);
        ck_assert_int_eq(outcome.verdict, is_missed ? OUTCOME_FAILS : OUTCOME_HOLDS);
        ck_assert_str_eq(outcome.broke, is_missed ? rows[row].name : "");
        outcome_fini(&outcome);
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(lateness_up_to_the_objective_holds),
        TEST(lateness_above_the_objective_fails_by_the_resource_nearest_to_its_limit),
        TEST(descriptors_do_not_make_deliveries_late),
        TEST(loss_up_to_its_budget_holds_and_above_it_fails),
        TEST(a_delay_that_grows_is_unstable_even_when_it_is_not_late_yet),
        TEST(a_feed_swings_by_its_own_time_without_a_backlog),
        TEST(growth_goes_before_lateness_and_loss),
        TEST(what_is_furthest_over_its_limit_is_what_refused),
        TEST(resources_break_in_the_order_of_how_many_times_the_load_it_takes),
        TEST(a_refused_connection_fails_by_the_limit_that_refused_it),
        TEST(nothing_due_cannot_be_told_unless_a_limit_is_reached),
        TEST(what_follows_from_other_figures_is_filled_in),
        TEST(an_objective_about_connections_or_gaps_is_missed_above_its_limit_and_names_itself),
    };
    return suite_run("workload/outcome", tests, COUNT_OF(tests));
}
