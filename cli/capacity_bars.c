/* One input at a time to both ends of what it may be, all else as planned: a tornado. What counts
 * is the nodes' worth of load that comes of it, from the load that the planned nodes then carry:
 * whole nodes would hide every input that is not at an edge.
 *
 * Inputs are the profile's costs that have a standard error (5 % and 95 % of their normal
 * distribution, each by itself: correlations are left out) and the fields that the scenario itself
 * declares uncertain. An input that changes nothing is told by its run's fingerprint, which is
 * cheaper than a search. */
#include "cli/capacity.h"

#include "cli/pool.h"
#include "cli/print.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SIGMAS = 1.6448536269514722; /* of the normal distribution's 95 % */

/* --- an uncertain field's scenario --- */

/* The scenario with one of its uncertain fields at one of its ends; with a roster of its own. */
static bool read_end(const struct capacity *plan, const struct options *options,
                     const struct spec_uncertain *uncertain, bool is_high,
                     struct scenario *scenario) {
    *scenario = (struct scenario){0};
    int code = -1;
    const char *path = plan->scenario->path;
    char *text = files_read_text(path, &code);
    if (text == NULL)
        return false;
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    const struct spec_value *end = is_high ? &uncertain->high : &uncertain->low;
    struct spec_setting settings[OPTIONS_SETTINGS_MAX + 1];
    struct spec_setting_place places[OPTIONS_SETTINGS_MAX + 1];
    int32_t count = options->settings_count;
    for (int32_t i = 0; i < count; i++) {
        settings[i] = options->settings[i];
        places[i] = (struct spec_setting_place){{.file = "--set"}, {.file = "--set"}};
    }
    settings[count] = (struct spec_setting){uncertain->field.shown, end->text};
    places[count] = (struct spec_setting_place){uncertain->field.place, end->place};
    struct spec_options parse = {.file = path,
                                 .reader = files_reader(),
                                 .settings = settings,
                                 .settings_places = places,
                                 .settings_count = count + 1};
    bool is_right = files_scenario_parse(scenario, text, &parse, &plan->scenario->spec.seed, diag);
    if (!is_right)
        files_print_diag(diag); /* its warnings have been printed with the scenario's own */
    diag_fini(diag);
    free(diag);
    free(text);
    if (is_right)
        roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
    return is_right;
}

bool capacity_check_uncertain(const struct capacity *plan, const struct options *options) {
    const struct spec_plan *spec = &plan->scenario->spec.plan;
    bool is_right = true;
    for (int32_t i = 0; i < 2 * spec->uncertain_count; i++) {
        struct scenario scenario;
        bool is_end_right = read_end(plan, options, &spec->uncertain[i / 2], i % 2 == 1, &scenario);
        files_scenario_fini(&scenario);
        if (!is_end_right)
            i |= 1; /* what is wrong with the field is wrong at both ends */
        is_right &= is_end_right;
    }
    return is_right;
}

/* --- inputs --- */

struct side { /* one input at one end */
    const struct capacity *plan;
    const struct options *options;
    const struct trial *trial; /* the chosen nodes under the scenario's own load; shared */
    uint64_t fingerprint;      /* of its run */
    struct profile_costs costs;
    const struct spec_uncertain *uncertain; /* NULL: a cost */
    bool is_high;
    double carried; /* NAN: not found */
};

static uint64_t fingerprint_of_run(const struct trial *trial, const struct profile_costs *costs,
                                   double scale) {
    struct outcome outcome;
    outcome_init(&outcome);
    trial_run(trial, costs, &(struct trial_load){scale, 0}, &outcome);
    uint64_t fingerprint = outcome.fingerprint;
    outcome_fini(&outcome);
    return fingerprint;
}

static double carried_by_cost(const struct side *side) {
    const struct capacity *plan = side->plan;
    if (fingerprint_of_run(side->trial, &side->costs, plan->scale) == side->fingerprint)
        return plan->kinds[plan->chosen].scale_at_ceiling;
    return capacity_carried(plan, &(struct capacity_carry){side->trial, &side->costs});
}

static double carried_by_field(const struct side *side) {
    const struct capacity *plan = side->plan;
    const struct capacity_kind *kind = &plan->kinds[plan->chosen];
    struct scenario scenario;
    double carried = (double)NAN;
    if (read_end(plan, side->options, side->uncertain, side->is_high, &scenario) &&
        scenario.spec.nodes_count == plan->kinds_count) {
        int64_t counts[TRIAL_KINDS_MAX] = {0};
        struct trial trial;
        counts[kind->index] = kind->demand.needed;
        trial_init(&trial, &scenario, counts);
        carried = capacity_carried(plan, &(struct capacity_carry){&trial, &side->costs});
        trial_fini(&trial);
    }
    files_scenario_fini(&scenario);
    return carried;
}

