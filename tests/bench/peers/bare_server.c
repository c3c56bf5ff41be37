/* The least that a fan-out server can do, as a yardstick for those that do more: one room, one
 * buffer, and a loop of send() over everybody in it.
 *
 *   bare_server PORT at_once     a loop of send() for each publish that is read
 *   bare_server PORT MILLISECONDS  everything that came, in one send() each, every so often
 *
 * It speaks as much of the gateway's protocol as the load generator needs: the handshake of that
 * generator's one key, joins (whatever the room is called), pings, publishes. No rooms, no limits,
 * no queues, no checks: it waits for whoever does not take everything at once. */
#include "sim/base/check.h"
#include "sim/base/time.h"
#include "validation/gateway/frames.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 16 << 10, KEPT_BYTES = 16 << 10, EVENTS = 512, GATHERED_BYTES = 8 << 20 };

struct client {
    int fd;
    bool is_open;
    size_t kept_length;
    uint8_t kept[KEPT_BYTES]; /* of a frame that has begun */
};

struct bare {
    int epoll_fd, listen_fd;
    int *members, members_count, members_max;
    base_ns every_ns; /* 0: at once */
    uint8_t *gathered;
    size_t gathered_length;
};

static base_ns now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static void write_all(int fd, const void *bytes, size_t length) {
    while (length > 0) {
        ssize_t taken = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken < 0) {
            struct pollfd wanted = {.fd = fd, .events = POLLOUT};
            poll(&wanted, 1, -1);
            continue;
        }
        bytes = (const uint8_t *)bytes + taken;
        length -= (size_t)taken;
    }
}

static void write_gathered(struct bare *bare) {
    for (int i = 0; i < bare->members_count && bare->gathered_length > 0; i++)
        write_all(bare->members[i], bare->gathered, bare->gathered_length);
    bare->gathered_length = 0;
}

static void gather(struct bare *bare, uint8_t opcode, const uint8_t *payload, size_t length) {
    if (bare->gathered_length + length + FRAMES_SERVER_HEADER_MAX > GATHERED_BYTES)
        write_gathered(bare);
    uint8_t *out = bare->gathered + bare->gathered_length;
    size_t header = frames_write_header(out, opcode, length);
    memcpy(out + header, payload, length);
    bare->gathered_length += header + length;
    if (bare->every_ns == 0)
        write_gathered(bare);
}

static void join(struct bare *bare, int fd) {
    if (bare->members_count == bare->members_max) {
        bare->members_max = 2 * bare->members_max + 1024;
        bare->members = realloc(bare->members, (size_t)bare->members_max * sizeof *bare->members);
        CHECK(bare->members);
    }
    bare->members[bare->members_count++] = fd;
}

static void obey(struct bare *bare, struct client *client, const struct frames_frame *frame,
                 uint8_t *payload) {
    enum { PUBLISH_WORD = 8 };
    size_t length = (size_t)frame->payload_bytes;
    frames_unmask(payload, length, frame->mask);
    if (frame->opcode == FRAMES_PING) {
        static const uint8_t pong[] = {0x80 | FRAMES_PONG, 0};
        write_all(client->fd, pong, sizeof pong);
    } else if (length > PUBLISH_WORD && payload[0] == 'p') {
        gather(bare, frame->opcode, payload + PUBLISH_WORD, length - PUBLISH_WORD);
    } else if (length > 0 && payload[0] == 'j') {
        join(bare, client->fd);
    }
}

/* The whole frames from the front; returns the bytes used. */
static size_t take_frames(struct bare *bare, struct client *client, uint8_t *bytes, size_t length) {
    size_t used = 0;
    struct frames_frame frame;
    while (used < length &&
           frames_read(bytes + used, length - used, KEPT_BYTES, &frame) == FRAMES_OK &&
           length - used >= frame.header_bytes + frame.payload_bytes) {
        obey(bare, client, &frame, bytes + used + frame.header_bytes);
        used += frame.header_bytes + (size_t)frame.payload_bytes;
    }
    return used;
}

static void forget(struct bare *bare, struct client *client) {
    for (int i = 0; i < bare->members_count; i++)
        if (bare->members[i] == client->fd)
            bare->members[i--] = bare->members[--bare->members_count];
    close(client->fd);
    free(client);
}

static void read_from(struct bare *bare, struct client *client) {
    static uint8_t bytes[KEPT_BYTES + READ_BYTES];
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    memcpy(bytes, client->kept, client->kept_length);
    ssize_t got = recv(client->fd, bytes + client->kept_length, READ_BYTES, MSG_DONTWAIT);
    if (got <= 0) {
        forget(bare, client);
        return;
    }
    size_t length = client->kept_length + (size_t)got, used = 0;
    if (client->is_open) {
        used = take_frames(bare, client, bytes, length);
    } else if (memcmp(bytes + length - 4, "\r\n\r\n", 4) == 0) { /* it waits for the answer */
        write_all(client->fd, answer, sizeof answer - 1);
        client->is_open = true;
        used = length;
    }
    client->kept_length = length - used;
    CHECK(client->kept_length <= KEPT_BYTES);
    memcpy(client->kept, bytes + used, client->kept_length);
}

static void accept_one(struct bare *bare) {
    struct client *client = calloc(1, sizeof *client);
    CHECK(client);
    client->fd = accept4(bare->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    CHECK(client->fd >= 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    CHECK(epoll_ctl(bare->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) == 0);
}

NORETURN static void serve(struct bare *bare) {
    static struct epoll_event events[EVENTS];
    base_ns next_ns = now_ns() + bare->every_ns;
    for (;;) {
        int wait_ms = bare->every_ns > 0 ? 0 : -1; /* a timer would wake too late: it polls */
        int count = epoll_wait(bare->epoll_fd, events, EVENTS, wait_ms);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_one(bare);
            else
                read_from(bare, events[i].data.ptr);
        }
        if (bare->every_ns > 0 && now_ns() >= next_ns) {
            write_gathered(bare);
            base_ns now = now_ns();
            next_ns = next_ns + bare->every_ns > now ? next_ns + bare->every_ns : now;
        }
    }
}

static void listen_on(struct bare *bare, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    bare->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(bare->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(bare->listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bare->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(bind(bare->listen_fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(bare->listen_fd, 4096) == 0);
    CHECK(epoll_ctl(bare->epoll_fd, EPOLL_CTL_ADD, bare->listen_fd, &event) == 0);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    struct bare bare = {.gathered = malloc(GATHERED_BYTES)};
    CHECK(bare.gathered);
    if (strcmp(argv[2], "at_once") != 0)
        bare.every_ns = atoi(argv[2]) * BASE_NS_PER_MS;
    listen_on(&bare, atoi(argv[1]));
    serve(&bare);
}
