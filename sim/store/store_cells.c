/* Cells of studies: found by address, counted by code, merged from other files.
 *
 * A merge is one transaction over two attached files: the cells that are new get ids here, their
 * results follow by a join, and only then does their state say that they have ended, since a run
 * that has ended takes no results. */
#include "sim/store/store_sql.h"

#include <string.h>
#include <unistd.h>

#define ENDED_CELL "address IS NOT NULL AND state IN ('done', 'refused')"

bool store_find_cells(struct store *store, const uint64_t *addresses, int32_t count,
                      struct store_cell *cells) {
    memset(cells, 0, (size_t)count * sizeof *cells);
    if (store->version < STORE_VERSION_WITH_CELLS)
        return true;
    sqlite3_stmt *statement =
        sql_begin(store,
                  "SELECT id, state, fingerprint, finished_at_ns - started_at_ns FROM runs"
                  " WHERE address = ? AND state IN ('done', 'refused') ORDER BY id LIMIT 1",
                  NULL, 0);
    bool is_good = statement != NULL;
    for (int32_t i = 0; i < count && is_good; i++) {
        enum store_found found =
            sql_bind(store, statement, 1, &(struct sql_value)HASH(addresses[i]))
                ? sql_step(store, statement)
                : STORE_FAILED;
        if (found == STORE_FOUND)
            cells[i] = (struct store_cell){
                .run = sqlite3_column_int64(statement, 0),
                .state = strcmp((const char *)sqlite3_column_text(statement, 1), "done") == 0
                             ? STORE_DONE
                             : STORE_REFUSED,
                .fingerprint = sql_hash(statement, 2),
                .took_ns = sqlite3_column_int64(statement, 3)};
        is_good = found != STORE_FAILED;
        sqlite3_reset(statement);
    }
    sql_end(statement);
    return is_good;
}

bool store_count_foreign_cells(struct store *store, const char *scenario_name, uint64_t code,
                               struct arena *arena, int64_t *count, const char **version) {
    sqlite3_stmt *row = SQL_BEGIN(
        store,
        "WITH found AS (SELECT runs.id, runs.code FROM runs"
        "  JOIN scenarios ON scenarios.hash = scenario"
        "  WHERE " ENDED_CELL " AND scenarios.name = ? AND runs.code <> ?)"
        " SELECT (SELECT count(*) FROM found), (SELECT name || ' ' || text FROM code WHERE hash ="
        "  (SELECT code FROM found ORDER BY id DESC LIMIT 1))",
        TEXT(scenario_name), HASH(code));
    bool is_read = row && sql_step(store, row) == STORE_FOUND;
    if (is_read) {
        *count = sqlite3_column_int64(row, 0);
        *version = sql_text(row, 1, arena);
    }
    sql_end(row);
    return is_read;
}

/* ---- merging */

/* The first column of the first row, as text; NULL: no row, or a failure, which is in
 * store->error. */
static const char *first_text(struct store *store, const char *sql, struct arena *arena,
                              bool *has_failed) {
    sqlite3_stmt *row = sql_begin(store, sql, NULL, 0);
    enum store_found found = row ? sql_step(store, row) : STORE_FAILED;
    const char *text = found == STORE_FOUND ? sql_text(row, 0, arena) : NULL;
    *has_failed |= found == STORE_FAILED;
    sql_end(row);
    return text;
}

/* The name of code in `from` that the merged store would not have come from; NULL: none. */
static const char *foreign_code(struct store *store, struct arena *arena, bool *has_failed) {
    return first_text(store,
                      "SELECT name || ' ' || text FROM origin.code WHERE hash IN"
                      " (SELECT code FROM origin.runs WHERE " ENDED_CELL ") AND hash NOT IN"
                      " (SELECT code FROM main.runs WHERE " ENDED_CELL ") AND"
                      " (EXISTS (SELECT 1 FROM main.runs WHERE " ENDED_CELL ") OR"
                      "  (SELECT count(DISTINCT code) FROM origin.runs WHERE " ENDED_CELL ") > 1)"
                      " ORDER BY hash LIMIT 1",
                      arena, has_failed);
}

static const char *contradiction(struct store *store, struct arena *arena, bool *has_failed) {
    return first_text(store,
                      "SELECT theirs.address FROM origin.runs AS theirs JOIN main.runs AS ours"
                      " ON ours.address = theirs.address"
                      " WHERE theirs.state IN ('done', 'refused')"
                      " AND ours.state IN ('done', 'refused')"
                      " AND theirs.fingerprint IS NOT ours.fingerprint LIMIT 1",
                      arena, has_failed);
}

