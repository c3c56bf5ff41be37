/* Presence in simulated time. Inside models/cluster only; NULL in a cluster whose scenario has
 * none, which then pays nothing.
 *
 * What is decided is decided by the core that the gateway has as well (models/workload/presence_*):
 * every node holds a real replica, and what nodes tell each other is really encoded and decoded.
 * Here is what it costs and how long it takes: an enter or exit is a message that a worker reads, a
 * notice to members is written by the workers like any publish, and a letter between nodes is a
 * write on one side and a read on the other, with the backplane's latency in between. Truth (what
 * clients did, at the instant they meant to) is kept beside, so that it can be said how long
 * members believe something else. docs/models/presence.md. */
#ifndef HEADROOM_MODELS_CLUSTER_ATTENDANCE_H
#define HEADROOM_MODELS_CLUSTER_ATTENDANCE_H

#include "models/cluster/node.h"
#include "models/workload/outcome.h"

/* After the workers. Leaves cluster->attendance NULL where the scenario has no presence. */
void attendance_init(struct cluster *cluster);
void attendance_fini(struct cluster *cluster);

/* An enter, exit or request that the client's worker has read. */
void attendance_obey(struct node_worker *worker, int32_t client, const struct node_inbound *inbound,
                     base_ns *now_ns);
/* What waits for a worker in NODE_READY_PRESENCE. */
void attendance_work(struct node_worker *worker, int32_t job, base_ns *now_ns);
/* A notice is added to its room: counts it. */
void attendance_notice(struct node_worker *worker, const struct node_inbound *notice,
                       base_ns *now_ns);

/* --- connections that come and go; each does nothing in a cluster without presence --- */
/* The client has a connection now: it enters the rooms that it wants to be in, and asks who is
 * there. */
void attendance_came(struct cluster *cluster, int32_t client);
/* Its node notices that the connection is gone: so is the client from its rooms. */
void attendance_left(struct cluster *cluster, int32_t client, base_ns now_ns);
/* Whether it has a connection that works, which is when it is there. */
void attendance_reach(struct cluster *cluster, int32_t client, bool is_reachable, base_ns now_ns);
/* The node is gone with all that it knew; a next life begins from nothing. */
void attendance_node_lost(struct cluster *cluster, int32_t node);
/* A letter that was waiting for a worker of such a node. */
void attendance_forget(struct cluster *cluster, int32_t letter);

void attendance_report(struct cluster *cluster, struct outcome *outcome);

#endif
