#include "sim/store/store.h"

#include "sim/base/fingerprint.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

static const struct store_run_options lobby = {
    .kind = STORE_SIMULATED,
    .command = "run",
    .scenario = {"lobby", "{\"name\": \"lobby\"}"},
    .profile = {"here", "{\"name\": \"here\"}"},
    .code = {"0.1.0", "0.1.0 of 2026-11-24"},
    .seed = 2385,
    .load_scale = 1.25,
    .started_at_ns = 1795555555123456789,
};
static const struct store_finish done = {.state = STORE_DONE,
                                         .finished_at_ns = 1795555556000000000};

/* Check runs each test in a process of its own, so a file's name may come from the process. */
static const char *new_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "test_store_%d.db", (int)getpid());
    return path;
}

static struct store opened(void) {
    struct store store;
    ck_assert_msg(store_open(&store, new_path(), STORE_WRITE), "%s", store.error);
    return store;
}

static void remove_store(void) {
    char beside[80];
    for (size_t i = 0; i < 3; i++) {
        snprintf(beside, sizeof beside, "%s%s", new_path(),
                 (const char *const[]){"", "-wal", "-shm"}[i]);
        unlink(beside);
    }
}

static void closed(struct store *store) {
    ck_assert_msg(store_is_sound(store), "%s", store->error);
    store_close(store);
    remove_store();
}

static int64_t begun(struct store *store, const struct store_run_options *options) {
    int64_t run = 0;
    ck_assert_msg(store_begin_run(store, options, &run), "%s", store->error);
    return run;
}

