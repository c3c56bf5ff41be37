/* One SQLite file for the runs of both worlds (docs/reference/store.md has the tables).
 *
 * A run's row is committed when it begins, and everything that is put into it is committed by
 * store_finish_run in one transaction: whoever is killed leaves whole runs, and runs that say that
 * they were interrupted. A finished run takes no more results (a trigger sees to it), so a
 * prediction cannot be improved after its measurement. One process writes at a time (WAL), any
 * number read.
 *
 * Every function that can fail returns false and leaves a message in `store->error`; there is no
 * other state to repair. What is read is copied into the caller's arena. */
#ifndef HEADROOM_SIM_STORE_STORE_H
#define HEADROOM_SIM_STORE_STORE_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/hist.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

enum {
    STORE_SCHEMA_VERSION = 2, /* PRAGMA user_version */
    STORE_ERROR_BYTES = 512,
    STORE_BUSY_MS = 10000, /* how long a writer waits for another one */
};

struct store {
    struct sqlite3 *database;
    const char *path; /* borrowed; outlives the store */
    int64_t version;  /* of its schema: below STORE_SCHEMA_VERSION only when opened for reading */
    int64_t open_run; /* whose results are in the transaction that is open; 0: none is */
    char error[STORE_ERROR_BYTES]; /* what went wrong last, with the path in front */
};

enum store_access { STORE_READ, STORE_WRITE }; /* STORE_WRITE makes the file if there is none */

/* Refuses, with a message: no such file, a file that is not a database, a database that is not a
 * store, a store of a newer schema. A store of an older schema is brought up to this one when it is
 * opened for writing, and read as it is otherwise. Opening for writing marks runs whose process is
 * gone as interrupted. After false there is nothing to close. */
bool store_open(struct store *store, const char *path, enum store_access access) MUST_USE;
void store_close(struct store *store); /* drops the results of a run that was not finished */

/* PRAGMA integrity_check and foreign_key_check. */
bool store_is_sound(struct store *store) MUST_USE;

enum store_kind { STORE_SIMULATED, STORE_MEASURED };
enum store_state { STORE_RUNNING, STORE_DONE, STORE_REFUSED, STORE_INTERRUPTED };
const char *store_kind_name(enum store_kind kind);
const char *store_state_name(enum store_state state);

/* A text that runs refer to by its hash (fingerprint_of the text). */
struct store_text {
    const char *name;
    const char *text; /* NULL: the run has none */
};

struct store_run_options {
    enum store_kind kind;
    const char *command;        /* "run", "probe", "ceiling", "cell", "measure", "calibrate" */
    int64_t parent;             /* the run that this is a part of; 0: none */
    struct store_text scenario; /* canonical text */
    struct store_text profile;
    struct store_text code; /* name: the version; text: what identifies the build */
    uint64_t seed;
    int64_t replication;
    double load_scale;
    bool is_fit;           /* used in a fit: must not validate */
    int64_t started_at_ns; /* wall clock, since 1970 */
    bool is_cell;          /* of a study: found again by its address, and see store_begin_run */
};

/* The new run's id, committed. A transaction with another run's results is committed first. A cell
 * is there all at once or not at all: it is run before it is begun, and its row is committed
 * together with its results. */
bool store_begin_run(struct store *store, const struct store_run_options *options,
                     int64_t *run) MUST_USE;

struct store_metric {
    const char *name;
    double value, low, high; /* NAN: not known */
    const char *unit;
    const char *text; /* a value in words, or NULL */
};
struct store_resource {
    const char *name;
    double used, limit; /* INFINITY: none */
    const char *unit;
};
struct store_series {
    const char *name;
    const char *unit;
    base_ns step_ns;
    int32_t count;
    const double *values; /* [count] */
};

/* Results of a run that has begun. The first one opens the transaction that holds the file's only
 * writer's place, so put them together, right before store_finish_run. A second metric of one name
 * replaces the first. */
bool store_put_metric(struct store *store, int64_t run, const struct store_metric *metric) MUST_USE;
bool store_put_resource(struct store *store, int64_t run,
                        const struct store_resource *resource) MUST_USE;
bool store_put_hist(struct store *store, int64_t run, const char *name, const char *unit,
                    const struct hist *hist) MUST_USE;
bool store_put_series(struct store *store, int64_t run, const struct store_series *series) MUST_USE;

/* Says that this run is a prediction, before anything is measured: the hash of its code, scenario
 * and profile, the wall clock, and which runs existed by then. Committed with the run's results. */
bool store_put_prediction(struct store *store, int64_t run, int64_t created_at_ns) MUST_USE;

