/* Statements with typed arguments: the only place where SQL meets values, so that no text of a
 * user's can become SQL. Internal to sim/store. */
#ifndef HEADROOM_SIM_STORE_STORE_SQL_H
#define HEADROOM_SIM_STORE_STORE_SQL_H

#include "sim/store/store.h"

#include <sqlite3.h>
#include <stddef.h>

enum { STORE_VERSION_WITH_CELLS = 2 };

enum sql_kind { SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB, SQL_SEED, SQL_HASH };

struct sql_value {
    enum sql_kind kind;
    union {
        int64_t integer;
        double real;
        const char *text; /* NULL is NULL */
        const void *blob;
        uint64_t number; /* SQL_SEED: decimal text, since SQL has no unsigned; SQL_HASH: 16 hex
                            digits, 0 is NULL */
    };
    size_t blob_length;
};

/* clang-format off */
#define INTEGER(x) {.kind = SQL_INTEGER, .integer = (x)}
#define REAL(x) {.kind = SQL_REAL, .real = (x)} /* NAN becomes NULL */
#define TEXT(x) {.kind = SQL_TEXT, .text = (x)}
#define BLOB(x, length) {.kind = SQL_BLOB, .blob = (x), .blob_length = (length)}
#define SEED(x) {.kind = SQL_SEED, .number = (x)}
#define HASH(x) {.kind = SQL_HASH, .number = (x)}
/* clang-format on */

/* Runs one statement that returns no rows. */
bool sql_run(struct store *store, const char *sql, const struct sql_value *values,
             size_t count) MUST_USE;
#define SQL_RUN(store, sql, ...)                                                                   \
    sql_run(store, sql, (const struct sql_value[]){__VA_ARGS__},                                   \
            COUNT_OF(((const struct sql_value[]){__VA_ARGS__})))

/* A statement to step through; NULL after a failure. sql_end frees it. */
sqlite3_stmt *sql_begin(struct store *store, const char *sql, const struct sql_value *values,
                        size_t count) MUST_USE;
#define SQL_BEGIN(store, sql, ...)                                                                 \
    sql_begin(store, sql, (const struct sql_value[]){__VA_ARGS__},                                 \
              COUNT_OF(((const struct sql_value[]){__VA_ARGS__})))
/* Binds argument `index` (from 1) anew, of a statement that was reset. */
bool sql_bind(struct store *store, sqlite3_stmt *statement, int index,
              const struct sql_value *value) MUST_USE;
enum store_found sql_step(struct store *store, sqlite3_stmt *statement) MUST_USE;
void sql_end(sqlite3_stmt *statement);

/* Columns, as put by the values above. */
const char *sql_text(sqlite3_stmt *statement, int column, struct arena *arena); /* NULL: "" */
double sql_real(sqlite3_stmt *statement, int column);                           /* NULL: NAN */
uint64_t sql_seed(sqlite3_stmt *statement, int column);
uint64_t sql_hash(sqlite3_stmt *statement, int column);

/* Several statements without arguments. */
bool sql_script(struct store *store, const char *sql) MUST_USE;

/* `store->error` becomes "path: what SQLite says"; returns false. */
bool sql_failed(struct store *store);
bool sql_complain(struct store *store, const char *format, ...) PRINTF_LIKE(2, 3);

extern const char store_schema_sql[]; /* of version 1 */
extern const char *const store_schema_steps[STORE_SCHEMA_VERSION - 1];

#endif
