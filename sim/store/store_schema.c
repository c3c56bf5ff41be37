/* The tables. A change to them is a new STORE_SCHEMA_VERSION and a step that brings an older file
 * up to it: a new file is made as the first version was, and climbs the same steps.
 *
 * Everything that has a natural key uses it. Hashes and seeds are text, because SQL's integers are
 * signed and a spreadsheet's are not even integers. NULL in a REAL column is NAN. */
#include "sim/store/store_sql.h"

/* The results of a run that has ended never change. */
#define ONLY_WHILE_RUNNING(table)                                                                  \
    "CREATE TRIGGER " table "_only_while_running BEFORE INSERT ON " table                          \
    " WHEN (SELECT state FROM runs WHERE id = NEW.run) <> 'running'"                               \
    " BEGIN SELECT RAISE(ABORT, 'the run has ended; its results do not change'); END;"

const char store_schema_sql[] =
    "CREATE TABLE code (hash TEXT PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE scenarios (hash TEXT PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE profiles (hash TEXT PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind TEXT NOT NULL CHECK (kind IN ('simulated', 'measured')),"
    " command TEXT NOT NULL,"
    " parent INTEGER REFERENCES runs (id),"
    " scenario TEXT REFERENCES scenarios (hash),"
    " profile TEXT REFERENCES profiles (hash),"
    " code TEXT REFERENCES code (hash),"
    " seed TEXT NOT NULL,"
    " replication INTEGER NOT NULL,"
    " load_scale REAL,"
    " fingerprint TEXT,"
    " started_at_ns INTEGER NOT NULL,"
    " finished_at_ns INTEGER,"
    " process INTEGER NOT NULL,"
    " state TEXT NOT NULL DEFAULT 'running'"
    "  CHECK (state IN ('running', 'done', 'refused', 'interrupted')),"
    " reason TEXT,"
    " is_fit INTEGER NOT NULL CHECK (is_fit IN (0, 1))) STRICT;"
    "CREATE INDEX runs_by_scenario ON runs (scenario, command, kind);"
    "CREATE INDEX runs_by_parent ON runs (parent);"
    "CREATE TABLE metrics ("
    " run INTEGER NOT NULL REFERENCES runs (id),"
    " name TEXT NOT NULL,"
    " value REAL, low REAL, high REAL,"
    " unit TEXT NOT NULL,"
    " text TEXT,"
    " PRIMARY KEY (run, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE resources ("
    " run INTEGER NOT NULL REFERENCES runs (id),"
    " name TEXT NOT NULL,"
    " used REAL, most REAL," /* LIMIT is a word of SQL's own */
    " unit TEXT NOT NULL,"
    " UNIQUE (run, name)) STRICT;"
    "CREATE TABLE histograms ("
    " run INTEGER NOT NULL REFERENCES runs (id),"
    " name TEXT NOT NULL,"
    " unit TEXT NOT NULL,"
    " image BLOB NOT NULL,"
    " PRIMARY KEY (run, name)) STRICT;"
    "CREATE TABLE series ("
    " run INTEGER NOT NULL REFERENCES runs (id),"
    " name TEXT NOT NULL,"
    " unit TEXT NOT NULL,"
    " step_ns INTEGER NOT NULL,"
    " doubles BLOB NOT NULL,"
    " PRIMARY KEY (run, name)) STRICT;"
    "CREATE TABLE predictions ("
    " run INTEGER PRIMARY KEY REFERENCES runs (id),"
    " hash TEXT NOT NULL,"
    " created_at_ns INTEGER NOT NULL,"
    " last_run INTEGER NOT NULL) STRICT;" ONLY_WHILE_RUNNING("metrics")
        ONLY_WHILE_RUNNING("resources") ONLY_WHILE_RUNNING("histograms")
            ONLY_WHILE_RUNNING("series") ONLY_WHILE_RUNNING("predictions");

/* [version - 1] brings a file from that version to the next. */
const char *const store_schema_steps[STORE_SCHEMA_VERSION - 1] = {
    /* 2: cells of studies, found by address. Not unique: two writers may have run one cell, and
     * then both rows say the same. */
    "ALTER TABLE runs ADD COLUMN address TEXT;"
    "CREATE INDEX runs_by_address ON runs (address) WHERE address IS NOT NULL;",
};
