/* How far the expected value of one more group may lie from the mean of those that were seen.
 *
 * What is wanted is mean +- of a group's own deviation and the mean's error. Their variance is
 * between + (within + n between) / N, and `between` is a difference of two mean squares: where
 * groups differ by less than their members do it is small, often estimated as 0, and hardly known
 * at all. An interval that takes the estimate for the truth covers 83 to 90 % there instead of 95.
 * So the difference is not estimated: for every pair of variances that the two mean squares are
 * compatible with, each as likely as they say, there is one such deviation, and the reach holds 95
 * of 100 of them. That is Weerahandi's generalized confidence interval (Journal of the American
 * Statistical Association 88, 1993, p. 899) for one more group. */
#ifndef HEADROOM_STUDY_GROUP_REACH_H
#define HEADROOM_STUDY_GROUP_REACH_H

#include <stdint.h>

struct study_squares {
    double between, within;     /* mean squares of groups and of their members */
    int32_t groups, group_size; /* at least two of at least two */
};

/* Half-width about the mean at `level`. */
double study_group_reach(const struct study_squares *squares, double level);

#endif
