/* What goes on between nodes: a change of process on the processor that nodes of the real pair
 * share, and what a Redis and a NATS server take of it. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_BACKPLANES_H
#define HEADROOM_VALIDATION_CALIBRATE_BACKPLANES_H

#include "validation/calibrate/experiments.h"

/* After the fit: what the nodes' own turns cost is subtracted. A server that is not installed
 * leaves its entries as their rows assume, and `say` (NULL: nobody) is told; so does anything that
 * goes wrong here: a profile is not refused for want of a backplane. */
void backplanes_calibrate(struct experiments *experiments,
                          void (*say)(void *context, const char *what), void *context);

struct backplanes_reading { /* of one run */
    double near_ns, far_ns; /* median latency of a node's own members, and of the other's */
    double publishes;       /* that the backplane was given */
    double service_ns;      /* processor time of the server, per publish */
};

struct backplanes_costs {
    double turn_ns, message_ns, copy_ns;
};
/* From processor time per publish: with few publishes and `copies_few` copies of each; with many,
 * and one or `copies_many` nodes hearing of it (0 copies of NATS for one node). */
struct backplanes_costs backplanes_solve(double few_ns, double copies_few, double many_low_ns,
                                         double copies_low, double many_high_ns,
                                         double copies_high);

#endif
