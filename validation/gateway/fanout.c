/* A publish is encoded once into its room's segment; a flush writes each member once with all that
 * has gathered.
 *
 * So a publish costs the same for 2 recipients and for 10,000, and a turn costs one send() per
 * touched socket, whatever the number of messages. A member of one room, which nearly all are, is
 * written straight from the walk over the room. One that is in several rooms is written when the
 * walk first meets it, with the segments of all its rooms together, and stamped so that the next
 * room passes it by. Writing at once is the same walk with a flush after every publish.
 *
 * A room that holds messages back (models/workload/hold.h) keeps its segment over the end of the
 * turn and is not among the dirty ones until its time has come. */
#include "validation/gateway/worker.h"

#include <stdlib.h>

static bool reserve_dirty(struct worker *worker) {
    if (worker->dirty_count < worker->dirty_capacity)
        return true;
    size_t capacity = worker->dirty_capacity == 0 ? 64 : 2 * (size_t)worker->dirty_capacity;
    struct room **dirty = realloc(worker->dirty, capacity * sizeof(struct room *));
    if (dirty == NULL)
        return false;
    worker->dirty = dirty;
    worker->dirty_capacity = (uint32_t)capacity;
    return true;
}

/* After reserve_dirty. */
static void list_dirty(struct worker *worker, struct room *room) {
    if (room->is_listed)
        return;
    worker->dirty[worker->dirty_count++] = room;
    room->is_listed = true;
}

/* --- what is held back beyond the turn --- */

static void count_held(struct worker *worker, const struct room *room,
                       const struct hold_batch *batch) {
    struct gateway_stats_live *stats = worker->stats;
    uint64_t members = room->members_count;
    gateway_count(&stats->held_flushes, 1);
    gateway_count(&stats->held_messages, (uint64_t)batch->messages);
    gateway_count(&stats->held_deliveries, (uint64_t)batch->messages * members);
    gateway_count(&stats->held_ns, (uint64_t)batch->delay_sum_ns * members);
    gateway_count(&stats->held_packets_saved, (uint64_t)batch->packets_saved * members);
    if (batch->reason != HOLD_FEED)
        return;
    gateway_count(&stats->feed_late,
                  hold_is_late(batch, &worker->options->feed, &worker->options->turn));
    if ((uint64_t)batch->longest_ns > worker->feed_longest_ns)
        worker->feed_longest_ns = (uint64_t)batch->longest_ns;
    gateway_level(&stats->feed_longest_ns, worker->feed_longest_ns);
}

static void end_hold(struct worker *worker, struct room *room) {
    if (!hold_is_on(&room->hold))
        return;
    struct hold_batch batch = hold_end(&room->hold, room->pending->bytes_count, worker->now_ns);
    count_held(worker, room, &batch);
}

static bool may_hold(const struct gateway_options *options) {
    return options->batch.for_ > 0 ||
           (options->feed.kind == SPEC_BATCHED && options->feed.above != SPEC_UNLIMITED);
}

/* The frame that was added last waits for the room's time, not for the end of the turn; behind
 * frames that this turn will write it goes with them. A room that cannot be put on the list of
 * those that wait is written at once. */
static bool is_held_back(struct worker *worker, struct room *room, uint32_t frame_bytes) {
    const struct gateway_options *options = worker->options;
    if (!may_hold(options))
        return false;
    struct hold_rule rule = hold_rule_of(&options->batch, &options->feed, room->members_count);
    bool was_on = hold_is_on(&room->hold);
    bool goes_along = room->is_listed && !was_on && room->pending->frames_count > 1;
    if (goes_along || (rule.for_ns == 0 && !was_on))
        return false;
    worker->now_ns = worker_clock();
    bool is_over = hold_add(&room->hold, &rule, frame_bytes, worker->now_ns) ||
                   room->pending->bytes_count >= options->turn.flush_bytes;
    struct hold_entry entry = {room->hold.until_ns, room->number};
    if (!is_over && !was_on)
        is_over = !hold_queue_add(&worker->held[rule.reason], entry);
    if (is_over)
        end_hold(worker, room);
    return !is_over;
}

/* NULL: none waits. */
static struct room *first_held(struct worker *worker) {
    struct room *first = NULL;
    for (int i = 0; i < HOLD_REASONS; i++) {
        const struct hold_entry *entry;
        while ((entry = hold_queue_first(&worker->held[i])) != NULL) {
            struct room *room = worker->rooms.rooms[entry->room];
            if (room != NULL && hold_is_on(&room->hold) && room->hold.until_ns == entry->due_ns) {
                if (first == NULL || entry->due_ns < first->hold.until_ns)
                    first = room;
                break;
            }
            hold_queue_pop(&worker->held[i]); /* written before its time, or gone */
        }
    }
    return first;
}

base_ns fanout_held_due_ns(struct worker *worker) {
    const struct room *first = first_held(worker);
    return first != NULL ? first->hold.until_ns : BASE_NS_MAX;
}

static void end_holds_due(struct worker *worker) {
    struct room *room;
    while ((room = first_held(worker)) != NULL && room->hold.until_ns <= worker->now_ns &&
           reserve_dirty(worker)) {
        end_hold(worker, room);
        list_dirty(worker, room);
    }
}

