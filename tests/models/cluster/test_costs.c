#include "models/cluster/costs.h"

#include "tests/sim/suite.h"

static struct costs costs_of_table(void) {
    struct costs costs = {.raw = {.value = {[COST_write] = 4100.4,
                                            [COST_write_cold] = 310,
                                            [COST_write_scatter] = 95,
                                            [COST_frame] = 7.5,
                                            [COST_byte] = 0.25}}};
    return costs;
}

START_TEST(a_write_costs_its_call_its_frames_and_its_bytes) {
    struct costs costs = costs_of_table();
    struct costs_write write = {.frames = 3, .bytes = 402, .working_set = 256, .scattered = 0.7};
    ck_assert_int_eq(costs_write(&costs, &write), 4223); /* 4100.4 + 22.5 + 100.5 */
    write.working_set = 5; /* warmer than 256 does not exist in the fit */
    ck_assert_int_eq(costs_write(&costs, &write), 4223);
}
END_TEST

START_TEST(what_was_written_in_between_makes_a_share_of_the_writes_cold) {
    struct costs costs = costs_of_table();
    struct costs_write write = {.working_set = 1024};
    ck_assert_int_eq(costs_write(&costs, &write), 4333); /* 4100.4 + 3/4 x 310 = 4332.9 */
    write.scattered = 0.5;
    ck_assert_int_eq(costs_write(&costs, &write),
                     4369); /* 4100.4 + 3/4 x (310 + 95 / 2) = 4368.5 */
}
END_TEST

START_TEST(a_turn_after_a_long_one_is_cold) {
    struct costs costs = {.raw = {.value = {[COST_turn] = 1500, [COST_turn_cold] = 4600}}};
    ck_assert_int_eq(costs_turn(&costs, 0), 1500);
    ck_assert_int_eq(costs_turn(&costs, 256), 1500);
    ck_assert_int_eq(costs_turn(&costs, 1024), 4950); /* 1500 + 3/4 x 4600 */
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_write_costs_its_call_its_frames_and_its_bytes),
        TEST(what_was_written_in_between_makes_a_share_of_the_writes_cold),
        TEST(a_turn_after_a_long_one_is_cold),
    };
    return suite_run("models/cluster/costs", tests, COUNT_OF(tests));
}
