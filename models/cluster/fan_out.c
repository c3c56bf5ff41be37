/* From gathered publishes to written sockets.
 *
 * A burst writes a room's members in joining order. Between two tracked members everybody reads at
 * once and costs the same, so their deliveries are equally spaced: one range per publish, whatever
 * the number of members. A tracked member is written on its own, at its own place in the burst, and
 * may make the burst wait (policy `blocking`). Where a client may be in several rooms, it is
 * written once per flush with what all of them gathered. */
#include "models/cluster/node.h"

#include "sim/base/check.h"

static const base_ns BLOCKED_FOR_MAX_NS =
    60 * BASE_NS_PER_S; /* the gateway's own bound on a blocking write */

/* --- one slow consumer
 * ----------------------------------------------------------------------------- */

static void writable(void *target, uint64_t consumer, base_ns now_ns) {
    (void)now_ns;
    worker_make_ready(target, (struct node_ready){NODE_READY_WRITABLE, (int32_t)consumer});
}

static void deadline(void *target, uint64_t consumer, base_ns now_ns) {
    (void)now_ns;
    worker_make_ready(target, (struct node_ready){NODE_READY_DEADLINE, (int32_t)consumer});
}

static void set_writable_event(struct node_worker *worker, int32_t index, base_ns now_ns) {
    struct consumer *consumer = &worker->node->consumers[index];
    run_cancel(worker->node->run, consumer->writable_event);
    consumer->writable_event = 0;
    if (consumer->is_blocked)
        consumer->writable_event = run_at(worker->node->run, consumer_writable_at(consumer, now_ns),
                                          writable, worker, (uint64_t)index);
}

static void set_deadline_event(struct node_worker *worker, int32_t index, base_ns now_ns) {
    struct consumer *consumer = &worker->node->consumers[index];
    run_cancel(worker->node->run, consumer->deadline_event);
    consumer->deadline_event = 0;
    base_ns at_ns = slow_consumer_deadline(worker->node->rules, &consumer->queue);
    if (consumer->is_closed || at_ns == BASE_NS_MAX)
        return;
    consumer->deadline_event = run_at(worker->node->run, at_ns > now_ns ? at_ns : now_ns, deadline,
                                      worker, (uint64_t)index);
}

static void unthrottle(struct node_worker *worker, struct consumer *consumer, base_ns now_ns);

/* The queue has changed: its counts, its times, what waits for it, and the node's memory. */
static void queue_changed(struct node_worker *worker, struct consumer *consumer, int64_t sent_bytes,
                          base_ns now_ns) {
    struct node *node = worker->node;
    int64_t before = consumer->queue.bytes;
    consumer_count_queue(consumer);
    slow_consumer_update(node->rules, &consumer->queue, sent_bytes, now_ns);
    node->counts.queued_bytes += consumer->queue.bytes - before;
    if (node->counts.queued_bytes > node->counts.queued_bytes_max)
        node->counts.queued_bytes_max = node->counts.queued_bytes;
    if (consumer->is_throttling && consumer->queue.bytes <= slow_consumer_resume_bytes(node->rules))
        unthrottle(worker, consumer, now_ns);
    double memory = (double)node->memory_fixed_bytes +
                    node->raw_costs.value[COST_queued_user] * (double)node->counts.queued_bytes +
                    node->raw_costs.value[COST_queued_kernel] *
                        (double)(node->counts.blocked_count * consumer->capacity_bytes);
    if (node->layout->node->memory != SPEC_UNLIMITED && memory > (double)node->layout->node->memory)
        node->is_dead = true;
}

static void set_blocked(struct node_worker *worker, struct consumer *consumer, bool is_blocked) {
    worker->node->counts.blocked_count += (int64_t)is_blocked - (int64_t)consumer->is_blocked;
    consumer->is_blocked = is_blocked;
}

static void close_consumer(struct node_worker *worker, int32_t index,
                           enum slow_consumer_reason reason, base_ns now_ns) {
    struct node *node = worker->node;
    struct consumer *consumer = &node->consumers[index];
    set_blocked(worker, consumer, false);
    consumer_close(consumer, &node->tally);
    node->counts.closed_by_reason[reason]++;
    queue_changed(worker, consumer, 0, now_ns);
    set_writable_event(worker, index, now_ns);
    set_deadline_event(worker, index, now_ns);
}

/* --- throttling
 * ------------------------------------------------------------------------------------ */

