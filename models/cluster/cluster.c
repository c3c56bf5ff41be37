/* From options to outcome: set up the nodes, let them run until the last delivery that can count,
 * report. */
#include "models/cluster/cluster.h"

#include "models/cluster/attendance.h"
#include "models/cluster/backplane.h"
#include "models/cluster/churn.h"
#include "models/cluster/limits.h"
#include "models/cluster/memory.h"
#include "models/cluster/pending.h"
#include "models/cluster/report.h"
#include "models/cluster/unread.h"
#include "models/workload/feed.h"
#include "models/workload/generator.h"

#include <math.h>
#include <stdlib.h>

static int64_t send_capacity_of(const struct cluster *cluster, int32_t client) {
    const struct layout *layout = cluster->layout;
    int32_t node = layout->node_of[client]; /* where all that come and go find the same buffers */
    const struct spec_node *spec = layout->nodes[node < 0 ? 0 : node].spec;
    return llround(cluster->raw_costs.value[COST_send_capacity] * (double)limits_send_buffer(spec));
}

static void init_consumers(struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    cluster->consumers =
        ARENA_NEW(&cluster->run->arena, (size_t)layout->consumers_count, struct consumer);
    const double *cost = cluster->raw_costs.value;
    for (int32_t i = 0; i < layout->consumers_count; i++) {
        int32_t client = layout->consumer_clients[i];
        const struct spec_receive *receive =
            &layout->scenario->populations[layout->roster->population[client]].receive;
        struct consumer_options options = {
            .client = client,
            .receiver = receiver_of(layout->roster, client, layout->seed),
            .receive_bytes = llround(cost[COST_receive_capacity] * (double)receive->buffer),
            .send_bytes = send_capacity_of(cluster, client),
            .window_share = cost[COST_window_share],
            .writable_share = cost[COST_writable_share]};
        consumer_init(&cluster->consumers[i], &options);
        if (i < TALLY_WATCHED_MAX / 2)
            cluster->consumers[i].watch = tally_new_watch(&cluster->tally);
    }
}

static void init_clients(struct cluster *cluster) {
    struct arena *arena = &cluster->run->arena;
    size_t clients_count = (size_t)cluster->layout->roster->clients_count;
    cluster->inbound_first = ARENA_NEW(arena, clients_count, int32_t);
    cluster->inbound_last = ARENA_NEW(arena, clients_count, int32_t);
    cluster->is_ready = ARENA_NEW(arena, clients_count, uint8_t);
    if (!cluster->layout->has_single_rooms)
        cluster->dirty_rooms = ARENA_NEW(arena, clients_count, uint8_t);
    for (size_t i = 0; i < clients_count; i++)
        cluster->inbound_first[i] = cluster->inbound_last[i] = -1;
}

static void init_nodes(struct cluster *cluster, struct turn_file *turns) {
    const struct layout *layout = cluster->layout;
    struct arena *arena = &cluster->run->arena;
    cluster->nodes = ARENA_NEW(arena, (size_t)layout->nodes_count, struct node);
    for (int32_t i = 0; i < layout->nodes_count; i++) {
        const struct layout_node *place = &layout->nodes[i];
        struct memory memory =
            memory_idle(layout, i, &cluster->raw_costs, place->connections_count);
        cluster->nodes[i] =
            (struct node){.place = place,
                          .spec = place->spec,
                          .dies_at_ns = BASE_NS_MAX,
                          .cut_ns = BASE_NS_MAX,
                          .memory_fixed_bytes = llround(memory.user_bytes + memory.kernel_bytes)};
    }
    throttle_init(cluster);
    cluster->workers = ARENA_NEW(arena, (size_t)layout->workers_count, struct node_worker);
    for (int32_t i = 0; i < layout->workers_count; i++)
        worker_init(&cluster->workers[i], cluster, i, turns);
    unread_init(cluster);
    backplane_init(cluster);
}

/* Where there is none, nothing is late and nothing is stolen from it. */
static void init_generator(struct cluster *cluster, const struct cluster_options *options) {
    struct profile_costs costs = {0};
    if (options->has_generator) {
        struct generator_delays delays =
            generator_delays(cluster->layout->roster, options->costs, options->scale);
        cluster->lateness_ns = llround(delays.lateness_ns);
        cluster->look_ns = llround(delays.look_ns);
        costs = *options->costs;
    }
    steal_init(&cluster->generator_steal, &costs, run_stream(cluster->run, 0, STEAL_GENERATOR, 0));
}

