/* What breaks first, second, third, and what moves each.
 *
 * At the ceiling one resource is at its end. When the others would be is extrapolated from how
 * their use grows with the load below it, where nothing is saturated yet: a straight line through
 * two loads. What moves a resource are the fields and costs that change its share of its limit,
 * found by raising each by a tenth, everything else (arrivals, draws) being the same. */
#ifndef HEADROOM_CLI_BREAK_ORDER_H
#define HEADROOM_CLI_BREAK_ORDER_H

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/options.h"
#include "models/cluster/layout.h"
#include "models/workload/outcome.h"
#include "sim/base/arena.h"

#include <cjson/cJSON.h>

enum { BREAK_MOVERS_MAX = 6 };

struct break_mover {
    const char *name; /* a path as `--set` names it, or a cost of the profile */
    bool is_cost;
    double elasticity; /* d log(use / limit) / d log(it); in the first row d log(ceiling) */
};

struct break_row {
    const char *name, *node, *unit; /* node: NULL where there is one only */
    double used, limit;             /* at the ceiling */
    double reached; /* load at which it would be full, as a multiple of the ceiling; INFINITY: it
                       does not grow with the load */
    struct break_mover movers[BREAK_MOVERS_MAX]; /* the strongest first */
    int32_t movers_count;
};

struct break_order {
    struct break_row rows[OUTCOME_RESOURCES_MAX]; /* what breaks first, second, ... */
    int32_t rows_count;
};

struct break_order_options {
    /* The scenario with the load at `factor` times the ceiling, as a copy (files_scenario_fini) and
     * the scale of its publish rates. False: there is none. */
    bool (*at)(void *context, double factor, struct scenario *scenario, double *scale);
    void *context;
    const struct profile_costs *costs;
    const char *broke; /* what the search saw break: it stands first */
    int32_t jobs;
};

/* Names live in `arena`. False: the scenario cannot be run there. */
bool break_order_find(const struct break_order_options *options, struct arena *arena,
                      struct break_order *order) MUST_USE;

void break_order_print(const struct break_order *order, const char *load_name);
void break_order_add_json(const struct break_order *order, cJSON *json);

#endif
