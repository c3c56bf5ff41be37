/* within = MSW f_w / chi2(f_w) and tau = within + n between = MSB f_b / chi2(f_b), independent.
 * Where tau comes out below within, between is 0 and within is what the mean has. The deviation of
 * one more group is normal with variance between + tau / N, so the answer is a quantile of a
 * mixture of normals, over a grid of equally likely pairs: right to a per cent, without a draw. */
#include "study/group_reach.h"

#include "sim/base/check.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum {
    WITHIN_NODES = 16,
    BETWEEN_NODES = 64,
    PAIRS = WITHIN_NODES * BETWEEN_NODES,
    BISECTIONS = 24
};

/* Equally likely values of a variance whose mean square was seen. */
static void fill(double *variances, int32_t count, double square, double freedom) {
    for (int32_t i = 0; i < count; i++)
        variances[i] = square * freedom / gsl_cdf_chisq_Pinv((i + 0.5) / count, freedom);
}

static void fill_deviations(const struct study_squares *squares, double deviations[PAIRS]) {
    double within[WITHIN_NODES], tau[BETWEEN_NODES];
    const double size = squares->group_size, count = squares->groups * size;
    fill(within, WITHIN_NODES, squares->within, squares->groups * (size - 1));
    fill(tau, BETWEEN_NODES, squares->between, squares->groups - 1);
    for (int32_t w = 0; w < WITHIN_NODES; w++)
        for (int32_t t = 0; t < BETWEEN_NODES; t++) {
            double between = fmax((tau[t] - within[w]) / size, 0);
            deviations[w * BETWEEN_NODES + t] = sqrt(between + fmax(tau[t], within[w]) / count);
        }
}

/* Share of the deviations that are at most `reach`. */
static double share_within(const double deviations[PAIRS], double reach) {
    double share = 0;
    for (int32_t i = 0; i < PAIRS; i++)
        share += deviations[i] > 0 ? erf(reach / deviations[i] / M_SQRT2) : 1;
    return share / PAIRS;
}

double study_group_reach(const struct study_squares *squares, double level) {
    CHECK(squares->groups >= 2 && squares->group_size >= 2);
    double deviations[PAIRS], low = 0, high = 0;
    fill_deviations(squares, deviations);
    for (int32_t i = 0; i < PAIRS; i++)
        high = fmax(high, 10 * deviations[i]);
    for (int32_t i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (share_within(deviations, middle) < level)
            low = middle;
        else
            high = middle;
    }
    return high;
}
