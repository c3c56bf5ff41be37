/* Also run under tsan: the simulator's own calls are the tasks, so that a race in them is seen too.
 */
#include "cli/pool.h"

#include "models/cluster/cluster.h"
#include "models/spec/spec.h"
#include "models/workload/plan.h"
#include "tests/sim/suite.h"

enum { TASKS = 1000, RUNS = 6 };

static void count_once(void *context, int32_t index) {
    int32_t *times = context;
    times[index]++;
}

static const int32_t jobs[] = {0, 1, 2, 7, 1000};

START_TEST(every_task_is_done_once_whatever_the_number_of_threads) {
    int32_t times[TASKS + 1] = {0};
    pool_map(jobs[_i], TASKS, count_once, times);
    for (int32_t i = 0; i < TASKS; i++)
        ck_assert_int_eq(times[i], 1);
    ck_assert_int_eq(times[TASKS], 0);
}
END_TEST

START_TEST(no_task_is_no_work) {
    int32_t times[1] = {0};
    pool_map(jobs[_i], 0, count_once, times);
    ck_assert_int_eq(times[0], 0);
}
END_TEST

struct runs {
    struct layout layout;
    struct profile_costs costs;
    uint64_t fingerprints[RUNS];
    bool is_whole[RUNS];
};

static void simulate(void *context, int32_t index) {
    struct runs *runs = context;
    struct cluster_options options = {.layout = &runs->layout,
                                      .costs = &runs->costs,
                                      .plan_seed = plan_seed_of(5, (uint64_t)index),
                                      .scale = 1,
                                      .warm_up_ns = BASE_NS_PER_S / 10,
                                      .measure_ns = BASE_NS_PER_S / 2};
    struct outcome outcome;
    outcome_init(&outcome);
    runs->is_whole[index] = cluster_run(&options, &outcome);
    runs->fingerprints[index] = outcome.fingerprint;
    outcome_fini(&outcome);
}

static const char scenario_text[] =
    "{\"name\": \"rooms\", \"populations\": {\"people\": {\"connections\": 70}},"
    "\"rooms\": {\"rooms\": {\"size\": {\"constant\": 7}, \"members\": [\"people\"]}},"
    "\"traffic\": {\"chat\": {\"from\": \"people\", \"to\": \"rooms\","
    "\"rate\": {\"poisson\": \"23/s per room\"}, \"bytes\": {\"constant\": 128}}},"
    "\"nodes\": {\"gateway\": {}}}";

START_TEST(replications_have_the_same_fingerprints_on_one_thread_and_on_seven) {
    struct arena arena;
    struct diag diag;
    struct spec_scenario scenario;
    struct roster roster;
    static struct runs one, seven;
    arena_init(&arena);
    diag_init(&diag);
    ck_assert(spec_parse(&scenario, scenario_text, &(struct spec_options){.file = "pool"}, &arena,
                         &diag));
    for (int32_t i = 0; i < COST_COUNT; i++)
        one.costs.value[i] = profile_cost_highest((enum cost)i) <= 1 ? 0.5 : 1.3;
    roster_init(&roster, &scenario, 5, &arena);
    layout_init(&one.layout, &roster, 5, &arena);
    seven = one;
    pool_map(1, RUNS, simulate, &one);
    pool_map(7, RUNS, simulate, &seven);
    for (int32_t i = 0; i < RUNS; i++) {
        ck_assert(one.is_whole[i] && seven.is_whole[i]);
        ck_assert_uint_eq(one.fingerprints[i], seven.fingerprints[i]);
        ck_assert(i == 0 || one.fingerprints[i] != one.fingerprints[i - 1]);
    }
    diag_fini(&diag);
    arena_fini(&arena);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(every_task_is_done_once_whatever_the_number_of_threads, COUNT_OF(jobs)),
        LOOP_TEST(no_task_is_no_work, COUNT_OF(jobs)),
        TEST(replications_have_the_same_fingerprints_on_one_thread_and_on_seven),
    };
    return suite_run("cli/pool", tests, COUNT_OF(tests));
}
