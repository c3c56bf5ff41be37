/* The load at which one replication's late share crosses its objective.
 *
 * The same arrival stream is scaled, so the curve is the replication's own and nearly free of
 * noise: a root is found, not estimated. It need not be exactly monotone; the bracket always has a
 * pass below and a failure above. */
#ifndef HEADROOM_STUDY_ROOT_H
#define HEADROOM_STUDY_ROOT_H

#include "study/ceiling.h"
#include "study/probe.h"

struct study_root_options {
    struct study_objective objective;
    double first_scale, scale_min, scale_max;
    double first_step; /* of log(load), doubled until the root is bracketed */
    double tolerance;  /* of log(load) */
    double steepness;  /* of the logit near the root, as far as anybody knows; 0: nobody does */
};

struct study_root {
    enum study_ceiling_outcome outcome; /* FOUND, BELOW_FIRST, ABOVE_LAST, REFUSED, STOPPED,
                                           EXHAUSTED (STUDY_ROOT_PROBES_MAX before a bracket) */
    double log_scale;                   /* FOUND only */
    double steepness;                   /* FOUND only: of the last bracket */
    const char *broke;                  /* at the lowest failure; "" for none */
    int32_t probes_count;
};

enum { STUDY_ROOT_PROBES_MAX = 24 };

/* `request` is what every probe has in common; its scale is overwritten. */
struct study_root study_find_root(const struct study_world *world,
                                  const struct study_root_options *options,
                                  const struct study_probe_request *request);

#endif
