/* Means, their intervals, and where the warm-up ends.
 *
 * Everything that merges does so exactly in count and to rounding in value; what goes into a
 * fingerprint is merged in the order of the replications, never in the order they finished. */
#include "sim/base/stats.h"

#include "sim/base/check.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

enum { MSER_BATCH = 5 };

void stats_init(struct stats *stats) {
    *stats = (struct stats){.min = INFINITY, .max = -INFINITY};
}

void stats_add(struct stats *stats, double value) {
    stats->count++;
    double delta = value - stats->mean;
    stats->mean += delta / (double)stats->count;
    stats->m2 += delta * (value - stats->mean);
    stats->min = fmin(stats->min, value);
    stats->max = fmax(stats->max, value);
}

void stats_merge(struct stats *into, const struct stats *from) {
    if (from->count == 0)
        return;
    double a = (double)into->count, b = (double)from->count, delta = from->mean - into->mean;
    into->count += from->count;
    into->mean += delta * b / (a + b);
    into->m2 += from->m2 + delta * delta * a * b / (a + b);
    into->min = fmin(into->min, from->min);
    into->max = fmax(into->max, from->max);
}

double stats_variance(const struct stats *stats) {
    return stats->count < 2 ? 0 : stats->m2 / (double)(stats->count - 1);
}

double stats_stderr(const struct stats *stats) {
    return stats->count < 2 ? 0 : sqrt(stats_variance(stats) / (double)stats->count);
}

struct stats_interval stats_mean_interval(const struct stats *stats, double level) {
    CHECK(level > 0 && level < 1);
    if (stats->count < 2)
        return (struct stats_interval){stats->mean, -INFINITY, INFINITY};
    double t = gsl_cdf_tdist_Pinv((1 + level) / 2, (double)(stats->count - 1));
    double half = t * stats_stderr(stats);
    return (struct stats_interval){stats->mean, stats->mean - half, stats->mean + half};
}

void stats_time_weighted_init(struct stats_time_weighted *level, base_ns now_ns, double value) {
    *level = (struct stats_time_weighted){
        .since_ns = now_ns, .start_ns = now_ns, .value = value, .max = value};
}

static double area_until(const struct stats_time_weighted *level, base_ns now_ns) {
    return level->area + level->value * (double)(now_ns - level->since_ns);
}

void stats_time_weighted_set(struct stats_time_weighted *level, base_ns now_ns, double value) {
    level->area = area_until(level, now_ns);
    level->since_ns = now_ns;
    level->value = value;
    if (value > level->max)
        level->max = value;
}

void stats_time_weighted_restart(struct stats_time_weighted *level, base_ns now_ns) {
    stats_time_weighted_init(level, now_ns, level->value);
}

double stats_time_weighted_mean(const struct stats_time_weighted *level, base_ns now_ns) {
    if (now_ns == level->start_ns)
        return level->value;
    return area_until(level, now_ns) / (double)(now_ns - level->start_ns);
}

static double batch_mean(const double *values, size_t size) {
    double sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += values[i];
    return sum / (double)size;
}

/* Backwards, so that mean and squared deviations of every tail come from one pass. */
size_t stats_mser5(const double *values, size_t count) {
    size_t batches = count / MSER_BATCH, best = 0;
    double best_error = INFINITY;
    struct stats tail;
    stats_init(&tail);
    for (size_t kept = 1; kept <= batches; kept++) {
        size_t dropped = batches - kept;
        stats_add(&tail, batch_mean(values + dropped * MSER_BATCH, MSER_BATCH));
        double error = tail.m2 / ((double)kept * (double)kept);
        if (dropped * MSER_BATCH <= count / 2 && error <= best_error) {
            best_error = error;
            best = dropped;
        }
    }
    return best * MSER_BATCH;
}

struct stats_interval stats_batch_interval(const double *values, size_t count, size_t batches,
                                           double level) {
    CHECK(batches >= 2 && count / 2 >= batches);
    size_t size = count / batches, skipped = count % batches; /* the oldest, nearest the warm-up */
    struct stats means;
    stats_init(&means);
    for (size_t i = 0; i < batches; i++)
        stats_add(&means, batch_mean(values + skipped + i * size, size));
    return stats_mean_interval(&means, level);
}

/* Lag-1 autocorrelation of the residuals, clamped to [0, 0.95]; 0 where the line fits exactly. */
static double residual_correlation(const double *x, const double *y, size_t count,
                                   const struct stats_slope *fit) {
    double products = 0, squares = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        double residual = y[i] - fit->intercept - fit->slope * x[i];
        products += residual * before;
        squares += residual * residual;
        before = residual;
    }
    return squares > 0 ? fmin(fmax(products / squares, 0), 0.95) : 0;
}

static double residual_squares(const double *x, const double *y, size_t count,
                               const struct stats_slope *fit) {
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        double residual = y[i] - fit->intercept - fit->slope * x[i];
        squares += residual * residual;
    }
    return squares;
}

struct stats_slope stats_slope_fit(const double *x, const double *y, size_t count) {
    CHECK(count >= 3);
    double x_mean = batch_mean(x, count), y_mean = batch_mean(y, count), xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - x_mean) * (x[i] - x_mean);
        xy += (x[i] - x_mean) * (y[i] - y_mean);
    }
    CHECK(xx > 0);
    struct stats_slope fit = {.slope = xy / xx};
    fit.intercept = y_mean - fit.slope * x_mean;
    double r = residual_correlation(x, y, count, &fit);
    double variance = residual_squares(x, y, count, &fit) / (double)(count - 2) / xx;
    fit.slope_stderr = sqrt(variance * (1 + r) / (1 - r));
    return fit;
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double stats_quantile(double *values, size_t count, double p) {
    CHECK(p >= 0 && p <= 1);
    if (count == 0)
        return 0;
    qsort(values, count, sizeof *values, compare);
    double rank = p * (double)(count - 1);
    size_t below = (size_t)rank;
    if (below + 1 >= count)
        return values[count - 1];
    return values[below] + (rank - (double)below) * (values[below + 1] - values[below]);
}

double stats_median(double *values, size_t count) {
    return stats_quantile(values, count, 0.5);
}
