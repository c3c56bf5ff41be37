/* A policy is a function from client to node, over three tables: the weighted rotation (every node
 * as often as its weight says, as far apart as can be, nginx's smooth round robin), the nodes by
 * how many connections they hold for their weight (a heap), and a ring of hashed points. Who is in
 * a sharded room goes where the room's shards are instead (shards.h).
 *
 * The least loaded node is asked for once per connection: looking through all nodes would be a
 * thousand times five million steps. */
#include "models/workload/balancer.h"

#include "models/workload/draws.h"
#include "models/workload/faults.h"
#include "models/workload/sessions.h"
#include "models/workload/shards.h"
#include "sim/base/check.h"

#include <stdlib.h>

struct balancer {
    const struct roster *roster;
    uint64_t seed;
    int32_t nodes_count;
    int64_t *weight, *held; /* by node */
    uint64_t *entity;       /* by node: its kind and its number within it */
    int32_t *rotation;      /* nodes in weighted turn, [rotation_count] */
    int64_t rotation_count, next;
    int32_t *heap; /* nodes, the least loaded first */
    struct hash_ring ring;
    struct shards *shards; /* NULL: no room is sharded */
    bool *is_out;          /* by node */
    bool has_changed;      /* a node was out or gave a connection back: the heap is of no use */
    uint64_t number;       /* of the client's connections: names its draws */
    int32_t before;        /* node that it was on; -1: none */
};

/* --- tables --- */

static int64_t common_divisor(int64_t a, int64_t b) {
    return b == 0 ? a : common_divisor(b, a % b);
}

static void list_nodes(struct balancer *balancer, struct arena *arena) {
    const struct spec_scenario *scenario = balancer->roster->scenario;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        balancer->nodes_count += (int32_t)scenario->nodes[kind].count;
    size_t count = (size_t)balancer->nodes_count;
    balancer->weight = ARENA_NEW(arena, count, int64_t);
    balancer->held = ARENA_NEW(arena, count, int64_t);
    balancer->entity = ARENA_NEW(arena, count, uint64_t);
    balancer->heap = ARENA_NEW(arena, count, int32_t);
    balancer->is_out = ARENA_NEW(arena, count, bool);
    int32_t node = 0;
    int64_t divisor = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        for (int64_t i = 0; i < scenario->nodes[kind].count; i++, node++) {
            balancer->weight[node] = scenario->nodes[kind].weight;
            balancer->entity[node] = (uint64_t)kind << 32 | (uint64_t)i;
            balancer->heap[node] = node;
            if (!faults_is_there(scenario, node))
                balancer->is_out[node] = balancer->has_changed = true;
            divisor = common_divisor(balancer->weight[node], divisor);
        }
    for (node = 0; node < balancer->nodes_count; node++)
        balancer->weight[node] /= divisor;
}

static void make_rotation(struct balancer *balancer, struct arena *arena) {
    for (int32_t node = 0; node < balancer->nodes_count; node++)
        balancer->rotation_count += balancer->weight[node];
    balancer->rotation = ARENA_NEW(arena, (size_t)balancer->rotation_count, int32_t);
    int64_t *credit = ARENA_NEW(arena, (size_t)balancer->nodes_count, int64_t);
    for (int64_t i = 0; i < balancer->rotation_count; i++) {
        int32_t most = 0;
        for (int32_t node = 0; node < balancer->nodes_count; node++) {
            credit[node] += balancer->weight[node];
            if (credit[node] > credit[most])
                most = node;
        }
        credit[most] -= balancer->rotation_count;
        balancer->rotation[i] = most;
    }
}

static uint64_t draw(const struct balancer *balancer, uint64_t entity, enum draws_purpose purpose,
                     uint64_t index, struct rng *rng) {
    rng_init(rng,
             (struct rng_name){
                 .seed = balancer->seed, .entity = entity, .purpose = purpose, .index = index});
    return rng_u64(rng);
}

/* --- policies --- */

static int32_t next_in_turn(struct balancer *balancer, int32_t client) {
    (void)client;
    int32_t node = -1;
    for (int64_t i = 0; i < balancer->rotation_count && node < 0; i++) {
        int32_t next = balancer->rotation[balancer->next];
        balancer->next = balancer->next + 1 < balancer->rotation_count ? balancer->next + 1 : 0;
        node = balancer->is_out[next] ? -1 : next;
    }
    return node;
}

/* A node that is out hands over to the next one. */
static int32_t sticky(struct balancer *balancer, int32_t client) {
    if (balancer->before >= 0 && !balancer->is_out[balancer->before])
        return balancer->before;
    return next_in_turn(balancer, client);
}

/* Whether `a` would hold fewer connections for its weight with one more than `b` would. */
static bool is_less_loaded(const struct balancer *balancer, int32_t a, int32_t b) {
    int64_t x = (balancer->held[a] + 1) * balancer->weight[b],
            y = (balancer->held[b] + 1) * balancer->weight[a];
    return x != y ? x < y : a < b;
}

