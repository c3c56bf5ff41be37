/* The ceiling by arithmetic, against the formulas that it is made of, worked out by hand, and
 * against published numbers; that the simulation agrees with it is e2e/test_explain.py's. */
#include "models/cluster/closed_form.h"

#include "models/cluster/extent.h"
#include "models/workload/protocol.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

#include <math.h>

#define ONE_ROOM                                                                                   \
    "{\"name\": \"one-room\", \"populations\": {\"p\": {\"connections\": %d}}, \"rooms\": "        \
    "{\"g\": {\"size\": {\"constant\": %d}, \"members\": [\"p\"]}}, \"traffic\": {\"t\": "         \
    "{\"from\": \"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"100/s in all\"}, \"bytes\": "      \
    "{\"constant\": 126}}}, \"nodes\": {\"n\": {\"open_files\": 100000%s}}%s}"
#define NO_BOUNDS                                                                                  \
    ", \"turn\": {\"events\": 65536, \"flush_after\": \"10s\", \"flush_bytes\": \"64MiB\", "       \
    "\"read\": \"1MiB\"}"

static void set_costs(struct simulation *simulation) {
    double *cost = simulation->costs.value;
    cost[COST_turn] = 5000;
    cost[COST_write] = 1700;
    cost[COST_publish] = 2000;
    cost[COST_frame] = 50;
    cost[COST_byte] = 0.1;
}

static struct closed_form form_of(struct simulation *simulation) {
    struct closed_form form;
    closed_form_init(&form, &simulation->layout, &simulation->scenario.arena);
    return form;
}

/* 100/s in all at scale 1; the golden line is the triangular law of the formulas page. */
START_TEST(a_hot_room_has_the_ceiling_of_the_triangular_law) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 1000, 1000, NO_BOUNDS, "");
    set_costs(&simulation);
    struct closed_form form = form_of(&simulation);
    struct closed_form_ceiling ceiling = closed_form_find_ceiling(&form, &simulation.costs);
    double expected = golden("coalesced ceiling publishes/s,c_turn=5us N=1000 c_write=1.7us "
                             "c_pub=2us c_msg=50ns c_byte=0.1ns m=130 L=100ms,");
    ck_assert_double_eq_tol(100 * ceiling.scale / expected, 1, 0.002);
    ck_assert_int_eq(ceiling.limit, CLOSED_FORM_LATE);
    ck_assert_double_eq_tol(ceiling.turn_s, 0.1 / (2 - sqrt(0.02)), 1e-6);
    ck_assert_double_eq(ceiling.wait_s, 0);
    double sum = 0;
    for (int i = 0; i < COST_COUNT; i++)
        sum += ceiling.share[i];
    ck_assert_double_eq_tol(sum, 1, 1e-9);
    /* By hand: a turn of 53.8 ms writes the room once, 1.7 ms of it. */
    ck_assert_double_eq_tol(ceiling.share[COST_write], 1000 * 1.7e-6 / ceiling.turn_s, 1e-4);
    simulation_fini(&simulation);
}
END_TEST

/* M/D/1 of 1 ms per customer: 1 % wait more than 100 ms at a utilisation of 0.977 (the exponential
 * tail: 100 rho = exp(200 (1 - rho))). */
START_TEST(written_at_once_a_room_of_one_is_a_queue_of_single_customers) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 1, 1, ", \"fan_out\": \"write_at_once\"", "");
    simulation.costs.value[COST_write] = 1e6;
    struct closed_form form = form_of(&simulation);
    struct closed_form_ceiling ceiling = closed_form_find_ceiling(&form, &simulation.costs);
    ck_assert_double_eq_tol(ceiling.busy, 0.977, 0.0005);
    ck_assert_double_eq_tol(100 * ceiling.scale * 1e-3, ceiling.busy, 1e-6);
    ck_assert_double_eq_tol(ceiling.turn_s, 1e-3, 1e-9);
    simulation_fini(&simulation);
}
END_TEST

