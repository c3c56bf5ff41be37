/* Opening and writing.
 *
 * The transaction follows the run: the first result put into a run opens it, finishing the run
 * commits it, and so does turning to another run. The caller never sees a transaction, and a parent
 * whose probes are runs of their own needs no nesting. */
#include "sim/store/store.h"

#include "sim/base/check.h"
#include "sim/base/fingerprint.h"
#include "sim/store/store_sql.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x48647231 }; /* "Hdr1": tells a store from another program's database */

static const char *const kinds[] = {[STORE_SIMULATED] = "simulated", [STORE_MEASURED] = "measured"};
static const char *const states[] = {[STORE_RUNNING] = "running",
                                     [STORE_DONE] = "done",
                                     [STORE_REFUSED] = "refused",
                                     [STORE_INTERRUPTED] = "interrupted"};

const char *store_kind_name(enum store_kind kind) {
    return kinds[kind];
}
const char *store_state_name(enum store_state state) {
    return states[state];
}

/* The one number that a statement returns. */
static bool read_number(struct store *store, const char *sql, int64_t *number) {
    sqlite3_stmt *statement = sql_begin(store, sql, NULL, 0);
    if (!statement)
        return false;
    bool is_read = sql_step(store, statement) == STORE_FOUND;
    if (is_read)
        *number = sqlite3_column_int64(statement, 0);
    sql_end(statement);
    return is_read;
}

enum age { AGE_EMPTY, AGE_OLDER, AGE_CURRENT, AGE_REFUSED };

static enum age look_at(struct store *store, int64_t *version_found) {
    int64_t version, application, tables;
    if (!read_number(store, "PRAGMA user_version", &version) ||
        !read_number(store, "PRAGMA application_id", &application) ||
        !read_number(store, "SELECT count(*) FROM sqlite_schema", &tables))
        return AGE_REFUSED;
    *version_found = version;
    if (version == 0 && application == 0 && tables == 0)
        return AGE_EMPTY;
    if (application != APPLICATION_ID)
        sql_complain(store, "is a SQLite database of another program; expected a store that "
                            "headroom wrote");
    else if (version > STORE_SCHEMA_VERSION)
        sql_complain(store,
                     "has schema version %lld; this headroom knows versions up to %d: use a "
                     "newer headroom",
                     (long long)version, STORE_SCHEMA_VERSION);
    else if (version < 1)
        sql_complain(store, "has schema version %lld, which no headroom wrote", (long long)version);
    else
        return version < STORE_SCHEMA_VERSION ? AGE_OLDER : AGE_CURRENT;
    return AGE_REFUSED;
}

static bool climb(struct store *store, enum age age, int64_t version) {
    char stamp[96];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, STORE_SCHEMA_VERSION);
    if (age == AGE_EMPTY && !sql_script(store, store_schema_sql))
        return false;
    for (int64_t from = age == AGE_EMPTY ? 1 : version; from < STORE_SCHEMA_VERSION; from++)
        if (!sql_script(store, store_schema_steps[from - 1]))
            return false;
    return sql_script(store, stamp);
}

/* Two processes may make the file, or bring it up, at once: who comes second finds it done. */
static bool make_tables(struct store *store) {
    if (!sql_script(store, "BEGIN IMMEDIATE"))
        return false;
    int64_t version;
    enum age age = look_at(store, &version);
    bool is_made = age == AGE_CURRENT || (age != AGE_REFUSED && climb(store, age, version));
    if (is_made)
        return sql_script(store, "COMMIT");
    sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL); /* keeps the first message */
    return false;
}

/* A run that is "running" in a process that does not exist was killed. Should the process live
 * elsewhere (a container of its own), its store_finish_run puts the state right. */
static bool mark_killed_runs(struct store *store) {
    sqlite3_stmt *statement =
        sql_begin(store, "SELECT DISTINCT process FROM runs WHERE state = 'running'", NULL, 0);
    if (!statement)
        return false;
    enum { DEAD_MAX = 256 }; /* the rest is marked by the next opening */
    int64_t dead[DEAD_MAX];
    size_t dead_count = 0;
    enum store_found found;
    while ((found = sql_step(store, statement)) == STORE_FOUND && dead_count < DEAD_MAX) {
        int64_t process = sqlite3_column_int64(statement, 0);
        if (kill((pid_t)process, 0) != 0 && errno == ESRCH)
            dead[dead_count++] = process;
    }
    sql_end(statement);
    for (size_t i = 0; i < dead_count && found != STORE_FAILED; i++)
        if (!SQL_RUN(store,
                     "UPDATE runs SET state = 'interrupted', reason = 'the process was killed'"
                     " WHERE state = 'running' AND process = ?",
                     INTEGER(dead[i])))
            return false;
    return found != STORE_FAILED;
}

