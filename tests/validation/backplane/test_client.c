/* A node's side of its backplane over real sockets, and a clock of the test's own: two nodes that
 * talk, servers that take nothing, say nothing, or are gone. */
#include "validation/backplane/client.h"

#include "tests/sim/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAGS = 100, PUMPS = 400, ROOMS_MAX = 4 };

static base_ns now_ns;

struct node {
    struct backplane *backplane;
    int epoll_fd;
    const char *rooms[ROOMS_MAX]; /* held; NULL: none */
    char heard[512];              /* deliveries, each with a '|' behind it */
    char said[1024];
    char address[32];
    const char *addresses[2];
};

static bool deliver(void *context, const struct backplane_message *message) {
    struct node *node = context;
    for (int i = 0; i < ROOMS_MAX; i++) {
        if (node->rooms[i] == NULL || strlen(node->rooms[i]) != message->room_length ||
            memcmp(node->rooms[i], message->room, message->room_length) != 0)
            continue;
        size_t length = strlen(node->heard);
        snprintf(node->heard + length, sizeof node->heard - length, "%.*s|",
                 (int)message->delivery_length, message->delivery);
        return true;
    }
    return false;
}

static bool next_room(void *context, uint32_t *cursor, struct backplane_room *room) {
    const struct node *node = context;
    while (++*cursor <= ROOMS_MAX) {
        const char *name = node->rooms[*cursor - 1];
        if (name == NULL)
            continue;
        *room = (struct backplane_room){name, strlen(name), *cursor};
        return true;
    }
    return false;
}

static void say(void *context, const char *line) {
    struct node *node = context;
    size_t length = strlen(node->said);
    snprintf(node->said + length, sizeof node->said - length, "%s\n", line);
}

/* `dials`: a port, 0: nobody; `listens`: 0: a free port. */
static void open_node(struct node *node, enum spec_backplane_kind kind, int32_t dials,
                      int32_t listens, const char *token) {
    static uint64_t origin;
    const char *why = "";
    node->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    snprintf(node->address, sizeof node->address, "127.0.0.1:%d", (int)dials);
    node->addresses[0] = node->address;
    struct backplane_options options = {.kind = kind,
                                        .addresses = node->addresses,
                                        .addresses_count = dials != 0,
                                        .bind = "127.0.0.1",
                                        .port = listens,
                                        .token = token,
                                        .buffer_bytes = 2 << 20,
                                        .deadline_ns = BASE_NS_PER_S,
                                        .origin = ++origin,
                                        .epoll_fd = node->epoll_fd,
                                        .tag_first = TAGS,
                                        .read_bytes = 16 << 10};
    const struct backplane_host host = {node, deliver, next_room, say};
    node->backplane = backplane_new(&options, &host, now_ns, &why);
    ck_assert_msg(node->backplane != NULL, "%s", why);
}

static void close_node(struct node *node) {
    backplane_free(node->backplane);
    close(node->epoll_fd);
    *node = (struct node){0};
}

static void pump(struct node *node) {
    struct epoll_event events[16];
    if (node->backplane == NULL)
        return;
    backplane_tick(node->backplane, now_ns);
    backplane_flush(node->backplane, now_ns);
    int count = epoll_wait(node->epoll_fd, events, 16, 0);
    for (int i = 0; i < count; i++)
        backplane_ready(node->backplane, events[i].data.u64, events[i].events, now_ns);
    backplane_flush(node->backplane, now_ns);
}

/* Time passes by a millisecond a round, real and imagined. */
static void pump_both(struct node *a, struct node *b, int rounds) {
    for (int i = 0; i < rounds; i++) {
        pump(a);
        if (b != NULL)
            pump(b);
        now_ns += BASE_NS_PER_MS;
        usleep(50);
    }
}

static const struct backplane_counts *counts(const struct node *node) {
    return backplane_counts(node->backplane);
}

static void publish(struct node *node, const char *room, const char *body) {
    char delivery[64];
    int length = snprintf(delivery, sizeof delivery, "%s\n%s", room, body);
    backplane_publish(node->backplane, 1, room, strlen(room), delivery, (size_t)length);
}

static void hold(struct node *node, int place, const char *room) {
    const char *name = room != NULL ? room : node->rooms[place];
    const struct backplane_room held = {name, strlen(name), (uint32_t)place + 1};
    node->rooms[place] = room;
    backplane_hold(node->backplane, &held, room != NULL);
}

