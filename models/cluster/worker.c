/* A worker's loop: what is ready is taken, read and routed; then everything touched is written;
 * then the next turn.
 *
 * A turn is worked out in one event at its start. It takes what was ready at that instant, in the
 * order in which it became ready, at most turn.events of it, as epoll does. Two more events frame
 * it: one at its end, which begins the next or lets the worker sleep, and the wake-up of a sleeping
 * one. */
#include "models/cluster/node.h"

#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <stdlib.h>

void worker_init(struct node_worker *worker, struct node *node, int32_t index,
                 struct turn_file *turns) {
    *worker = (struct node_worker){.node = node, .index = index, .log = turn_log_of(turns, index)};
    worker->costs = (struct costs){node->raw_costs};
    steal_init(&worker->steal, &node->raw_costs,
               run_stream(node->run, (uint64_t)index, STEAL_WORKER, 0));
    int32_t rooms_count = node->layout->roster->rooms_count;
    worker->rooms = ARENA_NEW(&node->run->arena, (size_t)rooms_count, struct node_room);
    worker->dirty = ARENA_NEW(&node->run->arena, (size_t)rooms_count, int32_t);
    for (int32_t room = 0; room < rooms_count; room++) {
        worker->rooms[room].watch = tally_new_watch(&node->tally);
        worker->rooms[room].written_at = -1;
    }
}

void worker_fini(struct node_worker *worker) {
    free(worker->ready);
    for (int32_t room = 0; room < worker->node->layout->roster->rooms_count; room++)
        free(worker->rooms[room].gathered);
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
    run_after(worker->node->run, costs_wake_up(&worker->costs), turn, worker, 0);
}

static struct node_ready take_ready(struct node_worker *worker) {
    struct node_ready ready = worker->ready[worker->ready_first];
    worker->ready_first = (worker->ready_first + 1) & (worker->ready_max - 1);
    worker->ready_count--;
    return ready;
}

/* --- publishes on their way in --- */

static int32_t new_inbound(struct node *node, struct node_inbound inbound) {
    int32_t index = node->inbound_free;
    if (index >= 0) {
        node->inbound_free = node->inbound[index].next;
    } else {
        if (node->inbound_count == node->inbound_max) {
            node->inbound_max = node->inbound_max ? node->inbound_max * 2 : 256;
            CHECK(node->inbound_max > 0);
            node->inbound =
                realloc(node->inbound, (size_t)node->inbound_max * sizeof *node->inbound);
            CHECK(node->inbound != NULL);
        }
        index = node->inbound_count++;
    }
    inbound.next = -1;
    node->inbound[index] = inbound;
    return index;
}

static void free_inbound(struct node *node, int32_t index) {
    node->inbound[index].next = node->inbound_free;
    node->inbound_free = index;
}

static struct node_worker *worker_of(struct node *node, int32_t client) {
    return &node->workers[roster_worker(client, node->layout->workers_count)];
}

static bool is_gone(const struct node *node, int32_t client) {
    if (client >= node->layout->connections_count)
        return true;
    int32_t consumer = node->layout->consumer_of[client];
    return consumer >= 0 && node->consumers[consumer].is_closed;
}

int64_t node_recipients(const struct node *node, int32_t room) {
    int64_t count = 0;
    for (int32_t worker = 0; worker < node->layout->workers_count; worker++)
        count += layout_room(node->layout, worker, room)->members_count;
    return count;
}

static void arrive(struct node *node, const struct plan_publish *publish) {
    if (is_gone(node, publish->client))
        return;
    tally_due(&node->tally, publish->due_ns, node_recipients(node, publish->room));
    if (node->is_dead)
        return;
    int32_t client = publish->client;
    int32_t index = new_inbound(
        node, (struct node_inbound){.due_ns = publish->due_ns,
                                    .room = publish->room,
                                    .bytes = publish->bytes,
                                    .left_bytes = (int32_t)protocol_inbound_bytes(publish->bytes)});
    if (node->inbound_first[client] < 0)
        node->inbound_first[client] = index;
    else
        node->inbound[node->inbound_last[client]].next = index;
    node->inbound_last[client] = index;
    worker_read(node, client);
}

void worker_read(struct node *node, int32_t client) {
    if (node->inbound_first[client] < 0 || node->is_ready[client] ||
        throttle_is_paused(node, client))
        return;
    node->is_ready[client] = true;
    worker_make_ready(worker_of(node, client), (struct node_ready){NODE_READY_READ, client});
}

