/* Whether 95 % intervals hold the truth where the truth is known: five closed forms, each estimated
 * from eight replications of the whole simulator, over many seeds.
 *
 * usage: test_study_coverage [SEEDS]     200 by hand (`cmake --build <build> --target coverage`);
 * fewer in the suite, where the bounds are so much wider. The interval score (Gneiting and Raftery
 * 2007) is the width plus 2/0.05 for each unit by which the truth is missed; beside it stands that
 * of an interval which knows the estimate's own deviation and adds 1.96 of them. */
#include "study/replications.h"
#include "tests/models/cluster/simulation.h"
#include "tests/sim/suite.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { REPLICATIONS = 8, SEEDS_IN_THE_SUITE = 12 };
static int32_t seeds = SEEDS_IN_THE_SUITE;

#define AT_ONCE                                                                                    \
    "{\"name\": \"c\", \"objectives\": {\"delivery\": {\"within\": \"10s\"}}, \"populations\": "   \
    "{\"a\": {\"connections\": %d}, \"b\": {\"connections\": %d}}, \"rooms\": {\"small\": "        \
    "{\"size\": {\"constant\": %d}, \"members\": [\"a\"]}, \"large\": {\"size\": {\"constant\": "  \
    "%d}, \"members\": [\"b\"]}}, \"traffic\": {\"s\": {\"from\": \"a\", \"to\": \"small\", "      \
    "\"rate\": {\"poisson\": \"%.12g/s per room\"}, \"bytes\": {\"constant\": 100}}, \"l\": "      \
    "{\"from\": \"b\", \"to\": \"large\", \"rate\": {\"poisson\": \"%.12g/s per room\"}, "         \
    "\"bytes\": {\"constant\": 100}}}, \"nodes\": {\"n\": {\"open_files\": 100000, \"fan_out\": "  \
    "\"write_at_once\", \"turn\": {\"events\": 1}}}, \"window\": {\"warm_up\": \"500ms\", "        \
    "\"measure\": \"4s\"}}"
#define COALESCED                                                                                  \
    "{\"name\": \"c\", \"populations\": {\"p\": {\"connections\": 1000}}, \"rooms\": {\"g\": "     \
    "{\"size\": {\"constant\": 1000}, \"members\": [\"p\"]}}, \"traffic\": {\"t\": {\"from\": "    \
    "\"p\", \"to\": \"g\", \"rate\": {\"poisson\": \"%.12g/s in all\"}, \"bytes\": "               \
    "{\"constant\": "                                                                              \
    "126}}}, \"nodes\": {\"n\": {\"open_files\": 100000, \"turn\": {\"events\": 65536, "           \
    "\"flush_after\": \"10s\", \"flush_bytes\": \"64MiB\"}}}, \"window\": {\"warm_up\": "          \
    "\"500ms\", \"measure\": \"2s\"}}"

static const double write_us = 4, busy = 0.6;
static const double turn_us = 5, coalesced_write_us = 1.7, publish_us = 2, frame_us = 0.05 + 0.013;
static const double cost_error = 0.015; /* of the uncertain write: two thirds of one run's noise */

struct known {
    double value;
    enum outcome_metric metric;
    double unit; /* of the metric, in those of `value` */
};

/* --- the closed forms (docs/models/worker-and-fan-out.md) --- */

/* M^[X]/D/1, per delivery; rooms with a traffic of the same rate each. */
static struct known init_at_once(struct simulation *simulation, int32_t small, int32_t small_count,
                                 int32_t large, int32_t large_count) {
    double rooms = small_count + large_count, s = write_us * 1e-6;
    double mean = (small_count * (double)small + large_count * (double)large) / rooms;
    double square = (small_count * pow(small, 2) + large_count * pow(large, 2)) / rooms;
    double rate = busy / (mean * s);
    simulation_init(simulation, AT_ONCE, small * small_count, large * large_count, small, large,
                    rate / rooms, rate / rooms);
    simulation->costs.value[COST_write] = 1000 * write_us;
    double wait = rate * square * s * s / (2 * (1 - busy));
    return (struct known){1e3 * (wait + s * (square / mean + 1) / 2), OUTCOME_latency_mean_ms, 1};
}

static struct known rooms_of_150(struct simulation *simulation) {
    return init_at_once(simulation, 150, 5, 150, 5);
}

static struct known rooms_of_10_and_1000(struct simulation *simulation) {
    return init_at_once(simulation, 10, 190, 1000, 10);
}

/* T' = A + B Poisson(r T). */
static double init_coalesced(struct simulation *simulation, double load) {
    double ceiling = 14897.09; /* tests/golden/closed_form_golden.csv */
    simulation_init(simulation, COALESCED, load * ceiling);
    double *cost = simulation->costs.value;
    cost[COST_turn] = 1000 * turn_us;
    cost[COST_write] = 1000 * coalesced_write_us;
    cost[COST_publish] = 1000 * publish_us;
    cost[COST_frame] = 50;
    cost[COST_byte] = 0.1;
    return load * ceiling * 1e-6;
}

static double turn_length_us(double r) {
    return (turn_us + 1000 * coalesced_write_us) / (1 - r * (publish_us + 1000 * frame_us));
}

