/* Text and JSON of each of the three. */
#include "cli/break_order.h"

#include "cli/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- at a ceiling --- */

static void print_movers(const struct break_row *row, bool is_first) {
    printf(is_first ? "     the ceiling is moved by" : "     its share is moved by");
    for (int32_t i = 0; i < row->movers_count; i++)
        printf("%s %s %s%.2g %%", i ? "," : "", row->movers[i].name,
               row->movers[i].elasticity > 0 ? "+" : "", row->movers[i].elasticity);
    puts(row->movers_count ? " for each per cent more" : " nothing in the scenario or the costs");
}

void break_order_print(const struct break_order *order, const char *load_name) {
    printf("  what breaks first, second, third as %s grows\n", load_name);
    for (int32_t i = 0; i < order->rows_count; i++) {
        const struct break_row *row = &order->rows[i];
        printf("  %2d. %s%s%s, %.0f %% of %s %s at the ceiling; ", i + 1, row->name,
               row->node ? " on " : "", row->node ? row->node : "", 100 * row->used / row->limit,
               print_number(row->limit), row->unit);
        if (isfinite(row->reached) && row->reached > 1)
            printf("full at %s times the ceiling\n", print_number(row->reached));
        else
            puts(row->reached <= 1 ? "breaks here" : "does not grow with it");
        print_movers(row, i == 0);
    }
}

void break_order_add_json(const struct break_order *order, cJSON *json) {
    cJSON *list = cJSON_AddArrayToObject(json, "break_order");
    for (int32_t i = 0; i < order->rows_count; i++) {
        const struct break_row *row = &order->rows[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", row->name);
        if (row->node)
            cJSON_AddStringToObject(item, "node", row->node);
        print_add_number(item, "used", row->used);
        print_add_number(item, "limit", row->limit);
        cJSON_AddStringToObject(item, "unit", row->unit);
        print_add_number(item, "full_at", row->reached);
        cJSON *movers = cJSON_AddArrayToObject(item, "moved_by");
        for (int32_t m = 0; m < row->movers_count; m++) {
            cJSON *mover = cJSON_CreateObject();
            cJSON_AddStringToObject(mover, "name", row->movers[m].name);
            cJSON_AddStringToObject(mover, "kind", row->movers[m].is_cost ? "cost" : "field");
            print_add_number(mover, "elasticity", row->movers[m].elasticity);
            cJSON_AddItemToArray(movers, mover);
        }
        cJSON_AddItemToArray(list, item);
    }
}

/* --- of one run, in proportion --- */

void break_order_add_run_json(const struct outcome *outcome, cJSON *json) {
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    int32_t count = outcome_break_order(outcome, order);
    cJSON *list = cJSON_AddArrayToObject(json, "breaks");
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

void break_order_print_run(const struct outcome *outcome) {
    const struct outcome_resource *order[OUTCOME_RESOURCES_MAX];
    int32_t count = outcome_break_order(outcome, order);
    for (int32_t i = 0; i < count; i++)
        printf("  %-12s %s at %s %s, %s times the load%s%s\n", i == 0 ? "breaks first" : "then",
               order[i]->name, print_number(order[i]->breaks_at),
               outcome_load_unit(order[i]->grows_with),
               print_number(order[i]->breaks_at / outcome_load_of(outcome, order[i]->grows_with)),
               order[i]->node ? " on " : "", order[i]->node ? order[i]->node : "");
}

/* --- of one run, by shares --- */

static int by_share(const void *a, const void *b) {
    const struct outcome_resource *x = a, *y = b;
    double difference = y->used / y->limit - x->used / x->limit;
    return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

void break_order_print_shares(const struct outcome *outcome) {
    struct outcome_resource sorted[OUTCOME_RESOURCES_MAX];
    int32_t count = outcome->resources_count;
    for (int32_t i = 0; i < count; i++)
        sorted[i] = outcome->resources[i];
    qsort(sorted, (size_t)count, sizeof sorted[0], by_share);
    printf("  at the ceiling, nearest to its limit first:");
    for (int32_t i = 0; i < count; i++)
        if (isfinite(sorted[i].limit))
            printf(" %s%s%s %.0f %%%s", sorted[i].name, sorted[i].node ? " on " : "",
                   sorted[i].node ? sorted[i].node : "", 100 * sorted[i].used / sorted[i].limit,
                   i + 1 < count ? "," : "");
    putchar('\n');
}
