/* From options to outcome: set up a node, let it run until the last delivery that can count, add
 * up. */
#include "models/cluster/cluster.h"

#include "models/cluster/memory.h"
#include "models/cluster/node.h"
#include "models/workload/admission.h"
#include "models/workload/generator.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

static void init_consumers(struct node *node) {
    const struct layout *layout = node->layout;
    node->consumers =
        ARENA_NEW(&node->run->arena, (size_t)layout->consumers_count, struct consumer);
    const double *cost = node->raw_costs.value;
    for (int32_t i = 0; i < layout->consumers_count; i++) {
        int32_t client = layout->consumer_clients[i];
        const struct spec_receive *receive =
            &layout->scenario->populations[layout->roster->population[client]].receive;
        struct consumer_options options = {
            .client = client,
            .receiver = receiver_of(layout->roster, client, layout->seed),
            .receive_bytes = llround(cost[COST_receive_capacity] * (double)receive->buffer),
            .send_bytes = llround(cost[COST_send_capacity] * (double)layout->node->send_buffer),
            .window_share = cost[COST_window_share],
            .writable_share = cost[COST_writable_share]};
        consumer_init(&node->consumers[i], &options);
        if (i < TALLY_WATCHED_MAX / 2)
            node->consumers[i].watch = tally_new_watch(&node->tally);
    }
}

static void init_clients(struct node *node) {
    struct arena *arena = &node->run->arena;
    size_t clients_count = (size_t)node->layout->roster->clients_count;
    node->inbound_first = ARENA_NEW(arena, clients_count, int32_t);
    node->inbound_last = ARENA_NEW(arena, clients_count, int32_t);
    node->is_ready = ARENA_NEW(arena, clients_count, uint8_t);
    if (!node->layout->has_single_rooms)
        node->dirty_rooms = ARENA_NEW(arena, clients_count, uint8_t);
    for (size_t i = 0; i < clients_count; i++)
        node->inbound_first[i] = node->inbound_last[i] = -1;
    throttle_init(node);
}

/* Where there is none, nothing is late and nothing is stolen from it. */
static void init_generator(struct node *node, const struct cluster_options *options) {
    struct profile_costs costs = {0};
    if (options->has_generator) {
        struct generator_delays delays =
            generator_delays(node->layout->roster, options->costs, options->scale);
        node->lateness_ns = llround(delays.lateness_ns);
        node->look_ns = llround(delays.look_ns);
        costs = *options->costs;
    }
    steal_init(&node->generator_steal, &costs, run_stream(node->run, 0, STEAL_GENERATOR, 0));
}

static void node_init(struct node *node, struct run *run, const struct cluster_options *options) {
    const struct layout *layout = options->layout;
    *node = (struct node){.run = run,
                          .layout = layout,
                          .rules = &layout->node->send_queue,
                          .raw_costs = *options->costs,
                          .inbound_free = -1};
    init_generator(node, options);
    tally_init(&node->tally,
               &(struct tally_options){.warm_up_ns = options->warm_up_ns,
                                       .measure_ns = options->measure_ns,
                                       .within_ns = layout->scenario->objectives.delivery.within},
               &run->arena);
    node->window_end_ns = node->tally.horizon_ns;
    node->window_start_ns = node->tally.horizon_ns - TALLY_STEPS * node->tally.step_ns;
    plan_init(&node->plan, layout->roster,
              &(struct plan_options){.seed = options->plan_seed, .scale = options->scale},
              &run->arena);
    init_clients(node);
    init_consumers(node);
    struct memory memory = memory_idle(layout->roster, options->costs, layout->connections_count);
    node->memory_fixed_bytes = llround(memory.user_bytes + memory.kernel_bytes);
    node->workers = ARENA_NEW(&run->arena, (size_t)layout->workers_count, struct node_worker);
    for (int32_t i = 0; i < layout->workers_count; i++)
        worker_init(&node->workers[i], node, i, options->turns);
}

static void node_fini(struct node *node) {
    for (int32_t i = 0; i < node->layout->consumers_count; i++)
        consumer_fini(&node->consumers[i]);
    for (int32_t i = 0; i < node->layout->workers_count; i++)
        worker_fini(&node->workers[i]);
    free(node->inbound);
    tally_fini(&node->tally);
}

void node_count_pause(struct node *node, base_ns now_ns) {
    base_ns since_ns = node->counts.paused_since_ns;
    base_ns from_ns = since_ns > node->window_start_ns ? since_ns : node->window_start_ns;
    base_ns to_ns = now_ns < node->window_end_ns ? now_ns : node->window_end_ns;
    if (to_ns > from_ns)
        node->counts.paused_ns += to_ns - from_ns;
}

static void add_resource(struct outcome *outcome, const char *name, const char *unit, double used,
                         double limit) {
    CHECK(outcome->resources_count < OUTCOME_RESOURCES_MAX);
    outcome->resources[outcome->resources_count++] =
        (struct outcome_resource){.name = name, .unit = unit, .used = used, .limit = limit};
}

static double limit_of(int64_t limit) {
    return limit == SPEC_UNLIMITED ? INFINITY : (double)limit;
}

/* The longest application queue of any consumer at the end, and of all time where the bound says
 * more: a closed one stood at its limit. */
