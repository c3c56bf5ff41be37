/* A metric is the cluster's; a resource is a node's, and the node nearest to the limit stands for
 * all of them. */
#include "models/cluster/report.h"

#include "models/cluster/attendance.h"
#include "models/cluster/backplane.h"
#include "models/cluster/churn.h"
#include "models/cluster/held.h"
#include "models/cluster/limits.h"
#include "models/cluster/memory.h"
#include "models/cluster/unread.h"
#include "models/workload/wire.h"
#include "models/workload/admission.h"

#include <math.h>

struct node_sums {          /* of one node, in the window or at its end */
    base_ns busy_max_ns;    /* of its busiest worker */
    int64_t bytes, packets; /* sent */
    double kernel_queued_bytes;
    int64_t longest_queue_bytes;
    struct memory memory;
};

static double limit_of(int64_t limit) {
    return limit == SPEC_UNLIMITED ? INFINITY : (double)limit;
}

static double window_s(const struct cluster *cluster) {
    return base_seconds(cluster->window_end_ns - cluster->window_start_ns);
}

/* --- sums --- */

static void sum_consumers(const struct cluster *cluster, struct node_sums *sums) {
    const double *cost = cluster->raw_costs.value;
    for (int32_t i = 0; i < cluster->layout->consumers_count; i++) {
        const struct consumer *consumer = &cluster->consumers[i];
        int32_t node = cluster->layout->node_of[consumer->client];
        if (node < 0)
            continue;
        struct node_sums *sum = &sums[node];
        sum->kernel_queued_bytes +=
            cost[COST_queued_kernel] * (double)consumer_level(consumer, cluster->run->now_ns);
        if (consumer->queue.bytes > sum->longest_queue_bytes)
            sum->longest_queue_bytes = consumer->queue.bytes;
    }
}

static struct node_sums *sum_nodes(const struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    struct node_sums *sums =
        ARENA_NEW(&cluster->run->arena, (size_t)layout->nodes_count, struct node_sums);
    for (int32_t i = 0; i < layout->workers_count; i++) {
        struct node_sums *sum = &sums[layout->worker_node[i]];
        if (cluster->workers[i].busy_ns > sum->busy_max_ns)
            sum->busy_max_ns = cluster->workers[i].busy_ns;
        sum->bytes += cluster->workers[i].written_bytes;
        sum->packets += cluster->workers[i].written_packets;
    }
    sum_consumers(cluster, sums);
    const double *cost = cluster->raw_costs.value;
    for (int32_t i = 0; i < layout->nodes_count; i++) {
        struct memory *memory = &sums[i].memory;
        *memory = memory_idle(layout, i, &cluster->raw_costs, layout->nodes[i].connections_count);
        memory->user_bytes +=
            cost[COST_queued_user] * (double)cluster->nodes[i].counts.queued_bytes;
        memory->kernel_bytes += sums[i].kernel_queued_bytes;
    }
    return sums;
}

/* --- metrics --- */

static void report_workers(const struct cluster *cluster, double *metric) {
    base_ns busy_max_ns = 0, busy_ns = 0;
    int64_t turns = 0, writes = 0, bytes = 0;
    for (int32_t i = 0; i < cluster->layout->workers_count; i++) {
        const struct node_worker *worker = &cluster->workers[i];
        busy_max_ns = worker->busy_ns > busy_max_ns ? worker->busy_ns : busy_max_ns;
        busy_ns += worker->busy_ns;
        turns += worker->turns;
        writes += worker->writes;
        bytes += worker->written_bytes;
    }
    double seconds = window_s(cluster);
    metric[OUTCOME_cpu_share] = base_seconds(busy_max_ns) / seconds;
    metric[OUTCOME_turns_per_s] = (double)turns / seconds;
    metric[OUTCOME_turn_mean_us] = turns > 0 ? (double)busy_ns / (double)turns / 1000 : 0;
    metric[OUTCOME_writes_per_s] = (double)writes / seconds;
    metric[OUTCOME_written_bytes_per_s] = (double)bytes / seconds;
}

/* Figures of what rooms held back; none where no room does. */
static void report_held(const struct cluster *cluster, double *metric) {
    struct held_counts sum = {0};
    for (int32_t i = 0; i < cluster->layout->workers_count; i++)
        held_sum(&cluster->workers[i], &sum);
    if (sum.flushes == 0)
        return;
    metric[OUTCOME_held_messages] = (double)sum.messages / (double)sum.flushes;
    metric[OUTCOME_held_ms] = sum.delay_sum_ns * 1e-6 / (double)sum.deliveries;
    metric[OUTCOME_held_saved_bytes_per_s] =
        (double)wire_bytes(0, sum.packets_saved) / window_s(cluster);
    metric[OUTCOME_feed_longest_ms] = base_ms(sum.feed_longest_ns);
    metric[OUTCOME_feed_late] = (double)sum.late;
}

static void report_nodes(const struct cluster *cluster, const struct node_sums *sums,
                         struct outcome *outcome) {
    double *metric = outcome->metric;
    metric[OUTCOME_closed_slow] = metric[OUTCOME_queued_bytes_max] = 0;
    metric[OUTCOME_memory_user_bytes] = metric[OUTCOME_memory_kernel_bytes] = 0;
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++) {
        const struct node_counts *counts = &cluster->nodes[i].counts;
        for (int reason = 0; reason < SLOW_REASON_COUNT; reason++) {
            outcome->closed_by_reason[reason] += counts->closed_by_reason[reason];
            metric[OUTCOME_closed_slow] += (double)counts->closed_by_reason[reason];
        }
        metric[OUTCOME_queued_bytes_max] =
            fmax(metric[OUTCOME_queued_bytes_max], (double)counts->queued_bytes_max);
        metric[OUTCOME_memory_user_bytes] += sums[i].memory.user_bytes;
        metric[OUTCOME_memory_kernel_bytes] += sums[i].memory.kernel_bytes;
    }
}

