/* What breaks first, second and third; and memory and egress, node by node.
 *
 * The store keeps a cluster's nearest node under a resource's bare name and every node's own under
 * "node.resource"; where there is one node only the bare name is there. */
#include "study/report_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The run whose resources are shown: at the ceiling, or else at the scenario's own load. */
static const struct store_run *shown_run(const struct report_subject *subject,
                                         const struct store_run *first,
                                         const struct store_run *second,
                                         struct store_resource **resources, int32_t *count,
                                         bool *is_read) {
    const struct store_run *runs[] = {first, second, &subject->measured};
    *count = 0;
    *is_read = true;
    for (size_t i = 0; i < COUNT_OF(runs) && *is_read; i++) {
        if (runs[i]->id != 0)
            *is_read =
                store_resources(subject->store, runs[i]->id, subject->arena, resources, count);
        if (*count > 0)
            return runs[i];
    }
    return NULL;
}

static int by_share(const void *a, const void *b) {
    const struct store_resource *x = a, *y = b;
    double difference = y->used / y->limit - x->used / x->limit;
    return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(x->name, y->name);
}

enum { BAR_STEP = 34 }; /* pixels; not a {"step": 34}, which does not go with a container's width */

static const char limits_chart[] =
    "{\"width\":\"container\",\"height\":%d,\"encoding\":{\"y\":{\"field\":\"resource\","
    "\"type\":\"nominal\",\"sort\":null,\"axis\":{\"title\":null}}},\"layer\":["
    "{\"mark\":{\"type\":\"bar\",\"height\":18,\"cornerRadiusEnd\":2},\"encoding\":{\"x\":{"
    "\"field\":"
    "\"share\",\"type\":\"quantitative\",\"title\":\"%% of the "
    "limit\"},\"tooltip\":[{\"field\":\"resource\"},{\"field\":\"used\",\"format\":\",.4~g\"},"
    "{\"field\":\"limit\",\"format\":\",.4~g\"},{\"field\":\"unit\"}]}},"
    "{\"data\":{\"values\":[{}]},\"mark\":{\"type\":\"rule\",\"style\":\"limit\"},\"encoding\":{"
    "\"x\":{\"datum\":100},\"y\":null}}"
    "]}";

static void fill_limits(struct report_part *part, const struct store_resource *resources,
                        int32_t count) {
    struct report_table *table = &part->table;
    report_add_column(table, "resource", "resource", "", false);
    report_add_column(table, "used", "used", "", true);
    report_add_column(table, "limit", "limit", "", true);
    report_add_column(table, "unit", "unit", "", false);
    report_add_column(table, "share", "share", "%", true);
    for (int32_t i = 0; i < count; i++)
        REPORT_ADD_ROW(table, report_words(resources[i].name), report_number(resources[i].used),
                       report_number(resources[i].limit), report_words(resources[i].unit),
                       report_number(100 * resources[i].used / resources[i].limit));
}

static void say_limits(struct report_part *part, const struct store_resource *sorted, int32_t count,
                       bool is_at_ceiling, struct arena *arena) {
    const char *first = is_at_ceiling ? "At the ceiling" : "At the load of this run";
    part->says =
        arena_new_format(arena, "%s, %s stands nearest to its limit", first, sorted[0].name);
    if (count > 1)
        part->says =
            arena_new_format(arena, "%s; then come %s (%s %%)", part->says, sorted[1].name,
                             report_say(arena, round(100 * sorted[1].used / sorted[1].limit)));
    if (count > 2)
        part->says =
            arena_new_format(arena, "%s and %s (%s %%)", part->says, sorted[2].name,
                             report_say(arena, round(100 * sorted[2].used / sorted[2].limit)));
    part->says = arena_new_format(
        arena,
        "%s. What has a limit and is far from it can wait; raising the first one only helps "
        "up to the second.",
        part->says);
}

bool report_part_limits(struct report *report, const struct report_subject *subject) {
    struct report_part *part = report_add(report, "limits", "What breaks first, second, third");
    struct store_resource *resources;
    int32_t count, limited = 0;
    bool is_read;
    const struct store_run *run =
        shown_run(subject, &subject->ceiling, &subject->run, &resources, &count, &is_read);
    /* Of several nodes the nearest is there under the bare name: theirs are left to the next part.
     */
    for (int32_t i = 0; i < count; i++)
        if (isfinite(resources[i].limit) && resources[i].limit > 0 &&
            strchr(resources[i].name, '.') == NULL)
            resources[limited++] = resources[i];
    if (limited == 0) {
        part->missing = "No run in this file says how near its resources stand to their limits. "
                        "`headroom ceiling SCENARIO` does.";
        return is_read;
    }
    bool is_at_ceiling = run == &subject->ceiling;
    qsort(resources, (size_t)limited, sizeof resources[0], by_share);
    fill_limits(part, resources, limited);
    say_limits(part, resources, limited, is_at_ceiling, report->arena);
    part->chart = arena_new_format(report->arena, limits_chart, limited * BAR_STEP);
    part->command = report_command(subject, run, is_at_ceiling ? "ceiling" : "run", "");
    return is_read;
}

/* --- by node --- */

static const struct {
    const char *resource, *id, *title, *field, *axis;
} node_parts[] = {
    {"memory", "memory", "Memory by node", "bytes", "bytes, kernel and application together"},
    {"nic_egress", "egress", "Egress by node", "bit_per_s", "bit/s sent by the network card"},
};

