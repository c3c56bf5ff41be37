/* Who is present, told by the real program: one node, and two that tell each other. */
#include "tests/sim/suite.h"
#include "tests/validation/gateway/client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define AT_ONCE "--presence", "--presence-debounce=0s"

static int join(const struct server *server, const char *room) {
    int fd = client_open(server);
    client_join(server, fd, room);
    return fd;
}

static void close_both(struct server *server, int a, int b) {
    client_close(a);
    client_close(b);
    ck_assert_int_eq(server_stop(server), 0);
}

START_TEST(who_enters_and_exits_is_told_to_everybody_and_who_joins_gets_the_list) {
    struct server server;
    START(&server, AT_ONCE);
    int a = join(&server, "r");
    client_say(a, "enter r\nann at lunch");
    client_expect(a, "~ r 1\n+ann at lunch\n");
    int b = client_open(&server);
    client_say(b, "join r");
    client_expect(b, "= r 1\nann at lunch\n");
    client_say(b, "enter r\nbob");
    client_expect(a, "~ r 2\n+bob \n");
    client_expect(b, "~ r 2\n+bob \n");
    client_say(a, "enter r\nann back");
    client_expect(b, "~ r 2\n+ann back\n");
    client_say(a, "exit r");
    client_expect(b, "~ r 1\n-ann\n");
    close_both(&server, a, b);
}
END_TEST

START_TEST(a_connection_that_ends_exits) {
    struct server server;
    START(&server, AT_ONCE, "--presence-mode=counts");
    int a = join(&server, "r"), b = join(&server, "r");
    client_say(b, "enter r\nbob");
    client_expect(a, "# r 1\n");
    client_close(b);
    client_expect(a, "# r 0\n");
    b = join(&server, "r");
    close_both(&server, a, b);
}
END_TEST

/* Three enters within a window are one list, and one who went again is in none. */
START_TEST(what_happens_within_a_window_is_told_at_its_end) {
    struct server server;
    START(&server, "--presence", "--presence-debounce=200ms", "--presence-mode=full");
    int a = join(&server, "r"), b = join(&server, "r"), c = join(&server, "r");
    client_say(a, "enter r\nann");
    client_say(b, "enter r\nbob");
    client_say(c, "enter r\ncy");
    client_say(c, "exit r");
    SERVER_WAIT_FOR(&server, presence_changes, 4);
    struct client_frame frame;
    ck_assert(client_next(a, &frame));
    ck_assert_msg(strncmp(frame.payload, "= r 2\n", 6) == 0 && frame.length == 6 + 5 + 5, "%s",
                  frame.payload);
    client_expect_silence(a, 300);
    ck_assert_uint_eq(server_stats(&server).presence_messages, 3);
    client_close(c);
    close_both(&server, a, b);
}
END_TEST

START_TEST(on_demand_only_who_asks_is_told) {
    struct server server;
    START(&server, AT_ONCE, "--presence-mode=on_demand");
    int a = join(&server, "r"), b = join(&server, "r");
    client_say(a, "enter r\nann x");
    SERVER_WAIT_FOR(&server, presence_changes, 1);
    client_say(b, "list r");
    client_expect(b, "= r 1\nann x\n");
    client_expect_silence(a, 100);
    close_both(&server, a, b);
}
END_TEST

START_TEST(mistakes_about_presence_have_their_reasons) {
    struct server server;
    START(&server, AT_ONCE);
    int a = join(&server, "r"), b = client_open(&server);
    client_say(b, "enter r\nann");
    client_expect(b, "! not a member\nenter r");
    client_say(b, "join r");
    client_say(b, "exit r");
    client_expect(b, "! not present\nexit r");
    client_say(a, "enter r\nann");
    client_expect(a, "~ r 1\n+ann \n");
    client_expect(b, "~ r 1\n+ann \n");
    client_say(a, "enter r\nbob");
    client_expect(a, "! present under another key\nenter r");
    client_say(b, "enter r\nann");
    client_expect(b, "! somebody else is present under that key\nenter r");
    client_say(b, "enter r\nbob \xff");
    client_expect_close(b, 1007);
    close_both(&server, a, join(&server, "r"));
    START(&server, NULL);
    a = join(&server, "r");
    client_say(a, "list r");
    client_expect(a, "! no presence here\nlist r");
    close_both(&server, a, join(&server, "r"));
}
END_TEST