static void join_two(struct node *a, struct node *b, enum spec_backplane_kind kind) {
    now_ns = BASE_NS_PER_S;
    open_node(a, kind, 0, 0, "t");
    open_node(b, kind, backplane_port(a->backplane), 0, "t");
    for (int i = 0; i < PUMPS && counts(a)->backplane_links + counts(b)->backplane_links < 2; i++)
        pump_both(a, b, 1);
    ck_assert_uint_eq(counts(a)->backplane_links, 1);
    ck_assert_uint_eq(counts(b)->backplane_links, 1);
}

/* --- nodes among themselves --- */

START_TEST(a_broadcast_reaches_the_other_node_whoever_dialled) {
    struct node a = {0}, b = {0};
    join_two(&a, &b, SPEC_BROADCAST);
    hold(&a, 0, "x");
    hold(&b, 0, "x");
    publish(&a, "x", "one");
    publish(&b, "x", "two");
    publish(&b, "y", "three"); /* of which nobody there is a member */
    pump_both(&a, &b, 20);
    ck_assert_str_eq(b.heard, "x\none|");
    ck_assert_str_eq(a.heard, "x\ntwo|");
    ck_assert_uint_eq(counts(&a)->backplane_received, 2);
    ck_assert_uint_eq(counts(&a)->backplane_wasted, 1);
    close_node(&b);
    close_node(&a);
}
END_TEST

START_TEST(a_registry_sends_where_members_are_and_nowhere_else) {
    struct node a = {0}, b = {0};
    join_two(&a, &b, SPEC_REGISTRY);
    hold(&b, 0, "x");
    pump_both(&a, &b, 20);
    publish(&a, "x", "one");
    publish(&a, "y", "nobody");
    pump_both(&a, &b, 20);
    ck_assert_uint_eq(counts(&a)->backplane_copies, 1);
    ck_assert_uint_eq(counts(&a)->backplane_publishes, 2);
    hold(&b, 0, NULL);
    pump_both(&a, &b, 20);
    publish(&a, "x", "two");
    pump_both(&a, &b, 20);
    ck_assert_uint_eq(counts(&a)->backplane_copies, 1);
    ck_assert_str_eq(b.heard, "x\none|");
    close_node(&b);
    close_node(&a);
}
END_TEST

/* a listens, b dials. a goes and another comes on its port: b dials again, by itself, and both say
 * again what they hold. */
START_TEST(a_node_that_comes_back_is_dialled_again_and_told_every_room) {
    struct node a = {0}, b = {0};
    join_two(&a, &b, SPEC_REGISTRY);
    hold(&b, 0, "x");
    int32_t port = backplane_port(a.backplane);
    pump_both(&a, &b, 20);
    close_node(&a);
    pump_both(&b, NULL, 20);
    ck_assert_uint_eq(counts(&b)->backplane_links, 0);
    ck_assert_uint_eq(counts(&b)->backplane_disconnects, 1);
    open_node(&a, SPEC_REGISTRY, 0, port, "t");
    hold(&a, 1, "y");
    pump_both(&a, &b, 5000); /* the longest pause */
    ck_assert_uint_eq(counts(&b)->backplane_connects, 2);
    publish(&a, "x", "again");
    publish(&b, "y", "too");
    pump_both(&a, &b, 20);
    ck_assert_str_eq(b.heard, "x\nagain|");
    ck_assert_str_eq(a.heard, "y\ntoo|");
    ck_assert_msg(strstr(b.said, "is back after") != NULL, "%s", b.said);
    close_node(&b);
    close_node(&a);
}
END_TEST

START_TEST(a_node_with_another_token_is_not_let_in) {
    struct node a = {0}, b = {0};
    now_ns = BASE_NS_PER_S;
    open_node(&a, SPEC_BROADCAST, 0, 0, "right");
    open_node(&b, SPEC_BROADCAST, backplane_port(a.backplane), 0, "wrong");
    pump_both(&a, &b, 200);
    hold(&a, 0, "x");
    publish(&b, "x", "forged");
    pump_both(&a, &b, 200);
    ck_assert_uint_eq(counts(&a)->backplane_links, 0);
    ck_assert_uint_ge(counts(&a)->backplane_refusals, 1);
    ck_assert_uint_eq(counts(&b)->backplane_links, 0);
    ck_assert_uint_eq(counts(&b)->backplane_unsent, 1);
    ck_assert_str_eq(a.heard, "");
    close_node(&b);
    close_node(&a);
}
END_TEST

