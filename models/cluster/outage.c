/* The timeline of faults, carried out node by node. */
#include "models/cluster/attendance.h"
#include "models/cluster/churn.h"

#include "models/cluster/held.h"
#include "models/cluster/pending.h"
#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <stdlib.h>

static int32_t clients_count(const struct churn *churn) {
    return churn->cluster->layout->roster->clients_count;
}

static bool is_on(const struct churn *churn, int32_t client, int32_t node) {
    return churn->clients[client].state == CHURN_CONNECTED &&
           churn->cluster->layout->node_of[client] == node;
}

static void expect_end(struct churn *churn, int32_t node, base_ns now_ns) {
    struct node *n = &churn->cluster->nodes[node];
    n->dies_at_ns = faults_next_end(&churn->faults, node, now_ns, false);
    n->cut_ns =
        churn->nodes[node].is_silent ? now_ns : faults_next_end(&churn->faults, node, now_ns, true);
}

/* --- a node is gone --- */

void outage_lose_inbound(struct node_worker *worker, int32_t index) {
    struct node_inbound inbound = worker->cluster->inbound[index];
    loss_at(worker->cluster, worker->index, inbound.room, inbound.due_ns, MEMBERSHIP_NODE);
    worker_free_inbound(worker->cluster, index);
}

static void lose_inbox(struct cluster *cluster, struct node_worker *worker) {
    int32_t node = cluster->layout->worker_node[worker->index];
    for (int32_t index = worker->inbox_first; index >= 0;) {
        struct node_inbound inbound = cluster->inbound[index];
        if (inbound.origin != node && !inbound.is_duplicate)
            loss_on_node(cluster, node, inbound.room, inbound.due_ns);
        worker_free_inbound(cluster, index);
        index = inbound.next;
    }
    worker->inbox_first = worker->inbox_last = -1;
}

/* What the worker had before it. What clients have sent goes with their connections. */
static void stop_worker(struct churn *churn, struct node_worker *worker) {
    struct cluster *cluster = churn->cluster;
    for (int32_t i = 0; i < worker->ready_count; i++) {
        struct node_ready ready =
            worker->ready[(worker->ready_first + i) & (worker->ready_max - 1)];
        if (ready.kind == NODE_READY_HANDED_OVER)
            outage_lose_inbound(worker, ready.index);
        else if (ready.kind == NODE_READY_LOOKED_UP)
            worker_lose_looked_up(cluster, ready.index);
        else if (ready.kind == NODE_READY_AGAIN)
            pending_forget(cluster, ready.index);
        else if (ready.kind == NODE_READY_ACCEPT)
            handshake_forget(churn, ready.index);
        else if (ready.kind == NODE_READY_PRESENCE)
            attendance_forget(cluster, ready.index);
    }
    lose_inbox(cluster, worker);
    held_lose(worker);
    worker->ready_first = worker->ready_count = 0;
    worker->life++;
    worker->is_busy = false;
    churn->ended[worker->index].count = 0;
}

/* `is_reset`: its kernel tells everybody. Else who is connected does not know. */
static void lose_clients(struct churn *churn, int32_t node, base_ns now_ns, bool is_reset) {
    for (int32_t client = 0; client < clients_count(churn); client++) {
        const struct churn_client *c = &churn->clients[client];
        if (is_on(churn, client, node)) {
            if (!is_reset) {
                churn_deafen(churn, client, now_ns, true);
                continue;
            }
            churn_lose(churn, client, now_ns, MEMBERSHIP_NODE);
        } else if (is_reset && c->state == CHURN_TRYING && c->node == node) {
            churn_retry(churn, client);
        }
    }
}

static void taken_out(void *target, uint64_t what, base_ns now_ns) {
    (void)now_ns;
    struct churn *churn = target;
    int32_t node = (int32_t)(what >> 32);
    if (churn->nodes[node].life == (uint32_t)what)
        balancer_set_out(churn->balancer, node, true);
}

static void lose_node(struct churn *churn, int32_t node, base_ns now_ns, bool is_reset) {
    struct churn_node *n = &churn->nodes[node];
    const struct layout_node *place = &churn->cluster->layout->nodes[node];
    if (n->is_gone)
        return;
    n->is_gone = true;
    n->is_answering = is_reset;
    n->life++;
    n->waiting = 0;
    churn->cluster->nodes[node].is_dead = true;
    lose_clients(churn, node, now_ns, is_reset);
    for (int32_t i = 0; i < place->workers_count; i++)
        stop_worker(churn, &churn->cluster->workers[place->workers_first + i]);
    attendance_node_lost(churn->cluster, node);
    run_after(churn->cluster->run, churn->cluster->layout->scenario->balancer.health_check,
              taken_out, churn, (uint64_t)node << 32 | n->life);
}

static void out_of_memory(void *target, uint64_t node, base_ns now_ns) {
    struct churn *churn = target;
    if (churn->nodes[node].is_gone)
        return;
    churn->counts.nodes_died++;
    lose_node(churn, (int32_t)node, now_ns, true);
}

