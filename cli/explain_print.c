/* One answer, two faces. Of the inputs a person is shown those that matter, and how many do not; a
 * program gets all. */
#include "cli/explain.h"
#include "cli/print.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char *kind_names[] = {[EXPLAIN_SAMPLES] = "samples",
                                   [EXPLAIN_FORMULA] = "formula",
                                   [EXPLAIN_COUNT] = "count",
                                   [EXPLAIN_SEARCH] = "search",
                                   [EXPLAIN_COST] = "cost"};

const char *explain_kind_name(enum explain_kind kind) {
    return kind_names[kind];
}

static bool is_shown(const struct explain_figure *figure, const struct explain_input *input) {
    static const double least_share = 0.005;
    return figure->is_ceiling
               ? input->time_share >= least_share || fabs(input->halved_simulated) >= least_share
               : !isnan(input->elasticity);
}

/* --- text --- */

static void print_subject(const struct explain_subject *subject) {
    if (subject->store != NULL)
        printf("run %" PRId64 " of %s: %s%s%s, %s, seed %" PRIu64 ", scale %s\n", subject->run.id,
               subject->store->path, subject->run.command,
               *subject->run.scenario_name ? " of " : "", subject->run.scenario_name,
               store_kind_name(subject->run.kind), subject->run.seed, print_number(subject->scale));
    else
        printf("%s, simulated, seed %" PRIu64 ", scale %s\n", subject->scenario->spec.name,
               subject->scenario->spec.seed, print_number(subject->scale));
}

static void print_value(const struct explain_figure *figure) {
    printf("\n%s = %s %s", figure->name,
           figure->text ? figure->text : print_number(figure->value.value), figure->unit);
    if (isfinite(figure->value.low))
        printf(", 95 %% interval %s to %s", print_number(figure->value.low),
               print_number(figure->value.high));
    printf("\n  %-12s %s\n", "what it is", figure->doc);
    for (int32_t i = 0; i < figure->lines_count; i++)
        printf("  %-12s %s\n", i == 0 ? explain_kind_name(figure->kind) : "", figure->lines[i]);
    if (!isnan(figure->again))
        printf("  %-12s %s %s\n", "worked out", print_number(figure->again), figure->unit);
    if (!isnan(figure->closed_form))
        printf("  %-12s %s %s (%+.1f %%): %s\n", "closed form", print_number(figure->closed_form),
               figure->unit, 100 * (figure->closed_form / figure->value.value - 1),
               figure->closed_form_of);
}

static void print_percent(double share) {
    if (isnan(share))
        printf("  %9s", "-");
    else
        printf("  %+8.1f%%", 100 * share);
}

static void print_input(const struct explain_figure *figure, const struct explain_input *input) {
    printf("  %-36s %-18s %-9s", input->change.name, input->value, input_source_name(input->tag));
    if (isnan(input->error))
        printf("  %8s", "");
    else
        printf("  +-%5.1f%%", 100 * input->error);
    if (figure->is_ceiling) {
        printf("  %6.1f%%", 100 * input->time_share);
        print_percent(input->halved_closed_form);
        print_percent(input->halved_simulated);
    } else {
        printf("  %+8.2f", input->elasticity);
        if (isnan(input->error))
            printf("  %9s", "");
        else
            printf("  +-%6.1f%%", 100 * fabs(input->elasticity) * input->error);
    }
    printf("  %s\n", input->note);
}

static void print_rest(const struct explain_figure *figure, bool is_looked_at) {
    int32_t counts[INPUT_SOURCES] = {0}, rest = 0;
    for (int32_t i = 0; i < figure->inputs_count; i++)
        if (!is_shown(figure, &figure->inputs[i])) {
            counts[figure->inputs[i].tag]++;
            rest++;
        }
    if (rest == 0)
        return;
    printf("  %d %s:", rest, is_looked_at ? "others hardly move it" : "inputs");
    for (int i = 0; i < INPUT_SOURCES; i++)
        if (counts[i] > 0)
            printf(" %d %s", counts[i], input_source_name((enum input_source)i));
    puts(" (--json lists them)");
}

static void print_inputs(const struct explain_figure *figure) {
    bool is_any = false;
    for (int32_t i = 0; i < figure->inputs_count && !is_any; i++)
        is_any = is_shown(figure, &figure->inputs[i]);
    if (is_any && figure->is_ceiling)
        printf("  %-36s %-18s %-9s  %8s  %7s  %9s  %9s\n", "what it hangs on", "value", "source",
               "error", "time", "halved*", "halved");
    else if (is_any)
        printf("  %-36s %-18s %-9s  %8s  %8s  %9s\n", "what moves it", "value", "source", "error",
               "% per %", "so by");
    for (int32_t i = 0; i < figure->inputs_count; i++)
        if (is_shown(figure, &figure->inputs[i]))
            print_input(figure, &figure->inputs[i]);
    print_rest(figure, is_any);
    if (is_any && figure->is_ceiling)
        puts("  time: share of the worker's at the ceiling. What halving a cost adds to the "
             "ceiling: * by the closed form, then in simulation");
}

