/* A run is a pure function of its options: of nothing else in the process, nor of who else is in
 * the scenario. */
#include "models/workload/receiver.h"
#include "sim/base/fingerprint.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Each kind of thing happens in one of them: prompt and slow readers, stalls that close, several
 * rooms per client, three workers, a drop policy, a finite rate; connections that come, break and
 * go, and nodes that do. */
static const char *const scenarios[] = {
    "{\"name\": \"lobby\", \"seed\": \"7\", \"populations\": {\"players\": {\"connections\": 400}, "
    "\"bad_wifi\": {\"connections\": 4, \"receive\": {\"stall\": {\"every\": \"2s\", \"for\": "
    "\"400ms\"}}}}, \"rooms\": {\"lobbies\": {\"size\": {\"constant\": 100}, \"members\": "
    "[\"players\", \"bad_wifi\"]}}, \"traffic\": {\"chat\": {\"from\": \"players\", \"to\": "
    "\"lobbies\", \"rate\": {\"poisson\": \"40/s per room\"}, \"bytes\": {\"constant\": 128}}}, "
    "\"nodes\": {\"n\": {\"send_queue\": {\"limit\": \"1KiB\"}}}, \"window\": {\"measure\": "
    "\"3s\"}}",
    "{\"name\": \"scattered\", \"seed\": \"8\", \"populations\": {\"a\": {\"connections\": 300}, "
    "\"b\": {\"connections\": 50, \"receive\": {\"rate\": \"100kbit/s\", \"buffer\": \"8KiB\"}}}, "
    "\"rooms\": {\"g\": {\"size\": {\"zipf\": {\"exponent\": 1.1, \"lowest\": 2, \"highest\": "
    "200}}, \"members\": [\"a\", \"b\"], \"count\": 30, \"placement\": \"scattered\"}}, "
    "\"traffic\": {\"t\": {\"from\": \"a\", \"to\": \"g\", \"rate\": {\"poisson\": \"1/s per "
    "user\"}, \"bytes\": {\"log_normal\": {\"mean\": 300, \"sigma\": 0.9}}}}, \"nodes\": {\"n\": "
    "{\"workers\": 3, \"send_buffer\": \"8KiB\", \"send_queue\": {\"limit\": \"4KiB\", \"policy\": "
    "\"drop_oldest\"}}}, \"window\": {\"warm_up\": \"300ms\", \"measure\": \"2s\"}}",
    "{\"name\": \"at-once\", \"seed\": \"9\", \"populations\": {\"p\": {\"connections\": 90}}, "
    "\"rooms\": {\"g\": {\"size\": {\"empirical\": [[3, 5], [40, 1]]}, \"members\": [\"p\"]}}, "
    "\"traffic\": {\"t\": {\"from\": \"p\", \"to\": \"g\", \"rate\": {\"constant\": [{\"for\": "
    "\"1s\", \"rate\": \"2/s per user\"}, {\"rate\": \"9/s per user\"}]}, \"bytes\": "
    "{\"constant\": "
    "64}}}, \"nodes\": {\"n\": {\"fan_out\": \"write_at_once\"}}, \"window\": {\"measure\": "
    "\"2s\"}}",
    "{\"name\": \"storm\", \"seed\": \"10\", \"populations\": {\"a\": {\"connections\": 200, "
    "\"reconnect\": {\"base\": \"200ms\", \"handshake_timeout\": \"300ms\", \"heartbeat\": "
    "\"400ms\", \"heartbeat_timeout\": \"100ms\"}}, \"b\": {\"connections\": 60, \"flap\": "
    "{\"share\": 0.5, \"every\": \"700ms\", \"for\": \"90ms\"}}, \"c\": {\"connections\": 90, "
    "\"arrival\": {\"present\": 0.4, \"rate\": {\"poisson\": \"30/s in all\"}}, \"session\": "
    "{\"length\": {\"log_normal\": {\"mean\": \"1s\", \"sigma\": 0.8}}}}}, \"rooms\": {\"g\": "
    "{\"size\": {\"constant\": 25}, \"members\": [\"a\", \"b\", \"c\"], \"placement\": "
    "\"scattered\"}}, \"traffic\": {\"t\": {\"from\": \"a\", \"to\": \"g\", \"rate\": "
    "{\"poisson\": \"9/s per room\"}, \"bytes\": {\"constant\": 120}}}, \"nodes\": {\"n\": "
    "{\"count\": 3, \"handshakes\": 150, \"accept_queue\": 20}}, \"balancer\": {\"policy\": "
    "\"least_connections\", \"health_check\": \"200ms\"}, \"backplane\": {\"kind\": \"registry\"}, "
    "\"faults\": {\"x\": {\"at\": \"600ms\", \"kind\": \"dies\", \"node\": \"n-2\", \"for\": "
    "\"500ms\"}, \"y\": {\"at\": \"1300ms\", \"kind\": \"deploy\", \"spread\": \"200ms\", "
    "\"for\": \"100ms\"}}, \"window\": {\"warm_up\": \"300ms\", \"measure\": \"3s\"}}",
};