static void throttle(struct node_worker *worker, struct consumer *consumer) {
    const struct roster *roster = worker->node->layout->roster;
    if (consumer->is_throttling)
        return;
    consumer->is_throttling = true;
    for (int32_t i = roster->client_first[consumer->client];
         i < roster->client_first[consumer->client + 1]; i++)
        worker->rooms[roster->client_rooms[i]].throttlers_count++;
}

static void read_paused_again(struct node_worker *worker, struct node_room *room, base_ns now_ns) {
    struct node *node = worker->node;
    while (room->paused_first >= 0) {
        int32_t client = room->paused_first;
        room->paused_first = node->paused_next[client];
        node->paused_next[client] = NODE_NOT_PAUSED;
        if (--node->counts.paused_count == 0)
            node->counts.paused_ns += now_ns - node->counts.paused_since_ns;
        if (node->inbound_first[client] >= 0)
            worker_make_ready(worker, (struct node_ready){NODE_READY_READ, client});
    }
}

static void unthrottle(struct node_worker *worker, struct consumer *consumer, base_ns now_ns) {
    const struct roster *roster = worker->node->layout->roster;
    consumer->is_throttling = false;
    for (int32_t i = roster->client_first[consumer->client];
         i < roster->client_first[consumer->client + 1]; i++) {
        struct node_room *room = &worker->rooms[roster->client_rooms[i]];
        if (--room->throttlers_count == 0)
            read_paused_again(worker, room, now_ns);
    }
}

/* --- what the kernel did not take
 * ------------------------------------------------------------------ */

static void drop(struct node *node, const struct consumer_message *message, int64_t *counter) {
    (*counter)++;
    tally_lost(&node->tally, message->due_ns, 1);
}

/* The worker itself waits until the kernel has taken everything: everybody else waits with it. */
static void block(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct consumer *consumer = &worker->node->consumers[index];
    base_ns give_up_ns = *now_ns + BLOCKED_FOR_MAX_NS;
    while (consumer->queued_end > consumer->kernel_end) {
        base_ns at_ns = consumer_room_at(consumer, *now_ns);
        *now_ns = at_ns < give_up_ns ? at_ns : give_up_ns;
        consumer_settle(consumer, *now_ns, &worker->node->tally, worker->node->look_ns);
        if (at_ns > give_up_ns) {
            close_consumer(worker, index, SLOW_REASON_WRITE_DEADLINE, *now_ns);
            return;
        }
        queue_changed(worker, consumer, consumer_push(consumer, *now_ns), *now_ns);
    }
    set_blocked(worker, consumer, false);
}

static void enqueue(struct node_worker *worker, struct consumer *consumer,
                    const struct consumer_message *message, base_ns now_ns) {
    consumer_append(consumer, message);
    queue_changed(worker, consumer, 0, now_ns);
}

/* Replaces what is queued of the same room; without anything to replace, the newest goes. */
static void conflate(struct node_worker *worker, struct consumer *consumer,
                     const struct consumer_message *message, base_ns now_ns) {
    struct node *node = worker->node;
    struct consumer_message old;
    bool has_replaced = false;
    while (consumer_drop_oldest(consumer, message->room, &old)) {
        drop(node, &old, &node->counts.conflated);
        has_replaced = true;
    }
    if (has_replaced)
        enqueue(worker, consumer, message, now_ns);
    else
        drop(node, message, &node->counts.dropped);
}

/* Asks the one decision that both worlds share until it has been carried out. */
static void decide(struct node_worker *worker, int32_t index,
                   const struct consumer_message *message, base_ns *now_ns) {
    struct node *node = worker->node;
    struct consumer *consumer = &node->consumers[index];
    struct consumer_message old;
    for (;;) {
        struct slow_consumer_verdict verdict =
            slow_consumer_decide(node->rules, &consumer->queue, message->bytes, *now_ns);
        switch (verdict.action) {
        case SLOW_QUEUE:
            enqueue(worker, consumer, message, *now_ns);
            return;
        case SLOW_DROP_NEWEST:
            drop(node, message, &node->counts.dropped);
            return;
        case SLOW_DROP_OLDEST:
            if (!consumer_drop_oldest(consumer, -1, &old)) {
                drop(node, message, &node->counts.dropped);
                return;
            }
            drop(node, &old, &node->counts.dropped);
            queue_changed(worker, consumer, 0, *now_ns);
            continue;
        case SLOW_CONFLATE:
            conflate(worker, consumer, message, *now_ns);
            return;
        case SLOW_THROTTLE:
            enqueue(worker, consumer, message, *now_ns);
            throttle(worker, consumer);
            return;
        case SLOW_BLOCK:
            enqueue(worker, consumer, message, *now_ns);
            block(worker, index, now_ns);
            return;
        case SLOW_CLOSE:
            tally_lost(&node->tally, message->due_ns, 1);
            close_consumer(worker, index, verdict.reason, *now_ns);
            return;
        }
    }
}

