/* One consumer that may fall behind: what the kernel takes of a write, what the rules say of the
 * rest, and what happens when its socket is writable again or its time is up.
 *
 * The same steps as the gateway's deliver.c: a message of which a part is with the kernel joins the
 * queue whatever the policy, short of a close, and every later one is asked about. */
#include "models/cluster/attendance.h"
#include "models/cluster/churn.h"
#include "sim/base/check.h"

static const base_ns BLOCKED_FOR_MAX_NS =
    60 * BASE_NS_PER_S; /* the gateway's own bound on a blocking write */

/* --- what waits for it --- */

static void writable(void *target, uint64_t consumer, base_ns now_ns) {
    (void)now_ns;
    worker_make_ready(target, (struct node_ready){NODE_READY_WRITABLE, (int32_t)consumer});
}

static void deadline(void *target, uint64_t consumer, base_ns now_ns) {
    (void)now_ns;
    worker_make_ready(target, (struct node_ready){NODE_READY_DEADLINE, (int32_t)consumer});
}

static void set_writable_event(struct node_worker *worker, int32_t index, base_ns now_ns) {
    struct consumer *consumer = &worker->cluster->consumers[index];
    run_cancel(worker->cluster->run, consumer->writable_event);
    consumer->writable_event = 0;
    if (consumer->is_blocked)
        consumer->writable_event =
            run_at(worker->cluster->run, consumer_writable_at(consumer, now_ns), writable, worker,
                   (uint64_t)index);
}

static void set_deadline_event(struct node_worker *worker, int32_t index, base_ns now_ns) {
    struct consumer *consumer = &worker->cluster->consumers[index];
    run_cancel(worker->cluster->run, consumer->deadline_event);
    consumer->deadline_event = 0;
    base_ns at_ns = slow_consumer_deadline(&worker->node->spec->send_queue, &consumer->queue);
    if (consumer->is_closed || at_ns == BASE_NS_MAX)
        return;
    consumer->deadline_event = run_at(worker->cluster->run, at_ns > now_ns ? at_ns : now_ns,
                                      deadline, worker, (uint64_t)index);
}

/* --- its queue --- */

/* Full kernel buffers of those that are blocked, and the queues of the application. */
static void check_memory(struct node_worker *worker, const struct consumer *consumer) {
    struct node *node = worker->node;
    const double *cost = worker->costs.raw.value;
    bool was_dead = node->is_dead;
    double memory =
        (double)node->memory_fixed_bytes +
        cost[COST_queued_user] * (double)node->counts.queued_bytes +
        cost[COST_queued_kernel] * (double)(node->counts.blocked_count * consumer->capacity_bytes);
    if (node->spec->memory != SPEC_UNLIMITED && memory > (double)node->spec->memory)
        node->is_dead = true;
    if (worker->cluster->churn && node->is_dead && !was_dead)
        outage_out_of_memory(worker->cluster, worker->cluster->layout->worker_node[worker->index]);
}

void slow_check_memory(struct node_worker *worker) {
    static const struct consumer nobody;
    const struct cluster *cluster = worker->cluster;
    check_memory(worker, cluster->layout->consumers_count > 0 ? cluster->consumers : &nobody);
}

/* The queue has changed: its counts, its times, what waits for it, and the node's memory. */
static void queue_changed(struct node_worker *worker, struct consumer *consumer, int64_t sent_bytes,
                          base_ns now_ns) {
    struct node *node = worker->node;
    const struct spec_send_queue *rules = &node->spec->send_queue;
    int64_t before = consumer->queue.bytes;
    consumer_count_queue(consumer);
    slow_consumer_update(rules, &consumer->queue, sent_bytes, now_ns);
    node->counts.queued_bytes += consumer->queue.bytes - before;
    if (node->counts.queued_bytes > node->counts.queued_bytes_max)
        node->counts.queued_bytes_max = node->counts.queued_bytes;
    if (consumer->queue.bytes <= slow_consumer_resume_bytes(rules))
        throttle_stop(worker->cluster, consumer, now_ns);
    check_memory(worker, consumer);
}

static void set_blocked(struct node_worker *worker, struct consumer *consumer, bool is_blocked) {
    worker->node->counts.blocked_count += (int64_t)is_blocked - (int64_t)consumer->is_blocked;
    consumer->is_blocked = is_blocked;
}

