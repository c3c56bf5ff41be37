/* A connection's life: numbered on accept, doomed by whoever finds out why, taken apart at the end
 * of the step.
 *
 * A close never resets: we say why (a close frame, where the stream is at a frame's edge), send
 * FIN, and read what still comes for CONNECTION_LINGER_NS, because a kernel that closes a socket
 * with unread bytes sends RST, and RST may overtake the close frame. */
#include "validation/gateway/worker.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DRAIN_SHARES = 64, FIRST_MEMBERSHIPS = 4 };

#define DRAIN_SPREAD_NS BASE_NS_PER_S /* clients that reconnect come back spread over this */

struct connection *connection_at(const struct worker *worker, uint32_t number) {
    return &worker->chunks[number / CONNECTION_CHUNK][number % CONNECTION_CHUNK];
}

static bool add_chunk(struct worker *worker) {
    size_t count = worker->chunks_count + (size_t)1;
    struct connection **chunks = realloc(worker->chunks, count * sizeof *chunks);
    if (chunks == NULL)
        return false;
    worker->chunks = chunks;
    struct connection *chunk = calloc(CONNECTION_CHUNK, sizeof *chunk);
    if (chunk == NULL)
        return false;
    chunks[worker->chunks_count++] = chunk;
    uint32_t first = (worker->chunks_count - 1) * CONNECTION_CHUNK;
    for (uint32_t i = CONNECTION_CHUNK; i-- > 0;) {
        chunk[i].number = first + i;
        chunk[i].fd = -1;
        chunk[i].timer.slot = WHEEL_NONE;
        chunk[i].next = worker->free_connection;
        worker->free_connection = first + i;
    }
    return true;
}

static bool watch(const struct worker *worker, const struct connection *connection, int operation) {
    struct epoll_event event = {.events = connection->interest,
                                .data.u64 =
                                    (uint64_t)connection->generation << 32 | connection->number};
    return epoll_ctl(worker->epoll_fd, operation, connection->fd, &event) == 0;
}

struct connection *connection_new(struct worker *worker, int fd) {
    if (worker->free_connection == CONNECTION_NONE && !add_chunk(worker))
        return NULL;
    struct connection *connection = connection_at(worker, worker->free_connection);
    uint32_t next = connection->next;
    uint32_t generation = connection->generation + 1;
    uint32_t number = connection->number;
    *connection = (struct connection){.timer.slot = WHEEL_NONE,
                                      .number = number,
                                      .generation = generation == 0 ? 1 : generation,
                                      .fd = fd,
                                      .state = CONNECTION_HANDSHAKE,
                                      .interest = EPOLLIN,
                                      .active_ns = worker->now_ns,
                                      .memberships_capacity = 1};
    connection->memberships = &connection->own;
    if (!watch(worker, connection, EPOLL_CTL_ADD)) {
        connection->state = CONNECTION_FREE;
        return NULL;
    }
    worker->free_connection = next;
    worker->sockets_count++;
    gateway_count(&worker->stats->sockets, 1);
    connection_update_timer(worker, connection);
    return connection;
}

static void release(struct worker *worker, struct connection *connection) {
    wheel_unset(&worker->wheel, &connection->timer);
    close(connection->fd);
    connection->fd = -1;
    connection->state = CONNECTION_FREE;
    connection->next = worker->free_connection;
    worker->free_connection = connection->number;
    worker->sockets_count--;
    gateway_uncount(&worker->stats->sockets, 1);
    atomic_fetch_sub(&worker->gateway->sockets_count, 1);
}

void connection_update_interest(struct worker *worker, struct connection *connection) {
    bool is_read = connection->pauses == 0 || connection->state == CONNECTION_CLOSING;
    uint8_t interest =
        (uint8_t)((is_read ? EPOLLIN : 0) | (connection->queue != NULL ? EPOLLOUT : 0));
    if (interest == connection->interest)
        return;
    connection->interest = interest;
    CHECK(
        watch(worker, connection, EPOLL_CTL_MOD)); /* fails only for a descriptor not in the set */
}

static base_ns plus(base_ns from_ns, base_ns length_ns) {
    return length_ns > BASE_NS_MAX - from_ns ? BASE_NS_MAX : from_ns + length_ns;
}

static base_ns earlier(base_ns a, base_ns b) {
    return a < b ? a : b;
}

static base_ns idle_deadline(const struct worker *worker, const struct connection *connection) {
    base_ns timeout_ns = worker->options->idle_timeout;
    if (connection->pauses > 0 || timeout_ns == BASE_NS_MAX)
        return BASE_NS_MAX;
    return plus(connection->active_ns, connection->is_pinged ? timeout_ns : timeout_ns / 2);
}

