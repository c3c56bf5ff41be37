/* The verdict of a window, and the figures that follow from others. */
#include "models/workload/outcome.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void outcome_init(struct outcome *outcome) {
    *outcome = (struct outcome){.latency_weight = 1, .verdict = OUTCOME_CANNOT_TELL, .broke = ""};
    for (int i = 0; i < OUTCOME_METRICS; i++)
        outcome->metric[i] = NAN;
    hist_init(&outcome->latency);
}

void outcome_fini(struct outcome *outcome) {
    hist_fini(&outcome->latency);
    free(outcome->series.delay_ms);
    free(outcome->series.deliveries);
    free(outcome->timeline.connected);
    free(outcome->timeline.unreachable);
    free(outcome->timeline.backlog);
    outcome->timeline = (struct outcome_timeline){0};
    free(outcome->by_node);
    outcome->by_node = NULL;
    outcome->by_node_count = outcome->by_node_max = 0;
    outcome->series = (struct outcome_series){0};
}

static const struct {
    const char *name, *unit, *doc;
} metrics[] = {
#define METRIC(name, unit, doc) {#name, unit, doc},
#include "models/workload/metrics.def"
#undef METRIC
};

const char *outcome_metric_name(enum outcome_metric metric) {
    return metrics[metric].name;
}
const char *outcome_metric_unit(enum outcome_metric metric) {
    return metrics[metric].unit;
}
const char *outcome_metric_doc(enum outcome_metric metric) {
    return metrics[metric].doc;
}

const char *outcome_verdict_name(enum outcome_verdict verdict) {
    static const char *const names[] = {[OUTCOME_HOLDS] = "holds",
                                        [OUTCOME_FAILS] = "fails",
                                        [OUTCOME_UNSTABLE] = "unstable",
                                        [OUTCOME_CANNOT_TELL] = "cannot_tell"};
    return names[verdict];
}

static void keep_by_node(struct outcome *outcome, const struct outcome_resource *resource) {
    if (outcome->by_node_count == outcome->by_node_max) {
        outcome->by_node_max = outcome->by_node_max * 2 + 16;
        outcome->by_node =
            realloc(outcome->by_node, (size_t)outcome->by_node_max * sizeof *outcome->by_node);
        CHECK(outcome->by_node != NULL);
    }
    outcome->by_node[outcome->by_node_count++] = *resource;
}

static bool is_nearer(const struct outcome_resource *a, const struct outcome_resource *b) {
    double x = a->used / a->limit, y = b->used / b->limit;
    return x != y ? x > y : a->used > b->used; /* without limits the most used one */
}

/* Where it stands, or would stand. */
static int32_t place_of(const struct outcome *outcome, const char *name) {
    int32_t place = 0;
    while (place < outcome->resources_count && strcmp(outcome->resources[place].name, name) != 0)
        place++;
    return place;
}

void outcome_add_resource(struct outcome *outcome, const struct outcome_resource *resource) {
    if (resource->node)
        keep_by_node(outcome, resource);
    int32_t place = place_of(outcome, resource->name);
    CHECK(place < OUTCOME_RESOURCES_MAX);
    if (place == outcome->resources_count)
        outcome->resources[outcome->resources_count++] = *resource;
    else if (is_nearer(resource, &outcome->resources[place]))
        outcome->resources[place] = *resource;
}

const struct outcome_resource *outcome_find_resource(const struct outcome *outcome,
                                                     const char *name) {
    int32_t place = place_of(outcome, name);
    return place < outcome->resources_count ? &outcome->resources[place] : NULL;
}

const char *outcome_broke_node(const struct outcome *outcome) {
    const struct outcome_resource *broke = outcome_find_resource(outcome, outcome->broke);
    return broke ? broke->node : NULL;
}

void outcome_finish(struct outcome *outcome) {
    static const struct {
        enum outcome_metric metric;
        double p;
    } quantiles[] = {{OUTCOME_latency_p50_ms, 0.5},
                     {OUTCOME_latency_p90_ms, 0.9},
                     {OUTCOME_latency_p99_ms, 0.99},
                     {OUTCOME_latency_p999_ms, 0.999}};
    double *metric = outcome->metric;
    if (outcome->latency.total > 0) {
        for (size_t i = 0; i < COUNT_OF(quantiles); i++)
            metric[quantiles[i].metric] = base_ms(hist_quantile(&outcome->latency, quantiles[i].p));
        metric[OUTCOME_latency_max_ms] = base_ms(outcome->latency.max);
        metric[OUTCOME_latency_mean_ms] = hist_mean(&outcome->latency) * 1e-6;
    }
    if (metric[OUTCOME_offered_publishes_per_s] > 0)
        metric[OUTCOME_amplification] =
            metric[OUTCOME_offered_deliveries_per_s] / metric[OUTCOME_offered_publishes_per_s];
    if (outcome->window_ns > 0)
        metric[OUTCOME_deliveries_per_s] =
            metric[OUTCOME_deliveries] / base_seconds(outcome->window_ns);
}

/* Of the resources at or over their limits the one that is furthest over, or NULL. */
static const struct outcome_resource *exhausted(const struct outcome *outcome) {
    const struct outcome_resource *worst = NULL;
    for (int32_t i = 0; i < outcome->resources_count; i++) {
        const struct outcome_resource *resource = &outcome->resources[i];
        if (resource->used >= resource->limit &&
            (!worst || resource->used * worst->limit > worst->used * resource->limit))
            worst = resource;
    }
    return worst;
}

