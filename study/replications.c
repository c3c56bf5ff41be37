/* The interval of one system has two parts: its costs, of which nothing but the calibration knows
 * more, and the mean's error, which replications narrow. How much of what was seen is the one and
 * how much the other is itself uncertain, and that is in the interval: study/group_reach.h. Where
 * the costs are certain there is only the second part, and Student's interval is exact. */
#include "study/replications.h"

#include "sim/base/check.h"
#include "study/variance.h"

#include <math.h>
#include <stdlib.h>

enum { MORE_MAX = 1000000 };
static const double level = 0.95;

int32_t study_draw_of_replication(int32_t replication) {
    return 1 + replication / STUDY_STREAMS_PER_DRAW;
}

/* Whole draws only, in front of `kept`. Returns how many values. */
static int32_t gather(const double *values, int32_t count, double *kept) {
    int32_t kept_count = 0;
    for (int32_t i = 0; i + 1 < count; i += STUDY_STREAMS_PER_DRAW) {
        if (!isfinite(values[i]) || !isfinite(values[i + 1]))
            continue;
        kept[kept_count++] = values[i];
        kept[kept_count++] = values[i + 1];
    }
    return kept_count;
}

static double half_width(double variance, double freedom) {
    struct stats_interval interval = study_t_interval(0, variance, freedom, level);
    return interval.high;
}

static double mean_of(const double *values, int32_t count) {
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            stats_add(&stats, values[i]);
    return stats.count > 0 ? stats.mean : (double)NAN;
}

static struct stats_interval about(double mean, double reach) {
    return (struct stats_interval){mean, mean - reach, mean + reach};
}

static void fill(struct study_estimate *estimate, const struct study_variance *variance) {
    double count = estimate->count, draws = count / STUDY_STREAMS_PER_DRAW;
    double within_freedom = variance->between > 0 ? count - draws : count - 1;
    estimate->mean = variance->mean;
    estimate->between = variance->between;
    estimate->spread = variance->mean_variance * count;
    estimate->freedom = variance->mean_freedom;
    estimate->noise = half_width(variance->mean_variance, variance->mean_freedom);
    estimate->simulation = half_width(variance->within / count, within_freedom);
    estimate->calibration = half_width(variance->between, draws - 1);
    estimate->interval = about(variance->mean, study_group_reach(&variance->squares, level));
}

/* One sample, whatever draw a value has. */
static void fill_certain(struct study_estimate *estimate, const double *values) {
    struct stats all;
    stats_init(&all);
    for (int32_t i = 0; i < estimate->count; i++)
        stats_add(&all, values[i]);
    estimate->mean = all.mean;
    estimate->between = estimate->calibration = 0;
    estimate->spread = stats_variance(&all);
    estimate->freedom = estimate->count - 1;
    estimate->noise = half_width(estimate->spread / estimate->count, estimate->freedom);
    estimate->simulation = estimate->noise;
    estimate->interval = about(all.mean, estimate->noise);
}

struct study_estimate study_estimate_of(const double *values, int32_t count, bool is_certain) {
    const double nan = (double)NAN;
    struct study_estimate estimate = {.mean = mean_of(values, count),
                                      .interval = {nan, nan, nan},
                                      .noise = nan,
                                      .simulation = nan,
                                      .calibration = nan,
                                      .between = nan,
                                      .spread = nan,
                                      .freedom = nan};
    double *kept = calloc((size_t)count + 1, sizeof *kept);
    CHECK(kept != NULL);
    estimate.count = gather(values, count, kept);
    if (estimate.count >= STUDY_REPLICATIONS_MIN && is_certain) {
        fill_certain(&estimate, kept);
    } else if (estimate.count >= STUDY_REPLICATIONS_MIN) {
        struct study_variance variance = study_nested_variance(
            kept, estimate.count / STUDY_STREAMS_PER_DRAW, STUDY_STREAMS_PER_DRAW);
        fill(&estimate, &variance);
    }
    free(kept);
    return estimate;
}

/* With `count` replications; the freedom grows by draws where they differ, else by values. */
static double noise_at(const struct study_estimate *estimate, double count) {
    bool by_draws = estimate->between > 0;
    double freedom = (by_draws ? count / STUDY_STREAMS_PER_DRAW : count) - 1;
    return half_width(estimate->spread / count, freedom);
}

int64_t study_more_until(const struct study_estimate *estimate, double target) {
    int64_t enough = estimate->count, low;
    if (!(estimate->noise > target)) /* NAN: nobody knows */
        return 0;
    do {
        low = enough;
        enough = 2 * enough < MORE_MAX ? 2 * enough : MORE_MAX;
    } while (enough < MORE_MAX && noise_at(estimate, (double)enough) > target);
    while (enough - low > STUDY_STREAMS_PER_DRAW) {
        int64_t middle = (low + enough) / 2 / STUDY_STREAMS_PER_DRAW * STUDY_STREAMS_PER_DRAW;
        if (noise_at(estimate, (double)middle) > target)
            low = middle;
        else
            enough = middle;
    }
    return enough - estimate->count;
}

int study_side_of(const struct study_estimate *estimate, double limit) {
    if (estimate->interval.high <= limit)
        return -1;
    return estimate->interval.low > limit ? 1 : 0;
}

int64_t study_more_to_tell(const struct study_estimate *estimate, double limit) {
    double distance = fabs(estimate->mean - limit);
    if (study_side_of(estimate, limit) != 0)
        return 0;
    if (!(distance > estimate->calibration))
        return estimate->calibration > 0 || isnan(estimate->calibration) ? STUDY_MORE_NEVER
                                                                         : MORE_MAX;
    /* Half-widths of one kind, so they add up like their variances. */
    int64_t more = study_more_until(
        estimate, sqrt(distance * distance - estimate->calibration * estimate->calibration));
    return more > 0 ? more : STUDY_STREAMS_PER_DRAW;
}
