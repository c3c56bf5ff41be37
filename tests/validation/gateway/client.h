/* A WebSocket client for the gateway's tests, and a gateway to talk to: the real program, on a free
 * port, for as long as a test lives.
 *
 * Every wait is bounded: nothing arriving in time ends the test with what was waited for. */
#ifndef HEADROOM_TESTS_VALIDATION_GATEWAY_CLIENT_H
#define HEADROOM_TESTS_VALIDATION_GATEWAY_CLIENT_H

#include "validation/gateway/frames.h"
#include "validation/gateway/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLIENT_WAIT_MS = 5000, CLIENT_SMALL_BUFFER = 4096 };

struct server {
    pid_t pid;
    int port, backplane_port; /* 0: it has none */
    char stats_path[64];
    struct gateway_stats_reader stats;
};

/* `options`: further words of the command line, ended by NULL. */
void server_start(struct server *server, const char *const *options);
/* START(&server, "--echo"); START(&server, NULL) for none. */
#define START(server, ...) server_start((server), (const char *const[]){__VA_ARGS__, NULL})
/* Closes every client, sends SIGTERM; returns the exit status. */
int server_stop(struct server *server);
int server_wait(struct server *server);
struct gateway_stats server_stats(const struct server *server);
/* Waits until the counter at `offset` of struct gateway_stats is at least `value`. */
void server_wait_for(const struct server *server, size_t offset, uint64_t value);
#define SERVER_WAIT_FOR(server, member, value)                                                     \
    server_wait_for((server), offsetof(struct gateway_stats, member), (value))
uint64_t server_closed(const struct server *server, enum gateway_close reason);
void server_wait_closed(const struct server *server, enum gateway_close reason, uint64_t count);

int client_connect(const struct server *server);
int client_connect_slow_reader(
    const struct server *server); /* with a receive buffer of CLIENT_SMALL_BUFFER */
void client_close(int fd);
void client_send(int fd, const void *bytes, size_t length);
/* Reads what there is until `length` bytes, or the peer's end; returns the count. */
size_t client_read(int fd, char *bytes, size_t length);
/* What the server answers to an HTTP request, to its end. NUL-terminated. */
void client_http(const struct server *server, const char *request, char *answer, size_t size);

void client_upgrade(int fd);
int client_open(const struct server *server); /* connect and upgrade */
void client_send_frame(int fd, uint8_t first_byte, const void *payload, size_t length);
void client_say(int fd, const char *text); /* a whole text message */
void client_join(const struct server *server, int fd,
                 const char *room); /* and waits until it is in */

struct client_frame {
    uint8_t opcode;
    size_t length;
    char *payload; /* of static storage, until the next call; NUL-terminated */
};
/* The next frame; false at the peer's end or a reset (`was_reset`). */
bool client_next(int fd, struct client_frame *frame);
void client_expect(int fd, const char *text);    /* a text message */
void client_expect_close(int fd, uint16_t code); /* a close frame and then the end, no reset */
void client_expect_end(int fd); /* the end without a reset, whatever comes before */
void client_expect_silence(int fd, int milliseconds);

#endif