static double longest_queue(const struct node *node) {
    int64_t most = 0;
    for (int32_t i = 0; i < node->layout->consumers_count; i++)
        if (node->consumers[i].queue.bytes > most)
            most = node->consumers[i].queue.bytes;
    bool has_closed = node->counts.closed_by_reason[SLOW_REASON_BYTES] > 0;
    return has_closed ? limit_of(node->rules->limit) : (double)most;
}

static void report_resources(const struct node *node, struct outcome *outcome) {
    const struct layout *layout = node->layout;
    double asked = (double)(layout->connections_count + layout->refused_count);
    int64_t reserved = layout->node->open_files -
                       admission_connections_max(layout->node->open_files, layout->workers_count);
    add_resource(outcome, "worker_cpu", "share", outcome->metric[OUTCOME_cpu_share], 1);
    add_resource(outcome, "open_files", "descriptors", asked + (double)reserved,
                 (double)layout->node->open_files);
    add_resource(outcome, "memory", "bytes",
                 outcome->metric[OUTCOME_memory_user_bytes] +
                     outcome->metric[OUTCOME_memory_kernel_bytes],
                 limit_of(layout->node->memory));
    add_resource(outcome, "send_queue", "bytes", longest_queue(node), limit_of(node->rules->limit));
}

static void report_workers(const struct node *node, double window_s, double *metric) {
    base_ns busy_max_ns = 0, busy_ns = 0;
    int64_t turns = 0, writes = 0, bytes = 0;
    for (int32_t i = 0; i < node->layout->workers_count; i++) {
        const struct node_worker *worker = &node->workers[i];
        busy_max_ns = worker->busy_ns > busy_max_ns ? worker->busy_ns : busy_max_ns;
        busy_ns += worker->busy_ns;
        turns += worker->turns;
        writes += worker->writes;
        bytes += worker->written_bytes;
    }
    metric[OUTCOME_cpu_share] = base_seconds(busy_max_ns) / window_s;
    metric[OUTCOME_turns_per_s] = (double)turns / window_s;
    metric[OUTCOME_turn_mean_us] = turns > 0 ? (double)busy_ns / (double)turns / 1000 : 0;
    metric[OUTCOME_writes_per_s] = (double)writes / window_s;
    metric[OUTCOME_written_bytes_per_s] = (double)bytes / window_s;
}

static void report_node(const struct node *node, const struct cluster_options *options,
                        struct outcome *outcome) {
    double *metric = outcome->metric;
    const double *cost = options->costs->value;
    double window_s = base_seconds(node->window_end_ns - node->window_start_ns);
    struct plan_load load = plan_offered(node->layout->roster);
    metric[OUTCOME_offered_publishes_per_s] = load.publishes_per_s * options->scale;
    metric[OUTCOME_offered_deliveries_per_s] = load.deliveries_per_s * options->scale;
    report_workers(node, window_s, metric);
    metric[OUTCOME_closed_slow] = 0;
    for (int i = 0; i < SLOW_REASON_COUNT; i++) {
        outcome->closed_by_reason[i] = node->counts.closed_by_reason[i];
        metric[OUTCOME_closed_slow] += (double)node->counts.closed_by_reason[i];
    }
    metric[OUTCOME_refused] = (double)node->layout->refused_count;
    metric[OUTCOME_connections] = (double)node->layout->connections_count;
    metric[OUTCOME_throttled_share] = base_seconds(node->counts.paused_ns) / window_s;
    metric[OUTCOME_queued_bytes_max] = (double)node->counts.queued_bytes_max;
    struct memory memory =
        memory_idle(node->layout->roster, options->costs, node->layout->connections_count);
    metric[OUTCOME_memory_user_bytes] =
        memory.user_bytes + cost[COST_queued_user] * (double)node->counts.queued_bytes;
    metric[OUTCOME_memory_kernel_bytes] = memory.kernel_bytes;
    for (int32_t i = 0; i < node->layout->consumers_count; i++)
        metric[OUTCOME_memory_kernel_bytes] +=
            cost[COST_queued_kernel] *
            (double)consumer_level(&node->consumers[i], node->run->now_ns);
}

bool cluster_run(const struct cluster_options *options, struct outcome *outcome) {
    const struct spec_scenario *scenario = options->layout->scenario;
    struct run run;
    struct node node;
    run_init(&run, &(struct run_options){.seed = options->plan_seed, .scenario = scenario->name});
    node_init(&node, &run, options);
    node_start(&node);
    enum run_outcome ended = run_until(&run, node.tally.horizon_ns + node.tally.within_ns);
    for (int32_t i = 0; i < options->layout->consumers_count; i++)
        consumer_settle(&node.consumers[i], run.now_ns, &node.tally, node.look_ns);
    if (node.counts.paused_count > 0)
        node_count_pause(&node, run.now_ns);
    if (options->look)
        options->look(options->look_target, &node);

    tally_report(&node.tally, tally_cut(&node.tally), outcome);
    report_node(&node, options, outcome);
    report_resources(&node, outcome);
    outcome_finish(outcome);
    outcome->seed = options->plan_seed;
    tally_fingerprint(&node.tally, &run.fingerprint);
    outcome->fingerprint = fingerprint_value(&run.fingerprint);
    outcome_judge(outcome, &scenario->objectives);
    if (node.is_dead)
        outcome->broke = "memory";
    if (ended != RUN_REACHED_END)
        outcome->refused = run_outcome_name(ended);
    node_fini(&node);
    run_fini(&run);
    return ended == RUN_REACHED_END;
}
