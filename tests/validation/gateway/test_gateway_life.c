/* From the first connection to the last: limits, timeouts, health, metrics, drain. */
#include "tests/sim/suite.h"
#include "tests/validation/gateway/client.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int64_t http_status(const struct server *server, const char *path, char *answer,
                           size_t size) {
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    client_http(server, request, answer, size);
    return strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
}

START_TEST(the_connection_limit_is_exact_and_the_next_is_told_503) {
    struct server server;
    START(&server, "--connections-max=20");
    int fds[20];
    for (int i = 0; i < 20; i++)
        fds[i] = client_open(&server);
    char answer[512];
    client_http(&server,
                "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                answer, sizeof answer);
    ck_assert(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
    ck_assert_uint_eq(server_stats(&server).refused, 1);
    ck_assert_uint_eq(server_stats(&server).connections, 20);
    ck_assert_int_eq(http_status(&server, "/healthz", answer, sizeof answer), 200);
    client_close(fds[7]);
    server_wait_closed(&server, GATEWAY_CLOSE_PEER, 1);
    int replacement = client_connect(&server);
    client_upgrade(replacement);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(far_beyond_the_limit_everybody_is_answered_and_the_limit_holds) {
    struct server server;
    START(&server, "--open-files=64"); /* 64 - 32 - 4 = 28 connections: admission.h */
    int fds[100];
    for (int i = 0; i < 28; i++)
        fds[i] = client_open(&server);
    for (int i = 28; i < 100; i++)
        fds[i] = client_connect(&server); /* they say nothing */
    SERVER_WAIT_FOR(&server, accepted, 100);
    SERVER_WAIT_FOR(&server, refused, 64); /* counted after they were accepted */
    struct gateway_stats stats = server_stats(&server);
    ck_assert_uint_eq(stats.connections, 28);
    ck_assert_uint_le(stats.sockets, 28 + 8); /* BEYOND_LIMIT_MAX of acceptor.c */
    char answer[64];
    ck_assert_uint_gt(client_read(fds[99], answer, 13), 12);
    ck_assert(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
    client_join(&server, fds[0], "r");
    client_say(fds[0], "publish r\nunmoved");
    client_expect(fds[0], "r\nunmoved");
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* The limit under the gateway's feet: descriptors from `open_files` on cannot be had any more. */
static void limit_files(const struct server *server, rlim_t open_files) {
    struct rlimit limit;
    ck_assert_int_eq(prlimit(server->pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = open_files;
    ck_assert_int_eq(prlimit(server->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* All below it are in use. */
static rlim_t first_free_descriptor(const struct server *server) {
    char path[64];
    rlim_t number = 0;
    do
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)server->pid, (int)number++);
    while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    return number - 1;
}

START_TEST(out_of_descriptors_everybody_is_told_503_and_those_inside_are_served) {
    struct server server;
    START(&server, "--connections-max=20");
    int inside = client_open(&server);
    client_join(&server, inside, "r");
    limit_files(&server, first_free_descriptor(&server));
    char answer[64];
    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert_uint_gt(client_read(client_connect(&server), answer, 13), 12);
        ck_assert(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
        SERVER_WAIT_FOR(&server, refused, i);
    }
    ck_assert_uint_eq(server_stats(&server).accept_failures, 3);
    client_say(inside, "publish r\nunmoved");
    client_expect(inside, "r\nunmoved");
    limit_files(&server, 64);
    client_upgrade(client_connect(&server));
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* Not even the spare descriptor is to be had: whoever connects waits in the backlog, where it keeps
 * the listener readable. Once in ACCEPT_AGAIN_NS of worker.h, 100 ms, it is looked at. */
START_TEST(where_nothing_can_be_accepted_the_gateway_waits_and_does_not_spin) {
    struct server server;
    START(&server, NULL);
    int inside = client_open(&server);
    client_join(&server, inside, "r");
    limit_files(&server, 3);
    int waiting = client_connect(&server);
    SERVER_WAIT_FOR(&server, accept_failures, 1);
    struct gateway_stats before = server_stats(&server);
    usleep(350000);
    struct gateway_stats after = server_stats(&server);
    ck_assert_uint_le(after.accept_failures - before.accept_failures, 4);
    ck_assert_uint_ge(after.accept_failures - before.accept_failures, 1);
    ck_assert_uint_le(after.turns - before.turns, 4);
    client_say(inside, "publish r\nunmoved");
    client_expect(inside, "r\nunmoved");
    limit_files(&server, 64);
    client_upgrade(waiting);
    client_upgrade(client_connect(&server));
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(a_request_that_never_ends_is_closed_in_time) {
    struct server server;
    START(&server, "--handshake-timeout=200ms");
    int silent = client_connect(&server), slow = client_connect(&server);
    client_send(slow, "GET / HT", 8);
    server_wait_closed(&server, GATEWAY_CLOSE_HANDSHAKE_TIMEOUT, 2);
    client_expect_end(silent);
    client_expect_end(slow);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(an_idle_client_is_pinged_then_closed_and_one_that_answers_stays) {
    struct server server;
    START(&server, "--idle-timeout=400ms");
    int idle = client_open(&server), alive = client_open(&server);
    client_send_frame(idle, 0x80 | FRAMES_TEXT, "half", 4);
    struct client_frame frame;
    for (int i = 0; i < 3; i++) {
        do
            ck_assert(client_next(alive, &frame));
        while (frame.opcode != FRAMES_PING);
        client_send_frame(alive, 0x80 | FRAMES_PONG, "", 0);
    }
    server_wait_closed(&server, GATEWAY_CLOSE_IDLE, 1);
    ck_assert_uint_eq(server_stats(&server).connections, 1);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(half_a_frame_and_then_silence_is_an_idle_client) {
    struct server server;
    START(&server, "--idle-timeout=200ms");
    int fd = client_open(&server);
    client_send(fd, "\x82\xfe\x10\x00\0\0\0\0half", 12);
    server_wait_closed(&server, GATEWAY_CLOSE_IDLE, 1);
    struct client_frame frame;
    ck_assert(client_next(fd, &frame));
    ck_assert_uint_eq(frame.opcode, FRAMES_PING);
    client_expect_close(fd, 1001);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(sigterm_says_1001_to_everybody_and_ends_with_0) {
    struct server server;
    START(&server, "--workers=2");
    int fds[10];
    for (int i = 0; i < 10; i++)
        fds[i] = client_open(&server);
    kill(server.pid, SIGTERM);
    for (int i = 0; i < 10; i++) {
        client_expect_close(fds[i], 1001);
        client_close(fds[i]);
    }
    ck_assert_int_eq(server_wait(&server), 0);
}
END_TEST

START_TEST(a_second_sigterm_ends_it_at_once) {
    struct server server;
    START(&server, "--workers=2");
    int fd = client_open(&server); /* stays, and would be waited for */
    double before = seconds_now();
    kill(server.pid, SIGTERM);
    usleep(20000);
    kill(server.pid, SIGTERM);
    ck_assert_int_eq(server_wait(&server), 0);
    ck_assert_double_lt(seconds_now() - before,
                        0.9); /* the drain alone takes 1 s and the linger 2 s */
    client_close(fd);
}
END_TEST

START_TEST(an_idle_gateway_sleeps) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    usleep(50000);
    struct gateway_stats before = server_stats(&server);
    usleep(500000);
    struct gateway_stats since = server_stats(&server);
    since = gateway_stats_since(&before, &since);
    ck_assert_uint_eq(since.turns, 0);
    ck_assert_uint_le(since.cpu_ns, 1000000);
    client_close(fd);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(session_memory_is_held_while_connected) {
    struct server server;
    START(&server, "--session=10KiB");
    int fd = client_open(&server), second = client_open(&server);
    ck_assert_uint_eq(server_stats(&server).session_bytes, 2 * 10240);
    client_close(fd);
    server_wait_closed(&server, GATEWAY_CLOSE_PEER, 1);
    ck_assert_uint_eq(server_stats(&server).session_bytes, 10240);
    client_close(second);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

/* What promtool checks, where it is installed; what we know it checks, where it is not. */
START_TEST(metrics_are_what_promtool_accepts_and_name_no_room) {
    struct server server;
    START(&server, "--workers=2");
    int fd = client_open(&server);
    client_join(&server, fd, "a-very-secret-room");
    static char answer[1 << 16];
    ck_assert_int_eq(http_status(&server, "/metrics", answer, sizeof answer), 200);
    ck_assert_ptr_null(strstr(answer, "secret"));
    const char *body = strstr(answer, "\r\n\r\n") + 4;
    ck_assert_ptr_nonnull(strstr(body, "headroom_gateway_connections{worker=\"0\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(body, "# TYPE headroom_gateway_turns_total counter\n"));
    if (system("command -v promtool > /dev/null 2>&1") == 0) {
        FILE *check = popen("promtool check metrics", "w");
        fputs(body, check);
        ck_assert_int_eq(pclose(check), 0);
    }
    for (const char *line = body; *line != '\0'; line = strchr(line, '\n') + 1)
        ck_assert(strncmp(line, "# HELP headroom_gateway_", 24) == 0 ||
                  strncmp(line, "# TYPE headroom_gateway_", 24) == 0 ||
                  strncmp(line, "headroom_gateway_", 17) == 0);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

START_TEST(phases_add_up_to_the_threads_cpu_time) {
    struct server server;
    START(&server, NULL);
    int fd = client_open(&server);
    client_join(&server, fd, "r");
    struct client_frame frame;
    struct gateway_stats before = server_stats(&server);
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 20; i++)
            client_say(fd, "publish r\nround and round");
        for (int i = 0; i < 20; i++)
            ck_assert(client_next(fd, &frame));
    }
    SERVER_WAIT_FOR(&server, frames_written, 6000);
    struct gateway_stats since = server_stats(&server);
    since = gateway_stats_since(&before, &since);
    ck_assert_uint_eq(since.publishes, 6000);
    uint64_t phases = since.poll_ns + since.read_ns + since.write_ns + since.accept_ns +
                      since.timers_ns + since.other_ns;
    ck_assert_uint_gt(phases, 0);
    /* wall time of the phases against CPU time; a busy machine stretches the former, sleeping costs
     * the latter */
    ck_assert_uint_gt(phases, since.cpu_ns / 4);
    ck_assert_int_eq(server_stop(&server), 0);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(the_connection_limit_is_exact_and_the_next_is_told_503),
        TEST(far_beyond_the_limit_everybody_is_answered_and_the_limit_holds),
        TEST(out_of_descriptors_everybody_is_told_503_and_those_inside_are_served),
        TEST(where_nothing_can_be_accepted_the_gateway_waits_and_does_not_spin),
        TEST(a_request_that_never_ends_is_closed_in_time),
        TEST(an_idle_client_is_pinged_then_closed_and_one_that_answers_stays),
        TEST(half_a_frame_and_then_silence_is_an_idle_client),
        TEST(sigterm_says_1001_to_everybody_and_ends_with_0),
        TEST(a_second_sigterm_ends_it_at_once),
        TEST(an_idle_gateway_sleeps),
        TEST(session_memory_is_held_while_connected),
        TEST(metrics_are_what_promtool_accepts_and_name_no_room),
        TEST(phases_add_up_to_the_threads_cpu_time),
    };
    return suite_run("gateway: life", tests, COUNT_OF(tests));
}