static void carry(void *context, int32_t index) {
    struct side *side = &((struct side *)context)[index];
    side->carried = side->uncertain ? carried_by_field(side) : carried_by_cost(side);
}

static const char *cost_end(struct capacity *plan, enum cost cost, double value) {
    return arena_new_format(&plan->arena, "%s %s", print_number(value), profile_cost_unit(cost));
}

static double at_end(const struct profile_entry *entry, enum cost cost, bool is_high) {
    double value = entry->value + (is_high ? SIGMAS : -SIGMAS) * entry->standard_error;
    return fmin(fmax(value, profile_cost_lowest(cost)), profile_cost_highest(cost));
}

static void add_costs(struct capacity *plan, struct side *sides) {
    const struct profile *profile = &plan->costs->profile;
    for (int32_t i = 0; i < COST_COUNT && plan->bars_count < CAPACITY_BARS_MAX; i++) {
        enum cost cost = (enum cost)i;
        const struct profile_entry *entry = &profile->costs[cost];
        if (!(entry->standard_error > 0))
            continue;
        double low = at_end(entry, cost, false), high = at_end(entry, cost, true);
        struct side *pair = &sides[2 * plan->bars_count];
        pair[0].costs.value[cost] = low;
        pair[1].costs.value[cost] = high;
        plan->bars[plan->bars_count++] =
            (struct capacity_bar){.name = profile_cost_name(cost),
                                  .source = input_source_of(entry->source),
                                  .cost = cost,
                                  .low = cost_end(plan, cost, low),
                                  .high = cost_end(plan, cost, high)};
    }
}

static void add_fields(struct capacity *plan, struct side *sides) {
    const struct spec_plan *spec = &plan->scenario->spec.plan;
    for (int32_t i = 0; i < spec->uncertain_count && plan->bars_count < CAPACITY_BARS_MAX; i++) {
        const struct spec_uncertain *uncertain = &spec->uncertain[i];
        sides[2 * plan->bars_count].uncertain = uncertain;
        sides[2 * plan->bars_count + 1].uncertain = uncertain;
        plan->bars[plan->bars_count++] = (struct capacity_bar){.name = uncertain->field.shown,
                                                               .source = INPUT_DECLARED,
                                                               .cost = COST_COUNT,
                                                               .low = uncertain->low.shown,
                                                               .high = uncertain->high.shown};
    }
}

/* --- bars --- */

/* The load is to the nodes as the planned load is to what they carry. */
static double worth(const struct capacity *plan, double carried) {
    return (double)plan->kinds[plan->chosen].demand.needed * plan->scale / carried;
}

static void order(struct capacity *plan, const struct side *sides) {
    struct sizing_bar bars[CAPACITY_BARS_MAX];
    struct capacity_bar unordered[CAPACITY_BARS_MAX];
    memcpy(unordered, plan->bars, sizeof unordered);
    for (int32_t i = 0; i < plan->bars_count; i++) {
        unordered[i].nodes_low = worth(plan, sides[2 * i].carried);
        unordered[i].nodes_high = worth(plan, sides[2 * i + 1].carried);
        bars[i] = (struct sizing_bar){.name = unordered[i].name,
                                      .index = i,
                                      .at_low = unordered[i].nodes_low,
                                      .at_high = unordered[i].nodes_high};
    }
    sizing_sort_bars(bars, plan->bars_count);
    int32_t kept = 0;
    for (int32_t i = 0; i < plan->bars_count; i++)
        if (sizing_swing(&bars[i]) > 0)
            plan->bars[kept++] = unordered[bars[i].index];
    plan->bars_count = kept;
}

void capacity_find_bars(struct capacity *plan, const struct options *options) {
    const struct capacity_kind *kind = &plan->kinds[plan->chosen];
    int64_t counts[TRIAL_KINDS_MAX] = {0};
    counts[kind->index] = kind->demand.needed;
    struct trial trial;
    trial_init(&trial, plan->scenario, counts);
    struct profile_costs means = profile_means(&plan->costs->profile);
    struct side *sides = ARENA_NEW(&plan->arena, 2 * (size_t)CAPACITY_BARS_MAX, struct side);
    uint64_t fingerprint = fingerprint_of_run(&trial, &means, plan->scale);
    for (int32_t i = 0; i < 2 * CAPACITY_BARS_MAX; i++)
        sides[i] = (struct side){.plan = plan,
                                 .options = options,
                                 .trial = &trial,
                                 .fingerprint = fingerprint,
                                 .costs = means,
                                 .is_high = i % 2 == 1};
    add_fields(plan, sides);
    add_costs(plan, sides);
    plan->inputs_count = plan->bars_count;
    plan->nodes_worth = worth(plan, kind->scale_at_ceiling);
    pool_map(options->jobs, 2 * plan->bars_count, carry, sides);
    order(plan, sides);
    trial_fini(&trial);
}
