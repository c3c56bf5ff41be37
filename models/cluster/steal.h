/* A processor that is taken away: the host of a virtual machine runs somebody else for a while.
 *
 * Nothing tells the guest; all it sees is that a piece of work took some milliseconds longer. The
 * times between two such gaps and their lengths are drawn as exponential, with the means that the
 * calibration saw (rows `steals` and `steal`): on the machine that this was written on six to eight
 * a second of 2.4 ms on average, where exponential lengths have the second moment that was seen to
 * within a fifth. Whoever has a processor has gaps of its own.
 *
 * A runtime that stops the world, to collect garbage, does the same to all workers of a node at
 * once: rows `pauses` and `pause`, likewise exponential. */
#ifndef HEADROOM_MODELS_CLUSTER_STEAL_H
#define HEADROOM_MODELS_CLUSTER_STEAL_H

#include "models/spec/profile.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"

enum steal_purpose {
    STEAL_WORKER = 32,
    STEAL_GENERATOR,
    STEAL_RUNTIME
}; /* of random streams; none of draws.h */

struct steal_source {
    struct rng rng;
    double between_mean_ns, length_mean_ns;
    base_ns next_ns, length_ns; /* the gap to come; INT64_MAX: none ever */
};

struct steal {
    struct steal_source host, runtime;
    base_ns until_ns; /* end of the last gap that was passed */
};

/* `rng`: a stream of its own. */
void steal_init(struct steal *steal, const struct profile_costs *costs, struct rng rng);

/* The runtime's pauses too; `rng`: the same for all workers of a node. */
void steal_add_pauses(struct steal *steal, const struct profile_costs *costs, struct rng rng);

/* Work that would have reached `now_ns` by itself since the last call: later by each gap that has
 * begun meanwhile. */
base_ns steal_work(struct steal *steal, base_ns now_ns);

/* Something that waits for nothing but the processor at `now_ns`: then, or when a gap that it fell
 * into ends. Calls with the instants in order. */
base_ns steal_resume(struct steal *steal, base_ns now_ns);

#endif