void fanout_publish(struct worker *worker, struct room *room, uint8_t opcode, const void *payload,
                    size_t length) {
    if (room->pending == NULL)
        room->pending = segment_new(&worker->segments);
    struct segment *segment = room->pending;
    uint32_t before = segment != NULL ? segment->bytes_count : 0;
    if (segment == NULL || !reserve_dirty(worker) ||
        !segment_append(segment, opcode, payload, length)) {
        gateway_count(&worker->stats->dropped, room->members_count);
        return;
    }
    gateway_count(&worker->stats->encoded_bytes, segment->bytes_count - before);
    if (is_held_back(worker, room, segment->bytes_count - before))
        return;
    list_dirty(worker, room);
    if (worker->options->fan_out == SPEC_WRITE_AT_ONCE ||
        segment->bytes_count >= worker->options->turn.flush_bytes)
        fanout_flush_room(worker, room);
}

static void forget_pending(struct worker *worker, struct room *room) {
    if (room->pending != NULL)
        segment_unref(&worker->segments, room->pending);
    room->pending = NULL;
}

void fanout_forget_held(struct worker *worker, struct room *room) {
    if (!hold_is_on(&room->hold))
        return;
    room->hold = (struct hold){0};
    forget_pending(worker, room);
}

static bool is_due(const struct room *room) {
    return room->pending != NULL && !hold_is_on(&room->hold);
}

/* Members are not removed while they are walked: who is lost on the way is only doomed. */
void fanout_flush_room(struct worker *worker, struct room *room) {
    if (room->pending == NULL)
        return;
    enum phase before = worker_enter(worker, PHASE_WRITE);
    end_hold(worker, room);
    struct span span = {room->pending, room->number};
    for (uint32_t i = 0; i < room->members_count; i++)
        deliver(worker, connection_at(worker, room->members[i].connection), &span, 1);
    gateway_count(&worker->stats->touched_sockets, room->members_count);
    gateway_count(&worker->stats->flushes, 1);
    forget_pending(worker, room);
    worker_enter(worker, before);
}

/* Everything pending of the connection's rooms, in as few writes as DELIVER_SPANS_MAX allows. */
static void deliver_all_rooms(struct worker *worker, struct connection *connection) {
    struct span spans[DELIVER_SPANS_MAX];
    int32_t count = 0;
    for (uint32_t i = 0; i < connection->memberships_count; i++) {
        const struct room *room = worker->rooms.rooms[connection->memberships[i].room];
        if (room->pending == NULL || hold_is_on(&room->hold))
            continue;
        spans[count++] = (struct span){room->pending, room->number};
        if (count < DELIVER_SPANS_MAX)
            continue;
        deliver(worker, connection, spans, count);
        count = 0;
    }
    if (count > 0)
        deliver(worker, connection, spans, count);
}

static uint32_t walk(struct worker *worker, const struct room *room) {
    struct span span = {room->pending, room->number};
    uint32_t touched = 0;
    for (uint32_t i = 0; i < room->members_count; i++) {
        struct connection *connection = connection_at(worker, room->members[i].connection);
        if (connection->memberships_count == 1) {
            deliver(worker, connection, &span, 1);
        } else if (connection->flush_stamp != worker->flush_stamp) {
            connection->flush_stamp = worker->flush_stamp;
            deliver_all_rooms(worker, connection);
        } else {
            continue;
        }
        touched++;
    }
    return touched;
}

void fanout_flush(struct worker *worker) {
    if (may_hold(worker->options))
        end_holds_due(worker);
    if (worker->dirty_count == 0)
        return;
    enum phase before = worker_enter(worker, PHASE_WRITE);
    worker->flush_stamp++;
    for (uint32_t i = 0; i < worker->dirty_count; i++) {
        if (!is_due(worker->dirty[i]))
            continue; /* written out within the turn */
        uint32_t touched = walk(worker, worker->dirty[i]);
        gateway_count(&worker->stats->touched_sockets, touched);
        gateway_count(&worker->stats->flushes, 1);
    }
    for (uint32_t i = 0; i < worker->dirty_count; i++) {
        struct room *room = worker->dirty[i];
        if (!hold_is_on(&room->hold))
            forget_pending(worker, room);
        room->is_listed = false;
        if (room->members_count == 0) {
            fanout_forget_held(worker, room);
            room_remove(&worker->rooms, room);
            gateway_level(&worker->stats->rooms, worker->rooms.count);
        }
    }
    worker->dirty_count = 0;
    worker_enter(worker, before);
    worker->gathering_since_ns = worker->now_ns;
}

void fanout_to_others(struct worker *worker, enum mail_kind kind, const struct room *room,
                      uint8_t opcode, const void *payload, size_t length) {
    struct gateway *gateway = worker->gateway;
    if (gateway->workers_count == 1)
        return;
    uint32_t others = (uint32_t)gateway->workers_count - 1;
    struct parcel *parcel = parcel_new(opcode, payload, length, room->name_length, others);
    for (int32_t i = 0; i < gateway->workers_count; i++) {
        if (i == worker->index)
            continue;
        struct mail mail = {.kind = kind, .fd = -1, .parcel = parcel};
        bool is_posted = parcel != NULL && mailbox_post(&gateway->workers[i].mailbox, mail);
        gateway_count(is_posted ? &worker->stats->handed_over : &worker->stats->hand_over_lost, 1);
        if (!is_posted && parcel != NULL)
            parcel_unref(parcel);
    }
}
