/* The inputs of a figure: fields and costs, each with where it comes from, and what moves it.
 *
 * A change is judged over a short window on the arrivals of the unchanged run. A statistic of few
 * samples moves by luck as well, so what moves a figure by less than a twentieth of a per cent per
 * per cent is not said to move it. */
#include "cli/explain.h"
#include "cli/pool.h"
#include "cli/print.h"
#include "models/cluster/cluster.h"
#include "models/spec/inputs.h"
#include "models/workload/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double least_elasticity = 0.05;
static const double warm_up_s = 0.5, window_most_s = 2;

/* --- where each comes from --- */

static void tag_cost(struct explain_subject *subject, struct explain_input *input) {
    const struct profile_entry *entry = &subject->profile->costs[input->change.cost];
    input->tag = input_source_of(entry->source);
    input->note = entry->note;
    input->error = entry->value > 0 ? entry->standard_error / entry->value : 0;
    input->value = arena_new_format(subject->arena, "%s %s", print_number(entry->value),
                                    profile_cost_unit(input->change.cost));
}

static const struct spec_uncertain *find_uncertain(const struct spec_scenario *spec,
                                                   const char *path) {
    for (int32_t i = 0; i < spec->plan.uncertain_count; i++)
        if (strcmp(spec->plan.uncertain[i].field.shown, path) == 0)
            return &spec->plan.uncertain[i];
    return NULL;
}

