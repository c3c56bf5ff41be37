/* Bounds that a refusal states in words. Within a quarter, costs follow the yardstick and are
 * fitted in units of it; a machine that wanders further is another machine. */
#include "validation/calibrate/judge.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double BAND = 0.25;
static const double EXCLUDED_MOST = 0.40;

bool judge_take(struct judge_yards *yards, enum yardstick_kind kind, int32_t gateway_cpu,
                int32_t load_cpu) {
    struct yardstick_result result;
    struct yardstick_options options = {.cpu = gateway_cpu, .other_cpu = load_cpu};
    if (!yardstick_measure(kind, &options, &result))
        return false;
    if (kind == YARDSTICK_SEND) {
        CHECK(yards->send_count < JUDGE_YARDS_MAX);
        yards->send[yards->send_count++] = result.median;
    } else {
        CHECK(yards->other_count[kind] < JUDGE_OTHERS_MAX);
        yards->other[kind][yards->other_count[kind]++] = result.median;
    }
    return true;
}

static double median_of(const double *values, int32_t count) {
    double sorted[JUDGE_YARDS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    return stats_median(sorted, (size_t)count);
}

bool judge_await_calm(struct judge_yards *yards, int32_t gateway_cpu, int32_t load_cpu,
                      const volatile sig_atomic_t *stop) {
    CHECK(yards->send_count > 0 && yards->send_count < JUDGE_YARDS_MAX);
    struct yardstick_result last = {.median = yards->send[yards->send_count - 1]};
    double before = last.median;
    struct yardstick_options options = {.cpu = gateway_cpu, .other_cpu = load_cpu};
    if (!yardstick_wait(&yards->calm, &options, stop, &last))
        return false;
    if (last.median != before)
        yards->send[yards->send_count++] = last.median;
    return true;
}

static bool is_off(double first, double last, double median) {
    return fabs((first + last) / 2 / median - 1) > BAND ||
           fmax(first, last) / fmin(first, last) > YARDSTICK_STEP_MAX;
}

bool judge_is_off(const struct judge_yards *yards, int32_t position) {
    CHECK(position >= 1 && position < yards->send_count);
    return is_off(yards->send[position - 1], yards->send[position],
                  median_of(yards->send, yards->send_count));
}

void judge_windows(struct windows *windows, const struct judge_yards *yards,
                   const int32_t *position) {
    double median = median_of(yards->send, yards->send_count);
    for (int32_t i = 0; i < windows->count; i++) {
        struct calibrate_window *window = &windows->items[i];
        int32_t after = position[window->block];
        CHECK(after >= 1 && after < yards->send_count);
        double first = yards->send[after - 1], last = yards->send[after];
        window->yardstick = (first + last) / 2 / median;
        if (window->exclusion == CALIBRATE_USED && is_off(first, last, median))
            window->exclusion = CALIBRATE_YARDSTICK;
    }
}

/* The exclusion that took most windows. */
static enum calibrate_exclusion commonest(const struct windows *windows) {
    int32_t counts[CALIBRATE_EXCLUSIONS] = {0}, most = CALIBRATE_USED + 1;
    for (int32_t i = 0; i < windows->count; i++)
        counts[windows->items[i].exclusion]++;
    for (int32_t i = CALIBRATE_USED + 1; i < CALIBRATE_EXCLUSIONS; i++)
        if (counts[i] > counts[most])
            most = i;
    return (enum calibrate_exclusion)most;
}

bool judge_refuses(const struct windows *windows, char why[CALIBRATE_WHY_BYTES]) {
    int32_t excluded = 0;
    for (int32_t i = 0; i < windows->count; i++)
        excluded += windows->items[i].exclusion != CALIBRATE_USED;
    if (excluded <= EXCLUDED_MOST * windows->count)
        return false;
    snprintf(why, CALIBRATE_WHY_BYTES,
             "%d of %d windows had to be left out, most of them for this reason: %s (at most "
             "%.0f %%)",
             excluded, windows->count, calibrate_exclusion_word(commonest(windows)),
             100 * EXCLUDED_MOST);
    return true;
}

/* --- into the profile ---------------------------------------------------------------------------
 */

static void add_yardstick(struct profile *profile, enum yardstick_kind kind, const double *values,
                          int32_t count) {
    if (count == 0)
        return;
    double sorted[JUDGE_YARDS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    double median = stats_median(sorted, (size_t)count);
    double low = stats_quantile(sorted, (size_t)count, 0.05);
    double high = stats_quantile(sorted, (size_t)count, 0.95);
    profile->yardsticks[profile->yardsticks_count++] =
        (struct profile_yardstick){.name = yardstick_name(kind),
                                   .unit = yardstick_unit(kind),
                                   .value = median,
                                   .spread = (high - low) / 2 / median};
}

void judge_to_profile(const struct judge_yards *yards, struct profile *profile) {
    profile->yardsticks_count = 0;
    add_yardstick(profile, YARDSTICK_SEND, yards->send, yards->send_count);
    for (int32_t kind = YARDSTICK_SEND + 1; kind < YARDSTICK_KINDS; kind++)
        add_yardstick(profile, (enum yardstick_kind)kind, yards->other[kind],
                      yards->other_count[kind]);
}