static bool is_mergeable(struct store *store, const char *path) {
    struct arena arena;
    arena_init(&arena);
    bool has_failed = false, is_good = true;
    const char *code = foreign_code(store, &arena, &has_failed);
    const char *address = has_failed || code ? NULL : contradiction(store, &arena, &has_failed);
    if (code)
        is_good = sql_complain(store,
                               "%s has runs of other code (%s): runs of different code are not "
                               "mixed; run them again with one program, or merge into a file of "
                               "their own",
                               path, code);
    else if (address)
        is_good = sql_complain(store,
                               "%s has the run of address %s with another fingerprint: one of the "
                               "two files is wrong",
                               path, address);
    arena_fini(&arena);
    return is_good && !has_failed;
}

#define NEW_TEXTS(table, column)                                                                   \
    "INSERT OR IGNORE INTO main." table " SELECT * FROM origin." table                             \
    " WHERE hash IN (SELECT " column                                                               \
    " FROM origin.runs WHERE id IN (SELECT theirs FROM temp.fresh));"
#define NEW_RESULTS(table, columns)                                                                \
    "INSERT INTO main." table " (run, " columns ") SELECT fresh.ours, " columns                    \
    " FROM temp.fresh JOIN origin." table " ON run = fresh.theirs ORDER BY fresh.ours;"

/* `fresh`: ids there and here. An address that one file has twice is taken once. */
static const char copy_sql[] =
    "CREATE TEMP TABLE fresh (ours INTEGER PRIMARY KEY, theirs INTEGER NOT NULL);"
    "INSERT INTO temp.fresh (theirs, ours) SELECT min(id), (SELECT coalesce(max(seq), 0) FROM "
    "main.sqlite_sequence"
    "  WHERE name = 'runs') + row_number() OVER (ORDER BY min(id))"
    " FROM origin.runs WHERE " ENDED_CELL " AND address NOT IN"
    "  (SELECT address FROM main.runs WHERE " ENDED_CELL
    ") GROUP BY address;" NEW_TEXTS("scenarios", "scenario") NEW_TEXTS("profiles", "profile")
        NEW_TEXTS(
            "code",
            "code") "INSERT INTO main.runs (id, kind, command, scenario, profile, code, seed, "
                    "replication,"
                    "  load_scale, fingerprint, started_at_ns, finished_at_ns, process, state, "
                    "reason, is_fit,"
                    "  address)"
                    " SELECT ours, kind, command, scenario, profile, code, seed, replication, "
                    "load_scale,"
                    "  fingerprint, started_at_ns, finished_at_ns, process, 'running', reason, "
                    "is_fit, address"
                    " FROM temp.fresh JOIN origin.runs ON id = theirs ORDER BY ours;" NEW_RESULTS(
                        "metrics", "name, value, low, high, unit, text")
                        NEW_RESULTS("resources", "name, used, most, unit")
                            NEW_RESULTS("histograms", "name, unit, image") NEW_RESULTS(
                                "series",
                                "name, unit, step_ns, doubles") "UPDATE main.runs SET state = "
                                                                "(SELECT state FROM temp.fresh "
                                                                "JOIN origin.runs AS there"
                                                                "  ON there.id = theirs WHERE ours "
                                                                "= main.runs.id)"
                                                                " WHERE id IN (SELECT ours FROM "
                                                                "temp.fresh);";

static bool read_counts(struct store *store, struct store_merged *merged) {
    sqlite3_stmt *row = sql_begin(store,
                                  "SELECT (SELECT count(*) FROM temp.fresh), count(*)"
                                  " FROM origin.runs WHERE " ENDED_CELL,
                                  NULL, 0);
    bool is_read = row && sql_step(store, row) == STORE_FOUND;
    if (is_read) {
        merged->taken = sqlite3_column_int64(row, 0);
        merged->known = sqlite3_column_int64(row, 1) - merged->taken;
    }
    sql_end(row);
    return is_read;
}

static bool copy_cells(struct store *store, const char *path, struct store_merged *merged) {
    if (!sql_script(store, "BEGIN IMMEDIATE"))
        return false;
    if (is_mergeable(store, path) && sql_script(store, copy_sql) && read_counts(store, merged) &&
        sql_script(store, "DROP TABLE temp.fresh; COMMIT"))
        return true;
    sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* Opened by itself first: that refuses what is no store in the usual words, and brings an older one
 * up to this schema. */
static bool is_store(struct store *store, const char *path) {
    struct store other;
    if (access(path, F_OK) == 0 && store_open(&other, path, STORE_WRITE)) {
        store_close(&other);
        return true;
    }
    if (access(path, F_OK) != 0)
        return sql_complain(store, "%s: No such file or directory", path);
    memcpy(store->error, other.error, sizeof store->error);
    return false;
}

bool store_merge_cells(struct store *store, const char *path, struct store_merged *merged) {
    if (!is_store(store, path) || !SQL_RUN(store, "ATTACH ? AS origin", TEXT(path)))
        return false;
    bool is_merged = copy_cells(store, path, merged);
    sqlite3_exec(store->database, "DETACH origin", NULL, NULL, NULL);
    return is_merged;
}