static void sink(struct balancer *balancer, int32_t hole) {
    int32_t *heap = balancer->heap, node = heap[hole];
    for (int32_t child = 2 * hole + 1; child < balancer->nodes_count; child = 2 * hole + 1) {
        if (child + 1 < balancer->nodes_count &&
            is_less_loaded(balancer, heap[child + 1], heap[child]))
            child++;
        if (!is_less_loaded(balancer, heap[child], node))
            break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = node;
}

static int32_t least_of_all(const struct balancer *balancer) {
    int32_t least = -1;
    for (int32_t node = 0; node < balancer->nodes_count; node++)
        if (!balancer->is_out[node] && (least < 0 || is_less_loaded(balancer, node, least)))
            least = node;
    return least;
}

/* The one that was picked last stands at the top and holds one more since. */
static int32_t least_connections(struct balancer *balancer, int32_t client) {
    (void)client;
    if (balancer->has_changed)
        return least_of_all(balancer);
    sink(balancer, 0);
    return balancer->heap[0];
}

enum { REDRAWS_MAX = 1000 };

/* A node that is not out, by weight; after so many draws in vain the next one in turn. */
static int32_t drawn_node(struct balancer *balancer, uint64_t value, struct rng *rng) {
    for (int32_t i = 0; i < REDRAWS_MAX; i++) {
        int32_t node = balancer->rotation[value % (uint64_t)balancer->rotation_count];
        if (!balancer->is_out[node])
            return node;
        value = rng_u64(rng);
    }
    return next_in_turn(balancer, 0);
}

static int32_t at_random(struct balancer *balancer, int32_t client) {
    struct rng rng;
    uint64_t entity = roster_client_entity(balancer->roster, client);
    uint64_t value = draw(balancer, entity, DRAWS_BALANCER, balancer->number, &rng);
    return drawn_node(balancer, value, &rng);
}

static int32_t two_choices(struct balancer *balancer, int32_t client) {
    struct rng rng;
    uint64_t entity = roster_client_entity(balancer->roster, client);
    uint64_t value = draw(balancer, entity, DRAWS_BALANCER, balancer->number, &rng);
    int32_t one = drawn_node(balancer, value, &rng);
    int32_t other = drawn_node(balancer, rng_u64(&rng), &rng);
    return one >= 0 && is_less_loaded(balancer, other, one) ? other : one;
}

/* The first point at or after the client's own, around the end; past the points of who is out. */
static int32_t on_the_ring(struct balancer *balancer, int32_t client) {
    struct rng rng;
    uint64_t entity = roster_client_entity(balancer->roster, client);
    uint64_t at = draw(balancer, entity, DRAWS_BALANCER, 0, &rng);
    return hash_ring_node(&balancer->ring, at, balancer->is_out);
}

static int32_t (*const pick[])(struct balancer *, int32_t) = {
    [SPEC_ROUND_ROBIN] = next_in_turn,
    [SPEC_LEAST_CONNECTIONS] = least_connections,
    [SPEC_RANDOM] = at_random,
    [SPEC_TWO_CHOICES] = two_choices,
    [SPEC_CONSISTENT_HASH] = on_the_ring,
    [SPEC_STICKY] = sticky,
};

struct balancer *balancer_new(const struct roster *roster, uint64_t seed, struct arena *arena) {
    struct balancer *balancer = ARENA_NEW(arena, 1, struct balancer);
    *balancer = (struct balancer){.roster = roster, .seed = seed, .before = -1};
    list_nodes(balancer, arena);
    CHECK(balancer->nodes_count > 0);
    make_rotation(balancer, arena);
    for (int32_t i = balancer->nodes_count / 2; i >= 0; i--)
        sink(balancer, i);
    bool has_shards = shards_are_needed(roster->scenario);
    if (has_shards || roster->scenario->balancer.policy == SPEC_CONSISTENT_HASH)
        hash_ring_init(
            &balancer->ring,
            &(struct hash_ring_nodes){balancer->weight, balancer->entity, balancer->nodes_count},
            seed, arena);
    if (has_shards)
        balancer->shards = shards_new(roster, &balancer->ring, balancer->is_out, seed, arena);
    return balancer;
}

int32_t balancer_pick(struct balancer *balancer, int32_t client, uint64_t number, int32_t before) {
    balancer->number = number;
    balancer->before = before;
    int32_t node = balancer->shards ? shards_node(balancer->shards, client) : -1;
    if (node >= 0)
        balancer->has_changed = true; /* nobody asked the heap */
    else
        node = pick[balancer->roster->scenario->balancer.policy](balancer, client);
    if (node >= 0)
        balancer->held[node]++;
    return node;
}

void balancer_hold(struct balancer *balancer, int32_t node, int64_t by) {
    balancer->held[node] += by;
    balancer->has_changed = true;
}

void balancer_set_out(struct balancer *balancer, int32_t node, bool is_out) {
    balancer->is_out[node] = is_out;
    balancer->has_changed = true;
    if (balancer->shards)
        shards_nodes_changed(balancer->shards);
}

int64_t balancer_surplus(const struct balancer *balancer, int32_t node) {
    int64_t held = 0, weight = 0;
    for (int32_t i = 0; i < balancer->nodes_count; i++) {
        held += balancer->held[i];
        weight += balancer->is_out[i] ? 0 : balancer->weight[i];
    }
    int64_t mine = balancer->is_out[node] ? 0 : balancer->weight[node];
    int64_t share = weight > 0 ? (held * mine + weight - 1) / weight : 0;
    return balancer->held[node] > share ? balancer->held[node] - share : 0;
}

void balancer_deal(const struct roster *roster, uint64_t seed, int32_t *node_of) {
    struct arena arena;
    arena_init(&arena);
    struct balancer *balancer = balancer_new(roster, seed, &arena);
    for (int32_t client = 0; client < roster->clients_count; client++)
        node_of[client] =
            sessions_is_present(roster, client) ? balancer_pick(balancer, client, 0, -1) : -1;
    arena_fini(&arena);
}