static void report_metrics(const struct cluster *cluster, const struct node_sums *sums,
                           double scale, struct outcome *outcome) {
    double *metric = outcome->metric;
    struct plan_load load = cluster->offered;
    metric[OUTCOME_offered_publishes_per_s] = load.publishes_per_s * scale;
    metric[OUTCOME_offered_deliveries_per_s] = load.deliveries_per_s * scale;
    metric[OUTCOME_refused] = (double)cluster->layout->refused_count;
    metric[OUTCOME_connections] = (double)cluster->layout->connections_count;
    metric[OUTCOME_unrouted] = (double)cluster->unrouted;
    metric[OUTCOME_throttled_share] = base_seconds(cluster->paused_ns) / window_s(cluster);
    report_workers(cluster, metric);
    report_held(cluster, metric);
    unread_report(cluster, outcome);
    report_nodes(cluster, sums, outcome);
}

/* --- resources --- */

/* The longest application queue at the end, and of all time where the bound says more: a closed
 * consumer stood at its limit. */
static double longest_queue(const struct node *node, const struct node_sums *sum) {
    bool has_closed = node->counts.closed_by_reason[SLOW_REASON_BYTES] > 0;
    return has_closed ? limit_of(node->spec->send_queue.limit) : (double)sum->longest_queue_bytes;
}

static void add_node(const struct cluster *cluster, int32_t index, const struct node_sums *sum,
                     struct outcome *outcome) {
    const struct node *node = &cluster->nodes[index];
    const struct layout_node *place = node->place;
    const struct spec_node *spec = node->spec;
    int64_t reserved =
        spec->open_files - admission_connections_max(spec->open_files, spec->workers);
    int64_t files = place->connections_count + place->refused_count + reserved;
    const struct outcome_resource resources[] = {
        {.name = "worker_cpu",
         .unit = "share",
         .used = base_seconds(sum->busy_max_ns) / window_s(cluster),
         .limit = 1,
         .grows_with = OUTCOME_LOAD_PUBLISHES},
        {.name = "open_files",
         .unit = "descriptors",
         .used = (double)files,
         .limit = (double)spec->open_files,
         .is_admission = true,
         .grows_with = OUTCOME_LOAD_CONNECTIONS},
        {.name = "memory",
         .unit = "bytes",
         .used = sum->memory.user_bytes + sum->memory.kernel_bytes,
         .limit = limit_of(spec->memory),
         .grows_with = OUTCOME_LOAD_CONNECTIONS},
        {.name = "send_queue",
         .unit = "bytes",
         .used = longest_queue(node, sum),
         .limit = limit_of(spec->send_queue.limit)},
        {.name = "nic_egress",
         .unit = "bit/s",
         .used = 8 * (double)wire_bytes(sum->bytes, sum->packets) / window_s(cluster),
         .limit = spec->nic,
         .is_rate = true,
         .grows_with = OUTCOME_LOAD_PUBLISHES},
        {.name = "nic_packets",
         .unit = "packets/s",
         .used = (double)sum->packets / window_s(cluster),
         .limit = limit_of(spec->nic_packets),
         .is_rate = true,
         .grows_with = OUTCOME_LOAD_PUBLISHES},
    };
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        struct outcome_resource resource = resources[i];
        resource.node = cluster->layout->nodes_count > 1 ? place->name : NULL;
        if (resource.grows_with != OUTCOME_LOAD_NONE)
            limits_set_break(
                cluster, index, resource.grows_with, resource.is_admission ? (double)reserved : 0,
                !resource.is_admission && resource.grows_with == OUTCOME_LOAD_CONNECTIONS,
                &resource);
        outcome_add_resource(outcome, &resource);
    }
    limits_report_node(cluster, index, sum->kernel_queued_bytes, outcome);
}

static void report_balancer(const struct cluster *cluster, struct outcome *outcome) {
    int64_t writes = 0, bytes = 0;
    for (int32_t i = 0; i < cluster->layout->workers_count; i++) {
        writes += cluster->workers[i].writes;
        bytes += cluster->workers[i].written_bytes;
    }
    limits_report_balancer(cluster, writes, bytes, outcome);
}

static bool has_dead_node(const struct cluster *cluster) {
    if (cluster->churn) /* others are gone for a reason that was written down */
        return cluster->churn->counts.nodes_died > 0;
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++)
        if (cluster->nodes[i].is_dead)
            return true;
    return false;
}

void report_cluster(struct cluster *cluster, const struct cluster_options *options,
                    struct outcome *outcome) {
    const struct node_sums *sums = sum_nodes(cluster);
    tally_report(&cluster->tally, tally_cut(&cluster->tally), outcome);
    report_metrics(cluster, sums, options->scale, outcome);
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++)
        add_node(cluster, i, &sums[i], outcome);
    report_balancer(cluster, outcome);
    backplane_report(cluster, outcome);
    if (cluster->churn)
        churn_report(cluster->churn, outcome);
    attendance_report(cluster, outcome);
    outcome_finish(outcome);
    outcome->seed = options->plan_seed;
    tally_fingerprint(&cluster->tally, &cluster->run->fingerprint);
    outcome->fingerprint = fingerprint_value(&cluster->run->fingerprint);
    outcome_judge(outcome, &cluster->layout->scenario->objectives);
    if (has_dead_node(cluster))
        outcome->broke = "memory";
}
