/* What is worked out beside the fit, from made-up reports whose answers are known. */
#include "tests/sim/suite.h"

#include "validation/calibrate/experiments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bench {
    struct arena arena;
    struct profile *profile;
    struct experiments experiments;
};

static void bench_init(struct bench *bench) {
    arena_init(&bench->arena);
    bench->profile = calloc(1, sizeof *bench->profile);
    bench->experiments = (struct experiments){.profile = bench->profile, .arena = &bench->arena};
}

static void bench_fini(struct bench *bench) {
    free(bench->profile);
    arena_fini(&bench->arena);
}

static const struct profile_entry *entry(const struct bench *bench, enum cost cost) {
    return &bench->profile->costs[cost];
}

/* A look that finds costs 412 ns and 0.31 ns a byte where bytes are read in full. */
static struct load_looks looks(double bytes_each, bool is_in_full) {
    return (struct load_looks){.found = 2000,
                               .empty = 50000,
                               .bytes = (int64_t)(2000 * bytes_each),
                               .found_ns = 412 + (is_in_full ? 0.31 * bytes_each : 0),
                               .empty_ns = 121};
}

START_TEST(the_generators_own_costs_come_out_of_its_reports) {
    struct bench bench;
    struct experiments_generator generators[6];
    bench_init(&bench);
    for (int32_t i = 0; i < 6; i++)
        generators[i] = (struct experiments_generator){
            .sample = looks(130 + 700 * i, true),
            .bulk = looks(1000 + 5000 * i, false),
            .sends = 5000,
            .send_ns = i < 3 ? 2340 : 9000, /* the others send many at once */
            .lateness_ns = i == 1 ? 3100 : 1e9,
            .look_ns = i == 1 ? 27000 : 1e9,
            .is_one_by_one = i < 3,
            .is_moderate = i == 1,
            .stolen_count = i < 4 ? 25 : 0,
            .stolen_ns = i < 4 ? 50e6 : NAN, /* the mean of nothing */
            .elapsed_s = 2.5};
    ck_assert_msg(experiments_generator(&bench.experiments, generators, 6), "%s",
                  bench.experiments.why);
    ck_assert_double_eq_tol(entry(&bench, COST_load_read)->value, 412, 1e-6);
    ck_assert_double_eq_tol(entry(&bench, COST_load_byte)->value, 0.31, 1e-9);
    ck_assert_double_eq_tol(entry(&bench, COST_load_sweep)->value, 121, 1e-9);
    ck_assert_double_eq(entry(&bench, COST_load_publish)->value, 2340);
    ck_assert_double_eq(entry(&bench, COST_load_lateness)->value, 3100);
    ck_assert_double_eq(entry(&bench, COST_load_sample)->value, 27000);
    ck_assert_int_eq(entry(&bench, COST_load_read)->source, PROFILE_MEASURED);
    ck_assert_double_eq_tol(entry(&bench, COST_steals)->value, 100 / 15.0, 1e-9);
    ck_assert_double_eq_tol(entry(&bench, COST_steal)->value, 2e6, 1e-6);
    /* 100 gaps are known to a tenth, if they are Poisson; twice that */
    ck_assert_double_eq_tol(entry(&bench, COST_steals)->standard_error, 20 / 15.0, 1e-9);
    bench_fini(&bench);
}
END_TEST

START_TEST(without_a_moderate_load_the_generators_delays_are_not_known) {
    struct bench bench;
    struct experiments_generator generators[2] = {{.sends = 5000, .is_one_by_one = true},
                                                  {.sends = 5000, .is_one_by_one = true}};
    bench_init(&bench);
    ck_assert(!experiments_generator(&bench.experiments, generators, 2));
    ck_assert_str_eq(bench.experiments.why, "too few of the generator's reports are left");
    bench_fini(&bench);
}
END_TEST

/* A block in which the machine paused is ten times the others, and only one of them. */
START_TEST(of_the_generators_delays_the_median_block_counts) {
    struct bench bench;
    struct experiments_generator generators[3];
    bench_init(&bench);
    for (int32_t i = 0; i < 3; i++)
        generators[i] = (struct experiments_generator){.sample = looks(130 + 700 * i, true),
                                                       .bulk = looks(1000 + 5000 * i, false),
                                                       .sends = 5000,
                                                       .send_ns = 2340,
                                                       .lateness_ns = i == 0 ? 368000 : 23000 + i,
                                                       .look_ns = i == 2 ? 434000 : 27000 + i,
                                                       .is_one_by_one = true,
                                                       .is_moderate = true,
                                                       .elapsed_s = 1};
    ck_assert(experiments_generator(&bench.experiments, generators, 3));
    ck_assert_double_eq(entry(&bench, COST_load_lateness)->value, 23002);
    ck_assert_double_eq(entry(&bench, COST_load_sample)->value, 27001);
    ck_assert_double_eq(entry(&bench, COST_steals)->value, 0);
    bench_fini(&bench);
}
END_TEST