static struct known a_turn(struct simulation *simulation) {
    double r = init_coalesced(simulation, 0.5);
    return (struct known){turn_length_us(r), OUTCOME_turn_mean_us, 1};
}

static struct known a_delivery(struct simulation *simulation) {
    double r = init_coalesced(simulation, 0.8), mean = turn_length_us(r);
    double b = publish_us + 1000 * frame_us, variance = b * b * r * mean / (1 - r * r * b * b);
    double met = mean + variance / mean, messages = 1 + r * met;
    double us = met / 2 + turn_us + messages * publish_us +
                1001 / 2.0 * (coalesced_write_us + messages * frame_us);
    return (struct known){us / 1000, OUTCOME_latency_mean_ms, 1};
}

/* Of a system whose write costs what it costs on average, 0.6. */
static struct known an_uncertain_share(struct simulation *simulation) {
    (void)init_at_once(simulation, 150, 5, 150, 5);
    return (struct known){busy, OUTCOME_cpu_share, 1};
}

static const struct {
    const char *name;
    struct known (*init)(struct simulation *simulation);
    bool is_uncertain;
} cases[] = {{"at once, rooms of 150: mean delivery, ms", rooms_of_150, false},
             {"at once, rooms of 10 and 1,000: mean delivery, ms", rooms_of_10_and_1000, false},
             {"coalesced, half of the ceiling: a turn, us", a_turn, false},
             {"coalesced, 0.8 of it: mean delivery, ms", a_delivery, false},
             {"at once, uncertain write: busy share of one system", an_uncertain_share, true}};

/* --- estimates --- */

static double relative_cost(uint64_t seed, uint64_t draw) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed, .entity = draw, .purpose = 99});
    gsl_rng as_gsl = rng_as_gsl(&rng);
    return 1 + gsl_ran_gaussian(&as_gsl, cost_error);
}

static struct study_estimate estimate_of(struct simulation *simulation, const struct known *known,
                                         uint64_t seed, bool is_uncertain) {
    double values[REPLICATIONS];
    const double write = simulation->costs.value[COST_write];
    for (int32_t i = 0; i < REPLICATIONS; i++) {
        struct outcome outcome;
        uint64_t draw = (uint64_t)study_draw_of_replication(i);
        outcome_init(&outcome);
        simulation->options.plan_seed = plan_seed_of(seed, (uint64_t)i);
        if (is_uncertain)
            simulation->costs.value[COST_write] = write * relative_cost(seed, draw);
        ck_assert(cluster_run(&simulation->options, &outcome));
        values[i] = outcome.metric[known->metric];
        outcome_fini(&outcome);
    }
    simulation->costs.value[COST_write] = write;
    return study_estimate_of(values, REPLICATIONS, !is_uncertain);
}

struct tally {
    int32_t inside;
    double score, width;
    struct stats missed; /* estimate - truth */
};

static void add(struct tally *tally, const struct study_estimate *estimate, double truth) {
    const struct stats_interval *interval = &estimate->interval;
    double below = fmax(interval->low - truth, 0), above = fmax(truth - interval->high, 0);
    tally->inside += below == 0 && above == 0;
    tally->width += interval->high - interval->low;
    tally->score += interval->high - interval->low + 2 / 0.05 * (below + above);
    stats_add(&tally->missed, estimate->mean - truth);
}

/* What an interval of +-1.96 deviations scores on average: 3.92 + 40 x 2 (pdf(1.96) - 1.96 x
 * 0.025). */
static const double ideal_score = 4.675;

START_TEST(intervals_of_eight_replications_hold_what_arithmetic_says) {
    struct simulation simulation;
    struct tally tally = {0};
    struct known known = cases[_i].init(&simulation);
    stats_init(&tally.missed);
    for (int32_t seed = 0; seed < seeds; seed++) {
        double truth = known.value;
        if (cases[_i].is_uncertain) /* one more system */
            truth *= relative_cost((uint64_t)seed, 1000);
        struct study_estimate estimate =
            estimate_of(&simulation, &known, (uint64_t)seed, cases[_i].is_uncertain);
        add(&tally, &estimate, truth);
    }
    simulation_fini(&simulation);
    double share = (double)tally.inside / seeds, deviation = sqrt(stats_variance(&tally.missed));
    printf("%-52s %10.6g  %5.1f %%  half-width %5.2f %%  score %.2f, of an ideal interval %.2f\n",
           cases[_i].name, known.value, 100 * share, 50 * tally.width / seeds / known.value,
           tally.score / seeds / deviation, ideal_score);
    fflush(stdout);
    /* 90 to 99 % of 200; of fewer, three binomial standard errors. */
    ck_assert_double_ge(share, fmin(0.9, 0.95 - 3 * sqrt(0.95 * 0.05 / seeds)));
    ck_assert_double_le(share, seeds < 200 ? 1 : 0.99);
}
END_TEST

int main(int argc, char **argv) {
    static const struct suite_test tests[] = {
        LOOP_TEST(intervals_of_eight_replications_hold_what_arithmetic_says, COUNT_OF(cases))};
    if (argc > 1)
        seeds = atoi(argv[1]);
    return suite_run("study/coverage", tests, COUNT_OF(tests));
}
