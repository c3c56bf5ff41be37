/* What does not change during a run, worked out once for all runs of a scenario: which node and
 * worker holds whom, and which clients must be followed one by one.
 *
 * A balancer deals the clients to nodes; a node lets in as many as its descriptors allow and deals
 * them to its workers. Workers are numbered through the cluster, node by node. A worker knows a
 * room by its slot among those that it has members of, so that what is stored grows with
 * memberships and not with nodes times rooms; with one worker slots are room numbers.
 *
 * Most clients read at once whatever comes: nothing that happens to them depends on the past, and a
 * burst counts them in closed form. The others (a bounded rate, stalls, a connection that breaks)
 * are the room's `tracked` members, kept as sorted positions in its list, so that a burst runs from
 * one to the next. */
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
    int32_t room;
    double scattered; /* roster_scattered, in the order in which the worker accepted them */
    const struct layout_tracked *tracked;
    int32_t tracked_count;
};

struct layout_place { /* where some of a room's members are */
    int32_t worker, slot;
};

struct layout_node {
    const struct spec_node *spec; /* borrowed */
    uint64_t entity;              /* of its random streams: its kind and its number within that */
    const char *name;             /* of its kind, numbered where there are several: "gateway-3" */
    int32_t workers_first, workers_count;
    int64_t connections_count; /* let in */
    int64_t refused_count;     /* dealt to it and not let in */
    double subscription_bytes; /* of those let in */
};

struct layout {
    const struct spec_scenario *scenario; /* borrowed */
    const struct roster *roster;          /* borrowed */
    uint64_t seed;                        /* of the receivers' habits and the balancer */
    struct layout_node *nodes;
    int32_t nodes_count, workers_count;
    int32_t *node_of;             /* by client: the node it was dealt to, let in or not; -1: none,
                             it is not there at the start */
    int32_t *worker_of;           /* by client; -1: not connected */
    int32_t *worker_node;         /* by worker */
    int64_t *worker_first;        /* [workers_count + 1] into rooms[] */
    struct layout_room *rooms;    /* worker by worker, by slot: in order of room numbers */
    int64_t *room_first;          /* [roster->rooms_count + 1] into room_at[] */
    struct layout_place *room_at; /* in order of workers */
    int32_t *members_counts;      /* by room, on all workers; NULL: they change */
    const int32_t *client_slots; /* as roster->client_rooms: the room's slot at the client's worker;
                                    undefined for who was refused */
    double *working_set;         /* per worker: connections that are in a room */
    int32_t *consumer_clients;   /* clients that are tracked */
    int32_t consumers_count;
    int32_t *consumer_of;      /* by client; -1: reads at once */
    int64_t connections_count; /* let in, on all nodes */
    int64_t refused_count;
    bool has_single_rooms; /* no client is in more than one room */
};

/* Lives in `arena`; roster and scenario outlive it. */
void layout_init(struct layout *layout, const struct roster *roster, uint64_t seed,
                 struct arena *arena);

static inline const struct layout_room *layout_room(const struct layout *layout, int32_t worker,
                                                    int32_t slot) {
    return &layout->rooms[layout->worker_first[worker] + slot];
}

static inline int32_t layout_slots_count(const struct layout *layout, int32_t worker) {
    return (int32_t)(layout->worker_first[worker + 1] - layout->worker_first[worker]);
}

/* Members of the room that are not on `node`. */
int64_t layout_members_elsewhere(const struct layout *layout, int32_t node, int32_t room);

/* Where the room's members on `node` are: [first, end) of room_at[]. */
struct layout_places {
    int64_t first, end;
};
struct layout_places layout_places(const struct layout *layout, int32_t node, int32_t room);

/* -1: the worker has no members of the room. */
int32_t layout_slot(const struct layout *layout, int32_t worker, int32_t room);

#endif
