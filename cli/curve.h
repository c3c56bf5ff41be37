/* Latency against load around a predicted ceiling: what `ceiling --curve` adds to its answer. */
#ifndef HEADROOM_CLI_CURVE_H
#define HEADROOM_CLI_CURVE_H

#include "cli/costs.h"
#include "cli/world_sim.h"
#include "sim/store/store.h"

/* Runs loads from a tenth of `scale` to a little above it, each with several draws of the costs on
 * options->jobs threads, and keeps every one as a probe of the run `ceiling`. The order of the
 * threads changes nothing that is kept but the runs' ids. False: the store failed, which has been
 * said. */
bool curve_record(struct world_sim *sim, const struct costs_choice *costs, double scale,
                  struct store *store, int64_t ceiling, const struct options *options) MUST_USE;

#endif
