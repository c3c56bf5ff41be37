/* What moves a ceiling: by how many per cent it changes for each per cent more of a field of the
 * scenario or a cost of the profile.
 *
 * Finite differences with common random numbers: the ceiling's own root on one arrival stream is
 * found again with one number changed (cli/change.h), by a tenth unless told otherwise. No closed
 * form is assumed, so waiting, coalescing and slow consumers are in it. */
#ifndef HEADROOM_CLI_ELASTICITY_H
#define HEADROOM_CLI_ELASTICITY_H

#include "cli/change.h"

struct elasticity {
    struct change change;
    double value; /* log(its change's effect on the ceiling) / log(ratio); NAN: it cannot be
                     changed, or no root was found */
    double ratio; /* by which it was changed */
};

struct elasticity_options {
    /* The scenario with the load at `factor` times the ceiling, as a copy (files_scenario_fini) and
     * the scale of its publish rates. False: there is none. */
    bool (*at)(void *context, double factor, struct scenario *scenario, double *scale);
    void *context;
    const struct profile_costs *costs;
    bool is_costs_only;
    double ratio; /* by which each is changed; 0: change_usual() */
    int32_t jobs;
};

/* Every field and cost with a number above 0, the strongest first; NULL: the scenario has no root
 * there. In `arena`. */
struct elasticity *elasticities_find(const struct elasticity_options *options, struct arena *arena,
                                     int32_t *count) MUST_USE;

#endif
