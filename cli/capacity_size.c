/* One kind of nodes at a time: how many hold, for the profile's own costs and for draws of them,
 * each draw under arrivals of its own, so that low and high hold both what the calibration does not
 * know and what one window does not show. */
#include "cli/capacity.h"

#include "cli/pool.h"
#include "cli/procedure.h"
#include "cli/world_sim.h"
#include "sim/base/check.h"
#include "study/root.h"
#include "study/smallest.h"

#include <math.h>
#include <string.h>

/* --- one look --- */

static const struct outcome_resource *nearest(const struct outcome *outcome) {
    const struct outcome_resource *most = NULL;
    for (int32_t i = 0; i < outcome->resources_count; i++) {
        const struct outcome_resource *one = &outcome->resources[i];
        if (isfinite(one->limit) && (!most || one->used / one->limit > most->used / most->limit))
            most = one;
    }
    return most;
}

static struct capacity_look look_of(const struct outcome *outcome, struct arena *arena) {
    bool holds = outcome->verdict == OUTCOME_HOLDS;
    const struct outcome_resource *resource =
        holds ? nearest(outcome) : outcome_find_resource(outcome, outcome->broke);
    struct capacity_look look = {.holds = holds,
                                 .broke = holds ? (resource ? resource->name : "") : outcome->broke,
                                 .used = resource ? resource->used : (double)NAN,
                                 .limit = resource ? resource->limit : (double)NAN,
                                 .cpu_share = outcome->metric[OUTCOME_cpu_share],
                                 .latency_p99_ms = outcome->metric[OUTCOME_latency_p99_ms]};
    if (arena && resource && resource->node)
        look.node = arena_new_text(arena, resource->node);
    return look;
}

struct capacity_look capacity_look_at(const struct capacity *plan, const int64_t *counts,
                                      const struct profile_costs *costs, uint64_t replication,
                                      struct arena *arena) {
    struct trial trial;
    struct outcome outcome;
    trial_init(&trial, plan->scenario, counts);
    outcome_init(&outcome);
    trial_run(&trial, costs, &(struct trial_load){plan->scale, replication}, &outcome);
    struct capacity_look look = look_of(&outcome, arena);
    outcome_fini(&outcome);
    trial_fini(&trial);
    return look;
}

/* --- how many hold --- */

struct sizing { /* of one draw */
    const struct capacity *plan;
    const struct capacity_kind *kind;
    struct profile_costs costs;
    uint64_t replication;
    int64_t guess;
    struct capacity_look good; /* the last that held */
    int64_t good_nodes;
    struct sizing_demand demand; /* needed 0: not even TRIAL_NODES_MAX hold */
};

static bool holds(void *context, int64_t nodes) {
    struct sizing *sizing = context;
    int64_t counts[TRIAL_KINDS_MAX] = {0};
    counts[sizing->kind->index] = nodes;
    struct capacity_look look =
        capacity_look_at(sizing->plan, counts, &sizing->costs, sizing->replication, NULL);
    if (look.holds) {
        sizing->good = look;
        sizing->good_nodes = nodes;
    }
    return look.holds;
}

/* A throttle works within one node, and a scenario that has it on several is refused. */
static int64_t most_of(const struct spec_node *node) {
    return node->send_queue.policy == SPEC_THROTTLE ? 1 : TRIAL_NODES_MAX;
}

static struct sizing_demand demand_of(const struct sizing *sizing, int64_t needed) {
    const struct spec_scenario *spec = &sizing->plan->scenario->spec;
    double within_ns = (double)spec->plan.reconnect_within;
    double accept_ns =
        sizing->costs.value[COST_accept] * sizing->plan->scenario->roster.clients_count;
    return (struct sizing_demand){.needed = needed,
                                  .busy = (double)needed * sizing->good.cpu_share,
                                  .accept =
                                      accept_ns / (within_ns * (double)sizing->kind->node->workers),
                                  .zones = spec->plan.zones};
}