struct store_finish {
    enum store_state state; /* not STORE_RUNNING */
    const char *reason;     /* of a refusal or an interruption; NULL otherwise */
    uint64_t fingerprint;   /* 0: none */
    int64_t finished_at_ns;
};
bool store_finish_run(struct store *store, int64_t run, const struct store_finish *finish) MUST_USE;

/* What a run of a study is addressed by: everything that its result is a function of. Two runs with
 * one address are the same run. */
struct store_address {
    uint64_t code, scenario, profile; /* hashes of the texts */
    uint64_t seed;
    int64_t replication;
    double load_scale;
};
uint64_t store_address_of(const struct store_address *address);

/* Reading. */
enum store_found { STORE_FOUND, STORE_MISSING, STORE_FAILED };

struct store_run {
    int64_t id;
    enum store_kind kind;
    enum store_state state;
    const char *command;
    const char *reason;        /* "" for none */
    int64_t parent;            /* 0: none */
    const char *scenario_name; /* "" for none, as the hashes are 0 */
    const char *profile_name;
    const char *code_version;
    uint64_t scenario_hash, profile_hash, code_hash;
    uint64_t seed, fingerprint;
    int64_t replication;
    double load_scale;
    bool is_fit;
    int64_t started_at_ns, finished_at_ns;
};

/* Which runs; what is NULL, 0 or false does not filter. */
struct store_filter {
    const char *scenario_name;
    uint64_t scenario_hash;
    const char *command;
    const char *kind;  /* store_kind_name */
    const char *state; /* store_state_name */
    int64_t parent;
    int64_t before; /* ids below this one */
};

enum store_found store_run_by_id(struct store *store, int64_t id, struct arena *arena,
                                 struct store_run *run) MUST_USE;
enum store_found store_latest_run(struct store *store, const struct store_filter *filter,
                                  struct arena *arena, struct store_run *run) MUST_USE;
/* In the order they began. Lists of nothing are arrays too. */
bool store_runs(struct store *store, const struct store_filter *filter, struct arena *arena,
                struct store_run **runs, int32_t *count) MUST_USE;
/* Names of the scenarios that any run refers to, sorted. */
bool store_scenario_names(struct store *store, struct arena *arena, const char ***names,
                          int32_t *count) MUST_USE;

/* A cell that is there. `state` is STORE_DONE or STORE_REFUSED. */
struct store_cell {
    int64_t run; /* 0: there is none */
    enum store_state state;
    uint64_t fingerprint;
    int64_t took_ns;
};
/* Fills cells[i] for addresses[i]. */
bool store_find_cells(struct store *store, const uint64_t *addresses, int32_t count,
                      struct store_cell *cells) MUST_USE;
/* Cells of this scenario's name that other code than `code` made, and the version of the newest. */
bool store_count_foreign_cells(struct store *store, const char *scenario_name, uint64_t code,
                               struct arena *arena, int64_t *count, const char **version) MUST_USE;

struct store_merged {
    int64_t taken, known; /* cells copied, and those that were there already */
};
/* Copies the cells of the store at `path` that `store` does not have, with their results: all of
 * them or, after a failure, none. Refuses cells of code that none of the cells in `store` came from
 * (unless it has none yet and `path` has those of one code only), and a cell that both have with
 * different fingerprints. */
bool store_merge_cells(struct store *store, const char *path, struct store_merged *merged) MUST_USE;

enum store_found store_metric_of(struct store *store, int64_t run, const char *name,
                                 struct arena *arena, struct store_metric *metric) MUST_USE;
bool store_metrics(struct store *store, int64_t run, struct arena *arena,
                   struct store_metric **metrics, int32_t *count) MUST_USE; /* by name */
bool store_resources(struct store *store, int64_t run, struct arena *arena,
                     struct store_resource **resources, int32_t *count) MUST_USE; /* as put */
enum store_found store_hist_of(struct store *store, int64_t run, const char *name,
                               struct hist *hist) MUST_USE; /* replaces what `hist` holds */
enum store_found store_series_of(struct store *store, int64_t run, const char *name,
                                 struct arena *arena, struct store_series *series) MUST_USE;
/* Names of a run's series, sorted. */
bool store_series_names(struct store *store, int64_t run, struct arena *arena, const char ***names,
                        int32_t *count) MUST_USE;
enum store_found store_scenario_text(struct store *store, uint64_t hash, struct arena *arena,
                                     struct store_text *scenario) MUST_USE;
enum store_found store_profile_text(struct store *store, uint64_t hash, struct arena *arena,
                                    struct store_text *profile) MUST_USE;

struct store_prediction {
    int64_t run;
    uint64_t hash;
    int64_t created_at_ns;
    int64_t last_run; /* the newest run that existed when it was written */
};
enum store_found store_prediction_of(struct store *store, int64_t run,
                                     struct store_prediction *prediction) MUST_USE;

#endif
