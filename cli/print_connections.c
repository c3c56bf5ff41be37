/* The timeline is drawn with a bar of eight heights per step, so that a storm is seen as one. */
#include "cli/print_connections.h"

#include "cli/print.h"

#include <math.h>
#include <stdio.h>

enum { BARS = 60 };

static bool has_connections(const struct outcome *outcome) {
    return outcome->timeline.count > 0;
}

static void print_recovery(const double *metric) {
    double recovery_s = metric[OUTCOME_recovery_s];
    if (isnan(recovery_s))
        return;
    if (isinf(recovery_s))
        printf("  recovery     never within the run");
    else
        printf("  recovery     %s s after the first fault", print_number(recovery_s));
    if (metric[OUTCOME_nodes_died] > 0)
        printf("; %s more node(s) died of a limit", print_number(metric[OUTCOME_nodes_died]));
    else
        printf("; no other node died");
    putchar('\n');
}

static void print_unreachable(const double *metric) {
    printf("  unreachable  %s %% of the clients' time, %s of them at most, one for %s s; %s of "
           "them gave up\n",
           print_number(100 * metric[OUTCOME_unreachable_share]),
           print_number(metric[OUTCOME_unreachable_max]),
           print_number(metric[OUTCOME_longest_outage_ms] / 1000),
           print_number(metric[OUTCOME_gave_up]));
    printf("  connected    %s on average; %s %% of them on the wrong node at the end\n",
           print_number(metric[OUTCOME_connections]),
           print_number(100 * metric[OUTCOME_imbalance]));
    if (metric[OUTCOME_turned_away] > 0)
        printf("  turned away  %s arrivals, because all clients were there\n",
               print_number(metric[OUTCOME_turned_away]));
}

static void print_handshakes(const double *metric) {
    printf("  handshakes   %s, %s of them for clients that had given up, %s refused; %s timeouts, "
           "%s requests unanswered\n",
           print_number(metric[OUTCOME_handshakes]),
           print_number(metric[OUTCOME_handshakes_wasted]),
           print_number(metric[OUTCOME_handshakes_refused]),
           print_number(metric[OUTCOME_handshake_timeouts]),
           print_number(metric[OUTCOME_handshakes_unanswered]));
    printf("  accept queue %s at most, a wait of %s ms on average\n",
           print_number(metric[OUTCOME_handshake_backlog_max]),
           print_number(metric[OUTCOME_handshake_wait_mean_ms]));
}

static void print_losses(const double *metric) {
    printf("  lost because %s nobody was connected, %s a node was gone, %s a connection was gone\n",
           print_number(metric[OUTCOME_lost_unreachable]),
           print_number(metric[OUTCOME_lost_with_node]),
           print_number(metric[OUTCOME_lost_with_connection]));
}

/* The highest value of each of at most BARS parts, as a bar of the highest of all. */
static void print_bars(const char *name, const double *values, int32_t count) {
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 0;
    for (int32_t i = 0; i < count; i++)
        most = fmax(most, values[i]);
    printf("  %-13s |", name);
    for (int32_t bar = 0; bar < BARS; bar++) {
        double highest = 0;
        for (int32_t i = bar * count / BARS; i < (bar + 1) * count / BARS; i++)
            highest = fmax(highest, values[i]);
        fputs(bars[most > 0 ? (int)ceil(8 * highest / most) : 0], stdout);
    }
    printf("| up to %s\n", print_number(most));
}

void print_connections(const struct outcome *outcome) {
    const struct outcome_timeline *timeline = &outcome->timeline;
    if (!has_connections(outcome))
        return;
    print_recovery(outcome->metric);
    print_unreachable(outcome->metric);
    print_handshakes(outcome->metric);
    print_losses(outcome->metric);
    printf("  timeline     of %s s from the start of the run\n",
           print_number(base_seconds(timeline->step_ns) * timeline->count));
    print_bars("  connected", timeline->connected, timeline->count);
    print_bars("  unreachable", timeline->unreachable, timeline->count);
    print_bars("  accepting", timeline->backlog, timeline->count);
}

/* --- as JSON --- */

static void add_values(cJSON *json, const char *key, const double *values, int32_t count) {
    cJSON_AddItemToObject(json, key, cJSON_CreateDoubleArray(values, count));
}

void print_add_connections(cJSON *json, const struct outcome *outcome) {
    const struct outcome_timeline *timeline = &outcome->timeline;
    const double *metric = outcome->metric;
    if (!has_connections(outcome))
        return;
    cJSON *connections = cJSON_AddObjectToObject(json, "connections");
    if (!isnan(metric[OUTCOME_recovery_s])) {
        cJSON_AddBoolToObject(connections, "has_recovered", isfinite(metric[OUTCOME_recovery_s]));
        print_add_number(connections, "recovery_s", metric[OUTCOME_recovery_s]);
    }
    print_add_number(connections, "peak_backlog", metric[OUTCOME_handshake_backlog_max]);
    print_add_number(connections, "peak_unreachable", metric[OUTCOME_unreachable_max]);
    print_add_number(connections, "survivors_died", metric[OUTCOME_nodes_died]);
    cJSON *lost = cJSON_AddObjectToObject(connections, "lost");
    print_add_number(lost, "unreachable", metric[OUTCOME_lost_unreachable]);
    print_add_number(lost, "with_node", metric[OUTCOME_lost_with_node]);
    print_add_number(lost, "with_connection", metric[OUTCOME_lost_with_connection]);
    cJSON *line = cJSON_AddObjectToObject(connections, "timeline");
    print_add_number(line, "step_s", base_seconds(timeline->step_ns));
    add_values(line, "connected", timeline->connected, timeline->count);
    add_values(line, "unreachable", timeline->unreachable, timeline->count);
    add_values(line, "backlog", timeline->backlog, timeline->count);
}