/* "gateway-3" of "gateway-3.memory"; NULL: it is another resource's. */
static const char *node_of(const struct report_subject *subject, const char *name,
                           const char *resource) {
    size_t length = strlen(name), tail = strlen(resource);
    if (length > tail + 1 && strcmp(name + length - tail, resource) == 0 &&
        name[length - tail - 1] == '.')
        return arena_new_text_n(subject->arena, name, length - tail - 1);
    return NULL;
}

static void add_node(struct report_table *table, const char *node,
                     const struct store_resource *resource) {
    REPORT_ADD_ROW(table, report_words(node), report_number(resource->used),
                   report_number(resource->limit));
}

static void fill_nodes(struct report_table *table, const struct report_subject *subject,
                       const struct store_resource *resources, int32_t count, const char *name) {
    for (int32_t i = 0; i < count; i++) {
        const char *node = node_of(subject, resources[i].name, name);
        if (node)
            add_node(table, node, &resources[i]);
    }
    for (int32_t i = 0; i < count && table->rows_count == 0; i++)
        if (strcmp(resources[i].name, name) == 0)
            add_node(table,
                     subject->is_read && subject->spec.nodes_count > 0 ? subject->spec.nodes[0].name
                                                                       : "node",
                     &resources[i]);
}

/* Lying bars have room for names; many nodes stand, side by side. */
static const char *nodes_chart(struct arena *arena, const struct report_table *table,
                               const char *title, bool has_limit) {
    enum { LYING_MAX = 16 };
    const char *field = table->columns[1].field;
    bool is_lying = table->rows_count <= LYING_MAX;
    int size = is_lying ? table->rows_count * BAR_STEP : 260;
    const char *node_axis = is_lying ? "y" : "x", *value_axis = is_lying ? "x" : "y";
    const char *limit =
        has_limit ? arena_new_format(
                        arena,
                        ",{\"mark\":{\"type\":\"tick\",\"style\":\"limit\",\"thickness\":2},"
                        "\"encoding\":{\"%s\":{\"field\":\"limit\",\"type\":\"quantitative\"}}}",
                        value_axis)
                  : "";
    return arena_new_format(
        arena,
        "{\"width\":\"container\",\"height\":%d,\"encoding\":{\"%s\":{\"field\":\"node\",\"type\":"
        "\"nominal\",\"sort\":null,\"axis\":{\"title\":null}}},\"layer\":[{\"mark\":{\"type\":"
        "\"bar\","
        "\"cornerRadiusEnd\":2},\"encoding\":{\"%s\":{\"field\":\"%s\",\"type\":\"quantitative\","
        "\"axis\":"
        "{\"format\":\"~s\",\"tickCount\":6},\"title\":\"%s\"},\"tooltip\":[{\"field\":\"node\"},{"
        "\"field\":"
        "\"%s\",\"format\":\",.4~g\"}]}}%s]}",
        size, node_axis, value_axis, field, title, field, limit);
}

static const char *says_of_nodes(const struct report_table *table, const char *unit,
                                 struct arena *arena) {
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (int32_t i = 0; i < table->rows_count; i++) {
        double used = table->values[i * table->columns_count + 1].number;
        low = fmin(low, used);
        high = fmax(high, used);
        sum += used;
    }
    if (table->rows_count == 1)
        return arena_new_format(arena, "%s %s on the one node.", report_say(arena, sum), unit);
    return arena_new_format(arena, "%s %s on %d nodes together, from %s to %s on one of them.",
                            report_say(arena, sum), unit, (int)table->rows_count,
                            report_say(arena, low), report_say(arena, high));
}

static void add_node_part(struct report *report, const struct report_subject *subject, size_t which,
                          const struct store_run *run, const struct store_resource *resources,
                          int32_t count) {
    struct report_part *part = report_add(report, node_parts[which].id, node_parts[which].title);
    struct report_table *table = &part->table;
    const char *unit = which == 0 ? "bytes" : "bit/s";
    report_add_column(table, "node", "node", "", false);
    report_add_column(table, node_parts[which].field, "used", unit, true);
    report_add_column(table, "limit", "limit", unit, true);
    if (run)
        fill_nodes(table, subject, resources, count, node_parts[which].resource);
    if (table->rows_count == 0) {
        part->missing = "No simulated run of this scenario at its own load is in this file. "
                        "`headroom run SCENARIO` makes one.";
        return;
    }
    bool has_limit = false;
    for (int32_t i = 0; i < table->rows_count; i++)
        has_limit |= isfinite(table->values[i * table->columns_count + 2].number);
    part->says = says_of_nodes(table, unit, report->arena);
    part->chart = nodes_chart(report->arena, table, node_parts[which].axis, has_limit);
    part->command = report_command(subject, run, run == &subject->ceiling ? "ceiling" : "run", "");
    if (run == &subject->ceiling)
        part->note = "At the ceiling, not at the scenario's own load.";
}

bool report_part_nodes(struct report *report, const struct report_subject *subject) {
    struct store_resource *resources = NULL;
    int32_t count;
    bool is_read;
    const struct store_run *run =
        shown_run(subject, &subject->run, &subject->ceiling, &resources, &count, &is_read);
    for (size_t i = 0; i < COUNT_OF(node_parts); i++)
        add_node_part(report, subject, i, run, resources, count);
    return is_read;
}