static void init(struct simulation *simulation, size_t scenario) {
    simulation_init(simulation, "%s", scenarios[scenario]);
    static const struct {
        enum cost cost;
        double value;
    } costs[] = {{COST_turn, 4300},
                 {COST_read, 900},
                 {COST_read_byte, 0.7},
                 {COST_publish, 1700},
                 {COST_write, 1660.5},
                 {COST_write_cold, 55},
                 {COST_turn_cold, 210},
                 {COST_read_cold, 34},
                 {COST_write_scatter, 21},
                 {COST_frame, 61.25},
                 {COST_byte, 0.11},
                 {COST_enqueue, 240},
                 {COST_writable, 800},
                 {COST_wake_up, 6100},
                 {COST_send_capacity, 0.05},
                 {COST_writable_share, 0.33},
                 {COST_receive_capacity, 0.05},
                 {COST_window_share, 0.27}};
    for (size_t i = 0; i < COUNT_OF(costs); i++)
        simulation->costs.value[costs[i].cost] = costs[i].value;
}

static uint64_t fingerprint_of_run(struct simulation *simulation, uint64_t replication) {
    struct outcome outcome = simulation_run(simulation, replication);
    uint64_t value = outcome.fingerprint;
    outcome_fini(&outcome);
    return value;
}

/* --- threads --- */

enum { RUNS = 20, THREADS = 4 };

struct work {
    struct simulation simulations[COUNT_OF(scenarios)]; /* shared: runs only read them */
    uint64_t fingerprints[RUNS];
    int32_t threads_count;
};

struct share {
    struct work *work;
    int32_t first;
};

static void *run_share(void *argument) {
    struct share *share = argument;
    for (int32_t i = share->first; i < RUNS; i += share->work->threads_count) {
        struct simulation own = share->work->simulations[(size_t)i % COUNT_OF(scenarios)];
        share->work->fingerprints[i] = fingerprint_of_run(&own, (uint64_t)i);
    }
    return NULL;
}

static void run_all(struct work *work, int32_t threads_count) {
    pthread_t threads[THREADS];
    struct share shares[THREADS];
    work->threads_count = threads_count;
    for (int32_t i = 0; i < threads_count; i++) {
        shares[i] = (struct share){work, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_share, &shares[i]), 0);
    }
    for (int32_t i = 0; i < threads_count; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(one_thread_and_four_get_the_same_fingerprints) {
    static struct work work;
    uint64_t of_one[RUNS];
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        init(&work.simulations[i], i);
    run_all(&work, 1);
    memcpy(of_one, work.fingerprints, sizeof of_one);
    memset(work.fingerprints, 0, sizeof work.fingerprints);
    run_all(&work, THREADS);
    ck_assert_mem_eq(of_one, work.fingerprints, sizeof of_one);
    for (int32_t i = 0; i < RUNS; i++)
        for (int32_t k = 0; k < i; k++)
            ck_assert_uint_ne(of_one[i], of_one[k]); /* they would all agree if it were constant */
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        simulation_fini(&work.simulations[i]);
}
END_TEST

/* --- golden --- */

/* tests/golden/cluster_fingerprints.csv holds what they gave when the model was last changed
 * on purpose. When it is changed on purpose again, the failure prints the file's new content; the
 * commit says why the runs differ. */
START_TEST(runs_are_what_they_were) {
    struct text now;
    text_init(&now);
    text_add(&now, "# fingerprints of the scenarios of test_cluster_fingerprint, which prints this "
                   "file's new content when it fails\n");
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        struct simulation simulation;
        init(&simulation, i);
        text_addf(&now, "%s,%016" PRIx64 "\n", simulation.scenario.spec.name,
                  fingerprint_of_run(&simulation, 0));
        simulation_fini(&simulation);
    }
    FILE *file = fopen(GOLDEN_FOLDER "/cluster_fingerprints.csv", "r");
    ck_assert_ptr_nonnull(file);
    char expected[1024];
    expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
    fclose(file);
    ck_assert_msg(strcmp(expected, text_bytes(&now)) == 0, "other runs than before:\n%s",
                  text_bytes(&now));
    text_fini(&now);
}
END_TEST

