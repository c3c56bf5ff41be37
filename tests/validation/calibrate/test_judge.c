/* The rules by which windows and whole calibrations do not count. Each bound below, at and above.
 */
#include "tests/sim/suite.h"

#include "validation/calibrate/judge.h"

#include <string.h>

static const struct machine_counters before = {.stolen_ticks = 17,
                                               .retransmits = 4,
                                               .loss_probes = 9,
                                               .wait_ns = 1000000,
                                               .generator_wait_ns = 2000000};

static enum calibrate_exclusion judged(struct machine_counters after, uint64_t short_writes,
                                       bool may_block) {
    struct calibrate_window window = {.length_ns = 100 * BASE_NS_PER_MS,
                                      .counts.short_writes = short_writes};
    return windows_judge(&window, &before, &after, may_block);
}

START_TEST(a_quiet_window_counts) {
    ck_assert_int_eq(judged(before, 0, false), CALIBRATE_USED);
}
END_TEST

START_TEST(a_tick_of_stolen_time_excludes) {
    struct machine_counters after = before;
    after.stolen_ticks++;
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_STOLEN);
}
END_TEST

START_TEST(waiting_for_the_processor_excludes_above_two_percent) {
    struct machine_counters after = before;
    after.wait_ns += 2000000;
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_USED);
    after.wait_ns++;
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_SHARED);
}
END_TEST

START_TEST(a_generator_that_waits_excludes_above_ten_percent) {
    struct machine_counters after = before;
    after.generator_wait_ns += 10000000;
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_USED);
    after.generator_wait_ns++;
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_LATE_GENERATOR);
}
END_TEST

START_TEST(retransmits_and_short_writes_exclude_outside_their_own_blocks) {
    struct machine_counters after = before;
    after.retransmits++;
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_RETRANSMITS);
    ck_assert_int_eq(judged(after, 0, true), CALIBRATE_USED);
    after.loss_probes++; /* which it was */
    ck_assert_int_eq(judged(after, 0, false), CALIBRATE_USED);
    ck_assert_int_eq(judged(before, 1, false), CALIBRATE_BLOCKED);
    ck_assert_int_eq(judged(before, 1, true), CALIBRATE_USED);
}
END_TEST

START_TEST(a_generator_without_its_processor_is_late) {
    struct load_report report;
    load_report_init(&report);
    report.generator.elapsed_s = 2;
    report.generator.cpu_s = 1.6;
    ck_assert(!windows_is_late(&report));
    report.generator.cpu_s = 1.59;
    ck_assert(windows_is_late(&report));
    report.generator.cpu_s = 2;
    hist_add_n(&report.generator.lateness, 50000, 980);
    hist_add_n(&report.generator.lateness, 150 * BASE_NS_PER_MS, 20);
    ck_assert(windows_is_late(&report)); /* one in fifty is later than a window is long */
    hist_add_n(&report.generator.lateness, 50000, 1100);
    ck_assert(!windows_is_late(&report)); /* 20 of 2,100 */
    load_report_fini(&report);
}
END_TEST

enum { BLOCKS = 10, PER_BLOCK = 5 };

struct made_up {
    struct windows windows;
    struct judge_yards yards;
    int32_t positions[BLOCKS];
};

static void make_up(struct made_up *made_up) {
    *made_up = (struct made_up){.yards.send_count = 0};
    windows_init(&made_up->windows);
    made_up->yards.send[made_up->yards.send_count++] = 1700;
    for (int32_t block = 0; block < BLOCKS; block++) {
        made_up->positions[block] = made_up->yards.send_count;
        for (int32_t i = 0; i < PER_BLOCK; i++)
            windows_add(&made_up->windows, &(struct calibrate_window){.block = block});
        made_up->yards.send[made_up->yards.send_count++] = 1700;
    }
}

static int32_t count_excluded(const struct windows *windows, enum calibrate_exclusion exclusion) {
    int32_t count = 0;
    for (int32_t i = 0; i < windows->count; i++)
        count += windows->items[i].exclusion == exclusion;
    return count;
}

