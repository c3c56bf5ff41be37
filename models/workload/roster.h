/* Who is there and who hears whom: a scenario's clients and rooms, numbered.
 *
 * Numbers are for tables; draws go by who somebody is (roster_client_entity, roster_room_entity),
 * because numbers shift when a client or a population is added and nobody's draws may.
 *
 * A pure function of (scenario, seed), so the simulator, every generator process and a test see the
 * same client 17 in the same room 3. Clients are numbered so that populations are mixed evenly from
 * the start on (client i of a population of n stands at (i + 1/2)/n of the whole), rooms group by
 * group. Membership is stored both ways in compressed rows: 8 bytes per membership, none per pair.
 */
#ifndef HEADROOM_MODELS_WORKLOAD_ROSTER_H
#define HEADROOM_MODELS_WORKLOAD_ROSTER_H

#include "models/spec/spec.h"
#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { ROSTER_ROOM_NAME_BYTES = 16 }; /* "r" and the room's number, and a NUL */

struct roster_room {
    int32_t group;         /* index into scenario->rooms */
    int32_t members_first; /* into members[] */
    int32_t members_count;
    bool is_contiguous; /* its members are consecutive client numbers */
};

struct roster {
    const struct spec_scenario *scenario; /* borrowed */
    int32_t clients_count;
    uint8_t *population; /* [clients_count]: index into scenario->populations */
    int32_t *ordinal;    /* [clients_count]: 0, 1, ... within the population */
    struct roster_room *rooms;
    int32_t rooms_count;
    int32_t *group_first_room; /* [scenario->rooms_count + 1] */
    int32_t *members;          /* client numbers, room by room, in joining order */
    int32_t memberships_count;
    int32_t *client_first; /* [clients_count + 1] into client_rooms */
    int32_t *client_rooms; /* room numbers, client by client, ascending */
};

void roster_init(struct roster *roster, const struct spec_scenario *scenario, uint64_t seed,
                 struct arena *arena);

/* The `entity` of the random streams of a client or a room: its group and its place in that, which
 * stay the same whoever else is added. */
static inline uint64_t roster_client_entity(const struct roster *roster, int32_t client) {
    return (uint64_t)roster->population[client] << 32 | (uint32_t)roster->ordinal[client];
}
static inline uint64_t roster_room_entity(const struct roster *roster, int32_t room) {
    int32_t group = roster->rooms[room].group;
    return (uint64_t)group << 32 | (uint32_t)(room - roster->group_first_room[group]);
}

/* The name a client joins the room under: "r17". */
void roster_room_name(int32_t room, char name[ROSTER_ROOM_NAME_BYTES]);

/* Worker that owns a client's connection when connections are dealt out in the order in which they
 * are accepted. */
int32_t roster_worker(int32_t client, int32_t workers_count);

/* How far apart in the order of accepting the members of such a list are, from 0 (each was accepted
 * right after the one before it) to 1 (nowhere near it): the mean of 1 - 1/d over the distances d
 * from each to the one before, the first counting as far. What the kernel keeps of connections
 * accepted d apart shares a page d times less often. `workers_count` of them take turns. */
double roster_scattered(const int32_t *members, int32_t members_count, int32_t workers_count);

#endif
