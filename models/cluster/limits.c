/* Limits are rows of one shape, a fixed part and a part per connection: what a node lets in, what a
 * run reports, what the idle ceiling asks and at which load each breaks are read from the same
 * rows. */
#include "models/cluster/limits.h"

#include "models/cluster/node.h"
#include "models/workload/admission.h"

#include <math.h>

static double limit_of(int64_t limit) {
    return limit == SPEC_UNLIMITED ? INFINITY : (double)limit;
}

static int64_t smaller(int64_t a, int64_t b) {
    return b != SPEC_UNLIMITED && b < a ? b : a;
}

static bool is_proxy(const struct spec_balancer *balancer) {
    return balancer->kind != SPEC_PASSTHROUGH;
}

int64_t limits_send_buffer(const struct spec_node *node) {
    return smaller(node->send_buffer, node->kernel.wmem_max);
}

/* --- connections to a node --- */

int32_t limits_of_node(const struct spec_scenario *scenario, const struct spec_node *node,
                       struct limits_connections limits[LIMITS_CONNECTIONS_MAX]) {
    const struct spec_kernel *kernel = &node->kernel;
    const struct spec_balancer *balancer = &scenario->balancer;
    double reserved =
        (double)(node->open_files - admission_connections_max(node->open_files, node->workers));
    const struct limits_connections all[LIMITS_CONNECTIONS_MAX] = {
        {"open_files", "descriptors", 1, reserved, (double)node->open_files},
        {"nr_open", "descriptors", 1, reserved, limit_of(kernel->nr_open)},
        {"file_max", "files", 1, reserved, limit_of(kernel->file_max)},
        {"conntrack", "connections", 1, 0, limit_of(kernel->conntrack)},
        {"balancer_ports", "ports", 1, 0,
         is_proxy(balancer) ? (double)(balancer->addresses * balancer->ports) : INFINITY},
    };
    int32_t count = 0;
    for (int32_t i = 0; i < LIMITS_CONNECTIONS_MAX; i++)
        if (isfinite(all[i].limit))
            limits[count++] = all[i];
    return count;
}

int64_t limits_connections_max(const struct spec_scenario *scenario, const struct spec_node *node) {
    struct limits_connections limits[LIMITS_CONNECTIONS_MAX];
    int32_t count = limits_of_node(scenario, node, limits);
    double most = INFINITY;
    for (int32_t i = 0; i < count; i++)
        most = fmin(most, (limits[i].limit - limits[i].fixed) / limits[i].per_connection);
    return most > 0 ? (int64_t)most : 0;
}

/* --- what a run reports --- */

void limits_set_break(const struct cluster *cluster, int32_t node, enum outcome_load load,
                      double fixed, bool held, struct outcome_resource *resource) {
    const struct layout *layout = cluster->layout;
    const struct layout_node *place = &layout->nodes[node];
    double let_in = (double)place->connections_count;
    double asked = let_in + (double)place->refused_count;
    double share = held ? let_in / asked : 1; /* of the load that was asked for */
    double now = load == OUTCOME_LOAD_CONNECTIONS
                     ? (double)(layout->connections_count + layout->refused_count)
                     : cluster->offered.publishes_per_s * cluster->plan.scale;
    double grows = resource->used - fixed;
    resource->grows_with = load;
    resource->breaks_at = grows > 0 ? now * share * (resource->limit - fixed) / grows : INFINITY;
}

static void add_of_node(const struct cluster *cluster, int32_t node, const char *name,
                        const struct outcome_resource *resource, struct outcome *outcome) {
    struct outcome_resource added = *resource;
    added.name = name;
    added.node = cluster->layout->nodes_count > 1 ? cluster->layout->nodes[node].name : NULL;
    outcome_add_resource(outcome, &added);
}

