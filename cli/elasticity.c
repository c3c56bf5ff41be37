/* One task per number; each makes its own scenario, so they share nothing. */
#include "cli/elasticity.h"

#include "cli/pool.h"
#include "cli/procedure.h"
#include "cli/world_sim.h"
#include "models/workload/plan.h"
#include "study/root.h"

#include <math.h>
#include <stdlib.h>

static const double tolerance = 0.002; /* of log(load): an elasticity to 0.02 */
static const double weak = 0.05;       /* an elasticity that nobody asks for more exactly */
static const double near_logit = 1;    /* further away the curve need not be the same line */
static const double guess_most = 0.3;  /* of log(load): a logit says little of what is far away */
static const double publishes_enough = 50000, window_least_s = 2, window_most_s = 20;

struct work {
    const struct elasticity_options *options;
    struct elasticity *items;
    double by;
    struct study_objective objective;
    base_ns window_ns;
    struct study_root base;
    struct study_probe_result at_base; /* the unchanged scenario at its root */
};

/* --- a root --- */

struct load {
    const struct elasticity_options *options;
    const struct profile_costs *costs;
    const struct vary_field *changed; /* NULL: none */
    double by, ratio;                 /* asked for, and what became of it */
    struct study_objective objective; /* of the scenario as it was changed */
};

