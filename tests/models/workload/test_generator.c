#include "models/workload/generator.h"

#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

/* 500 clients in 5 rooms of 100; 4 publishes/s per room: 20/s that become 2,000 deliveries/s. */
static const char *const text =
    "{\"name\": \"t\", \"populations\": {\"p\": {\"connections\": 500}},"
    "\"rooms\": {\"r\": {\"size\": {\"constant\": 100}, \"members\": [\"p\"]}},"
    "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"r\", \"rate\": {\"poisson\": \"4/s per "
    "room\"},"
    " \"bytes\": {\"constant\": 128}}},"
    "\"nodes\": {\"n\": {\"open_files\": 1000}}}";

static struct profile_costs costs_of_table(void) {
    return (struct profile_costs){.value = {[COST_load_publish] = 20000,
                                            [COST_load_read] = 2500,
                                            [COST_load_sweep] = 400,
                                            [COST_load_lateness] = 31000,
                                            [COST_load_sample] = 52000}};
}

START_TEST(its_time_goes_into_sending_receiving_and_sweeping) {
    struct scenario scenario;
    struct profile_costs costs = costs_of_table();
    scenario_init(&scenario, text);
    /* 20 x 20 us + 2,000 x 2.5 us + 244 others x 100 sweeps/s x 0.4 us */
    ck_assert_double_eq_tol(generator_busy_share(&scenario.roster, &costs, 1),
                            0.0004 + 0.005 + 0.00976, 1e-9);
    /* at 100 times the load each of 500 clients is found with something at most 100 times a second
     */
    ck_assert_double_eq_tol(generator_busy_share(&scenario.roster, &costs, 100),
                            0.04 + 0.125 + 0.00976, 1e-9);
    ck_assert_double_eq(generator_busy_share(&scenario.roster, &costs, 1e6), 0.95);
    scenario_fini(&scenario);
}
END_TEST

START_TEST(what_is_left_for_walking_stretches_both_delays) {
    struct scenario scenario;
    struct profile_costs costs = costs_of_table();
    scenario_init(&scenario, text);
    struct generator_delays delays = generator_delays(&scenario.roster, &costs, 100);
    ck_assert_double_eq_tol(delays.lateness_ns, 31000 / 0.82524, 1e-6 * 31000);
    ck_assert_double_eq_tol(delays.look_ns, 52000 / 0.82524, 1e-6 * 52000);
    scenario_fini(&scenario);
}
END_TEST

/* 500 clients and a sweep of 30 us each would take 0.73 of the time. A turn looks at 32 samples and
 * at most 64 others: three walks, whatever is left behind; and what the load takes on top. */
START_TEST(a_sweep_that_falls_behind_stretches_a_turn_no_further) {
    struct scenario scenario;
    struct profile_costs costs = costs_of_table();
    costs.value[COST_load_sweep] = 30000;
    scenario_init(&scenario, text);
    struct generator_delays delays = generator_delays(&scenario.roster, &costs, 1);
    ck_assert_double_eq_tol(delays.lateness_ns, 31000 * 3 / (1 - 0.0054), 1e-6 * 31000);
    ck_assert_double_eq_tol(delays.look_ns, 52000 * 3 / (1 - 0.0054), 1e-6 * 52000);
    scenario_fini(&scenario);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(its_time_goes_into_sending_receiving_and_sweeping),
        TEST(what_is_left_for_walking_stretches_both_delays),
        TEST(a_sweep_that_falls_behind_stretches_a_turn_no_further),
    };
    return suite_run("workload/generator", tests, COUNT_OF(tests));
}
