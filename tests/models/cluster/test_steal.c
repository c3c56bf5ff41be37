/* Gaps and the times between them alternate: both exponential, so everything asked here follows
 * from their means (alternating renewal; Cox 1962, Renewal Theory, ch. 7). */
#include "models/cluster/steal.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/engine/estimate.h"
#include "tests/sim/suite.h"

enum { REPLICATIONS = 48 };

static const double per_s = 100, length_ns = 5e6; /* a gap of 5 ms after 10 ms of work: a third */

static struct steal steal_of(uint64_t seed) {
    struct profile_costs costs = {.value = {[COST_steals] = per_s, [COST_steal] = length_ns}};
    struct steal steal;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed});
    steal_init(&steal, &costs, rng);
    return steal;
}

START_TEST(a_processor_that_nobody_takes_changes_nothing) {
    struct profile_costs costs = {.value = {[COST_steal] = length_ns}};
    struct steal steal;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 1});
    steal_init(&steal, &costs, rng);
    ck_assert_int_eq(steal_work(&steal, INT64_MAX - 1), INT64_MAX - 1);
    ck_assert_int_eq(steal_resume(&steal, INT64_MAX - 1), INT64_MAX - 1);
}
END_TEST

START_TEST(who_comes_at_any_time_waits_out_the_gap_that_he_falls_into) {
    enum { LOOKS = 400000 };
    struct sample waits[REPLICATIONS] = {0};
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        struct steal steal = steal_of(r);
        for (int64_t i = 1; i <= LOOKS; i++) {
            base_ns at_ns = i * 3 * BASE_NS_PER_MS;
            waits[r].value += (double)(steal_resume(&steal, at_ns) - at_ns) / LOOKS;
        }
    }
    struct estimate estimate = estimate_of(waits, REPLICATIONS, 0);
    assert_estimate("wait, ns", length_ns / 3, &estimate); /* in a third of all cases, length_ns */
}
END_TEST

START_TEST(work_takes_as_much_longer_as_its_processor_is_away) {
    struct sample ends[REPLICATIONS] = {0};
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        struct steal steal = steal_of(r);
        base_ns now_ns = 0;
        for (int32_t i = 0; i < 100000; i++)
            now_ns = steal_work(&steal, now_ns + 10 * BASE_NS_PER_MS);
        ends[r].value = base_seconds(now_ns);
    }
    struct estimate estimate = estimate_of(ends, REPLICATIONS, 0);
    assert_estimate("1,000 s of work, s", 1500, &estimate);
}
END_TEST

START_TEST(an_overloaded_worker_writes_in_what_is_left_to_it) {
    struct simulation simulation;
    simulation_init(&simulation,
                    "{\"name\": \"stolen\", \"populations\": {\"a\": {\"connections\": 100}}, "
                    "\"rooms\": {\"ones\": {\"size\": {\"constant\": 1}, \"members\": [\"a\"]}}, "
                    "\"traffic\": {\"t\": {\"from\": \"a\", \"to\": \"ones\", \"rate\": "
                    "{\"poisson\": \"11/s per room\"}, \"bytes\": {\"constant\": 100}}}, "
                    "\"nodes\": {\"n\": {\"fan_out\": \"write_at_once\"}}, "
                    "\"window\": {\"warm_up\": \"500ms\", \"measure\": \"25s\"}}");
    simulation.costs.value[COST_write] = 1e6;
    simulation.costs.value[COST_steals] = per_s;
    simulation.costs.value[COST_steal] = length_ns;
    struct sample writes[REPLICATIONS] = {0};
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        struct outcome outcome = simulation_run(&simulation, r);
        writes[r].value = outcome.metric[OUTCOME_writes_per_s];
        outcome_fini(&outcome);
    }
    struct estimate estimate = estimate_of(writes, REPLICATIONS, 0);
    assert_estimate("writes per s", 1000.0 * 2 / 3, &estimate);
    simulation_fini(&simulation);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_processor_that_nobody_takes_changes_nothing),
        TEST(who_comes_at_any_time_waits_out_the_gap_that_he_falls_into),
        TEST(work_takes_as_much_longer_as_its_processor_is_away),
        TEST(an_overloaded_worker_writes_in_what_is_left_to_it),
    };
    return suite_run("models/cluster/steal", tests, COUNT_OF(tests));
}
