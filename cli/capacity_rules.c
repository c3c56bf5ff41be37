/* The plan as Prometheus rules over what the gateway's /metrics say, so that production is watched
 * by the numbers that it was bought by. An alert is one row: its expression, and the series with
 * which it must fire and must not, from which the unit tests are written (promtool test rules). */
#include "cli/capacity.h"

#include "models/workload/admission.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ALERTS_MAX = 8, TEXT_BYTES = 256 };
enum { MINUTES_OF_A_TEST = 40, EVALUATED_AT = 30 };
static const double SECONDS_PER_MINUTE = 60;

/* What a test pretends: `nodes` instances whose counters grow by so much a second and whose gauges
 * stand so high. */
struct pretence {
    int64_t nodes;
    double frames_per_s, publishes_per_s, cpu_share, dropped_per_s, closed_per_s;
    double connections, connections_limit;
};

struct alert {
    const char *name, *severity, *wait;
    char expression[TEXT_BYTES], summary[TEXT_BYTES];
    bool is_per_node;
    struct pretence fires, is_quiet;
};

struct rules {
    const struct capacity *plan;
    const struct capacity_kind *kind;
    struct alert alerts[ALERTS_MAX];
    int32_t alerts_count;
};

/* --- alerts --- */

/* As planned: what no alert may fire on. */
static struct pretence planned(const struct rules *rules) {
    const struct capacity_kind *kind = rules->kind;
    int64_t nodes = kind->count[SIZING_ONE_LOST].target;
    double limit = (double)admission_connections_max(kind->node->open_files, kind->node->workers);
    return (struct pretence){
        .nodes = nodes,
        .frames_per_s = 0.9 * rules->plan->load.deliveries_per_s / (double)nodes,
        .publishes_per_s = 1,
        .cpu_share = 0.5 * kind->demand.busy / (double)kind->demand.needed,
        .connections = rules->plan->scenario->roster.clients_count / (double)nodes,
        .connections_limit = limit};
}

static struct alert *add(struct rules *rules, const char *name, const char *severity,
                         const char *wait) {
    struct alert *alert = &rules->alerts[rules->alerts_count++];
    *alert = (struct alert){.name = name, .severity = severity, .wait = wait};
    alert->fires = alert->is_quiet = planned(rules);
    return alert;
}

static void add_ceiling(struct rules *rules) {
    double most = rules->kind->load_per_node;
    if (isnan(most))
        return;
    struct alert *alert = add(rules, "HeadroomNodeAboveItsCeiling", "critical", "5m");
    snprintf(alert->expression, TEXT_BYTES, "headroom:node_deliveries:rate5m > %.0f", most);
    snprintf(alert->summary, TEXT_BYTES,
             "A node writes more than the %.0f deliveries/s at which its objectives break.", most);
    alert->is_per_node = true;
    alert->fires.frames_per_s = 1.1 * most;
    alert->is_quiet.frames_per_s = 0.9 * most;
}

static void add_margin(struct rules *rules) {
    double most = rules->plan->load.deliveries_per_s;
    struct alert *alert = add(rules, "HeadroomMarginInUse", "warning", "15m");
    snprintf(alert->expression, TEXT_BYTES, "headroom:cluster_deliveries:rate5m > %.0f", most);
    snprintf(alert->summary, TEXT_BYTES,
             "More than the %.0f deliveries/s that were planned for: the headroom is being used.",
             most);
    alert->fires.frames_per_s = 1.1 * most / (double)alert->fires.nodes;
    alert->is_quiet.frames_per_s = 0.9 * most / (double)alert->fires.nodes;
}

/* Of one node nobody could say that it is missing: its series would be gone. */
static void add_nodes(struct rules *rules, const char *name, const char *severity, const char *wait,
                      enum sizing_case which, const char *what) {
    int64_t least = rules->kind->count[which].target;
    if (least < 2)
        return;
    struct alert *alert = add(rules, name, severity, wait);
    snprintf(alert->expression, TEXT_BYTES, "headroom:cluster_nodes:count < %" PRId64, least);
    snprintf(alert->summary, TEXT_BYTES, what, least);
    alert->fires.nodes = least - 1;
    alert->is_quiet.nodes = least;
}

static void add_cpu(struct rules *rules) {
    double most = rules->kind->cpu_at_ceiling;
    if (isnan(most))
        return;
    struct alert *alert = add(rules, "HeadroomWorkerAtItsCeiling", "warning", "5m");
    snprintf(alert->expression, TEXT_BYTES, "headroom:node_worker_cpu:rate5m > %.4f", 0.98 * most);
    snprintf(alert->summary, TEXT_BYTES,
             "A worker is as busy as it is at its ceiling, %.0f %% of a processor.", 100 * most);
    alert->is_per_node = true;
    alert->fires.cpu_share = most;
    alert->is_quiet.cpu_share = 0.9 * most;
}

