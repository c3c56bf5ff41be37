/* A subscription by reference is an entry in the room's member list and one in the connection's; a
 * copied one holds every member's number. */
#include "models/cluster/memory.h"

static const double REFERENCE_BYTES = 16;    /* assumed: two eight-byte entries; the first one is in
                                                the measured connection_user already */
static const double COPIED_MEMBER_BYTES = 8; /* assumed: one pointer per member */

static double subscription_bytes(const struct roster *roster, int64_t client) {
    double bytes = 0;
    for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++) {
        const struct roster_room *room = &roster->rooms[roster->client_rooms[i]];
        if (roster->scenario->nodes[0].subscriptions == SPEC_COPIED)
            bytes += COPIED_MEMBER_BYTES * room->members_count;
        else if (i > roster->client_first[client])
            bytes += REFERENCE_BYTES;
    }
    return bytes;
}

struct memory memory_idle(const struct roster *roster, const struct profile_costs *costs,
                          int64_t connections) {
    double session = (double)roster->scenario->nodes[0].session;
    struct memory memory = {
        .user_bytes = (costs->value[COST_connection_user] + session) * (double)connections,
        .kernel_bytes = costs->value[COST_connection_kernel] * (double)connections};
    for (int64_t client = 0; client < connections && client < roster->clients_count; client++)
        memory.user_bytes += subscription_bytes(roster, client);
    return memory;
}
