/* Who draws what: the purposes of the random streams of a workload, in one list so that no two
 * share one. Inside models/workload only. */
#ifndef HEADROOM_MODELS_WORKLOAD_DRAWS_H
#define HEADROOM_MODELS_WORKLOAD_DRAWS_H

#include "models/spec/spec.h"
#include "sim/base/rng.h"

enum draws_purpose {
    DRAWS_ROOM_SIZE = 1, /* entity: room group, index: room within it */
    DRAWS_PLACEMENT,     /* entity: client, index: room group */
    DRAWS_STALLING,      /* entity: client */
    DRAWS_STALL_PHASE,   /* entity: client */
    DRAWS_REPLICATION,   /* index: replication */
    DRAWS_ARRIVAL,       /* entity: room or client (0 for traffic in all), index: traffic */
    DRAWS_PUBLISH, /* entity as above, index: traffic and number of the publish within its stream */
};

/* One draw, rounded to a whole number within the distribution's own bounds. */
int64_t draws_from(const struct spec_dist *dist, struct rng *rng);

#endif
