/* The policy `throttle`: while one member's queue is too long, those who publish into its rooms are
 * not read.
 *
 * A room counts who asks for silence. With the first one its publishers are paused (those seen
 * publishing into it so far; a new one after its first message), with the last one they are read
 * again. What the kernel then holds of theirs is the backpressure. The other workers hear of a
 * room's first and last asker by mail. */
#include "validation/gateway/worker.h"

static void pause_member(struct worker *worker, struct connection *connection,
                         struct membership *membership) {
    if ((membership->flags & MEMBERSHIP_PAUSED) != 0)
        return;
    membership->flags |= MEMBERSHIP_PAUSED;
    if (connection->pauses++ > 0)
        return;
    gateway_count(&worker->stats->paused, 1);
    connection_update_interest(worker, connection);
}

static void resume_member(struct worker *worker, struct connection *connection,
                          struct membership *membership) {
    if ((membership->flags & MEMBERSHIP_PAUSED) == 0)
        return;
    membership->flags &= (uint8_t)~MEMBERSHIP_PAUSED;
    if (--connection->pauses > 0)
        return;
    connection->active_ns = worker->now_ns; /* it could not speak: it was not idle */
    gateway_uncount(&worker->stats->paused, 1);
    connection_update_interest(worker, connection);
    connection_update_timer(worker, connection);
}

static void add_asker(struct worker *worker, struct room *room) {
    if (room->throttlers++ > 0)
        return;
    gateway_count(&worker->stats->throttles, 1);
    for (uint32_t i = 0; i < room->members_count; i++) {
        struct connection *connection = connection_at(worker, room->members[i].connection);
        struct membership *membership = &connection->memberships[room->members[i].membership];
        if ((membership->flags & MEMBERSHIP_PUBLISHED) != 0)
            pause_member(worker, connection, membership);
    }
}

static void remove_asker(struct worker *worker, struct room *room) {
    if (room->throttlers == 0 || --room->throttlers > 0)
        return;
    for (uint32_t i = 0; i < room->members_count; i++) {
        struct connection *connection = connection_at(worker, room->members[i].connection);
        resume_member(worker, connection, &connection->memberships[room->members[i].membership]);
    }
}

void throttle_start(struct worker *worker, struct connection *consumer, uint32_t number) {
    struct membership *membership = connection_membership(consumer, number);
    if (membership == NULL || (membership->flags & MEMBERSHIP_THROTTLES) != 0)
        return;
    membership->flags |= MEMBERSHIP_THROTTLES;
    struct room *room = worker->rooms.rooms[number];
    add_asker(worker, room);
    fanout_to_others(worker, MAIL_THROTTLE, room, 0, room->name, room->name_length);
}

static void stop_one(struct worker *worker, struct membership *membership, struct room *room) {
    if ((membership->flags & MEMBERSHIP_THROTTLES) == 0)
        return;
    membership->flags &= (uint8_t)~MEMBERSHIP_THROTTLES;
    remove_asker(worker, room);
    fanout_to_others(worker, MAIL_RESUME, room, 0, room->name, room->name_length);
}

void throttle_stop(struct worker *worker, struct connection *consumer) {
    if (worker->options->send_queue.policy != SPEC_THROTTLE)
        return;
    for (uint32_t i = 0; i < consumer->memberships_count; i++)
        stop_one(worker, &consumer->memberships[i],
                 worker->rooms.rooms[consumer->memberships[i].room]);
}

void throttle_from_other(struct worker *worker, struct room *room, bool starts) {
    if (starts)
        add_asker(worker, room);
    else
        remove_asker(worker, room);
}

void throttle_published(struct worker *worker, struct connection *publisher,
                        struct membership *membership, const struct room *room) {
    membership->flags |= MEMBERSHIP_PUBLISHED;
    if (room->throttlers > 0)
        pause_member(worker, publisher, membership);
}

void throttle_left(struct worker *worker, struct connection *connection,
                   struct membership *membership, struct room *room) {
    stop_one(worker, membership, room);
    resume_member(worker, connection, membership);
}
