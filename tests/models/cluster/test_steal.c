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

/* Slow for 5 ms after 10 ms in which it is not: a third of the time, in which work takes half as
 * long again. */
static struct steal slow_of(uint64_t seed, struct profile_costs *costs) {
    *costs = (struct profile_costs){
        .value = {[COST_spells] = per_s, [COST_spell] = length_ns, [COST_spell_slowdown] = 0.5}};
    struct steal steal;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed});
    steal_init(&steal, costs, rng);
    steal_add_spells(&steal, costs, rng);
    return steal;
}

START_TEST(work_takes_longer_while_its_processor_is_slow) {
    struct sample ends[REPLICATIONS] = {0};
    struct profile_costs costs;
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        struct steal steal = slow_of(r, &costs);
        base_ns now_ns = 0;
        for (int32_t i = 0; i < 100000; i++)
            now_ns = steal_work(&steal, now_ns + 10 * BASE_NS_PER_MS);
        ends[r].value = base_seconds(now_ns);
    }
    struct estimate estimate = estimate_of(ends, REPLICATIONS, 0);
    /* done in a second: 2/3 + 1/3 / 1.5 = 8/9 */
    assert_estimate("1,000 s of work, s", 1125, &estimate);
    ck_assert_double_eq_tol(steal_speed_left(&costs), 8.0 / 9, 1e-12);
}
END_TEST

START_TEST(a_burst_has_the_pace_at_which_it_begins) {
    enum { LOOKS = 40000 };
    struct sample bursts[REPLICATIONS] = {0};
    struct profile_costs costs;
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        struct steal steal = slow_of(r, &costs);
        for (int64_t i = 1; i <= LOOKS; i++) {
            base_ns now_ns = i * 3 * BASE_NS_PER_MS;
            bursts[r].value += (double)steal_paced(&steal, 1000, now_ns) / LOOKS;
        }
    }
    struct estimate estimate = estimate_of(bursts, REPLICATIONS, 0);
    assert_estimate("a write of 1,000 ns, ns", 1000 + 500 / 3.0, &estimate);
}
END_TEST

START_TEST(a_burst_that_was_paced_is_not_slowed_again) {
    struct profile_costs costs;
    struct steal steal = slow_of(3, &costs);
    steal.spell.next_ns = 0;
    steal.spell.length_ns = BASE_NS_PER_S;
    ck_assert_int_eq(steal_work(&steal, 1000), 1500);
    steal_paced_until(&steal, 4500);
    ck_assert_int_eq(steal_work(&steal, 4500), 4500);
    ck_assert_int_eq(steal_work(&steal, 5500), 6000);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_processor_that_nobody_takes_changes_nothing),
        TEST(who_comes_at_any_time_waits_out_the_gap_that_he_falls_into),
        TEST(work_takes_as_much_longer_as_its_processor_is_away),
        TEST(an_overloaded_worker_writes_in_what_is_left_to_it),
        TEST(work_takes_longer_while_its_processor_is_slow),
        TEST(a_burst_has_the_pace_at_which_it_begins),
        TEST(a_burst_that_was_paced_is_not_slowed_again),
    };
    return suite_run("models/cluster/steal", tests, COUNT_OF(tests));
}