double worker_working_set(const struct node_worker *worker, int32_t room) {
    double coldest = worker->node->layout->working_set[worker->index];
    int64_t written_at = worker->rooms[room].written_at;
    double since = (double)(worker->sockets_written - written_at);
    return written_at < 0 || since > coldest ? coldest : since;
}

void worker_forget(struct node *node, int32_t client) {
    while (node->inbound_first[client] >= 0) {
        int32_t index = node->inbound_first[client];
        const struct node_inbound *inbound = &node->inbound[index];
        tally_lost(&node->tally, inbound->due_ns, node_recipients(node, inbound->room));
        node->inbound_first[client] = inbound->next;
        free_inbound(node, index);
    }
}

static void publish_due(void *target, uint64_t unused, base_ns now_ns) {
    (void)unused;
    (void)now_ns;
    struct node *node = target;
    arrive(node, &node->next_publish);
    node_start(node);
}

void node_start(struct node *node) {
    if (plan_next(&node->plan, &node->next_publish) &&
        node->next_publish.due_ns < node->tally.horizon_ns)
        run_at(node->run,
               steal_resume(&node->generator_steal, node->next_publish.due_ns + node->lateness_ns),
               publish_due, node, 0);
}

/* --- a turn --- */

static void gather(struct node_worker *worker, int32_t room_index, struct node_gathered gathered) {
    struct node_room *room = &worker->rooms[room_index];
    if (room->gathered_count == room->gathered_max) {
        room->gathered_max = room->gathered_max ? room->gathered_max * 2 : 8;
        room->gathered =
            realloc(room->gathered, (size_t)room->gathered_max * sizeof *room->gathered);
        CHECK(room->gathered != NULL && room->gathered_max > 0);
    }
    room->gathered[room->gathered_count++] = gathered;
    room->gathered_bytes += gathered.frame_bytes;
    if (!room->is_dirty) {
        room->is_dirty = true;
        worker->dirty[worker->dirty_count++] = room_index;
    }
}

static void add_to_room(struct node_worker *worker, const struct node_inbound *publish,
                        base_ns *now_ns) {
    const struct spec_node *node = worker->node->layout->node;
    *now_ns += costs_publish(&worker->costs);
    gather(
        worker, publish->room,
        (struct node_gathered){publish->due_ns, (int32_t)protocol_outbound_bytes(publish->bytes)});
    if (node->fan_out == SPEC_WRITE_AT_ONCE ||
        worker->rooms[publish->room].gathered_bytes >= node->turn.flush_bytes) {
        base_ns from_ns = *now_ns;
        fan_out_room(worker, publish->room, now_ns);
        worker->turn.write_ns += *now_ns - from_ns;
    }
}

static void handed_over(void *target, uint64_t inbound, base_ns now_ns) {
    (void)now_ns;
    worker_make_ready(target, (struct node_ready){NODE_READY_HANDED_OVER, (int32_t)inbound});
}

/* A copy of the publish for every other worker that has members of the room. */
static void hand_over(struct node_worker *worker, const struct node_inbound *publish,
                      base_ns now_ns) {
    struct node *node = worker->node;
    struct node_inbound copy = *publish; /* the pool may move */
    for (int32_t other = 0; other < node->layout->workers_count; other++)
        if (other != worker->index &&
            layout_room(node->layout, other, copy.room)->members_count > 0)
            run_at(node->run, now_ns, handed_over, &node->workers[other],
                   (uint64_t)new_inbound(node, copy));
}

/* What one read takes: of what has arrived, at most turn.read. */
static int64_t readable(const struct node *node, int32_t client) {
    int64_t budget = node->layout->node->turn.read, taken = 0;
    for (int32_t i = node->inbound_first[client]; i >= 0 && taken < budget;
         i = node->inbound[i].next) {
        int64_t left = node->inbound[i].left_bytes;
        taken += left < budget - taken ? left : budget - taken;
    }
    return taken;
}

/* A publish that has been read to its end. */
static void publish(struct node_worker *worker, int32_t client, int32_t index, base_ns *now_ns) {
    struct node *node = worker->node;
    struct node_inbound inbound = node->inbound[index];
    node->inbound_first[client] = inbound.next;
    free_inbound(node, index);
    worker->turn.publishes++;
    add_to_room(worker, &inbound, now_ns);
    hand_over(worker, &inbound, *now_ns);
    throttle_published(node, client, inbound.room, *now_ns);
}

/* The client may be closed in the middle (its own publish was one too many for it): what it has
 * sent is then gone. */
