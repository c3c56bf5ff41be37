/* Which node each connection lands on: the policies of a layer-4 balancer.
 *
 * Connections come one by one in the order of their numbers and stay; a node's share of them goes
 * by its `weight`. What a policy draws is a stream of the client's own, so that one client more
 * changes no other's draw. docs/models/cluster.md. */
#ifndef HEADROOM_MODELS_WORKLOAD_BALANCER_H
#define HEADROOM_MODELS_WORKLOAD_BALANCER_H

#include "models/workload/roster.h"

#include <stdint.h>

/* node_of[roster->clients_count]: by client the node's number, counted through the scenario's kinds
 * of nodes in their order. */
void balancer_deal(const struct roster *roster, uint64_t seed, int32_t *node_of);

#endif
