/* A writer that is killed at a random moment loses nothing that it had reported as committed. */
#include "sim/store/store.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { METRICS = 5 };

static const struct store_run_options options = {.kind = STORE_SIMULATED,
                                                 .command = "run",
                                                 .scenario = {"lobby", "{}"},
                                                 .code = {"0.1.0", "0.1.0"}};

static bool write_run(struct store *store, int64_t *run) {
    if (!store_begin_run(store, &options, run))
        return false;
    for (int32_t i = 0; i < METRICS; i++) {
        char name[24];
        snprintf(name, sizeof name, "metric_%d", i);
        if (!store_put_metric(store, *run,
                              &(struct store_metric){name, i, i - 1, i + 1, "ms", NULL}))
            return false;
    }
    return store_finish_run(store, *run, &(struct store_finish){.state = STORE_DONE});
}

/* Writes run after run, and each run's id into the pipe once it is committed. */
static void write_until_killed(const char *path, int pipe_end) {
    struct store store;
    int64_t run;
    if (!store_open(&store, path, STORE_WRITE))
        _exit(1);
    while (write_run(&store, &run))
        if (write(pipe_end, &run, sizeof run) != sizeof run)
            break;
    _exit(2);
}

enum { WAITED_MAX = 4 };

/* The child's first `count` reports, however slow the machine is. */
static void wait_for(int pipe_end, int32_t count, int64_t *runs) {
    for (int32_t i = 0; i < count; i++)
        ck_assert_int_eq(read(pipe_end, &runs[i], sizeof runs[i]), sizeof runs[i]);
}

static void check_done(struct store *store, int64_t run) {
    struct arena arena;
    arena_init(&arena);
    struct store_run about;
    ck_assert_int_eq(store_run_by_id(store, run, &arena, &about), STORE_FOUND);
    ck_assert_int_eq(about.state, STORE_DONE);
    arena_fini(&arena);
}

/* Everything that was reported, before the kill was decided on and after. Returns how many. */
static int32_t check_reported(struct store *store, int pipe_end, const int64_t *waited,
                              int32_t waited_count) {
    int32_t count = waited_count;
    for (int32_t i = 0; i < waited_count; i++)
        check_done(store, waited[i]);
    for (int64_t run; read(pipe_end, &run, sizeof run) == sizeof run; count++)
        check_done(store, run);
    return count;
}

/* Done runs are whole, the others are empty and say that they were interrupted. */
static void check_all(struct store *store) {
    struct arena arena;
    arena_init(&arena);
    struct store_run *runs;
    int32_t runs_count;
    ck_assert(store_runs(store, &(struct store_filter){0}, &arena, &runs, &runs_count));
    for (int32_t i = 0; i < runs_count; i++) {
        struct store_metric *metrics;
        int32_t count;
        ck_assert(store_metrics(store, runs[i].id, &arena, &metrics, &count));
        ck_assert_int_eq(count, runs[i].state == STORE_DONE ? METRICS : 0);
        ck_assert(runs[i].state == STORE_DONE || runs[i].state == STORE_INTERRUPTED);
        if (runs[i].state == STORE_INTERRUPTED)
            ck_assert_str_eq(runs[i].reason, "the process was killed");
    }
    arena_fini(&arena);
}

START_TEST(a_killed_writer_loses_nothing_that_was_committed) {
    char path[64];
    snprintf(path, sizeof path, "test_store_kill_%d.db", (int)getpid());
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 3});
    int32_t reported = 0;
    for (int32_t round = 0; round < 25; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_until_killed(path, ends[1]);
        close(ends[1]);
        int64_t waited[WAITED_MAX];
        int32_t waited_count = (int32_t)rng_below(&rng, WAITED_MAX);
        wait_for(ends[0], waited_count, waited);
        usleep((useconds_t)rng_below(&rng, 4000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct store store;
        ck_assert_msg(store_open(&store, path, STORE_WRITE), "%s", store.error);
        ck_assert_msg(store_is_sound(&store), "%s", store.error);
        reported += check_reported(&store, ends[0], waited, waited_count);
        check_all(&store);
        store_close(&store);
        close(ends[0]);
    }
    ck_assert_int_ge(reported, 25); /* 1.5 a round: the kills came while it was writing */
    unlink(path);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_killed_writer_loses_nothing_that_was_committed)};
    return suite_run("store_kill", tests, COUNT_OF(tests));
}
