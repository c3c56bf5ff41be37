/* Reading: rows become structs whose text lives in the caller's arena. */
#include "sim/store/store_sql.h"

#include "sim/base/check.h"

#include <string.h>

/* Columns of `read_run`, in its order. */
#define RUN_COLUMNS                                                                                \
    "SELECT runs.id, kind, state, command, reason, parent, scenarios.name, profiles.name,"         \
    " code.name, scenario, profile, runs.code, seed, fingerprint, replication, load_scale, "       \
    "is_fit,"                                                                                      \
    " started_at_ns, finished_at_ns FROM runs"                                                     \
    " LEFT JOIN scenarios ON scenarios.hash = scenario"                                            \
    " LEFT JOIN profiles ON profiles.hash = profile"                                               \
    " LEFT JOIN code ON code.hash = runs.code"

static enum store_state state_of(const char *name) {
    enum store_state state = STORE_RUNNING;
    while (state < STORE_INTERRUPTED && strcmp(name, store_state_name(state)) != 0)
        state++;
    return state;
}

static struct store_run read_run(sqlite3_stmt *row, struct arena *arena) {
    const char *kind = sql_text(row, 1, arena);
    return (struct store_run){
        .id = sqlite3_column_int64(row, 0),
        .kind = strcmp(kind, "measured") == 0 ? STORE_MEASURED : STORE_SIMULATED,
        .state = state_of(sql_text(row, 2, arena)),
        .command = sql_text(row, 3, arena),
        .reason = sql_text(row, 4, arena),
        .parent = sqlite3_column_int64(row, 5),
        .scenario_name = sql_text(row, 6, arena),
        .profile_name = sql_text(row, 7, arena),
        .code_version = sql_text(row, 8, arena),
        .scenario_hash = sql_hash(row, 9),
        .profile_hash = sql_hash(row, 10),
        .code_hash = sql_hash(row, 11),
        .seed = sql_seed(row, 12),
        .fingerprint = sql_hash(row, 13),
        .replication = sqlite3_column_int64(row, 14),
        .load_scale = sql_real(row, 15),
        .is_fit = sqlite3_column_int(row, 16) != 0,
        .started_at_ns = sqlite3_column_int64(row, 17),
        .finished_at_ns = sqlite3_column_int64(row, 18),
    };
}

enum store_found store_run_by_id(struct store *store, int64_t id, struct arena *arena,
                                 struct store_run *run) {
    sqlite3_stmt *row = SQL_BEGIN(store, RUN_COLUMNS " WHERE runs.id = ?", INTEGER(id));
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND)
        *run = read_run(row, arena);
    sql_end(row);
    return found;
}

/* A filter's parts are arguments, never SQL; an absent part is NULL or 0 and lets all through. */
#define FILTER                                                                                     \
    " WHERE (?1 IS NULL OR scenarios.name = ?1) AND (?2 IS NULL OR scenario = ?2)"                 \
    " AND (?3 IS NULL OR command = ?3) AND (?4 IS NULL OR kind = ?4)"                              \
    " AND (?5 IS NULL OR state = ?5) AND (?6 = 0 OR parent = ?6) AND (?7 = 0 OR runs.id < ?7)"

static sqlite3_stmt *begin_filtered(struct store *store, const char *sql,
                                    const struct store_filter *filter) {
    return SQL_BEGIN(store, sql, TEXT(filter->scenario_name), HASH(filter->scenario_hash),
                     TEXT(filter->command), TEXT(filter->kind), TEXT(filter->state),
                     INTEGER(filter->parent), INTEGER(filter->before));
}

enum store_found store_latest_run(struct store *store, const struct store_filter *filter,
                                  struct arena *arena, struct store_run *run) {
    sqlite3_stmt *row =
        begin_filtered(store, RUN_COLUMNS FILTER " ORDER BY runs.id DESC LIMIT 1", filter);
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND)
        *run = read_run(row, arena);
    sql_end(row);
    return found;
}

enum { FIRST_ITEMS = 8 };