/* Half of the way from what is planned to the limit. */
static void add_connections(struct rules *rules) {
    struct pretence as_planned = planned(rules);
    double share = (as_planned.connections / as_planned.connections_limit + 1) / 2;
    if (!(share < 1))
        return;
    struct alert *alert = add(rules, "HeadroomConnectionsNearTheirLimit", "warning", "5m");
    snprintf(alert->expression, TEXT_BYTES, "headroom:node_connections:share > %.4f", share);
    snprintf(alert->summary, TEXT_BYTES,
             "A node holds more than %.0f %% of the connections that its descriptors allow.",
             100 * share);
    alert->is_per_node = true;
    alert->fires.connections = as_planned.connections_limit;
}

static void add_drops(struct rules *rules) {
    double most = rules->plan->scenario->spec.objectives.lost_share;
    struct alert *alert = add(rules, "HeadroomMessagesDropped", "critical", "5m");
    snprintf(alert->expression, TEXT_BYTES, "headroom:cluster_dropped:share > %g", most);
    snprintf(alert->summary, TEXT_BYTES,
             "More than the share of %g of the messages is dropped for slow consumers.", most);
    alert->fires.dropped_per_s = (2 * most + 0.01) * alert->fires.frames_per_s;
    alert->is_quiet.dropped_per_s = 0.5 * most * alert->fires.frames_per_s;
}

static void add_closes(struct rules *rules) {
    if (rules->plan->scenario->spec.objectives.lost_share > 0)
        return;
    struct alert *alert = add(rules, "HeadroomSlowConsumersClosed", "warning", "5m");
    snprintf(alert->expression, TEXT_BYTES, "headroom:cluster_closed_slow:rate5m > 0");
    snprintf(alert->summary, TEXT_BYTES,
             "Connections are closed as too slow, and none was to lose anything.");
    alert->fires.closed_per_s = 0.1;
}

static struct rules rules_of(const struct capacity *plan) {
    struct rules rules = {.plan = plan, .kind = &plan->kinds[plan->chosen]};
    add_ceiling(&rules);
    add_margin(&rules);
    add_nodes(&rules, "HeadroomTooFewNodes", "critical", "2m", SIZING_ALL_THERE,
              "Fewer than the %" PRId64 " nodes that the planned load needs.");
    add_nodes(&rules, "HeadroomNoNodeToSpare", "warning", "15m", SIZING_ONE_LOST,
              "Fewer than the %" PRId64 " nodes with which one may be lost.");
    add_cpu(&rules);
    add_connections(&rules);
    add_drops(&rules);
    add_closes(&rules);
    return rules;
}

/* --- the rules --- */

static const struct {
    const char *record, *expression;
} recordings[] = {
    {"headroom:node_deliveries:rate5m",
     "sum by (job, instance) (rate(headroom_gateway_frames_written_total[5m]))"},
    {"headroom:node_worker_cpu:rate5m",
     "max by (job, instance) (rate(headroom_gateway_cpu_seconds_total[5m]))"},
    {"headroom:node_connections:share",
     "sum by (job, instance) (headroom_gateway_connections) / on (job, instance) "
     "headroom_gateway_connections_limit"},
    {"headroom:cluster_deliveries:rate5m", "sum by (job) (headroom:node_deliveries:rate5m)"},
    {"headroom:cluster_nodes:count",
     "count by (job) (sum by (job, instance) (headroom_gateway_connections))"},
    {"headroom:cluster_amplification:ratio5m",
     "headroom:cluster_deliveries:rate5m / on (job) sum by (job) "
     "(rate(headroom_gateway_publishes_total[5m]))"},
    {"headroom:cluster_dropped:share",
     "sum by (job) (rate(headroom_gateway_dropped_total[5m])) / on (job) "
     "headroom:cluster_deliveries:rate5m"},
    {"headroom:cluster_closed_slow:rate5m",
     "sum by (job) (rate(headroom_gateway_closed_total{reason=~\"slow_.*\"}[5m]))"},
};

void capacity_write_rules(const struct capacity *plan, struct text *out) {
    struct rules rules = rules_of(plan);
    const struct spec_scenario *spec = &plan->scenario->spec;
    text_addf(out,
              "# From `headroom plan` of the scenario %s: %" PRId64 " %s nodes for %.0f "
              "deliveries/s at a headroom of %g %%.\n"
              "groups:\n  - name: headroom_%s\n    interval: 30s\n    rules:\n",
              spec->name, rules.kind->count[SIZING_ALL_THERE].target, rules.kind->node->name,
              plan->load.deliveries_per_s, 100 * spec->plan.headroom, spec->name);
    for (size_t i = 0; i < COUNT_OF(recordings); i++)
        text_addf(out, "      - record: %s\n        expr: '%s'\n", recordings[i].record,
                  recordings[i].expression);
    for (int32_t i = 0; i < rules.alerts_count; i++) {
        const struct alert *alert = &rules.alerts[i];
        text_addf(out,
                  "      - alert: %s\n        expr: '%s'\n        for: %s\n        labels:\n"
                  "          severity: %s\n          scenario: %s\n        annotations:\n"
                  "          summary: '%s'\n",
                  alert->name, alert->expression, alert->wait, alert->severity, spec->name,
                  alert->summary);
    }
}

