/* A deploy is drains, stops and returns one after the other, and a fault of a zone is one of each
 * of its nodes: whoever carries the timeline out knows neither. */
#include "models/workload/faults.h"

#include "sim/base/check.h"

#include <string.h>

enum { ACTIONS_PER_NODE = 3 }; /* at most, of one fault */

static int32_t nodes_count(const struct spec_scenario *scenario) {
    int64_t count = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        count += scenario->nodes[kind].count;
    CHECK(count <= INT32_MAX);
    return (int32_t)count;
}

/* The kind of a node, and its number within that. */
static const struct spec_node *kind_of(const struct spec_scenario *scenario, int32_t node,
                                       int64_t *number) {
    *number = node;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++) {
        if (*number < scenario->nodes[kind].count)
            return &scenario->nodes[kind];
        *number -= scenario->nodes[kind].count;
    }
    CHECK(false && "a node that the scenario does not have");
    return NULL;
}

bool faults_is_about(const struct spec_scenario *scenario, const struct spec_fault *fault,
                     int32_t node) {
    int64_t number;
    const struct spec_node *kind = kind_of(scenario, node, &number);
    if (*fault->zone)
        return strcmp(fault->zone, kind->zone) == 0;
    if (!*fault->node || strcmp(fault->node, kind->name) == 0)
        return true;
    return spec_node_index(kind, fault->node) == number;
}

bool faults_is_there(const struct spec_scenario *scenario, int32_t node) {
    for (int32_t i = 0; i < scenario->faults_count; i++)
        if (scenario->faults[i].kind == SPEC_ADDED &&
            faults_is_about(scenario, &scenario->faults[i], node))
            return false;
    return true;
}

/* --- taking apart --- */

static void add(struct faults *faults, struct faults_action action) {
    if (action.at_ns < BASE_NS_MAX)
        faults->actions[faults->count++] = action;
}

static base_ns plus(base_ns at_ns, base_ns more_ns) {
    return more_ns < BASE_NS_MAX - at_ns ? at_ns + more_ns : BASE_NS_MAX;
}

static void add_pair(struct faults *faults, int32_t node, base_ns at_ns, enum faults_kind begins,
                     base_ns end_ns, enum faults_kind ends) {
    add(faults, (struct faults_action){.at_ns = at_ns, .kind = begins, .node = node});
    add(faults, (struct faults_action){.at_ns = end_ns, .kind = ends, .node = node});
}

/* Returns when the node is back. */
static base_ns add_drain(struct faults *faults, const struct spec_fault *fault, int32_t node,
                         base_ns at_ns) {
    base_ns gone_ns = plus(at_ns, fault->spread), back_ns = plus(gone_ns, fault->for_);
    add(faults,
        (struct faults_action){
            .at_ns = at_ns, .kind = FAULTS_DRAINS, .node = node, .spread_ns = fault->spread});
    add_pair(faults, node, gone_ns, FAULTS_STOPS, back_ns, FAULTS_RETURNS);
    return back_ns;
}

/* `*at_ns`: when it is the node's turn; a deploy moves that on. */
static void add_node(struct faults *faults, const struct spec_fault *fault, int32_t node,
                     base_ns *at_ns) {
    base_ns end_ns = plus(*at_ns, fault->for_);
    switch (fault->kind) {
    case SPEC_DIES:
        add_pair(faults, node, *at_ns, FAULTS_DIES, end_ns, FAULTS_RETURNS);
        return;
    case SPEC_CRASHES:
        add_pair(faults, node, *at_ns, FAULTS_STOPS, end_ns, FAULTS_RETURNS);
        return;
    case SPEC_DRAINS:
        (void)add_drain(faults, fault, node, *at_ns);
        return;
    case SPEC_DEPLOY:
        *at_ns = plus(add_drain(faults, fault, node, *at_ns), fault->pause);
        return;
    case SPEC_ADDED:
        add(faults, (struct faults_action){.at_ns = *at_ns, .kind = FAULTS_RETURNS, .node = node});
        return;
    case SPEC_SILENT:
        add_pair(faults, node, *at_ns, FAULTS_SILENT, end_ns, FAULTS_SPEAKS);
        return;
    case SPEC_BACKPLANE_SPLITS:
        add_pair(faults, node, *at_ns, FAULTS_SPLITS, end_ns, FAULTS_JOINS);
        return;
    case SPEC_REBALANCE:
    case SPEC_BACKPLANE_STALLS:
    case SPEC_fault_kind_COUNT:
        break;
    }
}

static void add_fault(struct faults *faults, const struct spec_scenario *scenario,
                      const struct spec_fault *fault) {
    base_ns at_ns = fault->at;
    bool is_of_all = fault->kind == SPEC_REBALANCE || fault->kind == SPEC_BACKPLANE_STALLS;
    if (is_of_all)
        add(faults, (struct faults_action){.at_ns = at_ns,
                                           .kind = fault->kind == SPEC_REBALANCE ? FAULTS_REBALANCES
                                                                                 : FAULTS_STALLS,
                                           .node = -1,
                                           .spread_ns = fault->spread,
                                           .until_ns = plus(at_ns, fault->for_)});
    for (int32_t node = 0; !is_of_all && node < nodes_count(scenario); node++)
        if (faults_is_about(scenario, fault, node))
            add_node(faults, fault, node, &at_ns);
}

/* Insertion: nearly in order already, and what is written first comes first. */
static void sort(struct faults *faults) {
    for (int32_t i = 1; i < faults->count; i++) {
        struct faults_action action = faults->actions[i];
        int32_t k = i;
        for (; k > 0 && faults->actions[k - 1].at_ns > action.at_ns; k--)
            faults->actions[k] = faults->actions[k - 1];
        faults->actions[k] = action;
    }
}

void faults_init(struct faults *faults, const struct spec_scenario *scenario, struct arena *arena) {
    *faults = (struct faults){.first_ns = BASE_NS_MAX};
    if (scenario->faults_count == 0)
        return;
    size_t most =
        (size_t)nodes_count(scenario) * (size_t)scenario->faults_count * ACTIONS_PER_NODE + 1;
    faults->actions = ARENA_NEW(arena, most, struct faults_action);
    for (int32_t i = 0; i < scenario->faults_count; i++)
        add_fault(faults, scenario, &scenario->faults[i]);
    sort(faults);
    if (faults->count > 0)
        faults->first_ns = faults->actions[0].at_ns;
}

base_ns faults_next_end(const struct faults *faults, int32_t node, base_ns now_ns, bool or_silent) {
    for (int32_t i = 0; i < faults->count; i++) {
        const struct faults_action *action = &faults->actions[i];
        bool is_end = action->kind == FAULTS_DIES || action->kind == FAULTS_STOPS ||
                      (or_silent && action->kind == FAULTS_SILENT);
        if (action->node == node && is_end && action->at_ns > now_ns)
            return action->at_ns;
    }
    return BASE_NS_MAX;
}
