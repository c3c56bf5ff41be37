/* Every publish ends once on every worker that had somebody for it: in a burst, or here. */
#include "models/cluster/churn.h"

void loss_count(struct cluster *cluster, base_ns due_ns, int64_t count,
                enum membership_cause cause) {
    if (count == 0 || due_ns == TALLY_UNCOUNTED)
        return;
    tally_lost(&cluster->tally, due_ns, count);
    if (cluster_within_window(cluster, due_ns, due_ns + 1) > 0)
        cluster->churn->counts.lost[cause] += count;
}

static void count_gone(struct cluster *cluster, int32_t worker, int32_t slot, base_ns due_ns) {
    int64_t gone[MEMBERSHIP_CAUSES] = {0};
    membership_gone(&cluster->churn->membership, worker, slot, due_ns, gone);
    tally_due(&cluster->tally, due_ns, -gone[MEMBERSHIP_LEFT]);
    loss_count(cluster, due_ns, gone[MEMBERSHIP_CONNECTION], MEMBERSHIP_CONNECTION);
    loss_count(cluster, due_ns, gone[MEMBERSHIP_NODE], MEMBERSHIP_NODE);
}

void loss_at(struct cluster *cluster, int32_t worker, int32_t slot, base_ns due_ns,
             enum membership_cause cause) {
    count_gone(cluster, worker, slot, due_ns);
    loss_count(cluster, due_ns, membership_heard(&cluster->churn->membership, worker, slot, due_ns),
               cause);
}

void loss_expired(struct cluster *cluster, int32_t worker, int32_t slot, base_ns due_ns) {
    count_gone(cluster, worker, slot, due_ns);
    tally_expired(&cluster->tally, due_ns,
                  membership_heard(&cluster->churn->membership, worker, slot, due_ns));
}

/* A worker's slots are the rooms' numbers here. */
static void on_workers_of(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns,
                          enum membership_cause cause) {
    const struct layout_node *place = &cluster->layout->nodes[node];
    for (int32_t i = 0; i < place->workers_count; i++)
        loss_at(cluster, place->workers_first + i, room, due_ns, cause);
}

void loss_in_room(struct cluster *cluster, int32_t room, base_ns due_ns,
                  enum membership_cause cause) {
    for (int32_t node = 0; node < cluster->layout->nodes_count; node++)
        on_workers_of(cluster, node, room, due_ns, cause);
}

void loss_on_node(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns) {
    on_workers_of(cluster, node, room, due_ns, MEMBERSHIP_NODE);
}

void loss_elsewhere(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns) {
    for (int32_t other = 0; other < cluster->layout->nodes_count; other++)
        if (other != node)
            loss_on_node(cluster, other, room, due_ns);
}

void loss_within(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns) {
    const struct layout *layout = cluster->layout;
    if (cluster->churn) {
        loss_on_node(cluster, node, room, due_ns);
        return;
    }
    struct layout_places places = layout_places(layout, node, room);
    for (int64_t i = places.first; i < places.end; i++) {
        struct layout_place at = layout->room_at[i];
        tally_lost(&cluster->tally, due_ns, layout_room(layout, at.worker, at.slot)->members_count);
    }
}

void loss_beyond(struct cluster *cluster, int32_t node, int32_t room, base_ns due_ns) {
    if (cluster->churn)
        loss_elsewhere(cluster, node, room, due_ns);
    else
        tally_lost(&cluster->tally, due_ns, layout_members_elsewhere(cluster->layout, node, room));
}

static bool is_empty(const struct layout *layout, int32_t node, int32_t room) {
    const struct layout_node *place = &layout->nodes[node];
    for (int32_t i = 0; i < place->workers_count; i++)
        if (layout_room(layout, place->workers_first + i, room)->members_count > 0)
            return false;
    return true;
}

void loss_where_empty(struct cluster *cluster, int32_t except, int32_t room, base_ns due_ns) {
    for (int32_t node = 0; node < cluster->layout->nodes_count; node++)
        if (node != except && is_empty(cluster->layout, node, room))
            loss_on_node(cluster, node, room, due_ns);
}

int32_t loss_begin_burst(struct node_worker *worker, int32_t slot) {
    struct cluster *cluster = worker->cluster;
    const struct node_room *room = &worker->rooms[slot];
    base_ns oldest_ns = BASE_NS_MAX;
    for (int32_t i = 0; i < room->gathered_count; i++) {
        base_ns due_ns = room->gathered[i].due_ns;
        oldest_ns = due_ns < oldest_ns ? due_ns : oldest_ns;
        count_gone(cluster, worker->index, slot, due_ns);
    }
    return membership_heard(&cluster->churn->membership, worker->index, slot, oldest_ns);
}

bool churn_sends(struct churn *churn, const struct plan_publish *publish, bool is_due) {
    struct cluster *cluster = churn->cluster;
    const struct churn_client *c = &churn->clients[publish->client];
    if (c->state == CHURN_AWAY || c->state == CHURN_GAVE_UP)
        return false;
    int64_t unreachable = is_due ? churn->unreachable_of[publish->room] : 0;
    int32_t consumer = cluster->layout->consumer_of[publish->client];
    bool is_closed = consumer >= 0 && cluster->consumers[consumer].is_closed;
    bool is_sent = !c->is_unreachable && !is_closed;
    int64_t lost = unreachable;
    if (!is_sent && is_due)
        lost += cluster_recipients(cluster, publish->room);
    tally_due(&cluster->tally, publish->due_ns, lost);
    tally_lost(&cluster->tally, publish->due_ns, lost);
    if (cluster_within_window(cluster, publish->due_ns, publish->due_ns + 1) > 0) {
        churn->counts.lost_unreachable += lost;
        churn->counts.publishes++;
    }
    return is_sent;
}
