/* Yardsticks: they take little time, cost something, and steal is a share. Their values are the
 * machine's and are not tested. */
#include "tests/sim/suite.h"
#include "validation/measure/yardstick.h"

#include <errno.h>
#include <math.h>
#include <time.h>

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

START_TEST(a_yardstick_is_a_positive_cost_and_soon_done) {
    static const struct {
        double lowest, highest;
    } plausible[] = {
        [YARDSTICK_SEND] = {50, 1e6},     /* a system call alone takes 50 ns */
        [YARDSTICK_MEMORY] = {0.3, 1e5},  /* a step is a load: more than a cycle */
        [YARDSTICK_WAKE_UP] = {0.2, 1e5}, /* two system calls each way */
    };
    enum yardstick_kind kind = (enum yardstick_kind)_i;
    struct yardstick_options options = {.cpu = -1, .other_cpu = -1, .connections = 50};
    struct yardstick_result result = {0};
    double began = seconds_now();
    ck_assert(yardstick_measure(kind, &options, &result));
    ck_assert_double_ge(result.median, plausible[kind].lowest);
    ck_assert_double_le(result.median, plausible[kind].highest);
    ck_assert_double_ge(result.spread, 0);
    ck_assert_double_lt(seconds_now() - began, 10); /* half a second, when nobody else runs */
}
END_TEST

START_TEST(a_processor_that_is_not_there_is_an_error) {
    struct yardstick_options options = {.cpu = 1023, .other_cpu = -1};
    struct yardstick_result result;
    ck_assert(!yardstick_measure(YARDSTICK_MEMORY, &options, &result));
    ck_assert_int_eq(errno, EINVAL);
    options = (struct yardstick_options){.cpu = -1, .other_cpu = 1023};
    ck_assert(!yardstick_measure(YARDSTICK_WAKE_UP, &options, &result));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(stolen_time_is_a_share_of_all_time) {
    struct yardstick_steal before = {.stolen_ticks = 10, .all_ticks = 1000};
    struct yardstick_steal after = {.stolen_ticks = 13, .all_ticks = 1200}, now;
    ck_assert_double_eq_tol(yardstick_steal_share(&before, &after), 0.015, 1e-12);
    ck_assert_double_eq(yardstick_steal_share(&after, &after), 0);
    ck_assert(yardstick_steal_read(-1, &now));
    ck_assert_uint_gt(now.all_ticks, 0);
    ck_assert(yardstick_steal_read(0, &now));
    ck_assert(!yardstick_steal_read(1023, &now));
}
END_TEST

START_TEST(a_run_of_slow_windows_is_a_spell) {
    double windows[400];
    struct yardstick_spells spells = {0};
    for (int32_t i = 0; i < 400; i++) /* two of 30 and 20 ms, half as dear again; one just below */
        windows[i] = (i >= 50 && i < 53) || (i >= 90 && i < 92) ? 6000 : i == 70 ? 4700 : 4000;
    yardstick_add_spells(&spells, windows, 400);
    ck_assert_int_eq(spells.begun, 2);
    ck_assert_double_eq_tol(spells.slow_s, 0.05, 1e-9);
    ck_assert_double_eq_tol(spells.quiet_s, 3.95, 1e-9);
    ck_assert_double_eq_tol(spells.excess_s, 0.05 / 3, 1e-4); /* the one just below is quiet */
}
END_TEST

START_TEST(a_mood_is_no_spell) {
    double windows[400];
    struct yardstick_spells spells = {0};
    for (int32_t i = 0; i < 400; i++)
        windows[i] = i >= 290 ? 6000 : 4000; /* the last 1.1 s */
    yardstick_add_spells(&spells, windows, 400);
    yardstick_add_spells(&spells, windows, 0);
    ck_assert_int_eq(spells.begun, 0);
    ck_assert_double_eq(spells.slow_s, 0);
    ck_assert_double_eq_tol(spells.quiet_s, 2.9, 1e-9);
}
END_TEST

START_TEST(watching_takes_as_long_as_was_asked) {
    struct yardstick_options options = {.cpu = -1, .other_cpu = -1, .connections = 50};
    struct yardstick_spells spells = {0};
    ck_assert(yardstick_watch_spells(&options, 0.2, &spells));
    ck_assert_double_eq_tol(spells.quiet_s + spells.slow_s, 0.2, 1e-9);
    ck_assert_double_le(spells.excess_s, spells.slow_s);
    options.cpu = 1023;
    ck_assert(!yardstick_watch_spells(&options, 0.2, &spells));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(a_yardstick_is_a_positive_cost_and_soon_done, YARDSTICK_KINDS),
        TEST(a_processor_that_is_not_there_is_an_error),
        TEST(stolen_time_is_a_share_of_all_time),
        TEST(a_run_of_slow_windows_is_a_spell),
        TEST(a_mood_is_no_spell),
        TEST(watching_takes_as_long_as_was_asked),
    };
    return suite_run("yardstick", tests, COUNT_OF(tests));
}
