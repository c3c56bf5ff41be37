/* One-way nested analysis of variance: groups (draws of the costs) of replications (streams).
 * Montgomery, Design and Analysis of Experiments, the random-effects model. */
#ifndef HEADROOM_STUDY_VARIANCE_H
#define HEADROOM_STUDY_VARIANCE_H

#include "sim/base/stats.h"
#include "study/group_reach.h"

#include <stdint.h>

struct study_variance {
    double mean;
    double between;       /* variance component of the groups, at least 0 */
    double within;        /* variance of a replication in its group */
    double new_variance;  /* of one more observation, in a group of its own, about the mean */
    double new_freedom;   /* its degrees of freedom (Satterthwaite) */
    double mean_variance; /* of the mean */
    double mean_freedom;
    struct study_squares squares; /* behind them */
};

/* values[group * group_size + i]; at least two groups of at least two. Where the groups differ less
 * than their replications let expect, all values count as one sample. */
struct study_variance study_nested_variance(const double *values, int32_t groups,
                                            int32_t group_size);

/* mean +- t * sqrt(variance). */
struct stats_interval study_t_interval(double mean, double variance, double freedom, double level);

/* The way back: the variance behind an interval, from its whole width. */
double study_t_variance(double width, double freedom, double level);

/* Satterthwaite: the degrees of freedom of a sum of independent estimates of variance. */
double study_sum_freedom(double a, double a_freedom, double b, double b_freedom);

#endif
