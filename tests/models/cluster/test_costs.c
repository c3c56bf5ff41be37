#include "models/cluster/costs.h"

#include "tests/sim/suite.h"

static struct costs costs_of_table(void) {
    struct costs costs = {.raw = {.value = {[COST_write] = 4100.4,
                                            [COST_write_spread] = 310,
                                            [COST_write_scatter] = 95,
                                            [COST_frame] = 7.5,
                                            [COST_byte] = 0.25}}};
    return costs;
}

START_TEST(a_write_costs_its_call_its_frames_and_its_bytes) {
    struct costs costs = costs_of_table();
    struct costs_write write = {.frames = 3, .bytes = 402, .working_set = 128, .scattered = 0.7};
    ck_assert_int_eq(costs_write(&costs, &write), 4223); /* 4100.4 + 22.5 + 100.5 */
    write.working_set = 5; /* warmer than 128 does not exist in the fit */
    ck_assert_int_eq(costs_write(&costs, &write), 4223);
}
END_TEST

START_TEST(each_doubling_of_what_was_written_in_between_adds_its_share) {
    struct costs costs = costs_of_table();
    struct costs_write write = {.working_set = 1024};
    ck_assert_int_eq(costs_write(&costs, &write), 5030); /* 4100.4 + 3 x 310 */
    write.scattered = 0.5;
    ck_assert_int_eq(costs_write(&costs, &write), 5173); /* 4100.4 + 3 x (310 + 95 / 2) = 5172.9 */
}
END_TEST

START_TEST(a_turn_after_a_long_one_is_cold_by_each_doubling_of_its_writes) {
    struct costs costs = {.raw = {.value = {[COST_turn] = 1500, [COST_turn_spread] = 4600}}};
    ck_assert_int_eq(costs_turn(&costs, 0), 1500);
    ck_assert_int_eq(costs_turn(&costs, 128), 1500);
    ck_assert_int_eq(costs_turn(&costs, 1024), 15300); /* 1500 + 3 x 4600 */
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_write_costs_its_call_its_frames_and_its_bytes),
        TEST(each_doubling_of_what_was_written_in_between_adds_its_share),
        TEST(a_turn_after_a_long_one_is_cold_by_each_doubling_of_its_writes),
    };
    return suite_run("models/cluster/costs", tests, COUNT_OF(tests));
}
