/* What one run came to, in either world: the same metrics (metrics.def), latencies, resources,
 * closes and verdict.
 *
 * The simulator and `measure` fill one of these; one writer stores it and one prints it, so that
 * simulated against measured is a comparison of like with like. */
#ifndef HEADROOM_MODELS_WORKLOAD_OUTCOME_H
#define HEADROOM_MODELS_WORKLOAD_OUTCOME_H

#include "models/spec/spec.h"
#include "models/workload/slow_consumer.h"
#include "sim/base/hist.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum outcome_metric {
#define METRIC(name, unit, doc) OUTCOME_##name,
#include "models/workload/metrics.def"
#undef METRIC
    OUTCOME_METRICS
};

enum outcome_verdict { OUTCOME_HOLDS, OUTCOME_FAILS, OUTCOME_UNSTABLE, OUTCOME_CANNOT_TELL };

/* What a resource's use grows with, if with anything that can be named. */
enum outcome_load { OUTCOME_LOAD_NONE, OUTCOME_LOAD_CONNECTIONS, OUTCOME_LOAD_PUBLISHES };

/* A resource's use against its limit; the one nearest to its limit names what breaks first. */
struct outcome_resource {
    const char *name; /* "worker_cpu", "open_files", "memory", "send_queue": static text */
    const char *node; /* whose it is; outlives the outcome; NULL: there is one only */
    const char *unit;
    double used;
    double limit;      /* INFINITY: none */
    bool is_rate;      /* nothing waits for it in the model: above its limit the run fails by it */
    bool is_admission; /* above its limit connections are refused; it delays nobody */
    enum outcome_load grows_with;
    double breaks_at; /* that load of the whole cluster, in proportion: the limit is reached; not
                         said (0) where grows_with is OUTCOME_LOAD_NONE */
};

struct outcome_series { /* equal windows from the start of the measured window */
    base_ns step_ns;
    int32_t count;
    double *delay_ms; /* [count] mean delay of the deliveries due in that step; NAN: none */
    double *deliveries;
};

/* Of a run whose connections come and go: at the end of each step from the start of the run on. */
struct outcome_timeline {
    base_ns step_ns;
    int32_t count;
    double *connected, *unreachable, *backlog; /* [count]; backlog: in accept queues */
};

enum { OUTCOME_RESOURCES_MAX = 32 };

struct outcome {
    double metric[OUTCOME_METRICS];
    struct hist latency; /* ns, per delivery; when sampled, of the sample, and `latency_weight`
                            deliveries stand behind each */
    double latency_weight;
    struct outcome_resource resources[OUTCOME_RESOURCES_MAX];
    int32_t resources_count; /* of several nodes' the one nearest to its limit, once per name */
    struct outcome_resource *by_node; /* [by_node_count] every node's; none where there is one */
    int32_t by_node_count, by_node_max;
    int64_t closed_by_reason[SLOW_REASON_COUNT];
    struct outcome_series series;
    struct outcome_timeline timeline; /* count 0: none */
    enum outcome_verdict verdict;
    const char *broke;   /* what broke first: a resource's name, an objective's, "delivery",
                            "outage" or "" when it holds */
    const char *refused; /* a measured run that is not one: why, in words; NULL otherwise */
    base_ns window_ns;   /* length of the measured window */
    base_ns warm_up_ns;  /* what was cut */
    uint64_t fingerprint;
    uint64_t seed;
};

void outcome_init(struct outcome *outcome); /* every metric NAN, verdict CANNOT_TELL */
void outcome_fini(struct outcome *outcome); /* frees histogram, series, timeline and by_node */

/* Keeps a node's resource, and puts it in front of the others of its name if it is nearer to its
 * limit. */
void outcome_add_resource(struct outcome *outcome, const struct outcome_resource *resource);
/* Of several nodes' the one nearest to its limit; NULL: the run had no such resource. */
const struct outcome_resource *outcome_find_resource(const struct outcome *outcome,
                                                     const char *name);
/* On which node it broke first; NULL: not on one of several nodes. */
const char *outcome_broke_node(const struct outcome *outcome);

/* The load that a resource's use goes with, as the run had it: connections that were asked for, or
 * publishes per second. */
double outcome_load_of(const struct outcome *outcome, enum outcome_load load);
/* "connections", "publishes/s"; "" for none */
const char *outcome_load_unit(enum outcome_load load);
/* Resources that have a limit and grow with a load, the first to break first, as pointers into the
 * outcome: by how many times the present load they break at. Returns their number. */
int32_t outcome_break_order(const struct outcome *outcome,
                            const struct outcome_resource *order[OUTCOME_RESOURCES_MAX]);

const char *outcome_metric_name(enum outcome_metric metric);
const char *outcome_metric_unit(enum outcome_metric metric);
const char *outcome_metric_doc(enum outcome_metric metric);
const char *outcome_verdict_name(
    enum outcome_verdict verdict); /* "holds", "fails", "unstable", "cannot_tell" */

/* Percentiles and mean from `latency`, amplification, deliveries_per_s. */
void outcome_finish(struct outcome *outcome);

/* DESIGN section 5: the verdict of one window from late_share, lost and backlog growth against the
 * objectives. Sets verdict and broke. Unstable: the delay grows by more than within / (20 *
 * window), and by more than twice its standard error; then p99 only describes a backlog. */
void outcome_judge(struct outcome *outcome, const struct spec_objectives *objectives);

#endif
