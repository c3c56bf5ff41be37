/* Two sets of runs against each other, pair by pair: the same seed, the same replication and so the
 * same arrivals and the same draw of the costs (common random numbers). What both have in common
 * cancels, and a difference shows that either alone would hide.
 *
 * Sets are the replications of two runs, or everything of one scenario (or study) in two files. */
#ifndef HEADROOM_CLI_COMPARE_PAIRED_H
#define HEADROOM_CLI_COMPARE_PAIRED_H

#include "cli/options.h"
#include "models/workload/outcome.h"
#include "sim/base/arena.h"
#include "sim/base/stats.h"
#include "sim/store/store.h"

#include <cjson/cJSON.h>

enum paired_change { PAIRED_SAME, PAIRED_BETTER, PAIRED_WORSE, PAIRED_OTHER };

struct paired_row {
    enum outcome_metric metric;
    double a, b;                      /* means */
    struct stats_interval difference; /* b - a, 95 % */
    enum paired_change
        change; /* SAME: no detectable change; OTHER: neither good nor bad in itself */
};

struct paired {
    const char *scenario;
    int32_t pairs_count, unpaired_count; /* runs of either without a partner */
    int32_t units_count; /* independent ones among the pairs: draws of the costs, or cells */
    struct paired_row rows[OUTCOME_METRICS];
    int32_t rows_count;
};

/* Whether a run has replications. False: no, or the store failed. */
bool paired_has_replications(struct store *store, int64_t run, struct arena *arena);

/* The replications of run `a` against those of run `b`. False: the store failed (its error), or
 * there are fewer than two pairs (`paired->pairs_count` says). */
bool paired_runs(struct store *store, int64_t a, int64_t b, struct arena *arena,
                 struct paired *paired) MUST_USE;

/* `compare --baseline FILE [NAME...]`: replications and cells of --db against those of FILE, for
 * each scenario that both have. Prints; returns the exit code: 99 when a figure got worse. */
int paired_against_baseline(struct store *store, const struct options *options,
                            struct arena *arena) MUST_USE;

void paired_print(const struct paired *paired, const char *a, const char *b);
cJSON *paired_json(const struct paired *paired) MUST_USE;

#endif
