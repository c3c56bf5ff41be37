/* The simulator against an event-per-delivery model of the same semantics, exactly. */
#include "models/cluster/cluster.h"
#include "models/cluster/node.h"
#include "models/workload/plan.h"

#include "tests/models/workload/scenario.h"
#include "tests/oracle/random_scenario.h"
#include "tests/oracle/reference.h"
#include "tests/sim/suite.h"

#include <stdio.h>

enum { SCENARIOS = 1000, PARTS = 4 };

/* What the scenarios have come across, so that a generator that has gone tame is noticed. */
static struct coverage {
    int64_t deliveries, on_time, lost, dropped, conflated, expired, shed, closed[SLOW_REASON_COUNT],
        paused, dead;
    int64_t ranges;
} coverage;

struct comparison {
    const struct random_scenario *random;
    const struct reference_result *expected;
    uint64_t seed;
    bool is_compared;
};

static void same(const struct comparison *comparison, const char *what, int64_t index, int64_t got,
                 int64_t expected) {
    ck_assert_msg(got == expected,
                  "seed %llu: %s[%lld] is %lld, the reference says %lld; warm-up %lld ns, measure "
                  "%lld ns, scale %g\n%s",
                  (unsigned long long)comparison->seed, what, (long long)index, (long long)got,
                  (long long)expected, (long long)comparison->random->warm_up_ns,
                  (long long)comparison->random->measure_ns, comparison->random->scale,
                  text_bytes(&comparison->random->json));
}

static void compare_steps(const struct comparison *c, const struct tally *tally) {
    same(c, "steps_count", 0, tally->steps_count, c->expected->steps_count);
    for (int32_t i = 0; i < tally->steps_count; i++) {
        const struct tally_step *step = &tally->steps[i];
        const struct reference_step *expected = &c->expected->steps[i];
        same(c, "due", i, step->due, expected->due);
        same(c, "delivered", i, step->delivered, expected->delivered);
        same(c, "on_time", i, step->on_time, expected->on_time);
        same(c, "lost", i, step->lost, expected->lost);
        same(c, "dropped", i, step->dropped, expected->dropped);
        same(c, "conflated", i, step->conflated, expected->conflated);
        same(c, "expired", i, step->expired, expected->expired);
        same(c, "shed", i, step->shed, expected->shed);
        ck_assert_int_ge(step->due, step->delivered + step->lost);
        coverage.deliveries += step->delivered;
        coverage.on_time += step->on_time;
        coverage.lost += step->lost;
        coverage.dropped += step->dropped;
        coverage.conflated += step->conflated;
        coverage.expired += step->expired;
        coverage.shed += step->shed;
    }
}

static void compare_histograms(const struct comparison *c, const struct hist *got) {
    const struct hist *expected = &c->expected->latency;
    for (uint32_t i = 0; i < got->counts_length && i < expected->counts_length; i++)
        same(c, "latency bucket", i, (int64_t)got->counts[i], (int64_t)expected->counts[i]);
    same(c, "latency total", 0, (int64_t)got->total, (int64_t)expected->total);
    ck_assert(hist_equal(got, expected));
}

static void compare_workers(const struct comparison *c, const struct cluster *cluster) {
    base_ns busy_ns = 0;
    int64_t turns = 0, writes = 0, bytes = 0;
    for (int32_t i = 0; i < cluster->layout->workers_count; i++) {
        busy_ns += cluster->workers[i].busy_ns;
        turns += cluster->workers[i].turns;
        writes += cluster->workers[i].writes;
        bytes += cluster->workers[i].written_bytes;
    }
    same(c, "busy_ns", 0, busy_ns, c->expected->busy_ns);
    same(c, "turns", 0, turns, c->expected->turns);
    same(c, "writes", 0, writes, c->expected->writes);
    same(c, "written_bytes", 0, bytes, c->expected->written_bytes);
}

static void compare(void *target, const struct cluster *cluster) {
    struct comparison *c = target;
    c->is_compared = true;
    compare_steps(c, &cluster->tally);
    compare_histograms(c, &cluster->tally.hists[0]);
    for (int32_t i = 0; i < SLOW_REASON_COUNT; i++) {
        same(c, "closed", i, cluster->nodes[0].counts.closed_by_reason[i],
             c->expected->closed_by_reason[i]);
        coverage.closed[i] += cluster->nodes[0].counts.closed_by_reason[i];
    }
    same(c, "queued_bytes", 0, cluster->nodes[0].counts.queued_bytes, c->expected->queued_bytes);
    same(c, "queued_bytes_max", 0, cluster->nodes[0].counts.queued_bytes_max,
         c->expected->queued_bytes_max);
    ck_assert_int_ge(cluster->nodes[0].counts.queued_bytes, 0);
    ck_assert_int_ge(cluster->nodes[0].counts.blocked_count, 0);
    same(c, "paused_ns", 0, cluster->paused_ns, c->expected->paused_ns);
    same(c, "is_dead", 0, cluster->nodes[0].is_dead, c->expected->is_dead);
    compare_workers(c, cluster);
    coverage.paused += cluster->paused_ns > 0;
    coverage.dead += cluster->nodes[0].is_dead;
    coverage.ranges += cluster->tally.closed_form > 0;
}

