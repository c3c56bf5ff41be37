/* From the worker that has read a publish to the others of its node.
 *
 * A copy takes no time, so all of them arrive at one instant. Where nobody comes or goes they are
 * one event, which counts and hashes as that many. */
#include "models/cluster/churn.h"
#include "models/cluster/unread.h"

static void handed_over(void *target, uint64_t inbound, base_ns now_ns) {
    (void)now_ns;
    struct node_worker *worker = target;
    if (worker->cluster->churn && worker->node->is_dead)
        outage_lose_inbound(worker, (int32_t)inbound);
    else
        worker_make_ready(worker, (struct node_ready){NODE_READY_HANDED_OVER, (int32_t)inbound});
}

/* A copy for the workers of this node that have only members who get counts. */
static void hand_over_unread(struct node_worker *worker, const struct node_inbound *publish,
                             base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    const struct layout *layout = cluster->layout;
    struct node_inbound copy = *publish;
    int32_t told = unread_room(cluster, copy.room);
    if (told < 0)
        return;
    struct layout_places places = layout_places(layout, layout->worker_node[worker->index], told);
    for (int64_t i = places.first; i < places.end; i++) {
        struct node_worker *other = &cluster->workers[layout->room_at[i].worker];
        if (other != worker && layout_slot(layout, other->index, copy.room) < 0)
            run_at(cluster->run, now_ns, handed_over, other,
                   (uint64_t)worker_new_inbound(cluster, copy));
    }
}

/* All copies of a publish for the other workers of a node: as many events of one instant, in one.
 *
 * A room on a worker is not looked at for a long time and then by a whole turn. Asked for here, the
 * rooms of all workers come out of memory side by side; the turns, which begin a wake-up later,
 * would wait for one after the other. */
static void handed_over_to_all(void *target, uint64_t inbound, base_ns now_ns) {
    (void)now_ns;
    const struct node_worker *worker = target;
    struct cluster *cluster = worker->cluster;
    const struct layout *layout = cluster->layout;
    struct node_inbound publish = cluster->inbound[inbound];
    worker_free_inbound(cluster, (int32_t)inbound);
    struct layout_places places =
        layout_places(layout, layout->worker_node[worker->index], publish.room);
    bool is_first = true;
    for (int64_t i = places.first; i < places.end; i++) {
        struct node_worker *other = &cluster->workers[layout->room_at[i].worker];
        if (other == worker)
            continue;
        if (!is_first)
            run_next_of_group(cluster->run);
        is_first = false;
        const struct node_room *room = &other->rooms[layout->room_at[i].slot];
        const struct layout_room *view = layout_room(layout, other->index, layout->room_at[i].slot);
        __builtin_prefetch(room, 1);
        __builtin_prefetch(&room->watch, 1); /* their ends may lie on other lines */
        __builtin_prefetch(view);
        __builtin_prefetch(&view->tracked_count);
        worker_make_ready(other, (struct node_ready){NODE_READY_HANDED_OVER,
                                                     worker_new_inbound(cluster, publish)});
    }
}

/* Where connections come and go, a worker may have no members of the room left, and may have gone
 * itself until the copy is there: each copy is an event of its own. */
static void hand_over_one_by_one(struct node_worker *worker, const struct node_inbound *publish,
                                 struct layout_places places, base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    const struct layout *layout = cluster->layout;
    for (int64_t i = places.first; i < places.end; i++) {
        struct node_worker *other = &cluster->workers[layout->room_at[i].worker];
        if (other == worker)
            continue;
        if (layout_room(layout, other->index, layout->room_at[i].slot)->members_count == 0)
            loss_at(cluster, other->index, publish->room, publish->due_ns, MEMBERSHIP_CONNECTION);
        else
            run_at(cluster->run, now_ns, handed_over, other,
                   (uint64_t)worker_new_inbound(cluster, *publish));
    }
}

static bool has_others(const struct node_worker *worker, struct layout_places places) {
    int64_t count = places.end - places.first;
    return count > 1 ||
           (count == 1 && worker->cluster->layout->room_at[places.first].worker != worker->index);
}

void worker_hand_over(struct node_worker *worker, const struct node_inbound *publish,
                      base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    const struct layout *layout = cluster->layout;
    struct node_inbound copy = *publish; /* the pool may move */
    struct layout_places places =
        layout_places(layout, layout->worker_node[worker->index], copy.room);
    if (cluster->churn)
        hand_over_one_by_one(worker, &copy, places, now_ns);
    else if (has_others(worker, places))
        run_at(cluster->run, now_ns, handed_over_to_all, worker,
               (uint64_t)worker_new_inbound(cluster, copy));
    if (cluster->unread)
        hand_over_unread(worker, &copy, now_ns);
}
