/* Threads simulate, one at a time writes: the store has one writer, and a commit is short against a
 * run. A run is begun in the store when it has ended, so a kill leaves whole runs and nothing
 * else. */
#include "cli/own_ceiling.h"
#include "cli/pool.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/simulate.h"
#include "cli/stop.h"
#include "cli/sweep.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct running {
    struct sweep_work *work;
    struct store *store;
    const int32_t *indices;
    int32_t count;
    atomic_bool has_failed;
    pthread_mutex_t lock; /* of what follows, of the store and of standard error */
    int32_t done_count;
    int64_t started_at_ns, shown_at_ns;
};

int32_t sweep_jobs(const struct options *options) {
    return options->jobs > 0 ? options->jobs : (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

/* ---- looking up */

static bool find_in(struct sweep_work *work, struct store *store, bool is_main) {
    uint64_t *addresses = calloc((size_t)work->runs_count + 1, sizeof *addresses);
    struct store_cell *cells = calloc((size_t)work->runs_count + 1, sizeof *cells);
    CHECK(addresses != NULL && cells != NULL);
    for (int32_t i = 0; i < work->runs_count; i++)
        addresses[i] = work->runs[i].address;
    bool is_read = store_find_cells(store, addresses, work->runs_count, cells);
    for (int32_t i = 0; i < work->runs_count && is_read; i++)
        if (work->runs[i].found.run == 0 && cells[i].run != 0) {
            work->runs[i].found = cells[i];
            work->runs[i].is_in_main = is_main;
        }
    free(addresses);
    free(cells);
    if (!is_read)
        fprintf(stderr, "headroom: %s\n", store->error);
    return is_read;
}

static bool say_foreign(const struct sweep_work *work, struct store *store) {
    struct arena arena;
    arena_init(&arena);
    int64_t count = 0;
    const char *version;
    bool is_read = work->scenario_name == NULL ||
                   store_count_foreign_cells(store, work->scenario_name, work->stored_code_hash,
                                             &arena, &count, &version);
    if (is_read && count > 0)
        print_say(
            work->options,
            "%s also has %lld runs of cells of \"%s\" by other code (%s); they are left aside",
            store->path, (long long)count, work->scenario_name, version);
    if (!is_read)
        fprintf(stderr, "headroom: %s\n", store->error);
    arena_fini(&arena);
    return is_read;
}

/* What the main file has need not be run again by a share of it. */
static bool find_in_main(struct sweep_work *work) {
    if (work->main_db == work->own_db || access(work->main_db, R_OK) != 0)
        return true;
    struct store store;
    if (!store_open(&store, work->main_db, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return false;
    }
    bool is_read = find_in(work, &store, true);
    store_close(&store);
    return is_read;
}

bool sweep_look_up(struct sweep_work *work, struct store *store) {
    return find_in(work, store, false) && find_in_main(work) && say_foreign(work, store);
}

/* ---- running */

static void say_left(int64_t left_s, char out[32]) {
    if (left_s < 120)
        snprintf(out, 32, "%lld s", (long long)left_s);
    else if (left_s < 7200)
        snprintf(out, 32, "%lld min", (long long)(left_s + 30) / 60);
    else
        snprintf(out, 32, "%.1f h", (double)left_s / 3600);
}

static void show_progress(struct running *running) {
    enum { SHOWN_EVERY_NS = 200000000 };
    int64_t now_ns = record_now_ns();
    bool is_last = running->done_count == running->count;
    if (!is_last && now_ns - running->shown_at_ns < SHOWN_EVERY_NS)
        return;
    running->shown_at_ns = now_ns;
    double rate = running->done_count / base_seconds(now_ns - running->started_at_ns + 1);
    char left[32];
    say_left((int64_t)((running->count - running->done_count) / rate), left);
    print_progress(running->work->options, "%d of %d runs, %s runs/s, about %s left",
                   running->done_count, running->count, print_number(rate), left);
}

/* A run, or a ceiling, and what the store is told of it. */
struct result {
    struct outcome outcome; /* of a run */
    struct study_root root; /* of a ceiling */
    double asked;           /* deliveries/s that the cell asks for */
};

static uint64_t fingerprint_root(const struct study_root *root) {
    struct fingerprint fingerprint;
    fingerprint_init(&fingerprint);
    fingerprint_u64(&fingerprint, (uint64_t)root->outcome);
    fingerprint_bytes(&fingerprint, &root->log_scale, sizeof root->log_scale);
    return fingerprint_value(&fingerprint);
}

/* Whether the cell's own load holds. */
static enum outcome_verdict verdict_of(const struct study_root *root) {
    switch (root->outcome) {
    case STUDY_FOUND:
        return root->log_scale >= 0 ? OUTCOME_HOLDS : OUTCOME_FAILS;
    case STUDY_ABOVE_LAST:
        return OUTCOME_HOLDS;
    case STUDY_BELOW_FIRST:
        return OUTCOME_FAILS;
    case STUDY_REFUSED:
    case STUDY_STOPPED:
    case STUDY_EXHAUSTED:
        break;
    }
    return OUTCOME_CANNOT_TELL;
}

static bool record_root(struct store *store, int64_t id, const struct result *result) {
    const struct study_root *root = &result->root;
    double scale = exp(root->log_scale);
    bool is_found = root->outcome == STUDY_FOUND;
    return record_number(store, id, "ceiling.outcome", NAN, NAN, NAN, "",
                         study_ceiling_outcome_name(root->outcome)) &&
           (!is_found || record_number(store, id, "ceiling.active", scale * result->asked, NAN, NAN,
                                       "deliveries/s", root->broke)) &&
           (!is_found || record_number(store, id, "ceiling.scale", scale, NAN, NAN, "", NULL)) &&
           record_number(store, id, "verdict", NAN, NAN, NAN, "",
                         outcome_verdict_name(verdict_of(root)));
}

static bool keep(struct running *running, const struct scenario *scenario, struct sweep_place place,
                 const struct result *result, int64_t started_at_ns, struct store_cell *found) {
    const struct sweep_work *work = running->work;
    const struct outcome *outcome = &result->outcome;
    struct record_run record =
        record_simulated(work->is_of_ceilings ? "ceiling_cell" : "cell", scenario, &work->costs);
    record.replication = place.replication;
    record.scale = sweep_load_scale(work);
    record.is_cell = true;
    record.started_at_ns = started_at_ns;
    record.code_hash = work->code_hash;
    enum store_state state = outcome->refused ? STORE_REFUSED : STORE_DONE;
    uint64_t fingerprint =
        work->is_of_ceilings ? fingerprint_root(&result->root) : outcome->fingerprint;
    int64_t took_ns = record_now_ns() - started_at_ns, id;
    if (!record_begin(running->store, &record, &id) ||
        !(work->is_of_ceilings ? record_root(running->store, id, result)
                               : record_outcome(running->store, id, outcome)) ||
        !record_finish(running->store, id, state, outcome->refused, fingerprint))
        return false;
    *found = (struct store_cell){id, state, fingerprint, took_ns};
    return true;
}

/* Between planning and running a file that the scenario extends may have changed: then this is not
 * the cell that was planned. */
static bool is_as_planned(const struct sweep_run *run, const struct scenario *scenario,
                          bool is_right) {
    if (is_right && scenario->hash == run->scenario_hash)
        return true;
    fprintf(stderr, "headroom: %s: a file of the scenario changed while its cells were run\n",
            scenario->path);
    return false;
}

static void work_out(const struct sweep_work *work, struct scenario *scenario, uint64_t replication,
                     struct result *result) {
    struct layout layout;
    roster_init(&scenario->roster, &scenario->spec, scenario->spec.seed, &scenario->arena);
    layout_init(&layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
    result->asked = plan_offered(&scenario->roster).deliveries_per_s;
    if (work->is_of_ceilings)
        result->root = own_ceiling_find(
            &(struct own_ceiling_ask){scenario, &layout, &work->means, replication});
    else
        simulate(scenario, &layout, &work->means, replication, 1, &result->outcome);
}

static void run_one(struct running *running, int32_t index, struct scenario *scenario) {
    struct sweep_work *work = running->work;
    struct result result = {.asked = 0};
    int64_t started_at_ns = record_now_ns();
    outcome_init(&result.outcome);
    struct sweep_place place = sweep_place_of(work, index);
    work_out(work, scenario, (uint64_t)place.replication, &result);
    pthread_mutex_lock(&running->lock);
    if (!running->has_failed &&
        keep(running, scenario, place, &result, started_at_ns, &work->runs[index].found)) {
        running->done_count++;
        show_progress(running);
    } else {
        running->has_failed = true;
    }
    pthread_mutex_unlock(&running->lock);
    outcome_fini(&result.outcome);
}

static void task(void *context, int32_t number) {
    struct running *running = context;
    if (stop_signal != 0 || running->has_failed)
        return;
    int32_t index = running->indices[number];
    struct sweep_place place = sweep_place_of(running->work, index);
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    struct scenario scenario;
    bool is_right = sweep_scenario(running->work, place.cell, place.seed, &scenario, diag);
    if (is_as_planned(&running->work->runs[index], &scenario, is_right))
        run_one(running, index, &scenario);
    else
        running->has_failed = true;
    files_scenario_fini(&scenario);
    diag_fini(diag);
    free(diag);
}

bool sweep_run_missing(struct sweep_work *work, struct store *store, const int32_t *indices,
                       int32_t count, int32_t jobs) {
    struct running running = {.work = work,
                              .store = store,
                              .indices = indices,
                              .count = count,
                              .started_at_ns = record_now_ns()};
    pthread_mutex_init(&running.lock, NULL);
    pool_map(jobs, count, task, &running);
    pthread_mutex_destroy(&running.lock);
    print_progress_end(work->options);
    return !running.has_failed;
}

/* ---- how long it takes */

enum { PROBES = 3 };

static void add_times(const struct sweep_work *work, struct sweep_estimate *estimate) {
    for (int32_t i = 0; i < work->runs_count; i++) {
        const struct store_cell *found = &work->runs[i].found;
        if (found->run == 0)
            continue;
        double took_s = base_seconds(found->took_ns);
        bool is_first = estimate->count++ == 0;
        estimate->low_s = is_first || took_s < estimate->low_s ? took_s : estimate->low_s;
        estimate->high_s = is_first || took_s > estimate->high_s ? took_s : estimate->high_s;
        estimate->mean_s += (took_s - estimate->mean_s) / estimate->count;
    }
}

bool sweep_estimate(struct sweep_work *work, struct store *store, struct sweep_estimate *estimate) {
    *estimate = (struct sweep_estimate){0};
    int32_t missing = sweep_count_missing(work, false);
    bool has_some = missing < work->runs_count;
    if (!has_some && missing > 0) { /* the first, one in the middle, the last: one at a time */
        int32_t indices[PROBES] = {0, (work->runs_count - 1) / 2, work->runs_count - 1};
        estimate->is_probed = true;
        for (int32_t i = 0; i < PROBES; i++)
            if (work->runs[indices[i]].found.run == 0 &&
                !sweep_run_missing(work, store, &indices[i], 1, 1))
                return false;
    }
    add_times(work, estimate);
    return true;
}
