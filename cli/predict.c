/* The costs' draws and the arrivals' streams on a pool of threads; the search is the study's. */
#include "cli/predict.h"

#include "cli/pool.h"
#include "cli/procedure.h"

enum { DRAWS = 8, AS_MEASURED = 2 };
static const double STEADY_WINDOW_S = 5;

int32_t predict_draws(const struct options *options) {
    return options->reps > 2 ? options->reps : DRAWS;
}

base_ns predict_window(void) {
    return base_ns_from_seconds(STEADY_WINDOW_S);
}

static void map(void *context, int32_t count, void (*task)(void *, int32_t), void *task_context) {
    const struct options *options = context;
    pool_map(options->jobs, count, task, task_context);
}

void predict_vary(struct world_vary *world, const struct options *options,
                  struct study_prediction *prediction) {
    const struct vary *vary = world->vary;
    const struct spec_scenario *spec = &vary->scenario->spec;
    struct study_prediction_options ask = {.objective = procedure_objective(spec),
                                           .first_scale = 1,
                                           .scale_min = vary->lowest / vary->now,
                                           .scale_max = vary->highest / vary->now,
                                           .warm_up_ns = SPEC_AUTO,
                                           .measure_ns = predict_window(),
                                           .seed = spec->seed,
                                           .draws = predict_draws(options),
                                           .streams = PREDICT_STREAMS};
    struct study_world asked = world_vary_as_world(world);
    struct study_executor executor = {.map = map, .context = (void *)(uintptr_t)options};
    study_predict(&asked, &ask, &executor, prediction);
}

void predict_ceiling(struct world_sim *sim, const struct options *options,
                     struct study_prediction *prediction) {
    const struct scenario *scenario = sim->scenario;
    struct study_ceiling_options search =
        procedure_ceiling(&scenario->spec, &scenario->roster, options->seconds);
    struct study_prediction_options ask = {.objective = search.objective,
                                           .first_scale = search.first_scale,
                                           .scale_min = search.scale_min,
                                           .scale_max = search.scale_max,
                                           .warm_up_ns = SPEC_AUTO,
                                           .measure_ns = predict_window(),
                                           .seed = scenario->spec.seed,
                                           .draws = predict_draws(options),
                                           .streams = PREDICT_STREAMS,
                                           .as_measured_count = AS_MEASURED,
                                           .as_measured = search};
    struct study_world world = world_sim_as_world(sim);
    struct study_executor executor = {.map = map, .context = (void *)(uintptr_t)options};
    study_predict(&world, &ask, &executor, prediction);
}
