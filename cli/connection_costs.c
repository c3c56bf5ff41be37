/* The first node of a kind stands for it: kinds are what differs, and its share of the clients is
 * the balancer's. */
#include "cli/connection_costs.h"

#include "cli/print.h"
#include "models/cluster/memory.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 76 }; /* of a source on a terminal; --json has all of it */

/* "measured: memory experiment", or what the row itself says. */
static const char *source_of(const struct memory_row *row, const struct profile *profile,
                             char *text, size_t bytes) {
    if (row->cost == COST_COUNT)
        return row->source;
    const struct profile_entry *entry = &profile->costs[row->cost];
    snprintf(text, bytes, "%s%s%s", profile_source_name(entry->source), *entry->note ? ": " : "",
             entry->note);
    return text;
}

static bool is_first_of_kind(const struct layout *layout, int32_t node) {
    return node == 0 || layout->nodes[node].spec != layout->nodes[node - 1].spec;
}

static void print_node(const struct layout *layout, int32_t node, const struct profile *profile) {
    struct memory_row rows[MEMORY_ROWS];
    struct profile_costs costs = profile_means(profile);
    double sum = 0;
    memory_rows(layout, node, &costs, rows);
    printf("what a connection to %s costs\n", layout->nodes[node].spec->name);
    printf("  %-27s %10s %12s  %-11s %-7s %s\n", "bytes of", "idle", "at most", "where", "fixed",
           "source");
    for (int32_t i = 0; i < MEMORY_ROWS; i++) {
        char text[1024];
        const char *source = source_of(&rows[i], profile, text, sizeof text);
        printf("  %-27s %10s %12s  %-11s %-7s %.*s%s\n", rows[i].name,
               print_number(rows[i].idle_bytes), print_number(rows[i].most_bytes), rows[i].where,
               rows[i].fixed, SHOWN_MAX, source, strlen(source) > SHOWN_MAX ? "..." : "");
        sum += rows[i].idle_bytes;
    }
    double count = (double)layout->nodes[node].connections_count;
    printf("  %-27s %10s               times %s connections on a node: %s bytes\n", "together",
           print_number(sum), print_number(count), print_number(sum * count));
}

void connection_costs_print(const struct layout *layout, const struct profile *profile) {
    for (int32_t node = 0; node < layout->nodes_count; node++)
        if (is_first_of_kind(layout, node))
            print_node(layout, node, profile);
}

static void add_node(cJSON *list, const struct layout *layout, int32_t node,
                     const struct profile *profile) {
    struct memory_row rows[MEMORY_ROWS];
    struct profile_costs costs = profile_means(profile);
    memory_rows(layout, node, &costs, rows);
    for (int32_t i = 0; i < MEMORY_ROWS; i++) {
        char text[1024];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "node", layout->nodes[node].spec->name);
        cJSON_AddStringToObject(item, "name", rows[i].name);
        print_add_number(item, "idle_bytes", rows[i].idle_bytes);
        print_add_number(item, "most_bytes", rows[i].most_bytes);
        cJSON_AddStringToObject(item, "where", rows[i].where);
        cJSON_AddStringToObject(item, "fixed", rows[i].fixed);
        cJSON_AddStringToObject(item, "source", source_of(&rows[i], profile, text, sizeof text));
        cJSON_AddItemToArray(list, item);
    }
}

cJSON *connection_costs_json(const struct layout *layout, const struct profile *profile) {
    cJSON *list = cJSON_CreateArray();
    for (int32_t node = 0; node < layout->nodes_count; node++)
        if (is_first_of_kind(layout, node))
            add_node(list, layout, node, profile);
    return list;
}