/* The last count that held is the smallest that does: the search ends beside its answer. */
static void size(struct sizing *sizing, bool is_near) {
    struct study_smallest_options ask = {.holds = holds,
                                         .context = sizing,
                                         .first = sizing->guess,
                                         .most = most_of(sizing->kind->node)};
    int64_t needed = is_near ? study_smallest_near(&ask) : study_smallest(&ask);
    CHECK(needed == 0 || needed == sizing->good_nodes);
    sizing->demand = demand_of(sizing, needed);
}

static void size_draw(void *context, int32_t index) {
    struct sizing *sizings = context;
    size(&sizings[index], true);
}

/* What writing alone would take, as the closed form has it. */
static int64_t guess_of(const struct capacity *plan, const struct spec_node *node,
                        const struct profile_costs *costs) {
    const double *cost = costs->value;
    double bytes = plan->load.deliveries_per_s > 0
                       ? plan->load.outbound_bytes_per_s / plan->load.deliveries_per_s
                       : 0;
    double per_message_ns = cost[COST_frame] + cost[COST_byte] * bytes;
    if (node->fan_out == SPEC_WRITE_AT_ONCE)
        per_message_ns += cost[COST_write];
    double busy = plan->scale * plan->load.deliveries_per_s * per_message_ns * 1e-9;
    double guess = ceil(busy / (double)node->workers);
    return (int64_t)fmin(fmax(guess, 1), (double)most_of(node));
}

/* --- over the draws --- */

static int64_t worst_first(int64_t nodes) {
    return nodes == 0 ? INT64_MAX : nodes;
}

static void count_cases(struct capacity_kind *kind, const struct sizing *target,
                        const struct sizing *draws, int32_t count) {
    for (int32_t which = 0; which < SIZING_CASES; which++) {
        int64_t low = INT64_MAX, high = 0, at = 0;
        for (int32_t i = -1; i < count; i++) {
            const struct sizing_demand *demand = i < 0 ? &target->demand : &draws[i].demand;
            int64_t nodes = demand->needed > 0 ? sizing_nodes(demand, (enum sizing_case)which) : 0;
            at = i < 0 ? nodes : at;
            low = worst_first(nodes) < low ? worst_first(nodes) : low;
            high = worst_first(nodes) > high ? worst_first(nodes) : high;
        }
        kind->count[which] = (struct capacity_count){
            .low = low == INT64_MAX ? 0 : low, .target = at, .high = high == INT64_MAX ? 0 : high};
    }
}

/* --- what binds, and how far the needed nodes carry --- */

static void find_bound(struct capacity *plan, struct capacity_kind *kind,
                       const struct sizing *target) {
    bool has_fewer = target->demand.needed != 1;
    int64_t counts[TRIAL_KINDS_MAX] = {0};
    counts[kind->index] = target->demand.needed > 1    ? target->demand.needed - 1
                          : target->demand.needed == 0 ? kind->node->count /* as asked for */
                                                       : 1;
    struct capacity_look look = capacity_look_at(plan, counts, &target->costs, 0, &plan->arena);
    kind->bound = (struct capacity_bound){.name = look.broke,
                                          .node = look.node,
                                          .nodes = counts[kind->index],
                                          .used = look.used,
                                          .limit = look.limit,
                                          .is_broken = has_fewer};
}

static bool probe(void *context, const struct study_probe_request *request,
                  struct study_probe_result *result) {
    const struct capacity_carry *carry = context;
    struct outcome outcome;
    outcome_init(&outcome);
    trial_run(carry->trial, carry->costs,
              &(struct trial_load){request->scale, request->replication}, &outcome);
    *result = world_result_of(&outcome);
    outcome_fini(&outcome);
    return true;
}