static void close_consumer(struct node_worker *worker, int32_t index,
                           enum slow_consumer_reason reason, base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    set_blocked(worker, consumer, false);
    consumer_close(consumer, &cluster->tally);
    worker->node->counts.closed_by_reason[reason]++;
    queue_changed(worker, consumer, 0, now_ns);
    worker_forget(cluster, consumer->client);
    attendance_left(cluster, consumer->client, now_ns);
    set_writable_event(worker, index, now_ns);
    set_deadline_event(worker, index, now_ns);
    if (cluster->churn)
        churn_closed(cluster->churn, consumer->client, now_ns);
}

void slow_disconnect(struct node_worker *worker, int32_t index, base_ns now_ns,
                     enum membership_cause cause) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    base_ns due_ns;
    set_blocked(worker, consumer, false);
    consumer_settle(consumer, now_ns, &cluster->tally, cluster->look_ns);
    while (consumer_cut(consumer, &due_ns))
        if (cause == MEMBERSHIP_LEFT)
            tally_due(&cluster->tally, due_ns, -1);
        else
            loss_count(cluster, due_ns, 1, cause);
    queue_changed(worker, consumer, 0, now_ns);
    set_writable_event(worker, index, now_ns);
    set_deadline_event(worker, index, now_ns);
}

/* --- what the kernel did not take --- */

static int64_t push(struct consumer *consumer, base_ns now_ns) {
    int64_t bytes = consumer_room(consumer, now_ns);
    consumer_push(consumer, bytes, now_ns);
    return bytes;
}

/* The worker itself waits until the kernel has taken everything: everybody else waits with it. */
static void block(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct consumer *consumer = &worker->cluster->consumers[index];
    base_ns give_up_ns = *now_ns + BLOCKED_FOR_MAX_NS;
    int64_t waiting =
        consumer_messages_within(consumer, consumer->queued_end - consumer->kernel_end);
    while (consumer->queued_end > consumer->kernel_end) {
        base_ns at_ns = consumer_room_at(consumer, *now_ns);
        *now_ns = at_ns < give_up_ns ? at_ns : give_up_ns;
        consumer_settle(consumer, *now_ns, &worker->cluster->tally, worker->cluster->look_ns);
        if (at_ns > give_up_ns) {
            if (*now_ns <= worker->cluster->tally.end_ns) /* else the run is over before that */
                close_consumer(worker, index, SLOW_REASON_WRITE_DEADLINE, *now_ns);
            return;
        }
        queue_changed(worker, consumer, push(consumer, *now_ns), *now_ns);
    }
    worker->turn.frames += waiting;
    set_blocked(worker, consumer, false);
}

static void enqueue(struct node_worker *worker, struct consumer *consumer,
                    const struct consumer_message *message, base_ns now_ns) {
    consumer_append(consumer, message);
    worker->turn.enqueued++;
    queue_changed(worker, consumer, 0, now_ns);
}

/* Replaces what is queued of the same room; without anything to replace, the newest goes. */
static void conflate(struct node_worker *worker, struct consumer *consumer,
                     const struct consumer_message *message, base_ns now_ns) {
    struct tally *tally = &worker->cluster->tally;
    struct consumer_message old;
    bool has_replaced = false;
    while (consumer_drop_oldest(consumer, message->room, &old)) {
        tally_conflated(tally, old.due_ns);
        has_replaced = true;
    }
    if (has_replaced)
        enqueue(worker, consumer, message, now_ns);
    else
        tally_dropped(tally, message->due_ns);
}

/* The oldest signal makes room for others. */
static void drop_signal(struct node_worker *worker, struct consumer *consumer, base_ns now_ns) {
    struct consumer_message old;
    CHECK(consumer_drop_signal(consumer, BASE_NS_MAX, &old));
    if (old.expires_ns < now_ns)
        tally_expired(&worker->cluster->tally, old.due_ns, 1);
    else
        tally_shed(&worker->cluster->tally, old.due_ns);
    queue_changed(worker, consumer, 0, now_ns);
}

/* Signals that have waited for too long are not written. */
static void drop_expired(struct node_worker *worker, struct consumer *consumer, base_ns now_ns) {
    struct consumer_message old;
    while (consumer_drop_signal(consumer, now_ns, &old))
        tally_expired(&worker->cluster->tally, old.due_ns, 1);
}

static void drop_newest(struct node_worker *worker, const struct consumer_message *message) {
    if (message->expires_ns > 0)
        tally_shed(&worker->cluster->tally, message->due_ns);
    else
        tally_dropped(&worker->cluster->tally, message->due_ns);
}

