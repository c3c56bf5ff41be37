/* What breaks first, second, third, as every command prints it.
 *
 * There are two ways to know. Of one run (`run`): each resource in proportion to what it uses now,
 * which is exact for what connections use and a first guess for processors. Of a ceiling: by search
 * (cli/break_search.h), with what moves each. A measured ceiling has neither, and is told by who
 * stands nearest to its limit. */
#ifndef HEADROOM_CLI_BREAK_ORDER_H
#define HEADROOM_CLI_BREAK_ORDER_H

#include "models/workload/outcome.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

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

/* At a ceiling; "break_order" in JSON. */
void break_order_print(const struct break_order *order, const char *load_name);
void break_order_add_json(const struct break_order *order, cJSON *json);

/* Of one run, in proportion; "breaks" in JSON. */
void break_order_print_run(const struct outcome *outcome);
void break_order_add_run_json(const struct outcome *outcome, cJSON *json);

/* Of one run, nearest to its limit first: a line. */
void break_order_print_shares(const struct outcome *outcome);

#endif
