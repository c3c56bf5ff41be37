/* Several nodes: who is where, what runs out on which of them, and what nobody carries across. */
#include "tests/models/cluster/simulation.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

static const struct outcome_resource *resource_of(const struct outcome *outcome, const char *name) {
    const struct outcome_resource *resource = outcome_find_resource(outcome, name);
    ck_assert_msg(resource != NULL, "no resource %s", name);
    return resource;
}

/* 20,000 rooms: the standard error of the mean is 0.05 % of it. */
START_TEST(a_room_at_random_touches_as_many_nodes_as_the_formula_says) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 200000}}, "
                    "\"rooms\": {\"g\": {\"size\": {\"constant\": 10}, \"members\": [\"p\"]}}, "
                    "\"nodes\": {\"n\": {\"count\": 100, \"open_files\": 20000}}, "
                    "\"balancer\": {\"policy\": \"random\"}}");
    const struct layout *layout = &simulation.layout;
    double count = layout->roster->rooms_count, sum = 0, squares = 0;
    for (int32_t room = 0; room < layout->roster->rooms_count; room++) {
        double nodes = (double)(layout->room_first[room + 1] - layout->room_first[room]);
        sum += nodes;
        squares += nodes * nodes;
    }
    double mean = sum / count, error = sqrt((squares / count - mean * mean) / count);
    double expected = golden("distinct nodes M=100 k=10,,");
    ck_assert_double_eq_tol(mean / expected, 1, 0.005);
    ck_assert_double_lt(fabs(mean - expected), 3.3 * error);
    simulation_fini(&simulation);
}
END_TEST

/* Consecutive joiners under round robin: min(k, M). */
START_TEST(a_room_of_consecutive_joiners_touches_each_node_once) {
    static const int32_t sizes[] = {2, 4, 6};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct simulation simulation;
        simulation_init(&simulation,
                        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 240}}, "
                        "\"rooms\": {\"g\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"]}}, "
                        "\"nodes\": {\"n\": {\"count\": 4}}}",
                        sizes[i]);
        const struct layout *layout = &simulation.layout;
        for (int32_t room = 0; room < layout->roster->rooms_count; room++)
            ck_assert_int_eq(layout->room_first[room + 1] - layout->room_first[room],
                             sizes[i] < 4 ? sizes[i] : 4);
        simulation_fini(&simulation);
    }
}
END_TEST

/* Every member is listed once, at the slot that its client finds, in joining order. */
START_TEST(members_are_listed_where_their_clients_are) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 997}}, \"rooms\": {\"g\": "
        "{\"size\": {\"zipf\": {\"exponent\": 1.2, \"lowest\": 2, \"highest\": 300}}, \"members\": "
        "[\"p\"], \"count\": 60, \"placement\": \"scattered\"}}, \"nodes\": {\"a\": {\"count\": 2, "
        "\"workers\": 3}, \"b\": {\"open_files\": 300}}, \"balancer\": {\"policy\": "
        "\"two_choices\"}}");
    const struct layout *layout = &simulation.layout;
    const struct roster *roster = layout->roster;
    int64_t listed = 0, let_in = 0;
    for (int32_t worker = 0; worker < layout->workers_count; worker++)
        for (int32_t slot = 0; slot < layout_slots_count(layout, worker); slot++) {
            const struct layout_room *view = layout_room(layout, worker, slot);
            ck_assert_int_eq(layout_slot(layout, worker, view->room), slot);
            for (int32_t i = 0; i < view->members_count; i++)
                ck_assert_int_eq(layout->worker_of[view->members[i]], worker);
            listed += view->members_count;
        }
    for (int32_t client = 0; client < roster->clients_count; client++) {
        int32_t worker = layout->worker_of[client];
        if (worker < 0)
            continue;
        ck_assert_int_eq(layout->worker_node[worker], layout->node_of[client]);
        for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++) {
            let_in++;
            ck_assert_int_eq(layout_slot(layout, worker, roster->client_rooms[i]),
                             layout->client_slots[i]);
        }
    }
    ck_assert_int_eq(listed, let_in);
    ck_assert_int_eq(layout->connections_count + layout->refused_count, 997);
    ck_assert_int_gt(layout->refused_count, 0); /* b takes 264 of a third of 997 */
    ck_assert_int_eq(layout->nodes[2].refused_count, layout->refused_count);
    simulation_fini(&simulation);
}
END_TEST

