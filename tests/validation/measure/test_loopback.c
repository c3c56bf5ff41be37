/* Each test in a child process: a namespace that was entered is not left again. */
#include "validation/measure/loopback.h"

#include "tests/sim/suite.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SEGMENTS = 40, NOT_ALLOWED = 77 };

static int listen_here(struct sockaddr_in *address) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof *address;
    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(listener, (struct sockaddr *)address, length), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)address, &length), 0);
    return listener;
}

/* Segments that came in at the sending end while it sent SEGMENTS to a reader who reads nothing. */
static int acknowledgements(void) {
    struct sockaddr_in address;
    int listener = listen_here(&address);
    int client = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    int server = accept(listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct tcp_info before, after;
    socklen_t length = sizeof before;
    getsockopt(server, IPPROTO_TCP, TCP_INFO, &before, &length);
    for (int i = 0; i < SEGMENTS; i++)
        ck_assert_int_eq(send(server, "2.385", 5, 0), 5);
    length = sizeof after;
    getsockopt(server, IPPROTO_TCP, TCP_INFO, &after, &length);
    close(client);
    close(server);
    close(listener);
    return (int)(after.tcpi_segs_in - before.tcpi_segs_in);
}

static int in_a_child(int (*test)(void)) {
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(test());
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int count_after_entering(void) {
    char why[LOOPBACK_WHY_BYTES];
    return loopback_enter(why) ? acknowledgements() : NOT_ALLOWED;
}

START_TEST(every_segment_is_acknowledged_within_the_send_that_carried_it) {
    int count = in_a_child(count_after_entering);
    if (count == NOT_ALLOWED)
        return; /* a container that allows no namespace: measure says so aloud and goes on */
    ck_assert_int_eq(count, SEGMENTS);
}
END_TEST

START_TEST(the_kernel_s_own_loopback_acknowledges_less_often) {
    int count = in_a_child(acknowledgements);
    ck_assert_int_lt(count,
                     SEGMENTS); /* 16 at once, then every second one: or this all is needless */
}
END_TEST

static int enter_twice(void) {
    char why[LOOPBACK_WHY_BYTES];
    bool is_first = loopback_enter(why);
    return loopback_enter(why) == is_first ? 0 : 1;
}

START_TEST(entering_twice_is_harmless) {
    ck_assert_int_eq(in_a_child(enter_twice), 0);
}
END_TEST

static int interfaces(void) {
    struct sockaddr_in address;
    char why[LOOPBACK_WHY_BYTES];
    int outside = listen_here(&address);
    if (!loopback_enter(why))
        return NOT_ALLOWED;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    bool is_reached = connect(client, (struct sockaddr *)&address, sizeof address) == 0;
    close(client);
    close(outside);
    return is_reached;
}

START_TEST(what_listens_outside_is_out_of_reach) {
    int is_reached = in_a_child(interfaces);
    ck_assert_int_ne(is_reached, 1);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_segment_is_acknowledged_within_the_send_that_carried_it),
        TEST(the_kernel_s_own_loopback_acknowledges_less_often),
        TEST(entering_twice_is_harmless),
        TEST(what_listens_outside_is_out_of_reach),
    };
    return suite_run("validation/measure/loopback", tests, COUNT_OF(tests));
}