/* An arena's array that doubles: what is outgrown stays until the arena goes. Never NULL, so that a
 * list of nothing can be sorted and copied like any other. */
static void *begin_list(size_t size, struct arena *arena) {
    return arena_new(arena, FIRST_ITEMS, size);
}

/* Room for one more of `size` bytes. */
static void *grow(void *items, int32_t count, size_t size, struct arena *arena) {
    bool is_full = count >= FIRST_ITEMS && (count & (count - 1)) == 0;
    if (!is_full)
        return items;
    void *larger = arena_new(arena, 2 * (size_t)count, size);
    memcpy(larger, items, (size_t)count * size);
    return larger;
}

bool store_runs(struct store *store, const struct store_filter *filter, struct arena *arena,
                struct store_run **runs, int32_t *count) {
    *runs = begin_list(sizeof **runs, arena);
    *count = 0;
    sqlite3_stmt *row = begin_filtered(store, RUN_COLUMNS FILTER " ORDER BY runs.id", filter);
    enum store_found found = STORE_FAILED;
    while (row && (found = sql_step(store, row)) == STORE_FOUND) {
        *runs = grow(*runs, *count, sizeof **runs, arena);
        (*runs)[(*count)++] = read_run(row, arena);
    }
    sql_end(row);
    return found == STORE_MISSING;
}

/* The first column of every row; ends `row`. */
static bool read_names(struct store *store, sqlite3_stmt *row, struct arena *arena,
                       const char ***names, int32_t *count) {
    *names = begin_list(sizeof **names, arena);
    *count = 0;
    enum store_found found = STORE_FAILED;
    while (row && (found = sql_step(store, row)) == STORE_FOUND) {
        *names = grow(*names, *count, sizeof **names, arena);
        (*names)[(*count)++] = sql_text(row, 0, arena);
    }
    sql_end(row);
    return found == STORE_MISSING;
}

bool store_scenario_names(struct store *store, struct arena *arena, const char ***names,
                          int32_t *count) {
    sqlite3_stmt *row = sql_begin(store,
                                  "SELECT DISTINCT name FROM scenarios WHERE hash IN"
                                  " (SELECT scenario FROM runs) ORDER BY name",
                                  NULL, 0);
    return read_names(store, row, arena, names, count);
}

bool store_series_names(struct store *store, int64_t run, struct arena *arena, const char ***names,
                        int32_t *count) {
    sqlite3_stmt *row =
        SQL_BEGIN(store, "SELECT name FROM series WHERE run = ? ORDER BY name", INTEGER(run));
    return read_names(store, row, arena, names, count);
}

#define METRIC_COLUMNS "SELECT name, value, low, high, unit, text FROM metrics WHERE run = ?"

static struct store_metric read_metric(sqlite3_stmt *row, struct arena *arena) {
    return (struct store_metric){
        .name = sql_text(row, 0, arena),
        .value = sql_real(row, 1),
        .low = sql_real(row, 2),
        .high = sql_real(row, 3),
        .unit = sql_text(row, 4, arena),
        .text = sqlite3_column_type(row, 5) == SQLITE_NULL ? NULL : sql_text(row, 5, arena),
    };
}

enum store_found store_metric_of(struct store *store, int64_t run, const char *name,
                                 struct arena *arena, struct store_metric *metric) {
    sqlite3_stmt *row = SQL_BEGIN(store, METRIC_COLUMNS " AND name = ?", INTEGER(run), TEXT(name));
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND)
        *metric = read_metric(row, arena);
    sql_end(row);
    return found;
}

bool store_metrics(struct store *store, int64_t run, struct arena *arena,
                   struct store_metric **metrics, int32_t *count) {
    *metrics = begin_list(sizeof **metrics, arena);
    *count = 0;
    sqlite3_stmt *row = SQL_BEGIN(store, METRIC_COLUMNS " ORDER BY name", INTEGER(run));
    enum store_found found = STORE_FAILED;
    while (row && (found = sql_step(store, row)) == STORE_FOUND) {
        *metrics = grow(*metrics, *count, sizeof **metrics, arena);
        (*metrics)[(*count)++] = read_metric(row, arena);
    }
    sql_end(row);
    return found == STORE_MISSING;
}