/* One message, when the socket's write has been made at *now_ns. */
static void offer(struct node_worker *worker, int32_t index, const struct consumer_message *message,
                  base_ns *now_ns) {
    struct consumer *consumer = &worker->node->consumers[index];
    if (consumer->is_closed) {
        tally_lost(&worker->node->tally, message->due_ns, 1);
        return;
    }
    if (!consumer->is_blocked && consumer_level(consumer, *now_ns) < consumer->capacity_bytes) {
        consumer_append(consumer, message);
        int64_t taken = consumer_push(consumer, *now_ns);
        if (consumer->queued_end == consumer->kernel_end)
            return;
        set_blocked(worker, consumer, true);
        queue_changed(worker, consumer, taken, *now_ns);
        if (worker->node->rules->policy == SPEC_BLOCKING)
            block(worker, index, now_ns);
        return;
    }
    set_blocked(worker, consumer, true);
    *now_ns += costs_enqueue(&worker->costs);
    decide(worker, index, message, now_ns);
}

/* --- bursts
 * ---------------------------------------------------------------------------------------- */

static void write_tracked(struct node_worker *worker, int32_t index, const int32_t *rooms,
                          int32_t rooms_count, base_ns cost_ns, base_ns *now_ns) {
    struct node *node = worker->node;
    struct consumer *consumer = &node->consumers[index];
    if (!consumer->is_closed && !consumer->is_blocked) {
        *now_ns += cost_ns;
        worker->writes++;
    }
    consumer_settle(consumer, *now_ns, &node->tally, node->look_ns);
    for (int32_t r = 0; r < rooms_count; r++) {
        const struct node_room *room = &worker->rooms[rooms[r]];
        for (int32_t i = 0; i < room->gathered_count; i++) {
            struct consumer_message message = {.due_ns = room->gathered[i].due_ns,
                                               .bytes = room->gathered[i].frame_bytes,
                                               .room = rooms[r]};
            offer(worker, index, &message, now_ns);
        }
    }
    consumer_settle(consumer, *now_ns, &node->tally, node->look_ns);
    if (consumer->is_blocked && consumer->writable_event == 0)
        set_writable_event(worker, index, *now_ns);
    set_deadline_event(worker, index, *now_ns);
}

/* `count` members that read at once, one write of `cost_ns` after the other. */
static void write_run(struct node_worker *worker, const struct node_room *room, int64_t count,
                      base_ns cost_ns, base_ns *now_ns) {
    struct node *node = worker->node;
    for (int32_t i = 0; i < room->gathered_count; i++)
        tally_range(&node->tally, room->gathered[i].due_ns, *now_ns + cost_ns + node->look_ns,
                    cost_ns, count);
    *now_ns += count * cost_ns;
    if (*now_ns < node->window_start_ns || *now_ns >= node->window_end_ns)
        return;
    worker->writes += count;
    worker->written_bytes += count * room->gathered_bytes;
}

static void burst(struct node_worker *worker, int32_t room_index, base_ns *now_ns) {
    const struct node_room *room = &worker->rooms[room_index];
    const struct layout_room *view = layout_room(worker->node->layout, worker->index, room_index);
    base_ns cost_ns = costs_write(&worker->costs, room->gathered_count, room->gathered_bytes);
    int32_t position = 0;
    for (int32_t i = 0; i < view->tracked_count; i++) {
        write_run(worker, room, view->tracked[i].position - position, cost_ns, now_ns);
        write_tracked(worker, view->tracked[i].consumer, &room_index, 1, cost_ns, now_ns);
        position = view->tracked[i].position + 1;
    }
    write_run(worker, room, view->members_count - position, cost_ns, now_ns);
    if (room->watch >= 0 && view->members_count > position)
        for (int32_t i = 0; i < room->gathered_count; i++)
            tally_watch(&worker->node->tally, room->watch, room->gathered[i].due_ns,
                        *now_ns + worker->node->look_ns);
}

/* A client's rooms that have gathered something, in the order of their numbers. */
static int32_t dirty_rooms_of(const struct node_worker *worker, int32_t client, int32_t *rooms,
                              int64_t *frames, int64_t *bytes) {
    const struct roster *roster = worker->node->layout->roster;
    int32_t count = 0;
    *frames = *bytes = 0;
    for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++) {
        const struct node_room *room = &worker->rooms[roster->client_rooms[i]];
        if (room->gathered_count == 0)
            continue;
        rooms[count++] = roster->client_rooms[i];
        *frames += room->gathered_count;
        *bytes += room->gathered_bytes;
        if (count == 64)
            break; /* the gateway's own bound on the buffers of one write */
    }
    return count;
}