/* A leaf of a distribution belongs to the field that holds it. */
static bool is_of_field(const char *path, const char *field) {
    size_t length = strlen(field);
    return strncmp(path, field, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static void tag_field(struct explain_subject *subject, const struct spec_input *fields,
                      int32_t fields_count, struct explain_input *input) {
    const struct spec_uncertain *uncertain =
        find_uncertain(&subject->scenario->spec, input->change.name);
    input->tag = INPUT_STATED;
    input->value = input->change.field.now.text;
    input->note = "";
    input->error = (double)NAN;
    for (int32_t i = 0; i < fields_count; i++)
        if (is_of_field(input->change.name, fields[i].path)) {
            input->tag = fields[i].is_default ? INPUT_DEFAULT : INPUT_STATED;
            input->note = fields[i].doc;
        }
    if (uncertain != NULL) {
        input->tag = INPUT_ASSUMED;
        input->note =
            arena_new_format(subject->arena, "between %s and %s (plan.uncertain.%s)",
                             uncertain->low.shown, uncertain->high.shown, uncertain->name);
    }
}

void explain_list_inputs(struct explain_subject *subject, bool costs_only,
                         struct explain_figure *figure) {
    struct change *changes = ARENA_NEW(subject->arena, CHANGES_MAX, struct change);
    const struct profile_costs none = {{0}};
    struct spec_input *fields;
    int32_t fields_count;
    figure->inputs_count =
        change_list(costs_only ? NULL : subject->scenario,
                    subject->profile ? &subject->means : &none, changes, subject->arena);
    figure->inputs = ARENA_NEW(subject->arena, (size_t)figure->inputs_count, struct explain_input);
    spec_list_inputs(&subject->scenario->spec, subject->arena, &fields, &fields_count);
    for (int32_t i = 0; i < figure->inputs_count; i++) {
        struct explain_input *input = &figure->inputs[i];
        *input = (struct explain_input){.change = changes[i],
                                        .elasticity = (double)NAN,
                                        .time_share = (double)NAN,
                                        .halved_closed_form = (double)NAN,
                                        .halved_simulated = (double)NAN};
        if (changes[i].is_cost)
            tag_cost(subject, input);
        else
            tag_field(subject, fields, fields_count, input);
    }
}

/* --- what moves it --- */

struct work {
    struct explain_subject *subject;
    struct explain_figure *figure;
    enum outcome_metric metric;
    double unchanged;
};

/* Of a run of its own, so that tasks on several threads share nothing. */
static double metric_of(const struct work *work, struct scenario *scenario,
                        const struct profile_costs *costs) {
    const struct explain_subject *subject = work->subject;
    struct outcome outcome;
    struct layout layout;
    double window_s = fmin(base_seconds(scenario->spec.window.measure), window_most_s);
    outcome_init(&outcome);
    layout_init(&layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
    struct cluster_options options = {.layout = &layout,
                                      .costs = costs,
                                      .plan_seed = plan_seed_of(scenario->spec.seed, 0),
                                      .scale = subject->scale,
                                      .warm_up_ns = base_ns_from_seconds(warm_up_s),
                                      .measure_ns = base_ns_from_seconds(window_s)};
    double value = cluster_run(&options, &outcome) ? outcome.metric[work->metric] : (double)NAN;
    outcome_fini(&outcome);
    return value;
}

static double unchanged_metric(const struct work *work) {
    struct scenario scenario;
    const struct vary nothing = {.scenario = work->subject->scenario, .now = 1};
    double value = vary_scenario(&nothing, 1, &scenario, NULL)
                       ? metric_of(work, &scenario, &work->subject->means)
                       : (double)NAN;
    files_scenario_fini(&scenario);
    return value;
}

static double cost_raised(const struct work *work, enum cost cost, double ratio) {
    struct scenario scenario;
    const struct vary nothing = {.scenario = work->subject->scenario, .now = 1};
    struct profile_costs costs = work->subject->means;
    costs.value[cost] *= ratio;
    double value = vary_scenario(&nothing, 1, &scenario, NULL) ? metric_of(work, &scenario, &costs)
                                                               : (double)NAN;
    files_scenario_fini(&scenario);
    return value;
}

static double field_raised(const struct work *work, const struct vary_field *field, double *ratio) {
    struct scenario scenario;
    if (!change_field(work->subject->scenario, field, change_usual(), &scenario, ratio))
        return (double)NAN;
    double value = metric_of(work, &scenario, &work->subject->means);
    files_scenario_fini(&scenario);
    return value;
}

static void find_one(void *context, int32_t index) {
    const struct work *work = context;
    struct explain_input *input = &work->figure->inputs[index];
    double ratio = change_usual();
    double value = input->change.is_cost ? cost_raised(work, input->change.cost, ratio)
                                         : field_raised(work, &input->change.field, &ratio);
    double elasticity = log(value / work->unchanged) / log(ratio);
    if (isfinite(elasticity) && fabs(elasticity) >= least_elasticity)
        input->elasticity = elasticity;
}

void explain_find_movers(struct explain_subject *subject, enum outcome_metric metric,
                         struct explain_figure *figure) {
    if (subject->scenario == NULL)
        return;
    explain_list_inputs(subject, false, figure);
    if (!subject->is_simulated)
        return;
    struct work work = {.subject = subject, .figure = figure, .metric = metric};
    work.unchanged = unchanged_metric(&work);
    if (work.unchanged > 0)
        pool_map(subject->options->jobs, figure->inputs_count, find_one, &work);
    explain_sort_inputs(figure);
}

static int by_strength(const void *a, const void *b) {
    const struct explain_input *x = a, *y = b;
    double p = isnan(x->elasticity) ? 0 : fabs(x->elasticity);
    double q = isnan(y->elasticity) ? 0 : fabs(y->elasticity);
    if (p != q)
        return p < q ? 1 : -1;
    return strcmp(x->change.name, y->change.name);
}

void explain_sort_inputs(struct explain_figure *figure) {
    qsort(figure->inputs, (size_t)figure->inputs_count, sizeof figure->inputs[0], by_strength);
}

/* --- where it leaves what was calibrated --- */

int32_t explain_leaves(const struct explain_subject *subject, enum range_axis axes[RANGE_COUNT]) {
    int32_t count = 0;
    for (int i = 0; i < RANGE_COUNT && subject->is_simulated; i++) {
        const struct range *range = range_of((enum range_axis)i);
        const struct profile_entry *entry = &subject->profile->costs[range->cost];
        bool is_known = entry->source == PROFILE_MEASURED && entry->value > 0;
        if (is_known && extent_leaves(&subject->extents[i], range))
            axes[count++] = (enum range_axis)i;
    }
    return count;
}
