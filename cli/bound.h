/* The values of a field with which a scenario, at its own load, still holds: in simulation, over a
 * few arrival streams that all values share. */
#ifndef HEADROOM_CLI_BOUND_H
#define HEADROOM_CLI_BOUND_H

#include "cli/costs.h"
#include "cli/options.h"
#include "cli/vary.h"
#include "study/bound.h"
#include "study/probe.h"

struct bound_ask {
    const struct options *options;
    const struct vary *vary;
    struct profile_costs costs;
    struct study_objective objective;
    int32_t streams; /* options->reps, or 3 */
    /* Filled in: what breaks at the nearest values that do not hold; NULL: nothing was tried. */
    const char *broke_above, *broke_below;
};

/* Of the profile's own costs. */
struct bound_ask bound_ask_of(const struct scenario *scenario, const struct profile_costs *costs,
                              const struct options *options);
/* Says on standard error what it tries. */
struct study_bound bound_find(struct bound_ask *ask, const struct vary *vary);
/* The same search of a field's range, by whatever `holds` says. */
struct study_bound bound_search(const struct vary *vary, bool (*holds)(void *context, double value),
                                void *context);

#endif
