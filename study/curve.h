/* From probes around a ceiling to the load at which the curve crosses its objective.
 *
 * A straight line of logit(late share) over log(load), each point weighted by 1 / (what counting
 * leaves open + what probes differ by beyond that); the second part comes out of the scatter itself
 * (Paule and Mandel 1982). Without it a window of a million deliveries would claim a precision that
 * the next window contradicts, since deliveries are late together. */
#ifndef HEADROOM_STUDY_CURVE_H
#define HEADROOM_STUDY_CURVE_H

#include "sim/base/stats.h"
#include "study/probe.h"

#include <stdbool.h>
#include <stdint.h>

enum { STUDY_CURVE_POINTS_MAX = 128 };

struct study_point {
    double x; /* log(load) */
    struct study_distance distance;
};

struct study_curve {
    bool has_line;                  /* it rises, and its crossing has a bounded interval */
    struct stats_interval crossing; /* of x, 95 % (Fieller, Student's t); NAN without a line */
    double slope;
    double over_dispersion;       /* standard deviation on the logit scale */
    bool is_separated;            /* every failure lies above every pass */
    bool has_informative;         /* at least one point says more than its side */
    double last_pass, first_fail; /* x of the highest pass and the lowest failure; NAN: none */
    double isotonic_crossing;     /* NAN: all points on one side */
};

/* At most STUDY_CURVE_POINTS_MAX points; sorts them by x. */
struct study_curve study_fit_curve(struct study_point *points, int32_t count);

#endif
