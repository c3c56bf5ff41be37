/* A worker's loop: what is ready is taken, read and routed; then everything touched is written;
 * then the next turn.
 *
 * A turn is worked out in one event at its start. It takes what was ready at that instant, in the
 * order in which it became ready, at most turn.events of it, as epoll does. Two more events frame
 * it: one at its end, which begins the next or lets the worker sleep, and the wake-up of a sleeping
 * one. */
#include "models/cluster/attendance.h"
#include "models/cluster/backplane.h"
#include "models/cluster/churn.h"
#include "models/cluster/held.h"
#include "models/cluster/unread.h"
#include "models/workload/feed.h"
#include "models/workload/protocol.h"
#include "models/workload/wire.h"
#include "sim/base/check.h"

#include <stdlib.h>

void worker_init(struct node_worker *worker, struct cluster *cluster, int32_t index,
                 struct turn_file *turns) {
    const struct layout *layout = cluster->layout;
    *worker = (struct node_worker){.cluster = cluster,
                                   .node = &cluster->nodes[layout->worker_node[index]],
                                   .index = index,
                                   .log = turn_log_of(turns, index),
                                   .inbox_first = -1,
                                   .inbox_last = -1};
    worker->costs = costs_of(&cluster->raw_costs, worker->node->spec);
    const struct layout_node *place = worker->node->place; /* whose draws stay when others come */
    steal_init(&worker->steal, &cluster->raw_costs,
               run_stream(cluster->run, (uint64_t)(index - place->workers_first), STEAL_WORKER,
                          place->entity));
    steal_add_pauses(&worker->steal, &cluster->raw_costs,
                     run_stream(cluster->run, 0, STEAL_RUNTIME, place->entity));
    steal_add_spells(&worker->steal, &cluster->raw_costs,
                     run_stream(cluster->run, (uint64_t)(index - place->workers_first), STEAL_SPELL,
                                place->entity));
    int32_t slots_count = layout_slots_count(layout, index);
    worker->rooms = ARENA_NEW(&cluster->run->arena, (size_t)slots_count, struct node_room);
    worker->dirty = ARENA_NEW(&cluster->run->arena, (size_t)slots_count, int32_t);
    for (int32_t slot = 0; slot < slots_count; slot++) {
        struct node_room *room = &worker->rooms[slot];
        room->watch = tally_new_watch(&cluster->tally);
        room->written_at = -1;
        room->gathered = &room->only;
        room->gathered_max = 1;
    }
    held_init(worker);
}

void worker_fini(struct node_worker *worker) {
    free(worker->ready);
    held_fini(worker);
    int32_t slots_count = layout_slots_count(worker->cluster->layout, worker->index);
    for (int32_t slot = 0; slot < slots_count; slot++)
        if (worker->rooms[slot].gathered != &worker->rooms[slot].only)
            free(worker->rooms[slot].gathered);
}

/* --- what is ready --- */

static void grow_ready(struct node_worker *worker) {
    int32_t max = worker->ready_max ? worker->ready_max * 2 : 256;
    struct node_ready *ready = malloc((size_t)max * sizeof *ready);
    CHECK(ready != NULL && max > 0);
    for (int32_t i = 0; i < worker->ready_count; i++)
        ready[i] = worker->ready[(worker->ready_first + i) & (worker->ready_max - 1)];
    free(worker->ready);
    worker->ready = ready;
    worker->ready_max = max;
    worker->ready_first = 0;
}

static void turn(void *target, uint64_t unused, base_ns now_ns);

void worker_make_ready(struct node_worker *worker, struct node_ready ready) {
    if (worker->ready_count == worker->ready_max)
        grow_ready(worker);
    worker->ready[(worker->ready_first + worker->ready_count++) & (worker->ready_max - 1)] = ready;
    if (worker->is_busy || worker->node->is_dead)
        return;
    worker->is_busy = true;
    struct cluster *cluster = worker->cluster;
    run_at(cluster->run,
           cluster_runs_ns(cluster, cluster->run->now_ns, costs_wake_up(&worker->costs)), turn,
           worker, worker->life);
}

static struct node_ready take_ready(struct node_worker *worker) {
    struct node_ready ready = worker->ready[worker->ready_first];
    worker->ready_first = (worker->ready_first + 1) & (worker->ready_max - 1);
    worker->ready_count--;
    return ready;
}

