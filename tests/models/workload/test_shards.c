/* Where the members of sharded rooms are. */
#include "models/workload/shards.h"

#include "models/workload/balancer.h"
#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

#include <stdlib.h>

enum { CLIENTS = 24000, NODES_MAX = 64 };

struct dealt {
    struct scenario scenario;
    int32_t node_of[CLIENTS];
};

/* `shards` of rooms of `size`, over so many nodes. The caller forgets it. */
static struct dealt *deal(int32_t size, int32_t shards, int32_t nodes, const char *policy) {
    struct dealt *dealt = calloc(1, sizeof *dealt);
    ck_assert_ptr_nonnull(dealt);
    struct text json;
    text_init(&json);
    text_addf(
        &json,
        "{\"name\": \"t\", \"seed\": \"11\", \"populations\": {\"p\": {\"connections\": %d}}, "
        "\"rooms\": {\"g\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"], \"shards\": %d}}, "
        "\"nodes\": {\"n\": {\"count\": %d}}, \"balancer\": {\"policy\": \"%s\"}, \"backplane\": "
        "{\"kind\": \"registry\"}}",
        CLIENTS, size, shards, nodes, policy);
    scenario_init(&dealt->scenario, text_bytes(&json));
    text_fini(&json);
    balancer_deal(&dealt->scenario.roster, dealt->scenario.spec.seed, dealt->node_of);
    return dealt;
}

static void forget(struct dealt *dealt) {
    scenario_fini(&dealt->scenario);
    free(dealt);
}

/* Members by node; returns how many nodes have one. */
static int32_t spread(const struct dealt *dealt, int32_t room, int32_t held[NODES_MAX]) {
    const struct roster *roster = &dealt->scenario.roster;
    int32_t nodes = 0;
    for (int32_t node = 0; node < NODES_MAX; node++)
        held[node] = 0;
    for (int32_t i = 0; i < roster->rooms[room].members_count; i++) {
        int32_t node = dealt->node_of[roster->members[roster->rooms[room].members_first + i]];
        ck_assert_int_ge(node, 0);
        nodes += held[node]++ == 0;
    }
    return nodes;
}

/* 24,000 members on 10 of 16 nodes: 2,400 on each, whatever the policy. */
START_TEST(members_take_turns_on_the_nodes_of_their_room) {
    static const char *const policies[] = {"round_robin", "least_connections", "consistent_hash"};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct dealt *dealt = deal(CLIENTS, 10, 16, policies[i]);
        int32_t held[NODES_MAX];
        ck_assert_int_eq(spread(dealt, 0, held), 10);
        for (int32_t node = 0; node < 16; node++)
            ck_assert(held[node] == 0 || held[node] == 2400);
        forget(dealt);
    }
}
END_TEST

/* 240 rooms, each wholly on one of 8 nodes: 30 on each on average. What a node gets varies with its
 * part of the ring (8 %) and binomially: sqrt(240 * 1/8 * 7/8) = 5.1 rooms; four of both are 23. */
START_TEST(a_room_of_one_shard_has_one_owner_and_owners_differ) {
    struct dealt *dealt = deal(100, 1, 8, "round_robin");
    int32_t held[NODES_MAX], owned[NODES_MAX] = {0};
    for (int32_t room = 0; room < 240; room++) {
        ck_assert_int_eq(spread(dealt, room, held), 1);
        owned[dealt->node_of[room * 100]]++;
    }
    for (int32_t node = 0; node < 8; node++)
        ck_assert_int_lt(abs(owned[node] - 30), 23);
    forget(dealt);
}
END_TEST

START_TEST(no_node_has_two_shards_before_each_has_one) {
    struct dealt *many = deal(CLIENTS, 12, 8, "round_robin");
    int32_t held[NODES_MAX];
    ck_assert_int_eq(spread(many, 0, held), 8);
    for (int32_t node = 0; node < 8; node++) /* a second one on 4 of them */
        ck_assert(held[node] == 2000 || held[node] == 4000);
    forget(many);
    struct dealt *small = deal(3, 5, 8, "round_robin");
    for (int32_t room = 0; room < 100; room++)
        ck_assert_int_eq(spread(small, room, held), 3);
    forget(small);
}
END_TEST

/* A ninth of all goes to the ninth node: of 240 rooms with one owner, a standard deviation of
 * sqrt(240 * 1/9 * 8/9) = 4.9, and 8 % for its part of the ring. Nobody else moves, but for shards
 * that make way for another one of their room. */
START_TEST(one_node_more_takes_shards_and_leaves_the_others_where_they_are) {
    static const int32_t shards[] = {1, 4};
    for (size_t i = 0; i < COUNT_OF(shards); i++) {
        struct dealt *before = deal(100, shards[i], 8, "round_robin");
        struct dealt *after = deal(100, shards[i], 9, "round_robin");
        double moved = 0, elsewhere = 0;
        for (int32_t client = 0; client < CLIENTS; client++) {
            bool has_moved = after->node_of[client] != before->node_of[client];
            moved += has_moved && after->node_of[client] == 8;
            elsewhere += has_moved && after->node_of[client] != 8;
        }
        ck_assert_double_eq_tol(moved / CLIENTS, 1 / 9.0, 4 * (4.9 / 240 + 0.08 / 9));
        ck_assert_double_le(elsewhere / CLIENTS, i == 0 ? 0 : 0.05);
        forget(before);
        forget(after);
    }
}
END_TEST

START_TEST(a_shard_whose_node_is_out_is_elsewhere_until_it_is_back_and_no_other_moves) {
    struct dealt *dealt = deal(100, 1, 8, "round_robin");
    struct arena arena;
    arena_init(&arena);
    struct balancer *balancer = balancer_new(&dealt->scenario.roster, 11, &arena);
    balancer_set_out(balancer, 3, true);
    for (int32_t client = 0; client < CLIENTS; client++) {
        int32_t node = balancer_pick(balancer, client, 1, dealt->node_of[client]);
        ck_assert_int_ge(node, 0);
        ck_assert(dealt->node_of[client] == 3 ? node != 3 : node == dealt->node_of[client]);
    }
    balancer_set_out(balancer, 3, false);
    for (int32_t client = 0; client < CLIENTS; client++)
        ck_assert_int_eq(balancer_pick(balancer, client, 2, -1), dealt->node_of[client]);
    for (int32_t node = 0; node < 8; node++)
        balancer_set_out(balancer, node, true);
    ck_assert_int_eq(balancer_pick(balancer, 0, 3, -1), -1);
    arena_fini(&arena);
    forget(dealt);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(members_take_turns_on_the_nodes_of_their_room),
        TEST(a_room_of_one_shard_has_one_owner_and_owners_differ),
        TEST(no_node_has_two_shards_before_each_has_one),
        TEST(one_node_more_takes_shards_and_leaves_the_others_where_they_are),
        TEST(a_shard_whose_node_is_out_is_elsewhere_until_it_is_back_and_no_other_moves),
    };
    return suite_run("models/workload/shards", tests, COUNT_OF(tests));
}
