/* What does not change during a run, worked out once for all runs of a scenario: which worker
 * writes whom, and which clients must be followed one by one.
 *
 * Most clients read at once whatever comes: nothing that happens to them depends on the past, and a
 * burst counts them in closed form. The others (a bounded rate, stalls) are the room's `tracked`
 * members, kept as sorted positions in its list, so that a burst runs from one to the next. */
#ifndef HEADROOM_MODELS_CLUSTER_LAYOUT_H
#define HEADROOM_MODELS_CLUSTER_LAYOUT_H

#include "models/workload/receiver.h"
#include "models/workload/roster.h"
#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct layout_tracked {
    int32_t position; /* in the room's members on this worker */
    int32_t consumer; /* index into layout->consumer_clients */
};

struct layout_room { /* one room's members on one worker, in the order in which they joined */
    const int32_t *members;
    int32_t members_count;
    double scattered; /* roster_scattered */
    const struct layout_tracked *tracked;
    int32_t tracked_count;
};

struct layout {
    const struct spec_scenario *scenario; /* borrowed */
    const struct spec_node *node;         /* borrowed */
    const struct roster *roster;          /* borrowed */
    uint64_t seed;                        /* of the receivers' habits */
    int32_t workers_count;
    struct layout_room *rooms; /* [workers_count][roster->rooms_count] */
    double *working_set;       /* per worker: connections that are in a room */
    int32_t *consumer_clients; /* clients that are tracked */
    int32_t consumers_count;
    int32_t *consumer_of;      /* by client; -1: reads at once */
    int64_t connections_count; /* let in; the clients after them were refused */
    int64_t refused_count;
    bool has_single_rooms; /* no client is in more than one room */
};

/* Lives in `arena`; roster and scenario outlive it. */
void layout_init(struct layout *layout, const struct roster *roster, uint64_t seed,
                 struct arena *arena);

static inline const struct layout_room *layout_room(const struct layout *layout, int32_t worker,
                                                    int32_t room) {
    return &layout->rooms[(int64_t)worker * layout->roster->rooms_count + room];
}

#endif