bool store_resources(struct store *store, int64_t run, struct arena *arena,
                     struct store_resource **resources, int32_t *count) {
    *resources = begin_list(sizeof **resources, arena);
    *count = 0;
    sqlite3_stmt *row = SQL_BEGIN(
        store, "SELECT name, used, most, unit FROM resources WHERE run = ? ORDER BY rowid",
        INTEGER(run));
    enum store_found found = STORE_FAILED;
    while (row && (found = sql_step(store, row)) == STORE_FOUND) {
        *resources = grow(*resources, *count, sizeof **resources, arena);
        (*resources)[(*count)++] = (struct store_resource){.name = sql_text(row, 0, arena),
                                                           .used = sql_real(row, 1),
                                                           .limit = sql_real(row, 2),
                                                           .unit = sql_text(row, 3, arena)};
    }
    sql_end(row);
    return found == STORE_MISSING;
}

enum store_found store_hist_of(struct store *store, int64_t run, const char *name,
                               struct hist *hist) {
    sqlite3_stmt *row = SQL_BEGIN(store, "SELECT image FROM histograms WHERE run = ? AND name = ?",
                                  INTEGER(run), TEXT(name));
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND &&
        !hist_decode(hist, sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0))) {
        sql_complain(store, "histogram %s of run %lld is damaged", name, (long long)run);
        found = STORE_FAILED;
    }
    sql_end(row);
    return found;
}

enum store_found store_series_of(struct store *store, int64_t run, const char *name,
                                 struct arena *arena, struct store_series *series) {
    sqlite3_stmt *row =
        SQL_BEGIN(store, "SELECT unit, step_ns, doubles FROM series WHERE run = ? AND name = ?",
                  INTEGER(run), TEXT(name));
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND) {
        size_t count = (size_t)sqlite3_column_bytes(row, 2) / sizeof(double);
        double *values = ARENA_NEW(arena, count, double);
        if (count > 0)
            memcpy(values, sqlite3_column_blob(row, 2), count * sizeof(double));
        *series = (struct store_series){.name = arena_new_text(arena, name),
                                        .unit = sql_text(row, 0, arena),
                                        .step_ns = sqlite3_column_int64(row, 1),
                                        .count = (int32_t)count,
                                        .values = values};
    }
    sql_end(row);
    return found;
}

static enum store_found text_of(struct store *store, const char *sql, uint64_t hash,
                                struct arena *arena, struct store_text *text) {
    sqlite3_stmt *row = SQL_BEGIN(store, sql, HASH(hash));
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND)
        *text =
            (struct store_text){.name = sql_text(row, 0, arena), .text = sql_text(row, 1, arena)};
    sql_end(row);
    return found;
}

enum store_found store_scenario_text(struct store *store, uint64_t hash, struct arena *arena,
                                     struct store_text *scenario) {
    return text_of(store, "SELECT name, text FROM scenarios WHERE hash = ?", hash, arena, scenario);
}

enum store_found store_profile_text(struct store *store, uint64_t hash, struct arena *arena,
                                    struct store_text *profile) {
    return text_of(store, "SELECT name, text FROM profiles WHERE hash = ?", hash, arena, profile);
}

enum store_found store_prediction_of(struct store *store, int64_t run,
                                     struct store_prediction *prediction) {
    sqlite3_stmt *row = SQL_BEGIN(
        store, "SELECT hash, created_at_ns, last_run FROM predictions WHERE run = ?", INTEGER(run));
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    if (found == STORE_FOUND)
        *prediction = (struct store_prediction){.run = run,
                                                .hash = sql_hash(row, 0),
                                                .created_at_ns = sqlite3_column_int64(row, 1),
                                                .last_run = sqlite3_column_int64(row, 2)};
    sql_end(row);
    return found;
}