/* --- publishes on their way in --- */

static struct node_worker *worker_of(struct cluster *cluster, int32_t client) {
    return &cluster->workers[cluster->layout->worker_of[client]];
}

static bool is_gone(const struct cluster *cluster, int32_t client) {
    if (cluster->layout->worker_of[client] < 0)
        return true;
    int32_t consumer = cluster->layout->consumer_of[client];
    return consumer >= 0 && cluster->consumers[consumer].is_closed;
}

int64_t cluster_recipients(const struct cluster *cluster, int32_t room) {
    const struct layout *layout = cluster->layout;
    if (layout->members_counts != NULL)
        return layout->members_counts[room];
    int64_t count = 0;
    for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++)
        count +=
            layout_room(layout, layout->room_at[i].worker, layout->room_at[i].slot)->members_count;
    return count;
}

base_ns cluster_expires_ns(const struct cluster *cluster, int32_t signal, base_ns due_ns) {
    return due_ns + cluster->layout->scenario->traffic[signal - 1].ephemeral.expires;
}

static void receive(struct cluster *cluster, int32_t client, struct node_inbound inbound) {
    int32_t index = worker_new_inbound(cluster, inbound);
    if (cluster->inbound_first[client] < 0)
        cluster->inbound_first[client] = index;
    else
        cluster->inbound[cluster->inbound_last[client]].next = index;
    cluster->inbound_last[client] = index;
    worker_read(cluster, client);
}

bool worker_receive(struct cluster *cluster, int32_t client, struct node_inbound inbound) {
    if (is_gone(cluster, client) || worker_of(cluster, client)->node->is_dead)
        return false;
    receive(cluster, client, inbound);
    return true;
}

/* Whether anybody is to hear it: somebody listens, and the room's feed does not withhold it. */
static bool is_taken(const struct cluster *cluster, const struct plan_publish *publish) {
    const struct spec_feed *feed = &cluster->nodes[0].spec->feed; /* the same on all of them */
    if (!publish->is_heard || feed->above == SPEC_UNLIMITED)
        return publish->is_heard;
    struct protocol_stamp stamp = {publish->due_ns, (uint32_t)publish->number};
    return feed_takes_publish(feed, cluster_recipients(cluster, publish->room), publish->room,
                              stamp, publish->bytes);
}

static void arrive(struct cluster *cluster, const struct plan_publish *publish) {
    bool is_due = is_taken(cluster, publish);
    bool is_sent = cluster->churn ? churn_sends(cluster->churn, publish, is_due)
                                  : !is_gone(cluster, publish->client);
    if (!is_sent)
        return;
    int32_t client = publish->client;
    if (is_due)
        tally_due(&cluster->tally, publish->due_ns, cluster_recipients(cluster, publish->room));
    else if (publish->is_heard)
        tally_withheld(&cluster->tally, publish->due_ns,
                       cluster_recipients(cluster, publish->room));
    if (worker_of(cluster, client)->node->is_dead)
        return;
    int64_t packed_bytes = costs_packed_bytes(&worker_of(cluster, client)->costs, publish->bytes);
    bool is_ephemeral = cluster->layout->scenario->traffic[publish->traffic].has_ephemeral;
    receive(cluster, client,
            (struct node_inbound){.due_ns = publish->due_ns,
                                  .room = publish->room,
                                  .client = client,
                                  .origin = is_due ? cluster->layout->node_of[client] : -1,
                                  .bytes = publish->bytes,
                                  .signal = is_ephemeral ? publish->traffic + 1 : 0,
                                  .left_bytes = (int32_t)protocol_inbound_bytes(packed_bytes)});
}

void worker_read(struct cluster *cluster, int32_t client) {
    if (cluster->inbound_first[client] < 0 || cluster->is_ready[client] ||
        throttle_is_paused(cluster, client))
        return;
    cluster->is_ready[client] = true;
    worker_make_ready(worker_of(cluster, client), (struct node_ready){NODE_READY_READ, client});
}

double worker_working_set(const struct node_worker *worker, int32_t slot) {
    double coldest = worker->cluster->layout->working_set[worker->index];
    int64_t written_at = worker->rooms[slot].written_at;
    double since = (double)(worker->sockets_written - written_at);
    return written_at < 0 || since > coldest ? coldest : since;
}

