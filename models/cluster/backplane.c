/* A kind is a row: who gets a copy, what stands in between, and what a message costs there.
 *
 * A turn is worked out ahead of time, so what it sends becomes an event at its instant of arrival:
 * instances serve in the order of arrivals, whichever worker's turn was worked out first. Each hop
 * draws its own time from a stream that is named by the room, the number of the publish and the end
 * of the hop; a connection never reorders, so an arrival waits for the one before it. Whoever sends
 * to M places pays M writes at most per flush and not per message, as pipelined clients do. */
#include "models/cluster/backplane.h"

#include "models/cluster/limits.h"
#include "models/cluster/pending.h"
#include "models/cluster/churn.h"
#include "models/cluster/unread.h"
#include "models/workload/draws.h"
#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <math.h>

struct backplane_link {     /* from a worker to a place that it sends to */
    base_ns last_ns;        /* arrival of the latest message */
    base_ns batch_until_ns; /* of the latest batch, where batches are collected */
    int32_t first, last;    /* publishes that the next flush sends; -1: none */
    int64_t frames, bytes;
};

struct instance {
    base_ns free_ns, egress_free_ns; /* from then on processor and link are idle */
    base_ns busy_ns;                 /* in the window; and so are the bits */
    double sent_bits;
    base_ns *last_ns;      /* by node: arrival of the latest message */
    base_ns *forwarded_ns; /* likewise, by instance */
};

struct backplane {
    struct cluster *cluster;
    const struct backplane_kind *kind;
    const struct spec_backplane *spec;
    struct instance *instances;
    int32_t instances_count;
    int32_t *instance_of;   /* by room */
    uint32_t *published;    /* by room: its publishes so far */
    base_ns *poll_phase_ns; /* by node */
    int32_t *targets;       /* room for two lists of nodes */
    bool *is_listed;        /* by node; all false between two lists */
    int32_t *touched;       /* places that have something in this turn's flush */
    int32_t touched_count;
    int64_t publishes, copies, wasted; /* since the start */
};

/* --- who gets a copy --- */

/* Both list nodes in `targets` and return their number. */
static int32_t every_node(struct backplane *backplane, int32_t room, int32_t except) {
    (void)room;
    int32_t count = 0;
    for (int32_t node = 0; node < backplane->cluster->layout->nodes_count; node++)
        if (node != except)
            backplane->targets[count++] = node;
    return count;
}

/* Those that have members of the room, after `count` others. */
static int32_t list_places(struct backplane *backplane, int32_t room, int32_t except,
                           int32_t count) {
    const struct layout *layout = backplane->cluster->layout;
    int32_t before = -1;
    for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++) {
        struct layout_place at = layout->room_at[i];
        int32_t node = layout->worker_node[at.worker];
        bool is_empty = backplane->cluster->churn &&
                        layout_room(layout, at.worker, at.slot)->members_count == 0;
        if (node != before && node != except && !is_empty)
            backplane->targets[count++] = node;
        before = is_empty ? before : node;
    }
    return count;
}

static int32_t nodes_with_members(struct backplane *backplane, int32_t room, int32_t except) {
    int32_t count = list_places(backplane, room, except, 0);
    const struct cluster *cluster = backplane->cluster;
    int32_t told = cluster->unread ? unread_room(cluster, room) : -1;
    if (told < 0)
        return count;
    int32_t all = list_places(backplane, told, except, count);
    for (int32_t i = 0; i < count; i++)
        backplane->is_listed[backplane->targets[i]] = true;
    int32_t kept = count;
    for (int32_t i = count; i < all; i++)
        if (!backplane->is_listed[backplane->targets[i]])
            backplane->targets[kept++] = backplane->targets[i];
    for (int32_t i = 0; i < count; i++)
        backplane->is_listed[backplane->targets[i]] = false;
    return kept;
}

