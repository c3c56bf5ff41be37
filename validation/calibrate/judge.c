/* A slow machine is no reason to refuse: the fit has its speed as a covariate. What it cannot know
 * is the speed within a block in which it changed; and a calibration is worth what it says of
 * turns. */
#include "validation/calibrate/judge.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool judge_take(struct judge_yards *yards, enum yardstick_kind kind, int32_t gateway_cpu,
                int32_t load_cpu) {
    struct yardstick_result result;
    struct yardstick_options options = {.cpu = gateway_cpu, .other_cpu = load_cpu};
    if (!yardstick_measure(kind, &options, &result))
        return false;
    if (kind == YARDSTICK_SEND) {
        yards->send_before_ns = yards->send_ns;
        yards->send_ns = result.median;
    } else {
        CHECK(yards->other_count[kind] < JUDGE_OTHERS_MAX);
        yards->other[kind][yards->other_count[kind]++] = result.median;
    }
    return true;
}

/* What is measured to be compared with a prediction waits for the machine's quiet mood, so the
 * costs are those of that mood: of the quicker blocks, and not of the luckiest. */
static const double QUIET_QUANTILE = 0.25;

void judge_bracket(struct windows *windows, int32_t first, const struct judge_yards *yards) {
    CHECK(yards->send_before_ns > 0);
    for (int32_t i = first; i < windows->count; i++) {
        windows->items[i].yard_before_ns = yards->send_before_ns;
        windows->items[i].yard_after_ns = yards->send_ns;
    }
}

bool judge_is_off(const struct calibrate_window *window) {
    double first = window->yard_before_ns, last = window->yard_after_ns;
    return fmax(first, last) > YARDSTICK_STEP_MAX * fmin(first, last);
}

/* A yardstick per block; returns how many. */
static int32_t list_yards(const struct windows *windows, double yards[WINDOWS_BLOCKS_MAX]) {
    int32_t count = 0;
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        bool is_first = i == 0 || window->block != windows->items[i - 1].block;
        if (is_first && window->yard_before_ns > 0 && window->yard_after_ns > 0)
            yards[count++] = (window->yard_before_ns + window->yard_after_ns) / 2;
    }
    return count;
}

double judge_reference_ns(const struct windows *windows) {
    double yards[WINDOWS_BLOCKS_MAX];
    int32_t count = list_yards(windows, yards);
    return count > 0 ? stats_quantile(yards, (size_t)count, QUIET_QUANTILE) : (double)NAN;
}

void judge_windows(struct windows *windows) {
    double reference_ns = judge_reference_ns(windows);
    for (int32_t i = 0; i < windows->count; i++) {
        struct calibrate_window *window = &windows->items[i];
        window->yardstick = (window->yard_before_ns + window->yard_after_ns) / 2 / reference_ns;
        if (window->exclusion == CALIBRATE_USED && judge_is_off(window))
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

bool judge_refuses(const struct windows *windows, double turn_error,
                   char why[CALIBRATE_WHY_BYTES]) {
    int32_t excluded = 0;
    for (int32_t i = 0; i < windows->count; i++)
        excluded += windows->items[i].exclusion != CALIBRATE_USED;
    if (turn_error <= JUDGE_TURN_ERROR_MAX)
        return false;
    snprintf(why, CALIBRATE_WHY_BYTES,
             "a typical turn is known to +-%.0f %% only, where at most %.0f %% will do; %d of %d "
             "windows had to be left out%s%s",
             100 * turn_error, 100 * JUDGE_TURN_ERROR_MAX, excluded, windows->count,
             excluded > 0 ? ", most of them for this reason: " : "",
             excluded > 0 ? calibrate_exclusion_word(commonest(windows)) : "");
    return true;
}

/* --- into the profile ---------------------------------------------------------------------------
 */

/* Replaces the one of that kind, or adds it. */
static void set_yardstick(struct profile *profile, enum yardstick_kind kind, double *values,
                          int32_t count, double quantile) {
    int32_t at = 0;
    while (at < profile->yardsticks_count &&
           strcmp(profile->yardsticks[at].name, yardstick_name(kind)) != 0)
        at++;
    if (count == 0 || at == PROFILE_YARDSTICKS_MAX)
        return;
    double value = stats_quantile(values, (size_t)count, quantile);
    double low = stats_quantile(values, (size_t)count, 0.05);
    double high = stats_quantile(values, (size_t)count, 0.95);
    profile->yardsticks[at] = (struct profile_yardstick){.name = yardstick_name(kind),
                                                         .unit = yardstick_unit(kind),
                                                         .value = value,
                                                         .spread = (high - low) / 2 / value};
    profile->yardsticks_count += at == profile->yardsticks_count;
}

void judge_reference_to_profile(const struct windows *windows, struct profile *profile) {
    double yards[WINDOWS_BLOCKS_MAX];
    int32_t count = list_yards(windows, yards);
    set_yardstick(profile, YARDSTICK_SEND, yards, count, QUIET_QUANTILE);
}

void judge_to_profile(const struct judge_yards *yards, struct profile *profile) {
    for (int32_t kind = YARDSTICK_SEND + 1; kind < YARDSTICK_KINDS; kind++) {
        double values[JUDGE_OTHERS_MAX];
        memcpy(values, yards->other[kind], sizeof values);
        set_yardstick(profile, (enum yardstick_kind)kind, values, yards->other_count[kind], 0.5);
    }
}
