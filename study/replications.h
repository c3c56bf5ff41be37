/* What replications of a run say together: an estimate, what of its interval is simulation and what
 * calibration, and how many more replications an answer would take.
 *
 * Replication r runs under draw 1 + r / 2 of the costs and an arrival stream of its own, so each
 * draw has two and a nested analysis of variance tells the two sources apart (study/variance.h).
 * Streams and draws are named by the seed: two alternatives under one seed share them (common
 * random numbers), and a further replication changes none of those before it. */
#ifndef HEADROOM_STUDY_REPLICATIONS_H
#define HEADROOM_STUDY_REPLICATIONS_H

#include "sim/base/stats.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STUDY_STREAMS_PER_DRAW = 2,
    STUDY_REPLICATIONS_MIN = 2 * STUDY_STREAMS_PER_DRAW,
    STUDY_MORE_NEVER = -1,
};

/* 1, 1, 2, 2, 3, 3, ...: 0 would be the profile's own values. */
int32_t study_draw_of_replication(int32_t replication);

struct study_estimate {
    int32_t count; /* values that are known, in whole draws; below STUDY_REPLICATIONS_MIN there is
                      no interval and all but `mean` is NAN */
    double mean;
    struct stats_interval interval; /* 95 %, of the expected value in one system whose costs are a
                                       draw of what the calibration leaves open
                                       (study/group_reach.h) */
    double noise;       /* half-width of the mean's own 95 % interval: what replications narrow */
    double simulation;  /* half-width that finite runs alone give the mean */
    double calibration; /* half-width that unknown costs alone give one system, 0: none seen */
    double between,
        spread;     /* components behind them: between draws; count * variance of the mean */
    double freedom; /* of `noise` */
};

/* values[count] by replication; NAN: that replication has none, and its draw is left out. An odd
 * last one waits for its twin. `is_certain`: all draws of the costs are the same one, since nothing
 * is left open; then replications differ by their arrivals alone. */
struct study_estimate study_estimate_of(const double *values, int32_t count, bool is_certain);

/* Replications beside those that there are until `noise` is at most `target`, even and at most
 * 1,000,000; 0: it is. Taken from the variance seen so far, so an estimate itself. */
int64_t study_more_until(const struct study_estimate *estimate, double target);

/* On which side of `limit` the system lies: -1 the interval is below (or at) it, 1 above, 0 it
 * cannot be told. */
int study_side_of(const struct study_estimate *estimate, double limit);
/* Replications until a side can be told, if the mean stays where it is; STUDY_MORE_NEVER: the
 * calibration alone straddles the limit. */
int64_t study_more_to_tell(const struct study_estimate *estimate, double limit);

#endif
