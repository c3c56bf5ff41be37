/* One event per worker stands for the first of its rooms that is due, as one timeout of the
 * gateway's loop does. It makes the worker ready; a turn that is under way at that instant writes
 * the room before it ends if its time comes within. */
#include "models/cluster/held.h"

#include "models/cluster/churn.h"
#include "models/workload/feed.h"
#include "models/workload/hold.h"
#include "sim/base/check.h"

struct held_room {
    struct hold hold;
    struct hold_rule rule;
};

struct held {
    struct held_room *rooms; /* by slot */
    struct hold_queue due[HOLD_REASONS];
    base_ns timer_ns; /* when the event comes; BASE_NS_MAX: there is none */
    bool is_ready;    /* it has come, and a turn will write what is due */
    struct held_counts counts;
};

static bool may_hold(const struct spec_node *spec) {
    bool has_batched_feed = spec->feed.kind == SPEC_BATCHED && spec->feed.above != SPEC_UNLIMITED;
    return spec->batch.for_ > 0 || has_batched_feed;
}

/* By the members that the room has now. */
static void set_rule(struct node_worker *worker, int32_t slot) {
    const struct spec_node *spec = worker->node->spec;
    int32_t room = layout_room(worker->cluster->layout, worker->index, slot)->room;
    int64_t members = cluster_recipients(worker->cluster, room);
    worker->held->rooms[slot].rule = hold_rule_of(&spec->batch, &spec->feed, members);
    worker->rooms[slot].allowance_ns = feed_allowance_ns(&spec->feed, members);
}

void held_init(struct node_worker *worker) {
    const struct spec_node *spec = worker->node->spec;
    worker->held = NULL;
    if (!may_hold(spec))
        return;
    struct arena *arena = &worker->cluster->run->arena;
    struct held *held = ARENA_NEW(arena, 1, struct held);
    held->timer_ns = BASE_NS_MAX;
    int32_t slots_count = layout_slots_count(worker->cluster->layout, worker->index);
    held->rooms = ARENA_NEW(arena, (size_t)slots_count, struct held_room);
    worker->held = held;
    for (int32_t slot = 0; slot < slots_count; slot++)
        set_rule(worker, slot);
}

void held_fini(struct node_worker *worker) {
    for (int i = 0; worker->held != NULL && i < HOLD_REASONS; i++)
        hold_queue_fini(&worker->held->due[i]);
}

/* --- the timer --- */

/* The first that is due, of those that still hold; NULL: none does. */
static const struct hold_entry *first_due(struct held *held) {
    const struct hold_entry *first = NULL;
    for (int i = 0; i < HOLD_REASONS; i++) {
        const struct hold_entry *entry;
        while ((entry = hold_queue_first(&held->due[i])) != NULL &&
               held->rooms[entry->room].hold.until_ns != entry->due_ns)
            hold_queue_pop(&held->due[i]);
        if (entry != NULL && (first == NULL || entry->due_ns < first->due_ns))
            first = entry;
    }
    return first;
}

static void set_timer(struct node_worker *worker);

static void timer(void *target, uint64_t unused, base_ns now_ns) {
    (void)unused;
    struct node_worker *worker = target;
    worker->held->timer_ns = BASE_NS_MAX;
    const struct hold_entry *first = first_due(worker->held);
    if (first == NULL || first->due_ns > now_ns) {
        set_timer(worker);
        return;
    }
    worker->held->is_ready = true;
    worker_make_ready(worker, (struct node_ready){NODE_READY_HELD, 0});
}

static void set_timer(struct node_worker *worker) {
    struct held *held = worker->held;
    const struct hold_entry *first = first_due(held);
    if (held->timer_ns != BASE_NS_MAX || held->is_ready || first == NULL)
        return;
    held->timer_ns = first->due_ns;
    run_at(worker->cluster->run, first->due_ns, timer, worker, 0);
}

/* --- holding --- */

