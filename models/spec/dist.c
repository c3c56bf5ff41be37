/* Moments of a distribution as it is drawn: rounded to whole numbers and kept within its bounds.
 *
 * The textbook mean of a log-normal is not the mean of what a scenario does once sizes stop at 1
 * and at the row's highest, and the amplification of a room goes with the mean square, where a
 * clipped tail weighs most. A support may have ten million values, so only its first ones are
 * summed; from there on, where the summand is smooth, the sum is an integral with the end
 * corrections of Euler and Maclaurin. */
#include "models/spec/spec.h"

#include "sim/base/check.h"

#include <math.h>

enum { TERMS_SUMMED = 1 << 16 };

struct moments {
    double mean, square;
};

/* The integral of x^-p over [a, b], through p = 1 without a jump. */
static double power_integral(double p, double a, double b) {
    double exponent = 1 - p;
    double span = log(b / a);
    double scale = pow(a, exponent);
    if (fabs(exponent * span) < 1e-9)
        return scale * span;
    return scale * expm1(exponent * span) / exponent;
}

/* The sum of (v / unit)^-p for whole v in [a, b]; `unit` keeps a steep power from vanishing. */
static double power_sum(double p, double unit, double a, double b) {
    double sum = 0;
    double summed_to = fmin(b, a + TERMS_SUMMED);
    for (double v = a; v <= summed_to; v++)
        sum += pow(v / unit, -p);
    if (summed_to == b)
        return sum;
    double first = pow(summed_to / unit, -p), last = pow(b / unit, -p);
    double slope_first = -p * first / summed_to, slope_last = -p * last / b;
    double integral = unit * power_integral(p, summed_to / unit, b / unit);
    return sum + integral + (last - first) / 2 + (slope_last - slope_first) / 12;
}

static struct moments zipf_moments(const struct spec_dist *dist) {
    double low = dist->lowest, high = dist->highest, s = dist->exponent;
    double weight = power_sum(s, low, low, high);
    return (struct moments){.mean = low * power_sum(s - 1, low, low, high) / weight,
                            .square = low * low * power_sum(s - 2, low, low, high) / weight};
}

/* A log-normal: its logarithm has mean `zeta` and standard deviation `sigma`. */
struct log_normal {
    double zeta, sigma;
};

static double share_above(struct log_normal law, double x) {
    return 0.5 * erfc((log(x) - law.zeta) / (law.sigma * M_SQRT2));
}

/* E[max(0, min(X, b)^n - a^n)], which is the integral of n x^(n-1) share_above(x) over [a, b]. */
static double layer(struct log_normal law, int n, double a, double b) {
    double shift = n * law.sigma * law.sigma;
    struct log_normal tilted = {law.zeta + shift, law.sigma}; /* the density times x^n */
    double whole = exp(n * law.zeta + n * shift / 2);
    return whole * (share_above(tilted, a) - share_above(tilted, b)) +
           pow(b, n) * share_above(law, b) - pow(a, n) * share_above(law, a);
}

/* E[R] = low + sum of P(R >= k) over k above low, E[R^2] = low^2 + sum of (2k - 1) P(R >= k), where
 * R >= k is X >= k - 1/2. Below `certain` those shares are 1; they are summed up to `summed_to` and
 * integrated beyond: k - 1/2 is the middle of [k - 1, k], so the sum is the midpoint rule of the
 * integral. */
static struct moments log_normal_moments(const struct spec_dist *dist) {
    double low = round(dist->lowest), high = round(dist->highest), sigma = dist->sigma;
    struct log_normal law = {log(dist->mean) - sigma * sigma / 2, sigma};
    double certain = fmin(high, fmax(low, floor(exp(law.zeta - 9 * sigma)) - 1));
    struct moments moments = {certain, certain * certain};
    double summed_to = fmin(high, certain + TERMS_SUMMED);
    for (double k = certain + 1; k <= summed_to; k++) {
        double share = share_above(law, k - 0.5);
        moments.mean += share;
        moments.square += (2 * k - 1) * share;
    }
    if (summed_to < high) {
        moments.mean += layer(law, 1, summed_to, high);
        moments.square += layer(law, 2, summed_to, high);
    }
    return moments;
}

static struct moments empirical_moments(const struct spec_dist *dist) {
    double weight = 0, sum = 0, squares = 0;
    for (int32_t i = 0; i < dist->points_count; i++) {
        double value = round(dist->values[i]);
        weight += dist->weights[i];
        sum += dist->weights[i] * value;
        squares += dist->weights[i] * value * value;
    }
    return (struct moments){sum / weight, squares / weight};
}

static struct moments constant_moments(double constant) {
    double value = round(constant);
    return (struct moments){value, value * value};
}

static struct moments moments_of(const struct spec_dist *dist) {
    switch (dist->kind) {
    case SPEC_DIST_CONSTANT:
        return constant_moments(dist->constant);
    case SPEC_DIST_LOG_NORMAL:
        if (dist->sigma == 0)
            return constant_moments(fmin(fmax(dist->mean, dist->lowest), dist->highest));
        return log_normal_moments(dist);
    case SPEC_DIST_ZIPF:
        return zipf_moments(dist);
    case SPEC_DIST_EMPIRICAL:
        return empirical_moments(dist);
    }
    CHECK(false && "a kind of distribution that does not exist");
    return (struct moments){0, 0};
}

double spec_dist_mean(const struct spec_dist *dist) {
    return moments_of(dist).mean;
}

double spec_dist_mean_square(const struct spec_dist *dist) {
    return moments_of(dist).square;
}

double spec_dist_highest(const struct spec_dist *dist) {
    double largest = 0;
    switch (dist->kind) {
    case SPEC_DIST_CONSTANT:
        return dist->constant;
    case SPEC_DIST_LOG_NORMAL:
    case SPEC_DIST_ZIPF:
        return dist->highest;
    case SPEC_DIST_EMPIRICAL:
        for (int32_t i = 0; i < dist->points_count; i++)
            largest = fmax(largest, dist->values[i]);
        return largest;
    }
    return largest;
}