void outage_out_of_memory(struct cluster *cluster, int32_t node) {
    run_at(cluster->run, cluster->run->now_ns, out_of_memory, cluster->churn, (uint64_t)node);
}

static void return_node(struct churn *churn, int32_t node, base_ns now_ns) {
    struct churn_node *n = &churn->nodes[node];
    if (!n->is_gone)
        return;
    n->is_gone = n->is_silent = false;
    n->life++;
    n->next_ns = 0;
    churn->cluster->nodes[node].is_dead = false;
    balancer_set_out(churn->balancer, node, false);
    expect_end(churn, node, now_ns);
}

/* --- draining and rebalancing --- */

static void close_client(void *target, uint64_t what, base_ns now_ns) {
    (void)now_ns;
    struct churn *churn = target;
    int32_t client = (int32_t)(what >> 32);
    const struct churn_client *c = &churn->clients[client];
    if (c->state == CHURN_CONNECTED && c->attempts_count == (uint32_t)what && !c->is_deaf)
        churn_close(churn, client);
}

/* `count` of the node's connections, as many of the first as of the last, spread evenly. */
static void close_some(struct churn *churn, int32_t node, int64_t count, base_ns spread_ns) {
    struct run *run = churn->cluster->run;
    int64_t held = churn->membership.layout.nodes[node].connections_count, seen = 0, closed = 0;
    for (int32_t client = 0; client < clients_count(churn) && closed < count; client++) {
        if (!is_on(churn, client, node))
            continue;
        seen++;
        if (closed * held >= seen * count)
            continue;
        double part = ((double)closed++ + 0.5) / (double)count;
        run_after(run, (base_ns)(part * (double)spread_ns), close_client, churn,
                  (uint64_t)client << 32 | churn->clients[client].attempts_count);
    }
}

static void rebalance(struct churn *churn, base_ns spread_ns) {
    for (int32_t node = 0; node < churn->cluster->layout->nodes_count; node++)
        if (!churn->nodes[node].is_gone)
            close_some(churn, node, balancer_surplus(churn->balancer, node), spread_ns);
}

/* --- silence --- */

static void silence(struct churn *churn, int32_t node, base_ns now_ns) {
    if (churn->nodes[node].is_gone)
        return;
    churn->nodes[node].is_silent = true;
    expect_end(churn, node, now_ns);
    for (int32_t client = 0; client < clients_count(churn); client++)
        if (is_on(churn, client, node))
            churn_deafen(churn, client, now_ns, false);
}

static void speak(struct churn *churn, int32_t node, base_ns now_ns) {
    if (!churn->nodes[node].is_silent)
        return;
    churn->nodes[node].is_silent = false;
    expect_end(churn, node, now_ns);
    for (int32_t client = 0; client < clients_count(churn); client++)
        if (is_on(churn, client, node) && churn->clients[client].is_deaf)
            churn_hears_again(churn, client, now_ns);
}

/* --- the timeline --- */

static void act(struct churn *churn, const struct faults_action *action, base_ns now_ns) {
    switch (action->kind) {
    case FAULTS_DIES:
        lose_node(churn, action->node, now_ns, false);
        return;
    case FAULTS_STOPS:
        lose_node(churn, action->node, now_ns, true);
        return;
    case FAULTS_DRAINS:
        balancer_set_out(churn->balancer, action->node, true);
        close_some(churn, action->node,
                   churn->membership.layout.nodes[action->node].connections_count,
                   action->spread_ns);
        return;
    case FAULTS_RETURNS:
        return_node(churn, action->node, now_ns);
        return;
    case FAULTS_SILENT:
        silence(churn, action->node, now_ns);
        return;
    case FAULTS_SPEAKS:
        speak(churn, action->node, now_ns);
        return;
    case FAULTS_REBALANCES:
        rebalance(churn, action->spread_ns);
        return;
    case FAULTS_STALLS:
        if (action->until_ns > churn->stalled_until_ns)
            churn->stalled_until_ns = action->until_ns;
        return;
    case FAULTS_SPLITS:
    case FAULTS_JOINS:
        churn->nodes[action->node].is_split = action->kind == FAULTS_SPLITS;
        return;
    }
}

static void expect_action(struct churn *churn);

static void happens(void *target, uint64_t index, base_ns now_ns) {
    struct churn *churn = target;
    if (index == 0)
        churn->tolerated = churn->counts.unreachable;
    expect_action(churn);
    act(churn, &churn->faults.actions[index], now_ns);
}

static void expect_action(struct churn *churn) {
    if (churn->next_action == churn->faults.count)
        return;
    run_at(churn->cluster->run, churn->faults.actions[churn->next_action].at_ns, happens, churn,
           (uint64_t)churn->next_action);
    churn->next_action++;
}

void outage_start(struct churn *churn) {
    const struct layout *layout = churn->cluster->layout;
    for (int32_t node = 0; node < layout->nodes_count; node++) {
        bool is_there = faults_is_there(layout->scenario, node);
        churn->nodes[node].is_gone = !is_there;
        churn->cluster->nodes[node].is_dead = !is_there;
        expect_end(churn, node, -1);
    }
    expect_action(churn);
}
