/* Short windows suffice: the use of a resource is a mean, and changed runs see the same arrivals as
 * the unchanged one. */
#include "cli/break_search.h"

#include "cli/elasticity.h"
#include "cli/pool.h"
#include "models/cluster/cluster.h"
#include "models/workload/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double low_load = 0.6, high_load = 0.85; /* of the ceiling: nothing is saturated yet */
static const double least_elasticity = 0.05;
static const double warm_up_s = 0.25, window_s = 1;

static bool run(struct scenario *scenario, double scale, const struct profile_costs *costs,
                struct outcome *outcome) {
    struct layout layout;
    layout_init(&layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
    struct cluster_options options = {.layout = &layout,
                                      .costs = costs,
                                      .plan_seed = plan_seed_of(scenario->spec.seed, 0),
                                      .scale = scale,
                                      .warm_up_ns = base_ns_from_seconds(warm_up_s),
                                      .measure_ns = base_ns_from_seconds(window_s)};
    return cluster_run(&options, outcome);
}

/* A run whose names of nodes outlive it. */
static bool run_at(const struct break_search_options *options, double factor, struct arena *arena,
                   struct outcome *outcome) {
    struct scenario scenario;
    double scale = 1;
    bool is_good = options->at(options->context, factor, &scenario, &scale) &&
                   run(&scenario, scale, options->costs, outcome);
    for (int32_t i = 0; i < outcome->resources_count; i++)
        if (outcome->resources[i].node != NULL)
            outcome->resources[i].node = arena_new_text(arena, outcome->resources[i].node);
    files_scenario_fini(&scenario);
    return is_good;
}

/* --- when each is full --- */

static double reached(const struct outcome *low, const struct outcome *high,
                      const struct outcome_resource *at_ceiling) {
    const struct outcome_resource *a = outcome_find_resource(low, at_ceiling->name);
    const struct outcome_resource *b = outcome_find_resource(high, at_ceiling->name);
    if (a == NULL || b == NULL)
        return (double)INFINITY;
    double slope = (b->used - a->used) / (high_load - low_load);
    if (!(slope > 1e-6 * at_ceiling->limit))
        return (double)INFINITY;
    return fmax(1, high_load + (at_ceiling->limit - b->used) / slope);
}

static int by_order(const void *a, const void *b) {
    const struct break_row *x = a, *y = b;
    double difference = x->reached != y->reached ? x->reached - y->reached
                                                 : y->used / y->limit - x->used / x->limit;
    return difference < 0 ? -1 : difference > 0;
}

static void fill_rows(struct break_order *order, const struct outcome *low,
                      const struct outcome *high, const struct outcome *full, const char *broke) {
    for (int32_t i = 0; i < full->resources_count; i++) {
        const struct outcome_resource *resource = &full->resources[i];
        bool is_first = strcmp(resource->name, broke) == 0;
        if (!isfinite(resource->limit))
            continue;
        order->rows[order->rows_count++] =
            (struct break_row){.name = resource->name,
                               .node = resource->node,
                               .unit = resource->unit,
                               .used = resource->used,
                               .limit = resource->limit,
                               .reached = is_first ? 1 : reached(low, high, resource)};
    }
    qsort(order->rows, (size_t)order->rows_count, sizeof order->rows[0], by_order);
    for (int32_t i = 1; i < order->rows_count; i++) /* ties: what broke goes before */
        if (strcmp(order->rows[i].name, broke) == 0) {
            struct break_row row = order->rows[i];
            memmove(&order->rows[1], &order->rows[0], (size_t)i * sizeof row);
            order->rows[0] = row;
        }
}

/* --- what moves each --- */

struct changed {                          /* what a change came to */
    double ratio;                         /* by which it was changed; 0: it cannot be */
    double shares[OUTCOME_RESOURCES_MAX]; /* of each row: use / limit */
};

struct changes {
    const struct break_search_options *options;
    struct break_order *order;
    struct change *items;
    struct changed *results; /* [count] */
    int32_t count;
};

static void note_shares(const struct changes *changes, const struct outcome *outcome,
                        struct changed *changed) {
    for (int32_t i = 0; i < changes->order->rows_count; i++) {
        const struct outcome_resource *resource =
            outcome_find_resource(outcome, changes->order->rows[i].name);
        changed->shares[i] = resource ? resource->used / resource->limit : (double)NAN;
    }
}

static void run_changed(const struct changes *changes, struct scenario *scenario, double scale,
                        const struct profile_costs *costs, struct changed *changed) {
    struct outcome outcome;
    outcome_init(&outcome);
    if (run(scenario, scale, costs, &outcome))
        note_shares(changes, &outcome, changed);
    else
        changed->ratio = 0;
    outcome_fini(&outcome);
}

static void run_field(const struct changes *changes, const struct vary_field *field,
                      const struct scenario *base, double scale, struct changed *changed) {
    struct scenario scenario;
    if (!change_field(base, field, change_usual(), &scenario, &changed->ratio)) {
        changed->ratio = 0;
        return;
    }
    run_changed(changes, &scenario, scale, changes->options->costs, changed);
    files_scenario_fini(&scenario);
}

static void run_cost(const struct changes *changes, enum cost cost, struct scenario *base,
                     double scale, struct changed *changed) {
    struct profile_costs costs = *changes->options->costs;
    changed->ratio = change_usual();
    costs.value[cost] *= changed->ratio;
    run_changed(changes, base, scale, &costs, changed);
}

static void run_change(void *context, int32_t index) {
    struct changes *changes = context;
    const struct change *change = &changes->items[index];
    struct changed *changed = &changes->results[index];
    struct scenario base;
    double scale = 1;
    if (changes->options->at(changes->options->context, high_load, &base, &scale)) {
        if (change->is_cost)
            run_cost(changes, change->cost, &base, scale, changed);
        else
            run_field(changes, &change->field, &base, scale, changed);
    }
    files_scenario_fini(&base);
}

static bool list_changes(struct changes *changes, struct arena *arena) {
    struct scenario base;
    double scale;
    bool is_there = changes->options->at(changes->options->context, high_load, &base, &scale);
    changes->items = ARENA_NEW(arena, CHANGES_MAX, struct change);
    changes->results = ARENA_NEW(arena, CHANGES_MAX, struct changed);
    if (is_there)
        changes->count = change_list(&base, changes->options->costs, changes->items, arena);
    files_scenario_fini(&base);
    return is_there;
}

static void add_mover(struct break_row *row, struct break_mover mover) {
    int32_t place = row->movers_count < BREAK_MOVERS_MAX ? row->movers_count++ : BREAK_MOVERS_MAX;
    for (; place > 0 && fabs(row->movers[place - 1].elasticity) < fabs(mover.elasticity) - 1e-9;
         place--)
        if (place < BREAK_MOVERS_MAX)
            row->movers[place] = row->movers[place - 1];
    if (place < BREAK_MOVERS_MAX)
        row->movers[place] = mover;
}

static void find_movers(struct changes *changes, const struct outcome *high) {
    struct changed unchanged = {0};
    note_shares(changes, high, &unchanged);
    for (int32_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->items[i];
        const struct changed *changed = &changes->results[i];
        for (int32_t r = 1; r < changes->order->rows_count && changed->ratio > 0; r++) {
            double elasticity = log(changed->shares[r] / unchanged.shares[r]) / log(changed->ratio);
            if (isfinite(elasticity) && fabs(elasticity) >= least_elasticity)
                add_mover(&changes->order->rows[r],
                          (struct break_mover){change->name, change->is_cost, elasticity});
        }
    }
}

/* What is full moves with the ceiling. */
static void find_movers_of_ceiling(const struct break_search_options *options, struct arena *arena,
                                   struct break_order *order) {
    int32_t count = 0;
    struct elasticity_options ask = {.at = options->at,
                                     .context = options->context,
                                     .costs = options->costs,
                                     .jobs = options->jobs};
    const struct elasticity *found = elasticities_find(&ask, arena, &count);
    for (int32_t i = 0; found != NULL && i < count && order->rows_count > 0; i++)
        if (fabs(found[i].value) >= least_elasticity)
            add_mover(&order->rows[0],
                      (struct break_mover){found[i].change.name, found[i].change.is_cost,
                                           found[i].value});
}

bool break_search(const struct break_search_options *options, struct arena *arena,
                  struct break_order *order) {
    struct outcome low, high, full;
    struct changes changes = {.options = options, .order = order};
    *order = (struct break_order){.rows_count = 0};
    outcome_init(&low);
    outcome_init(&high);
    outcome_init(&full);
    bool is_good = run_at(options, low_load, arena, &low) &&
                   run_at(options, high_load, arena, &high) && run_at(options, 1, arena, &full);
    if (is_good) {
        fill_rows(order, &low, &high, &full, options->broke);
        is_good = list_changes(&changes, arena);
        pool_map(options->jobs, changes.count, run_change, &changes);
        find_movers(&changes, &high);
        find_movers_of_ceiling(options, arena, order);
    }
    outcome_fini(&low);
    outcome_fini(&high);
    outcome_fini(&full);
    return is_good;
}