static bool prepare(struct store *store, enum store_access access) {
    sqlite3_busy_timeout(store->database, STORE_BUSY_MS);
    sqlite3_extended_result_codes(store->database, 0);
    int64_t version;
    enum age age = look_at(store, &version);
    if (age == AGE_REFUSED || !sql_script(store, "PRAGMA foreign_keys = ON"))
        return false;
    store->version = access == STORE_READ ? version : STORE_SCHEMA_VERSION;
    if (access == STORE_READ)
        return age != AGE_EMPTY || sql_complain(store, "is empty; expected a store that headroom "
                                                       "wrote");
    /* FULL: a commit survives a power cut too, at a sync per run. */
    return sql_script(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL") &&
           (age == AGE_CURRENT || make_tables(store)) && mark_killed_runs(store);
}

static bool is_readable(const char *path) {
    return access(path, R_OK) == 0;
}

bool store_open(struct store *store, const char *path, enum store_access access) {
    *store = (struct store){.path = path};
    if (access == STORE_READ && !is_readable(path))
        return sql_complain(store, "%s", strerror(errno));
    int flags =
        access == STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK)
        sql_failed(store);
    else if (prepare(store, access))
        return true;
    store_close(store);
    return false;
}

void store_close(struct store *store) {
    sqlite3_close(store->database);
    store->database = NULL;
    store->open_run = 0;
}

bool store_is_sound(struct store *store) {
    struct arena arena;
    arena_init(&arena);
    sqlite3_stmt *statement = sql_begin(store, "PRAGMA integrity_check(1)", NULL, 0);
    bool is_sound = statement && sql_step(store, statement) == STORE_FOUND;
    if (is_sound) {
        const char *said = sql_text(statement, 0, &arena);
        is_sound = strcmp(said, "ok") == 0 || sql_complain(store, "is damaged: %s", said);
    }
    sql_end(statement);
    arena_fini(&arena);
    if (!is_sound)
        return false;
    statement = sql_begin(store, "PRAGMA foreign_key_check", NULL, 0);
    enum store_found found = statement ? sql_step(store, statement) : STORE_FAILED;
    sql_end(statement);
    return found == STORE_MISSING ||
           (found == STORE_FOUND &&
            sql_complain(store, "is damaged: a row refers to one that is not there"));
}