static base_ns drain_deadline(const struct worker *worker, const struct connection *connection) {
    if (!worker->is_draining)
        return BASE_NS_MAX;
    return worker->drain_since_ns +
           DRAIN_SPREAD_NS / DRAIN_SHARES * (connection->number % DRAIN_SHARES);
}

static base_ns queue_deadline(const struct worker *worker, const struct connection *connection) {
    return connection->queue == NULL
               ? BASE_NS_MAX
               : slow_consumer_deadline(&worker->options->send_queue, &connection->queue->level);
}

static base_ns deadline(const struct worker *worker, const struct connection *connection) {
    base_ns drain_ns = drain_deadline(worker, connection);
    switch ((enum connection_state)connection->state) {
    case CONNECTION_HANDSHAKE:
        return earlier(drain_ns, plus(connection->active_ns, worker->options->handshake_timeout));
    case CONNECTION_OPEN:
        return earlier(drain_ns, earlier(idle_deadline(worker, connection),
                                         queue_deadline(worker, connection)));
    case CONNECTION_CLOSING:
        return connection->active_ns + CONNECTION_LINGER_NS;
    case CONNECTION_FREE:
        break;
    }
    return BASE_NS_MAX;
}

void connection_update_timer(struct worker *worker, struct connection *connection) {
    base_ns due_ns = deadline(worker, connection);
    if (due_ns != BASE_NS_MAX && wheel_is_late(&worker->wheel, &connection->timer, due_ns))
        wheel_set(&worker->wheel, &connection->timer, due_ns);
}

static void fire_open(struct worker *worker, struct connection *connection) {
    struct slow_consumer_verdict verdict = {SLOW_QUEUE, SLOW_REASON_NONE};
    if (connection->queue != NULL)
        verdict = slow_consumer_expired(&worker->options->send_queue, &connection->queue->level,
                                        worker->now_ns);
    if (verdict.action == SLOW_CLOSE) {
        connection_doom(worker, connection, gateway_close_of_slow(verdict.reason));
    } else if (worker->now_ns >= drain_deadline(worker, connection)) {
        connection_doom(worker, connection, GATEWAY_CLOSE_DRAIN);
    } else if (connection->is_pinged) {
        connection_doom(worker, connection, GATEWAY_CLOSE_IDLE);
    } else {
        connection->is_pinged = true;
        deliver_frame(worker, connection, FRAMES_PING, NULL, 0);
    }
}

/* The timer may be early: then it is only set again. */
void connection_fire(struct worker *worker, struct connection *connection) {
    if (connection->is_doomed)
        return;
    if (worker->now_ns >= deadline(worker, connection)) {
        if (connection->state == CONNECTION_OPEN)
            fire_open(worker, connection);
        else if (connection->state == CONNECTION_CLOSING)
            connection_doom(worker, connection, GATEWAY_CLOSE_PEER);
        else
            connection_doom(worker, connection,
                            worker->is_draining ? GATEWAY_CLOSE_DRAIN
                                                : GATEWAY_CLOSE_HANDSHAKE_TIMEOUT);
    }
    if (!connection->is_doomed)
        connection_update_timer(worker, connection);
}

void connection_doom(struct worker *worker, struct connection *connection,
                     enum gateway_close reason) {
    if (connection->is_doomed || connection->state == CONNECTION_FREE)
        return;
    connection->is_doomed = true;
    connection->close_reason = (uint8_t)reason;
    connection->next = worker->doomed;
    worker->doomed = connection->number;
}

struct membership *connection_membership(const struct connection *connection, uint32_t room) {
    for (uint32_t i = 0; i < connection->memberships_count; i++)
        if (connection->memberships[i].room == room)
            return &connection->memberships[i];
    return NULL;
}

static bool reserve_membership(struct connection *connection) {
    if (connection->memberships_count < connection->memberships_capacity)
        return true;
    if (connection->memberships_capacity >= CONNECTION_MEMBERSHIPS_MAX)
        return false;
    bool is_own = connection->memberships == &connection->own;
    size_t capacity = is_own ? FIRST_MEMBERSHIPS : 2 * (size_t)connection->memberships_capacity;
    struct membership *memberships =
        realloc(is_own ? NULL : connection->memberships, capacity * sizeof *memberships);
    if (memberships == NULL)
        return false;
    if (is_own)
        memberships[0] = connection->own;
    connection->memberships = memberships;
    connection->memberships_capacity = (uint16_t)capacity;
    return true;
}

