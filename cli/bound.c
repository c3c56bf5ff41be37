/* Each value is judged by the pooled late share of its streams, against the objective alone. */
#include "cli/bound.h"

#include "cli/files.h"
#include "cli/pool.h"
#include "cli/print.h"
#include "cli/procedure.h"
#include "cli/simulate.h"
#include "cli/world_sim.h"

enum { STREAMS = 3, STREAMS_MAX = 64 };
static const double tolerance = 0.005;

struct streams {
    const struct bound_ask *ask;
    const struct scenario *scenario;
    struct layout layout;
    struct study_probe_result results[STREAMS_MAX];
};

static void run_stream(void *context, int32_t index) {
    struct streams *streams = context;
    struct outcome outcome;
    outcome_init(&outcome);
    simulate(streams->scenario, &streams->layout, &streams->ask->costs, (uint64_t)index,
             streams->ask->options->scale, &outcome);
    streams->results[index] = world_result_of(&outcome);
    outcome_fini(&outcome);
}

static bool holds(void *context, double value) {
    struct bound_ask *ask = context;
    struct scenario scenario;
    bool does_hold = false;
    if (vary_scenario(ask->vary, value, &scenario, NULL)) {
        struct streams streams = {.ask = ask, .scenario = &scenario};
        layout_init(&streams.layout, &scenario.roster, scenario.spec.seed, &scenario.arena);
        pool_map(ask->options->jobs, ask->streams, run_stream, &streams);
        struct study_probe_result all = streams.results[0];
        const char *broke = all.broke;
        for (int32_t i = 1; i < ask->streams; i++) {
            all = study_pooled(&all, &streams.results[i]);
            broke = *broke ? broke : all.broke;
        }
        /* Where nothing is due nothing is late. */
        does_hold = !all.refused && !study_leans_to_fail(&all, &ask->objective);
        if (!does_hold)
            *(value > ask->vary->now ? &ask->broke_above : &ask->broke_below) =
                *broke ? broke : "delivery";
    }
    files_scenario_fini(&scenario);
    print_say(ask->options, "  %s = %s: %s", ask->vary->name, print_number(value),
              does_hold ? "holds" : "does not");
    return does_hold;
}

struct study_bound bound_search(const struct vary *vary, bool (*judge)(void *context, double value),
                                void *context) {
    return study_find_bound(&(struct study_bound_options){.holds = judge,
                                                          .context = context,
                                                          .start = vary->now,
                                                          .lowest = vary->lowest,
                                                          .highest = vary->highest,
                                                          .is_whole = vary->is_whole,
                                                          .tolerance = tolerance});
}

struct bound_ask bound_ask_of(const struct scenario *scenario, const struct profile_costs *costs,
                              const struct options *options) {
    int32_t streams = options->reps > 0 ? options->reps : STREAMS;
    return (struct bound_ask){.options = options,
                              .costs = *costs,
                              .objective = procedure_objective(&scenario->spec),
                              .streams = streams < STREAMS_MAX ? streams : STREAMS_MAX};
}

struct study_bound bound_find(struct bound_ask *ask, const struct vary *vary) {
    ask->vary = vary;
    ask->broke_above = ask->broke_below = NULL;
    return bound_search(vary, holds, ask);
}