START_TEST(a_stranger_who_says_nothing_is_shut_out_in_time_and_publishes_nothing) {
    struct node a = {0};
    now_ns = BASE_NS_PER_S;
    open_node(&a, SPEC_BROADCAST, 0, 0, NULL);
    hold(&a, 0, "x");
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)backplane_port(a.backplane)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int silent = socket(AF_INET, SOCK_STREAM, 0), early = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(silent, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(connect(early, (struct sockaddr *)&address, sizeof address), 0);
    static const char publish_first[] = "\0\0\0\21PH\1\1\0\1\2\3\4\5\6\7\10x\nhi";
    ck_assert_int_eq(send(early, publish_first, sizeof publish_first - 1, 0),
                     sizeof publish_first - 1);
    pump_both(&a, NULL, 2100);
    char byte;
    ck_assert_int_le(recv(early, &byte, 1, MSG_DONTWAIT), 0);
    ck_assert_int_eq(recv(silent, &byte, 1, MSG_DONTWAIT), 0);
    ck_assert_str_eq(a.heard, "");
    ck_assert_uint_eq(counts(&a)->backplane_deadlines, 1);
    close(silent);
    close(early);
    close_node(&a);
}
END_TEST

/* --- a system in between --- */

struct fake {
    int listen_fd, port;
    int fds[8];
    int count;
    char heard[8][4096];
};

static void open_fake(struct fake *fake) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    fake->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fake->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fake->listen_fd, 8), 0);
    getsockname(fake->listen_fd, (struct sockaddr *)&address, &length);
    fake->port = ntohs(address.sin_port);
}