void worker_forget(struct cluster *cluster, int32_t client) {
    while (cluster->inbound_first[client] >= 0) {
        int32_t index = cluster->inbound_first[client];
        const struct node_inbound *inbound = &cluster->inbound[index];
        if (inbound->origin >= 0 && cluster->churn)
            loss_in_room(cluster, inbound->room, inbound->due_ns,
                         worker_of(cluster, client)->node->is_dead ? MEMBERSHIP_NODE
                                                                   : MEMBERSHIP_CONNECTION);
        else if (inbound->origin >= 0)
            tally_lost(&cluster->tally, inbound->due_ns,
                       cluster_recipients(cluster, inbound->room));
        cluster->inbound_first[client] = inbound->next;
        worker_free_inbound(cluster, index);
    }
}

static void publish_due(void *target, uint64_t unused, base_ns now_ns) {
    (void)unused;
    (void)now_ns;
    struct cluster *cluster = target;
    arrive(cluster, &cluster->next_publish);
    cluster_start(cluster);
}

void cluster_start(struct cluster *cluster) {
    if (plan_next(&cluster->plan, &cluster->next_publish) &&
        cluster->next_publish.due_ns < cluster->tally.horizon_ns)
        run_at(cluster->run,
               steal_resume(&cluster->generator_steal,
                            cluster->next_publish.due_ns + cluster->lateness_ns),
               publish_due, cluster, 0);
}

/* --- a turn --- */

static void grow_gathered(struct node_room *room) {
    bool is_own = room->gathered == &room->only;
    room->gathered_max *= 8;
    CHECK(room->gathered_max > 0);
    struct node_gathered *gathered =
        realloc(is_own ? NULL : room->gathered, (size_t)room->gathered_max * sizeof *gathered);
    CHECK(gathered != NULL);
    if (is_own)
        gathered[0] = room->only;
    room->gathered = gathered;
}

static void gather(struct node_worker *worker, int32_t slot, struct node_gathered gathered) {
    struct node_room *room = &worker->rooms[slot];
    if (room->gathered_count == room->gathered_max)
        grow_gathered(room);
    room->gathered[room->gathered_count++] = gathered;
    room->gathered_bytes += gathered.frame_bytes;
}

void worker_make_dirty(struct node_worker *worker, int32_t slot) {
    struct node_room *room = &worker->rooms[slot];
    if (room->is_dirty)
        return;
    room->is_dirty = true;
    worker->dirty[worker->dirty_count++] = slot;
}

/* Too old for the members that the worker has: they are not written. */
static void expire(struct node_worker *worker, int32_t slot, base_ns due_ns) {
    struct cluster *cluster = worker->cluster;
    if (cluster->churn)
        loss_expired(cluster, worker->index, slot, due_ns);
    else
        tally_expired(&cluster->tally, due_ns,
                      layout_room(cluster->layout, worker->index, slot)->members_count);
}

static void add_to_room(struct node_worker *worker, const struct node_inbound *publish,
                        base_ns *now_ns) {
    const struct spec_node *node = worker->node->spec;
    int32_t slot = layout_slot(worker->cluster->layout, worker->index, publish->room);
    *now_ns += costs_publish(&worker->costs);
    if (worker->cluster->unread && publish->signal == 0)
        unread_note(worker, publish, *now_ns);
    if (slot < 0)
        return; /* all that there is here are members who get counts */
    if (publish->signal > 0 &&
        cluster_expires_ns(worker->cluster, publish->signal, publish->due_ns) < *now_ns) {
        expire(worker, slot, publish->due_ns);
        return;
    }
    *now_ns += costs_pack(&worker->costs, publish->bytes);
    int64_t bytes = protocol_outbound_bytes(costs_packed_bytes(&worker->costs, publish->bytes));
    gather(worker, slot, (struct node_gathered){publish->due_ns, (int32_t)bytes, publish->signal});
    if (worker->held != NULL && held_add(worker, slot, *now_ns))
        return;
    worker_make_dirty(worker, slot);
    if (node->fan_out == SPEC_WRITE_AT_ONCE ||
        worker->rooms[slot].gathered_bytes >= node->turn.flush_bytes) {
        base_ns from_ns = *now_ns;
        fan_out_room(worker, slot, now_ns);
        worker->turn.write_ns += *now_ns - from_ns;
    }
}