struct backplane_kind {
    int32_t (*reach)(struct backplane *backplane, int32_t room, int32_t except);
    bool has_instances;            /* a system in between */
    bool echoes;                   /* which hands a node its own publishes too */
    enum cost message, copy, turn; /* of an instance; of no turn where COST_COUNT */
    bool by_node; /* a node has one instance, whatever the room, and they tell each other */
};

static const struct backplane_kind kinds[] = {
    [SPEC_NO_BACKPLANE] = {.reach = NULL},
    [SPEC_BROADCAST] = {.reach = every_node},
    [SPEC_REGISTRY] = {.reach = nodes_with_members},
#define SYSTEM(reach_, echoes_, cost, turn_, by_node_)                                             \
    {                                                                                              \
        .reach = (reach_), .has_instances = true, .echoes = (echoes_),                             \
        .message = COST_##cost##_message, .copy = COST_##cost##_copy, .turn = (turn_),             \
        .by_node = (by_node_)                                                                      \
    }
    [SPEC_REDIS] = SYSTEM(nodes_with_members, true, redis, COST_redis_turn, false),
    [SPEC_REDIS_SHARDED] = SYSTEM(nodes_with_members, true, redis, COST_redis_turn, false),
    [SPEC_REDIS_CLUSTER] = SYSTEM(nodes_with_members, true, redis, COST_redis_turn, true),
    [SPEC_NATS] = SYSTEM(nodes_with_members, false, nats, COST_nats_turn, false),
    [SPEC_KAFKA] = SYSTEM(every_node, true, kafka, COST_COUNT, false),
#undef SYSTEM
};

/* Whether a publish goes to every node, whoever has members. */
static bool reaches_all(const struct backplane *backplane) {
    return backplane->kind->reach == every_node ||
           (backplane->kind->has_instances && backplane->spec->channels == SPEC_ONE_CHANNEL);
}

static int32_t reach(struct backplane *backplane, int32_t room, int32_t except) {
    return (reaches_all(backplane) ? every_node : backplane->kind->reach)(backplane, room, except);
}

/* Lists the copies of a publish and counts them. */
static int32_t list_copies(struct backplane *backplane, const struct node_inbound *publish) {
    int32_t except = backplane->kind->echoes ? -1 : publish->origin;
    if (reaches_all(backplane))
        backplane->wasted -= nodes_with_members(backplane, publish->room, except);
    else if (backplane->cluster->churn)
        loss_where_empty(backplane->cluster, publish->origin, publish->room, publish->due_ns);
    int32_t count = reach(backplane, publish->room, except);
    if (reaches_all(backplane))
        backplane->wasted += count;
    backplane->publishes++;
    backplane->copies += count;
    return count;
}

/* --- set-up --- */

static int32_t places_count(const struct backplane *backplane) {
    return backplane->kind->has_instances ? backplane->instances_count
                                          : backplane->cluster->layout->nodes_count;
}

static uint64_t drawn(const struct backplane *backplane, uint64_t entity,
                      enum draws_purpose purpose) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = backplane->cluster->layout->seed,
                                     .entity = entity,
                                     .purpose = purpose});
    return rng_u64(&rng);
}

static void init_instances(struct backplane *backplane, struct arena *arena) {
    const struct layout *layout = backplane->cluster->layout;
    int32_t rooms_count = layout->roster->rooms_count, nodes_count = layout->nodes_count;
    backplane->instances_count =
        backplane->spec->kind == SPEC_REDIS || backplane->spec->kind == SPEC_NATS
            ? 1
            : (int32_t)backplane->spec->instances;
    backplane->instances = ARENA_NEW(arena, (size_t)backplane->instances_count, struct instance);
    for (int32_t i = 0; i < backplane->instances_count; i++)
        backplane->instances[i].last_ns = ARENA_NEW(arena, (size_t)nodes_count, base_ns);
    for (int32_t i = 0; i < backplane->instances_count && backplane->kind->by_node; i++)
        backplane->instances[i].forwarded_ns =
            ARENA_NEW(arena, (size_t)backplane->instances_count, base_ns);
    backplane->instance_of = ARENA_NEW(arena, (size_t)rooms_count, int32_t);
    for (int32_t room = 0; room < rooms_count; room++)
        backplane->instance_of[room] =
            (int32_t)(drawn(backplane, roster_room_entity(layout->roster, room), DRAWS_PARTITION) %
                      (uint64_t)backplane->instances_count);
    backplane->poll_phase_ns = ARENA_NEW(arena, (size_t)nodes_count, base_ns);
    for (int32_t node = 0; node < nodes_count && backplane->spec->poll > 0; node++)
        backplane->poll_phase_ns[node] =
            (base_ns)(drawn(backplane, layout->nodes[node].entity, DRAWS_POLL) %
                      (uint64_t)backplane->spec->poll);
}