/* Of any room on any node. */
static base_ns longest_allowance(const struct layout *layout) {
    base_ns longest_ns = unread_every_max_ns(layout->scenario);
    for (int32_t i = 0; i < layout->nodes_count; i++) {
        base_ns allowance_ns = feed_allowance_ns(&layout->nodes[i].spec->feed, SPEC_UNLIMITED - 1);
        longest_ns = allowance_ns > longest_ns ? allowance_ns : longest_ns;
    }
    return longest_ns;
}

/* False: connections come and go, and there are too many rooms and workers for that. */
static bool cluster_init(struct cluster *cluster, struct run *run,
                         const struct cluster_options *options) {
    const struct layout *layout = options->layout;
    *cluster = (struct cluster){.run = run,
                                .layout = layout,
                                .offered = plan_offered(layout->roster),
                                .raw_costs = *options->costs,
                                .inbound_free = -1,
                                .shares_processor =
                                    layout->scenario->machine.processors == SPEC_SHARED_PROCESSOR,
                                .processor_free_ns = -1,
                                .switch_ns = llround(options->costs->value[COST_process_switch])};
    init_generator(cluster, options);
    tally_init(&cluster->tally,
               &(struct tally_options){.warm_up_ns = options->warm_up_ns,
                                       .measure_ns = options->measure_ns,
                                       .within_ns = layout->scenario->objectives.delivery.within,
                                       .allowance_ns = longest_allowance(layout)},
               &run->arena);
    cluster->window_end_ns = cluster->tally.horizon_ns;
    cluster->window_start_ns = cluster->tally.horizon_ns - TALLY_STEPS * cluster->tally.step_ns;
    plan_init(&cluster->plan, layout->roster,
              &(struct plan_options){.seed = options->plan_seed, .scale = options->scale},
              &run->arena);
    if (!churn_init(cluster))
        return false;
    init_clients(cluster);
    init_consumers(cluster);
    init_nodes(cluster, options->turns);
    attendance_init(cluster);
    return true;
}

static void cluster_fini(struct cluster *cluster) {
    for (int32_t i = 0; i < cluster->layout->consumers_count; i++)
        consumer_fini(&cluster->consumers[i]);
    for (int32_t i = 0; i < cluster->layout->workers_count; i++)
        worker_fini(&cluster->workers[i]);
    pending_fini(cluster);
    attendance_fini(cluster);
    free(cluster->inbound);
    churn_fini(cluster);
    tally_fini(&cluster->tally);
}

base_ns cluster_within_window(const struct cluster *cluster, base_ns from_ns, base_ns to_ns) {
    base_ns start_ns = from_ns > cluster->window_start_ns ? from_ns : cluster->window_start_ns;
    base_ns end_ns = to_ns < cluster->window_end_ns ? to_ns : cluster->window_end_ns;
    return end_ns > start_ns ? end_ns - start_ns : 0;
}

void cluster_count_pause(struct cluster *cluster, base_ns now_ns) {
    cluster->paused_ns += cluster_within_window(cluster, cluster->paused_since_ns, now_ns);
}

static void finish(struct cluster *cluster, const struct cluster_options *options) {
    base_ns now_ns = cluster->run->now_ns;
    for (int32_t i = 0; i < cluster->layout->consumers_count; i++)
        consumer_settle(&cluster->consumers[i], now_ns, &cluster->tally, cluster->look_ns);
    if (cluster->paused_count > 0)
        cluster_count_pause(cluster, now_ns);
    if (cluster->churn)
        churn_finish(cluster->churn, now_ns);
    if (options->look)
        options->look(options->look_target, cluster);
}

bool cluster_run(const struct cluster_options *options, struct outcome *outcome) {
    struct run run;
    struct cluster cluster;
    run_init(&run, &(struct run_options){.seed = options->plan_seed,
                                         .scenario = options->layout->scenario->name});
    if (!cluster_init(&cluster, &run, options)) {
        outcome->refused = "more than 20,000,000 times a room and a worker, which is what this "
                           "model keeps where connections come and go";
        tally_fini(&cluster.tally);
        run_fini(&run);
        return false;
    }
    cluster_start(&cluster);
    if (cluster.churn)
        churn_start(cluster.churn);
    enum run_outcome ended = run_until(&run, cluster.tally.end_ns);
    finish(&cluster, options);
    report_cluster(&cluster, options, outcome);
    if (ended != RUN_REACHED_END)
        outcome->refused = run_outcome_name(ended);
    cluster_fini(&cluster);
    run_fini(&run);
    return ended == RUN_REACHED_END;
}
