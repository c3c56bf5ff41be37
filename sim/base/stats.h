/* Means, their intervals, and where the warm-up ends. */
#ifndef HEADROOM_SIM_BASE_STATS_H
#define HEADROOM_SIM_BASE_STATS_H

#include "sim/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Running mean and variance; mergeable (Chan, Golub, LeVeque 1983). */
struct stats {
    uint64_t count;
    double mean;
    double m2; /* sum of squared deviations */
    double min, max;
};

void stats_init(struct stats *stats);
void stats_add(struct stats *stats, double value);
void stats_merge(struct stats *into, const struct stats *from);
double stats_variance(const struct stats *stats); /* n - 1; 0 below two values */
double stats_stderr(const struct stats *stats);

struct stats_interval {
    double value, low, high;
};

/* Student's t interval of the mean at confidence `level` (0.95); below two values low = -inf, high
 * = inf. */
struct stats_interval stats_mean_interval(const struct stats *stats, double level);

/* The integral of a step function of time: queue lengths, busy servers, bytes held. */
struct stats_time_weighted {
    base_ns since_ns, start_ns;
    double value, area, max;
};

void stats_time_weighted_init(struct stats_time_weighted *level, base_ns now_ns, double value);
void stats_time_weighted_set(struct stats_time_weighted *level, base_ns now_ns, double value);
void stats_time_weighted_restart(struct stats_time_weighted *level,
                                 base_ns now_ns); /* forget the past, keep the value */
double stats_time_weighted_mean(const struct stats_time_weighted *level, base_ns now_ns);

/* MSER-5 (White, Cobb, Spratt 2000): how many of the first values of a series to drop, found on
 * means of five, at most half of the series. */
size_t stats_mser5(const double *values, size_t count);

/* Interval of a correlated series' mean from `batches` batch means (Law and Kelton); `count` >= 2 *
 * batches. */
struct stats_interval stats_batch_interval(const double *values, size_t count, size_t batches,
                                           double level);

/* Least squares y = intercept + slope x with the slope's standard error; errors are widened for the
 * residuals' lag-1 autocorrelation r by sqrt((1 + r)/(1 - r)), r clamped to [0, 0.95]. count >= 3.
 */
struct stats_slope {
    double intercept, slope, slope_stderr;
};
struct stats_slope stats_slope_fit(const double *x, const double *y, size_t count);

double stats_median(double *values, size_t count); /* sorts `values`; 0 when empty */
double stats_quantile(double *values, size_t count,
                      double p); /* sorts; linear between ranks (type 7) */

#endif
