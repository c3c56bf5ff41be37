/* From what a load needs to what one must have; expected numbers by hand from docs/plan.md. */
#include "study/sizing.h"

#include "tests/sim/suite.h"

#include <math.h>

START_TEST(what_is_lost_must_not_be_needed) {
    struct sizing_demand demand = {.needed = 5, .busy = 4.2, .zones = 3};
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ALL_THERE), 5);
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ONE_LOST), 6);
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_DRAIN), 6);
    /* 7 in three zones lose 3 and keep 4; 8 lose 3 and keep 5 */
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ZONE_LOST), 8);
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_STORM), 5);
}
END_TEST

START_TEST(the_fullest_zone_is_the_one_that_goes) {
    ck_assert_int_eq(sizing_lost(7, 3, SIZING_ZONE_LOST), 3);
    ck_assert_int_eq(sizing_lost(6, 3, SIZING_ZONE_LOST), 2);
    ck_assert_int_eq(sizing_lost(2, 3, SIZING_ZONE_LOST), 1);
    ck_assert_int_eq(sizing_lost(2, 2, SIZING_STORM), 0);
}
END_TEST

START_TEST(one_zone_cannot_be_lost) {
    struct sizing_demand demand = {.needed = 2, .busy = 1.1, .zones = 1};
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ZONE_LOST), 0);
    demand.zones = 2; /* the other one holds it alone */
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ZONE_LOST), 4);
}
END_TEST

/* All clients back: 2.7 nodes' worth of accepts beside 4.2 of the load: 6.9, so 7; with 7 it takes
 * 2.7 / 2.8 of the time allowed. */
START_TEST(who_comes_back_must_be_let_in) {
    struct sizing_demand demand = {.needed = 5, .busy = 4.2, .accept = 2.7, .zones = 3};
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_STORM), 7);
    ck_assert_double_eq_tol(sizing_recovery(&demand, SIZING_STORM, 7), 2.7 / 2.8, 1e-12);
    ck_assert(sizing_recovery(&demand, SIZING_STORM, 6) > 1);
    /* 6 lose one: a sixth of 2.7 is 0.45, and 0.8 is spare */
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ONE_LOST), 6);
    /* 8 lose 3: 3/8 of 2.7 is 1.0125 and 0.8 is spare; 9 lose 3: 0.9 and 1.8 */
    ck_assert_int_eq(sizing_nodes(&demand, SIZING_ZONE_LOST), 9);
    demand.busy = 6;
    ck_assert_double_infinite(sizing_recovery(&demand, SIZING_STORM, 6));
}
END_TEST

START_TEST(the_front_is_what_nothing_beats) {
    struct sizing_point points[] = {
        {.cost = 3, .latency_ms = 20}, /* beaten by the next */
        {.cost = 3, .latency_ms = 17},  {.cost = 4.5, .latency_ms = 9},
        {.cost = 5, .latency_ms = 9}, /* dearer and no better */
        {.cost = 2, .latency_ms = NAN},
    };
    sizing_mark_front(points, COUNT_OF(points));
    const bool expected[] = {false, true, true, false, false};
    for (size_t i = 0; i < COUNT_OF(points); i++)
        ck_assert_msg(points[i].is_on_front == expected[i], "point %zu", i);
}
END_TEST

START_TEST(the_widest_bar_comes_first_whichever_way_it_points) {
    struct sizing_bar bars[] = {{"a", 0, 100, 90},
                                {"b", 1, 80, 130},
                                {"c", 2, NAN, 130}, /* one end is not known: no swing */
                                {"d", 3, 100, 90}};
    sizing_sort_bars(bars, COUNT_OF(bars));
    ck_assert_str_eq(bars[0].name, "b");
    ck_assert_str_eq(bars[1].name, "a"); /* as wide as d, and before it */
    ck_assert_str_eq(bars[2].name, "d");
    ck_assert_str_eq(bars[3].name, "c");
    ck_assert_double_eq_tol(sizing_swing(&bars[0]), 0.4855078, 1e-6); /* ln(13/8) */
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(what_is_lost_must_not_be_needed),
        TEST(the_fullest_zone_is_the_one_that_goes),
        TEST(one_zone_cannot_be_lost),
        TEST(who_comes_back_must_be_let_in),
        TEST(the_front_is_what_nothing_beats),
        TEST(the_widest_bar_comes_first_whichever_way_it_points),
    };
    return suite_run("study/sizing", tests, COUNT_OF(tests));
}
