/* Plain blocking sockets with a receive timeout. */
#include "tests/validation/gateway/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 32, CLIENTS_MAX = 256, POLL_STEP_US = 2000 };

static const char upgrade_request[] =
    "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static int connected[CLIENTS_MAX];
static int connected_count;

static void run_gateway(const struct server *server, const char *const *options, int out) {
    char stats[80];
    snprintf(stats, sizeof stats, "--stats=%s", server->stats_path);
    char *words[WORDS_MAX] = {(char *)(uintptr_t)HEADROOM_GATEWAY, stats};
    for (int i = 0; options[i] != NULL; i++)
        words[2 + i] = (char *)(uintptr_t)options[i];
    dup2(out, STDOUT_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves none behind */
    execv(HEADROOM_GATEWAY, words);
    _exit(127);
}

void server_start(struct server *server, const char *const *options) {
    int out[2];
    ck_assert_int_eq(pipe(out), 0);
    snprintf(server->stats_path, sizeof server->stats_path, "gateway-test-%d.stats", getpid());
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0)
        run_gateway(server, options, out[1]);
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    if (fscanf(lines, "backplane on %d\n", &server->backplane_port) != 1)
        server->backplane_port = 0;
    ck_assert_int_eq(fscanf(lines, "listening on %d", &server->port), 1);
    fclose(lines);
    const char *why = "";
    ck_assert_msg(gateway_stats_open(&server->stats, server->stats_path, &why), "%s", why);
    unlink(server->stats_path);
}

int server_wait(struct server *server) {
    int status = -1;
    for (int i = 0; i < 5000 && waitpid(server->pid, &status, WNOHANG) == 0; i++)
        usleep(POLL_STEP_US);
    gateway_stats_close(&server->stats);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* With nobody connected there is nobody to wait for. */
int server_stop(struct server *server) {
    while (connected_count > 0)
        close(connected[--connected_count]);
    kill(server->pid, SIGTERM);
    return server_wait(server);
}

struct gateway_stats server_stats(const struct server *server) {
    struct gateway_stats stats;
    gateway_stats_read_all(&server->stats, &stats);
    return stats;
}

void server_wait_for(const struct server *server, size_t offset, uint64_t value) {
    uint64_t now = 0;
    for (int i = 0; i < CLIENT_WAIT_MS * 1000 / POLL_STEP_US; i++) {
        struct gateway_stats stats = server_stats(server);
        memcpy(&now, (const char *)&stats + offset, sizeof now);
        if (now >= value)
            return;
        usleep(POLL_STEP_US);
    }
    ck_abort_msg("the counter at %zu stayed at %lu instead of %lu", offset, (unsigned long)now,
                 (unsigned long)value);
}

uint64_t server_closed(const struct server *server, enum gateway_close reason) {
    struct gateway_stats stats = server_stats(server);
    return stats.closed[reason];
}

void server_wait_closed(const struct server *server, enum gateway_close reason, uint64_t count) {
    server_wait_for(
        server, offsetof(struct gateway_stats, closed) + (size_t)reason * sizeof(uint64_t), count);
}

static int connect_with(const struct server *server, int receive_buffer) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_sec = CLIENT_WAIT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)server->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_lt(connected_count, CLIENTS_MAX);
    connected[connected_count++] = fd;
    return fd;
}

void client_close(int fd) {
    for (int i = 0; i < connected_count; i++)
        if (connected[i] == fd)
            connected[i--] = connected[--connected_count];
    close(fd);
}

int client_connect(const struct server *server) {
    return connect_with(server, 0);
}

int client_connect_slow_reader(const struct server *server) {
    return connect_with(server, CLIENT_SMALL_BUFFER);
}