/* --- two nodes --- */

struct pair {
    struct server a, b;
};

#define TIMES                                                                                      \
    "--presence-broadcast=20ms", "--presence-silent=3", "--presence-down=300ms",                   \
        "--presence-permdown=10s"

static void start_first(struct pair *pair, const char *kind) {
    char backplane[32];
    snprintf(backplane, sizeof backplane, "--backplane=%s", kind);
    START(&pair->a, AT_ONCE, TIMES, backplane);
}

static void start_second(struct pair *pair, const char *kind) {
    char backplane[32], at[64];
    snprintf(backplane, sizeof backplane, "--backplane=%s", kind);
    snprintf(at, sizeof at, "--backplane-at=127.0.0.1:%d", pair->a.backplane_port);
    START(&pair->b, AT_ONCE, TIMES, backplane, at);
    SERVER_WAIT_FOR(&pair->b, backplane_links, 1);
}

static void start_pair(struct pair *pair, const char *kind) {
    start_first(pair, kind);
    start_second(pair, kind);
}

static const char *const kinds[] = {"broadcast", "registry"};

START_TEST(nodes_tell_each_other_who_is_present) {
    struct pair pair;
    start_pair(&pair, kinds[_i]);
    int a = join(&pair.a, "r"), b = join(&pair.b, "r");
    client_say(a, "enter r\nann on a");
    client_expect(a, "~ r 1\n+ann on a\n");
    client_expect(b, "~ r 1\n+ann on a\n");
    client_say(b, "enter r\nbob");
    client_expect(b, "~ r 2\n+bob \n");
    client_expect(a, "~ r 2\n+bob \n");
    client_say(a, "exit r");
    client_expect(b, "~ r 1\n-ann\n");
    ck_assert_uint_eq(server_stats(&pair.b).presence_refused, 0);
    client_close(a);
    client_close(b);
    ck_assert_int_eq(server_stop(&pair.a), 0);
    ck_assert_int_eq(server_stop(&pair.b), 0);
}
END_TEST

START_TEST(members_of_a_node_that_dies_are_gone_when_it_is_down) {
    struct pair pair;
    start_pair(&pair, "registry");
    int a = join(&pair.a, "r"), b = join(&pair.b, "r");
    client_say(a, "enter r\nann");
    client_expect(b, "~ r 1\n+ann \n");
    kill(pair.a.pid, SIGKILL);
    client_expect(b, "~ r 0\n-ann\n");
    client_close(a);
    (void)server_wait(&pair.a);
    client_close(b);
    ck_assert_int_eq(server_stop(&pair.b), 0);
}
END_TEST

/* It hears the other's next word, finds that it knows less, and asks. */
START_TEST(a_node_that_comes_later_asks_who_is_present) {
    struct pair pair;
    start_first(&pair, "registry");
    int a = join(&pair.a, "r");
    client_say(a, "enter r\nann");
    client_expect(a, "~ r 1\n+ann \n");
    SERVER_WAIT_FOR(&pair.a, presence_letters, 1); /* told to nobody */
    start_second(&pair, "registry");
    int b = join(&pair.b, "r");
    struct client_frame frame; /* in the list, where the answer was quicker than the join */
    ck_assert(client_next(b, &frame));
    ck_assert_msg(strcmp(frame.payload, "~ r 1\n+ann \n") == 0 ||
                      strcmp(frame.payload, "= r 1\nann \n") == 0,
                  "told \"%s\"", frame.payload);
    client_close(a);
    client_close(b);
    ck_assert_int_eq(server_stop(&pair.a), 0);
    ck_assert_int_eq(server_stop(&pair.b), 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(who_enters_and_exits_is_told_to_everybody_and_who_joins_gets_the_list),
        TEST(a_connection_that_ends_exits),
        TEST(what_happens_within_a_window_is_told_at_its_end),
        TEST(on_demand_only_who_asks_is_told),
        TEST(mistakes_about_presence_have_their_reasons),
        LOOP_TEST(nodes_tell_each_other_who_is_present, (int)COUNT_OF(kinds)),
        TEST(members_of_a_node_that_dies_are_gone_when_it_is_down),
        TEST(a_node_that_comes_later_asks_who_is_present),
    };
    return suite_run("gateway/presence", tests, COUNT_OF(tests));
}
