/* How long `sweep merge` takes for a million rows: cells with as many metrics as a run has, merged
 * into an empty file and then once more, when all of them are known.
 *
 * The files are made in the working folder and removed. Argument: how many rows (1,000,000). */
#include "sim/base/check.h"
#include "sim/store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { METRICS = 40, ROWS = 1000000 };

static double now_s(void) {
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void remove_store(const char *path) {
    char beside[64];
    const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        snprintf(beside, sizeof beside, "%s%s", path, endings[i]);
        unlink(beside);
    }
}

static void put_cell(struct store *store, int32_t number) {
    struct store_run_options options = {.kind = STORE_SIMULATED,
                                        .command = "cell",
                                        .scenario = {"lobby", "{}"},
                                        .profile = {"here", "{}"},
                                        .code = {"0", "0"},
                                        .replication = number,
                                        .is_cell = true};
    int64_t run;
    struct hist hist;
    hist_init(&hist);
    for (int32_t i = 0; i < 500; i++) /* a latency histogram's usual spread */
        hist_add(&hist, 300000 + (int64_t)i * i * 50);
    CHECK(store_begin_run(store, &options, &run));
    for (int32_t i = 0; i < METRICS; i++) {
        char name[32];
        snprintf(name, sizeof name, "metric_number_%d", i);
        CHECK(store_put_metric(store, run,
                               &(struct store_metric){name, number * 1.7 + i, 0, 0, "ms", NULL}));
    }
    CHECK(store_put_hist(store, run, "latency", "ns", &hist));
    CHECK(store_finish_run(store, run,
                           &(struct store_finish){.state = STORE_DONE, .fingerprint = 1}));
    hist_fini(&hist);
}

static struct store opened(const char *path) {
    struct store store;
    CHECK(store_open(&store, path, STORE_WRITE));
    return store;
}

static void merge(struct store *store, const char *from, const char *what) {
    struct store_merged merged;
    double before = now_s();
    CHECK(store_merge_cells(store, from, &merged));
    printf("%-28s %5.2f s (%lld cells taken, %lld known)\n", what, now_s() - before,
           (long long)merged.taken, (long long)merged.known);
}

int main(int argc, char **argv) {
    int32_t rows = argc > 1 ? atoi(argv[1]) : ROWS;
    CHECK(rows >= METRICS);
    const char *from = "bench_merge_from.db", *into = "bench_merge_into.db";
    remove_store(from);
    remove_store(into);
    struct store store = opened(from);
    /* making the file is not what is timed: it need not survive a power cut */
    CHECK(sqlite3_exec(store.database, "PRAGMA synchronous = OFF", NULL, NULL, NULL) == SQLITE_OK);
    for (int32_t i = 0; i < rows / METRICS; i++)
        put_cell(&store, i);
    store_close(&store);
    store = opened(into);
    printf("%d cells of %d metrics and a histogram: %d rows\n", rows / METRICS, METRICS,
           rows / METRICS * METRICS);
    merge(&store, from, "into an empty file");
    merge(&store, from, "into the same file again");
    CHECK(store_is_sound(&store));
    store_close(&store);
    remove_store(from);
    remove_store(into);
    return EXIT_SUCCESS;
}
