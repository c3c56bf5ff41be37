/* A policy is a function from client to node, over three tables: the weighted rotation (every node
 * as often as its weight says, as far apart as can be, nginx's smooth round robin), the nodes by
 * how many connections they hold for their weight (a heap), and a ring of hashed points.
 *
 * The least loaded node is asked for once per connection: looking through all nodes would be a
 * thousand times five million steps. */
#include "models/workload/balancer.h"

#include "models/workload/draws.h"
#include "sim/base/check.h"

#include <stdlib.h>

enum { POINTS_PER_WEIGHT = 160 }; /* of a node on the hash ring: ketama's number */

struct point {
    uint64_t at;
    int32_t node;
};

struct deal {
    const struct roster *roster;
    uint64_t seed;
    int32_t nodes_count;
    int64_t *weight, *held; /* by node */
    uint64_t *entity;       /* by node: its kind and its number within it */
    int32_t *rotation;      /* nodes in weighted turn, [rotation_count] */
    int64_t rotation_count, next;
    int32_t *heap; /* nodes, the least loaded first */
    struct point *ring;
    int64_t points_count;
};

/* --- tables --- */

static int64_t common_divisor(int64_t a, int64_t b) {
    return b == 0 ? a : common_divisor(b, a % b);
}

static void list_nodes(struct deal *deal, struct arena *arena) {
    const struct spec_scenario *scenario = deal->roster->scenario;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        deal->nodes_count += (int32_t)scenario->nodes[kind].count;
    size_t count = (size_t)deal->nodes_count;
    deal->weight = ARENA_NEW(arena, count, int64_t);
    deal->held = ARENA_NEW(arena, count, int64_t);
    deal->entity = ARENA_NEW(arena, count, uint64_t);
    deal->heap = ARENA_NEW(arena, count, int32_t);
    int32_t node = 0;
    int64_t divisor = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        for (int64_t i = 0; i < scenario->nodes[kind].count; i++, node++) {
            deal->weight[node] = scenario->nodes[kind].weight;
            deal->entity[node] = (uint64_t)kind << 32 | (uint64_t)i;
            deal->heap[node] = node;
            divisor = common_divisor(deal->weight[node], divisor);
        }
    for (node = 0; node < deal->nodes_count; node++)
        deal->weight[node] /= divisor;
}

static void make_rotation(struct deal *deal, struct arena *arena) {
    for (int32_t node = 0; node < deal->nodes_count; node++)
        deal->rotation_count += deal->weight[node];
    deal->rotation = ARENA_NEW(arena, (size_t)deal->rotation_count, int32_t);
    int64_t *credit = ARENA_NEW(arena, (size_t)deal->nodes_count, int64_t);
    for (int64_t i = 0; i < deal->rotation_count; i++) {
        int32_t most = 0;
        for (int32_t node = 0; node < deal->nodes_count; node++) {
            credit[node] += deal->weight[node];
            if (credit[node] > credit[most])
                most = node;
        }
        credit[most] -= deal->rotation_count;
        deal->rotation[i] = most;
    }
}

