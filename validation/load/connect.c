/* A few dozen handshakes in flight, each a slot with its own small state machine; poll() finds the
 * ready ones. Nothing is measured here but the time it all takes, so sleeping is fine. */
#include "validation/load/connect.h"

#include "sim/base/check.h"
#include "validation/load/attend.h"
#include "validation/load/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EXTRA = -1, PAYLOAD_MASK = 0x5a17c3e9, READ_BYTES = 4096, POLL_MS = 100 };

struct slot {
    int32_t local; /* EXTRA: of a ramp */
    int fd;        /* -1: free */
    bool is_upgraded;
    base_ns deadline_ns;
    struct outbox out;
    struct inbound inbound;
    char response[WIRE_RESPONSE_MAX];
    size_t response_length;
};

struct connecting {
    struct clients *clients;
    struct load_tally *tally;
    struct slot slots[CONNECT_IN_FLIGHT_MAX];
    int32_t in_flight;
    int32_t next_local;      /* of the roster */
    int32_t connections_max; /* 0: no ramp */
    int32_t refused_in_a_row;
    bool is_over; /* start no more */
};

static base_ns clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

/* --- a socket as the scenario wants it --- */

static void set_options(int fd, int64_t receive_buffer) {
    int on = 1, buffer = receive_buffer > INT32_MAX ? INT32_MAX : (int)receive_buffer;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", strlen("cubic"));
    if (buffer > 0) /* before connect(): the window scale is agreed on there */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
}

/* Loopback has 2^24 addresses; a source of its own for every sixteenth keeps ports from running
 * out. */
static bool bind_source(int fd, const struct in_addr *server, int32_t index) {
    if ((ntohl(server->s_addr) >> 24) != 127)
        return true;
    int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(0x7f000101U + (uint32_t)index % CONNECT_SOURCES);
    return bind(fd, (struct sockaddr *)&source, sizeof source) == 0;
}

static int64_t receive_buffer_of(const struct clients *clients, int32_t local) {
    if (local == EXTRA)
        return 0;
    int32_t number = clients_roster_number(clients, local);
    return clients->roster->scenario->populations[clients->roster->population[number]]
        .receive.buffer;
}

/* -1 with errno set. */
static int open_socket(const struct clients *clients, int32_t local) {
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)clients_port(clients, local))};
    if (inet_pton(AF_INET, clients->options.host, &server.sin_addr) != 1) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int32_t index = local == EXTRA ? clients->count + clients->extra_count : local;
    set_options(fd, receive_buffer_of(clients, local));
    if (bind_source(fd, &server.sin_addr, index) &&
        (connect(fd, (struct sockaddr *)&server, sizeof server) == 0 || errno == EINPROGRESS))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* --- slots --- */

static void say_request(const struct clients *clients, struct slot *slot) {
    char *out = (char *)outbox_reserve(&slot->out, WIRE_REQUEST_MAX);
    CHECK(out);
    outbox_commit(&slot->out, clients->options.wire->write_request(
                                  out, clients->options.host, clients_port(clients, slot->local)));
}

static bool say_join(const struct clients *clients, struct slot *slot, int32_t client,
                     int32_t room) {
    const struct wire *wire = clients->options.wire;
    const struct roster *roster = clients->roster;
    const struct presence_event entered = {.client = client, .room = room, .act = PRESENCE_ENTER};
    char name[ROSTER_ROOM_NAME_BYTES];
    uint8_t *out = outbox_reserve(&slot->out, WIRE_OVERHEAD_MAX);
    if (!out)
        return false;
    roster_room_name(room, name);
    outbox_commit(&slot->out, wire->write_join(out, name, PAYLOAD_MASK));
    return clients->is_away == NULL || !presence_has_room(roster->scenario, roster, room) ||
           attend_say(&slot->out, wire, roster, &entered, PAYLOAD_MASK);
}

/* False when a client is in so many rooms that saying so passes OUTBOX_BYTES_MAX. */
static bool say_joins(const struct clients *clients, struct slot *slot) {
    const struct roster *roster = clients->roster;
    const struct wire *wire = clients->options.wire;
    if (slot->local != EXTRA) {
        int32_t number = clients_roster_number(clients, slot->local);
        for (int32_t i = roster->client_first[number]; i < roster->client_first[number + 1]; i++)
            if (!say_join(clients, slot, number, roster->client_rooms[i]))
                return false;
    }
    uint8_t *out = outbox_reserve(&slot->out, WIRE_OVERHEAD_MAX);
    if (out)
        outbox_commit(&slot->out, wire->write_control(out, WIRE_PING, "", 0, PAYLOAD_MASK));
    return out != NULL;
}