START_TEST(processor_costs_are_net_of_the_time_that_was_stolen) {
    struct bench bench;
    bench_init(&bench);
    struct profile_entry *costs = bench.profile->costs;
    costs[COST_steals].value = 10;
    costs[COST_steal].value = 4e6; /* 4 % of the time */
    costs[COST_write] = (struct profile_entry){.value = 5000, .standard_error = 100};
    costs[COST_wake_up].value = 90000; /* not a phase's */
    experiments_net_of_steal(bench.profile);
    ck_assert_double_eq_tol(costs[COST_write].value, 4800, 1e-9);
    ck_assert_double_eq_tol(costs[COST_write].standard_error, 96, 1e-9);
    ck_assert_double_eq(costs[COST_wake_up].value, 90000);
    bench_fini(&bench);
}
END_TEST

START_TEST(accepting_is_the_mean_over_settings) {
    struct bench bench;
    struct experiments_accepts accepts = {.ns = {20000, 23000, 26000}, .count = 3};
    bench_init(&bench);
    experiments_accept(&bench.experiments, &accepts);
    ck_assert_double_eq_tol(entry(&bench, COST_accept)->value, 23000, 1e-9);
    /* standard deviation 3000, three values */
    ck_assert_double_eq_tol(entry(&bench, COST_accept)->standard_error, 3000 / sqrt(3), 1e-6);
    bench_fini(&bench);
}
END_TEST

START_TEST(memory_waiting_is_what_the_process_grew_by) {
    struct bench bench;
    struct server_memory before = {.user_bytes = 5e6}, full = {.user_bytes = 27e6};
    bench_init(&bench);
    experiments_queued(&bench.experiments, &before, &full, 20e6);
    ck_assert_double_eq_tol(entry(&bench, COST_queued_user)->value, 1.1, 1e-12);
    bench_fini(&bench);
}
END_TEST

START_TEST(memory_that_cannot_be_read_leaves_its_entry_alone) {
    struct bench bench;
    struct server_memory before = {.user_bytes = NAN}, full = {.user_bytes = NAN};
    bench_init(&bench);
    bench.profile->costs[COST_queued_user] =
        (struct profile_entry){.value = 0.75, .source = PROFILE_ASSUMED, .note = ""};
    experiments_queued(&bench.experiments, &before, &full, 20e6);
    ck_assert_int_eq(entry(&bench, COST_queued_user)->source, PROFILE_ASSUMED);
    ck_assert_double_eq(entry(&bench, COST_queued_user)->value, 0.75);
    bench_fini(&bench);
}
END_TEST

/* Ten members, so the median delivery is the 5.5th write: 1200 + 1500 + 300 + 5.5 * 2000 = 14,000
 * ns of processor costs; 3,000 ns of lateness and half of 20,000 ns between two looks. */
START_TEST(waking_up_is_what_is_left_of_the_median) {
    struct bench bench;
    struct load_report report;
    bench_init(&bench);
    load_report_init(&report);
    bench.profile->costs[COST_turn].value = 1200;
    bench.profile->costs[COST_read].value = 1500;
    bench.profile->costs[COST_publish].value = 300;
    bench.profile->costs[COST_write].value = 2000;
    hist_add_n(&report.latency, 35000, 101);
    hist_add_n(&report.generator.lateness, 3000, 11);
    hist_add_n(&report.generator.sample_look, 20000, 11);
    experiments_wake_up(&bench.experiments, &report);
    /* The histogram is right to 0.2 %. */
    ck_assert_double_eq_tol(entry(&bench, COST_wake_up)->value, 35000 - 14000 - 3000 - 10000, 150);
    hist_clear(&report.latency);
    hist_add_n(&report.latency, 20000, 101);
    experiments_wake_up(&bench.experiments, &report);
    ck_assert_double_eq(entry(&bench, COST_wake_up)->value, 0); /* never negative */
    ck_assert_double_gt(entry(&bench, COST_wake_up)->standard_error, 0);
    load_report_fini(&report);
    bench_fini(&bench);
}
END_TEST

START_TEST(kernel_buffers_fill_their_five_entries) {
    static const enum cost costs[] = {COST_send_capacity, COST_receive_capacity, COST_window_share,
                                      COST_writable_share, COST_queued_kernel};
    struct bench bench;
    bench_init(&bench);
    ck_assert_msg(experiments_buffers(&bench.experiments), "%s", bench.experiments.why);
    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        const struct profile_entry *found = entry(&bench, costs[i]);
        ck_assert_double_gt(found->value, profile_cost_lowest(costs[i]));
        ck_assert_double_le(found->value, profile_cost_highest(costs[i]));
        ck_assert_double_gt(found->standard_error, 0);
        ck_assert(strstr(found->note, "socket pair") == found->note);
    }
    ck_assert_double_ge(entry(&bench, COST_queued_kernel)->value, 1); /* data and its records */
    bench_fini(&bench);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_generators_own_costs_come_out_of_its_reports),
        TEST(without_a_moderate_load_the_generators_delays_are_not_known),
        TEST(of_the_generators_delays_the_median_block_counts),
        TEST(processor_costs_are_net_of_the_time_that_was_stolen),
        TEST(accepting_is_the_mean_over_settings),
        TEST(memory_waiting_is_what_the_process_grew_by),
        TEST(memory_that_cannot_be_read_leaves_its_entry_alone),
        TEST(waking_up_is_what_is_left_of_the_median),
        TEST(kernel_buffers_fill_their_five_entries),
    };
    return suite_run("calibrate/experiments", tests, COUNT_OF(tests));
}