static void check(const struct random_scenario *random, uint64_t seed) {
    struct scenario scenario;
    struct layout layout;
    struct reference_result expected;
    struct outcome outcome;
    scenario_init(&scenario, text_bytes(&random->json));
    layout_init(&layout, &scenario.roster, scenario.spec.seed, &scenario.arena);
    reference_run(&(struct reference_options){.roster = &scenario.roster,
                                              .costs = &random->costs,
                                              .seed = scenario.spec.seed,
                                              .plan_seed = plan_seed_of(seed, 0),
                                              .scale = random->scale,
                                              .warm_up_ns = random->warm_up_ns,
                                              .measure_ns = random->measure_ns,
                                              .has_generator = random->has_generator},
                  &expected);
    struct comparison comparison = {.random = random, .expected = &expected, .seed = seed};
    outcome_init(&outcome);
    bool has_run = cluster_run(&(struct cluster_options){.layout = &layout,
                                                         .costs = &random->costs,
                                                         .plan_seed = plan_seed_of(seed, 0),
                                                         .scale = random->scale,
                                                         .warm_up_ns = random->warm_up_ns,
                                                         .measure_ns = random->measure_ns,
                                                         .has_generator = random->has_generator,
                                                         .look = compare,
                                                         .look_target = &comparison},
                               &outcome);
    ck_assert(has_run && comparison.is_compared);
    outcome_fini(&outcome);
    reference_result_fini(&expected);
    scenario_fini(&scenario);
}

static void check_scenario(uint64_t seed) {
    struct random_scenario random;
    random_scenario_init(&random, seed);
    check(&random, seed);
    random_scenario_fini(&random);
}

/* A part of the scenarios per round, each of them wild enough to be worth the comparison. */
START_TEST(a_burst_counted_in_closed_form_is_the_same_as_each_delivery_for_itself) {
    for (uint64_t i = 0; i < SCENARIOS / PARTS; i++)
        check_scenario(1 + (uint64_t)_i * (SCENARIOS / PARTS) + i);
    if (getenv("HEADROOM_VERBOSE"))
        printf(
            "%lld deliveries, %lld lost, %lld dropped, %lld conflated, %lld closed by bytes, %lld "
            "by messages, %lld by the soft limit, %lld by the write deadline, %lld scenarios with "
            "a pause, %lld with a dead node\n",
            (long long)coverage.deliveries, (long long)coverage.lost, (long long)coverage.dropped,
            (long long)coverage.conflated, (long long)coverage.closed[SLOW_REASON_BYTES],
            (long long)coverage.closed[SLOW_REASON_MESSAGES],
            (long long)coverage.closed[SLOW_REASON_SOFT_LIMIT],
            (long long)coverage.closed[SLOW_REASON_WRITE_DEADLINE], (long long)coverage.paused,
            (long long)coverage.dead);
    ck_assert_int_gt(coverage.deliveries, 100000);
    ck_assert(coverage.on_time > 0 && coverage.on_time < coverage.deliveries);
    ck_assert_int_gt(coverage.dropped, 1000);
    ck_assert_int_gt(coverage.conflated, 100);
    ck_assert_int_gt(coverage.expired, 200);
    ck_assert_int_gt(coverage.shed, 50);
    ck_assert_int_gt(coverage.lost, coverage.dropped + coverage.conflated);
    for (int32_t reason = SLOW_REASON_BYTES; reason < SLOW_REASON_COUNT; reason++)
        ck_assert_int_gt(coverage.closed[reason], 2);
    ck_assert_int_gt(coverage.paused, 3);
    ck_assert_int_gt(coverage.ranges, SCENARIOS / PARTS / 8);
}
END_TEST

/* Turns of 40 ms gather some 400 publishes into 70 rooms, so that nearly all of them are dirty at
 * once and a client that is in all of them needs two writes of at most 64. */
START_TEST(a_client_in_more_rooms_than_one_write_carries_gets_all_of_them) {
    struct random_scenario random = {.warm_up_ns = 0, .measure_ns = 200000321, .scale = 1};
    text_init(&random.json);
    text_add(&random.json,
             "{\"name\": \"many-rooms\", \"populations\": {\"p\": {\"connections\": 4}, \"slow\": "
             "{\"connections\": 1, \"receive\": {\"rate\": \"9Mbit/s\", \"buffer\": "
             "\"4KiB\"}}}, \"rooms\": {\"g\": {\"size\": {\"constant\": 5}, \"members\": "
             "[\"p\", \"slow\"], \"count\": 70}}, \"traffic\": {\"t\": {\"from\": \"p\", "
             "\"to\": \"g\", \"rate\": {\"poisson\": \"10000/s in all\"}, \"bytes\": "
             "{\"constant\": 77}}}, \"nodes\": {\"n\": {\"send_buffer\": \"4KiB\", "
             "\"turn\": {\"flush_after\": \"1s\"}}}}");
    random.costs.value[COST_turn] = 40e6;
    random.costs.value[COST_write] = 1700;
    random.costs.value[COST_frame] = 30;
    random.costs.value[COST_send_capacity] = random.costs.value[COST_receive_capacity] = 1;
    int64_t before = coverage.deliveries;
    check(&random, 3);
    int64_t deliveries = coverage.deliveries - before;
    ck_assert_int_gt(deliveries, 8000); /* of 2,000 publishes to five */
    random_scenario_fini(&random);
}
END_TEST

/* HEADROOM_SEED=17 looks at that scenario alone. */
START_TEST(the_scenario_asked_for_agrees) {
    const char *seed = getenv("HEADROOM_SEED");
    if (seed)
        check_scenario(strtoull(seed, NULL, 10));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_scenario_asked_for_agrees),
        LOOP_TEST(a_burst_counted_in_closed_form_is_the_same_as_each_delivery_for_itself, PARTS),
        TEST(a_client_in_more_rooms_than_one_write_carries_gets_all_of_them),
    };
    return suite_run("oracle/reference", tests, COUNT_OF(tests));
}