static int compare_points(const void *a, const void *b) {
    const struct point *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static uint64_t draw(const struct deal *deal, uint64_t entity, enum draws_purpose purpose,
                     uint64_t index, struct rng *rng) {
    rng_init(rng, (struct rng_name){
                      .seed = deal->seed, .entity = entity, .purpose = purpose, .index = index});
    return rng_u64(rng);
}

static void make_ring(struct deal *deal, struct arena *arena) {
    deal->ring = ARENA_NEW(arena, (size_t)(deal->rotation_count * POINTS_PER_WEIGHT), struct point);
    struct rng rng;
    for (int32_t node = 0; node < deal->nodes_count; node++)
        for (int64_t i = 0; i < deal->weight[node] * POINTS_PER_WEIGHT; i++)
            deal->ring[deal->points_count++] = (struct point){
                draw(deal, deal->entity[node], DRAWS_HASH_RING, (uint64_t)i, &rng), node};
    qsort(deal->ring, (size_t)deal->points_count, sizeof *deal->ring, compare_points);
}

/* --- policies --- */

static int32_t next_in_turn(struct deal *deal, int32_t client) {
    (void)client;
    int32_t node = deal->rotation[deal->next];
    deal->next = deal->next + 1 < deal->rotation_count ? deal->next + 1 : 0;
    return node;
}

/* Whether `a` would hold fewer connections for its weight with one more than `b` would. */
static bool is_less_loaded(const struct deal *deal, int32_t a, int32_t b) {
    int64_t x = (deal->held[a] + 1) * deal->weight[b], y = (deal->held[b] + 1) * deal->weight[a];
    return x != y ? x < y : a < b;
}

static void sink(struct deal *deal, int32_t hole) {
    int32_t *heap = deal->heap, node = heap[hole];
    for (int32_t child = 2 * hole + 1; child < deal->nodes_count; child = 2 * hole + 1) {
        if (child + 1 < deal->nodes_count && is_less_loaded(deal, heap[child + 1], heap[child]))
            child++;
        if (!is_less_loaded(deal, heap[child], node))
            break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = node;
}

/* The one that was picked last stands at the top and holds one more since. */
static int32_t least_connections(struct deal *deal, int32_t client) {
    (void)client;
    sink(deal, 0);
    return deal->heap[0];
}

static int32_t drawn_node(const struct deal *deal, uint64_t value) {
    return deal->rotation[value % (uint64_t)deal->rotation_count];
}

static int32_t at_random(struct deal *deal, int32_t client) {
    struct rng rng;
    uint64_t entity = roster_client_entity(deal->roster, client);
    return drawn_node(deal, draw(deal, entity, DRAWS_BALANCER, 0, &rng));
}

static int32_t two_choices(struct deal *deal, int32_t client) {
    struct rng rng;
    uint64_t entity = roster_client_entity(deal->roster, client);
    int32_t one = drawn_node(deal, draw(deal, entity, DRAWS_BALANCER, 0, &rng));
    int32_t other = drawn_node(deal, rng_u64(&rng));
    return is_less_loaded(deal, other, one) ? other : one;
}

/* The first point at or after the client's own, around the end. */
static int32_t on_the_ring(struct deal *deal, int32_t client) {
    struct rng rng;
    uint64_t entity = roster_client_entity(deal->roster, client);
    uint64_t at = draw(deal, entity, DRAWS_BALANCER, 0, &rng);
    int64_t low = 0, high = deal->points_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (deal->ring[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return deal->ring[low < deal->points_count ? low : 0].node;
}

static int32_t (*const pick[])(struct deal *, int32_t) = {
    [SPEC_ROUND_ROBIN] = next_in_turn,
    [SPEC_LEAST_CONNECTIONS] = least_connections,
    [SPEC_RANDOM] = at_random,
    [SPEC_TWO_CHOICES] = two_choices,
    [SPEC_CONSISTENT_HASH] = on_the_ring,
    [SPEC_STICKY] =
        next_in_turn, /* where it lands the first time; nobody comes back in this model */
};

void balancer_deal(const struct roster *roster, uint64_t seed, int32_t *node_of) {
    enum spec_balancing policy = roster->scenario->balancer.policy;
    struct deal deal = {.roster = roster, .seed = seed};
    struct arena arena;
    arena_init(&arena);
    list_nodes(&deal, &arena);
    CHECK(deal.nodes_count > 0);
    make_rotation(&deal, &arena);
    for (int32_t i = deal.nodes_count / 2; i >= 0; i--)
        sink(&deal, i);
    if (policy == SPEC_CONSISTENT_HASH)
        make_ring(&deal, &arena);
    for (int32_t client = 0; client < roster->clients_count; client++) {
        node_of[client] = pick[policy](&deal, client);
        deal.held[node_of[client]]++;
    }
    arena_fini(&arena);
}