/* Against a walk over all of the room's places; 60 rooms, most of them smaller than the 7 workers
 * are many. */
START_TEST(a_nodes_share_of_a_room_is_found_without_a_walk) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 997}}, \"rooms\": {\"g\": "
        "{\"size\": {\"zipf\": {\"exponent\": 1.4, \"lowest\": 2, \"highest\": 60}}, \"members\": "
        "[\"p\"], \"count\": 60}}, \"nodes\": {\"a\": {\"count\": 2, \"workers\": 3}, \"b\": {}}, "
        "\"balancer\": {\"policy\": \"random\"}}");
    const struct layout *layout = &simulation.layout;
    int32_t absent = 0, present = 0;
    for (int32_t room = 0; room < layout->roster->rooms_count; room++) {
        int64_t next = layout->room_first[room];
        for (int32_t node = 0; node < layout->nodes_count; node++) {
            struct layout_places places = layout_places(layout, node, room);
            ck_assert_int_eq(places.first, next);
            while (next < layout->room_first[room + 1] &&
                   layout->worker_node[layout->room_at[next].worker] == node)
                next++;
            ck_assert_int_eq(places.end, next);
        }
        for (int32_t worker = 0; worker < layout->workers_count; worker++) {
            int32_t slot = -1;
            for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++)
                if (layout->room_at[i].worker == worker)
                    slot = layout->room_at[i].slot;
            ck_assert_int_eq(layout_slot(layout, worker, room), slot);
            absent += slot < 0;
            present += slot >= 0;
        }
    }
    ck_assert_int_gt(absent, 60);
    ck_assert_int_gt(present, 60);
    simulation_fini(&simulation);
}
END_TEST

static void init_three_nodes(struct simulation *simulation, int32_t members, const char *more) {
    simulation_init(simulation,
                    "{\"name\": \"t\", \"objectives\": {\"delivery\": {\"within\": \"100ms\"}}, "
                    "\"populations\": {\"p\": {\"connections\": 3000}}, \"rooms\": {\"g\": "
                    "{\"size\": {\"constant\": %d}, \"members\": [\"p\"]}}, \"traffic\": {\"t\": "
                    "{\"from\": \"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"10/s per user\"}, "
                    "\"bytes\": {\"constant\": 100}}}, \"nodes\": {\"n\": {\"count\": 3, "
                    "\"open_files\": 2000}%s}, \"window\": {\"warm_up\": \"200ms\", \"measure\": "
                    "\"2s\"}}",
                    members, more);
    simulation->costs.value[COST_turn] = 5000;
    simulation->costs.value[COST_read] = 2000;
    simulation->costs.value[COST_publish] = 2000;
    simulation->costs.value[COST_write] = 5000;
}

/* 1,000 users of 10/s per node, alone in their rooms: 10,000/s of read, publish and write, 9 us,
 * plus a turn of 5 us for at least each queue of them: 0.09 busy and at most 0.14. */