/* Drops the oldest or, where there is none to drop, the newest: true, and all is done. */
static bool drop_one(struct node_worker *worker, struct consumer *consumer,
                     const struct consumer_message *message, base_ns now_ns) {
    struct consumer_message old;
    bool has_dropped = consumer_drop_oldest(consumer, -1, &old);
    tally_dropped(&worker->cluster->tally, has_dropped ? old.due_ns : message->due_ns);
    if (has_dropped)
        queue_changed(worker, consumer, 0, now_ns);
    return !has_dropped;
}

static struct slow_consumer_message as_asked(const struct consumer_message *message,
                                             int64_t bytes) {
    return (struct slow_consumer_message){.bytes = bytes, .is_signal = message->expires_ns > 0};
}

/* Asks the one decision that both worlds share until it has been carried out. */
static void decide(struct node_worker *worker, int32_t index,
                   const struct consumer_message *message, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    for (;;) {
        struct slow_consumer_verdict verdict =
            slow_consumer_decide(&worker->node->spec->send_queue, &consumer->queue,
                                 as_asked(message, message->bytes), *now_ns);
        switch (verdict.action) {
        case SLOW_QUEUE:
            enqueue(worker, consumer, message, *now_ns);
            return;
        case SLOW_DROP_NEWEST:
            drop_newest(worker, message);
            return;
        case SLOW_DROP_SIGNAL:
            drop_signal(worker, consumer, *now_ns);
            continue;
        case SLOW_DROP_OLDEST:
            if (drop_one(worker, consumer, message, *now_ns))
                return;
            continue;
        case SLOW_CONFLATE:
            conflate(worker, consumer, message, *now_ns);
            return;
        case SLOW_THROTTLE:
            enqueue(worker, consumer, message, *now_ns);
            throttle_start(cluster, consumer, message->room, *now_ns);
            return;
        case SLOW_BLOCK:
            enqueue(worker, consumer, message, *now_ns);
            block(worker, index, now_ns);
            return;
        case SLOW_CLOSE:
            tally_lost(&cluster->tally, message->due_ns, 1);
            close_consumer(worker, index, verdict.reason, *now_ns);
            return;
        }
    }
}

/* The kernel has taken a part of the message that was appended last: what is left waits. */
static void decide_rest(struct node_worker *worker, int32_t index,
                        const struct consumer_message *message, int64_t taken, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    struct slow_consumer_verdict verdict =
        slow_consumer_decide(&worker->node->spec->send_queue, &consumer->queue,
                             as_asked(message, message->bytes - taken), *now_ns);
    if (verdict.action == SLOW_CLOSE) {
        close_consumer(worker, index, verdict.reason, *now_ns);
        return;
    }
    worker->turn.enqueued++;
    queue_changed(worker, consumer, taken, *now_ns);
    if (verdict.action == SLOW_THROTTLE)
        throttle_start(cluster, consumer, message->room, *now_ns);
    if (verdict.action == SLOW_BLOCK)
        block(worker, index, now_ns);
}

/* One message, when the socket's write has been made at *now_ns. */
static void offer(struct node_worker *worker, int32_t index, const struct consumer_message *message,
                  base_ns *now_ns) {
    struct consumer *consumer = &worker->cluster->consumers[index];
    if (consumer->is_closed) {
        tally_lost(&worker->cluster->tally, message->due_ns, 1);
        return;
    }
    int64_t taken = 0;
    if (!consumer->is_blocked && consumer_level(consumer, *now_ns) < consumer->capacity_bytes) {
        consumer_append(consumer, message);
        taken = push(consumer, *now_ns);
        if (consumer->queued_end == consumer->kernel_end) {
            worker->turn.frames++;
            return;
        }
    }
    set_blocked(worker, consumer, true);
    *now_ns += costs_enqueue(&worker->costs);
    if (taken > 0)
        decide_rest(worker, index, message, taken, now_ns);
    else
        decide(worker, index, message, now_ns);
}

/* --- the ways in --- */

void slow_touch(struct node_worker *worker, int32_t index) {
    worker->turn.touched += !worker->cluster->consumers[index].is_closed;
}

/* Whether it is due to the consumer: who came later does not hear it. */
static bool is_heard(const struct cluster *cluster, const struct consumer *consumer,
                     base_ns due_ns) {
    return !cluster->joined_ns || cluster->joined_ns[consumer->client] <= due_ns;
}

