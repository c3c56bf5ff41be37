/* What a run in the store was made of, read back whatever the files are now. */
#ifndef HEADROOM_CLI_STORED_H
#define HEADROOM_CLI_STORED_H

#include "cli/files.h"
#include "sim/store/store.h"

/* The run's scenario with its roster, under the run's own seed; files_scenario_fini in every case.
 * STORE_MISSING: the run has none, or one that an older program wrote and this one does not read.
 * STORE_FAILED: store->error. */
enum store_found stored_scenario(struct store *store, const struct store_run *run,
                                 struct scenario *scenario) MUST_USE;

/* The profile that the run was priced with, likewise; what it refers to lives in `arena`. */
enum store_found stored_profile(struct store *store, const struct store_run *run,
                                struct arena *arena, struct profile *profile) MUST_USE;

/* The newest calibration that was not refused: the one that is predicted with. */
enum store_found stored_calibration(struct store *store, struct arena *arena,
                                    struct store_run *run) MUST_USE;

#endif