void limits_report_node(const struct cluster *cluster, int32_t node, double buffered_bytes,
                        struct outcome *outcome) {
    const struct layout_node *place = &cluster->layout->nodes[node];
    struct limits_connections limits[LIMITS_CONNECTIONS_MAX];
    int32_t count = limits_of_node(cluster->layout->scenario, place->spec, limits);
    double asked = (double)(place->connections_count + place->refused_count);
    for (int32_t i = 1; i < count; i++) { /* the report has descriptors already */
        struct outcome_resource resource = {.unit = limits[i].unit,
                                            .used =
                                                limits[i].fixed + limits[i].per_connection * asked,
                                            .limit = limits[i].limit,
                                            .is_admission = true};
        limits_set_break(cluster, node, OUTCOME_LOAD_CONNECTIONS, limits[i].fixed, false,
                         &resource);
        add_of_node(cluster, node, limits[i].name, &resource, outcome);
    }
    if (place->spec->kernel.tcp_mem == SPEC_UNLIMITED)
        return;
    struct outcome_resource buffers = {.unit = "bytes",
                                       .used = buffered_bytes,
                                       .limit = limit_of(place->spec->kernel.tcp_mem),
                                       .is_rate = true};
    limits_set_break(cluster, node, OUTCOME_LOAD_PUBLISHES, 0, false, &buffers);
    add_of_node(cluster, node, "tcp_mem", &buffers, outcome);
}

/* --- the balancer --- */

/* Threads' worth of time that a proxy takes for what passed through it in the window. */
static double proxy_busy_s(const struct cluster *cluster, int64_t writes, int64_t bytes) {
    const double *cost = cluster->raw_costs.value;
    struct plan_load load = cluster->offered;
    double seconds = base_seconds(cluster->window_end_ns - cluster->window_start_ns);
    double in = load.publishes_per_s * cluster->plan.scale * seconds;
    double in_bytes = load.inbound_bytes_per_s * cluster->plan.scale * seconds;
    bool looks_inside = cluster->layout->scenario->balancer.kind == SPEC_L7_PROXY;
    double per_write = cost[COST_proxy_write] + (looks_inside ? cost[COST_proxy_l7_write] : 0);
    double per_byte = cost[COST_proxy_byte] + (looks_inside ? cost[COST_proxy_l7_byte] : 0);
    return 1e-9 * (per_write * ((double)writes + in) + per_byte * ((double)bytes + in_bytes));
}

void limits_add_shared(const struct cluster *cluster, struct outcome_resource resource,
                       enum outcome_load load, struct outcome *outcome) {
    const struct layout *layout = cluster->layout;
    double now = load == OUTCOME_LOAD_CONNECTIONS
                     ? (double)(layout->connections_count + layout->refused_count)
                     : cluster->offered.publishes_per_s * cluster->plan.scale;
    resource.grows_with = load;
    resource.breaks_at = resource.used > 0 ? now * resource.limit / resource.used : INFINITY;
    outcome_add_resource(outcome, &resource);
}

void limits_report_balancer(const struct cluster *cluster, int64_t writes, int64_t bytes,
                            struct outcome *outcome) {
    const struct layout *layout = cluster->layout;
    const struct spec_balancer *balancer = &layout->scenario->balancer;
    double instances = (double)balancer->instances, sockets = is_proxy(balancer) ? 2 : 1;
    double each = (double)(layout->connections_count + layout->refused_count) / instances;
    if (balancer->conntrack != SPEC_UNLIMITED)
        limits_add_shared(cluster,
                          (struct outcome_resource){.name = "balancer_conntrack",
                                                    .unit = "connections",
                                                    .used = sockets * each,
                                                    .limit = limit_of(balancer->conntrack),
                                                    .is_rate = true,
                                                    .is_admission = true},
                          OUTCOME_LOAD_CONNECTIONS, outcome);
    if (!is_proxy(balancer))
        return;
    double window_s = base_seconds(cluster->window_end_ns - cluster->window_start_ns);
    limits_add_shared(cluster,
                      (struct outcome_resource){.name = "balancer_cpu",
                                                .unit = "share",
                                                .used = proxy_busy_s(cluster, writes, bytes) /
                                                        window_s / instances /
                                                        (double)balancer->workers,
                                                .limit = 1,
                                                .is_rate = true},
                      OUTCOME_LOAD_PUBLISHES, outcome);
    limits_add_shared(
        cluster,
        (struct outcome_resource){.name = "balancer_memory",
                                  .unit = "bytes",
                                  .used = each * cluster->raw_costs.value[COST_proxy_connection],
                                  .limit = limit_of(balancer->memory),
                                  .is_rate = true},
        OUTCOME_LOAD_CONNECTIONS, outcome);
    limits_add_shared(cluster,
                      (struct outcome_resource){.name = "balancer_open_files",
                                                .unit = "descriptors",
                                                .used = sockets * each,
                                                .limit = limit_of(balancer->open_files),
                                                .is_rate = true,
                                                .is_admission = true},
                      OUTCOME_LOAD_CONNECTIONS, outcome);
}
