/* One answer, three faces: text, JSON, rows of the store. */
#include "cli/ceiling.h"

#include "cli/print.h"
#include "models/cluster/limits.h"
#include "models/cluster/memory.h"
#include "sim/base/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- idle
 * ------------------------------------------------------------------------------------------ */

struct idle_context {
    const struct layout *layout;
    const struct profile_costs *costs;
    int32_t node;
};

static double asked_of(const struct layout *layout, int32_t node) {
    return (double)(layout->nodes[node].connections_count + layout->nodes[node].refused_count);
}

/* What the node holds of as many connections to the cluster. */
static int64_t share_of(const struct idle_context *idle, int64_t connections) {
    const struct layout *layout = idle->layout;
    if (layout->nodes_count == 1)
        return connections;
    double share = asked_of(layout, idle->node) / layout->roster->clients_count;
    return (int64_t)ceil((double)connections * share - 1e-6);
}

/* Of one of the limits that connections run into. */
struct limit_context {
    struct idle_context idle;
    struct limits_connections limit;
};

static double limit_used(void *context, int64_t connections) {
    const struct limit_context *of = context;
    return of->limit.fixed + of->limit.per_connection * (double)share_of(&of->idle, connections);
}

static double memory_used(void *context, int64_t connections) {
    const struct idle_context *idle = context;
    struct memory memory =
        memory_idle(idle->layout, idle->node, idle->costs, share_of(idle, connections));
    return memory.user_bytes + memory.kernel_bytes;
}

/* Of the nodes of one kind, which have one set of limits, the one with most connections. */
static int32_t fullest(const struct layout *layout, const struct spec_node *kind) {
    int32_t most = -1;
    for (int32_t i = 0; i < layout->nodes_count; i++)
        if (layout->nodes[i].spec == kind &&
            (most < 0 || asked_of(layout, i) > asked_of(layout, most)))
            most = i;
    return most;
}

struct study_idle ceiling_idle(const struct layout *layout, const struct profile_costs *costs) {
    enum { KINDS_MAX = STUDY_IDLE_RESOURCES_MAX / (LIMITS_CONNECTIONS_MAX + 1) };
    struct idle_context contexts[KINDS_MAX];
    struct limit_context limited[KINDS_MAX][LIMITS_CONNECTIONS_MAX];
    struct study_idle_resource resources[STUDY_IDLE_RESOURCES_MAX];
    int32_t count = 0, kinds = layout->scenario->nodes_count;
    CHECK(kinds <= (int32_t)COUNT_OF(contexts));
    for (int32_t i = 0; i < kinds; i++) {
        const struct spec_node *kind = &layout->scenario->nodes[i];
        contexts[i] = (struct idle_context){layout, costs, fullest(layout, kind)};
        const char *where = layout->nodes_count > 1 ? layout->nodes[contexts[i].node].name : NULL;
        double memory = kind->memory == SPEC_UNLIMITED ? INFINITY : (double)kind->memory;
        struct limits_connections limits[LIMITS_CONNECTIONS_MAX];
        int32_t limits_count = limits_of_node(layout->scenario, kind, limits);
        for (int32_t k = 0; k < limits_count; k++) {
            limited[i][k] = (struct limit_context){contexts[i], limits[k]};
            resources[count++] = (struct study_idle_resource){
                limits[k].name, limits[k].unit, limit_used, &limited[i][k], limits[k].limit, where};
        }
        resources[count++] = (struct study_idle_resource){"memory",     "bytes", memory_used,
                                                          &contexts[i], memory,  where};
    }
    return study_idle_ceiling(resources, count);
}

/* " on gateway-3", or nothing; in one static buffer: one thread. */
static const char *on_node(const char *node) {
    static char text[96];
    snprintf(text, sizeof text, "%s%s", node ? " on " : "", node ? node : "");
    return text;
}

static const char *broke_node(const struct ceiling_answer *answer) {
    const struct outcome_resource *broke =
        answer->at_ceiling ? outcome_find_resource(answer->at_ceiling, answer->broke) : NULL;
    return broke ? broke->node : NULL;
}

/* --- text
 * ------------------------------------------------------------------------------------------ */

