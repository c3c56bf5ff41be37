/* Cells of studies: found by what they are a function of, merged, and kept apart by code. An older
 * file opens. */
#include "sim/store/store.h"

#include "sim/base/fingerprint.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

enum { METRICS = 3 };

static const char *path_of(const char *name) {
    static char ring[4][80];
    static int next;
    char *path = ring[next++ % 4];
    snprintf(path, sizeof ring[0], "test_store_cells_%d_%s.db", (int)getpid(), name);
    return path;
}

static void remove_store(const char *path) {
    char beside[96];
    for (size_t i = 0; i < 3; i++) {
        snprintf(beside, sizeof beside, "%s%s", path, (const char *const[]){"", "-wal", "-shm"}[i]);
        unlink(beside);
    }
}

static struct store opened(const char *path) {
    struct store store;
    ck_assert_msg(store_open(&store, path, STORE_WRITE), "%s", store.error);
    return store;
}

static uint64_t hash_of(const char *text) {
    return fingerprint_of(text, strlen(text));
}

static struct store_run_options cell_options(int32_t number, const char *code) {
    return (struct store_run_options){.kind = STORE_SIMULATED,
                                      .command = "cell",
                                      .scenario = {"lobby", "{}"},
                                      .profile = {"here", "{here}"},
                                      .code = {"0.1.0", code},
                                      .seed = UINT64_MAX,
                                      .replication = number,
                                      .load_scale = 1.25,
                                      .started_at_ns = 1000,
                                      .is_cell = true};
}

static uint64_t address_of(int32_t number, const char *code) {
    return store_address_of(&(struct store_address){.code = hash_of(code),
                                                    .scenario = hash_of("{}"),
                                                    .profile = hash_of("{here}"),
                                                    .seed = UINT64_MAX,
                                                    .replication = number,
                                                    .load_scale = 1.25});
}

static int64_t begin_cell(struct store *store, int32_t number, const char *code) {
    struct store_run_options options = cell_options(number, code);
    int64_t run;
    ck_assert_msg(store_begin_run(store, &options, &run), "%s", store->error);
    for (int32_t i = 0; i < METRICS; i++) {
        char name[24];
        snprintf(name, sizeof name, "metric_%d", i);
        ck_assert(store_put_metric(
            store, run, &(struct store_metric){name, number + i, (double)NAN, 9, "ms", NULL}));
    }
    return run;
}

static int64_t put_cell(struct store *store, int32_t number, const char *code) {
    int64_t run = begin_cell(store, number, code);
    ck_assert(store_put_resource(store, run, &(struct store_resource){"cpu", 0.5, 1, "share"}));
    struct hist hist;
    hist_init(&hist);
    hist_add(&hist, 100 + number);
    ck_assert(store_put_hist(store, run, "latency", "ns", &hist));
    hist_fini(&hist);
    ck_assert(store_put_series(store, run,
                               &(struct store_series){"delay", "ms", 7, 1, (double[]){number}}));
    ck_assert_msg(
        store_finish_run(store, run,
                         &(struct store_finish){.state = number == 5 ? STORE_REFUSED : STORE_DONE,
                                                .fingerprint = 77 + (uint64_t)number,
                                                .finished_at_ns = 4000}),
        "%s", store->error);
    return run;
}

