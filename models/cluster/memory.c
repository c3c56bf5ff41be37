/* A subscription by reference is an entry in the room's member list and one in the connection's; a
 * copied one holds every member's number. */
#include "models/cluster/memory.h"

static const double REFERENCE_BYTES = 16;    /* assumed: two eight-byte entries; the first one is in
                                                the measured connection_user already */
static const double COPIED_MEMBER_BYTES = 8; /* assumed: one pointer per member */

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

struct memory memory_idle(const struct layout *layout, int32_t node,
                          const struct profile_costs *costs, int64_t connections) {
    double session = (double)layout->nodes[node].spec->session;
    double per_connection = costs->value[COST_connection_user] + session;
    return (struct memory){.user_bytes = per_connection * (double)connections +
                                         subscriptions_of(layout, node, connections),
                           .kernel_bytes =
                               costs->value[COST_connection_kernel] * (double)connections};
}
