/* The ceilings and the room cap: what the simulation finds, beside what arithmetic says, and for
 * each cost what halving it would buy by either.
 *
 * The simulated ceiling of a scenario is here that of the profile's own costs on one stream of
 * arrivals: enough to hold a formula against. `headroom ceiling` has the one with an interval, and
 * a run of it can be explained too. */
#include "cli/bound.h"
#include "cli/ceiling.h"
#include "cli/elasticity.h"
#include "cli/explain.h"
#include "cli/loaded.h"
#include "cli/own_ceiling.h"
#include "cli/print.h"
#include "models/workload/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double halved = 0.5;

static double asked_of(const struct explain_subject *subject) {
    return plan_offered(&subject->scenario->roster).deliveries_per_s;
}

/* --- the active ceiling --- */

static void search(struct explain_subject *subject, struct explain_figure *figure) {
    struct study_root root = own_ceiling_find(&(struct own_ceiling_ask){
        .scenario = subject->scenario, .layout = &subject->layout, .costs = &subject->means});
    bool is_found = root.outcome == STUDY_FOUND;
    if (is_found)
        figure->value.value = exp(root.log_scale) * asked_of(subject);
    explain_line(subject, figure,
                 "in simulation, with the profile's own costs and one stream of arrivals "
                 "(`headroom ceiling` gives the interval): %s%s",
                 is_found ? root.broke : study_ceiling_outcome_name(root.outcome),
                 is_found ? " breaks first" : "");
}

/* Of a run of `ceiling` what it found; of a scenario a search. */
static void find_value(struct explain_subject *subject, struct explain_figure *figure) {
    struct store_metric stored;
    if (subject->store == NULL) {
        search(subject, figure);
    } else if (store_metric_of(subject->store, subject->run.id, "ceiling.active", subject->arena,
                               &stored) == STORE_FOUND) {
        figure->value = (struct stats_interval){stored.value, stored.low, stored.high};
        explain_line(subject, figure,
                     "found by run %lld: the mean of the loads at which replications, each with "
                     "costs and arrivals of its own, cross the objective; %s breaks first",
                     (long long)subject->run.id, stored.text ? stored.text : "something");
    }
}

static void tell_closed_form(struct explain_subject *subject, struct explain_figure *figure) {
    const struct closed_form_ceiling *ceiling = &subject->ceiling;
    const struct closed_form_worker *worker = &subject->form.workers[ceiling->worker];
    figure->closed_form = ceiling->scale * asked_of(subject);
    if (!(ceiling->scale > 0) || !isfinite(ceiling->scale)) {
        figure->closed_form_of = closed_form_limit_text(ceiling->limit);
        return;
    }
    bool at_once = worker->node->fan_out == SPEC_WRITE_AT_ONCE;
    figure->closed_form_of =
        at_once ? "the load at which the exponential tail of a batch queue meets the objective"
                : "the load at which a turn that gathers a turn's worth of it is as long as the "
                  "objective allows";
    if (at_once)
        explain_line(subject, figure,
                     "closed form: a worker is %.1f %% busy there, and a delivery is in a burst of "
                     "%s ms on average",
                     100 * ceiling->busy, print_number(1e3 * ceiling->turn_s));
    else
        explain_line(subject, figure,
                     "closed form: a turn takes %s ms there; a delivery waits %s ms for its place "
                     "in one and then takes from 0 to 2 of them: late after %.3g, at %s ms",
                     print_number(1e3 * ceiling->turn_s), print_number(1e3 * ceiling->wait_s),
                     ceiling->late_at, print_number(1e3 * subject->form.within_s));
    explain_line(subject, figure, "closed form: the limit is that %s; docs/models/closed-form.md",
                 closed_form_limit_text(ceiling->limit));
}

static double halving_in_closed_form(const struct explain_subject *subject, enum cost cost) {
    struct profile_costs costs = subject->means;
    costs.value[cost] *= halved;
    double scale = closed_form_find_ceiling(&subject->form, &costs).scale;
    return scale / subject->ceiling.scale - 1;
}

static void note_elasticities(struct explain_figure *figure, const struct elasticity *found,
                              int32_t count) {
    for (int32_t i = 0; i < figure->inputs_count; i++)
        for (int32_t k = 0; k < count; k++)
            if (strcmp(found[k].change.name, figure->inputs[i].change.name) == 0) {
                figure->inputs[i].elasticity = found[k].value;
                figure->inputs[i].halved_simulated = pow(halved, found[k].value) - 1;
            }
}

/* Costs halved, which is what one would like to know of them. */
static void find_movers(struct explain_subject *subject, struct explain_figure *figure) {
    double scale = figure->value.value / asked_of(subject);
    struct loaded loaded = {subject->scenario, scale};
    struct elasticity_options ask = {.at = loaded_at,
                                     .context = &loaded,
                                     .costs = &subject->means,
                                     .is_costs_only = true,
                                     .ratio = halved,
                                     .jobs = subject->options->jobs};
    int32_t count = 0;
    explain_list_inputs(subject, true, figure);
    for (int32_t i = 0; i < figure->inputs_count; i++) {
        struct explain_input *input = &figure->inputs[i];
        input->time_share = subject->ceiling.share[input->change.cost];
        input->halved_closed_form = halving_in_closed_form(subject, input->change.cost);
    }
    const struct elasticity *found =
        isfinite(scale) ? elasticities_find(&ask, subject->arena, &count) : NULL;
    if (found != NULL)
        note_elasticities(figure, found, count);
    explain_sort_inputs(figure);
}