/* What one read takes: of what has arrived, at most turn.read. */
static int64_t readable(const struct node_worker *worker, int32_t client) {
    const struct cluster *cluster = worker->cluster;
    int64_t budget = worker->node->spec->turn.read, taken = 0;
    for (int32_t i = cluster->inbound_first[client]; i >= 0 && taken < budget;
         i = cluster->inbound[i].next) {
        int64_t left = cluster->inbound[i].left_bytes;
        taken += left < budget - taken ? left : budget - taken;
    }
    return taken;
}

static void route(struct node_worker *worker, const struct node_inbound *publish, base_ns *now_ns) {
    add_to_room(worker, publish, now_ns);
    worker_hand_over(worker, publish, *now_ns);
    backplane_publish(worker, publish, now_ns);
    throttle_published(worker->cluster, publish->client, publish->room, *now_ns);
}

void worker_lose_looked_up(struct cluster *cluster, int32_t index) {
    struct node_inbound publish = cluster->inbound[index];
    worker_free_inbound(cluster, index);
    if (cluster->churn)
        loss_in_room(cluster, publish.room, publish.due_ns, MEMBERSHIP_NODE);
}

static void looked_up(void *target, uint64_t inbound, base_ns now_ns) {
    (void)now_ns;
    struct node_worker *worker = target;
    if (worker->node->is_dead)
        worker_lose_looked_up(worker->cluster, (int32_t)inbound);
    else
        worker_make_ready(worker, (struct node_ready){NODE_READY_LOOKED_UP, (int32_t)inbound});
}

/* A publish that has been read to its end. */
static void publish(struct node_worker *worker, int32_t client, int32_t index, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct node_inbound inbound = cluster->inbound[index];
    cluster->inbound_first[client] = inbound.next;
    worker_free_inbound(cluster, index);
    worker->turn.publishes++;
    if (inbound.origin < 0) {
        *now_ns += costs_publish(&worker->costs);
        if (inbound.kind == NODE_ATTENDANCE)
            attendance_obey(worker, client, &inbound, now_ns);
        return;
    }
    if (worker->node->spec->session_state == SPEC_LOCAL_SESSION) {
        route(worker, &inbound, now_ns);
        return;
    }
    *now_ns += costs_lookup(&worker->costs);
    run_at(cluster->run, *now_ns + costs_lookup_wait(&worker->costs), looked_up, worker,
           (uint64_t)worker_new_inbound(cluster, inbound));
}

/* Whether what became ready before this turn is still about the worker's own connection: the client
 * may have a new one elsewhere since. */
static bool has_client(const struct node_worker *worker, int32_t client) {
    const struct cluster *cluster = worker->cluster;
    return !cluster->churn || cluster->layout->worker_of[client] == worker->index;
}

/* The client may be closed in the middle (its own publish was one too many for it): what it has
 * sent is then gone. */
static void read_client(struct node_worker *worker, int32_t client, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    if (!has_client(worker, client))
        return;
    cluster->is_ready[client] = false;
    if (cluster->inbound_first[client] < 0 || throttle_is_paused(cluster, client))
        return;
    int64_t taken = readable(worker, client);
    int32_t room = cluster->inbound[cluster->inbound_first[client]].room;
    int32_t slot = layout_slot(cluster->layout, worker->index, room);
    *now_ns += costs_read(&worker->costs, taken, worker_working_set(worker, slot)) +
               costs_unpack(&worker->costs, taken);
    worker->turn.reads++;
    worker->turn.read_bytes += taken;
    while (taken > 0 && cluster->inbound_first[client] >= 0) {
        int32_t index = cluster->inbound_first[client];
        struct node_inbound *inbound = &cluster->inbound[index];
        int32_t part = inbound->left_bytes < taken ? inbound->left_bytes : (int32_t)taken;
        inbound->left_bytes -= part;
        taken -= part;
        if (inbound->left_bytes == 0)
            publish(worker, client, index, now_ns);
    }
    worker_read(cluster, client);
}

