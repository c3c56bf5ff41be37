/* How a publish gets from its node to the others. Inside models/cluster only.
 *
 * A node hands a publish to its own members itself and sends it on with its next flush, one write
 * for each place that it sends to: the other nodes, or the instances of a system in between. There
 * every message is served in order of arrival by one processor and one link. At another node it is
 * a read from one warm socket, and a publish. docs/models/backplane.md. */
#ifndef HEADROOM_MODELS_CLUSTER_BACKPLANE_H
#define HEADROOM_MODELS_CLUSTER_BACKPLANE_H

#include "models/cluster/node.h"
#include "models/workload/outcome.h"

/* After the workers. Leaves cluster->backplane NULL where nothing is carried, or nothing could be:
 * one node, and no system in between that hears of every publish. */
void backplane_init(struct cluster *cluster);

/* A publish that its own node has handled at *now_ns. It leaves with the worker's next flush, or at
 * once where the node writes everything at once. Without a backplane it is lost to members
 * elsewhere. */
void backplane_publish(struct node_worker *worker, const struct node_inbound *publish,
                       base_ns *now_ns);
/* One that no instance has acknowledged (pending.h), once more with the worker's next flush. */
void backplane_send_again(struct node_worker *worker, int32_t pending, base_ns now_ns);
/* Writes what waits, *now_ns moves on by what that costs. */
void backplane_flush(struct node_worker *worker, base_ns *now_ns);

/* Its metrics and resources; nothing without one. */
void backplane_report(const struct cluster *cluster, struct outcome *outcome);

#endif
