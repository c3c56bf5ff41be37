/* Outcomes into the store: one writer for both worlds, so that their tables are the same. */
#ifndef HEADROOM_CLI_RECORD_H
#define HEADROOM_CLI_RECORD_H

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/options.h"
#include "models/workload/outcome.h"
#include "sim/store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_DB_DEFAULT "headroom.db"

/* Opens --db for writing. Prints what is wrong; returns an exit code, or -1. */
int record_open(struct store *store, const struct options *options) MUST_USE;

/* What the store knows this program by, from files_code_hash(). */
struct store_text record_code(uint64_t code_hash, char digits[17]);

struct record_run {
    enum store_kind kind;
    const char *command;
    int64_t parent;                          /* 0: none */
    const struct scenario *scenario;         /* NULL: none (calibrate) */
    const char *profile_name, *profile_text; /* NULL: none */
    uint64_t seed;
    int64_t replication;
    double scale;
    bool is_fit;
    /* A cell of a study was run before it is begun (sim/store/store.h). */
    bool is_cell;
    int64_t started_at_ns; /* 0: now */
    uint64_t code_hash;    /* 0: files_code_hash(), which reads the whole program */
};

/* A simulated run of the scenario, under its own seed and at its own load, with the profile chosen.
 */
struct record_run record_simulated(const char *command, const struct scenario *scenario,
                                   const struct costs_choice *costs);

/* Each returns false after having said why on standard error; what was committed before is kept. */
bool record_begin(struct store *store, const struct record_run *run, int64_t *id) MUST_USE;
bool record_outcome(struct store *store, int64_t id, const struct outcome *outcome) MUST_USE;
/* Application and kernel together; NAN: not known. record_outcome keeps it as
 * "memory_per_connection". */
double record_memory_per_connection(const struct outcome *outcome);
bool record_number(struct store *store, int64_t id, const char *name, double value, double low,
                   double high, const char *unit, const char *text) MUST_USE;
bool record_finish(struct store *store, int64_t id, enum store_state state, const char *reason,
                   uint64_t fingerprint) MUST_USE;

int64_t record_now_ns(void); /* wall clock since 1970 */

#endif