static bool probe(void *context, const struct study_probe_request *request,
                  struct study_probe_result *result) {
    struct load *load = context;
    struct scenario base, changed;
    struct study_probe_request unscaled = *request;
    bool is_there =
        load->options->at(load->options->context, request->scale, &base, &unscaled.scale);
    bool is_changed = is_there && load->changed != NULL &&
                      change_field(&base, load->changed, load->by, &changed, &load->ratio);
    if (is_there && (is_changed || load->changed == NULL)) {
        struct scenario *scenario = is_changed ? &changed : &base;
        struct layout layout;
        layout_init(&layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
        load->objective = procedure_objective(&scenario->spec);
        world_sim_probe(&layout, load->costs, false, &unscaled, result);
    } else {
        result->refused = "there is no such scenario";
    }
    if (is_changed)
        files_scenario_fini(&changed);
    files_scenario_fini(&base);
    return true;
}

/* Objective and window of every probe, from the scenario at its ceiling. A root on too few
 * publishes is where chance put it. */
static bool prepare(struct work *work) {
    struct scenario scenario;
    double scale;
    bool is_there = work->options->at(work->options->context, 1, &scenario, &scale);
    if (is_there) {
        double window_s =
            publishes_enough / (plan_offered(&scenario.roster).publishes_per_s * scale);
        work->objective = procedure_objective(&scenario.spec);
        work->window_ns = base_ns_from_seconds(fmin(fmax(window_s, window_least_s), window_most_s));
    }
    files_scenario_fini(&scenario);
    return is_there;
}

static struct study_probe_request request_of(const struct work *work) {
    return (struct study_probe_request){
        .warm_up_ns = SPEC_AUTO, .measure_ns = work->window_ns, .seed = 1};
}

static struct study_root root_of(const struct work *work, struct load *load, double around,
                                 double steepness) {
    struct study_world world = {.probe = probe, .context = load, .load_unit = 1};
    struct study_root_options options = {.objective = load->objective,
                                         .first_scale = around,
                                         .scale_min = around / 10,
                                         .scale_max = around * 10,
                                         .first_step = 0.04,
                                         .tolerance = tolerance,
                                         .steepness = steepness};
    struct study_probe_request request = request_of(work);
    return study_find_root(&world, &options, &request);
}

static struct study_probe_result look_at_base_load(const struct work *work, struct load *load) {
    struct study_probe_result result = {.refused = NULL};
    struct study_probe_request request = request_of(work);
    request.scale = exp(work->base.log_scale);
    (void)probe(load, &request, &result);
    return result;
}

/* A share of some: where all is late, or nothing, a logit says on which side it lies, no more. */
static bool is_some(const struct study_probe_result *result) {
    return result->late_share > 0 && result->late_share < 1;
}

/* By how much log(scale) of the root moves, by one probe at the old one and the steepness there;
 * NAN where a late share jumps from nothing to all and has no steepness. `is_near`: the probe lies
 * so near that nobody need look further; a share that ends at a floor of its own (clients who
 * stall) does not. */
static double guess_of(const struct work *work, const struct study_probe_result *changed,
                       const struct load *load, bool *is_near) {
    struct study_distance before = study_distance_of(&work->at_base, &work->objective);
    struct study_distance after = study_distance_of(changed, &load->objective);
    double moved = before.logit - after.logit;
    bool is_known = before.is_informative && after.is_informative && is_some(&work->at_base) &&
                    is_some(changed);
    *is_near = is_known && fabs(moved) < near_logit;
    return is_known ? moved / work->base.steepness : (double)NAN;
}

/* --- each --- */

/* A search from the guess on; where that says that next to nothing moves, it is the answer: most
 * fields and costs are of parts that hardly matter here, and a search for each took as long as the
 * ceiling. */
static double value_of(const struct work *work, struct load *load) {
    struct study_probe_result changed = look_at_base_load(work, load);
    if (changed.refused != NULL)
        return (double)NAN;
    bool is_near;
    double unit = log(load->ratio), guess = guess_of(work, &changed, load, &is_near);
    if (is_near && fabs(guess / unit) < weak)
        return guess / unit;
    double around = isnan(guess) ? 0 : fmin(fmax(guess, -guess_most), guess_most);
    struct study_root root =
        root_of(work, load, exp(work->base.log_scale + around), work->base.steepness);
    return root.outcome == STUDY_FOUND ? (root.log_scale - work->base.log_scale) / unit
                                       : (double)NAN;
}

static void find_one(void *context, int32_t index) {
    struct work *work = context;
    struct elasticity *item = &work->items[index];
    struct profile_costs costs = *work->options->costs;
    struct load load = {.options = work->options,
                        .costs = &costs,
                        .changed = item->change.is_cost ? NULL : &item->change.field,
                        .by = work->by,
                        .ratio = work->by,
                        .objective = work->objective};
    if (item->change.is_cost)
        costs.value[item->change.cost] *= work->by;
    item->value = value_of(work, &load);
    item->ratio = load.ratio;
}

static int by_strength(const void *a, const void *b) {
    const struct elasticity *x = a, *y = b;
    double p = isnan(x->value) ? -1 : fabs(x->value), q = isnan(y->value) ? -1 : fabs(y->value);
    return p < q ? 1 : p > q ? -1 : 0;
}

static bool list(struct work *work, struct arena *arena, int32_t *count) {
    struct change *changes = ARENA_NEW(arena, CHANGES_MAX, struct change);
    struct scenario base;
    double scale;
    bool is_there = work->options->at(work->options->context, 1, &base, &scale);
    *count = !is_there ? 0
                       : change_list(work->options->is_costs_only ? NULL : &base,
                                     work->options->costs, changes, arena);
    files_scenario_fini(&base);
    work->items = ARENA_NEW(arena, (size_t)*count, struct elasticity);
    for (int32_t i = 0; i < *count; i++)
        work->items[i].change = changes[i];
    return is_there;
}

struct elasticity *elasticities_find(const struct elasticity_options *options, struct arena *arena,
                                     int32_t *count) {
    struct work work = {.options = options,
                        .by = options->ratio > 0 ? options->ratio : change_usual()};
    if (!prepare(&work) || !list(&work, arena, count))
        return NULL;
    struct load load = {
        .options = options, .costs = options->costs, .ratio = 1, .objective = work.objective};
    work.base = root_of(&work, &load, 1, 0);
    if (work.base.outcome != STUDY_FOUND)
        return NULL;
    work.at_base = look_at_base_load(&work, &load);
    pool_map(options->jobs, *count, find_one, &work);
    qsort(work.items, (size_t)*count, sizeof *work.items, by_strength);
    return work.items;
}
