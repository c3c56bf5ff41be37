/* The line, its crossing, and the isotonic check.
 *
 * Fieller's interval and not the delta method's: near a steep ceiling with eight points the slope
 * itself is uncertain, and Fieller says so by an interval that is wider on one side, or has no end
 * at all. Then there is no line. */
#include "study/curve.h"

#include "sim/base/check.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

enum { TRIMMED_MIN = 6 };

/* Weighted least squares about the weighted mean of x, where the two coefficients do not correlate.
 */
struct line {
    double x_mean, y_mean, slope;
    double weight, x_spread; /* sum of w, sum of w (x - x_mean)^2 */
    double chi_square;
};

static struct line line_of(const struct study_point *points, int32_t count, double extra) {
    struct line line = {0};
    for (int32_t i = 0; i < count; i++) {
        double w = 1 / (points[i].distance.variance + extra);
        line.weight += w;
        line.x_mean += w * points[i].x;
        line.y_mean += w * points[i].distance.logit;
    }
    line.x_mean /= line.weight;
    line.y_mean /= line.weight;
    double xy = 0;
    for (int32_t i = 0; i < count; i++) {
        double w = 1 / (points[i].distance.variance + extra), x = points[i].x - line.x_mean;
        line.x_spread += w * x * x;
        xy += w * x * (points[i].distance.logit - line.y_mean);
    }
    line.slope = line.x_spread > 0 ? xy / line.x_spread : 0;
    for (int32_t i = 0; i < count; i++) {
        double w = 1 / (points[i].distance.variance + extra);
        double residual =
            points[i].distance.logit - line.y_mean - line.slope * (points[i].x - line.x_mean);
        line.chi_square += w * residual * residual;
    }
    return line;
}

/* The extra variance at which the weighted residuals are as large as their weights say. Bisection:
 * chi-square falls as it grows. */
static double extra_variance(const struct study_point *points, int32_t count) {
    double low = 0, high = 4.0 * STUDY_LOGIT_MAX * STUDY_LOGIT_MAX;
    if (line_of(points, count, 1e-9).chi_square <= count - 2)
        return 1e-9;
    for (int32_t i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (line_of(points, count, middle).chi_square > count - 2)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* Fieller (1954) for x_mean - y_mean / slope, numerator and denominator uncorrelated. */
static bool cross(const struct line *line, int32_t count, struct stats_interval *crossing) {
    double t = gsl_cdf_tdist_Pinv(0.975, count - 2);
    double slope_variance = 1 / line->x_spread, mean_variance = 1 / line->weight;
    double g = t * t * slope_variance / (line->slope * line->slope);
    if (!(line->slope > 0) || !(g < 1))
        return false;
    double ratio = -line->y_mean / line->slope;
    double centre = ratio / (1 - g);
    double reach = t / (line->slope * (1 - g)) *
                   sqrt((1 - g) * mean_variance + ratio * ratio * slope_variance);
    *crossing = (struct stats_interval){.value = line->x_mean + ratio,
                                        .low = line->x_mean + centre - reach,
                                        .high = line->x_mean + centre + reach};
    return true;
}

static int by_x(const void *a, const void *b) {
    double left = ((const struct study_point *)a)->x, right = ((const struct study_point *)b)->x;
    return (left > right) - (left < right);
}

/* Pool adjacent violators (Ayer and others 1955): levels that never fall, each the weighted mean of
 * a run of points. */
static int32_t pool(const struct study_point *points, int32_t count, double *level, double *x) {
    double weight[STUDY_CURVE_POINTS_MAX];
    int32_t blocks = 0;
    for (int32_t i = 0; i < count; i++) {
        weight[blocks] = 1 / (points[i].distance.variance + 1); /* probes differ by about a logit */
        level[blocks] = points[i].distance.logit;
        x[blocks++] = points[i].x;
        for (; blocks > 1 && level[blocks - 2] > level[blocks - 1]; blocks--) {
            double both = weight[blocks - 2] + weight[blocks - 1], part = weight[blocks - 1] / both;
            level[blocks - 2] += part * (level[blocks - 1] - level[blocks - 2]);
            x[blocks - 2] += part * (x[blocks - 1] - x[blocks - 2]);
            weight[blocks - 2] = both;
        }
    }
    return blocks;
}

/* Linear between the blocks' centres. */
static double isotonic_crossing(const struct study_point *points, int32_t count) {
    double level[STUDY_CURVE_POINTS_MAX], x[STUDY_CURVE_POINTS_MAX];
    int32_t blocks = pool(points, count, level, x);
    for (int32_t i = 1; i < blocks; i++)
        if (level[i - 1] <= 0 && level[i] > 0)
            return x[i - 1] + (x[i] - x[i - 1]) * -level[i - 1] / (level[i] - level[i - 1]);
    return (double)NAN;
}

static void look_at_sides(const struct study_point *points, int32_t count,
                          struct study_curve *curve) {
    curve->last_pass = curve->first_fail = (double)NAN;
    for (int32_t i = 0; i < count; i++) {
        if (points[i].distance.logit <= 0)
            curve->last_pass = points[i].x;
        else if (isnan(curve->first_fail))
            curve->first_fail = points[i].x;
        curve->has_informative |= points[i].distance.is_informative;
    }
    curve->is_separated = curve->last_pass < curve->first_fail;
}

/* Points that only say their side flatten the line without telling anything about it: of those
 * below all others that say more, and of those above, the innermost one is kept. */
static struct study_point *trim(struct study_point *points, int32_t *count) {
    int32_t first = 0, last = *count - 1;
    while (first < last && points[first].distance.logit <= -STUDY_LOGIT_MAX)
        first++;
    while (last > first && points[last].distance.logit >= STUDY_LOGIT_MAX)
        last--;
    if (first > 0)
        first--;
    if (last < *count - 1)
        last++;
    *count = last - first + 1;
    return points + first;
}

static bool fit_line(const struct study_point *points, int32_t count, struct study_curve *curve) {
    double extra = extra_variance(points, count);
    struct line line = line_of(points, count, extra);
    curve->slope = line.slope;
    curve->over_dispersion = sqrt(extra);
    curve->has_line = cross(&line, count, &curve->crossing);
    return curve->has_line;
}

struct study_curve study_fit_curve(struct study_point *points, int32_t count) {
    CHECK(count <= STUDY_CURVE_POINTS_MAX);
    const double nan = (double)NAN;
    struct study_curve curve = {.crossing = {nan, nan, nan}, .isotonic_crossing = nan};
    qsort(points, (size_t)count, sizeof *points, by_x);
    look_at_sides(points, count, &curve);
    if (count < 4 || isnan(curve.last_pass) || isnan(curve.first_fail))
        return curve;
    curve.isotonic_crossing = isotonic_crossing(points, count);
    if (!curve.has_informative)
        return curve;
    int32_t kept_count = count;
    const struct study_point *kept = trim(points, &kept_count);
    if (kept_count < TRIMMED_MIN || !fit_line(kept, kept_count, &curve))
        fit_line(points, count, &curve);
    return curve;
}
