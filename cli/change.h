/* One number of a scenario, or one cost, changed alone: the way to find out what a figure hangs on.
 *
 * Everything else stays, arrivals and draws too (common random numbers), so a run under the change
 * differs from the unchanged one by nothing but its effect. */
#ifndef HEADROOM_CLI_CHANGE_H
#define HEADROOM_CLI_CHANGE_H

#include "cli/vary.h"
#include "models/spec/profile.h"
#include "sim/base/arena.h"

struct change {
    const char *name; /* a path as `--set` names it, or a cost of the profile */
    bool is_cost;
    enum cost cost;          /* of a cost */
    struct vary_field field; /* of a field */
};

enum { CHANGES_MAX = VARY_LEAVES_MAX + COST_COUNT };

/* Every field and every cost with a number above 0, in that order; NULL scenario: costs alone.
 * Returns how many; at most CHANGES_MAX. */
int32_t change_list(const struct scenario *scenario, const struct profile_costs *costs,
                    struct change *changes, struct arena *arena);

/* How much is usual: a tenth more. */
double change_usual(void);

/* The field at about `by` times (or less, where the language takes no more) what it has; *ratio is
 * what became of it. False when it takes neither; files_scenario_fini unless false. */
bool change_field(const struct scenario *base, const struct vary_field *field, double by,
                  struct scenario *changed, double *ratio) MUST_USE;

#endif