bool connection_join(struct worker *worker, struct connection *connection, struct room *room) {
    struct room_member member = {connection->number, connection->memberships_count};
    if (!reserve_membership(connection) || !room_add_member(room, member))
        return false;
    connection->memberships[connection->memberships_count++] =
        (struct membership){.room = room->number, .place = room->members_count - 1};
    gateway_count(&worker->stats->memberships, 1);
    if (room->members_count == 1)
        cluster_hold(worker, room, true);
    return true;
}

void connection_leave(struct worker *worker, struct connection *connection, uint32_t index) {
    struct membership *left = &connection->memberships[index];
    struct room *room = worker->rooms.rooms[left->room];
    throttle_left(worker, connection, left, room);
    if ((left->flags & MEMBERSHIP_PRESENT) != 0)
        attendance_left(worker, connection, left);
    struct room_member moved = room_remove_member(room, left->place);
    if (moved.connection != CONNECTION_NONE)
        connection_at(worker, moved.connection)->memberships[moved.membership].place = left->place;
    *left = connection->memberships[--connection->memberships_count];
    if (index < connection->memberships_count)
        worker->rooms.rooms[left->room]->members[left->place].membership = index;
    gateway_uncount(&worker->stats->memberships, 1);
    if (room->members_count == 0) {
        cluster_hold(worker, room, false);
        fanout_forget_held(worker, room);
    }
    if (room->members_count == 0 && !room->is_listed) {
        room_remove(&worker->rooms, room);
        gateway_level(&worker->stats->rooms, worker->rooms.count);
    }
}

/* Why it is closed, where a frame may begin; once, and only if the kernel takes it at once. */
static void send_close_frame(struct connection *connection) {
    uint16_t code = gateway_close_code((enum gateway_close)connection->close_reason);
    bool is_inside_frame =
        connection->queue != NULL && connection->queue->level.head_sent_bytes > 0;
    if (code == 0 || is_inside_frame || connection->has_close_frame ||
        connection->state != CONNECTION_OPEN)
        return;
    const uint8_t frame[] = {0x80 | FRAMES_CLOSE, 2, (uint8_t)(code >> 8), (uint8_t)code};
    ssize_t sent = send(connection->fd, frame, sizeof frame, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* a peer that takes nothing learns of the end by FIN */
}

static void strip(struct worker *worker, struct connection *connection) {
    while (connection->memberships_count > 0)
        connection_leave(worker, connection, connection->memberships_count - 1u);
    if (connection->memberships != &connection->own)
        free(connection->memberships);
    connection->memberships = &connection->own;
    connection->memberships_capacity = 1;
    deliver_forget(worker, connection);
    if (connection->state == CONNECTION_HANDSHAKE)
        free(connection->parser);
    else if (connection->input != NULL)
        message_forget(worker, connection);
    connection->input = NULL;
    if (connection->session != NULL)
        gateway_uncount(&worker->stats->session_bytes, (uint64_t)worker->options->session);
    free(connection->session);
    connection->session = NULL;
}

static void end(struct worker *worker, struct connection *connection) {
    enum gateway_close reason = (enum gateway_close)connection->close_reason;
    if (connection->state == CONNECTION_CLOSING) {
        release(worker, connection);
        return;
    }
    gateway_count(&worker->stats->closed[reason], 1);
    send_close_frame(connection);
    strip(worker, connection);
    if (connection->state == CONNECTION_OPEN)
        gateway_uncount(&worker->stats->connections, 1);
    if (reason == GATEWAY_CLOSE_PEER || reason == GATEWAY_CLOSE_RESET) {
        release(worker, connection);
        return;
    }
    shutdown(connection->fd, SHUT_WR);
    connection->state = CONNECTION_CLOSING;
    connection->is_doomed = false;
    connection->active_ns = worker->now_ns;
    connection_update_interest(worker, connection);
    wheel_unset(&worker->wheel, &connection->timer);
    connection_update_timer(worker, connection);
}

void connection_end_doomed(struct worker *worker) {
    while (worker->doomed != CONNECTION_NONE) {
        struct connection *connection = connection_at(worker, worker->doomed);
        worker->doomed = connection->next;
        end(worker, connection);
    }
}

void connection_free_all(struct worker *worker) {
    for (uint32_t i = 0; i < worker->chunks_count * CONNECTION_CHUNK; i++) {
        struct connection *connection = connection_at(worker, i);
        if (connection->state == CONNECTION_FREE)
            continue;
        strip(worker, connection);
        release(worker, connection);
    }
    for (uint32_t i = 0; i < worker->chunks_count; i++)
        free(worker->chunks[i]);
    free(worker->chunks);
}