double capacity_carried(const struct capacity *plan, const struct capacity_carry *carry) {
    struct study_world world = {.probe = probe, .context = (void *)(uintptr_t)carry};
    const struct study_root_options ask = {.objective = procedure_objective(&plan->scenario->spec),
                                           .first_scale = plan->scale,
                                           .scale_min = plan->scale / CAPACITY_SCALE_RANGE,
                                           .scale_max = plan->scale * CAPACITY_SCALE_RANGE,
                                           .first_step = 0.1,
                                           .tolerance = 0.005};
    struct study_probe_request request = {.seed = plan->scenario->spec.seed};
    struct study_root root = study_find_root(&world, &ask, &request);
    return root.outcome == STUDY_FOUND ? exp(root.log_scale) : (double)NAN;
}

static void find_capacity(struct capacity *plan, struct capacity_kind *kind,
                          const struct sizing *target) {
    int64_t counts[TRIAL_KINDS_MAX] = {0};
    counts[kind->index] = target->demand.needed;
    struct trial trial;
    struct outcome outcome;
    trial_init(&trial, plan->scenario, counts);
    double scale = capacity_carried(plan, &(struct capacity_carry){&trial, &target->costs});
    kind->load_per_node = scale * plan->load.deliveries_per_s / (double)target->demand.needed;
    kind->scale_at_ceiling = scale;
    kind->cpu_at_ceiling = (double)NAN;
    outcome_init(&outcome);
    if (!isnan(scale)) {
        trial_run(&trial, &target->costs, &(struct trial_load){scale, 0}, &outcome);
        kind->cpu_at_ceiling = outcome.metric[OUTCOME_cpu_share];
    }
    outcome_fini(&outcome);
    trial_fini(&trial);
}

/* With more nodes than the load needs the load must hold too. */
static void look_whole(struct capacity *plan, struct capacity_kind *kind,
                       const struct profile_costs *costs) {
    for (int32_t which = 0; which < SIZING_CASES; which++) {
        int64_t counts[TRIAL_KINDS_MAX] = {0};
        counts[kind->index] = kind->count[which].target;
        kind->broke_whole[which] = "";
        for (int32_t k = 0; k < which; k++)
            if (kind->count[k].target == kind->count[which].target)
                kind->broke_whole[which] = kind->broke_whole[k];
        if (counts[kind->index] == kind->demand.needed || counts[kind->index] == 0)
            continue;
        if (counts[kind->index] > most_of(kind->node)) {
            kind->broke_whole[which] = "policy";
            continue;
        }
        struct capacity_look look = capacity_look_at(plan, counts, costs, 0, NULL);
        kind->broke_whole[which] = look.holds ? "" : look.broke;
    }
}

void capacity_size(struct capacity *plan, struct capacity_kind *kind, int32_t jobs) {
    const struct profile *profile = &plan->costs->profile;
    struct sizing target = {
        .plan = plan, .kind = kind, .costs = profile_means(profile), .replication = 0};
    target.guess = guess_of(plan, kind->node, &target.costs);
    size(&target, false);
    int32_t draws = target.demand.needed > 0 ? plan->draws : 0;
    struct sizing *sizings = ARENA_NEW(&plan->arena, (size_t)draws, struct sizing);
    for (int32_t i = 0; i < draws; i++)
        sizings[i] =
            (struct sizing){.plan = plan,
                            .kind = kind,
                            .costs = world_sim_draw(profile, plan->scenario->spec.seed, i + 1),
                            .replication = (uint64_t)i + 1,
                            .guess = target.demand.needed};
    pool_map(jobs, draws, size_draw, sizings);
    kind->demand = target.demand;
    count_cases(kind, &target, sizings, draws);
    find_bound(plan, kind, &target);
    kind->load_per_node = kind->cpu_at_ceiling = kind->scale_at_ceiling = (double)NAN;
    if (target.demand.needed > 0) {
        find_capacity(plan, kind, &target);
        capacity_simulate_losses(kind, plan, &target.costs, jobs);
        look_whole(plan, kind, &target.costs);
    }
}