/* --- their tests --- */

static void add_counter(struct text *out, const char *name, const char *labels, int64_t node,
                        double per_s) {
    text_addf(out,
              "      - series: 'headroom_gateway_%s{job=\"gateway\", instance=\"node-%" PRId64
              "\"%s}'\n        values: '0+%.6fx%d'\n",
              name, node, labels, SECONDS_PER_MINUTE * per_s, MINUTES_OF_A_TEST);
}

static void add_gauge(struct text *out, const char *name, const char *labels, int64_t node,
                      double level) {
    text_addf(out,
              "      - series: 'headroom_gateway_%s{job=\"gateway\", instance=\"node-%" PRId64
              "\"%s}'\n        values: '%.0f+0x%d'\n",
              name, node, labels, level, MINUTES_OF_A_TEST);
}

static void add_series(struct text *out, const struct pretence *pretence) {
    static const char worker[] = ", worker=\"0\"";
    text_add(out, "    input_series:\n");
    for (int64_t node = 1; node <= pretence->nodes; node++) {
        add_counter(out, "frames_written_total", worker, node, pretence->frames_per_s);
        add_counter(out, "publishes_total", worker, node, pretence->publishes_per_s);
        add_counter(out, "cpu_seconds_total", worker, node, pretence->cpu_share);
        add_counter(out, "dropped_total", worker, node, pretence->dropped_per_s);
        add_counter(out, "closed_total", ", worker=\"0\", reason=\"slow_bytes\"", node,
                    pretence->closed_per_s);
        add_gauge(out, "connections", worker, node, pretence->connections);
        add_gauge(out, "connections_limit", "", node, pretence->connections_limit);
    }
}

static void add_expected(struct text *out, const struct rules *rules, const struct alert *alert,
                         const struct pretence *pretence) {
    int64_t count = alert->is_per_node ? pretence->nodes : 1;
    for (int64_t node = 1; node <= count; node++) {
        text_addf(out,
                  "          - exp_labels:\n              job: gateway\n              severity: "
                  "%s\n              scenario: %s\n",
                  alert->severity, rules->plan->scenario->spec.name);
        if (alert->is_per_node)
            text_addf(out, "              instance: node-%" PRId64 "\n", node);
        text_addf(out, "            exp_annotations:\n              summary: '%s'\n",
                  alert->summary);
    }
}

static void add_test(struct text *out, const struct rules *rules, const struct alert *alert,
                     bool fires) {
    const struct pretence *pretence = fires ? &alert->fires : &alert->is_quiet;
    text_addf(out, "  - name: '%s %s'\n    interval: 1m\n", alert->name,
              fires ? "fires" : "is quiet");
    add_series(out, pretence);
    text_addf(out, "    alert_rule_test:\n      - eval_time: %dm\n        alertname: %s\n",
              EVALUATED_AT, alert->name);
    text_add(out, fires ? "        exp_alerts:\n" : "        exp_alerts: []\n");
    if (fires)
        add_expected(out, rules, alert, pretence);
}

/* The amplification that is recorded is the one that went in. */
static void add_recording_test(struct text *out, const struct rules *rules) {
    struct pretence pretence = planned(rules);
    pretence.publishes_per_s = pretence.frames_per_s / 150;
    text_add(out, "  - name: 'amplification'\n    interval: 1m\n");
    add_series(out, &pretence);
    text_addf(out,
              "    promql_expr_test:\n      - expr: round(headroom:cluster_amplification:ratio5m, "
              "0.01)\n        eval_time: %dm\n        exp_samples:\n          - labels: "
              "'{job=\"gateway\"}'\n            value: 150\n",
              EVALUATED_AT);
}

void capacity_write_rule_tests(const struct capacity *plan, const char *rules_file,
                               struct text *out) {
    struct rules rules = rules_of(plan);
    text_addf(out,
              "# Unit tests of %s: every alert with series on which it must fire, and on which it "
              "must not.\nrule_files:\n  - %s\nevaluation_interval: 1m\ntests:\n",
              rules_file, rules_file);
    for (int32_t i = 0; i < rules.alerts_count; i++) {
        add_test(out, &rules, &rules.alerts[i], true);
        add_test(out, &rules, &rules.alerts[i], false);
    }
    add_recording_test(out, &rules);
}