/* L / (1.86 c_write) of the formulas page: 31,600 at 1.7 us and 7,700 at 7 us, both at 100 ms; at
 * once L / c_write. */
START_TEST(a_room_cap_is_the_objective_over_turns_over_a_write) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 10, 10, "", "");
    set_costs(&simulation);
    struct closed_form form = form_of(&simulation);
    ck_assert_double_eq_tol(closed_form_room_cap(&form, &simulation.costs) / 31600, 1, 0.005);
    simulation.costs.value[COST_write] = 7000;
    ck_assert_double_eq_tol(closed_form_room_cap(&form, &simulation.costs) / 7700, 1, 0.005);
    simulation_fini(&simulation);
    simulation_init(&simulation, ONE_ROOM, 10, 10, ", \"fan_out\": \"write_at_once\"", "");
    simulation.costs.value[COST_write] = 2385;
    form = form_of(&simulation);
    ck_assert_double_eq_tol(closed_form_room_cap(&form, &simulation.costs), 0.1 / 2.385e-6, 1e-6);
    simulation_fini(&simulation);
}
END_TEST

/* 40,000 writes of 7 us take 280 ms. */
START_TEST(no_load_holds_in_a_room_whose_burst_alone_is_late) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 40000, 40000, NO_BOUNDS, "");
    simulation.costs.value[COST_write] = 7000;
    struct closed_form form = form_of(&simulation);
    struct closed_form_ceiling ceiling = closed_form_find_ceiling(&form, &simulation.costs);
    ck_assert_int_eq(ceiling.limit, CLOSED_FORM_TOO_LARGE);
    ck_assert_double_eq(ceiling.scale, 0);
    simulation_fini(&simulation);
}
END_TEST

/* Clocks that run twice as fast: half of every cost and of the objective is twice the load. */
START_TEST(a_machine_twice_as_fast_with_half_the_objective_carries_twice_the_load) {
    struct simulation slow, fast;
    simulation_init(&slow, ONE_ROOM, 3000, 300, NO_BOUNDS, "");
    simulation_init(&fast, ONE_ROOM, 3000, 300, NO_BOUNDS,
                    ", \"objectives\": {\"delivery\": {\"within\": \"50ms\"}}");
    set_costs(&slow);
    for (int i = 0; i < COST_COUNT; i++)
        fast.costs.value[i] = slow.costs.value[i] / 2;
    struct closed_form slow_form = form_of(&slow), fast_form = form_of(&fast);
    double ratio = closed_form_find_ceiling(&fast_form, &fast.costs).scale /
                   closed_form_find_ceiling(&slow_form, &slow.costs).scale;
    ck_assert_double_eq_tol(ratio, 2, 1e-6);
    simulation_fini(&slow);
    simulation_fini(&fast);
}
END_TEST

/* A turn takes 3 of 10 sockets, 20 us each. Written is next to nothing, so with rooms of one a
 * socket's round takes 10/3 turns of 60 us, and what comes meanwhile is read at once: the ceiling
 * is far above one publish per read. */
START_TEST(sockets_that_wait_for_a_full_turn_have_more_to_read) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 10, 1, ", \"turn\": {\"events\": 3}", "");
    simulation.costs.value[COST_read] = 20000;
    simulation.costs.value[COST_publish] = 100;
    struct closed_form form = form_of(&simulation);
    struct closed_form_ceiling ceiling = closed_form_find_ceiling(&form, &simulation.costs);
    ck_assert_double_gt(100 * ceiling.scale, 2 / 20e-6);
    simulation_fini(&simulation);
}
END_TEST