static void raw(const char *sql) {
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(new_path(), &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

START_TEST(a_run_reads_back_as_it_was_put) {
    struct store store = opened();
    struct store_run_options options = lobby;
    options.seed = UINT64_MAX - 1; /* beyond 2^53 and beyond SQL's signed integers */
    options.replication = 7;
    int64_t run = begun(&store, &options);
    ck_assert(store_finish_run(&store, run,
                               &(struct store_finish){.state = STORE_REFUSED,
                                                      .reason = "stolen time 3.1 %",
                                                      .fingerprint = 0xfedcba9876543210,
                                                      .finished_at_ns = 1795555556000000001}));
    store_close(&store);

    struct arena arena;
    arena_init(&arena);
    ck_assert(store_open(&store, new_path(), STORE_READ));
    struct store_run found;
    ck_assert_int_eq(store_run_by_id(&store, run, &arena, &found), STORE_FOUND);
    ck_assert_uint_eq(found.seed, UINT64_MAX - 1);
    ck_assert_uint_eq(found.fingerprint, 0xfedcba9876543210);
    ck_assert_int_eq(found.replication, 7);
    ck_assert_double_eq(found.load_scale, 1.25);
    ck_assert_str_eq(found.command, "run");
    ck_assert_str_eq(found.scenario_name, "lobby");
    ck_assert_str_eq(found.profile_name, "here");
    ck_assert_str_eq(found.code_version, "0.1.0");
    ck_assert_str_eq(found.reason, "stolen time 3.1 %");
    ck_assert_int_eq(found.state, STORE_REFUSED);
    ck_assert_int_eq(found.kind, STORE_SIMULATED);
    ck_assert_int_eq(found.parent, 0);
    ck_assert_int_eq(found.started_at_ns, 1795555555123456789);
    ck_assert_int_eq(found.finished_at_ns, 1795555556000000001);
    ck_assert_uint_eq(found.scenario_hash,
                      fingerprint_of(lobby.scenario.text, strlen(lobby.scenario.text)));
    struct store_text text;
    ck_assert_int_eq(store_scenario_text(&store, found.scenario_hash, &arena, &text), STORE_FOUND);
    ck_assert_str_eq(text.text, lobby.scenario.text);
    ck_assert_int_eq(store_profile_text(&store, found.scenario_hash, &arena, &text), STORE_MISSING);
    ck_assert_int_eq(store_run_by_id(&store, run + 1, &arena, &found), STORE_MISSING);
    arena_fini(&arena);
    closed(&store);
}
END_TEST

START_TEST(results_read_back_with_nan_and_infinity) {
    struct store store = opened();
    int64_t run = begun(&store, &lobby);
    ck_assert(store_put_metric(
        &store, run, &(struct store_metric){"p99", 2.385, (double)NAN, INFINITY, "ms", NULL}));
    ck_assert(store_put_metric(
        &store, run,
        &(struct store_metric){"broke", (double)NAN, -INFINITY, 5e-324, "", "worker_cpu"}));
    ck_assert(
        store_put_resource(&store, run, &(struct store_resource){"worker_cpu", 0.93, 1, "share"}));
    ck_assert(store_put_resource(&store, run,
                                 &(struct store_resource){"memory", 1e9, INFINITY, "bytes"}));
    double values[] = {0.1, (double)NAN, -INFINITY};
    ck_assert(
        store_put_series(&store, run, &(struct store_series){"delay", "ms", 100000001, 3, values}));
    struct hist hist, back;
    hist_init(&hist);
    hist_init(&back);
    hist_add_n(&hist, 123456789, 1ull << 40);
    ck_assert(store_put_hist(&store, run, "latency", "ns", &hist));
    ck_assert(store_finish_run(&store, run, &done));

    struct arena arena;
    arena_init(&arena);
    struct store_metric *metrics;
    int32_t count;
    ck_assert(store_metrics(&store, run, &arena, &metrics, &count));
    ck_assert_int_eq(count, 2);
    ck_assert_str_eq(metrics[0].name, "broke");
    ck_assert_str_eq(metrics[0].text, "worker_cpu");
    ck_assert(isnan(metrics[0].value));
    ck_assert(isinf(metrics[0].low) && metrics[0].low < 0);
    ck_assert_double_eq(metrics[0].high, 5e-324);
    ck_assert_double_eq(metrics[1].value, 2.385);
    ck_assert_ptr_null(metrics[1].text);
    struct store_resource *resources;
    ck_assert(store_resources(&store, run, &arena, &resources, &count));
    ck_assert_int_eq(count, 2);
    ck_assert_str_eq(resources[0].name, "worker_cpu");
    ck_assert(isinf(resources[1].limit));
    struct store_series series;
    ck_assert_int_eq(store_series_of(&store, run, "delay", &arena, &series), STORE_FOUND);
    ck_assert_int_eq(series.count, 3);
    ck_assert_int_eq(series.step_ns, 100000001);
    ck_assert_double_eq(series.values[0], 0.1);
    ck_assert(isnan(series.values[1]) && isinf(series.values[2]));
    ck_assert_int_eq(store_hist_of(&store, run, "latency", &back), STORE_FOUND);
    ck_assert(hist_equal(&hist, &back));
    ck_assert_int_eq(store_hist_of(&store, run, "length", &back), STORE_MISSING);
    hist_fini(&hist);
    hist_fini(&back);
    arena_fini(&arena);
    closed(&store);
}
END_TEST

START_TEST(text_is_never_sql) {
    const char *evil = "'; DROP TABLE runs; -- \" \\ \n \xc3\xa9 %s";
    struct store store = opened();
    struct store_run_options options = lobby;
    options.command = evil;
    options.scenario = (struct store_text){evil, evil};
    int64_t run = begun(&store, &options);
    ck_assert(store_put_metric(&store, run, &(struct store_metric){evil, 1, 2, 3, evil, evil}));
    ck_assert(store_finish_run(&store, run, &done));
    struct arena arena;
    arena_init(&arena);
    struct store_run found;
    struct store_filter filter = {.scenario_name = evil, .command = evil};
    ck_assert_int_eq(store_latest_run(&store, &filter, &arena, &found), STORE_FOUND);
    ck_assert_str_eq(found.command, evil);
    struct store_metric metric;
    ck_assert_int_eq(store_metric_of(&store, run, evil, &arena, &metric), STORE_FOUND);
    ck_assert_str_eq(metric.text, evil);
    arena_fini(&arena);
    closed(&store);
}
END_TEST

START_TEST(filters_find_the_latest_and_all) {
    struct store store = opened();
    struct store_run_options options = lobby;
    int64_t parent = begun(&store, &options);
    options.parent = parent;
    options.command = "probe";
    enum { PROBES = 19 }; /* beyond two doublings of the array */
    int64_t last = 0;
    for (int32_t i = 0; i < PROBES; i++) {
        options.replication = i;
        last = begun(&store, &options);
        ck_assert(store_finish_run(&store, last, &done));
    }
    options.kind = STORE_MEASURED;
    options.parent = 0;
    options.is_fit = true;
    int64_t measured = begun(&store, &options);

    struct arena arena;
    arena_init(&arena);
    struct store_run *runs, run;
    int32_t count;
    ck_assert(store_runs(&store, &(struct store_filter){.parent = parent}, &arena, &runs, &count));
    ck_assert_int_eq(count, PROBES);
    for (int32_t i = 0; i < PROBES; i++)
        ck_assert_int_eq(runs[i].replication, i);
    struct store_filter filter = {.command = "probe", .scenario_name = "lobby"};
    ck_assert_int_eq(store_latest_run(&store, &filter, &arena, &run), STORE_FOUND);
    ck_assert_int_eq(run.id, measured);
    ck_assert(run.is_fit);
    ck_assert_int_eq(run.state, STORE_RUNNING);
    filter.kind = "simulated";
    filter.state = "done";
    filter.before = last;
    filter.scenario_hash = run.scenario_hash;
    ck_assert_int_eq(store_latest_run(&store, &filter, &arena, &run), STORE_FOUND);
    ck_assert_int_eq(run.id, last - 1);
    filter.scenario_hash ^= 1;
    ck_assert_int_eq(store_latest_run(&store, &filter, &arena, &run), STORE_MISSING);
    ck_assert(store_runs(&store, &filter, &arena, &runs, &count));
    ck_assert(count == 0 && runs != NULL); /* qsort and memcpy may not be given a NULL */
    const char **names;
    ck_assert(store_scenario_names(&store, &arena, &names, &count));
    ck_assert_int_eq(count, 1);
    ck_assert_str_eq(names[0], "lobby");
    arena_fini(&arena);
    closed(&store);
}
END_TEST

START_TEST(a_run_that_has_ended_takes_no_more_results) {
    struct store store = opened();
    int64_t run = begun(&store, &lobby);
    ck_assert(store_put_metric(&store, run, &(struct store_metric){"p99", 1, 1, 1, "ms", NULL}));
    ck_assert(store_finish_run(&store, run, &done));
    ck_assert(!store_put_metric(&store, run, &(struct store_metric){"p99", 2, 2, 2, "ms", NULL}));
    ck_assert_ptr_nonnull(strstr(store.error, ".db: the run has ended; its results do not change"));
    ck_assert(!store_put_prediction(&store, run, 1));
    ck_assert(!store_put_metric(&store, 77, &(struct store_metric){"p99", 2, 2, 2, "ms", NULL}));
    struct arena arena;
    arena_init(&arena);
    struct store_metric metric;
    ck_assert_int_eq(store_metric_of(&store, run, "p99", &arena, &metric), STORE_FOUND);
    ck_assert_double_eq(metric.value, 1);
    arena_fini(&arena);
    closed(&store);
}
END_TEST

START_TEST(a_prediction_says_which_runs_existed_when_it_was_written) {
    struct store store = opened();
    int64_t run = begun(&store, &lobby), other = begun(&store, &lobby);
    ck_assert(store_put_prediction(&store, run, 42));
    ck_assert(store_finish_run(&store, run, &done));
    int64_t later = begun(&store, &lobby);
    struct store_prediction prediction;
    ck_assert_int_eq(store_prediction_of(&store, run, &prediction), STORE_FOUND);
    ck_assert_int_eq(prediction.last_run, other);
    ck_assert_int_lt(prediction.last_run, later);
    ck_assert_int_eq(prediction.created_at_ns, 42);
    ck_assert_uint_ne(prediction.hash, 0);
    ck_assert_int_eq(store_prediction_of(&store, other, &prediction), STORE_MISSING);
    closed(&store);
}
END_TEST

START_TEST(another_run_commits_what_came_before_it) {
    struct store store = opened();
    int64_t parent = begun(&store, &lobby);
    ck_assert(store_put_metric(&store, parent, &(struct store_metric){"a", 1, 1, 1, "", NULL}));
    begun(&store, &lobby);
    ck_assert(store_put_metric(&store, parent, &(struct store_metric){"b", 1, 1, 1, "", NULL}));
    store_close(&store); /* "b" was neither committed nor finished */
    ck_assert(store_open(&store, new_path(), STORE_READ));
    struct arena arena;
    arena_init(&arena);
    struct store_metric metric;
    ck_assert_int_eq(store_metric_of(&store, parent, "a", &arena, &metric), STORE_FOUND);
    ck_assert_int_eq(store_metric_of(&store, parent, "b", &arena, &metric), STORE_MISSING);
    arena_fini(&arena);
    closed(&store);
}
END_TEST

static void refuses(enum store_access access, const char *message) {
    struct store store;
    ck_assert(!store_open(&store, new_path(), access));
    char whole[256];
    snprintf(whole, sizeof whole, "%s: %s", new_path(), message);
    ck_assert_str_eq(store.error, whole);
    remove_store();
}

START_TEST(what_is_not_a_store_is_refused_by_name) {
    refuses(STORE_READ, "No such file or directory");
    for (enum store_access access = STORE_READ; access <= STORE_WRITE; access++) {
        FILE *file = fopen(new_path(), "w");
        for (int i = 0; i < 300; i++)
            fputs("this is a letter", file);
        fclose(file);
        refuses(access, "is not a database; expected a store that headroom wrote");
        raw("CREATE TABLE other (x)");
        refuses(access,
                "is a SQLite database of another program; expected a store that headroom wrote");
        struct store store = opened();
        store_close(&store);
        raw("PRAGMA user_version = 7");
        refuses(access, "has schema version 7; this headroom knows versions up to 2: use a newer "
                        "headroom");
    }
    raw("VACUUM");
    refuses(STORE_READ, "is empty; expected a store that headroom wrote");
}
END_TEST

START_TEST(a_damaged_file_is_not_sound) {
    struct store store = opened();
    int64_t run = begun(&store, &lobby);
    for (int i = 0; i < 1000; i++) {
        char name[24];
        snprintf(name, sizeof name, "metric_%d", i);
        ck_assert(store_put_metric(&store, run, &(struct store_metric){name, i, i, i, "ms", NULL}));
    }
    ck_assert(store_finish_run(&store, run, &done));
    store_close(&store);
    FILE *file = fopen(new_path(), "r+");
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    fseek(file, length - 4096 * 6, SEEK_SET); /* six of its pages, the schema not among them */
    for (int i = 0; i < 4096 * 6; i++)
        fputc(0x5a, file);
    fclose(file);
    bool is_open = store_open(&store, new_path(), STORE_READ);
    ck_assert(!is_open || !store_is_sound(&store));
    ck_assert_ptr_nonnull(strstr(store.error, ".db: "));
    if (is_open)
        store_close(&store);
    remove_store();
}
END_TEST

START_TEST(readers_see_what_is_committed_while_somebody_writes) {
    struct store writer = opened(), reader;
    int64_t run = begun(&writer, &lobby);
    ck_assert(store_put_metric(&writer, run, &(struct store_metric){"a", 1, 1, 1, "", NULL}));
    ck_assert(store_open(&reader, new_path(), STORE_READ));
    struct arena arena;
    arena_init(&arena);
    struct store_metric metric;
    ck_assert_int_eq(store_metric_of(&reader, run, "a", &arena, &metric), STORE_MISSING);
    ck_assert(store_finish_run(&writer, run, &done));
    ck_assert_int_eq(store_metric_of(&reader, run, "a", &arena, &metric), STORE_FOUND);
    ck_assert(!store_begin_run(&reader, &lobby, &run));
    arena_fini(&arena);
    store_close(&reader);
    closed(&writer);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_run_reads_back_as_it_was_put),
        TEST(results_read_back_with_nan_and_infinity),
        TEST(text_is_never_sql),
        TEST(filters_find_the_latest_and_all),
        TEST(a_run_that_has_ended_takes_no_more_results),
        TEST(a_prediction_says_which_runs_existed_when_it_was_written),
        TEST(another_run_commits_what_came_before_it),
        TEST(what_is_not_a_store_is_refused_by_name),
        TEST(a_damaged_file_is_not_sound),
        TEST(readers_see_what_is_committed_while_somebody_writes),
    };
    return suite_run("store", tests, COUNT_OF(tests));
}