/* --- who else is there --- */

/* A digest of every draw of population a, of its rooms and of its traffic: when, how long, and when
 * each client stalls. */
static uint64_t draws_of_a(const char *others, int32_t clients) {
    struct simulation simulation;
    simulation_init(
        &simulation,
        "{\"name\": \"t\", \"populations\": {\"a\": {\"connections\": %d, \"receive\": "
        "{\"stalling\": 0.5, \"stall\": {\"every\": \"1s\", \"for\": \"100ms\"}}}%s}, "
        "\"rooms\": {\"g\": {\"size\": {\"constant\": 1}, \"members\": [\"a\"]}}, \"traffic\": "
        "{\"u\": {\"from\": \"a\", \"to\": \"g\", \"rate\": {\"poisson\": \"2/s per user\"}, "
        "\"bytes\": {\"log_normal\": {\"mean\": 200, \"sigma\": 1}}}, \"r\": {\"from\": \"a\", "
        "\"to\": \"g\", \"rate\": {\"poisson\": \"2/s per room\"}, \"bytes\": {\"constant\": "
        "99}}}, \"nodes\": {\"n\": {\"open_files\": 10000}}}",
        clients, others);
    const struct roster *roster = &simulation.scenario.roster;
    struct plan plan;
    plan_init(&plan, roster, &(struct plan_options){.seed = 4, .scale = 1},
              &simulation.scenario.arena);
    uint64_t sum = 0; /* of digests, since other clients' publishes stand between */
    struct plan_publish publish;
    while (plan_next(&plan, &publish) && publish.due_ns < 20 * BASE_NS_PER_S) {
        if (roster->population[publish.client] != 0 || roster->ordinal[publish.client] >= 40)
            continue;
        int64_t digest[] = {publish.due_ns, publish.bytes, roster->ordinal[publish.client]};
        sum += fingerprint_of(digest, sizeof digest);
    }
    for (int32_t client = 0; client < roster->clients_count; client++) {
        struct receiver receiver = receiver_of(roster, client, 4);
        int64_t digest[] = {roster->ordinal[client], receiver.stall_first_ns};
        if (roster->population[client] == 0 && roster->ordinal[client] < 40)
            sum += fingerprint_of(digest, sizeof digest);
    }
    simulation_fini(&simulation);
    return sum;
}

START_TEST(one_more_client_or_population_changes_no_draw_of_the_others) {
    uint64_t alone = draws_of_a("", 40);
    ck_assert_uint_eq(alone, draws_of_a("", 41));
    ck_assert_uint_eq(alone, draws_of_a("", 4000));
    ck_assert_uint_eq(alone, draws_of_a(", \"b\": {\"connections\": 1}", 40));
    ck_assert_uint_eq(alone, draws_of_a(", \"b\": {\"connections\": 777}, \"c\": {\"connections\": "
                                        "3, \"receive\": {\"rate\": \"1Mbit/s\"}}",
                                        40));
    ck_assert_uint_ne(alone, draws_of_a("", 39));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(one_thread_and_four_get_the_same_fingerprints),
        TEST(runs_are_what_they_were),
        TEST(one_more_client_or_population_changes_no_draw_of_the_others),
    };
    return suite_run("cluster/fingerprint", tests, COUNT_OF(tests));
}
