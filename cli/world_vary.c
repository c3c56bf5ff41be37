/* Clients and rooms are drawn by who they are, so a larger scenario has the smaller one's clients
 * among its own, with the same arrivals where those are per room or per user. */
#include "cli/world_vary.h"

#include "sim/base/check.h"

static bool probe(void *context, const struct study_probe_request *request,
                  struct study_probe_result *result) {
    const struct world_vary *world = context;
    struct scenario scenario;
    CHECK(request->draw >= 0 && request->draw < WORLD_SIM_DRAWS_MAX);
    if (vary_scenario(world->vary, world->vary->now * request->scale, &scenario, NULL)) {
        struct layout layout;
        layout_init(&layout, &scenario.roster, scenario.spec.seed, &scenario.arena);
        struct study_probe_request unscaled = *request;
        unscaled.scale = 1;
        world_sim_probe(&layout, &world->sim->draws[request->draw], world->sim->has_generator,
                        &unscaled, result);
    } else {
        result->refused = "the scenario language does not take this value";
    }
    files_scenario_fini(&scenario);
    return true;
}

struct study_world world_vary_as_world(struct world_vary *world) {
    return (struct study_world){.probe = probe, .context = world, .load_unit = world->vary->now};
}