static bool commit(struct store *store) {
    if (store->open_run == 0)
        return true;
    store->open_run = 0;
    if (sql_script(store, "COMMIT"))
        return true;
    sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* Makes `run` the one whose results the open transaction holds. */
static bool turn_to(struct store *store, int64_t run) {
    if (store->open_run == run)
        return true;
    if (!commit(store) || !sql_script(store, "BEGIN IMMEDIATE"))
        return false;
    store->open_run = run;
    return true;
}

/* Two texts of one hash would make two scenarios one: 64 bits make that unlikely, and this makes it
 * impossible. */
static bool put_text(struct store *store, const char *insert, const char *count_others,
                     const struct store_text *text, uint64_t *hash) {
    *hash = 0;
    if (!text->text)
        return true;
    *hash = fingerprint_of(text->text, strlen(text->text));
    if (!SQL_RUN(store, insert, HASH(*hash), TEXT(text->name), TEXT(text->text)))
        return false;
    sqlite3_stmt *statement = SQL_BEGIN(store, count_others, HASH(*hash), TEXT(text->text));
    enum store_found found = statement ? sql_step(store, statement) : STORE_FAILED;
    sql_end(statement);
    return found == STORE_MISSING ||
           (found == STORE_FOUND && sql_complain(store, "two texts have one hash; change a space"));
}

#define PUT_TEXT(store, table, text, hash)                                                         \
    put_text(store, "INSERT OR IGNORE INTO " table " (hash, name, text) VALUES (?, ?, ?)",         \
             "SELECT 1 FROM " table " WHERE hash = ? AND text <> ?", text, hash)

uint64_t store_address_of(const struct store_address *address) {
    struct fingerprint all;
    fingerprint_init(&all);
    fingerprint_u64(&all, address->code);
    fingerprint_u64(&all, address->scenario);
    fingerprint_u64(&all, address->profile);
    fingerprint_u64(&all, address->seed);
    fingerprint_u64(&all, (uint64_t)address->replication);
    fingerprint_bytes(&all, &address->load_scale, sizeof address->load_scale);
    return fingerprint_value(&all);
}

static bool insert_run(struct store *store, const struct store_run_options *options) {
    struct store_address address = {.seed = options->seed,
                                    .replication = options->replication,
                                    .load_scale = options->load_scale};
    return PUT_TEXT(store, "scenarios", &options->scenario, &address.scenario) &&
           PUT_TEXT(store, "profiles", &options->profile, &address.profile) &&
           PUT_TEXT(store, "code", &options->code, &address.code) &&
           SQL_RUN(store,
                   "INSERT INTO runs (kind, command, parent, scenario, profile, code, seed,"
                   " replication, load_scale, started_at_ns, process, is_fit, address)"
                   " VALUES (?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   TEXT(store_kind_name(options->kind)), TEXT(options->command),
                   INTEGER(options->parent), HASH(address.scenario), HASH(address.profile),
                   HASH(address.code), SEED(options->seed), INTEGER(options->replication),
                   REAL(options->load_scale), INTEGER(options->started_at_ns), INTEGER(getpid()),
                   INTEGER(options->is_fit),
                   HASH(options->is_cell ? store_address_of(&address) : 0));
}

bool store_begin_run(struct store *store, const struct store_run_options *options, int64_t *run) {
    if (!commit(store) || !sql_script(store, "BEGIN IMMEDIATE"))
        return false;
    if (!insert_run(store, options)) {
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    *run = sqlite3_last_insert_rowid(store->database);
    store->open_run = options->is_cell ? *run : 0;
    return options->is_cell || sql_script(store, "COMMIT");
}

bool store_put_metric(struct store *store, int64_t run, const struct store_metric *metric) {
    return turn_to(store, run) &&
           SQL_RUN(store,
                   "INSERT OR REPLACE INTO metrics (run, name, value, low, high, unit, text)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?)",
                   INTEGER(run), TEXT(metric->name), REAL(metric->value), REAL(metric->low),
                   REAL(metric->high), TEXT(metric->unit), TEXT(metric->text));
}

bool store_put_resource(struct store *store, int64_t run, const struct store_resource *resource) {
    return turn_to(store, run) &&
           SQL_RUN(store,
                   "INSERT OR REPLACE INTO resources (run, name, used, most, unit)"
                   " VALUES (?, ?, ?, ?, ?)",
                   INTEGER(run), TEXT(resource->name), REAL(resource->used), REAL(resource->limit),
                   TEXT(resource->unit));
}

bool store_put_hist(struct store *store, int64_t run, const char *name, const char *unit,
                    const struct hist *hist) {
    uint8_t *image;
    size_t length = hist_encode(hist, &image);
    bool is_put =
        turn_to(store, run) &&
        SQL_RUN(store,
                "INSERT OR REPLACE INTO histograms (run, name, unit, image) VALUES (?, ?, ?, ?)",
                INTEGER(run), TEXT(name), TEXT(unit), BLOB(image, length));
    free(image);
    return is_put;
}

/* Doubles as the machine has them: the same bytes on every machine that we build for. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "series are stored little-endian");

bool store_put_series(struct store *store, int64_t run, const struct store_series *series) {
    return turn_to(store, run) &&
           SQL_RUN(store,
                   "INSERT OR REPLACE INTO series (run, name, unit, step_ns, doubles)"
                   " VALUES (?, ?, ?, ?, ?)",
                   INTEGER(run), TEXT(series->name), TEXT(series->unit), INTEGER(series->step_ns),
                   BLOB(series->values, (size_t)series->count * sizeof(double)));
}

bool store_put_prediction(struct store *store, int64_t run, int64_t created_at_ns) {
    struct arena arena;
    arena_init(&arena);
    struct store_run about;
    bool is_put = turn_to(store, run);
    if (is_put && store_run_by_id(store, run, &arena, &about) != STORE_FOUND)
        is_put = sql_complain(store, "there is no run %lld", (long long)run);
    if (is_put) {
        struct fingerprint all;
        fingerprint_init(&all);
        fingerprint_u64(&all, about.code_hash);
        fingerprint_u64(&all, about.scenario_hash);
        fingerprint_u64(&all, about.profile_hash);
        is_put = SQL_RUN(store,
                         "INSERT INTO predictions (run, hash, created_at_ns, last_run)"
                         " VALUES (?, ?, ?, (SELECT max(id) FROM runs))",
                         INTEGER(run), HASH(fingerprint_value(&all)), INTEGER(created_at_ns));
    }
    arena_fini(&arena);
    return is_put;
}

bool store_finish_run(struct store *store, int64_t run, const struct store_finish *finish) {
    CHECK(finish->state != STORE_RUNNING);
    return turn_to(store, run) &&
           SQL_RUN(store,
                   "UPDATE runs SET state = ?, reason = ?, fingerprint = ?, finished_at_ns = ?"
                   " WHERE id = ?",
                   TEXT(store_state_name(finish->state)), TEXT(finish->reason),
                   HASH(finish->fingerprint), INTEGER(finish->finished_at_ns), INTEGER(run)) &&
           commit(store);
}
