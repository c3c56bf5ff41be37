/* Points are sorted once; whoever asks finds the first at or after its own by bisection. */
#include "models/workload/hash_ring.h"

#include "models/workload/draws.h"

#include <stdlib.h>

enum { POINTS_PER_WEIGHT = 160 };

static int compare_points(const void *a, const void *b) {
    const struct hash_ring_point *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

void hash_ring_init(struct hash_ring *ring, const struct hash_ring_nodes *nodes, uint64_t seed,
                    struct arena *arena) {
    int64_t weight = 0;
    for (int32_t node = 0; node < nodes->count; node++)
        weight += nodes->weight[node];
    *ring = (struct hash_ring){0};
    ring->points = ARENA_NEW(arena, (size_t)(weight * POINTS_PER_WEIGHT), struct hash_ring_point);
    for (int32_t node = 0; node < nodes->count; node++)
        for (int64_t i = 0; i < nodes->weight[node] * POINTS_PER_WEIGHT; i++) {
            struct rng rng;
            rng_init(&rng, (struct rng_name){.seed = seed,
                                             .entity = nodes->entity[node],
                                             .purpose = DRAWS_HASH_RING,
                                             .index = (uint64_t)i});
            ring->points[ring->points_count++] = (struct hash_ring_point){rng_u64(&rng), node};
        }
    qsort(ring->points, (size_t)ring->points_count, sizeof *ring->points, compare_points);
}

int32_t hash_ring_node(const struct hash_ring *ring, uint64_t at, const bool *is_out) {
    int64_t low = 0, high = ring->points_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (ring->points[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    for (int64_t i = 0; i < ring->points_count; i++) {
        int32_t node = ring->points[(low + i) % ring->points_count].node;
        if (!is_out[node])
            return node;
    }
    return -1;
}
