/* The simulated ceiling and what a measurement of it would read, each with its interval.
 *
 * Replication (d, s) is the d-th draw of the costs under a stream of arrivals of its own. Its root
 * is the load at which its late share crosses the objective; the same stream is scaled, so the root
 * is found to a fraction of a percent with some ten probes. Draws are a random sample of what the
 * calibration leaves open, streams of what one window leaves open: a nested analysis of variance
 * tells the two apart. All on the logarithm of the load, since errors of costs multiply. */
#ifndef HEADROOM_STUDY_PREDICTION_H
#define HEADROOM_STUDY_PREDICTION_H

#include "study/ceiling.h"
#include "study/root.h"
#include "study/variance.h"

#include <stdint.h>

/* Runs `task` for 0 .. count-1, in any order, on any number of threads, and returns when all are
 * done. No result depends on the order. */
struct study_executor {
    void (*map)(void *context, int32_t count, void (*task)(void *task_context, int32_t index),
                void *task_context);
    void *context;
};

enum { STUDY_REPLICATIONS_MAX = 256 };

struct study_prediction_options {
    struct study_objective objective;
    double first_scale, scale_min, scale_max;
    base_ns warm_up_ns, measure_ns; /* of the steady-state ceiling: long windows */
    uint64_t seed;
    int32_t draws;         /* of the costs, at least 2 */
    int32_t streams;       /* per draw, at least 2; draws * streams <= STUDY_REPLICATIONS_MAX */
    double root_tolerance; /* of log(load); 0: 0.005 */
    /* What the measuring procedure would read: its options (windows, counts). `objective`, scales,
     * seed, draw and replication are filled in here. */
    int32_t
        as_measured_count; /* replications that it is run on; 0: none, at most draws * streams */
    struct study_ceiling_options as_measured;
};

struct study_prediction {
    enum study_ceiling_outcome outcome; /* of the first replication, which is of the profile's own
                                           values; of the others, REFUSED when too few had a root */
    struct stats_interval scale, load;  /* the steady-state ceiling: 95 % for one more system */
    struct stats_interval mean_scale;   /* 95 % for the mean alone */
    struct study_variance variance;     /* of log(scale) */
    double calibration_share;           /* of the variance of one more system, 0 .. 1 */
    bool has_as_measured;
    struct stats_interval as_measured_scale, as_measured_load; /* 95 % for one measurement */
    double as_measured_bias; /* log(read / steady state), the mean over the replications */
    char broke[STUDY_NAME_BYTES];
    int32_t roots_count, roots_missing; /* replications without a root within the scales */
    int64_t probes_count;
};

/* `executor` NULL: one after the other. `world->probe` must bear being called from the executor's
 * threads. */
void study_predict(const struct study_world *world, const struct study_prediction_options *options,
                   const struct study_executor *executor, struct study_prediction *prediction);

#endif