static bool explain_active(struct explain_subject *subject, struct explain_figure *figure) {
    figure->unit = "deliveries/s";
    figure->doc = "the load up to which the objectives hold, every publish rate scaled together";
    figure->kind = EXPLAIN_SEARCH;
    figure->is_ceiling = true;
    find_value(subject, figure);
    if (!subject->is_simulated)
        return true;
    tell_closed_form(subject, figure);
    find_movers(subject, figure);
    return true;
}

/* --- the idle ceiling --- */

static bool explain_idle(struct explain_subject *subject, struct explain_figure *figure) {
    figure->unit = "connections";
    figure->doc = "connections that fit when nobody says anything";
    figure->kind = EXPLAIN_FORMULA;
    if (subject->store != NULL) {
        struct store_metric stored;
        if (store_metric_of(subject->store, subject->run.id, "ceiling.idle", subject->arena,
                            &stored) == STORE_FOUND)
            figure->value = (struct stats_interval){stored.value, stored.low, stored.high};
    }
    if (!subject->is_simulated)
        return true;
    struct study_idle idle = ceiling_idle(&subject->layout, &subject->means);
    figure->again = (double)idle.connections;
    if (subject->store == NULL)
        figure->value.value = figure->again;
    for (int32_t i = 0; i < idle.rows_count && figure->lines_count < EXPLAIN_LINES_MAX; i++)
        if (idle.rows[i].connections < STUDY_IDLE_CONNECTIONS_MAX)
            explain_line(subject, figure,
                         "%s: %s of %s %s are used by %s connections, the most "
                         "that fit",
                         idle.rows[i].name, print_number(idle.rows[i].used),
                         print_number(idle.rows[i].limit), idle.rows[i].unit,
                         print_number((double)idle.rows[i].connections));
    explain_list_inputs(subject, false, figure);
    return true;
}

/* --- the room cap --- */

struct capped {
    const struct explain_subject *subject;
    const struct vary *vary;
};

static bool holds_in_closed_form(void *context, double value) {
    const struct capped *capped = context;
    struct scenario scenario;
    bool does_hold = false;
    if (vary_scenario(capped->vary, value, &scenario, NULL)) {
        struct layout layout;
        struct closed_form form;
        layout_init(&layout, &scenario.roster, scenario.spec.seed, &scenario.arena);
        closed_form_init(&form, &layout, &scenario.arena);
        does_hold = closed_form_find_ceiling(&form, &capped->subject->means).scale >=
                    capped->subject->scale;
    }
    files_scenario_fini(&scenario);
    return does_hold;
}

/* The size of the first group of rooms that has a number for it. */
static const char *size_field(struct explain_subject *subject) {
    struct vary_field *fields = ARENA_NEW(subject->arena, VARY_LEAVES_MAX, struct vary_field);
    int32_t count = vary_fields(subject->scenario, fields, VARY_LEAVES_MAX, subject->arena);
    for (int32_t i = 0; i < count; i++)
        if (strncmp(fields[i].path, "rooms.", strlen("rooms.")) == 0 &&
            (strstr(fields[i].path, ".size.constant") || strstr(fields[i].path, ".size.mean")))
            return fields[i].path;
    return NULL;
}

static void find_caps(struct explain_subject *subject, const struct vary *vary,
                      struct explain_figure *figure) {
    struct capped capped = {subject, vary};
    struct bound_ask ask = bound_ask_of(subject->scenario, &subject->means, subject->options);
    struct study_bound simulated = bound_find(&ask, vary);
    struct study_bound closed = bound_search(vary, holds_in_closed_form, &capped);
    bool is_capped = simulated.kind != STUDY_BOUND_NOTHING;
    figure->value.value = is_capped ? simulated.high : (double)NAN;
    figure->closed_form = closed.kind != STUDY_BOUND_NOTHING ? closed.high : 0;
    figure->closed_form_of = "the largest size at which the closed form's ceiling is above the "
                             "scenario's own load";
    explain_line(subject, figure, "%s moved until the scenario's own load no longer holds (now %s)",
                 vary->name, vary_text(vary, vary->now));
    if (simulated.kind == STUDY_BOUND_ALL)
        explain_line(subject, figure, "everything that the language takes holds%s%s",
                     *vary->why_highest ? "; beyond: " : "", vary->why_highest);
    else if (ask.broke_above != NULL)
        explain_line(subject, figure, "above it %s breaks", ask.broke_above);
}

static bool explain_cap(struct explain_subject *subject, struct explain_figure *figure) {
    const char *path = subject->is_simulated ? size_field(subject) : NULL;
    struct vary vary;
    if (path == NULL || vary_init(&vary, path, subject->scenario, subject->arena) >= 0)
        return false;
    figure->unit = "members";
    figure->doc = "the largest room with which the scenario's own load holds";
    figure->kind = EXPLAIN_SEARCH;
    find_caps(subject, &vary, figure);
    explain_line(subject, figure,
                 "whatever is published: above %s members of one worker no sustained load holds "
                 "(within / turns / a write)",
                 print_number(closed_form_room_cap(&subject->form, &subject->means)));
    explain_list_inputs(subject, false, figure);
    return true;
}

bool explain_ceiling(struct explain_subject *subject, const char *name,
                     struct explain_figure *figure) {
    static const struct {
        const char *name;
        bool (*explain)(struct explain_subject *subject, struct explain_figure *figure);
    } rows[] = {{"ceiling.active", explain_active},
                {"ceiling.idle", explain_idle},
                {"room_cap", explain_cap}};
    *figure = explain_new_figure(name);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].explain(subject, figure);
    return false;
}
