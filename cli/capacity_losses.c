/* The losses of a plan, carried out in simulated time. study/sizing counts survivors and accepts;
 * what it leaves out (how clients wait, the accept queue, attempts that time out and are served all
 * the same, survivors that die of who comes to them) is only seen when nodes fail under load.
 *
 * Nodes are reset, so that clients notice at once: how long a silence takes to be noticed is the
 * clients' own affair, and no number of nodes shortens it. */
#include "cli/capacity.h"

#include "cli/pool.h"
#include "study/smallest.h"

#include <math.h>

static const base_ns BEFORE_NS = BASE_NS_PER_S; /* of load, before anything happens */
enum { TIMES_MOST = 4 };                        /* of the closed form's nodes: more are not tried */

struct losses { /* of one case */
    const struct capacity *plan;
    const struct capacity_kind *kind;
    const struct profile_costs *costs;
    enum sizing_case which;
    int64_t least; /* the closed form's */
    int64_t nodes; /* that `back` is of */
    struct capacity_return back;
};

/* Every client is closed; or the first nodes of the kind are: which ones makes no difference. */
static void set_faults(struct trial *trial, const struct losses *losses, int64_t nodes) {
    const struct spec_plan *plan = &trial->spec.plan;
    const char *kind = losses->kind->node->name;
    bool is_storm = losses->which == SIZING_STORM, is_drain = losses->which == SIZING_DRAIN;
    int64_t count = is_storm ? 1 : sizing_lost(nodes, plan->zones, losses->which);
    struct spec_fault *faults = ARENA_NEW(&trial->arena, (size_t)count, struct spec_fault);
    for (int64_t i = 0; i < count; i++)
        faults[i] = (struct spec_fault){
            .name = "loss",
            .at = BEFORE_NS,
            .kind = is_drain ? SPEC_DRAINS : SPEC_CRASHES,
            .node = is_storm || nodes == 1
                        ? kind
                        : arena_new_format(&trial->arena, "%s-%lld", kind, (long long)i + 1),
            .zone = "",
            .for_ = is_storm ? 0 : BASE_NS_MAX,
            .spread = is_drain ? plan->reconnect_within / 2 : 0};
    trial->spec.faults = faults;
    trial->spec.faults_count = (int32_t)count;
}

/* The run is half as long again as the clients may take, so that "too late" has a number. */
static struct capacity_return look_at(const struct losses *losses, int64_t nodes) {
    const struct capacity *plan = losses->plan;
    struct scenario calm = *plan->scenario; /* nothing else goes wrong */
    int64_t counts[TRIAL_KINDS_MAX] = {0};
    struct trial trial;
    struct outcome outcome;
    calm.spec.faults_count = 0;
    counts[losses->kind->index] = nodes;
    trial_init(&trial, &calm, counts);
    set_faults(&trial, losses, nodes);
    trial.spec.window.warm_up = BEFORE_NS;
    trial.spec.window.measure = 3 * (trial.spec.plan.reconnect_within / 2);
    outcome_init(&outcome);
    trial_run(&trial, losses->costs, &(struct trial_load){plan->scale, 0}, &outcome);
    struct capacity_return back = {.recovery_s = outcome.metric[OUTCOME_recovery_s],
                                   .nodes_died = outcome.metric[OUTCOME_nodes_died]};
    outcome_fini(&outcome);
    trial_fini(&trial);
    return back;
}

static bool is_in_time(const struct losses *losses, struct capacity_return back) {
    double within_s = base_seconds(losses->plan->scenario->spec.plan.reconnect_within);
    return back.recovery_s <= within_s && !(back.nodes_died > 0);
}

static bool holds(void *context, int64_t nodes) {
    struct losses *losses = context;
    if (nodes < losses->least)
        return false;
    struct capacity_return back = look_at(losses, nodes);
    bool is_good = is_in_time(losses, back);
    if (is_good || nodes == losses->least) {
        losses->back = back;
        losses->nodes = nodes;
    }
    return is_good;
}

static void work_out(void *context, int32_t index) {
    struct losses *losses = (struct losses *)context + index;
    if (losses->which == SIZING_ALL_THERE || losses->least == 0 || losses->least > TRIAL_NODES_MAX)
        return;
    int64_t most = losses->least * TIMES_MOST;
    struct study_smallest_options ask = {.holds = holds,
                                         .context = losses,
                                         .first = losses->least,
                                         .most = most < TRIAL_NODES_MAX ? most : TRIAL_NODES_MAX};
    (void)study_smallest_near(&ask);
}

/* More nodes for a case: every draw of it would want as many. */
static void lift(struct capacity_count *count, int64_t nodes) {
    count->target = nodes;
    count->high = nodes > count->high ? nodes : count->high;
}

void capacity_simulate_losses(struct capacity_kind *kind, const struct capacity *plan,
                              const struct profile_costs *costs, int32_t jobs) {
    struct losses losses[SIZING_CASES];
    for (int32_t which = 0; which < SIZING_CASES; which++)
        losses[which] = (struct losses){.plan = plan,
                                        .kind = kind,
                                        .costs = costs,
                                        .which = (enum sizing_case)which,
                                        .least = kind->count[which].target,
                                        .back = {(double)NAN, (double)NAN, false}};
    pool_map(jobs, SIZING_CASES, work_out, losses);
    for (int32_t which = 0; which < SIZING_CASES; which++) {
        kind->back[which] = losses[which].back;
        kind->back[which].is_in_time = is_in_time(&losses[which], losses[which].back);
        if (kind->back[which].is_in_time)
            lift(&kind->count[which], losses[which].nodes);
    }
}