/* Whether the worker has members of the room, or those who get counts of it. */
static bool has_members(const struct node_worker *worker, int32_t room) {
    const struct cluster *cluster = worker->cluster;
    int32_t told = cluster->unread ? unread_room(cluster, room) : -1;
    return layout_slot(cluster->layout, worker->index, room) >= 0 ||
           (told >= 0 && layout_slot(cluster->layout, worker->index, told) >= 0);
}

static void deliver(struct node_worker *worker, struct node_inbound publish, base_ns *now_ns) {
    bool is_echo = publish.origin == worker->cluster->layout->worker_node[worker->index];
    bool is_late = publish.deadline_ns > 0 && *now_ns > publish.deadline_ns;
    bool is_of_use = !is_echo && !publish.is_duplicate && !is_late;
    if (is_of_use && has_members(worker, publish.room))
        add_to_room(worker, &publish, now_ns);
    else
        *now_ns += costs_publish(&worker->costs);
    if (is_of_use)
        worker_hand_over(worker, &publish, *now_ns);
    else if (!is_echo && !publish.is_duplicate)
        loss_within(worker->cluster, worker->cluster->layout->worker_node[worker->index],
                    publish.room, publish.due_ns);
}

/* Of what other nodes' publishes have arrived, whole messages until turn.read is reached: a socket
 * that is always warm. What the node itself sent, and what nobody here is a member of, has been
 * read for nothing. */
static void read_backplane(struct node_worker *worker, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    int64_t taken = 0;
    int32_t index = worker->inbox_first, end = index;
    for (; end >= 0 && taken < worker->node->spec->turn.read; end = cluster->inbound[end].next)
        taken += protocol_outbound_bytes(cluster->inbound[end].bytes);
    *now_ns += costs_read(&worker->costs, taken, 0);
    worker->turn.reads++;
    worker->turn.read_bytes += taken;
    while (index != end) {
        struct node_inbound publish = cluster->inbound[index];
        worker_free_inbound(cluster, index);
        index = publish.next;
        worker->turn.publishes++;
        deliver(worker, publish, now_ns);
    }
    worker->inbox_first = end;
    if (end >= 0)
        worker_make_ready(worker, (struct node_ready){NODE_READY_BACKPLANE, 0});
}

static void handle(struct node_worker *worker, struct node_ready ready, base_ns *now_ns) {
    base_ns from_ns = *now_ns;
    worker->turn.ready_events += /* the others are timers */
        ready.kind != NODE_READY_DEADLINE && ready.kind != NODE_READY_HELD &&
        ready.kind != NODE_READY_AGAIN && ready.kind != NODE_READY_UNREAD;
    switch (ready.kind) {
    case NODE_READY_READ:
        read_client(worker, ready.index, now_ns);
        break;
    case NODE_READY_HANDED_OVER: {
        struct node_inbound publish = worker->cluster->inbound[ready.index];
        worker_free_inbound(worker->cluster, ready.index);
        if (publish.kind == NODE_NOTICE)
            attendance_notice(worker, &publish, now_ns);
        add_to_room(worker, &publish, now_ns);
        break;
    }
    case NODE_READY_LOOKED_UP: {
        struct node_inbound publish = worker->cluster->inbound[ready.index];
        worker_free_inbound(worker->cluster, ready.index);
        route(worker, &publish, now_ns);
        break;
    }
    case NODE_READY_BACKPLANE:
        read_backplane(worker, now_ns);
        break;
    case NODE_READY_AGAIN:
        backplane_send_again(worker, ready.index, *now_ns);
        break;
    case NODE_READY_WRITABLE:
        if (has_client(worker, worker->cluster->consumers[ready.index].client))
            slow_resume(worker, ready.index, now_ns);
        worker->turn.write_ns += *now_ns - from_ns;
        break;
    case NODE_READY_DEADLINE:
        if (has_client(worker, worker->cluster->consumers[ready.index].client))
            slow_deadline(worker, ready.index, now_ns);
        break;
    case NODE_READY_ACCEPT:
        handshake_accept(worker, ready.index, now_ns);
        break;
    case NODE_READY_CLOSE:
        churn_say_goodbye(worker, ready.index, now_ns);
        break;
    case NODE_READY_UNREAD:
        gather(worker, ready.index, unread_tell(worker, ready.index, now_ns));
        worker_make_dirty(worker, ready.index);
        break;
    case NODE_READY_HELD: /* written with what else is due when the turn ends */
        break;
    case NODE_READY_PRESENCE:
        attendance_work(worker, ready.index, now_ns);
        break;
    }
}