static void read_client(struct node_worker *worker, int32_t client, base_ns *now_ns) {
    struct node *node = worker->node;
    node->is_ready[client] = false;
    if (node->inbound_first[client] < 0 || throttle_is_paused(node, client))
        return;
    int64_t taken = readable(node, client);
    int32_t room = node->inbound[node->inbound_first[client]].room;
    *now_ns += costs_read(&worker->costs, taken, worker_working_set(worker, room));
    worker->turn.reads++;
    worker->turn.read_bytes += taken;
    while (taken > 0 && node->inbound_first[client] >= 0) {
        int32_t index = node->inbound_first[client];
        struct node_inbound *inbound = &node->inbound[index];
        int32_t part = inbound->left_bytes < taken ? inbound->left_bytes : (int32_t)taken;
        inbound->left_bytes -= part;
        taken -= part;
        if (inbound->left_bytes == 0)
            publish(worker, client, index, now_ns);
    }
    worker_read(node, client);
}

static void handle(struct node_worker *worker, struct node_ready ready, base_ns *now_ns) {
    base_ns from_ns = *now_ns;
    worker->turn.ready_events += ready.kind != NODE_READY_DEADLINE; /* a timer */
    switch (ready.kind) {
    case NODE_READY_READ:
        read_client(worker, ready.index, now_ns);
        break;
    case NODE_READY_HANDED_OVER: {
        struct node_inbound publish = worker->node->inbound[ready.index];
        free_inbound(worker->node, ready.index);
        add_to_room(worker, &publish, now_ns);
        break;
    }
    case NODE_READY_WRITABLE:
        slow_resume(worker, ready.index, now_ns);
        worker->turn.write_ns += *now_ns - from_ns;
        break;
    case NODE_READY_DEADLINE:
        slow_deadline(worker, ready.index, now_ns);
        break;
    }
}

static void turn_over(void *target, uint64_t unused, base_ns now_ns) {
    struct node_worker *worker = target;
    if (worker->ready_count > 0 && !worker->node->is_dead)
        turn(worker, unused, now_ns);
    else
        worker->is_busy = worker->node->is_dead; /* a dead worker is never woken */
}

void worker_count_writes(struct node_worker *worker, base_ns now_ns, int64_t writes,
                         int64_t bytes) {
    worker->turn.writes += writes;
    worker->turn.bytes += bytes;
    if (now_ns < worker->node->window_start_ns || now_ns >= worker->node->window_end_ns)
        return;
    worker->writes += writes;
    worker->written_bytes += bytes;
}

static void count_turn(struct node_worker *worker, base_ns start_ns, base_ns end_ns) {
    const struct node *node = worker->node;
    base_ns from = start_ns > node->window_start_ns ? start_ns : node->window_start_ns;
    base_ns to = end_ns < node->window_end_ns ? end_ns : node->window_end_ns;
    if (to <= from)
        return;
    worker->busy_ns += to - from;
    worker->turns++;
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
    fan_out_all(worker, now_ns);
    worker->turn.write_ns += *now_ns - from_ns;
}

static void turn(void *target, uint64_t unused, base_ns start_ns) {
    (void)unused;
    struct node_worker *worker = target;
    const struct spec_turn *bounds = &worker->node->layout->node->turn;
    base_ns resumed_ns = steal_resume(&worker->steal, start_ns);
    if (resumed_ns > start_ns) { /* what becomes ready meanwhile is in this turn */
        run_at(worker->node->run, resumed_ns, turn, worker, 0);
        return;
    }
    base_ns loop_ns = costs_turn(&worker->costs, worker->turn.writes);
    base_ns now_ns = start_ns + loop_ns;
    base_ns flushed_ns = start_ns;
    worker->turn = (struct turn){.loop_ns = loop_ns};
    int64_t taken = worker->ready_count < bounds->events ? worker->ready_count : bounds->events;
    for (int64_t i = 0; i < taken && !worker->node->is_dead; i++) {
        handle(worker, take_ready(worker), &now_ns);
        now_ns = steal_work(&worker->steal, now_ns);
        if (now_ns - flushed_ns >= bounds->flush_after) {
            write_all(worker, &now_ns);
            flushed_ns = now_ns;
        }
    }
    write_all(worker, &now_ns);
    count_turn(worker, start_ns, now_ns);
    if (worker->log.turns != NULL)
        record_turn(worker, start_ns, now_ns);
    fingerprint_u64(&worker->node->run->fingerprint, (uint64_t)now_ns);
    run_at(worker->node->run, now_ns, turn_over, worker, 0);
}