static void print_active(const struct ceiling_answer *answer) {
    switch (answer->outcome) {
    case STUDY_FOUND:
        printf("  active ceiling  %s deliveries/s, 95 %% interval %s to %s; %s breaks first%s\n",
               print_number(answer->active.value), print_number(answer->active.low),
               print_number(answer->active.high), answer->broke, on_node(broke_node(answer)));
        break;
    case STUDY_BELOW_FIRST:
        printf("  active ceiling  none: no sustained load holds (%s)\n", answer->broke);
        break;
    case STUDY_ABOVE_LAST:
        printf("  active ceiling  not found: the highest load tried still holds\n");
        break;
    case STUDY_REFUSED:
    case STUDY_STOPPED:
    case STUDY_EXHAUSTED:
        printf("  active ceiling  not found: %s%s%s\n", study_ceiling_outcome_name(answer->outcome),
               answer->refused ? ": " : "", answer->refused ? answer->refused : "");
        break;
    }
}

/* What runs out after the first, on the kind of node where it does so soonest. */
static void print_idle_order(const struct study_idle *idle) {
    for (int32_t i = 1; i < idle->rows_count; i++)
        if (idle->rows[i].connections < STUDY_IDLE_CONNECTIONS_MAX)
            printf("     %d. %s%s at %s connections\n", i + 1, idle->rows[i].name,
                   on_node(idle->rows[i].where), print_number((double)idle->rows[i].connections));
}

static void print_text(const struct ceiling_answer *answer) {
    printf("%s, %s, seed %" PRIu64 "\n", answer->scenario->spec.name, answer->source,
           answer->scenario->spec.seed);
    if (answer->has_idle)
        printf("  idle ceiling    %s connections; %s breaks first%s\n",
               print_number(answer->idle.value), answer->idle_limit, on_node(answer->idle_where));
    if (answer->idle_order)
        print_idle_order(answer->idle_order);
    print_active(answer);
    if (answer->has_as_measured)
        printf("  as measured     %s deliveries/s, %s to %s: what the measuring procedure's short "
               "windows would read\n",
               print_number(answer->as_measured.value), print_number(answer->as_measured.low),
               print_number(answer->as_measured.high));
    if (isfinite(answer->calibration_share) && answer->outcome == STUDY_FOUND)
        printf("  the interval is %.0f %% calibration, %.0f %% simulation\n",
               100 * answer->calibration_share, 100 - 100 * answer->calibration_share);
    if (answer->outcome == STUDY_FOUND)
        printf("  the scenario asks for %s deliveries/s: %.3g %% of the ceiling\n",
               print_number(answer->asked), 100 * answer->asked / answer->active.value);
    if (answer->order)
        break_order_print(answer->order, "the load");
    else if (answer->at_ceiling)
        break_order_print_shares(answer->at_ceiling);
}

/* --- JSON
 * ------------------------------------------------------------------------------------------ */

static void add_interval(cJSON *json, struct stats_interval interval) {
    print_add_number(json, "value", interval.value);
    print_add_number(json, "low", interval.low);
    print_add_number(json, "high", interval.high);
}

static void add_idle_order(cJSON *json, const struct study_idle *idle) {
    cJSON *list = cJSON_AddArrayToObject(json, "break_order");
    for (int32_t i = 0; idle && i < idle->rows_count; i++) {
        const struct study_idle_row *row = &idle->rows[i];
        bool is_endless = row->connections >= STUDY_IDLE_CONNECTIONS_MAX;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", row->name);
        if (row->where)
            cJSON_AddStringToObject(item, "node", row->where);
        print_add_number(item, "connections", is_endless ? (double)NAN : (double)row->connections);
        cJSON_AddItemToArray(list, item);
    }
}