static void init_links(struct backplane *backplane, struct arena *arena) {
    int32_t count = places_count(backplane);
    backplane->touched = ARENA_NEW(arena, (size_t)count, int32_t);
    for (int32_t i = 0; i < backplane->cluster->layout->workers_count; i++) {
        struct node_worker *worker = &backplane->cluster->workers[i];
        worker->links = ARENA_NEW(arena, (size_t)count, struct backplane_link);
        for (int32_t place = 0; place < count; place++)
            worker->links[place].first = -1;
    }
}

void backplane_init(struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    const struct spec_backplane *spec = &layout->scenario->backplane;
    const struct backplane_kind *kind = &kinds[spec->kind];
    if (!kind->reach || (layout->nodes_count == 1 && !kind->has_instances))
        return;
    struct arena *arena = &cluster->run->arena;
    struct backplane *backplane = ARENA_NEW(arena, 1, struct backplane);
    *backplane = (struct backplane){.cluster = cluster, .kind = kind, .spec = spec};
    backplane->targets = ARENA_NEW(arena, 2 * (size_t)layout->nodes_count, int32_t);
    backplane->is_listed = ARENA_NEW(arena, (size_t)layout->nodes_count, bool);
    backplane->published = ARENA_NEW(arena, (size_t)layout->roster->rooms_count, uint32_t);
    if (kind->has_instances) {
        init_instances(backplane, arena);
        cluster->pending = pending_new(cluster);
    }
    init_links(backplane, arena);
    cluster->backplane = backplane;
}

/* --- hops --- */

static base_ns later(base_ns a, base_ns b) {
    return a > b ? a : b;
}

/* `end`: 0 for the hop to an instance, 1 and up for those to nodes. */
static base_ns hop_ns(const struct backplane *backplane, const struct node_inbound *publish,
                      int32_t end) {
    const struct spec_dist *latency = &backplane->spec->latency;
    if (latency->kind == SPEC_DIST_CONSTANT)
        return llround(latency->constant);
    const struct cluster *cluster = backplane->cluster;
    struct rng rng;
    rng_init(&rng,
             (struct rng_name){.seed = cluster->plan.seed,
                               .entity = roster_room_entity(cluster->layout->roster, publish->room),
                               .purpose = DRAWS_HOP,
                               .index = (uint64_t)publish->number << 32 | (uint32_t)end});
    return draws_from(latency, &rng);
}

static uint64_t packed(int32_t node, int32_t inbound) {
    return (uint64_t)node << 32 | (uint32_t)inbound;
}

/* A copy that does not reach its node; its own node's has been served without. */
static void lose_copy(struct backplane *backplane, const struct node_inbound *publish,
                      int32_t node) {
    if (node != publish->origin && !publish->is_duplicate)
        loss_on_node(backplane->cluster, node, publish->room, publish->due_ns);
}

/* Whether a split lies between a node and another (or the instances, -1). */
static bool is_split(const struct backplane *backplane, int32_t node, int32_t other) {
    const struct churn *churn = backplane->cluster->churn;
    return churn && churn->nodes[node].is_split != (other >= 0 && churn->nodes[other].is_split);
}