START_TEST(a_node_has_the_load_of_its_own_clients) {
    struct simulation simulation;
    init_three_nodes(&simulation, 1, "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_unrouted], 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_lost], 0);
    ck_assert_int_eq(outcome.verdict, OUTCOME_HOLDS);
    int32_t nodes = 0;
    for (int32_t i = 0; i < outcome.by_node_count; i++) {
        const struct outcome_resource *resource = &outcome.by_node[i];
        if (strcmp(resource->name, "worker_cpu") != 0)
            continue;
        static const char *const names[] = {"n-1", "n-2", "n-3"};
        ck_assert_str_eq(resource->node, names[nodes++]);
        ck_assert_double_gt(resource->used, 0.085);
        ck_assert_double_lt(resource->used, 0.145);
        ck_assert_double_le(resource->used, resource_of(&outcome, "worker_cpu")->used);
    }
    ck_assert_int_eq(nodes, 3);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* Rooms of three over three nodes: a publish reaches one member of three. */
START_TEST(without_a_backplane_members_on_other_nodes_hear_nothing) {
    struct simulation simulation;
    init_three_nodes(&simulation, 3, "");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_lost] * 3, outcome.metric[OUTCOME_due] * 2);
    ck_assert_double_gt(outcome.metric[OUTCOME_unrouted], outcome.metric[OUTCOME_lost]);
    ck_assert_int_eq(outcome.verdict, OUTCOME_FAILS);
    ck_assert_str_eq(outcome.broke, "backplane");
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* The fourth node, of another kind, gets a quarter of 3,000 and lets in 100 - 36. */
START_TEST(what_breaks_is_named_with_its_node) {
    struct simulation simulation;
    init_three_nodes(&simulation, 1, ", \"small\": {\"open_files\": 100}");
    struct outcome outcome = simulation_run(&simulation, 0);
    ck_assert_double_eq(outcome.metric[OUTCOME_refused], 750 - 64);
    ck_assert_str_eq(outcome.broke, "open_files");
    ck_assert_str_eq(outcome_broke_node(&outcome), "small");
    ck_assert_double_eq(resource_of(&outcome, "open_files")->used, 750 + 36);
    outcome_fini(&outcome);
    simulation_fini(&simulation);
}
END_TEST

/* The nodes share nothing but the plan: three kinds of one node are three nodes of one kind. */
START_TEST(kinds_that_are_alike_are_one_kind) {
    uint64_t fingerprints[2];
    for (int32_t i = 0; i < 2; i++) {
        struct simulation simulation;
        if (i == 0)
            init_three_nodes(&simulation, 3, "");
        else
            simulation_init(&simulation,
                            "{\"name\": \"t\", \"objectives\": {\"delivery\": {\"within\": "
                            "\"100ms\"}}, \"populations\": {\"p\": {\"connections\": 3000}}, "
                            "\"rooms\": {\"g\": {\"size\": {\"constant\": 3}, \"members\": "
                            "[\"p\"]}}, \"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", "
                            "\"rate\": {\"poisson\": \"10/s per user\"}, \"bytes\": {\"constant\": "
                            "100}}}, \"nodes\": {\"a\": {\"open_files\": 2000}, \"b\": "
                            "{\"open_files\": 2000}, \"c\": {\"open_files\": 2000}}, \"window\": "
                            "{\"warm_up\": \"200ms\", \"measure\": \"2s\"}}");
        simulation.costs.value[COST_turn] = 5000;
        simulation.costs.value[COST_read] = 2000;
        simulation.costs.value[COST_publish] = 2000;
        simulation.costs.value[COST_write] = 5000;
        struct outcome outcome = simulation_run(&simulation, 0);
        fingerprints[i] = outcome.fingerprint;
        outcome_fini(&outcome);
        simulation_fini(&simulation);
    }
    ck_assert_uint_eq(fingerprints[0], fingerprints[1]);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_room_at_random_touches_as_many_nodes_as_the_formula_says),
        TEST(a_room_of_consecutive_joiners_touches_each_node_once),
        TEST(members_are_listed_where_their_clients_are),
        TEST(a_nodes_share_of_a_room_is_found_without_a_walk),
        TEST(a_node_has_the_load_of_its_own_clients),
        TEST(without_a_backplane_members_on_other_nodes_hear_nothing),
        TEST(what_breaks_is_named_with_its_node),
        TEST(kinds_that_are_alike_are_one_kind),
    };
    return suite_run("cluster/nodes", tests, COUNT_OF(tests));
}
