/* In proportion to what is used now, which is exact for what connections use and a first guess for
 * processors: `headroom ceiling` searches there. */
#include "cli/print_breaks.h"

#include "cli/print.h"

#include <stdio.h>

void print_add_breaks(cJSON *object, const struct outcome *outcome) {
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    int32_t count = outcome_break_order(outcome, order);
    cJSON *list = cJSON_AddArrayToObject(object, "breaks");
    for (int32_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", order[i]->name);
        if (order[i]->node)
            cJSON_AddStringToObject(item, "node", order[i]->node);
        print_add_number(item, "at", order[i]->breaks_at);
        cJSON_AddStringToObject(item, "unit", outcome_load_unit(order[i]->grows_with));
        print_add_number(item, "times_the_load",
                         order[i]->breaks_at / outcome_load_of(outcome, order[i]->grows_with));
        cJSON_AddItemToArray(list, item);
    }
}

void print_breaks(const struct outcome *outcome) {
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    int32_t count = outcome_break_order(outcome, order);
    for (int32_t i = 0; i < count; i++)
        printf("  %-12s %s at %s %s, %s times the load%s%s\n", i == 0 ? "breaks first" : "then",
               order[i]->name, print_number(order[i]->breaks_at),
               outcome_load_unit(order[i]->grows_with),
               print_number(order[i]->breaks_at / outcome_load_of(outcome, order[i]->grows_with)),
               order[i]->node ? " on " : "", order[i]->node ? order[i]->node : "");
}
