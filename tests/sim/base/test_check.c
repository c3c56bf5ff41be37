#include "sim/base/check.h"

#include "tests/sim/suite.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void dump_words(const void *target, FILE *out) {
    fprintf(out, "  %s\n", (const char *)target);
}

/* Runs `body` in a child, with its stderr in `message`; returns its exit code. */
static int run_child(void (*body)(void), char message[1024]) {
    int ends[2], status = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], message + length, 1023 - length)) > 0)
        length += (size_t)got;
    message[length] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static base_ns clock_ns = 2385000001;
static const struct check_context context = {.scenario = "lobby.json",
                                             .seed = 18446744073709551615u,
                                             .now_ns = &clock_ns,
                                             .dump = dump_words,
                                             .dump_target = "publish room 3"};

static void fail_with_context(void) {
    check_set_context(&context);
    check_failed("node.c", 17, "queue->count < QUEUE_MAX");
}

static void fail_without_context(void) {
    check_set_context(&context);
    check_set_context(NULL);
    check_failed("node.c", 17, "queue->count < QUEUE_MAX");
}

static void fail_while_dumping(const void *target, FILE *out) {
    (void)target;
    fflush(out);
    check_failed("trace.c", 3, "records");
}

static void fail_twice(void) {
    static const struct check_context broken = {.seed = 7, .dump = fail_while_dumping};
    check_set_context(&broken);
    check_failed("node.c", 17, "once");
}

START_TEST(a_failed_check_says_what_is_needed_to_see_it_again) {
    char message[1024];
    ck_assert_int_eq(run_child(fail_with_context, message), 70);
    ck_assert_str_eq(message, "node.c:17: CHECK failed: queue->count < QUEUE_MAX\n"
                              "  scenario: lobby.json\n"
                              "  seed: 18446744073709551615\n"
                              "  simulated time: 2385000001 ns\n"
                              "  publish room 3\n"
                              "  this is a bug of ours; please report these lines\n");
}
END_TEST

START_TEST(without_a_run_it_says_where_and_what) {
    char message[1024];
    ck_assert_int_eq(run_child(fail_without_context, message), 70);
    ck_assert_str_eq(message, "node.c:17: CHECK failed: queue->count < QUEUE_MAX\n"
                              "  this is a bug of ours; please report these lines\n");
}
END_TEST

START_TEST(a_check_that_fails_while_dumping_ends_there) {
    char message[1024];
    ck_assert_int_eq(run_child(fail_twice, message), 70);
    ck_assert_str_eq(message, "node.c:17: CHECK failed: once\n"
                              "  scenario: (none)\n"
                              "  seed: 7\n"
                              "trace.c:3: CHECK failed: records\n"
                              "  this is a bug of ours; please report these lines\n");
}
END_TEST

START_TEST(a_condition_that_holds_is_evaluated_once_and_passes) {
    int evaluated = 0;
    CHECK(++evaluated == 1);
    ck_assert_int_eq(evaluated, 1);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(a_failed_check_says_what_is_needed_to_see_it_again),
    TEST(without_a_run_it_says_where_and_what),
    TEST(a_check_that_fails_while_dumping_ends_there),
    TEST(a_condition_that_holds_is_evaluated_once_and_passes),
};

int main(void) {
    return suite_run("check", tests, COUNT_OF(tests));
}