static void write_member(struct node_worker *worker, int32_t client, base_ns *now_ns) {
    struct node *node = worker->node;
    int32_t rooms[64];
    int64_t frames, bytes;
    int32_t count = dirty_rooms_of(worker, client, rooms, &frames, &bytes);
    base_ns cost_ns = costs_write(&worker->costs, frames, bytes);
    int32_t consumer = node->layout->consumer_of[client];
    if (consumer >= 0) {
        write_tracked(worker, consumer, rooms, count, cost_ns, now_ns);
        return;
    }
    *now_ns += cost_ns;
    for (int32_t r = 0; r < count; r++) {
        const struct node_room *room = &worker->rooms[rooms[r]];
        for (int32_t i = 0; i < room->gathered_count; i++)
            tally_range(&node->tally, room->gathered[i].due_ns, *now_ns + node->look_ns, 0, 1);
    }
    if (*now_ns >= node->window_start_ns && *now_ns < node->window_end_ns) {
        worker->writes++;
        worker->written_bytes += bytes;
    }
}

/* Everything dirty, where clients may be in several rooms: each touched client once. */
static void write_members_once(struct node_worker *worker, base_ns *now_ns) {
    struct node *node = worker->node;
    int32_t flush = ++worker->flush_number;
    for (int32_t d = 0; d < worker->dirty_count; d++) {
        if (worker->rooms[worker->dirty[d]].gathered_count == 0)
            continue;
        const struct layout_room *view = layout_room(node->layout, worker->index, worker->dirty[d]);
        for (int32_t i = 0; i < view->members_count; i++) {
            int32_t client = view->members[i];
            if (node->touched_flush[client] == flush)
                continue;
            node->touched_flush[client] = flush;
            write_member(worker, client, now_ns);
        }
    }
}

static void clear(struct node_room *room) {
    room->gathered_count = 0;
    room->gathered_bytes = 0;
}

void fan_out_room(struct node_worker *worker, int32_t room, base_ns *now_ns) {
    if (worker->rooms[room].gathered_count > 0 && !worker->node->is_dead)
        burst(worker, room, now_ns);
    clear(&worker->rooms[room]);
}

void fan_out_all(struct node_worker *worker, base_ns *now_ns) {
    if (worker->node->layout->has_single_rooms) {
        for (int32_t i = 0; i < worker->dirty_count; i++)
            fan_out_room(worker, worker->dirty[i], now_ns);
    } else if (!worker->node->is_dead) {
        write_members_once(worker, now_ns);
    }
    for (int32_t i = 0; i < worker->dirty_count; i++) {
        clear(&worker->rooms[worker->dirty[i]]);
        worker->rooms[worker->dirty[i]].is_dirty = false;
    }
    worker->dirty_count = 0;
}

/* --- later
 * ----------------------------------------------------------------------------------------- */

void fan_out_resume(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct node *node = worker->node;
    struct consumer *consumer = &node->consumers[index];
    consumer->writable_event = 0;
    if (consumer->is_closed || !consumer->is_blocked)
        return;
    int64_t messages = consumer->queue.messages;
    consumer_settle(consumer, *now_ns, &node->tally, node->look_ns);
    int64_t taken = consumer_push(consumer, *now_ns);
    queue_changed(worker, consumer, taken, *now_ns);
    *now_ns += costs_writable(&worker->costs) +
               costs_write(&worker->costs, messages - consumer->queue.messages, taken);
    if (consumer->queued_end == consumer->kernel_end)
        set_blocked(worker, consumer, false);
    consumer_settle(consumer, *now_ns, &node->tally, node->look_ns);
    set_writable_event(worker, index, *now_ns);
    set_deadline_event(worker, index, *now_ns);
}

void fan_out_deadline(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct consumer *consumer = &worker->node->consumers[index];
    consumer->deadline_event = 0;
    if (consumer->is_closed)
        return;
    struct slow_consumer_verdict verdict =
        slow_consumer_expired(worker->node->rules, &consumer->queue, *now_ns);
    if (verdict.action == SLOW_CLOSE) {
        consumer_settle(consumer, *now_ns, &worker->node->tally, worker->node->look_ns);
        close_consumer(worker, index, verdict.reason, *now_ns);
    } else {
        set_deadline_event(worker, index, *now_ns);
    }
}
