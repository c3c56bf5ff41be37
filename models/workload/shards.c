/* Clients come room by room, mostly, so the nodes of the room that was asked for last are kept. */
#include "models/workload/shards.h"

#include "models/workload/draws.h"

#include <string.h>

struct shards_place {
    int32_t room; /* -1: in no sharded room */
    int32_t number;
};

struct shards {
    const struct roster *roster;
    const struct hash_ring *ring;
    const bool *is_out; /* by node */
    uint64_t seed;
    int32_t nodes_count;
    struct shards_place *places; /* by client */
    int32_t room;                /* of which `nodes` are the shards' nodes; -1: none */
    int32_t *nodes;              /* by shard */
    bool *is_taken;              /* by node */
};

static bool is_sharded(const struct spec_room_group *group) {
    return group->shards != SPEC_UNLIMITED;
}

bool shards_are_needed(const struct spec_scenario *scenario) {
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        if (is_sharded(&scenario->rooms[i]))
            return true;
    return false;
}

/* Those that have a member. */
static int32_t shards_count(const struct roster *roster, int32_t room) {
    int64_t shards = roster->scenario->rooms[roster->rooms[room].group].shards;
    int32_t members = roster->rooms[room].members_count;
    return shards < members ? (int32_t)shards : members;
}

static void place_members(struct shards *shards, int32_t room) {
    const struct roster_room *members = &shards->roster->rooms[room];
    int32_t count = shards_count(shards->roster, room);
    for (int32_t i = 0; i < members->members_count; i++) {
        int32_t client = shards->roster->members[members->members_first + i];
        if (shards->places[client].room < 0)
            shards->places[client] = (struct shards_place){room, i % count};
    }
}

struct shards *shards_new(const struct roster *roster, const struct hash_ring *ring,
                          const bool *is_out, uint64_t seed, struct arena *arena) {
    struct shards *shards = ARENA_NEW(arena, 1, struct shards);
    *shards = (struct shards){.roster = roster,
                              .ring = ring,
                              .is_out = is_out,
                              .seed = seed,
                              .nodes_count = (int32_t)spec_nodes_count(roster->scenario),
                              .room = -1};
    shards->places = ARENA_NEW(arena, (size_t)roster->clients_count, struct shards_place);
    shards->is_taken = ARENA_NEW(arena, (size_t)shards->nodes_count, bool);
    for (int32_t client = 0; client < roster->clients_count; client++)
        shards->places[client].room = -1;
    int32_t most = 0;
    for (int32_t room = 0; room < roster->rooms_count; room++) {
        if (!is_sharded(&roster->scenario->rooms[roster->rooms[room].group]))
            continue;
        place_members(shards, room);
        int32_t count = shards_count(roster, room);
        most = count > most ? count : most;
    }
    shards->nodes = ARENA_NEW(arena, (size_t)most, int32_t);
    return shards;
}

void shards_nodes_changed(struct shards *shards) {
    shards->room = -1;
}

static uint64_t point_of(const struct shards *shards, int32_t room, int32_t number) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = shards->seed,
                                     .entity = roster_room_entity(shards->roster, room),
                                     .purpose = DRAWS_SHARDS,
                                     .index = (uint64_t)number});
    return rng_u64(&rng);
}

/* Where there are more shards than nodes, each node has one before any has another. */
static void find_nodes(struct shards *shards, int32_t room) {
    size_t nodes_count = (size_t)shards->nodes_count;
    shards->room = room;
    memcpy(shards->is_taken, shards->is_out, nodes_count * sizeof *shards->is_taken);
    for (int32_t i = 0; i < shards_count(shards->roster, room); i++) {
        uint64_t at = point_of(shards, room, i);
        int32_t node = hash_ring_node(shards->ring, at, shards->is_taken);
        if (node < 0) {
            memcpy(shards->is_taken, shards->is_out, nodes_count * sizeof *shards->is_taken);
            node = hash_ring_node(shards->ring, at, shards->is_taken);
        }
        shards->nodes[i] = node;
        if (node >= 0)
            shards->is_taken[node] = true;
    }
}

int32_t shards_node(struct shards *shards, int32_t client) {
    const struct shards_place *place = &shards->places[client];
    if (place->room < 0)
        return -1;
    if (place->room != shards->room)
        find_nodes(shards, place->room);
    return shards->nodes[place->number];
}