/* All that the slots' rooms have gathered, lost on the way. */
static void lose_all(struct node_worker *worker, const struct consumer *consumer,
                     const int32_t *slots, int32_t slots_count, base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    bool is_node = now_ns > worker->node->cut_ns;
    for (int32_t r = 0; r < slots_count; r++)
        for (int32_t i = 0; i < worker->rooms[slots[r]].gathered_count; i++) {
            base_ns due_ns = worker->rooms[slots[r]].gathered[i].due_ns;
            if (is_heard(cluster, consumer, due_ns))
                loss_count(cluster, due_ns, 1, is_node ? MEMBERSHIP_NODE : MEMBERSHIP_CONNECTION);
        }
}

void slow_write(struct node_worker *worker, int32_t index, const int32_t *slots,
                int32_t slots_count, base_ns cost_ns, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    bool is_written = !consumer->is_closed && !consumer->is_blocked;
    int64_t before = consumer->kernel_end;
    if (is_written)
        *now_ns += cost_ns;
    if (*now_ns > worker->node->cut_ns || *now_ns > consumer->breaks_ns) {
        lose_all(worker, consumer, slots, slots_count, *now_ns);
        return;
    }
    consumer_settle(consumer, *now_ns, &cluster->tally, cluster->look_ns);
    for (int32_t r = 0; r < slots_count; r++) {
        const struct node_room *room = &worker->rooms[slots[r]];
        int32_t number = layout_room(cluster->layout, worker->index, slots[r])->room;
        for (int32_t i = 0; i < room->gathered_count && !worker->node->is_dead; i++) {
            struct consumer_message message = {.due_ns = room->gathered[i].due_ns,
                                               .allowance_ns = room->allowance_ns,
                                               .bytes = room->gathered[i].frame_bytes,
                                               .room = number};
            int32_t signal = room->gathered[i].signal;
            if (signal > 0)
                message.expires_ns = cluster_expires_ns(cluster, signal, message.due_ns);
            if (is_heard(cluster, consumer, message.due_ns))
                offer(worker, index, &message, now_ns);
        }
    }
    consumer_settle(consumer, *now_ns, &cluster->tally, cluster->look_ns);
    worker_count_writes(worker, *now_ns, is_written, consumer->kernel_end - before);
    if (consumer->is_blocked && consumer->writable_event == 0)
        set_writable_event(worker, index, *now_ns);
    set_deadline_event(worker, index, *now_ns);
}

/* What the kernel has room for when the call is made is with it when the call returns. */
void slow_resume(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    consumer->writable_event = 0;
    if (consumer->is_closed || !consumer->is_blocked)
        return;
    *now_ns += costs_writable(&worker->costs);
    worker->turn.writable_events++;
    consumer_settle(consumer, *now_ns, &cluster->tally, cluster->look_ns);
    drop_expired(worker, consumer, *now_ns);
    int64_t bytes = consumer_room(consumer, *now_ns);
    if (bytes > 0) {
        struct costs_write write = {.frames = consumer_messages_within(consumer, bytes),
                                    .bytes = bytes,
                                    .working_set = cluster->layout->working_set[worker->index],
                                    .scattered = 1};
        worker->turn.frames += write.frames;
        *now_ns += costs_write(&worker->costs, &write);
        consumer_settle(consumer, *now_ns, &cluster->tally, cluster->look_ns);
        consumer_push(consumer, bytes, *now_ns);
        consumer_settle(consumer, *now_ns, &cluster->tally, cluster->look_ns);
        worker_count_writes(worker, *now_ns, 1, bytes);
    }
    queue_changed(worker, consumer, bytes, *now_ns);
    if (consumer->queued_end == consumer->kernel_end)
        set_blocked(worker, consumer, false);
    set_writable_event(worker, index, *now_ns);
    set_deadline_event(worker, index, *now_ns);
}

void slow_deadline(struct node_worker *worker, int32_t index, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct consumer *consumer = &cluster->consumers[index];
    if (consumer->is_closed)
        return;
    struct slow_consumer_verdict verdict =
        slow_consumer_expired(&worker->node->spec->send_queue, &consumer->queue, *now_ns);
    if (verdict.action == SLOW_CLOSE) {
        consumer_settle(consumer, *now_ns, &cluster->tally, cluster->look_ns);
        close_consumer(worker, index, verdict.reason, *now_ns);
    } else {
        set_deadline_event(worker, index, *now_ns);
    }
}
