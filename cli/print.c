/* Numbers first, then what they mean. A figure that a run does not have is printed as "-" and as
 * null, never as 0. */
#include "cli/print.h"

#include "cli/break_order.h"
#include "cli/print_connections.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"
#include "sim/base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- numbers
 * --------------------------------------------------------------------------------------- */

const char *print_number(double value) {
    static char ring[8][48];
    static int next;
    char *out = ring[next++ % 8];
    text_say_number(value, out, sizeof ring[0]);
    return out;
}

void print_add_number(cJSON *object, const char *key, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

void print_add_hex(cJSON *object, const char *key, uint64_t value) {
    char hex[17];
    fingerprint_format(value, hex);
    cJSON_AddStringToObject(object, key, hex);
}

void print_add_u64(cJSON *object, const char *key, uint64_t value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    cJSON_AddRawToObject(object, key, digits);
}

void print_json(cJSON *json) {
    char *text = cJSON_Print(json);
    CHECK(text != NULL);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
}

/* --- verdicts
 * -------------------------------------------------------------------------------------- */

int print_exit_code(enum outcome_verdict verdict) {
    switch (verdict) {
    case OUTCOME_HOLDS:
        return EXIT_HOLDS;
    case OUTCOME_FAILS:
    case OUTCOME_UNSTABLE:
        return EXIT_FAILS;
    case OUTCOME_CANNOT_TELL:
        return EXIT_CANNOT_TELL;
    }
    return EXIT_BUG;
}

const char *print_verdict(enum outcome_verdict verdict) {
    switch (verdict) {
    case OUTCOME_HOLDS:
        return "it holds";
    case OUTCOME_FAILS:
        return "an objective is missed";
    case OUTCOME_UNSTABLE:
        return "unstable: the backlog grows, and the percentiles only describe that backlog";
    case OUTCOME_CANNOT_TELL:
        return "cannot tell yet";
    }
    return "";
}

/* --- a run as JSON
 * --------------------------------------------------------------------------------- */

static void add_latency(cJSON *json, const double *metric) {
    static const struct {
        const char *key;
        enum outcome_metric metric;
    } rows[] = {{"p50", OUTCOME_latency_p50_ms}, {"p90", OUTCOME_latency_p90_ms},
                {"p99", OUTCOME_latency_p99_ms}, {"p999", OUTCOME_latency_p999_ms},
                {"max", OUTCOME_latency_max_ms}, {"mean", OUTCOME_latency_mean_ms}};
    cJSON *latency = cJSON_AddObjectToObject(json, "latency_ms");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        print_add_number(latency, rows[i].key, metric[rows[i].metric]);
}

static void add_list(cJSON *json, const char *key, const struct outcome_resource *resources,
                     int32_t count) {
    cJSON *list = cJSON_AddArrayToObject(json, key);
    for (int32_t i = 0; i < count; i++) {
        const struct outcome_resource *resource = &resources[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", resource->name);
        if (resource->node)
            cJSON_AddStringToObject(item, "node", resource->node);
        print_add_number(item, "used", resource->used);
        print_add_number(item, "limit", resource->limit);
        cJSON_AddStringToObject(item, "unit", resource->unit);
        cJSON_AddItemToArray(list, item);
    }
}

void print_add_resources(cJSON *object, const struct outcome *outcome) {
    add_list(object, "resources", outcome->resources, outcome->resources_count);
    if (outcome->by_node_count > 0)
        add_list(object, "resources_by_node", outcome->by_node, outcome->by_node_count);
}

cJSON *print_run_json(const struct print_run *run) {
    const struct outcome *outcome = run->outcome;
    const double *metric = outcome->metric;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", run->scenario);
    cJSON_AddStringToObject(json, "source", run->source);
    print_add_u64(json, "seed", run->seed);
    print_add_hex(json, "fingerprint", outcome->fingerprint);
    print_add_number(json, "scale", run->scale);
    print_add_number(json, "deliveries", metric[OUTCOME_deliveries]);
    print_add_number(json, "deliveries_per_s", metric[OUTCOME_deliveries_per_s]);
    print_add_number(json, "offered_deliveries_per_s", metric[OUTCOME_offered_deliveries_per_s]);
    add_latency(json, metric);
    print_add_number(json, "lost", metric[OUTCOME_lost]);
    print_add_number(json, "closed_slow", metric[OUTCOME_closed_slow]);
    cJSON_AddStringToObject(json, "verdict", outcome_verdict_name(outcome->verdict));
    cJSON_AddStringToObject(json, "broke", outcome->broke);
    if (outcome_broke_node(outcome))
        cJSON_AddStringToObject(json, "broke_node", outcome_broke_node(outcome));
    print_add_number(json, "warm_up_s", base_seconds(outcome->warm_up_ns));
    print_add_number(json, "window_s", base_seconds(outcome->window_ns));
    print_add_resources(json, outcome);
    break_order_add_run_json(outcome, json);
    cJSON *closed = cJSON_AddObjectToObject(json, "closed_by_reason");
    for (int i = 1; i < SLOW_REASON_COUNT; i++)
        print_add_number(closed, slow_consumer_reason_name((enum slow_consumer_reason)i),
                         (double)outcome->closed_by_reason[i]);
    print_add_connections(json, outcome);
    cJSON *metrics = cJSON_AddObjectToObject(json, "metrics");
    for (int i = 0; i < OUTCOME_METRICS; i++)
        print_add_number(metrics, outcome_metric_name((enum outcome_metric)i), metric[i]);
    if (outcome->refused)
        cJSON_AddStringToObject(json, "refused", outcome->refused);
    return json;
}

/* --- a run as text
 * --------------------------------------------------------------------------------- */

/* What the levers bought and cost. */
static void print_levers(const double *metric) {
    if (metric[OUTCOME_withheld] > 0)
        printf("  feed         %s deliveries withheld by its rule, beside those that were due\n",
               print_number(metric[OUTCOME_withheld]));
    if (metric[OUTCOME_expired] > 0 || metric[OUTCOME_shed] > 0)
        printf("  signals      %s deliveries expired and %s dropped by full queues, beside those "
               "that were due\n",
               print_number(metric[OUTCOME_expired]), print_number(metric[OUTCOME_shed]));
    if (metric[OUTCOME_unread_counts] > 0)
        printf("  unread       %s of the deliveries are counts, of %s messages each\n",
               print_number(metric[OUTCOME_unread_counts]),
               print_number(metric[OUTCOME_unread_messages]));
    if (isnan(metric[OUTCOME_held_messages]))
        return;
    printf("  held back    %s messages per flush, %s ms each, %s bytes/s of headers saved\n",
           print_number(metric[OUTCOME_held_messages]), print_number(metric[OUTCOME_held_ms]),
           print_number(metric[OUTCOME_held_saved_bytes_per_s]));
    if (metric[OUTCOME_feed_longest_ms] > 0)
        printf("  feed         held messages for %s ms at most; %s flushes were later than "
               "promised\n",
               print_number(metric[OUTCOME_feed_longest_ms]),
               print_number(metric[OUTCOME_feed_late]));
}

static void print_loads(const double *metric) {
    printf("  offered      %s publishes/s -> %s deliveries/s (amplified %s times)\n",
           print_number(metric[OUTCOME_offered_publishes_per_s]),
           print_number(metric[OUTCOME_offered_deliveries_per_s]),
           print_number(metric[OUTCOME_amplification]));
    printf("  delivered    %s deliveries/s, %s of those due in the window\n",
           print_number(metric[OUTCOME_deliveries_per_s]),
           print_number(metric[OUTCOME_deliveries]));
    if (!isnan(metric[OUTCOME_closed_form_share]))
        printf(
            "  closed form  %s %% of the deliveries were counted two or more at once, the others "
            "one by one\n",
            print_number(100 * metric[OUTCOME_closed_form_share]));
    if (!isnan(metric[OUTCOME_backplane_sendings]))
        printf("  retries      each publish was sent to the backplane %s times; %s were given up\n",
               print_number(metric[OUTCOME_backplane_sendings]),
               print_number(metric[OUTCOME_backplane_given_up]));
    if (!isnan(metric[OUTCOME_backplane_copies]))
        printf("  backplane    %s copies per publish to nodes, %s %% of them to nodes without a "
               "member\n",
               print_number(metric[OUTCOME_backplane_copies]),
               print_number(100 * metric[OUTCOME_backplane_wasted_share]));
    if (metric[OUTCOME_unrouted] > 0)
        printf(
            "  unrouted     %s deliveries were due on other nodes, and no backplane carried them "
            "there\n",
            print_number(metric[OUTCOME_unrouted]));
    print_levers(metric);
}

static void print_presence(const double *metric) {
    if (isnan(metric[OUTCOME_presence_messages_per_s]))
        return;
    printf("  presence     %s changes/s -> %s messages/s to members, %s bytes/s\n",
           print_number(metric[OUTCOME_presence_changes_per_s]),
           print_number(metric[OUTCOME_presence_messages_per_s]),
           print_number(metric[OUTCOME_presence_bytes_per_s]));
    if (metric[OUTCOME_presence_letters_per_s] > 0)
        printf("  presence     %s letters/s between nodes, %s bytes/s\n",
               print_number(metric[OUTCOME_presence_letters_per_s]),
               print_number(metric[OUTCOME_presence_letter_bytes_per_s]));
    if (!isnan(metric[OUTCOME_presence_stale_share]))
        printf("  presence     members were told something else than was so for %s %% of the time, "
               "%s ms at a time\n",
               print_number(100 * metric[OUTCOME_presence_stale_share]),
               print_number(metric[OUTCOME_presence_stale_ms]));
}

static void print_latencies(const double *metric) {
    printf(
        "  latency      p50 %s ms, p90 %s, p99 %s, p99.9 %s, max %s (per delivery, from the "
        "intended instant)\n",
        print_number(metric[OUTCOME_latency_p50_ms]), print_number(metric[OUTCOME_latency_p90_ms]),
        print_number(metric[OUTCOME_latency_p99_ms]), print_number(metric[OUTCOME_latency_p999_ms]),
        print_number(metric[OUTCOME_latency_max_ms]));
    if (!isnan(metric[OUTCOME_worst_client_p99_ms]))
        printf("  worst client p99 %s ms\n", print_number(metric[OUTCOME_worst_client_p99_ms]));
    printf("  longest gap  %s ms without a delivery to anybody\n",
           print_number(metric[OUTCOME_longest_gap_ms]));
}

static void print_losses(const struct outcome *outcome) {
    const double *metric = outcome->metric;
    printf(
        "  lost         %s deliveries; %s dropped, %s conflated, %s connections closed as too slow",
        print_number(metric[OUTCOME_lost]), print_number(metric[OUTCOME_dropped]),
        print_number(metric[OUTCOME_conflated]), print_number(metric[OUTCOME_closed_slow]));
    for (int i = 1; i < SLOW_REASON_COUNT; i++)
        if (outcome->closed_by_reason[i] > 0)
            printf(" (%lld by %s)", (long long)outcome->closed_by_reason[i],
                   slow_consumer_reason_name((enum slow_consumer_reason)i));
    printf("; %s refused\n", print_number(metric[OUTCOME_refused]));
}

void print_resources(const struct outcome *outcome) {
    for (int32_t i = 0; i < outcome->resources_count; i++) {
        const struct outcome_resource *resource = &outcome->resources[i];
        printf("  %-12s %s of %s %s", resource->name, print_number(resource->used),
               print_number(resource->limit), resource->unit);
        if (isfinite(resource->limit))
            printf(" (%.1f %%)", 100 * resource->used / resource->limit);
        if (resource->node)
            printf(" on %s, the nearest of all nodes", resource->node);
        putchar('\n');
    }
}

/* A line per node: its resources in one order. */
static void print_by_node(const struct outcome *outcome) {
    for (int32_t i = 0; i < outcome->by_node_count; i++) {
        const struct outcome_resource *resource = &outcome->by_node[i];
        bool is_first = i == 0 || resource[-1].node != resource->node;
        bool is_last = i + 1 == outcome->by_node_count || resource[1].node != resource->node;
        if (is_first)
            printf("  %-12s", resource->node);
        printf(" %s %s%s%s", resource->name, print_number(resource->used),
               isfinite(resource->limit) ? " of " : "",
               isfinite(resource->limit) ? print_number(resource->limit) : "");
        fputs(is_last ? "\n" : ",", stdout);
    }
}

void print_run_text(const struct print_run *run) {
    const struct outcome *outcome = run->outcome;
    const double *metric = outcome->metric;
    printf("%s, %s, seed %" PRIu64 ", scale %s: %s", run->scenario, run->source, run->seed,
           print_number(run->scale), print_verdict(outcome->verdict));
    const char *node = outcome_broke_node(outcome);
    if (outcome->verdict != OUTCOME_HOLDS && *outcome->broke)
        printf(" (%s%s%s)", outcome->broke, node ? " on " : "", node ? node : "");
    putchar('\n');
    print_loads(metric);
    print_presence(metric);
    print_latencies(metric);
    printf("  late         %s %% of the deliveries due took longer than %s ms%s (allowed: %s %%)\n",
           print_number(100 * metric[OUTCOME_late_share]),
           print_number(base_ms(run->spec->objectives.delivery.within)),
           metric[OUTCOME_feed_longest_ms] > 0 || metric[OUTCOME_unread_counts] > 0
               ? ", and in a feed or as a count than its own time more"
               : "",
           print_number(100 * (1 - run->spec->objectives.delivery.share)));
    print_losses(outcome);
    print_connections(outcome);
    print_resources(outcome);
    break_order_print_run(outcome);
    print_by_node(outcome);
    printf("  window       %s s after a warm-up of %s s\n",
           print_number(base_seconds(outcome->window_ns)),
           print_number(base_seconds(outcome->warm_up_ns)));
    if (outcome->refused)
        printf("  refused      %s\n", outcome->refused);
}

/* --- narration
 * ------------------------------------------------------------------------------------- */

void print_say(const struct options *options, const char *format, ...) {
    if (options->is_quiet)
        return;
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

void print_progress(const struct options *options, const char *format, ...) {
    if (options->is_quiet || !isatty(STDERR_FILENO))
        return;
    va_list list;
    va_start(list, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, list);
    va_end(list);
    fflush(stderr);
}

void print_progress_end(const struct options *options) {
    if (!options->is_quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}