static void print_leaves(const struct explain_subject *subject) {
    enum range_axis axes[RANGE_COUNT];
    int32_t count = explain_leaves(subject, axes);
    for (int32_t i = 0; i < count; i++) {
        const struct range *range = range_of(axes[i]);
        const struct extent *extent = &subject->extents[axes[i]];
        printf("%swarning: outside of what was calibrated: %s %s to %s %s, calibrated with %s to "
               "%s (%s)\n",
               i == 0 ? "\n" : "", range->name, print_number(extent->lowest),
               print_number(extent->highest), range->unit, print_number(range->lowest),
               print_number(range->highest), range->doc);
    }
}

void explain_print_text(const struct explain_subject *subject, const struct explain_figure *figures,
                        int32_t count) {
    print_subject(subject);
    for (int32_t i = 0; i < count; i++) {
        print_value(&figures[i]);
        print_inputs(&figures[i]);
    }
    print_leaves(subject);
}

/* --- JSON --- */

static cJSON *input_json(const struct explain_input *input) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", input->change.name);
    cJSON_AddStringToObject(json, "kind", input->change.is_cost ? "cost" : "field");
    cJSON_AddStringToObject(json, "value", input->value);
    cJSON_AddStringToObject(json, "source", input_source_name(input->tag));
    cJSON_AddStringToObject(json, "note", input->note);
    print_add_number(json, "relative_error", input->error);
    print_add_number(json, "elasticity", input->elasticity);
    print_add_number(json, "time_share", input->time_share);
    print_add_number(json, "halved_closed_form", input->halved_closed_form);
    print_add_number(json, "halved_simulated", input->halved_simulated);
    return json;
}

static cJSON *figure_json(const struct explain_figure *figure) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", figure->name);
    print_add_number(json, "value", figure->value.value);
    print_add_number(json, "low", figure->value.low);
    print_add_number(json, "high", figure->value.high);
    if (figure->text)
        cJSON_AddStringToObject(json, "text", figure->text);
    cJSON_AddStringToObject(json, "unit", figure->unit);
    cJSON_AddStringToObject(json, "doc", figure->doc);
    cJSON_AddStringToObject(json, "kind", explain_kind_name(figure->kind));
    cJSON *lines = cJSON_AddArrayToObject(json, "how");
    for (int32_t i = 0; i < figure->lines_count; i++)
        cJSON_AddItemToArray(lines, cJSON_CreateString(figure->lines[i]));
    print_add_number(json, "worked_out", figure->again);
    print_add_number(json, "closed_form", figure->closed_form);
    if (figure->closed_form_of)
        cJSON_AddStringToObject(json, "closed_form_of", figure->closed_form_of);
    cJSON *inputs = cJSON_AddArrayToObject(json, "inputs");
    for (int32_t i = 0; i < figure->inputs_count; i++)
        cJSON_AddItemToArray(inputs, input_json(&figure->inputs[i]));
    return json;
}

static void add_leaves(const struct explain_subject *subject, cJSON *json) {
    enum range_axis axes[RANGE_COUNT];
    int32_t count = explain_leaves(subject, axes);
    cJSON *list = cJSON_AddArrayToObject(json, "outside_calibration");
    for (int32_t i = 0; i < count; i++) {
        const struct range *range = range_of(axes[i]);
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "axis", range->name);
        cJSON_AddStringToObject(item, "unit", range->unit);
        print_add_number(item, "low", subject->extents[axes[i]].lowest);
        print_add_number(item, "high", subject->extents[axes[i]].highest);
        print_add_number(item, "calibrated_low", range->lowest);
        print_add_number(item, "calibrated_high", range->highest);
        cJSON_AddItemToArray(list, item);
    }
}

void explain_print_json(const struct explain_subject *subject, const struct explain_figure *figures,
                        int32_t count) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    if (subject->store != NULL) {
        cJSON_AddNumberToObject(json, "run", (double)subject->run.id);
        cJSON_AddStringToObject(json, "command", subject->run.command);
    }
    cJSON_AddStringToObject(json, "scenario",
                            subject->store ? subject->run.scenario_name
                                           : subject->scenario->spec.name);
    cJSON_AddStringToObject(json, "source",
                            subject->store ? store_kind_name(subject->run.kind) : "simulated");
    print_add_u64(json, "seed", subject->store ? subject->run.seed : subject->scenario->spec.seed);
    print_add_number(json, "scale", subject->scale);
    cJSON *list = cJSON_AddArrayToObject(json, "figures");
    for (int32_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, figure_json(&figures[i]));
    add_leaves(subject, json);
    print_json(json);
}