static int64_t count(struct store *store, const char *sql) {
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static struct store_cell found(struct store *store, int32_t number, const char *code) {
    uint64_t address = address_of(number, code);
    struct store_cell cell;
    ck_assert_msg(store_find_cells(store, &address, 1, &cell), "%s", store->error);
    return cell;
}

START_TEST(a_cell_is_found_by_everything_that_it_is_a_function_of) {
    struct store store = opened(path_of("a"));
    int64_t run = put_cell(&store, 4, "build 1");
    struct store_cell cell = found(&store, 4, "build 1");
    ck_assert_int_eq(cell.run, run);
    ck_assert_int_eq(cell.state, STORE_DONE);
    ck_assert_uint_eq(cell.fingerprint, 81);
    ck_assert_int_eq(cell.took_ns, 3000);
    ck_assert_int_eq(found(&store, 5, "build 1").run, 0);
    ck_assert_int_eq(found(&store, 4, "build 2").run, 0);
    put_cell(&store, 5, "build 1");
    ck_assert_int_eq(found(&store, 5, "build 1").state, STORE_REFUSED); /* an answer too */
    const struct store_address base = {1, 2, 3, 4, 5, 6};
    uint64_t address = store_address_of(&base);
    struct store_address other[6];
    for (int i = 0; i < 6; i++)
        other[i] = base;
    other[0].code++;
    other[1].scenario++;
    other[2].profile++;
    other[3].seed++;
    other[4].replication++;
    other[5].load_scale++;
    for (int i = 0; i < 6; i++)
        ck_assert_uint_ne(store_address_of(&other[i]), address);
    store_close(&store);
    remove_store(path_of("a"));
}
END_TEST

START_TEST(a_cell_that_was_not_finished_leaves_no_trace) {
    struct store store = opened(path_of("a"));
    put_cell(&store, 1, "b");
    begin_cell(&store, 2, "b");
    store_close(&store);
    store = opened(path_of("a"));
    ck_assert_int_eq(count(&store, "SELECT count(*) FROM runs"), 1);
    ck_assert_int_eq(count(&store, "SELECT count(*) FROM metrics"), METRICS);
    ck_assert_int_eq(found(&store, 2, "b").run, 0);
    store_close(&store);
    remove_store(path_of("a"));
}
END_TEST

START_TEST(cells_of_other_code_are_counted_with_its_name) {
    struct store store = opened(path_of("a"));
    struct arena arena;
    arena_init(&arena);
    int64_t foreign = 0;
    const char *version = NULL;
    put_cell(&store, 1, "build 1");
    put_cell(&store, 2, "build 1");
    put_cell(&store, 2, "build 2");
    ck_assert_msg(
        store_count_foreign_cells(&store, "lobby", hash_of("build 2"), &arena, &foreign, &version),
        "%s", store.error);
    ck_assert_int_eq(foreign, 2);
    ck_assert_str_eq(version, "0.1.0 build 1");
    ck_assert(
        store_count_foreign_cells(&store, "other", hash_of("build 2"), &arena, &foreign, &version));
    ck_assert_int_eq(foreign, 0);
    arena_fini(&arena);
    store_close(&store);
    remove_store(path_of("a"));
}
END_TEST

START_TEST(a_merge_takes_what_is_new_once_with_all_its_results) {
    const char *into = path_of("into"), *from = path_of("from");
    struct store store = opened(from);
    for (int32_t i = 0; i < 8; i++)
        put_cell(&store, i, "b");
    put_cell(&store, 7, "b"); /* two writers may have run one cell */
    store_close(&store);
    store = opened(into);
    put_cell(&store, 3, "b");
    int64_t other = 0;
    struct store_run_options plain = cell_options(3, "b");
    plain.is_cell = false;
    ck_assert(store_begin_run(&store, &plain, &other));
    struct store_merged merged;
    ck_assert_msg(store_merge_cells(&store, from, &merged), "%s", store.error);
    ck_assert_int_eq(merged.taken, 7);
    ck_assert_int_eq(merged.known, 2);
    ck_assert_msg(store_merge_cells(&store, from, &merged), "%s", store.error);
    ck_assert_int_eq(merged.taken, 0);
    ck_assert_int_eq(count(&store, "SELECT count(*) FROM runs WHERE address IS NOT NULL"), 8);
    ck_assert_int_eq(count(&store, "SELECT count(*) FROM metrics"), 8 * METRICS);
    ck_assert_int_eq(count(&store, "SELECT count(*) FROM resources"), 8);
    ck_assert_int_eq(count(&store, "SELECT count(*) FROM series"), 8);
    struct arena arena;
    arena_init(&arena);
    for (int32_t i = 0; i < 8; i++) {
        struct store_cell cell = found(&store, i, "b");
        ck_assert_uint_eq(cell.fingerprint, 77 + (uint64_t)i);
        ck_assert_int_eq(cell.state, i == 5 ? STORE_REFUSED : STORE_DONE);
        struct store_metric metric;
        ck_assert_int_eq(store_metric_of(&store, cell.run, "metric_2", &arena, &metric),
                         STORE_FOUND);
        ck_assert_double_eq(metric.value, i + 2);
        ck_assert(isnan(metric.low));
        struct hist hist;
        hist_init(&hist);
        ck_assert_int_eq(store_hist_of(&store, cell.run, "latency", &hist), STORE_FOUND);
        ck_assert_int_eq(hist.max, 100 + i);
        hist_fini(&hist);
        ck_assert(!store_put_metric(&store, cell.run, &metric)); /* it has ended */
    }
    arena_fini(&arena);
    ck_assert(store_is_sound(&store));
    ck_assert_int_gt(put_cell(&store, 9, "b"), 8); /* ids go on behind those that were merged */
    store_close(&store);
    remove_store(into);
    remove_store(from);
}
END_TEST

static void refuses(struct store *store, const char *from, const char *message) {
    struct store_merged merged;
    int64_t before = count(store, "SELECT count(*) FROM runs");
    ck_assert(!store_merge_cells(store, from, &merged));
    char whole[STORE_ERROR_BYTES];
    snprintf(whole, sizeof whole, "%s: %s%s", store->path, from, message);
    ck_assert_str_eq(store->error, whole);
    ck_assert_int_eq(count(store, "SELECT count(*) FROM runs"), before);
}

START_TEST(a_merge_refuses_other_code_and_contradictions_and_takes_nothing) {
    const char *into = path_of("into"), *from = path_of("from");
    struct store other = opened(from), store = opened(into);
    put_cell(&other, 1, "build 2");
    put_cell(&store, 2, "build 1");
    refuses(&store, from,
            " has runs of other code (0.1.0 build 2): runs of different code are not mixed; run "
            "them again with one program, or merge into a file of their own");
    put_cell(&store, 3, "build 2"); /* the file knows both now */
    struct store_merged merged;
    ck_assert_msg(store_merge_cells(&store, from, &merged), "%s", store.error);
    ck_assert_int_eq(
        sqlite3_exec(other.database, "UPDATE runs SET fingerprint = 'beef'", NULL, NULL, NULL),
        SQLITE_OK);
    char address[17], message[200];
    fingerprint_format(address_of(1, "build 2"), address);
    snprintf(message, sizeof message,
             " has the run of address %s with another fingerprint: one of the two files is wrong",
             address);
    refuses(&store, from, message);
    store_close(&store);
    remove_store(into);
    store = opened(into); /* without cells: takes those of one code only */
    put_cell(&other, 2, "build 3");
    ck_assert(!store_merge_cells(&store, from, &merged));
    ck_assert_ptr_nonnull(strstr(store.error, "has runs of other code (0.1.0 build "));
    ck_assert(!store_merge_cells(&store, "nowhere.db", &merged));
    ck_assert_ptr_nonnull(strstr(store.error, "nowhere.db: No such file or directory"));
    store_close(&store);
    store_close(&other);
    remove_store(into);
    remove_store(from);
}
END_TEST

extern const char store_schema_sql[]; /* of version 1, as old files have it */

static void make_version_1(const char *path) {
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, store_schema_sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_exec(database,
                     "PRAGMA application_id = 0x48647231; PRAGMA user_version = 1;"
                     "INSERT INTO code VALUES ('00', '0.0.9', 'old');"
                     "INSERT INTO runs (kind, command, code, seed, replication, started_at_ns,"
                     " process, state, is_fit) VALUES ('simulated', 'run', '00', '7', 0, 5, 1,"
                     " 'done', 0)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(database);
}

START_TEST(a_file_of_the_first_schema_reads_as_it_is_and_climbs_when_it_is_written) {
    const char *path = path_of("old");
    make_version_1(path);
    struct store store;
    ck_assert_msg(store_open(&store, path, STORE_READ), "%s", store.error);
    struct arena arena;
    arena_init(&arena);
    struct store_run run;
    ck_assert_int_eq(store_run_by_id(&store, 1, &arena, &run), STORE_FOUND);
    ck_assert_int_eq(count(&store, "PRAGMA user_version"), 1);
    store_close(&store);
    store = opened(path);
    ck_assert_int_eq(count(&store, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
    ck_assert_int_eq(store_run_by_id(&store, 1, &arena, &run), STORE_FOUND);
    ck_assert_uint_eq(run.seed, 7);
    ck_assert_str_eq(run.code_version, "0.0.9");
    put_cell(&store, 1, "b");
    ck_assert_int_ne(found(&store, 1, "b").run, 0);
    ck_assert(store_is_sound(&store));
    store_close(&store);
    arena_fini(&arena);
    remove_store(path);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_cell_is_found_by_everything_that_it_is_a_function_of),
        TEST(a_cell_that_was_not_finished_leaves_no_trace),
        TEST(cells_of_other_code_are_counted_with_its_name),
        TEST(a_merge_takes_what_is_new_once_with_all_its_results),
        TEST(a_merge_refuses_other_code_and_contradictions_and_takes_nothing),
        TEST(a_file_of_the_first_schema_reads_as_it_is_and_climbs_when_it_is_written),
    };
    return suite_run("store_cells", tests, COUNT_OF(tests));
}