/* Into the inbox of the worker that the room falls to. */
static void arrived(void *target, uint64_t what, base_ns now_ns) {
    (void)now_ns;
    struct backplane *backplane = target;
    struct cluster *cluster = backplane->cluster;
    const struct layout_node *node = &cluster->layout->nodes[what >> 32];
    int32_t index = (int32_t)(uint32_t)what, room = cluster->inbound[index].room;
    if (cluster->churn && cluster->nodes[what >> 32].is_dead) {
        lose_copy(backplane, &cluster->inbound[index], (int32_t)(what >> 32));
        worker_free_inbound(cluster, index);
        return;
    }
    struct node_worker *worker =
        &cluster->workers[node->workers_first + room % node->workers_count];
    if (worker->inbox_first >= 0) {
        cluster->inbound[worker->inbox_last].next = index;
        worker->inbox_last = index;
        return;
    }
    worker->inbox_first = worker->inbox_last = index;
    worker_make_ready(worker, (struct node_ready){NODE_READY_BACKPLANE, 0});
}

/* The first poll of the node at or after `at_ns`. */
static base_ns polled_ns(const struct backplane *backplane, int32_t node, base_ns at_ns) {
    base_ns every_ns = backplane->spec->kind == SPEC_KAFKA ? backplane->spec->poll : 0;
    if (every_ns == 0)
        return at_ns;
    base_ns phase_ns = backplane->poll_phase_ns[node];
    base_ns polls = at_ns > phase_ns ? (at_ns - phase_ns + every_ns - 1) / every_ns : 0;
    return phase_ns + polls * every_ns;
}

/* A copy that leaves for `node` at `at_ns`, on the connection whose latest arrival is *last_ns. */
static void send_to_node(struct backplane *backplane, const struct node_inbound *publish,
                         int32_t node, base_ns at_ns, base_ns *last_ns) {
    struct cluster *cluster = backplane->cluster;
    if (is_split(backplane, node, backplane->kind->has_instances ? -1 : publish->origin)) {
        lose_copy(backplane, publish, node);
        return;
    }
    if (cluster->churn)
        at_ns = later(at_ns, cluster->churn->stalled_until_ns);
    *last_ns = later(*last_ns, at_ns + hop_ns(backplane, publish, 1 + node));
    int32_t index = worker_new_inbound(cluster, *publish);
    run_at(cluster->run, polled_ns(backplane, node, *last_ns), arrived, backplane,
           packed(node, index));
}

/* --- at an instance --- */

static base_ns cost_of(const struct backplane *backplane, enum cost cost) {
    return llround(backplane->cluster->raw_costs.value[cost]);
}

/* When the instance's link has sent a copy that its processor was done with at `done_ns`. */
static base_ns sent_ns(const struct backplane *backplane, struct instance *instance, int64_t bytes,
                       base_ns done_ns) {
    double bits = 8 * (double)bytes;
    if (cluster_within_window(backplane->cluster, done_ns, done_ns + 1) > 0)
        instance->sent_bits += bits;
    if (isinf(backplane->spec->egress))
        return done_ns;
    instance->egress_free_ns = later(instance->egress_free_ns, done_ns) +
                               base_ns_from_seconds(bits / backplane->spec->egress);
    return instance->egress_free_ns;
}

/* The instance that a node is connected to. */
static int32_t home_of(const struct backplane *backplane, int32_t node) {
    return node % backplane->instances_count;
}

/* Where a node sends what it publishes into the room. */
static int32_t entrance_of(const struct backplane *backplane, int32_t node, int32_t room) {
    return backplane->kind->by_node ? home_of(backplane, node) : backplane->instance_of[room];
}

static void serve(void *target, uint64_t what, base_ns now_ns);