static void print_as_json(const struct ceiling_answer *answer) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", answer->scenario->spec.name);
    cJSON_AddStringToObject(json, "source", answer->source);
    print_add_u64(json, "seed", answer->scenario->spec.seed);
    print_add_hex(json, "fingerprint", answer->fingerprint);
    cJSON_AddStringToObject(json, "outcome", study_ceiling_outcome_name(answer->outcome));
    cJSON *idle = cJSON_AddObjectToObject(json, "idle");
    add_interval(idle, answer->has_idle ? answer->idle : (struct stats_interval){NAN, NAN, NAN});
    cJSON_AddStringToObject(idle, "unit", "connections");
    cJSON_AddStringToObject(idle, "limit", answer->has_idle ? answer->idle_limit : "");
    if (answer->idle_where)
        cJSON_AddStringToObject(idle, "limit_node", answer->idle_where);
    add_idle_order(idle, answer->idle_order);
    cJSON *active = cJSON_AddObjectToObject(json, "active");
    add_interval(active, answer->active);
    cJSON_AddStringToObject(active, "unit", "deliveries/s");
    cJSON_AddStringToObject(active, "limit", answer->broke);
    if (broke_node(answer))
        cJSON_AddStringToObject(active, "limit_node", broke_node(answer));
    cJSON *as_measured = cJSON_AddObjectToObject(active, "as_measured");
    add_interval(as_measured, answer->has_as_measured ? answer->as_measured
                                                      : (struct stats_interval){NAN, NAN, NAN});
    print_add_number(json, "calibration_share", answer->calibration_share);
    print_add_number(json, "asked_deliveries_per_s", answer->asked);
    if (answer->at_ceiling)
        print_add_resources(json, answer->at_ceiling);
    else
        cJSON_AddArrayToObject(json, "resources");
    if (answer->order)
        break_order_add_json(answer->order, json);
    if (answer->refused)
        cJSON_AddStringToObject(json, "refused", answer->refused);
    print_json(json);
}

void ceiling_print(const struct ceiling_answer *answer, const struct options *options) {
    if (options->is_json)
        print_as_json(answer);
    else
        print_text(answer);
}

/* --- the store
 * ------------------------------------------------------------------------------------- */

static bool record_interval(struct store *store, int64_t id, const char *name,
                            struct stats_interval interval, const char *unit, const char *text) {
    return record_number(store, id, name, interval.value, interval.low, interval.high, unit, text);
}

bool ceiling_record(struct store *store, int64_t id, const struct ceiling_answer *answer) {
    if (answer->has_idle && !record_interval(store, id, "ceiling.idle", answer->idle, "connections",
                                             answer->idle_limit))
        return false;
    if (!record_number(store, id, "ceiling.outcome", NAN, NAN, NAN, "",
                       study_ceiling_outcome_name(answer->outcome)))
        return false;
    if (!record_interval(store, id, "ceiling.active", answer->active, "deliveries/s",
                         answer->broke))
        return false;
    if (answer->has_as_measured &&
        !record_interval(store, id, "ceiling.active.as_measured", answer->as_measured,
                         "deliveries/s", answer->broke))
        return false;
    return answer->at_ceiling == NULL || record_outcome(store, id, answer->at_ceiling);
}

int ceiling_exit_code(const struct ceiling_answer *answer) {
    switch (answer->outcome) {
    case STUDY_FOUND:
        return answer->active.low >= answer->asked   ? EXIT_HOLDS
               : answer->active.high < answer->asked ? EXIT_FAILS
                                                     : EXIT_CANNOT_TELL;
    case STUDY_BELOW_FIRST:
        return EXIT_FAILS;
    case STUDY_ABOVE_LAST:
        return EXIT_HOLDS;
    case STUDY_REFUSED:
        return EXIT_REFUSED;
    case STUDY_STOPPED:
        return EXIT_INTERRUPTED;
    case STUDY_EXHAUSTED:
        return EXIT_CANNOT_TELL;
    }
    return EXIT_BUG;
}

void ceiling_say_probe(void *context, const struct study_event *event) {
    const struct options *options = context;
    const struct study_probe_result *result = event->result;
    print_progress_end(options);
    print_say(options, "  %2d of about %d  %-6s %12s deliveries/s  late %6.2f %%  p99 %8s ms  %s%s",
              event->number, event->expected_number, study_phase_name(event->phase),
              print_number(event->load), 100 * result->late_share,
              print_number(result->latency_p99_ms),
              result->refused ? "refused: " : outcome_verdict_name(result->verdict),
              result->refused ? result->refused : "");
}

void ceiling_say_started_over(void *context, double before_ns, double now_ns) {
    print_say(
        context,
        "  the machine has changed its speed: a bare send took %s ns and takes %s ns. What was "
        "measured before does not count; the search starts over here",
        print_number(before_ns), print_number(now_ns));
}
