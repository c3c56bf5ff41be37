/* A processor that is taken away: the host of a virtual machine runs somebody else for a while.
 *
 * Nothing tells the guest; all it sees is that a piece of work took some milliseconds longer. The
 * times between two such gaps and their lengths are drawn as exponential, with the means that the
 * calibration saw (rows `steals` and `steal`): on the machine that this was written on six to eight
 * a second of 2.4 ms on average, where exponential lengths have the second moment that was seen to
 * within a fifth. Whoever has a processor has gaps of its own.
 *
 * And it is slow at times: a neighbour on the other half of its core leaves it less of the caches
 * and pipelines. Spells of slowness come and go likewise (rows `spells`, `spell`), and all work in
 * them takes longer by `spell_slowdown`.
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
    STEAL_RUNTIME,
    STEAL_SPELL
}; /* of random streams; none of draws.h */

struct steal_source {
    struct rng rng;
    double between_mean_ns, length_mean_ns;
    base_ns next_ns, length_ns; /* the gap to come; INT64_MAX: none ever */
};

struct steal {
    struct steal_source host, runtime;
    base_ns until_ns; /* end of the last gap that was passed */
    struct steal_source spell;
    double slowdown;
    base_ns worked_ns; /* where the work that was last asked about, or what it waited for, ended */
};

/* `rng`: a stream of its own. */
void steal_init(struct steal *steal, const struct profile_costs *costs, struct rng rng);

/* The runtime's pauses too; `rng`: the same for all workers of a node. */
void steal_add_pauses(struct steal *steal, const struct profile_costs *costs, struct rng rng);

/* Spells of slowness too; `rng`: a stream of its own. */
void steal_add_spells(struct steal *steal, const struct profile_costs *costs, struct rng rng);

/* The share of its speed that is left to a processor: of its time without the gaps of the host, and
 * of what its spells of slowness leave of that. */
double steal_speed_left(const struct profile_costs *costs);

/* Work that would have reached `now_ns` by itself since the last call (of this or of the next
 * function): later by what spells slow it, and by each gap that has begun meanwhile. */
base_ns steal_work(struct steal *steal, base_ns now_ns);

/* What work of `cost_ns` takes at the pace of `now_ns`: that of a burst is the pace at which it
 * begins, so that its deliveries stay equally spaced. When it ends, steal_paced_until says so and
 * steal_work then adds the gaps alone. */
base_ns steal_paced(struct steal *steal, base_ns cost_ns, base_ns now_ns);
void steal_paced_until(struct steal *steal, base_ns now_ns);

/* Something that waits for nothing but the processor at `now_ns`: then, or when a gap that it fell
 * into ends. Calls with the instants in order. */
base_ns steal_resume(struct steal *steal, base_ns now_ns);

#endif