static void free_slot(struct connecting *connecting, struct slot *slot) {
    slot->fd = -1;
    outbox_clear(&slot->out);
    connecting->in_flight--;
}

static void refuse(struct connecting *connecting, struct slot *slot) {
    close(slot->fd);
    if (slot->local != EXTRA)
        connecting->clients->client[slot->local].was_refused = true;
    free_slot(connecting, slot);
    connecting->tally->refused++;
    connecting->tally->limit = LOAD_LIMIT_SERVER;
    if (connecting->connections_max > 0 && ++connecting->refused_in_a_row >= CONNECT_REFUSED_MAX)
        connecting->is_over = true;
}

static void keep_extra(struct clients *clients, int fd) {
    if (clients->extra_count == clients->extra_max) {
        clients->extra_max = clients->extra_max ? 2 * clients->extra_max : 1024;
        clients->extra =
            realloc(clients->extra, (size_t)clients->extra_max * sizeof *clients->extra);
        CHECK(clients->extra);
    }
    clients->extra[clients->extra_count++] = fd;
}

static void let_in(struct connecting *connecting, struct slot *slot) {
    struct clients *clients = connecting->clients;
    if (slot->local == EXTRA) {
        keep_extra(clients, slot->fd);
    } else {
        struct client *client = &clients->client[slot->local];
        client->fd = slot->fd;
        client->was_refused = client->is_blocked = false;
        outbox_clear(&clients->outbox[slot->local]); /* of its last connection */
        if (client->reader >= 0)
            clients->readers[client->reader].inbound = slot->inbound;
        clients->connected_count++;
    }
    connecting->refused_in_a_row = 0;
    free_slot(connecting, slot);
}

/* True when the pong is among the bytes; sets `is_broken` for what ends the connection. */
static bool read_frames(const struct wire *wire, struct slot *slot, const uint8_t *bytes,
                        size_t length, bool *is_broken) {
    for (size_t used = 0; used < length;) {
        enum inbound_event event;
        used += wire->feed(&slot->inbound, bytes + used, length - used, &event);
        if (event == INBOUND_PONG)
            return true;
        if (event == INBOUND_CLOSE || event == INBOUND_BROKEN) {
            *is_broken = true;
            return false;
        }
    }
    return false;
}

/* True when the client is in. */
static bool take(const struct clients *clients, struct slot *slot, const char *bytes, size_t length,
                 bool *is_broken) {
    const struct wire *wire = clients->options.wire;
    if (slot->is_upgraded)
        return read_frames(wire, slot, (const uint8_t *)bytes, length, is_broken);
    size_t room = sizeof slot->response - slot->response_length, used;
    size_t taken = length < room ? length : room;
    memcpy(slot->response + slot->response_length, bytes, taken);
    slot->response_length += taken;
    enum wire_answer answer = wire->read_response(slot->response, slot->response_length, &used);
    if (answer != WIRE_UPGRADED) {
        *is_broken = answer == WIRE_REFUSED;
        return false;
    }
    slot->is_upgraded = true;
    inbound_init(&slot->inbound);
    *is_broken = !say_joins(clients, slot);
    /* Nothing was asked for yet, but a server may speak first. */
    return read_frames(wire, slot, (const uint8_t *)slot->response + used,
                       slot->response_length - used, is_broken);
}

static void read_slot(struct connecting *connecting, struct slot *slot) {
    char bytes[READ_BYTES];
    ssize_t length = recv(slot->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN)
        return;
    bool is_broken = length <= 0;
    bool is_in = !is_broken && take(connecting->clients, slot, bytes, (size_t)length, &is_broken);
    if (is_in)
        let_in(connecting, slot);
    else if (is_broken)
        refuse(connecting, slot);
}

