/* A study on the command line: read, planned against what the store has, run on threads, printed.
 *
 * The study is a list of runs, cell by cell, seed by seed, replication by replication. Each has an
 * address, everything that its result is a function of, and the store either has a run of that
 * address or not: what is missing is the work, whoever stopped why and when. */
#ifndef HEADROOM_CLI_SWEEP_H
#define HEADROOM_CLI_SWEEP_H

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/options.h"
#include "sim/store/store.h"
#include "study/sweep.h"

enum { SWEEP_RUNS_MAX = 10000000 };

struct sweep_run {
    uint64_t address;
    uint64_t scenario_hash;
    struct store_cell found; /* run 0: missing */
    bool is_in_main;         /* `found` is in --db, not in the shard's own file */
};

struct sweep_shard {
    int32_t number, count; /* 1 to count; count 1: everything */
};

struct sweep_work {
    const struct options *options; /* borrowed */
    struct arena arena;
    const char *study_path, *scenario_path;
    char *study_text, *scenario_text; /* the mistakes' places point into them */
    const char *scenario_name;        /* that of the cells, or of the first */
    struct spec_study study;
    struct sweep sweep;
    struct costs_choice costs;
    struct profile_costs means;
    bool is_of_ceilings;                  /* else of runs */
    uint64_t code_hash, stored_code_hash; /* of the program; of its text in the store */
    const uint64_t *seeds;
    int32_t seeds_count, repeat;
    struct sweep_run *runs; /* [runs_count], see sweep_run_at */
    int32_t runs_count;
    struct sweep_shard shard;
    const char *main_db, *own_db; /* the same without shards */
};

/* Of a ceiling there is no load of its own; runs have 1. It tells their addresses apart. */
double sweep_load_scale(const struct sweep_work *work);

/* What run `index` is. */
struct sweep_place {
    int32_t cell, seed, replication; /* `seed`: index into seeds */
};
struct sweep_place sweep_place_of(const struct sweep_work *work, int32_t index);

/* Reads and checks the study, its scenario and every cell, and chooses the costs. Prints what is
 * wrong; returns an exit code, or -1 when all is well. sweep_fini in either case. */
int sweep_prepare(struct sweep_work *work, const char *study_path,
                  const struct options *options) MUST_USE;
void sweep_fini(struct sweep_work *work);
/* The scenario of a cell and seed, without a roster. files_scenario_fini in either case. */
bool sweep_scenario(const struct sweep_work *work, int32_t cell, int32_t seed,
                    struct scenario *scenario, struct diag *diag) MUST_USE;

/* --shard, else Slurm's environment, else everything. Returns an exit code, or -1. */
int sweep_choose_shard(const struct options *options, struct sweep_shard *shard) MUST_USE;
/* "sweep.db" of share 2 of 8 is "sweep.2-of-8.db". */
const char *sweep_shard_db(struct arena *arena, const char *db, struct sweep_shard shard);

/* Looks the runs up: in `store` and, for a shard, in --db too. Says when there are some of other
 * code. Prints what is wrong. */
bool sweep_look_up(struct sweep_work *work, struct store *store) MUST_USE;

bool sweep_is_ours(const struct sweep_work *work, int32_t index);
int32_t sweep_count_missing(const struct sweep_work *work, bool of_ours_only);

/* Runs these missing runs on threads and keeps each as it ends. Ends early after a signal, which is
 * left in stop_signal. False: the store failed, which has been said. */
bool sweep_run_missing(struct sweep_work *work, struct store *store, const int32_t *indices,
                       int32_t count, int32_t jobs) MUST_USE;

/* How long one run takes: from those that the store has, else from a few that are run for it (and
 * kept). `count` 0: it cannot be told. False: the store failed. */
struct sweep_estimate {
    double mean_s, low_s, high_s;
    int32_t count;
    bool is_probed;
};
bool sweep_estimate(struct sweep_work *work, struct store *store,
                    struct sweep_estimate *estimate) MUST_USE;
int32_t sweep_jobs(const struct options *options); /* --jobs, or one per processor */

/* One number for the whole study: of every run in order, what it is and what came out. Runs that
 * are missing count as such, so only a whole study has the fingerprint of the whole. */
uint64_t sweep_fingerprint(const struct sweep_work *work);
void sweep_print_plan(const struct sweep_work *work, const struct sweep_estimate *estimate);
/* False: the store failed, which has been said. */
bool sweep_print_results(const struct sweep_work *work, struct store *store) MUST_USE;

/* Writes the job array's script and submits it. Returns an exit code; -1: there is no sbatch here.
 */
int sweep_submit(struct sweep_work *work, struct store *store) MUST_USE;
/* Merges these files into `store`. Returns an exit code, or -1 when all is well. */
int sweep_merge(struct store *store, const char *const *paths, int32_t count,
                const struct options *options) MUST_USE;

#endif
