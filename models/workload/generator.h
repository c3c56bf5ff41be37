/* What the load generator adds to a latency, where it is part of what was measured.
 *
 * The generator is one thread that polls: it sends what is due, looks at a sample of the
 * connections in turn, and sweeps the others in bulk. A publish waits until the loop comes round to
 * it, a delivery until the loop looks at its connection. A cycle of such a loop takes its walk
 * divided by the share of the time that is left for walking (Takagi 1986, polling systems: E[C] =
 * walk / (1 - rho)), and the waits are as many times longer. The sweep is part of rho as long as it
 * keeps up. A turn sweeps no more than so many, so where there are too many of the others the sweep
 * falls behind and not the turn: then a turn is its walk past the samples and that many others,
 * divided by what the load leaves. */
#ifndef HEADROOM_MODELS_WORKLOAD_GENERATOR_H
#define HEADROOM_MODELS_WORKLOAD_GENERATOR_H

#include "models/spec/profile.h"
#include "models/workload/roster.h"
#include "sim/base/time.h"

enum { GENERATOR_SAMPLES = 256 }; /* connections that are looked at one by one */
enum { GENERATOR_SAMPLES_PER_TURN = 32, GENERATOR_OTHERS_PER_TURN = 64 }; /* the latter at most */
#define GENERATOR_SWEEP_NS (10 * BASE_NS_PER_MS)                          /* of all the others */

/* Share of the generator's time that goes into sending, receiving and sweeping, 0 to 0.95, at the
 * scenario's load times `scale`. */
double generator_busy_share(const struct roster *roster, const struct profile_costs *costs,
                            double scale);

struct generator_delays {
    double lateness_ns; /* mean, of a publish behind its intended instant */
    double look_ns;     /* mean, from a delivery's arrival to the look that finds it */
};
struct generator_delays generator_delays(const struct roster *roster,
                                         const struct profile_costs *costs, double scale);

#endif