static void write_slot(struct connecting *connecting, struct slot *slot) {
    ssize_t sent = send(slot->fd, slot->out.bytes + slot->out.start, outbox_waiting(&slot->out),
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        outbox_took(&slot->out, (size_t)sent);
    else if (errno == ECONNREFUSED && connecting->clients->connected_count == 0) {
        connecting->is_over = true;
        refuse(connecting, slot);
        connecting->tally->limit = LOAD_LIMIT_NOBODY_LISTENS;
    } else if (errno != EAGAIN)
        refuse(connecting, slot);
}

/* --- the whole --- */

/* The next client to try; false when there is none. */
static bool next_target(struct connecting *connecting, int32_t *local) {
    struct clients *clients = connecting->clients;
    while (connecting->next_local < clients->count) {
        *local = connecting->next_local++;
        if (clients->client[*local].fd < 0)
            return true;
    }
    *local = EXTRA;
    return clients->connected_count + clients->extra_count + connecting->in_flight <
           connecting->connections_max;
}

static void start(struct connecting *connecting, int32_t local) {
    struct slot *slot = connecting->slots;
    while (slot->fd >= 0)
        slot++;
    int fd = open_socket(connecting->clients, local);
    if (fd < 0) { /* our descriptors or ports: the server had no say in it */
        connecting->is_over = true;
        connecting->tally->limit =
            errno == ECONNREFUSED ? LOAD_LIMIT_NOBODY_LISTENS : LOAD_LIMIT_GENERATOR;
        return;
    }
    slot->local = local;
    slot->fd = fd;
    slot->is_upgraded = false;
    slot->response_length = 0;
    slot->deadline_ns = clock_now() + CONNECT_TIMEOUT_S * BASE_NS_PER_S;
    connecting->in_flight++;
    say_request(connecting->clients, slot);
}

static void serve_slots(struct connecting *connecting) {
    struct pollfd polled[CONNECT_IN_FLIGHT_MAX];
    for (int32_t i = 0; i < CONNECT_IN_FLIGHT_MAX; i++) {
        struct slot *slot = &connecting->slots[i];
        polled[i] = (struct pollfd){
            .fd = slot->fd,
            .events = (short)(POLLIN | (outbox_waiting(&slot->out) > 0 ? POLLOUT : 0))};
    }
    poll(polled, CONNECT_IN_FLIGHT_MAX, POLL_MS);
    base_ns now_ns = clock_now();
    for (int32_t i = 0; i < CONNECT_IN_FLIGHT_MAX; i++) {
        struct slot *slot = &connecting->slots[i];
        if (slot->fd >= 0 && outbox_waiting(&slot->out) > 0 && (polled[i].revents & ~POLLIN))
            write_slot(connecting, slot);
        if (slot->fd >= 0 && (polled[i].revents & (POLLIN | POLLHUP | POLLERR)))
            read_slot(connecting, slot);
        if (slot->fd >= 0 && now_ns > slot->deadline_ns)
            refuse(connecting, slot);
    }
}

static void run(struct clients *clients, int32_t connections_max, struct load_tally *tally) {
    struct connecting *connecting = calloc(1, sizeof *connecting);
    CHECK(connecting);
    int32_t before = clients->connected_count + clients->extra_count;
    *tally = (struct load_tally){.is_quiet = true};
    connecting->clients = clients;
    connecting->tally = tally;
    connecting->connections_max = connections_max;
    for (int32_t i = 0; i < CONNECT_IN_FLIGHT_MAX; i++)
        connecting->slots[i].fd = -1;
    base_ns started_ns = clock_now();
    int32_t local;
    for (;;) {
        while (!connecting->is_over && connecting->in_flight < CONNECT_IN_FLIGHT_MAX &&
               next_target(connecting, &local))
            start(connecting, local);
        if (connecting->in_flight == 0)
            break;
        serve_slots(connecting);
    }
    tally->seconds = base_seconds(clock_now() - started_ns);
    tally->connected = clients->connected_count + clients->extra_count;
    tally->connected_new = tally->connected - before;
    for (int32_t i = 0; i < CONNECT_IN_FLIGHT_MAX; i++)
        outbox_fini(&connecting->slots[i].out);
    free(connecting);
}

void connect_roster(struct clients *clients, struct load_tally *tally) {
    run(clients, 0, tally);
    clients->refused_count = 0;
    for (int32_t local = 0; local < clients->count; local++)
        clients->refused_count += clients->client[local].was_refused;
}

void connect_ramp(struct clients *clients, int32_t connections_max, struct load_tally *tally) {
    run(clients, connections_max, tally);
}
