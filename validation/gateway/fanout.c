/* A publish is encoded once into its room's segment; a flush writes each member once with all that
 * has gathered.
 *
 * So a publish costs the same for 2 recipients and for 10,000, and a turn costs one send() per
 * touched socket, whatever the number of messages. A member of one room, which nearly all are, is
 * written straight from the walk over the room. One that is in several rooms is written when the
 * walk first meets it, with the segments of all its rooms together, and stamped so that the next
 * room passes it by. Writing at once is the same walk with a flush after every publish. */
#include "validation/gateway/worker.h"

#include <stdlib.h>

static bool list_dirty(struct worker *worker, struct room *room) {
    if (room->is_listed)
        return true;
    if (worker->dirty_count == worker->dirty_capacity) {
        size_t capacity = worker->dirty_capacity == 0 ? 64 : 2 * (size_t)worker->dirty_capacity;
        struct room **dirty = realloc(worker->dirty, capacity * sizeof(struct room *));
        if (dirty == NULL)
            return false;
        worker->dirty = dirty;
        worker->dirty_capacity = (uint32_t)capacity;
    }
    worker->dirty[worker->dirty_count++] = room;
    room->is_listed = true;
    return true;
}

void fanout_publish(struct worker *worker, struct room *room, uint8_t opcode, const void *payload,
                    size_t length) {
    if (room->pending == NULL)
        room->pending = segment_new(&worker->segments);
    struct segment *segment = room->pending;
    uint32_t before = segment != NULL ? segment->bytes_count : 0;
    if (segment == NULL || !list_dirty(worker, room) ||
        !segment_append(segment, opcode, payload, length)) {
        gateway_count(&worker->stats->dropped, room->members_count);
        return;
    }
    gateway_count(&worker->stats->encoded_bytes, segment->bytes_count - before);
    if (worker->options->fan_out == SPEC_WRITE_AT_ONCE ||
        segment->bytes_count >= worker->options->turn.flush_bytes)
        fanout_flush_room(worker, room);
}

static void forget_pending(struct worker *worker, struct room *room) {
    if (room->pending != NULL)
        segment_unref(&worker->segments, room->pending);
    room->pending = NULL;
}

/* Members are not removed while they are walked: who is lost on the way is only doomed. */
void fanout_flush_room(struct worker *worker, struct room *room) {
    if (room->pending == NULL)
        return;
    enum phase before = worker_enter(worker, PHASE_WRITE);
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
        if (room->pending == NULL)
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
    if (worker->dirty_count == 0)
        return;
    enum phase before = worker_enter(worker, PHASE_WRITE);
    worker->flush_stamp++;
    for (uint32_t i = 0; i < worker->dirty_count; i++) {
        if (worker->dirty[i]->pending == NULL)
            continue; /* written out within the turn */
        uint32_t touched = walk(worker, worker->dirty[i]);
        gateway_count(&worker->stats->touched_sockets, touched);
        gateway_count(&worker->stats->flushes, 1);
    }
    for (uint32_t i = 0; i < worker->dirty_count; i++) {
        struct room *room = worker->dirty[i];
        forget_pending(worker, room);
        room->is_listed = false;
        if (room->members_count == 0) {
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
