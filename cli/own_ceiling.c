/* The search begins where the closed form says that the ceiling is, which is mostly within a tenth;
 * where it says nothing, well below, as every search does. */
#include "cli/own_ceiling.h"

#include "cli/predict.h"
#include "cli/procedure.h"
#include "cli/world_sim.h"
#include "models/cluster/closed_form.h"
#include "models/workload/plan.h"

static const double step_from_guess = 0.04, step_from_below = 0.336472236621213; /* log(1.4) */

static bool probe(void *context, const struct study_probe_request *request,
                  struct study_probe_result *result) {
    const struct own_ceiling_ask *ask = context;
    world_sim_probe(ask->layout, ask->costs, true, request, result);
    return true;
}

static double guess_of(const struct own_ceiling_ask *ask) {
    struct arena arena;
    struct closed_form form;
    arena_init(&arena);
    closed_form_init(&form, ask->layout, &arena);
    double scale = closed_form_find_ceiling(&form, ask->costs).scale;
    arena_fini(&arena);
    return scale;
}

struct study_root own_ceiling_find(const struct own_ceiling_ask *ask) {
    const struct spec_scenario *spec = &ask->scenario->spec;
    struct study_ceiling_options procedure = procedure_ceiling(spec, &ask->scenario->roster, 0);
    struct own_ceiling_ask copy = *ask;
    double guess = guess_of(ask);
    bool is_guess = guess > procedure.scale_min && guess < procedure.scale_max;
    struct study_world world = {.probe = probe,
                                .context = &copy,
                                .load_unit = plan_offered(&ask->scenario->roster).deliveries_per_s};
    struct study_root_options options = {.objective = procedure.objective,
                                         .first_scale = is_guess ? guess : procedure.first_scale,
                                         .scale_min = procedure.scale_min,
                                         .scale_max = procedure.scale_max,
                                         .first_step = is_guess ? step_from_guess : step_from_below,
                                         .tolerance = 0.005};
    struct study_probe_request request = {.warm_up_ns = SPEC_AUTO,
                                          .measure_ns = predict_window(),
                                          .seed = spec->seed,
                                          .replication = ask->replication};
    return study_find_root(&world, &options, &request);
}
