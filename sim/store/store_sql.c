/* Prepared statements, bound by type. Statements are prepared anew for each call: a run puts some
 * fifty rows, which is a millisecond, and nothing has to be kept in step with the connection. */
#include "sim/store/store_sql.h"

#include "sim/base/fingerprint.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool sql_complain(struct store *store, const char *format, ...) {
    int used = snprintf(store->error, sizeof store->error, "%s: ", store->path);
    if (used > 0 && (size_t)used < sizeof store->error) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(store->error + used, sizeof store->error - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return false;
}

bool sql_failed(struct store *store) {
    switch (sqlite3_errcode(store->database)) {
    case SQLITE_NOTADB:
        return sql_complain(store, "is not a database; expected a store that headroom wrote");
    case SQLITE_BUSY:
        return sql_complain(store,
                            "another process has been writing to it for %d s; a store has "
                            "one writer at a time",
                            STORE_BUSY_MS / 1000);
    default: /* the other results are not an enum of ours; SQLite has words for them */
        return sql_complain(store, "%s", sqlite3_errmsg(store->database));
    }
}

static int bind(sqlite3_stmt *statement, int index, const struct sql_value *value) {
    char digits[24];
    switch (value->kind) {
    case SQL_INTEGER:
        return sqlite3_bind_int64(statement, index, value->integer);
    case SQL_REAL:
        return sqlite3_bind_double(statement, index, value->real);
    case SQL_TEXT:
        return sqlite3_bind_text(statement, index, value->text, -1, SQLITE_STATIC);
    case SQL_BLOB:
        return sqlite3_bind_blob64(statement, index, value->blob_length ? value->blob : "",
                                   value->blob_length, SQLITE_STATIC);
    case SQL_SEED:
        snprintf(digits, sizeof digits, "%" PRIu64, value->number);
        return sqlite3_bind_text(statement, index, digits, -1, SQLITE_TRANSIENT);
    case SQL_HASH:
        if (value->number == 0)
            return sqlite3_bind_null(statement, index);
        fingerprint_format(value->number, digits);
        return sqlite3_bind_text(statement, index, digits, -1, SQLITE_TRANSIENT);
    }
    return SQLITE_MISUSE;
}

bool sql_bind(struct store *store, sqlite3_stmt *statement, int index,
              const struct sql_value *value) {
    return bind(statement, index, value) == SQLITE_OK || sql_failed(store);
}

sqlite3_stmt *sql_begin(struct store *store, const char *sql, const struct sql_value *values,
                        size_t count) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) != SQLITE_OK) {
        sql_failed(store);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!sql_bind(store, statement, (int)i + 1, &values[i])) {
            sqlite3_finalize(statement);
            return NULL;
        }
    return statement;
}

enum store_found sql_step(struct store *store, sqlite3_stmt *statement) {
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return STORE_FOUND;
    if (result == SQLITE_DONE)
        return STORE_MISSING;
    sql_failed(store);
    return STORE_FAILED;
}

void sql_end(sqlite3_stmt *statement) {
    sqlite3_finalize(statement);
}

bool sql_run(struct store *store, const char *sql, const struct sql_value *values, size_t count) {
    sqlite3_stmt *statement = sql_begin(store, sql, values, count);
    if (!statement)
        return false;
    bool is_done = sql_step(store, statement) != STORE_FAILED;
    sql_end(statement);
    return is_done;
}

bool sql_script(struct store *store, const char *sql) {
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK || sql_failed(store);
}

const char *sql_text(sqlite3_stmt *statement, int column, struct arena *arena) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? arena_new_text_n(arena, text, (size_t)sqlite3_column_bytes(statement, column))
                : "";
}

double sql_real(sqlite3_stmt *statement, int column) {
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? (double)NAN
               : sqlite3_column_double(statement, column);
}

static uint64_t number_of(sqlite3_stmt *statement, int column, int base) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? strtoull(text, NULL, base) : 0;
}

uint64_t sql_seed(sqlite3_stmt *statement, int column) {
    return number_of(statement, column, 10);
}

uint64_t sql_hash(sqlite3_stmt *statement, int column) {
    return number_of(statement, column, 16);
}
