/* Which node each connection lands on: the policies of a layer-4 balancer.
 *
 * Connections come one by one in the order of their numbers and stay; a node's share of them goes
 * by its `weight`. What a policy draws is a stream of the client's own, so that one client more
 * changes no other's draw. docs/models/cluster.md. */
#ifndef HEADROOM_MODELS_WORKLOAD_BALANCER_H
#define HEADROOM_MODELS_WORKLOAD_BALANCER_H

#include "models/workload/roster.h"

#include <stdbool.h>
#include <stdint.h>

/* One by one, in a cluster whose connections come and go. Lives in `arena`. Nodes that a fault adds
 * later are out at the start. */
struct balancer *balancer_new(const struct roster *roster, uint64_t seed, struct arena *arena);
/* Where the client's `number`-th connection goes, which the node then holds; -1: every node is out.
 * `before`: the node that it was on; -1: none yet. */
int32_t balancer_pick(struct balancer *balancer, int32_t client, uint64_t number, int32_t before);
/* The node holds `by` connections more; or fewer, where it is negative. */
void balancer_hold(struct balancer *balancer, int32_t node, int64_t by);
/* A node that is out gets no connections. */
void balancer_set_out(struct balancer *balancer, int32_t node, bool is_out);
/* What it holds above its share of all connections by its weight among the nodes that are not out;
 * 0 when it holds less. A node that is out has no share. */
int64_t balancer_surplus(const struct balancer *balancer, int32_t node);

/* node_of[roster->clients_count]: by client the node's number, counted through the scenario's kinds
 * of nodes in their order; -1: who is not connected at the start. */
void balancer_deal(const struct roster *roster, uint64_t seed, int32_t *node_of);

#endif
