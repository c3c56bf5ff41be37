/* From a server's processor time to what a turn, a message and a copy of it cost. */
#include "validation/calibrate/backplanes.h"

#include "tests/sim/suite.h"

/* A turn of 40 us, a message of 7 and a copy of 3: with few publishes and two copies 53, with many
 * one copy 10 and three 16. */
START_TEST(three_readings_tell_three_costs) {
    struct backplanes_costs costs = backplanes_solve(53000, 2, 10000, 1, 16000, 3);
    ck_assert_double_eq_tol(costs.turn_ns, 40000, 1e-6);
    ck_assert_double_eq_tol(costs.message_ns, 7000, 1e-6);
    ck_assert_double_eq_tol(costs.copy_ns, 3000, 1e-6);
}
END_TEST

/* NATS sends a node nothing of its own: one node's publishes have no copies. */
START_TEST(a_message_without_copies_is_its_own_cost) {
    struct backplanes_costs costs = backplanes_solve(12500, 1, 6000, 0, 9000, 2);
    ck_assert_double_eq_tol(costs.message_ns, 6000, 1e-6);
    ck_assert_double_eq_tol(costs.copy_ns, 1500, 1e-6);
    ck_assert_double_eq_tol(costs.turn_ns, 5000, 1e-6);
}
END_TEST

START_TEST(noise_makes_no_cost_negative) {
    struct backplanes_costs costs = backplanes_solve(1000, 2, 10000, 1, 9000, 3);
    ck_assert_double_eq(costs.copy_ns, 0);
    ck_assert_double_eq(costs.message_ns, 10000);
    ck_assert_double_eq(costs.turn_ns, 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(three_readings_tell_three_costs),
        TEST(a_message_without_copies_is_its_own_cost),
        TEST(noise_makes_no_cost_negative),
    };
    return suite_run("calibrate/backplanes", tests, COUNT_OF(tests));
}