bool held_add(struct node_worker *worker, int32_t slot, base_ns now_ns) {
    struct held *held = worker->held;
    struct held_room *room = &held->rooms[slot];
    struct node_room *gathered = &worker->rooms[slot];
    bool was_on = hold_is_on(&room->hold);
    bool goes_along = gathered->is_dirty && !was_on && gathered->gathered_count > 1;
    if (worker->cluster->churn && !was_on && !goes_along)
        set_rule(worker, slot);
    if (goes_along || room->rule.for_ns == 0)
        return false;
    int32_t frame_bytes = gathered->gathered[gathered->gathered_count - 1].frame_bytes;
    bool is_full = hold_add(&room->hold, &room->rule, frame_bytes, now_ns);
    gathered->is_held = true;
    if (is_full || gathered->gathered_bytes >= worker->node->spec->turn.flush_bytes) {
        held_end(worker, slot, now_ns);
        return false;
    }
    if (!was_on) {
        struct hold_entry entry = {room->hold.until_ns, (uint32_t)slot};
        CHECK(hold_queue_add(&held->due[room->rule.reason], entry));
        set_timer(worker);
    }
    return true;
}

static void count(struct node_worker *worker, int32_t slot, const struct hold_batch *batch,
                  base_ns now_ns) {
    const struct cluster *cluster = worker->cluster;
    struct held_counts *counts = &worker->held->counts;
    if (now_ns < cluster->window_start_ns || now_ns >= cluster->window_end_ns)
        return;
    int64_t members = layout_room(cluster->layout, worker->index, slot)->members_count;
    counts->flushes++;
    counts->messages += batch->messages;
    counts->deliveries += batch->messages * members;
    counts->delay_sum_ns += (double)batch->delay_sum_ns * (double)members;
    counts->packets_saved += batch->packets_saved * members;
    counts->late += hold_is_late(batch, &worker->node->spec->feed, &worker->node->spec->turn);
    if (batch->reason == HOLD_FEED && batch->longest_ns > counts->feed_longest_ns)
        counts->feed_longest_ns = batch->longest_ns;
}

void held_end(struct node_worker *worker, int32_t slot, base_ns now_ns) {
    struct node_room *room = &worker->rooms[slot];
    struct hold_batch batch =
        hold_end(&worker->held->rooms[slot].hold, room->gathered_bytes, now_ns);
    room->is_held = false;
    count(worker, slot, &batch, now_ns);
}

void held_end_due(struct node_worker *worker, base_ns now_ns) {
    const struct hold_entry *first;
    while ((first = first_due(worker->held)) != NULL && first->due_ns <= now_ns) {
        int32_t slot = (int32_t)first->room;
        held_end(worker, slot, now_ns);
        worker_make_dirty(worker, slot);
    }
    worker->held->is_ready = false;
    set_timer(worker);
}

void held_lose(struct node_worker *worker) {
    struct held *held = worker->held;
    if (held == NULL)
        return;
    int32_t slots_count = layout_slots_count(worker->cluster->layout, worker->index);
    for (int32_t slot = 0; slot < slots_count; slot++) {
        struct node_room *room = &worker->rooms[slot];
        if (!room->is_held)
            continue;
        for (int32_t i = 0; i < room->gathered_count; i++)
            loss_at(worker->cluster, worker->index, slot, room->gathered[i].due_ns,
                    MEMBERSHIP_NODE);
        room->gathered_count = 0;
        room->gathered_bytes = 0;
        room->is_held = false;
        held->rooms[slot].hold = (struct hold){0};
    }
    held->is_ready = false; /* its turn will not come */
}

void held_sum(const struct node_worker *worker, struct held_counts *sum) {
    if (worker->held == NULL)
        return;
    const struct held_counts *counts = &worker->held->counts;
    sum->flushes += counts->flushes;
    sum->messages += counts->messages;
    sum->deliveries += counts->deliveries;
    sum->late += counts->late;
    sum->packets_saved += counts->packets_saved;
    sum->delay_sum_ns += counts->delay_sum_ns;
    if (counts->feed_longest_ns > sum->feed_longest_ns)
        sum->feed_longest_ns = counts->feed_longest_ns;
}
