/* Expected mean squares: E[MSB] = within + group_size * between, E[MSW] = within. A new observation
 * differs from the estimated mean by its group, itself and the mean's own error. */
#include "study/variance.h"

#include "sim/base/check.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

double study_sum_freedom(double a, double a_freedom, double b, double b_freedom) {
    double denominator = a * a / a_freedom + b * b / b_freedom;
    return denominator > 0 ? (a + b) * (a + b) / denominator : a_freedom + b_freedom;
}

struct stats_interval study_t_interval(double mean, double variance, double freedom, double level) {
    double reach = gsl_cdf_tdist_Pinv(0.5 + level / 2, freedom) * sqrt(variance);
    return (struct stats_interval){.value = mean, .low = mean - reach, .high = mean + reach};
}

double study_t_variance(double width, double freedom, double level) {
    double deviation = width / 2 / gsl_cdf_tdist_Pinv(0.5 + level / 2, freedom);
    return deviation * deviation;
}

struct mean_squares {
    struct stats all;
    double between, within;
};

static struct mean_squares mean_squares_of(const double *values, int32_t groups,
                                           int32_t group_size) {
    struct mean_squares squares;
    struct stats means;
    stats_init(&squares.all);
    stats_init(&means);
    double within_sum = 0;
    for (int32_t group = 0; group < groups; group++) {
        struct stats one;
        stats_init(&one);
        for (int32_t i = 0; i < group_size; i++)
            stats_add(&one, values[group * group_size + i]);
        stats_add(&means, one.mean);
        within_sum += one.m2;
        stats_merge(&squares.all, &one);
    }
    squares.between = group_size * stats_variance(&means);
    squares.within = within_sum / (groups * (group_size - 1));
    return squares;
}

struct study_variance study_nested_variance(const double *values, int32_t groups,
                                            int32_t group_size) {
    CHECK(groups >= 2 && group_size >= 2);
    struct mean_squares squares = mean_squares_of(values, groups, group_size);
    double count = groups * group_size;
    struct study_variance variance = {
        .mean = squares.all.mean,
        .within = squares.within,
        .squares = {squares.between, squares.within, groups, group_size}};
    if (squares.between <= squares.within) {
        variance.within = stats_variance(&squares.all);
        variance.mean_variance = variance.within / count;
        variance.new_variance = variance.within + variance.mean_variance;
        variance.mean_freedom = variance.new_freedom = count - 1;
        return variance;
    }
    double of_groups = squares.between * (1.0 / group_size + 1 / count);
    double of_replications = squares.within * (1 - 1.0 / group_size);
    variance.between = (squares.between - squares.within) / group_size;
    variance.mean_variance = squares.between / count;
    variance.mean_freedom = groups - 1;
    variance.new_variance = of_groups + of_replications;
    variance.new_freedom = study_sum_freedom(of_groups, groups - 1, of_replications,
                                             (double)groups * (group_size - 1));
    return variance;
}
