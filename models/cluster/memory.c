/* A subscription by reference is an entry in the room's member list and one in the connection's; a
 * copied one holds every member's number. */
#include "models/cluster/memory.h"

#include "models/cluster/limits.h"

#include <math.h>

static const double REFERENCE_BYTES = 16;    /* assumed: two eight-byte entries; the first one is in
                                                the measured connection_user already */
static const double COPIED_MEMBER_BYTES = 8; /* assumed: one pointer per member */

static const double SESSION_KEY_BYTES = 64;         /* assumed: what finds a shared session again */
static const double INFLATE_SMALL_BYTES = 7 * 1024; /* zlib's zconf.h, "for small objects" */

double memory_subscriptions(const struct roster *roster, const struct spec_node *node,
                            int32_t client) {
    double bytes = 0;
    for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++) {
        const struct roster_room *room = &roster->rooms[roster->client_rooms[i]];
        if (node->subscriptions == SPEC_COPIED)
            bytes += COPIED_MEMBER_BYTES * room->members_count;
        else if (i > roster->client_first[client])
            bytes += REFERENCE_BYTES;
    }
    return bytes;
}

static double subscriptions_of(const struct layout *layout, int32_t node, int64_t connections) {
    const struct layout_node *place = &layout->nodes[node];
    if (connections == place->connections_count)
        return place->subscription_bytes;
    double bytes = 0;
    for (int32_t client = 0; connections > 0 && client < layout->roster->clients_count; client++) {
        if (layout->node_of[client] != node)
            continue;
        bytes += memory_subscriptions(layout->roster, place->spec, client);
        connections--;
    }
    return bytes;
}

static double session_bytes(const struct spec_node *spec) {
    bool is_shared = spec->session_state == SPEC_SHARED_SESSION;
    return is_shared ? fmin(SESSION_KEY_BYTES, (double)spec->session) : (double)spec->session;
}

/* What a connection keeps between two messages: zlib's zconf.h, (1 << (windowBits + 2)) + (1 <<
 * (memLevel + 9)) to compress, 1 << windowBits and some kilobytes to decompress. */
static double deflate_bytes(const struct spec_deflate *deflate) {
    if (deflate->kind != SPEC_CONTEXT_TAKEOVER)
        return 0;
    int window = (int)deflate->window_bits, level = (int)deflate->memory_level;
    return ldexp(1, window + 2) + ldexp(1, level + 9) + ldexp(1, window) + INFLATE_SMALL_BYTES;
}

static double tls_bytes(const struct spec_node *spec, const double *cost) {
    return spec->tls != SPEC_TLS_NONE ? cost[COST_tls_connection] : 0;
}

/* Without its subscriptions. */
static double user_bytes(const struct spec_node *spec, const double *cost) {
    return cost[COST_connection_user] + session_bytes(spec) + cost[COST_runtime_connection] +
           deflate_bytes(&spec->deflate) + tls_bytes(spec, cost);
}

double memory_connection(const struct roster *roster, const struct spec_node *node,
                         const struct profile_costs *costs, int32_t client) {
    return user_bytes(node, costs->value) + costs->value[COST_connection_kernel] +
           memory_subscriptions(roster, node, client);
}

struct memory memory_idle(const struct layout *layout, int32_t node,
                          const struct profile_costs *costs, int64_t connections) {
    const struct spec_node *spec = layout->nodes[node].spec;
    return (struct memory){.user_bytes = user_bytes(spec, costs->value) * (double)connections +
                                         subscriptions_of(layout, node, connections),
                           .kernel_bytes =
                               costs->value[COST_connection_kernel] * (double)connections};
}

/* --- the table --- */

static double most_in_socket(const struct spec_node *spec, const double *cost) {
    return cost[COST_queued_kernel] * cost[COST_send_capacity] * (double)limits_send_buffer(spec);
}

static double most_in_queue(const struct spec_node *spec, const double *cost) {
    const struct spec_send_queue *queue = &spec->send_queue;
    if (queue->policy == SPEC_UNBOUNDED || queue->limit == SPEC_UNLIMITED)
        return INFINITY;
    return cost[COST_queued_user] * (double)queue->limit;
}

static struct memory_row row_of(const char *name, const char *where, const char *fixed,
                                double bytes) {
    return (struct memory_row){.name = name,
                               .where = where,
                               .fixed = fixed,
                               .idle_bytes = bytes,
                               .most_bytes = bytes,
                               .cost = COST_COUNT};
}

void memory_rows(const struct layout *layout, int32_t node, const struct profile_costs *costs,
                 struct memory_row rows[MEMORY_ROWS]) {
    const struct layout_node *place = &layout->nodes[node];
    const struct spec_node *spec = place->spec;
    const double *cost = costs->value;
    double let_in = (double)place->connections_count;
    struct memory_row *row = rows;
    *row = row_of("socket and its buffers", "kernel", "mostly", cost[COST_connection_kernel]);
    row++->cost = COST_connection_kernel;
    *row = row_of("file descriptor", "kernel", "yes", 0);
    row++->source = "in the row above; one of open_files each";
    *row = row_of("the server's record of it", "application", "mostly", cost[COST_connection_user]);
    row++->cost = COST_connection_user;
    *row = row_of("process, goroutine or task", "runtime", "mostly", cost[COST_runtime_connection]);
    row++->cost = COST_runtime_connection;
    *row = row_of("session state", "application", "no", session_bytes(spec));
    row++->source = spec->session_state == SPEC_SHARED_SESSION
                        ? "assumed: the key of a shared session; each publish looks it up"
                        : "the scenario's `session`";
    *row = row_of("subscriptions", "application", "no",
                  let_in > 0 ? place->subscription_bytes / let_in : 0);
    row++->source = spec->subscriptions == SPEC_COPIED
                        ? "assumed: 8 bytes for each member of its rooms, copied; the mean"
                        : "assumed: 16 bytes a room, the first in the server's record; the mean";
    *row = row_of("TLS", "application", "mostly", tls_bytes(spec, cost));
    row->cost = spec->tls != SPEC_TLS_NONE ? COST_tls_connection : COST_COUNT;
    row++->source = "the node does no TLS";
    *row = row_of("compression, both ways", "application", "yes", deflate_bytes(&spec->deflate));
    row++->source = spec->deflate.kind == SPEC_CONTEXT_TAKEOVER
                        ? "published: zlib's zconf.h"
                        : "nothing is kept between messages";
    *row = row_of("backlog in its socket", "kernel", "no", 0);
    row->most_bytes = most_in_socket(spec, cost);
    row++->cost = COST_queued_kernel;
    *row = row_of("backlog in its send queue", "application", "no", 0);
    row->most_bytes = most_in_queue(spec, cost);
    row->cost = COST_queued_user;
}