/* The first rate above its limit, or NULL. */
static const struct outcome_resource *overrun(const struct outcome *outcome) {
    for (int32_t i = 0; i < outcome->resources_count; i++)
        if (outcome->resources[i].is_rate &&
            outcome->resources[i].used > outcome->resources[i].limit)
            return &outcome->resources[i];
    return NULL;
}

/* The resource that stands nearest to its limit: what a late delivery is put down to. */
static const char *nearest_to_limit(const struct outcome *outcome) {
    const char *name = "delivery";
    double most = 0.5; /* below half of every limit nothing is short: the objective is missed for
                          another reason */
    for (int32_t i = 0; i < outcome->resources_count; i++) {
        double share = outcome->resources[i].used / outcome->resources[i].limit;
        if (share > most && !outcome->resources[i].is_admission) {
            most = share;
            name = outcome->resources[i].name;
        }
    }
    return name;
}

/* A fault changes the delay for a while: what then looks like growth is its beginning. What a feed
 * holds back swings by its own time over a window, without a backlog. */
static bool is_growing(const struct outcome *outcome, const struct spec_objectives *objectives) {
    if (!isnan(outcome->metric[OUTCOME_recovery_s]))
        return false;
    double growth = outcome->metric[OUTCOME_backlog_growth]; /* ms per s */
    double error = outcome->metric[OUTCOME_backlog_growth_stderr];
    double swing_ms = fmax(0, outcome->metric[OUTCOME_feed_longest_ms]);
    double bound =
        (base_ms(objectives->delivery.within) / 20 + swing_ms) / base_seconds(outcome->window_ns);
    return growth > bound && growth > 2 * error; /* false when either is NAN */
}

static bool is_above(double value, base_ns limit_ns) {
    return limit_ns != BASE_NS_MAX && value > (double)limit_ns;
}

/* The objective that is missed beside delivery and loss, or NULL. A run without such figures misses
 * none. */
static const char *missed_objective(const struct outcome *outcome,
                                    const struct spec_objectives *objectives) {
    const double *metric = outcome->metric;
    if (is_above(metric[OUTCOME_recovery_s] * (double)BASE_NS_PER_S, objectives->recovery))
        return "recovery";
    if (metric[OUTCOME_unreachable_share] > objectives->unreachable_share)
        return "unreachable_share";
    if (metric[OUTCOME_imbalance] > objectives->imbalance)
        return "imbalance";
    if (is_above(metric[OUTCOME_longest_outage_ms] * (double)BASE_NS_PER_MS,
                 objectives->longest_outage))
        return "longest_outage";
    if (is_above(metric[OUTCOME_longest_gap_ms] * (double)BASE_NS_PER_MS, objectives->longest_gap))
        return "longest_gap";
    return NULL;
}

static bool is_lost_by_outage(const double *metric) {
    return metric[OUTCOME_lost_unreachable] + metric[OUTCOME_lost_with_node] +
               metric[OUTCOME_lost_with_connection] >
           0; /* false when they are NAN */
}

/* Nothing was due: what there is to say is about limits and connections. */
static void judge_idle(struct outcome *outcome, const char *missed) {
    const struct outcome_resource *resource = exhausted(outcome);
    bool has_churn = !isnan(outcome->metric[OUTCOME_unreachable_share]);
    outcome->verdict = resource || missed ? OUTCOME_FAILS
                       : has_churn        ? OUTCOME_HOLDS
                                          : OUTCOME_CANNOT_TELL;
    outcome->broke = missed ? missed : resource ? resource->name : "";
}

void outcome_judge(struct outcome *outcome, const struct spec_objectives *objectives) {
    const double *metric = outcome->metric;
    outcome->broke = "";
    const char *missed = missed_objective(outcome, objectives);
    double due = metric[OUTCOME_due];
    if (!(due > 0) || isnan(metric[OUTCOME_late_share])) {
        judge_idle(outcome, missed);
        return;
    }
    bool is_late = metric[OUTCOME_late_share] > 1 - objectives->delivery.share + 1e-12;
    bool is_lost = metric[OUTCOME_lost] > objectives->lost_share * due;
    bool has_broken_feed = metric[OUTCOME_feed_late] > 0; /* NAN: there is none */
    bool grows = is_growing(outcome, objectives);
    const struct outcome_resource *over = overrun(outcome);
    if (missed)
        outcome->broke = missed;
    else if (is_lost && metric[OUTCOME_unrouted] > 0)
        outcome->broke = "backplane";
    else if (is_lost && is_lost_by_outage(metric))
        outcome->broke = "outage";
    else if (is_lost && metric[OUTCOME_closed_slow] > 0)
        outcome->broke = "send_queue";
    else if (has_broken_feed)
        outcome->broke = "feed";
    else if (exhausted(outcome) && metric[OUTCOME_refused] > 0)
        outcome->broke = exhausted(outcome)->name;
    else if (over)
        outcome->broke = over->name;
    else if (is_late || grows)
        outcome->broke = nearest_to_limit(outcome);
    else if (is_lost)
        outcome->broke = "send_queue";
    bool is_refused = metric[OUTCOME_refused] > 0;
    if (is_refused && !*outcome->broke)
        outcome->broke = "open_files";
    bool is_missed = is_late || is_lost || is_refused || over || has_broken_feed || missed;
    outcome->verdict = grows ? OUTCOME_UNSTABLE : is_missed ? OUTCOME_FAILS : OUTCOME_HOLDS;
}
