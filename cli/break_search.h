/* What breaks first, second, third at a ceiling, and what moves each, found by simulation.
 *
 * At the ceiling one resource is at its end. When the others would be is extrapolated from how
 * their use grows with the load below it, where nothing is saturated yet: a straight line through
 * two loads. What moves a resource are the fields and costs that change its share of its limit,
 * found by raising each by a tenth, everything else (arrivals, draws) being the same. */
#ifndef HEADROOM_CLI_BREAK_SEARCH_H
#define HEADROOM_CLI_BREAK_SEARCH_H

#include "cli/break_order.h"
#include "cli/files.h"
#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "sim/base/arena.h"

struct break_search_options {
    /* The scenario with the load at `factor` times the ceiling, as a copy (files_scenario_fini) and
     * the scale of its publish rates. False: there is none. */
    bool (*at)(void *context, double factor, struct scenario *scenario, double *scale);
    void *context;
    const struct profile_costs *costs;
    const char *broke; /* what the search saw break: it stands first */
    int32_t jobs;
};

/* Names live in `arena`. False: the scenario cannot be run there. */
bool break_search(const struct break_search_options *options, struct arena *arena,
                  struct break_order *order) MUST_USE;

#endif
