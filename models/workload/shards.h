/* On which nodes the members of a sharded room are (row: rooms.<group>.shards).
 *
 * Each shard of a room has a point of its own on the ring of nodes (hash_ring.h) and is on the
 * first one from there that has none of the room's shards yet; members take turns on the shards, so
 * any two differ by one member at most. One shard is a room with one owner. A node more takes
 * shards from the others; between those one moves only where it has to make way. The alternative,
 * as many nodes as shards from one point on, would move half of a room. Who is in several such
 * rooms has one connection all the same: the first room decides. */
#ifndef HEADROOM_MODELS_WORKLOAD_SHARDS_H
#define HEADROOM_MODELS_WORKLOAD_SHARDS_H

#include "models/workload/hash_ring.h"
#include "models/workload/roster.h"

struct shards;

/* Whether any group of rooms is sharded. */
bool shards_are_needed(const struct spec_scenario *scenario);
/* Lives in `arena`; roster, ring and is_out, by node, outlive it. */
struct shards *shards_new(const struct roster *roster, const struct hash_ring *ring,
                          const bool *is_out, uint64_t seed, struct arena *arena);
/* Somebody is out who was not, or the contrary: shards that were on a node that is out are on
 * others, and those others' own stay. */
void shards_nodes_changed(struct shards *shards);
/* The node of the client's shard. -1: all are out, or it is in no sharded room. */
int32_t shards_node(struct shards *shards, int32_t client);

#endif
