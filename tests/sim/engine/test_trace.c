#include "sim/engine/trace.h"

#include "sim/engine/run.h"
#include "tests/sim/suite.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { PUBLISH, CLOSE, TICK };

static const struct trace_kind kinds[] = {
    [PUBLISH] = {"publish", "room", "bytes"},
    [CLOSE] = {"close", "client", NULL},
    [TICK] = {"tick", NULL, NULL},
};

static void assert_format(const struct trace *trace, const char *expected) {
    struct text text;
    text_init(&text);
    trace_format(trace, &text);
    ck_assert_str_eq(text_bytes(&text), expected);
    text_fini(&text);
}

START_TEST(a_trace_reads_as_text_the_oldest_first) {
    struct arena arena;
    struct trace trace;
    arena_init(&arena);
    trace_init(&trace, &arena, 3, kinds, COUNT_OF(kinds));
    assert_format(&trace, "");
    trace_add(&trace, 10, PUBLISH, 3, 128);
    trace_add(&trace, 2385, CLOSE, 17, 99);
    trace_add(&trace, 2385, TICK, 1, 2);
    assert_format(&trace, "10 ns publish room 3 bytes 128\n"
                          "2385 ns close client 17\n"
                          "2385 ns tick\n");
    arena_fini(&arena);
}
END_TEST

START_TEST(a_full_trace_keeps_the_last_and_says_how_many_are_lost) {
    struct arena arena;
    struct trace trace;
    arena_init(&arena);
    trace_init(&trace, &arena, 3, kinds, COUNT_OF(kinds));
    for (uint64_t i = 0; i < 4; i++)
        trace_add(&trace, (base_ns)i, CLOSE, i, 0);
    assert_format(&trace, "(1 earlier records are lost)\n"
                          "1 ns close client 1\n"
                          "2 ns close client 2\n"
                          "3 ns close client 3\n");
    for (uint64_t i = 4; i < 8; i++)
        trace_add(&trace, (base_ns)i, CLOSE, i, 0);
    assert_format(&trace, "(5 earlier records are lost)\n"
                          "5 ns close client 5\n"
                          "6 ns close client 6\n"
                          "7 ns close client 7\n");
    arena_fini(&arena);
}
END_TEST

static void break_down(void *target, uint64_t arg, base_ns now_ns) {
    trace_add(target, now_ns, CLOSE, arg, 0);
    check_failed("node.c", 17, "client->is_open");
}

static void run_into_a_failure(void) {
    static struct run run;
    static struct trace trace;
    run_init(&run, &(struct run_options){.seed = 2385, .scenario = "lobby.json"});
    trace_init(&trace, &run.arena, 16, kinds, COUNT_OF(kinds));
    run_set_trace(&run, &trace);
    (void)run_after(&run, 700, break_down, &trace, 5);
    (void)run_until(&run, 1000);
}

START_TEST(a_failed_check_in_a_run_prints_its_trace) {
    int ends[2], status = 0;
    char message[1024] = "";
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        run_into_a_failure();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], message + length, sizeof message - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), CHECK_EXIT_CODE);
    ck_assert_str_eq(message, "node.c:17: CHECK failed: client->is_open\n"
                              "  scenario: lobby.json\n"
                              "  seed: 2385\n"
                              "  simulated time: 700 ns\n"
                              "  what happened last:\n"
                              "700 ns close client 5\n"
                              "  this is a bug of ours; please report these lines\n");
}
END_TEST

START_TEST(a_kind_without_a_name_is_our_bug) {
    struct arena arena;
    struct trace trace;
    arena_init(&arena);
    trace_init(&trace, &arena, 3, kinds, COUNT_OF(kinds));
    trace_add(&trace, 10, COUNT_OF(kinds), 0, 0);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(a_trace_reads_as_text_the_oldest_first),
    TEST(a_full_trace_keeps_the_last_and_says_how_many_are_lost),
    TEST(a_failed_check_in_a_run_prints_its_trace),
    TEST_OF_OUR_BUG(a_kind_without_a_name_is_our_bug),
};

int main(void) {
    return suite_run("trace", tests, COUNT_OF(tests));
}
