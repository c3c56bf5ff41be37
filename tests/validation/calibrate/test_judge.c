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

/* Blocks between yardsticks: block k lies between yards[k] and yards[k + 1]. */
static void make_up(struct windows *windows, const double yards[BLOCKS + 1]) {
    struct judge_yards taken = {.send_ns = yards[0]};
    windows_init(windows);
    for (int32_t block = 0; block < BLOCKS; block++) {
        int32_t first = windows->count;
        for (int32_t i = 0; i < PER_BLOCK; i++)
            windows_add(windows, &(struct calibrate_window){.block = block});
        taken.send_before_ns = taken.send_ns;
        taken.send_ns = yards[block + 1];
        judge_bracket(windows, first, &taken);
    }
}

static const double steady[BLOCKS + 1] = {1700, 1700, 1700, 1700, 1700, 1700,
                                          1700, 1700, 1700, 1700, 1700};

static int32_t count_excluded(const struct windows *windows, enum calibrate_exclusion exclusion) {
    int32_t count = 0;
    for (int32_t i = 0; i < windows->count; i++)
        count += windows->items[i].exclusion == exclusion;
    return count;
}

START_TEST(a_block_in_which_the_machine_changed_its_speed_is_excluded) {
    struct windows windows;
    double yards[BLOCKS + 1];
    memcpy(yards, steady, sizeof yards);
    yards[4] = 1700 * 1.21; /* a step of more than a fifth, up and down again */
    make_up(&windows, yards);
    judge_windows(&windows);
    ck_assert_int_eq(count_excluded(&windows, CALIBRATE_YARDSTICK), 2 * PER_BLOCK);
    ck_assert_int_eq(windows.items[3 * PER_BLOCK].exclusion, CALIBRATE_YARDSTICK);
    ck_assert_int_eq(windows.items[4 * PER_BLOCK].exclusion, CALIBRATE_YARDSTICK);
    ck_assert_double_eq_tol(windows.items[3 * PER_BLOCK].yardstick, 1.105, 1e-12);
    windows_fini(&windows);
    yards[4] = 1700 * 1.19;
    make_up(&windows, yards);
    judge_windows(&windows);
    ck_assert_int_eq(count_excluded(&windows, CALIBRATE_USED), BLOCKS * PER_BLOCK);
    windows_fini(&windows);
}
END_TEST

/* What the yardstick says of the speed goes into the fit: slow is no reason to leave a block out.
 */
START_TEST(a_block_on_a_slow_machine_counts_where_it_was_slow_throughout) {
    struct windows windows;
    double yards[BLOCKS + 1];
    memcpy(yards, steady, sizeof yards);
    for (int32_t i = 0; i < 4; i++)
        yards[i] = 1700 * 1.6;
    make_up(&windows, yards);
    judge_windows(&windows);
    ck_assert_int_eq(count_excluded(&windows, CALIBRATE_YARDSTICK), PER_BLOCK); /* the step */
    ck_assert_int_eq(windows.items[0].exclusion, CALIBRATE_USED);
    ck_assert_double_eq_tol(windows.items[0].yardstick, 1.6, 1e-12);
    windows_fini(&windows);
}
END_TEST

START_TEST(a_yardstick_does_not_hide_why_a_window_was_excluded_before) {
    struct windows windows;
    double yards[BLOCKS + 1];
    memcpy(yards, steady, sizeof yards);
    yards[0] = 2 * 1700;
    make_up(&windows, yards);
    windows.items[0].exclusion = CALIBRATE_STOLEN;
    judge_windows(&windows);
    ck_assert_int_eq(windows.items[0].exclusion, CALIBRATE_STOLEN);
    ck_assert_int_eq(windows.items[1].exclusion, CALIBRATE_YARDSTICK);
    windows_fini(&windows);
}
END_TEST

START_TEST(a_calibration_that_says_too_little_of_turns_is_refused_with_what_made_it_so) {
    struct windows windows;
    char why[CALIBRATE_WHY_BYTES] = "";
    make_up(&windows, steady);
    ck_assert(!judge_refuses(&windows, JUDGE_TURN_ERROR_MAX, why));
    ck_assert(judge_refuses(&windows, 0.16, why));
    ck_assert_str_eq(why,
                     "a typical turn is known to +-16 % only, where at most 15 % will do; 0 of "
                     "50 windows had to be left out");
    for (int32_t i = 0; i < 21; i++)
        windows.items[i].exclusion = i < 5 ? CALIBRATE_STOLEN : CALIBRATE_SHARED;
    ck_assert(!judge_refuses(&windows, 0.1, why));
    ck_assert(judge_refuses(&windows, 0.42, why));
    ck_assert_str_eq(why,
                     "a typical turn is known to +-42 % only, where at most 15 % will do; 21 of "
                     "50 windows had to be left out, most of them for this reason: shared "
                     "processor");
    windows_fini(&windows);
}
END_TEST

START_TEST(the_profile_has_the_yardsticks_medians_and_spreads) {
    struct windows windows;
    /* the blocks' means: 1725 1700 1685 1705 and six times 1690, whose lower quartile is 1690 */
    const double send[BLOCKS + 1] = {1700, 1750, 1650, 1720, 1690, 1690,
                                     1690, 1690, 1690, 1690, 1690};
    struct judge_yards yards = {.send_ns = 0};
    yards.other[YARDSTICK_MEMORY][0] = 61.5;
    yards.other_count[YARDSTICK_MEMORY] = 1;
    struct profile profile = {.yardsticks_count = 0};
    make_up(&windows, send);
    ck_assert_double_eq(judge_reference_ns(&windows), 1690);
    judge_reference_to_profile(&windows, &profile);
    judge_to_profile(&yards, &profile);
    judge_reference_to_profile(&windows, &profile); /* a fit made again has it already */
    windows_fini(&windows);
    ck_assert_int_eq(profile.yardsticks_count, 2);
    ck_assert_str_eq(profile.yardsticks[0].name, "send");
    ck_assert_double_eq(profile.yardsticks[0].value, 1690);
    /* p5 and p95 of the ten means, linear between ranks: 1687.25 and 1716 */
    ck_assert_double_eq_tol(profile.yardsticks[0].spread, (1716 - 1687.25) / 2 / 1690, 1e-9);
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
        TEST(a_block_in_which_the_machine_changed_its_speed_is_excluded),
        TEST(a_block_on_a_slow_machine_counts_where_it_was_slow_throughout),
        TEST(a_yardstick_does_not_hide_why_a_window_was_excluded_before),
        TEST(a_calibration_that_says_too_little_of_turns_is_refused_with_what_made_it_so),
        TEST(the_profile_has_the_yardsticks_medians_and_spreads),
    };
    return suite_run("calibrate/judge", tests, COUNT_OF(tests));
}
