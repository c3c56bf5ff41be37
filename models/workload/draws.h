/* Who draws what: the purposes of the random streams of a workload, in one list so that no two
 * share one. */
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
    DRAWS_BALANCER,  /* entity: client */
    DRAWS_HASH_RING, /* entity: node by kind and number within it, index: its point on the ring */
    DRAWS_PARTITION, /* entity: room: which of several backplane instances has it */
    DRAWS_HOP,       /* entity: room, index: number of its publish and of the hop's end */
    DRAWS_POLL,      /* entity: node by kind and number within it */
    DRAWS_SHARDS,    /* entity: room: its point on the ring of nodes */
    DRAWS_CLIENT_ARRIVAL = 48, /* index: population */
    DRAWS_SESSION,             /* entity: client, index: number of its session */
    DRAWS_FLAP,                /* entity: client */
    DRAWS_RECONNECT,           /* entity: client, index: number of the wait or of the detection */
    DRAWS_PRESENCE = 56,       /* entity: client, index: room of its and number of the draw */
    DRAWS_LIST,                /* likewise: when it asks for the list */
    DRAWS_PRESENCE_PHASE,      /* entity: node, likewise: of its broadcasts */
    DRAWS_PRESENCE_HOP, /* entity: node by kind and number within it, index: number of a message */
};

/* One draw, rounded to a whole number within the distribution's own bounds. */
int64_t draws_from(const struct spec_dist *dist, struct rng *rng);

#endif
