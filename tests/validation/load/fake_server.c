/* One thread, poll() every 200 us, blocking sends of small frames: slow and simple. */
#include "tests/validation/load/fake_server.h"

#include "models/workload/protocol.h"
#include "sim/base/check.h"

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

enum { IN_BYTES = 16 << 10, HELD_BYTES = 128 << 10 };

struct held { /* a frame on its way out; its bytes follow */
    base_ns at_ns;
    uint32_t length;
};

struct fake_connection {
    int fd; /* -1: closed */
    bool is_upgraded;
    bool is_member[FAKE_ROOMS_MAX];
    int64_t deliveries;
    size_t in_length, held_start, held_length;
    uint8_t in[IN_BYTES];
    uint8_t held[HELD_BYTES];
};

struct loop {
    struct fake_server *server;
    struct fake_connection *connections;
    int32_t count; /* accepted in all */
};

static base_ns clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static void say(struct fake_connection *connection, const void *bytes, size_t length) {
    if (send(connection->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) {
        close(connection->fd);
        connection->fd = -1;
    }
}

static void upgrade(struct loop *loop, struct fake_connection *connection) {
    static const char right[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                      wrong[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const struct fake_options *options = &loop->server->options;
    char *end = memmem(connection->in, connection->in_length, "\r\n\r\n", 4);
    if (!end)
        return;
    int32_t index = (int32_t)(connection - loop->connections) + 1;
    if (options->connections_max > 0 && index > options->connections_max) {
        say(connection, "HTTP/1.1 503 Service Unavailable\r\n\r\n", 36);
        if (connection->fd >= 0)
            close(connection->fd);
        connection->fd = -1;
        return;
    }
    char response[256];
    int length = snprintf(response, sizeof response,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                          options->garble_connection == index ? wrong : right);
    size_t used = (size_t)(end + 4 - (char *)connection->in);
    memmove(connection->in, connection->in + used, connection->in_length - used);
    connection->in_length -= used;
    connection->is_upgraded = true;
    say(connection, response, (size_t)length);
}

static void hold(struct fake_connection *connection, base_ns at_ns, const uint8_t *header,
                 size_t header_length, const char *payload, size_t payload_length) {
    struct held held = {at_ns, (uint32_t)(header_length + payload_length)};
    CHECK(connection->held_length + sizeof held + held.length <= HELD_BYTES);
    uint8_t *out = connection->held + connection->held_length;
    memcpy(out, &held, sizeof held);
    memcpy(out + sizeof held, header, header_length);
    memcpy(out + sizeof held + header_length, payload, payload_length);
    connection->held_length += sizeof held + held.length;
}

static void deliver(struct loop *loop, struct fake_connection *connection, const char *payload,
                    size_t length) {
    struct fake_server *server = loop->server;
    const struct fake_options *options = &server->options;
    connection->deliveries++;
    if (options->close_connection == connection - loop->connections + 1 &&
        options->close_after == connection->deliveries) {
        say(connection, "\x88\x02\x03\xf0", 4); /* 1008 */
        close(connection->fd);
        connection->fd = -1;
        return;
    }
    if (options->lose_every > 0 && connection->deliveries % options->lose_every == 0) {
        server->lost++;
        return;
    }
    uint8_t header[4] = {0x81, (uint8_t)length};
    size_t header_length = 2;
    if (length >= 126) {
        header[1] = 126;
        header[2] = (uint8_t)(length >> 8);
        header[3] = (uint8_t)length;
        header_length = 4;
    }
    server->deliveries++;
    hold(connection, clock_now() + options->delay_ns, header, header_length, payload, length);
}

static void obey(struct loop *loop, struct fake_connection *connection, const char *message,
                 size_t length) {
    struct protocol_command command;
    const char *reason;
    CHECK(protocol_parse(message, length, &command, &reason));
    int room = atoi(command.room + 1);
    CHECK(room >= 0 && room < FAKE_ROOMS_MAX);
    if (command.verb != PROTOCOL_PUBLISH) {
        connection->is_member[room] = command.verb == PROTOCOL_JOIN;
        return;
    }
    const struct fake_options *options = &loop->server->options;
    if (++loop->server->publishes == options->pause_at_publish)
        nanosleep(&(struct timespec){.tv_nsec = options->pause_ns}, NULL);
    for (int32_t i = 0; i < loop->count; i++)
        if (loop->connections[i].fd >= 0 && loop->connections[i].is_member[room])
            deliver(loop, &loop->connections[i], command.delivery, command.delivery_length);
}

/* One whole client frame at the start of the buffer; its length, 0: not all there. */
static size_t frame_length(const struct fake_connection *connection, size_t *header) {
    if (connection->in_length < 6)
        return 0;
    size_t length = connection->in[1] & 0x7f;
    CHECK(length < 127 && connection->in[1] & 0x80);
    *header = length == 126 ? 8 : 6;
    if (length == 126)
        length = (size_t)connection->in[2] << 8 | connection->in[3];
    return *header + length <= connection->in_length ? *header + length : 0;
}

static void take_frames(struct loop *loop, struct fake_connection *connection) {
    size_t header, length;
    while (connection->fd >= 0 && connection->is_upgraded &&
           (length = frame_length(connection, &header)) > 0) {
        uint8_t *payload = connection->in + header, *mask = payload - 4;
        for (size_t i = 0; i < length - header; i++)
            payload[i] ^= mask[i % 4];
        if ((connection->in[0] & 0x0f) == 9)
            say(connection, "\x8a\x00", 2);
        else if ((connection->in[0] & 0x0f) == 1)
            obey(loop, connection, (char *)payload, length - header);
        memmove(connection->in, connection->in + length, connection->in_length - length);
        connection->in_length -= length;
    }
}

static void read_from(struct loop *loop, struct fake_connection *connection) {
    ssize_t length = recv(connection->fd, connection->in + connection->in_length,
                          IN_BYTES - connection->in_length, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0) {
        close(connection->fd);
        connection->fd = -1;
        return;
    }
    connection->in_length += (size_t)length;
    if (!connection->is_upgraded)
        upgrade(loop, connection);
    take_frames(loop, connection);
}

static void release(struct fake_connection *connection, base_ns now_ns) {
    while (connection->fd >= 0 && connection->held_start < connection->held_length) {
        struct held held;
        memcpy(&held, connection->held + connection->held_start, sizeof held);
        if (held.at_ns > now_ns)
            return;
        say(connection, connection->held + connection->held_start + sizeof held, held.length);
        connection->held_start += sizeof held + held.length;
    }
    connection->held_start = connection->held_length = 0;
}

static void accept_one(struct loop *loop) {
    int fd = accept(loop->server->listener, NULL, NULL), on = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    CHECK(loop->count < FAKE_CONNECTIONS_MAX);
    loop->connections[loop->count++].fd = fd;
}

static void *serve(void *context) {
    struct loop loop = {.server = context,
                        .connections = ((struct fake_server *)context)->connections};
    struct pollfd polled[FAKE_CONNECTIONS_MAX + 1];
    while (!loop.server->is_stopping) {
        int32_t count = loop.count;
        polled[0] = (struct pollfd){.fd = loop.server->listener, .events = POLLIN};
        for (int32_t i = 0; i < count; i++)
            polled[i + 1] = (struct pollfd){.fd = loop.connections[i].fd, .events = POLLIN};
        ppoll(polled, (nfds_t)count + 1, &(struct timespec){.tv_nsec = 200000}, NULL);
        if (polled[0].revents)
            accept_one(&loop);
        for (int32_t i = 0; i < count; i++) {
            if (polled[i + 1].revents && loop.connections[i].fd >= 0)
                read_from(&loop, &loop.connections[i]);
        }
        base_ns now_ns = clock_now();
        for (int32_t i = 0; i < count; i++)
            release(&loop.connections[i], now_ns);
    }
    for (int32_t i = 0; i < loop.count; i++)
        if (loop.connections[i].fd >= 0)
            close(loop.connections[i].fd);
    return NULL;
}

void fake_start(struct fake_server *server, const struct fake_options *options) {
    *server = (struct fake_server){.options = *options};
    server->connections = calloc(FAKE_CONNECTIONS_MAX, sizeof *server->connections);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    CHECK(server->connections && server->listener >= 0 &&
          bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
          listen(server->listener, 256) == 0 &&
          getsockname(server->listener, (struct sockaddr *)&address, &length) == 0);
    server->port = ntohs(address.sin_port);
    CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
}

void fake_stop(struct fake_server *server) {
    server->is_stopping = 1;
    pthread_join(server->thread, NULL);
    close(server->listener);
    free(server->connections);
}