static void serve_fake(struct fake *fake, bool reads) {
    int fd = accept4(fake->listen_fd, NULL, NULL, SOCK_NONBLOCK);
    if (fd >= 0 && fake->count < 8)
        fake->fds[fake->count++] = fd;
    for (int i = 0; i < fake->count && reads; i++) {
        size_t length = strlen(fake->heard[i]);
        char bytes[1024];
        ssize_t got = recv(fake->fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
        for (ssize_t k = 0; k < got && length < sizeof fake->heard[i] - 1; k++)
            fake->heard[i][length++] = bytes[k] != '\0' ? bytes[k] : '0';
    }
}

static void drop_fake(struct fake *fake) {
    for (int i = 0; i < fake->count; i++)
        close(fake->fds[i]);
    memset(fake->heard, 0, sizeof fake->heard);
    fake->count = 0;
}

static void run_fake(struct node *node, struct fake *fake, bool reads, int rounds) {
    for (int i = 0; i < rounds; i++) {
        serve_fake(fake, reads);
        pump_both(node, NULL, 1);
    }
}

static bool heard_by_any(const struct fake *fake, const char *text) {
    for (int i = 0; i < fake->count; i++)
        if (strstr(fake->heard[i], text) != NULL)
            return true;
    return false;
}

START_TEST(a_lost_redis_is_told_every_room_again) {
    struct node a = {0};
    static struct fake fake;
    now_ns = BASE_NS_PER_S;
    open_fake(&fake);
    open_node(&a, SPEC_REDIS, fake.port, 0, NULL);
    run_fake(&a, &fake, true, 50);
    ck_assert_uint_eq(counts(&a)->backplane_links, 2); /* one to publish, one to subscribe */
    hold(&a, 0, "x");
    run_fake(&a, &fake, true, 20);
    ck_assert(heard_by_any(&fake, "SUBSCRIBE\r\n$10\r\nheadroom:x\r\n"));
    drop_fake(&fake);
    run_fake(&a, &fake, true, 400); /* 50 to 100 ms, and as much again */
    ck_assert_uint_eq(counts(&a)->backplane_links, 2);
    ck_assert(heard_by_any(&fake, "SUBSCRIBE\r\n$10\r\nheadroom:x\r\n"));
    drop_fake(&fake);
    close(fake.listen_fd);
    close_node(&a);
}
END_TEST

/* 100 KB a publish: what the kernel's buffers take goes out, then 2 MiB wait, then publishes fail;
 * at the deadline the connection is given up, and what waited is lost and counted. */
START_TEST(a_redis_that_takes_nothing_fails_fast_and_is_given_up) {
    struct node a = {0};
    static struct fake fake;
    static char delivery[100000] = "x\n";
    now_ns = BASE_NS_PER_S;
    open_fake(&fake);
    open_node(&a, SPEC_REDIS, fake.port, 0, NULL);
    run_fake(&a, &fake, false, 50);
    enum { PUBLISHES = 200 };
    for (int i = 0; i < PUBLISHES; i++) {
        backplane_publish(a.backplane, 2, "x", 1, delivery, sizeof delivery);
        backplane_flush(a.backplane, now_ns);
    }
    const struct backplane_counts *all = counts(&a);
    ck_assert_uint_gt(all->backplane_full, 0);
    ck_assert_uint_eq(all->backplane_copies + all->backplane_full, PUBLISHES);
    ck_assert_uint_le(all->backplane_waiting_bytes, 2 << 20);
    ck_assert_uint_gt(all->backplane_waiting_bytes, (2 << 20) - 110000);
    ck_assert_uint_eq(all->backplane_deadlines, 0);
    now_ns += BASE_NS_PER_S;
    backplane_tick(a.backplane, now_ns);
    ck_assert_uint_eq(all->backplane_deadlines, 1);
    ck_assert_uint_eq(all->backplane_lost, all->backplane_copies); /* Redis confirmed none */
    uint64_t unsent = all->backplane_unsent;
    backplane_publish(a.backplane, 2, "x", 1, delivery, sizeof delivery);
    ck_assert_uint_eq(all->backplane_unsent, unsent + 1);
    drop_fake(&fake);
    close(fake.listen_fd);
    close_node(&a);
}
END_TEST

/* It takes everything and answers nothing: asked after one deadline, given up after two. */
START_TEST(a_silent_redis_is_asked_and_then_given_up) {
    struct node a = {0};
    static struct fake fake;
    now_ns = BASE_NS_PER_S;
    open_fake(&fake);
    open_node(&a, SPEC_REDIS, fake.port, 0, NULL);
    run_fake(&a, &fake, true, 50);
    publish(&a, "x", "one");
    run_fake(&a, &fake, true, 1000);
    ck_assert(heard_by_any(&fake, "PING"));
    ck_assert_uint_eq(counts(&a)->backplane_deadlines, 0);
    run_fake(&a, &fake, true, 1000);
    ck_assert_uint_eq(counts(&a)->backplane_deadlines, 2); /* both connections */
    ck_assert_uint_eq(counts(&a)->backplane_lost, 1);
    ck_assert_msg(strstr(a.said, "is silent") != NULL, "%s", a.said);
    drop_fake(&fake);
    close(fake.listen_fd);
    close_node(&a);
}
END_TEST

START_TEST(an_address_that_is_none_is_said) {
    static const char *const wrong[] = {
        "localhost:1",  "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
        "127.0.0.1:1x", ""};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct node node = {.epoll_fd = -1};
        const struct backplane_host host = {&node, deliver, next_room, say};
        const struct backplane_options options = {.kind = SPEC_NATS,
                                                  .addresses = &wrong[i],
                                                  .addresses_count = 1,
                                                  .epoll_fd = -1,
                                                  .buffer_bytes = 1 << 20};
        const char *why = "";
        ck_assert_ptr_null(backplane_new(&options, &host, 0, &why));
        ck_assert_str_eq(why, "an address of the backplane is not ADDRESS:PORT");
    }
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_broadcast_reaches_the_other_node_whoever_dialled),
        TEST(a_registry_sends_where_members_are_and_nowhere_else),
        TEST(a_node_that_comes_back_is_dialled_again_and_told_every_room),
        TEST(a_node_with_another_token_is_not_let_in),
        TEST(a_stranger_who_says_nothing_is_shut_out_in_time_and_publishes_nothing),
        TEST(a_lost_redis_is_told_every_room_again),
        TEST(a_redis_that_takes_nothing_fails_fast_and_is_given_up),
        TEST(a_silent_redis_is_asked_and_then_given_up),
        TEST(an_address_that_is_none_is_said),
    };
    return suite_run("backplane client", tests, COUNT_OF(tests));
}