static void turn_over(void *target, uint64_t life, base_ns now_ns) {
    struct node_worker *worker = target;
    if (life != worker->life)
        return;
    if (worker->cluster->churn)
        churn_turn_over(worker, now_ns);
    if (worker->ready_count > 0 && !worker->node->is_dead)
        turn(worker, life, now_ns);
    else
        worker->is_busy = worker->node->is_dead; /* a dead worker is never woken */
}

void worker_count_writes(struct node_worker *worker, base_ns now_ns, int64_t writes,
                         int64_t bytes) {
    bytes += costs_record_bytes(&worker->costs, writes, bytes);
    worker_count_link_writes(worker, now_ns, writes, bytes);
}

void worker_count_link_writes(struct node_worker *worker, base_ns now_ns, int64_t writes,
                              int64_t bytes) {
    worker->turn.writes += writes;
    worker->turn.bytes += bytes;
    if (now_ns < worker->cluster->window_start_ns || now_ns >= worker->cluster->window_end_ns)
        return;
    worker->writes += writes;
    worker->written_bytes += bytes;
    worker->written_packets +=
        writes > 1 ? writes * wire_packets(bytes / writes) : wire_packets(bytes);
}

static void count_turn(struct node_worker *worker, base_ns start_ns, base_ns end_ns) {
    base_ns within_ns = cluster_within_window(worker->cluster, start_ns, end_ns);
    worker->busy_ns += within_ns;
    worker->turns += within_ns > 0;
}

static void record_turn(struct node_worker *worker, base_ns start_ns, base_ns end_ns) {
    struct turn *turn = &worker->turn;
    turn->start_ns = start_ns;
    turn->idle_ns = start_ns - worker->last_turn_end_ns;
    turn->took_ns = end_ns - start_ns;
    turn->read_ns = turn->took_ns - turn->loop_ns - turn->write_ns;
    turn_log_add(&worker->log, turn);
    worker->last_turn_end_ns = end_ns;
}

static void write_all(struct node_worker *worker, base_ns *now_ns) {
    base_ns from_ns = *now_ns;
    if (worker->held != NULL)
        held_end_due(worker, *now_ns);
    backplane_flush(worker, now_ns);
    fan_out_all(worker, now_ns);
    worker->turn.write_ns += *now_ns - from_ns;
}

static void turn(void *target, uint64_t life, base_ns start_ns) {
    struct node_worker *worker = target;
    if (life != worker->life)
        return;
    const struct spec_turn *bounds = &worker->node->spec->turn;
    base_ns resumed_ns = steal_resume(&worker->steal, start_ns);
    if (cluster_is_occupied(worker->cluster, resumed_ns))
        resumed_ns = cluster_runs_ns(worker->cluster, resumed_ns, 0);
    if (resumed_ns > start_ns) { /* what becomes ready meanwhile is in this turn */
        run_at(worker->cluster->run, resumed_ns, turn, worker, life);
        return;
    }
    base_ns loop_ns = costs_turn(&worker->costs, worker->turn.writes);
    base_ns now_ns = start_ns + loop_ns;
    base_ns flushed_ns = start_ns;
    worker->turn = (struct turn){.loop_ns = loop_ns};
    int64_t taken = worker->ready_count < bounds->events ? worker->ready_count : bounds->events;
    for (int64_t i = 0; i < taken && !worker->node->is_dead && now_ns < worker->node->dies_at_ns;
         i++) {
        handle(worker, take_ready(worker), &now_ns);
        now_ns = steal_work(&worker->steal, now_ns);
        if (now_ns - flushed_ns >= bounds->flush_after) {
            write_all(worker, &now_ns);
            flushed_ns = now_ns;
        }
    }
    write_all(worker, &now_ns);
    cluster_take_processor(worker->cluster, now_ns);
    count_turn(worker, start_ns, now_ns);
    if (worker->log.turns != NULL)
        record_turn(worker, start_ns, now_ns);
    fingerprint_u64(&worker->cluster->run->fingerprint, (uint64_t)now_ns);
    run_at(worker->cluster->run, now_ns, turn_over, worker, life);
}
