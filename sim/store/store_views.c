/* Views are made for the connection when somebody asks; the tables under them are
 * docs/reference/store.md's. */
#include "sim/store/store_views.h"

#include "sim/base/check.h"
#include "sim/store/store_sql.h"

#include <string.h>

const struct store_view store_views[] = {
    {"all_runs", "every run with the names of its scenario, profile and code, and how long it took",
     "SELECT r.id, r.kind, r.command, r.state, s.name AS scenario, p.name AS profile, c.name AS "
     "code, r.seed, r.replication, r.load_scale, r.parent, (r.finished_at_ns - r.started_at_ns) / "
     "1e9 AS took_s, datetime(r.started_at_ns / 1000000000, 'unixepoch') AS started_at, "
     "r.fingerprint, r.reason, r.scenario AS scenario_hash, r.profile AS profile_hash "
     "FROM main.runs r LEFT JOIN main.scenarios s ON s.hash = r.scenario LEFT JOIN main.profiles p "
     "ON p.hash = r.profile LEFT JOIN main.code c ON c.hash = r.code"},
    {"figures", "every figure of every run that ended, with the run's scenario and load",
     "SELECT r.id AS run, r.kind, r.command, s.name AS scenario, r.load_scale, r.replication, "
     "m.name AS metric, m.value, m.low, m.high, m.unit, m.text FROM main.metrics m JOIN main.runs "
     "r ON r.id = m.run LEFT JOIN main.scenarios s ON s.hash = r.scenario WHERE r.state = 'done'"},
    {"ceilings", "every ceiling, predicted and measured, and what broke first",
     "SELECT r.id AS run, r.kind, s.name AS scenario, substr(m.name, 9) AS ceiling, m.value, "
     "m.low, "
     "m.high, m.unit, m.text AS broke, datetime(r.started_at_ns / 1000000000, 'unixepoch') AS "
     "started_at FROM main.metrics m JOIN main.runs r ON r.id = m.run LEFT JOIN main.scenarios s "
     "ON s.hash = r.scenario WHERE r.state = 'done' AND m.name IN ('ceiling.idle', "
     "'ceiling.active', 'ceiling.active.as_measured')"},
    {"cells", "the runs of studies; json_extract(scenario_text, '$.rooms...') has the fields",
     "SELECT r.id AS run, s.name AS scenario, r.scenario AS scenario_hash, s.text AS "
     "scenario_text, "
     "r.seed, r.replication, max(CASE WHEN m.name = 'latency_p50_ms' THEN m.value END) AS p50_ms, "
     "max(CASE WHEN m.name = 'latency_p99_ms' THEN m.value END) AS p99_ms, max(CASE WHEN m.name = "
     "'deliveries_per_s' THEN m.value END) AS deliveries_per_s, max(CASE WHEN m.name = 'lost' THEN "
     "m.value END) AS lost, max(CASE WHEN m.name = 'verdict' THEN m.text END) AS verdict, "
     "max(CASE WHEN m.name = 'broke' THEN m.text END) AS broke FROM main.runs r JOIN "
     "main.scenarios s ON s.hash = r.scenario JOIN main.metrics m ON m.run = r.id WHERE r.command "
     "= 'cell' AND r.state = 'done' GROUP BY r.id"},
    {"limits", "use against limit of every resource of every run that ended",
     "SELECT r.id AS run, r.kind, r.command, s.name AS scenario, r.load_scale, x.name AS resource, "
     "x.used, x.most AS \"limit\", x.used / x.most AS share, x.unit FROM main.resources x JOIN "
     "main.runs r ON r.id = x.run LEFT JOIN main.scenarios s ON s.hash = r.scenario WHERE r.state "
     "= 'done'"},
};
const int32_t store_views_count = COUNT_OF(store_views);

void store_write_views(struct text *out) {
    for (size_t i = 0; i < COUNT_OF(store_views); i++)
        text_addf(out, "-- %s\nCREATE TEMP VIEW IF NOT EXISTS %s AS\n%s;\n\n", store_views[i].doc,
                  store_views[i].name, store_views[i].select);
}

static bool make_views(struct store *store) {
    struct text text;
    text_init(&text);
    store_write_views(&text);
    bool is_made = sql_script(store, text_bytes(&text));
    text_fini(&text);
    return is_made;
}

/* The statement, alone and reading; NULL with the reason otherwise. */
static sqlite3_stmt *prepare(struct store *store, const char *sql) {
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    if (sqlite3_prepare_v2(store->database, sql, -1, &statement, &rest) != SQLITE_OK) {
        sql_complain(store, "%s", sqlite3_errmsg(store->database));
        return NULL;
    }
    if (statement == NULL)
        sql_complain(store, "there is no statement");
    else if (rest[strspn(rest, " \t\r\n;")] != '\0')
        sql_complain(store, "more than one statement");
    else if (!sqlite3_stmt_readonly(statement))
        sql_complain(store, "the statement would write, and results do not change");
    else
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

static void tell_row(sqlite3_stmt *statement, int32_t count,
                     const struct store_listener *listener) {
    const char *values[STORE_QUERY_COLUMNS_MAX];
    bool are_numbers[STORE_QUERY_COLUMNS_MAX];
    for (int32_t i = 0; i < count; i++) {
        int type = sqlite3_column_type(statement, i);
        are_numbers[i] = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
        values[i] =
            type == SQLITE_BLOB ? "(bytes)" : (const char *)sqlite3_column_text(statement, i);
    }
    listener->row(listener->context, values, are_numbers, count);
}

bool store_query(struct store *store, const char *sql, const struct store_listener *listener) {
    if (!make_views(store))
        return false;
    sqlite3_stmt *statement = prepare(store, sql);
    if (statement == NULL)
        return false;
    int32_t count = sqlite3_column_count(statement);
    const char *names[STORE_QUERY_COLUMNS_MAX];
    enum store_found found = STORE_FAILED;
    if (count > STORE_QUERY_COLUMNS_MAX) {
        sql_complain(store, "%d columns; at most %d can be printed", (int)count,
                     STORE_QUERY_COLUMNS_MAX);
    } else {
        for (int32_t i = 0; i < count; i++)
            names[i] = sqlite3_column_name(statement, i);
        listener->head(listener->context, names, count);
        while ((found = sql_step(store, statement)) == STORE_FOUND)
            tell_row(statement, count, listener);
    }
    sql_end(statement);
    return found == STORE_MISSING;
}
