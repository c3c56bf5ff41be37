/* A ring of hashed points (Karger and others 1997): which node something belongs to, so that one
 * node more takes from the others and moves nothing between them. A node has 160 points for each
 * unit of its weight, as ketama has, and a point is a draw of the node's own. */
#ifndef HEADROOM_MODELS_WORKLOAD_HASH_RING_H
#define HEADROOM_MODELS_WORKLOAD_HASH_RING_H

#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct hash_ring_point {
    uint64_t at;
    int32_t node;
};
struct hash_ring {
    struct hash_ring_point *points;
    int64_t points_count;
};

struct hash_ring_nodes { /* by node: its weight, and who it is (its kind and its number within it)
                          */
    const int64_t *weight;
    const uint64_t *entity;
    int32_t count;
};

/* Lives in `arena`. */
void hash_ring_init(struct hash_ring *ring, const struct hash_ring_nodes *nodes, uint64_t seed,
                    struct arena *arena);

/* The first node at or after `at`, around the end, past the points of who is out; -1: all are. */
int32_t hash_ring_node(const struct hash_ring *ring, uint64_t at, const bool *is_out);

#endif
