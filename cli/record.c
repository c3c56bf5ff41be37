/* Every metric of an outcome goes in under its own name; one that is not known is left out, never
 * stored as 0. */
#include "cli/record.h"

#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

int64_t record_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static bool say(const struct store *store) {
    fprintf(stderr, "headroom: %s\n", store->error);
    return false;
}

int record_open(struct store *store, const struct options *options) {
    if (store_open(store, options->db ? options->db : RECORD_DB_DEFAULT, STORE_WRITE))
        return -1;
    say(store);
    return EXIT_IO;
}

struct store_text record_code(uint64_t code_hash, char digits[17]) {
    fingerprint_format(code_hash, digits);
    return (struct store_text){HEADROOM_VERSION, digits};
}

struct record_run record_simulated(const char *command, const struct scenario *scenario,
                                   const struct costs_choice *costs) {
    return (struct record_run){.kind = STORE_SIMULATED,
                               .command = command,
                               .scenario = scenario,
                               .profile_name = costs->profile.name,
                               .profile_text = text_bytes(&costs->canonical),
                               .seed = scenario->spec.seed,
                               .scale = 1};
}

bool record_begin(struct store *store, const struct record_run *run, int64_t *id) {
    char code[17];
    uint64_t code_hash = run->code_hash != 0 ? run->code_hash : files_code_hash();
    struct store_run_options options = {
        .kind = run->kind,
        .command = run->command,
        .parent = run->parent,
        .profile = {run->profile_name, run->profile_text},
        .code = record_code(code_hash, code),
        .seed = run->seed,
        .replication = run->replication,
        .load_scale = run->scale,
        .is_fit = run->is_fit,
        .is_cell = run->is_cell,
        .started_at_ns = run->started_at_ns != 0 ? run->started_at_ns : record_now_ns()};
    if (run->scenario != NULL)
        options.scenario =
            (struct store_text){run->scenario->spec.name, text_bytes(&run->scenario->canonical)};
    return store_begin_run(store, &options, id) || say(store);
}

bool record_number(struct store *store, int64_t id, const char *name, double value, double low,
                   double high, const char *unit, const char *text) {
    struct store_metric metric = {
        .name = name, .value = value, .low = low, .high = high, .unit = unit, .text = text};
    return store_put_metric(store, id, &metric) || say(store);
}

double record_memory_per_connection(const struct outcome *outcome) {
    const double *metric = outcome->metric;
    double bytes = metric[OUTCOME_memory_user_bytes] + metric[OUTCOME_memory_kernel_bytes];
    return metric[OUTCOME_connections] > 0 ? bytes / metric[OUTCOME_connections] : NAN;
}

static bool put_metrics(struct store *store, int64_t id, const struct outcome *outcome) {
    for (int i = 0; i < OUTCOME_METRICS; i++) {
        enum outcome_metric metric = (enum outcome_metric)i;
        if (!isnan(outcome->metric[i]) &&
            !record_number(store, id, outcome_metric_name(metric), outcome->metric[i], NAN, NAN,
                           outcome_metric_unit(metric), NULL))
            return false;
    }
    for (int i = 1; i < SLOW_REASON_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "closed_slow.%s",
                 slow_consumer_reason_name((enum slow_consumer_reason)i));
        if (!record_number(store, id, name, (double)outcome->closed_by_reason[i], NAN, NAN,
                           "connections", NULL))
            return false;
    }
    double memory = record_memory_per_connection(outcome);
    if (!isnan(memory) &&
        !record_number(store, id, "memory_per_connection", memory, NAN, NAN, "bytes", NULL))
        return false;
    return record_number(store, id, "verdict", NAN, NAN, NAN, "",
                         outcome_verdict_name(outcome->verdict)) &&
           record_number(store, id, "broke", NAN, NAN, NAN, "", outcome->broke);
}

static bool put_resource(struct store *store, int64_t id, const struct outcome_resource *resource,
                         const char *name) {
    struct store_resource row = {
        .name = name, .used = resource->used, .limit = resource->limit, .unit = resource->unit};
    return store_put_resource(store, id, &row) || say(store);
}

/* A node's own under "node.resource". */
static bool put_resources(struct store *store, int64_t id, const struct outcome *outcome) {
    for (int32_t i = 0; i < outcome->resources_count; i++)
        if (!put_resource(store, id, &outcome->resources[i], outcome->resources[i].name))
            return false;
    for (int32_t i = 0; i < outcome->by_node_count; i++) {
        const struct outcome_resource *resource = &outcome->by_node[i];
        char name[128];
        snprintf(name, sizeof name, "%s.%s", resource->node, resource->name);
        if (!put_resource(store, id, resource, name))
            return false;
    }
    return true;
}

static bool put_one(struct store *store, int64_t id, const char *name, const char *unit,
                    base_ns step_ns, const double *values, int32_t count) {
    struct store_series series = {
        .name = name, .unit = unit, .step_ns = step_ns, .count = count, .values = values};
    return count == 0 || store_put_series(store, id, &series) || say(store);
}

static bool put_series(struct store *store, int64_t id, const struct outcome *outcome) {
    const struct outcome_series *series = &outcome->series;
    const struct outcome_timeline *timeline = &outcome->timeline;
    const struct {
        const char *name, *unit;
        const double *values;
    } of_window[] = {{"delay_ms", "ms", series->delay_ms},
                     {"deliveries", "deliveries", series->deliveries}},
      of_run[] = {{"connected", "connections", timeline->connected},
                  {"unreachable", "connections", timeline->unreachable},
                  {"backlog", "handshakes", timeline->backlog}};
    bool is_good = true;
    for (size_t i = 0; i < COUNT_OF(of_window) && is_good; i++)
        is_good = put_one(store, id, of_window[i].name, of_window[i].unit, series->step_ns,
                          of_window[i].values, series->count);
    for (size_t i = 0; i < COUNT_OF(of_run) && is_good; i++)
        is_good = put_one(store, id, of_run[i].name, of_run[i].unit, timeline->step_ns,
                          of_run[i].values, timeline->count);
    return is_good;
}

bool record_outcome(struct store *store, int64_t id, const struct outcome *outcome) {
    if (!put_metrics(store, id, outcome) || !put_resources(store, id, outcome) ||
        !put_series(store, id, outcome))
        return false;
    return store_put_hist(store, id, "latency", "ns", &outcome->latency) || say(store);
}

bool record_finish(struct store *store, int64_t id, enum store_state state, const char *reason,
                   uint64_t fingerprint) {
    struct store_finish finish = {.state = state,
                                  .reason = reason,
                                  .fingerprint = fingerprint,
                                  .finished_at_ns = record_now_ns()};
    return store_finish_run(store, id, &finish) || say(store);
}
