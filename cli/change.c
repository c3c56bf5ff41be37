/* Fields are found in the scenario's canonical text, costs in their rows. */
#include "cli/change.h"

#include "cli/files.h"

#include <math.h>

double change_usual(void) {
    return 1.1;
}

int32_t change_list(const struct scenario *scenario, const struct profile_costs *costs,
                    struct change *changes, struct arena *arena) {
    struct vary_field *fields = ARENA_NEW(arena, VARY_LEAVES_MAX, struct vary_field);
    int32_t count = 0;
    int32_t fields_count = scenario ? vary_fields(scenario, fields, VARY_LEAVES_MAX, arena) : 0;
    for (int32_t i = 0; i < fields_count; i++)
        changes[count++] = (struct change){.name = fields[i].path, .field = fields[i]};
    for (int i = 0; i < COST_COUNT; i++)
        if (costs->value[i] > 0)
            changes[count++] = (struct change){
                .name = profile_cost_name((enum cost)i), .is_cost = true, .cost = (enum cost)i};
    return count;
}

bool change_field(const struct scenario *base, const struct vary_field *field, double by,
                  struct scenario *changed, double *ratio) {
    struct vary vary = {.scenario = base, .fields_count = 1, .now = field->now.number};
    vary.fields[0] = *field;
    double raised = field->now.number * by, lowered = field->now.number / by;
    if (vary_is_counted(field)) {
        raised = fmax(round(raised), field->now.number + 1);
        lowered = fmax(fmin(round(lowered), field->now.number - 1), 1);
    }
    const double values[] = {raised, lowered};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        *ratio = values[i] / field->now.number;
        if (*ratio == 1)
            continue;
        if (vary_scenario(&vary, values[i], changed, NULL))
            return true;
        files_scenario_fini(changed);
    }
    return false;
}
