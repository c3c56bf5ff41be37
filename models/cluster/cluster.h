/* A scenario in simulated time: one call, one outcome. A pure function of its options; touches no
 * file, thread or global. */
#ifndef HEADROOM_MODELS_CLUSTER_CLUSTER_H
#define HEADROOM_MODELS_CLUSTER_CLUSTER_H

#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "models/workload/outcome.h"
#include "models/workload/turn.h"

#include <stdbool.h>
#include <stdint.h>

struct cluster;

struct cluster_options {
    const struct layout *layout; /* shared between runs and threads */
    const struct profile_costs *costs;
    uint64_t plan_seed; /* plan_seed_of(seed, replication) */
    double scale;       /* of every publish rate */
    base_ns warm_up_ns; /* SPEC_AUTO: found afterwards */
    base_ns measure_ns;
    bool has_generator; /* adds the load generator's lateness and looks to each latency, as a
                           measurement has them */
    /* Called when the run has ended and nothing is freed yet, for tests and recorders; NULL: nobody
     * looks. */
    void (*look)(void *target, const struct cluster *cluster);
    void *look_target;
    struct turn_file *turns; /* borrowed; every turn is recorded there; NULL: none is */
};

/* Fills `outcome` (outcome_init first) and judges it. False when the run itself failed (a bound of
 * the engine): outcome->refused says which. */
bool cluster_run(const struct cluster_options *options, struct outcome *outcome) MUST_USE;

#endif
