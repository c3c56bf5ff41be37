/* What a node's kernel and the balancer in front of it allow: how many connections, and at which
 * load each of it breaks. Arithmetic over the layout; docs/models/limits.md. */
#ifndef HEADROOM_MODELS_CLUSTER_LIMITS_H
#define HEADROOM_MODELS_CLUSTER_LIMITS_H

#include "models/cluster/layout.h"
#include "models/workload/outcome.h"

#include <stdint.h>

struct cluster;

/* Connections to one node of this kind, of whatever stops them first. */
int64_t limits_connections_max(const struct spec_scenario *scenario, const struct spec_node *node);

/* What SO_SNDBUF is granted. */
int64_t limits_send_buffer(const struct spec_node *node);

/* The limits of one node that its connections run into, beside its descriptors. */
struct limits_connections {
    const char *name, *unit;
    double per_connection, fixed, limit; /* used: fixed + per_connection x connections */
};
enum { LIMITS_CONNECTIONS_MAX = 5 };
/* Returns how many; those without a limit are left out, but for descriptors, which come first. */
int32_t limits_of_node(const struct spec_scenario *scenario, const struct spec_node *node,
                       struct limits_connections limits[LIMITS_CONNECTIONS_MAX]);

/* The load of the whole cluster at which a node's resource reaches its limit, in proportion to what
 * it uses beyond `fixed` now. `held`: it is used by connections let in, not by those asked for. */
void limits_set_break(const struct cluster *cluster, int32_t node, enum outcome_load load,
                      double fixed, bool held, struct outcome_resource *resource);

/* Adds the resources of the kernel of one node, named as in limits_of_node, and tcp_mem:
 * `buffered_bytes` is what the buffers of its sockets hold. */
void limits_report_node(const struct cluster *cluster, int32_t node, double buffered_bytes,
                        struct outcome *outcome);
/* Adds a resource that all nodes share; it breaks in proportion to what the whole load uses of it.
 */
void limits_add_shared(const struct cluster *cluster, struct outcome_resource resource,
                       enum outcome_load load, struct outcome *outcome);
/* Adds those of the balancer, where it is a proxy or has limits. `writes`, `bytes`: of all nodes in
 * the window. */
void limits_report_balancer(const struct cluster *cluster, int64_t writes, int64_t bytes,
                            struct outcome *outcome);

#endif