/* To every other instance, one by one; each hop in a name of its own, beyond those to nodes. */
static base_ns forward(struct backplane *backplane, const struct node_inbound *publish,
                       int32_t from, base_ns now_ns) {
    struct cluster *cluster = backplane->cluster;
    struct instance *instance = &backplane->instances[from];
    for (int32_t i = 0; i < backplane->instances_count; i++) {
        if (i == from)
            continue;
        now_ns += cost_of(backplane, COST_redis_forward);
        base_ns left_ns =
            sent_ns(backplane, instance, protocol_outbound_bytes(publish->bytes), now_ns);
        base_ns there_ns =
            left_ns + hop_ns(backplane, publish, 1 + cluster->layout->nodes_count + i);
        instance->forwarded_ns[i] = later(instance->forwarded_ns[i], there_ns);
        run_at(cluster->run, instance->forwarded_ns[i], serve, backplane,
               packed(i, worker_new_inbound(cluster, *publish)));
    }
    return now_ns;
}

/* When an instance turns to what arrives at `now_ns`: behind the rest where there is some; else it
 * begins a turn of its loop, on a processor that all share when that is its own. */
static base_ns begin(const struct backplane *backplane, const struct instance *instance,
                     base_ns now_ns, base_ns *turn_ns) {
    *turn_ns = 0;
    if (instance->free_ns > now_ns)
        return instance->free_ns;
    if (backplane->kind->turn != COST_COUNT)
        *turn_ns = cost_of(backplane, backplane->kind->turn);
    return backplane->cluster->shares_processor
               ? cluster_runs_ns(backplane->cluster, now_ns, cost_of(backplane, COST_wake_up))
               : now_ns;
}

/* When its node hears of a publish that was served at `done_ns`: a hop with a name of its own. */
static base_ns heard_ns(const struct backplane *backplane, const struct node_inbound *publish,
                        base_ns done_ns) {
    const struct cluster *cluster = backplane->cluster;
    if (is_split(backplane, publish->origin, -1))
        return BASE_NS_MAX;
    if (cluster->churn)
        done_ns = later(done_ns, cluster->churn->stalled_until_ns);
    return done_ns + hop_ns(backplane, publish,
                            1 + cluster->layout->nodes_count + backplane->instances_count);
}

/* Copies to those who are connected to the instance. Returns when it is done. */
static base_ns copy(struct backplane *backplane, int32_t place, const struct node_inbound *publish,
                    bool is_first, base_ns done_ns) {
    struct instance *instance = &backplane->instances[place];
    int64_t bytes = protocol_outbound_bytes(publish->bytes);
    int32_t count =
        is_first ? list_copies(backplane, publish)
                 : reach(backplane, publish->room, backplane->kind->echoes ? -1 : publish->origin);
    for (int32_t i = 0; i < count; i++) {
        int32_t node = backplane->targets[i];
        if (backplane->kind->by_node && home_of(backplane, node) != place)
            continue;
        done_ns += cost_of(backplane, backplane->kind->copy);
        send_to_node(backplane, publish, node, sent_ns(backplane, instance, bytes, done_ns),
                     &instance->last_ns[node]);
    }
    return done_ns;
}

static void serve(void *target, uint64_t what, base_ns now_ns) {
    struct backplane *backplane = target;
    struct cluster *cluster = backplane->cluster;
    int32_t place = (int32_t)(what >> 32), index = (int32_t)(uint32_t)what;
    struct node_inbound publish = cluster->inbound[index]; /* the pool may move */
    worker_free_inbound(cluster, index);
    struct instance *instance = &backplane->instances[place];
    bool is_entrance = place == entrance_of(backplane, publish.origin, publish.room);
    base_ns turn_ns, start_ns = begin(backplane, instance, now_ns, &turn_ns);
    base_ns done_ns = start_ns + turn_ns + cost_of(backplane, backplane->kind->message);
    bool is_late = publish.deadline_ns > 0 && start_ns > publish.deadline_ns;
    if (is_entrance && is_late && publish.pending > 0) {
        pending_dropped(cluster, publish.pending);
    } else if (is_entrance && is_late) {
        loss_beyond(cluster, publish.origin, publish.room, publish.due_ns);
    } else {
        if (is_entrance && publish.pending > 0)
            publish.is_duplicate = pending_copied(cluster, publish.pending);
        if (backplane->kind->by_node && is_entrance)
            done_ns = forward(backplane, &publish, place, done_ns);
        done_ns = copy(backplane, place, &publish, is_entrance && !publish.is_duplicate, done_ns);
        if (is_entrance && publish.pending > 0)
            pending_acknowledge(cluster, publish.pending, heard_ns(backplane, &publish, done_ns));
    }
    instance->busy_ns += cluster_within_window(cluster, start_ns, done_ns);
    instance->free_ns = done_ns;
    cluster_take_processor(cluster, done_ns);
}

