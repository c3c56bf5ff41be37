/* A scenario with other nodes than it asks for: what `run`, `plan` and `gate` try when they ask how
 * many are needed. */
#ifndef HEADROOM_CLI_TRIAL_H
#define HEADROOM_CLI_TRIAL_H

#include "cli/files.h"
#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "models/workload/outcome.h"

enum { TRIAL_NODES_MAX = 1000, TRIAL_KINDS_MAX = 16 };

struct trial {
    struct arena arena;
    struct spec_scenario spec; /* the scenario's, but for its nodes */
    struct spec_node kinds[TRIAL_KINDS_MAX];
    struct roster roster;
    struct layout layout;
};

/* `counts`: nodes of each of the scenario's kinds, 0 for none, at least one in all. `trial` is not
 * to be copied: it points into itself. The scenario outlives it. */
void trial_init(struct trial *trial, const struct scenario *scenario, const int64_t *counts);
void trial_fini(struct trial *trial);

struct trial_load {
    double scale; /* of every publish rate */
    uint64_t replication;
};
/* One run in the scenario's own window; outcome_init and outcome_fini are the caller's. Safe from
 * several threads. */
void trial_run(const struct trial *trial, const struct profile_costs *costs,
               const struct trial_load *load, struct outcome *outcome);

#endif
