/* A scenario from its text with costs filled in by the test, ready to be run any number of times.
 */
#ifndef HEADROOM_TESTS_MODELS_CLUSTER_SIMULATION_H
#define HEADROOM_TESTS_MODELS_CLUSTER_SIMULATION_H

#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "tests/models/workload/scenario.h"

struct simulation {
    struct scenario scenario;
    struct layout layout;
    struct profile_costs costs;
    struct cluster_options options;
};

/* `json` as a format; costs all 0 (capacities 1) until the test says otherwise. */
static inline void simulation_init(struct simulation *simulation, const char *format, ...)
    PRINTF_LIKE(2, 3);

static inline void simulation_init(struct simulation *simulation, const char *format, ...) {
    struct text json;
    text_init(&json);
    va_list arguments;
    va_start(arguments, format);
    text_addv(&json, format, arguments);
    va_end(arguments);
    *simulation = (struct simulation){0};
    scenario_init(&simulation->scenario, text_bytes(&json));
    text_fini(&json);
    layout_init(&simulation->layout, &simulation->scenario.roster, simulation->scenario.spec.seed,
                &simulation->scenario.arena);
    simulation->costs.value[COST_send_capacity] = 1;
    simulation->costs.value[COST_receive_capacity] = 1;
    simulation->options =
        (struct cluster_options){.layout = &simulation->layout,
                                 .costs = &simulation->costs,
                                 .scale = 1,
                                 .warm_up_ns = simulation->scenario.spec.window.warm_up,
                                 .measure_ns = simulation->scenario.spec.window.measure};
}

/* The caller ends the outcome. */
static inline struct outcome simulation_run(struct simulation *simulation, uint64_t replication) {
    struct outcome outcome;
    outcome_init(&outcome);
    simulation->options.plan_seed = plan_seed_of(simulation->scenario.spec.seed, replication);
    ck_assert(cluster_run(&simulation->options, &outcome));
    return outcome;
}

static inline void simulation_fini(struct simulation *simulation) {
    scenario_fini(&simulation->scenario);
}

#endif
