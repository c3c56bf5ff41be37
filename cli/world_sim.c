/* Draw d of the costs is a stream of its own, made before anything runs, so that threads share
 * nothing that changes. */
#include "cli/world_sim.h"

#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"

enum { ROUGH_PART = 4 };
enum {
    DRAW_PURPOSE = 0x636f7374
}; /* "cost": apart from the workload's purposes, which are small */

struct profile_costs world_sim_draw(const struct profile *profile, uint64_t seed, int32_t draw) {
    if (draw == 0)
        return profile_means(profile);
    struct rng rng;
    rng_init(&rng,
             (struct rng_name){.seed = seed, .entity = (uint64_t)draw, .purpose = DRAW_PURPOSE});
    return profile_draw(profile, &rng);
}

void world_sim_init(struct world_sim *sim, struct scenario *scenario,
                    const struct costs_choice *costs) {
    *sim = (struct world_sim){.scenario = scenario, .has_generator = true};
    layout_init(&sim->layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
    for (int32_t i = 0; i < WORLD_SIM_DRAWS_MAX; i++)
        sim->draws[i] = world_sim_draw(&costs->profile, scenario->spec.seed, i);
}

struct study_probe_result world_result_of(const struct outcome *outcome) {
    const double *metric = outcome->metric;
    return (struct study_probe_result){
        .late_share = metric[OUTCOME_late_share],
        .late_share_stderr = metric[OUTCOME_late_share_stderr],
        .due_count = metric[OUTCOME_due],
        .lost_share = metric[OUTCOME_due] > 0 ? metric[OUTCOME_lost] / metric[OUTCOME_due] : 0,
        .verdict = outcome->verdict,
        .broke = outcome->broke,
        .latency_p50_ms = metric[OUTCOME_latency_p50_ms],
        .latency_p99_ms = metric[OUTCOME_latency_p99_ms],
        .refused = outcome->refused};
}

/* A steady-state window need not hold more publishes than this many: it is shortened where the rate
 * is that high, but not below twenty times the objective's `within`, where a backlog would hide
 * (DESIGN section 5); a rough look takes a quarter. A window with a fixed warm-up imitates a
 * measurement and keeps its length. */
static base_ns window_of(const struct roster *roster, const struct study_probe_request *request) {
    static const double PUBLISHES_ENOUGH = 200000;
    double rate = plan_offered(roster).publishes_per_s * request->scale;
    base_ns enough_ns = base_ns_from_seconds(PUBLISHES_ENOUGH / rate);
    base_ns least_ns = 20 * roster->scenario->objectives.delivery.within;
    if (request->warm_up_ns != SPEC_AUTO)
        return request->measure_ns;
    enough_ns = enough_ns > least_ns ? enough_ns : least_ns;
    base_ns window_ns = enough_ns < request->measure_ns ? enough_ns : request->measure_ns;
    return request->is_rough ? window_ns / ROUGH_PART : window_ns;
}

void world_sim_probe(const struct layout *layout, const struct profile_costs *costs,
                     bool has_generator, const struct study_probe_request *request,
                     struct study_probe_result *result) {
    struct outcome outcome;
    outcome_init(&outcome);
    struct cluster_options options = {.layout = layout,
                                      .costs = costs,
                                      .plan_seed =
                                          plan_seed_of(request->seed, request->replication),
                                      .scale = request->scale,
                                      .warm_up_ns = request->warm_up_ns,
                                      .measure_ns = window_of(layout->roster, request),
                                      .has_generator = has_generator};
    if (!cluster_run(&options, &outcome))
        outcome.verdict = OUTCOME_CANNOT_TELL;
    *result = world_result_of(&outcome);
    outcome_fini(&outcome);
}

static bool probe(void *context, const struct study_probe_request *request,
                  struct study_probe_result *result) {
    const struct world_sim *sim = context;
    CHECK(request->draw >= 0 && request->draw < WORLD_SIM_DRAWS_MAX);
    world_sim_probe(&sim->layout, &sim->draws[request->draw], sim->has_generator, request, result);
    return true;
}

struct study_world world_sim_as_world(struct world_sim *sim) {
    return (struct study_world){.probe = probe,
                                .context = sim,
                                .load_unit = plan_offered(&sim->scenario->roster).deliveries_per_s};
}