/* --- at the node that publishes --- */

static void leave_out(struct node_worker *worker, const struct node_inbound *publish) {
    struct cluster *cluster = worker->cluster;
    cluster->unrouted += layout_members_elsewhere(cluster->layout, publish->origin, publish->room);
    loss_beyond(cluster, publish->origin, publish->room, publish->due_ns);
}

static void put_on_link(struct node_worker *worker, int32_t place,
                        const struct node_inbound *publish) {
    struct cluster *cluster = worker->cluster;
    struct backplane_link *link = &worker->links[place];
    int32_t index = worker_new_inbound(cluster, *publish);
    if (link->first < 0) {
        link->first = index;
        cluster->backplane->touched[cluster->backplane->touched_count++] = place;
    } else {
        cluster->inbound[link->last].next = index;
    }
    link->last = index;
    link->frames++;
    link->bytes += protocol_outbound_bytes(publish->bytes);
}

/* To the publish's instance, with the next flush; where a split lies between, to nobody. */
static void send_to_instance(struct node_worker *worker, const struct node_inbound *publish,
                             base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    struct backplane *backplane = cluster->backplane;
    if (!is_split(backplane, publish->origin, -1))
        put_on_link(worker, entrance_of(backplane, publish->origin, publish->room), publish);
    else if (publish->pending > 0)
        pending_sent(cluster, publish->pending, now_ns, true);
    else
        loss_elsewhere(cluster, publish->origin, publish->room, publish->due_ns);
}

void backplane_send_again(struct node_worker *worker, int32_t pending, base_ns now_ns) {
    const struct node_inbound *publish = pending_again(worker->cluster, pending);
    if (publish != NULL)
        send_to_instance(worker, publish, now_ns);
}

void backplane_publish(struct node_worker *worker, const struct node_inbound *publish,
                       base_ns *now_ns) {
    struct backplane *backplane = worker->cluster->backplane;
    if (!backplane) {
        if (worker->cluster->layout->nodes_count > 1)
            leave_out(worker, publish);
        return;
    }
    struct node_inbound numbered = *publish;
    numbered.number = backplane->published[publish->room]++;
    if (backplane->spec->deadline < BASE_NS_MAX)
        numbered.deadline_ns = *now_ns + backplane->spec->deadline;
    if (backplane->kind->has_instances) {
        if (worker->cluster->pending == NULL || pending_open(worker, &numbered))
            send_to_instance(worker, &numbered, *now_ns);
    } else {
        int32_t count = list_copies(backplane, publish);
        for (int32_t i = 0; i < count; i++)
            put_on_link(worker, backplane->targets[i], &numbered);
    }
    if (worker->node->spec->fan_out == SPEC_WRITE_AT_ONCE)
        backplane_flush(worker, now_ns);
}

/* When a message written at `now_ns` leaves: with its batch, where batches are collected. */
static base_ns leaves_ns(const struct backplane *backplane, struct backplane_link *link,
                         base_ns now_ns) {
    if (backplane->spec->kind != SPEC_KAFKA)
        return now_ns;
    if (now_ns > link->batch_until_ns)
        link->batch_until_ns = now_ns + backplane->spec->linger;
    return link->batch_until_ns;
}