/* 512 B of each publisher in a turn: a read each 20 us. */
START_TEST(what_is_read_of_a_socket_in_a_turn_is_a_limit_of_its_own) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 1, 1, ", \"turn\": {\"read\": \"512B\"}", "");
    simulation.costs.value[COST_read] = 20000;
    struct closed_form form = form_of(&simulation);
    struct closed_form_ceiling ceiling = closed_form_find_ceiling(&form, &simulation.costs);
    ck_assert_int_eq(ceiling.limit, CLOSED_FORM_READ);
    double in_bytes = (double)protocol_inbound_bytes(126);
    ck_assert_double_eq_tol(100 * ceiling.scale, 512 / in_bytes / 20e-6, 1);
    simulation_fini(&simulation);
}
END_TEST

/* Two workers have half of each room, and hear of all its publishes. */
START_TEST(each_worker_has_its_members_and_every_publish) {
    struct simulation simulation;
    simulation_init(&simulation, ONE_ROOM, 3000, 300, ", \"workers\": 2", "");
    struct closed_form form = form_of(&simulation);
    ck_assert_int_eq(form.workers_count, 2);
    for (int32_t i = 0; i < 2; i++) {
        double rooms = 0, members = 0, heard = 0, read = 0;
        for (int32_t c = 0; c < form.workers[i].classes_count; c++) {
            const struct closed_form_class *class = &form.workers[i].classes[c];
            rooms += class->rooms;
            members += class->rooms * class->members;
            heard += class->rooms * class->heard_per_s;
            read += class->rooms * class->read_per_s;
        }
        ck_assert_double_eq(rooms, 10);
        ck_assert_double_eq(members, 1500);
        ck_assert_double_eq_tol(heard, 100, 1e-9);
        ck_assert_double_eq_tol(read, 50, 1e-9);
    }
    simulation_fini(&simulation);
}
END_TEST

START_TEST(an_extent_leaves_a_range_at_either_end_and_not_at_the_ends_themselves) {
    const struct range *range = range_of(RANGE_message_bytes);
    ck_assert(!extent_leaves(&(struct extent){range->lowest, range->highest}, range));
    ck_assert(extent_leaves(&(struct extent){range->lowest - 1, 100}, range));
    ck_assert(extent_leaves(&(struct extent){100, range->highest + 1}, range));
    ck_assert(!extent_leaves(&(struct extent){NAN, NAN}, range));
    struct simulation simulation;
    struct extent extents[RANGE_COUNT];
    simulation_init(&simulation, ONE_ROOM, 3000, 1500, NO_BOUNDS, "");
    set_costs(&simulation);
    struct closed_form form = form_of(&simulation);
    struct closed_form_ceiling ceiling = closed_form_find_ceiling(&form, &simulation.costs);
    extent_of(&simulation.layout, &form, &ceiling, extents);
    ck_assert_double_eq(extents[RANGE_room_members].highest, 1500);
    ck_assert(extent_leaves(&extents[RANGE_room_members], range_of(RANGE_room_members)));
    ck_assert_double_eq(extents[RANGE_connections].lowest, 3000);
    ck_assert_double_eq(extents[RANGE_message_bytes].lowest, 126);
    ck_assert(isnan(extents[RANGE_send_buffer].lowest)); /* nobody is slow */
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_hot_room_has_the_ceiling_of_the_triangular_law),
        TEST(written_at_once_a_room_of_one_is_a_queue_of_single_customers),
        TEST(a_room_cap_is_the_objective_over_turns_over_a_write),
        TEST(no_load_holds_in_a_room_whose_burst_alone_is_late),
        TEST(a_machine_twice_as_fast_with_half_the_objective_carries_twice_the_load),
        TEST(sockets_that_wait_for_a_full_turn_have_more_to_read),
        TEST(what_is_read_of_a_socket_in_a_turn_is_a_limit_of_its_own),
        TEST(each_worker_has_its_members_and_every_publish),
        TEST(an_extent_leaves_a_range_at_either_end_and_not_at_the_ends_themselves)};
    return suite_run("cluster/closed form", tests, COUNT_OF(tests));
}
