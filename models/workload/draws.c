/* Draws from the scenario's distributions.
 *
 * Zipf is drawn by inverting its cumulative weights with bisection on a closed-form bound's exact
 * sum: the supports here (rooms of up to ten million) are too wide for a table per call, and GSL
 * has no bounded Zipf, so values are found by rejection-inversion (Hormann and Derflinger 1996). */
#include "models/workload/draws.h"

#include "sim/base/check.h"

#include <gsl/gsl_randist.h>
#include <math.h>

/* H(x), an antiderivative of x^-s, and its inverse; s near 1 becomes the logarithm. */
static double zipf_h(double x, double s) {
    double a = (1 - s) * log(x);
    return fabs(a) < 1e-9 ? log(x) : expm1(a) / (1 - s);
}

static double zipf_h_inverse(double y, double s) {
    double a = y * (1 - s);
    return fabs(a) < 1e-9 ? exp(y) : exp(log1p(a) / (1 - s));
}

/* Rejection-inversion: invert the integral of the hat, keep k when the point falls under its bar.
 */
static double zipf_draw(const struct spec_dist *dist, struct rng *rng) {
    double s = dist->exponent, low = dist->lowest, high = dist->highest;
    double area_low = zipf_h(low + 0.5, s) - pow(low, -s);
    double area_high = zipf_h(high + 0.5, s);
    for (;;) {
        double u = area_high + rng_uniform(rng) * (area_low - area_high);
        double x = zipf_h_inverse(u, s);
        double k = fmin(fmax(floor(x + 0.5), low), high);
        if (u >= zipf_h(k + 0.5, s) - pow(k, -s))
            return k;
    }
}

static double empirical_draw(const struct spec_dist *dist, struct rng *rng) {
    double total = 0;
    for (int32_t i = 0; i < dist->points_count; i++)
        total += dist->weights[i];
    double left = rng_uniform(rng) * total;
    for (int32_t i = 0; i + 1 < dist->points_count; i++) {
        left -= dist->weights[i];
        if (left < 0)
            return dist->values[i];
    }
    return dist->values[dist->points_count - 1];
}

static double log_normal_draw(const struct spec_dist *dist, struct rng *rng) {
    gsl_rng gsl = rng_as_gsl(rng);
    double zeta =
        log(dist->mean) - 0.5 * dist->sigma * dist->sigma; /* so that `mean` is the mean */
    return fmin(fmax(gsl_ran_lognormal(&gsl, zeta, dist->sigma), dist->lowest), dist->highest);
}

int64_t draws_from(const struct spec_dist *dist, struct rng *rng) {
    switch (dist->kind) {
    case SPEC_DIST_CONSTANT:
        return llround(dist->constant);
    case SPEC_DIST_LOG_NORMAL:
        return llround(log_normal_draw(dist, rng));
    case SPEC_DIST_ZIPF:
        return llround(zipf_draw(dist, rng));
    case SPEC_DIST_EMPIRICAL:
        return llround(empirical_draw(dist, rng));
    }
    CHECK(false && "a kind of distribution that does not exist");
    return 0;
}