START_TEST(a_block_between_yardsticks_beyond_their_band_is_excluded) {
    struct made_up made_up;
    make_up(&made_up);
    made_up.yards.send[4] = 1700 * 1.22; /* a step of more than a fifth, up and down again */
    judge_windows(&made_up.windows, &made_up.yards, made_up.positions);
    ck_assert_int_eq(count_excluded(&made_up.windows, CALIBRATE_YARDSTICK), 2 * PER_BLOCK);
    ck_assert_int_eq(made_up.windows.items[3 * PER_BLOCK].exclusion, CALIBRATE_YARDSTICK);
    ck_assert_int_eq(made_up.windows.items[4 * PER_BLOCK].exclusion, CALIBRATE_YARDSTICK);
    ck_assert_double_eq_tol(made_up.windows.items[3 * PER_BLOCK].yardstick, 1.11, 1e-12);
    windows_fini(&made_up.windows);
    make_up(&made_up);
    made_up.yards.send[4] = 1700 * 1.18;
    judge_windows(&made_up.windows, &made_up.yards, made_up.positions);
    ck_assert_int_eq(count_excluded(&made_up.windows, CALIBRATE_USED), BLOCKS * PER_BLOCK);
    windows_fini(&made_up.windows);
}
END_TEST

START_TEST(a_block_on_another_machine_is_excluded_however_steady_that_one_is) {
    struct made_up made_up;
    make_up(&made_up);
    for (int32_t i = 0; i < 4; i++)
        made_up.yards.send[i] = 1700 * 1.27;
    judge_windows(&made_up.windows, &made_up.yards, made_up.positions);
    /* blocks 0 to 2 lie beyond the quarter; 3 is between 1.27 and 1, a step of a fifth */
    ck_assert_int_eq(count_excluded(&made_up.windows, CALIBRATE_YARDSTICK), 4 * PER_BLOCK);
    windows_fini(&made_up.windows);
}
END_TEST

START_TEST(a_yardstick_does_not_hide_why_a_window_was_excluded_before) {
    struct made_up made_up;
    make_up(&made_up);
    made_up.windows.items[0].exclusion = CALIBRATE_STOLEN;
    made_up.yards.send[0] = 2 * 1700;
    judge_windows(&made_up.windows, &made_up.yards, made_up.positions);
    ck_assert_int_eq(made_up.windows.items[0].exclusion, CALIBRATE_STOLEN);
    ck_assert_int_eq(made_up.windows.items[1].exclusion, CALIBRATE_YARDSTICK);
    windows_fini(&made_up.windows);
}
END_TEST

START_TEST(two_in_five_windows_may_be_excluded_and_no_more) {
    struct made_up made_up;
    char why[CALIBRATE_WHY_BYTES] = "";
    make_up(&made_up);
    for (int32_t i = 0; i < 20; i++)
        made_up.windows.items[i].exclusion = i < 5 ? CALIBRATE_STOLEN : CALIBRATE_SHARED;
    ck_assert(!judge_refuses(&made_up.windows, why));
    made_up.windows.items[20].exclusion = CALIBRATE_SHARED;
    ck_assert(judge_refuses(&made_up.windows, why));
    ck_assert_str_eq(why, "21 of 50 windows had to be left out, most of them for this reason: "
                          "shared processor (at most 40 %)");
    windows_fini(&made_up.windows);
}
END_TEST

START_TEST(the_profile_has_the_yardsticks_medians_and_spreads) {
    struct judge_yards yards = {.send = {1700, 1750, 1650, 1720, 1690}, .send_count = 5};
    yards.other[YARDSTICK_MEMORY][0] = 61.5;
    yards.other_count[YARDSTICK_MEMORY] = 1;
    struct profile profile = {.yardsticks_count = 3};
    judge_to_profile(&yards, &profile);
    ck_assert_int_eq(profile.yardsticks_count, 2);
    ck_assert_str_eq(profile.yardsticks[0].name, "send");
    ck_assert_double_eq(profile.yardsticks[0].value, 1700);
    /* p5 and p95 of five values, linear between ranks: 1658 and 1744 */
    ck_assert_double_eq_tol(profile.yardsticks[0].spread, (1744.0 - 1658.0) / 2 / 1700, 1e-9);
    ck_assert_str_eq(profile.yardsticks[1].name, "memory");
    ck_assert_double_eq(profile.yardsticks[1].value, 61.5);
    ck_assert_double_eq(profile.yardsticks[1].spread, 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_quiet_window_counts),
        TEST(a_tick_of_stolen_time_excludes),
        TEST(waiting_for_the_processor_excludes_above_two_percent),
        TEST(a_generator_that_waits_excludes_above_ten_percent),
        TEST(retransmits_and_short_writes_exclude_outside_their_own_blocks),
        TEST(a_generator_without_its_processor_is_late),
        TEST(a_block_between_yardsticks_beyond_their_band_is_excluded),
        TEST(a_block_on_another_machine_is_excluded_however_steady_that_one_is),
        TEST(a_yardstick_does_not_hide_why_a_window_was_excluded_before),
        TEST(two_in_five_windows_may_be_excluded_and_no_more),
        TEST(the_profile_has_the_yardsticks_medians_and_spreads),
    };
    return suite_run("calibrate/judge", tests, COUNT_OF(tests));
}