static void flush_link(struct node_worker *worker, int32_t place, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct backplane *backplane = cluster->backplane;
    struct backplane_link *link = &worker->links[place];
    *now_ns += costs_write(
        &worker->costs,
        &(struct costs_write){.frames = link->frames, .bytes = link->bytes, .is_to_node = true});
    *now_ns = steal_work(&worker->steal, *now_ns);
    worker_count_link_writes(worker, *now_ns, 1, link->bytes);
    base_ns at_ns = leaves_ns(backplane, link, *now_ns);
    for (int32_t index = link->first; index >= 0;) {
        struct node_inbound publish = cluster->inbound[index]; /* the pool may move */
        if (backplane->kind->has_instances) {
            link->last_ns = later(link->last_ns, at_ns + hop_ns(backplane, &publish, 0));
            run_at(cluster->run, link->last_ns, serve, backplane, packed(place, index));
            if (publish.pending > 0)
                pending_sent(cluster, publish.pending, *now_ns, false);
        } else {
            worker_free_inbound(cluster, index);
            send_to_node(backplane, &publish, place, at_ns, &link->last_ns);
        }
        index = publish.next;
    }
    link->first = -1;
    link->frames = link->bytes = 0;
}

void backplane_flush(struct node_worker *worker, base_ns *now_ns) {
    struct backplane *backplane = worker->cluster->backplane;
    if (!backplane)
        return;
    for (int32_t i = 0; i < backplane->touched_count; i++)
        flush_link(worker, backplane->touched[i], now_ns);
    backplane->touched_count = 0;
}

/* --- report --- */

/* Of the instance that has the most: as many from each node as the gateway's own client opens. */
static double connections_of(const struct backplane *backplane) {
    enum { OF_REDIS = 2, OF_OTHERS = 1 }; /* to publish, and to subscribe */
    int32_t nodes = backplane->cluster->layout->nodes_count, count = backplane->instances_count;
    bool is_redis = backplane->kind->message == COST_redis_message;
    int32_t homed = backplane->kind->by_node ? (nodes + count - 1) / count : nodes;
    int32_t others = backplane->kind->by_node ? count - 1 : 0;
    return (is_redis ? OF_REDIS : OF_OTHERS) * homed + others;
}

static void report_instances(const struct backplane *backplane, struct outcome *outcome) {
    const struct cluster *cluster = backplane->cluster;
    double window_s = base_seconds(cluster->window_end_ns - cluster->window_start_ns);
    double busy = 0, bits = 0;
    for (int32_t i = 0; i < backplane->instances_count; i++) {
        busy = fmax(busy, base_seconds(backplane->instances[i].busy_ns));
        bits = fmax(bits, backplane->instances[i].sent_bits);
    }
    outcome->metric[OUTCOME_backplane_cpu_share] = busy / window_s;
    limits_add_shared(
        cluster,
        (struct outcome_resource){
            .name = "backplane_cpu", .unit = "share", .used = busy / window_s, .limit = 1},
        OUTCOME_LOAD_PUBLISHES, outcome);
    limits_add_shared(cluster,
                      (struct outcome_resource){.name = "backplane_egress",
                                                .unit = "bit/s",
                                                .used = bits / window_s,
                                                .limit = backplane->spec->egress},
                      OUTCOME_LOAD_PUBLISHES, outcome);
    if (backplane->spec->connections != SPEC_UNLIMITED)
        outcome_add_resource(
            outcome, &(struct outcome_resource){.name = "backplane_connections",
                                                .unit = "connections",
                                                .used = connections_of(backplane),
                                                .limit = (double)backplane->spec->connections,
                                                .is_rate = true});
}

void backplane_report(const struct cluster *cluster, struct outcome *outcome) {
    const struct backplane *backplane = cluster->backplane;
    if (!backplane)
        return;
    double publishes = (double)backplane->publishes, copies = (double)backplane->copies;
    outcome->metric[OUTCOME_backplane_copies] = publishes > 0 ? copies / publishes : NAN;
    outcome->metric[OUTCOME_backplane_wasted_share] =
        copies > 0 ? (double)backplane->wasted / copies : NAN;
    if (backplane->kind->has_instances)
        report_instances(backplane, outcome);
    pending_report(cluster, outcome);
}