void client_send(int fd, const void *bytes, size_t length) {
    ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

size_t client_read(int fd, char *bytes, size_t length) {
    size_t got = 0;
    while (got < length) {
        ssize_t count = recv(fd, bytes + got, length - got, 0);
        ck_assert_msg(count >= 0, "nothing came in time, or the connection was reset: %s",
                      strerror(errno));
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return got;
}

void client_http(const struct server *server, const char *request, char *answer, size_t size) {
    int fd = client_connect(server);
    client_send(fd, request, strlen(request));
    answer[client_read(fd, answer, size - 1)] = '\0';
    client_close(fd);
}

void client_upgrade(int fd) {
    client_send(fd, upgrade_request, sizeof upgrade_request - 1);
    char answer[129 +
                1]; /* the length of this answer: RFC 6455 fixes Sec-WebSocket-Accept at 28 bytes */
    size_t length = client_read(fd, answer, sizeof answer - 1);
    answer[length] = '\0';
    ck_assert_ptr_nonnull(strstr(answer, "101 Switching Protocols"));
    /* RFC 6455, 1.3: the sample nonce's answer */
    ck_assert_ptr_nonnull(
        strstr(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
}

int client_open(const struct server *server) {
    int fd = client_connect(server);
    client_upgrade(fd);
    return fd;
}

void client_send_frame(int fd, uint8_t first_byte, const void *payload, size_t length) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d}; /* RFC 6455, 5.7 */
    uint8_t *bytes = malloc(length + FRAMES_HEADER_MAX);
    size_t header = frames_write_header(bytes, 0, length);
    bytes[0] = first_byte;
    bytes[1] |= 0x80;
    memcpy(bytes + header, mask, sizeof mask);
    if (length > 0)
        memcpy(bytes + header + 4, payload, length);
    frames_unmask(bytes + header + 4, length, mask);
    client_send(fd, bytes, header + 4 + length);
    free(bytes);
}

void client_say(int fd, const char *text) {
    client_send_frame(fd, 0x80 | FRAMES_TEXT, text, strlen(text));
}

void client_join(const struct server *server, int fd, const char *room) {
    struct gateway_stats before = server_stats(server);
    char text[128];
    snprintf(text, sizeof text, "join %s", room);
    client_say(fd, text);
    SERVER_WAIT_FOR(server, memberships, before.memberships + 1);
}

bool client_next(int fd, struct client_frame *frame) {
    static char payload[(1 << 21) + 1];
    unsigned char head[2];
    unsigned char extended[8];
    if (client_read(fd, (char *)head, 2) < 2)
        return false;
    size_t more = (head[1] & 0x7f) == 126 ? 2 : (head[1] & 0x7f) == 127 ? 8 : 0;
    ck_assert_int_eq(head[1] & 0x80, 0); /* a server never masks */
    if (client_read(fd, (char *)extended, more) < more)
        return false;
    size_t length = more == 0 ? head[1] : 0;
    for (size_t i = 0; i < more; i++)
        length = length << 8 | extended[i];
    ck_assert_uint_lt(length, sizeof payload);
    if (client_read(fd, payload, length) < length)
        return false;
    payload[length] = '\0';
    *frame = (struct client_frame){head[0] & 0x0f, length, payload};
    return true;
}

void client_expect(int fd, const char *text) {
    struct client_frame frame;
    ck_assert_msg(client_next(fd, &frame), "the connection ended before \"%s\"", text);
    ck_assert_uint_eq(frame.opcode, FRAMES_TEXT);
    ck_assert_str_eq(frame.payload, text);
}

void client_expect_close(int fd, uint16_t code) {
    struct client_frame frame;
    ck_assert_msg(client_next(fd, &frame), "the connection ended without a close frame");
    ck_assert_uint_eq(frame.opcode, FRAMES_CLOSE);
    ck_assert_uint_ge(frame.length, 2);
    ck_assert_uint_eq(
        (unsigned)((unsigned char)frame.payload[0] << 8 | (unsigned char)frame.payload[1]), code);
    ck_assert(!client_next(fd, &frame));
}

void client_expect_end(int fd) {
    char bytes[4096];
    while (client_read(fd, bytes, sizeof bytes) == sizeof bytes)
        continue;
}

void client_expect_silence(int fd, int milliseconds) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&wanted, 1, milliseconds), 0);
}
