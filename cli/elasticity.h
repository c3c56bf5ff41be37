/* What moves a ceiling: by how many per cent it changes for each per cent more of a field of the
 * scenario or a cost of the profile.
 *
 * Finite differences with common random numbers: the ceiling's own root on one arrival stream is
 * found again with one number changed by a tenth, everything else being the same. No closed form is
 * assumed, so waiting, coalescing and slow consumers are in it. */
#ifndef HEADROOM_CLI_ELASTICITY_H
#define HEADROOM_CLI_ELASTICITY_H

#include "cli/vary.h"
#include "models/spec/profile.h"
#include "sim/base/arena.h"

struct elasticity {
    const char *name; /* a path as `--set` names it, or a cost of the profile */
    bool is_cost;
    enum cost cost;          /* of a cost */
    struct vary_field field; /* of a field */
    double value; /* d log(ceiling) / d log(it); NAN: it cannot be changed, or no root was found */
    double ratio; /* by which it was changed */
};

struct elasticity_options {
    /* The scenario with the load at `factor` times the ceiling, as a copy (files_scenario_fini) and
     * the scale of its publish rates. False: there is none. */
    bool (*at)(void *context, double factor, struct scenario *scenario, double *scale);
    void *context;
    const struct profile_costs *costs;
    bool is_costs_only;
    int32_t jobs;
};

enum { ELASTICITIES_MAX = VARY_LEAVES_MAX + COST_COUNT };

/* Every field and cost with a number above 0, the strongest first; NULL: the scenario has no root
 * there. In `arena`. */
struct elasticity *elasticities_find(const struct elasticity_options *options, struct arena *arena,
                                     int32_t *count) MUST_USE;

/* The field at about a tenth more (or less, where the language takes no more): false when it takes
 * neither. files_scenario_fini unless false. */
bool elasticity_change(const struct scenario *base, const struct vary_field *field,
                       struct scenario *changed, double *ratio) MUST_USE;

#endif
