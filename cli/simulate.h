/* One simulated run of a scenario at its own load, as `run` and `sweep` ask for it. */
#ifndef HEADROOM_CLI_SIMULATE_H
#define HEADROOM_CLI_SIMULATE_H

#include "cli/files.h"
#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "models/workload/outcome.h"

/* `outcome` is initialised. A run that ended at a bound of the engine is one: outcome->refused says
 * which. */
void simulate(const struct scenario *scenario, const struct layout *layout,
              const struct profile_costs *costs, uint64_t replication, double scale,
              struct outcome *outcome);

#endif
