/* The ceiling that `ceiling` finds against a fine grid search over the same replications: the load
 * is raised by 1.4 until two loads in a row fail (at very low load one publish in a hundred is late
 * by itself), and the step between the last that held and the first of these is cut into loads half
 * a per cent apart, each of which is run. The grid's ceiling is where the fewest of them lie on the
 * wrong side. It assumes nothing but an order.
 *
 * usage: test_cli_grid [CASES]     all twelve by hand (`cmake --build <build> --target grid`), the
 * quickest in the suite. */
#include "cli/files.h"
#include "cli/predict.h"
#include "cli/procedure.h"
#include "cli/world_sim.h"
#include "study/prediction.h"
#include "tests/sim/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DRAWS = 2, CASES_IN_THE_SUITE = 1, LOADS = 67 };
static int cases_count = CASES_IN_THE_SUITE;
static const double climb = 0.336472236621213; /* log(1.4) */

/* The quickest first. Not here: four in which a window holds few publishes against the steals of
 * the machine, so that one stream's curve crosses the objective more than once (docs/answers.md).
 */
static const char *const cases[] = {"cases/big-room",
                                    "cases/room-of-10000",
                                    "cases/overloaded",
                                    "cases/big-room-coalesced",
                                    "cases/large-messages",
                                    "cases/small-messages",
                                    "cases/rooms-of-100-at-once",
                                    "lobby",
                                    "cases/rooms-of-5",
                                    "cases/many-publishers",
                                    "cases/hot-and-cold",
                                    "cases/huge-messages"};

struct grid {
    struct study_world world;
    struct study_objective objective;
    struct study_probe_request request;
    int64_t probes_count;
};

static bool fails(struct grid *grid, double log_scale) {
    struct study_probe_result result = {.broke = "", .late_share_stderr = (double)NAN};
    grid->request.scale = exp(log_scale);
    ck_assert(grid->world.probe(grid->world.context, &grid->request, &result));
    grid->probes_count++;
    return study_distance_of(&result, &grid->objective).logit > 0;
}

/* log(scale) of the last load that held before two failures. */
static double climb_to(struct grid *grid, double first_scale) {
    double held = log(first_scale), x = held;
    for (int32_t failures = 0; failures < 2; x += climb) {
        bool is_failure = fails(grid, x);
        held = is_failure ? held : x;
        failures = is_failure ? failures + 1 : 0;
    }
    return held;
}

/* log(scale) that separates best; the lowest of equals. */
static double search(struct grid *grid, double first_scale) {
    bool failed[LOADS];
    double from = climb_to(grid, first_scale);
    for (int32_t i = 0; i < LOADS; i++)
        failed[i] = fails(grid, from + (i + 1) * climb / LOADS);
    int32_t best = 0, fewest = LOADS + 1;
    for (int32_t cut = 0; cut <= LOADS; cut++) { /* loads below `cut` should hold */
        int32_t wrong = 0;
        for (int32_t i = 0; i < LOADS; i++)
            wrong += failed[i] == (i < cut);
        best = wrong < fewest ? cut : best;
        fewest = wrong < fewest ? wrong : fewest;
    }
    return from + (best + 0.5) * climb / LOADS;
}

START_TEST(the_ceiling_is_that_of_a_fine_grid_for_a_quarter_of_its_runs) {
    char path[256];
    struct options options = {.scale = 1};
    struct scenario scenario;
    struct costs_choice costs = {.from = ""};
    snprintf(path, sizeof path, SCENARIOS_FOLDER "/%s.json", cases[_i]);
    ck_assert_int_lt(files_scenario(&scenario, path, &options), 0);
    arena_init(&costs.arena);
    ck_assert_int_lt(
        files_profile(&costs.profile, SCENARIOS_FOLDER "/profiles/reference.json", &costs.arena),
        0);
    struct world_sim *sim = ARENA_NEW(&costs.arena, 1, struct world_sim);
    world_sim_init(sim, &scenario, &costs);
    struct study_ceiling_options procedure = procedure_ceiling(&scenario.spec, &scenario.roster, 0);
    struct study_prediction_options ask = {.objective = procedure.objective,
                                           .first_scale = procedure.first_scale,
                                           .scale_min = procedure.scale_min,
                                           .scale_max = procedure.scale_max,
                                           .warm_up_ns = SPEC_AUTO,
                                           .measure_ns = predict_window(),
                                           .seed = scenario.spec.seed,
                                           .draws = DRAWS,
                                           .streams = PREDICT_STREAMS};
    struct study_prediction prediction;
    struct grid grid = {.world = world_sim_as_world(sim),
                        .objective = procedure.objective,
                        .request = {.warm_up_ns = SPEC_AUTO,
                                    .measure_ns = predict_window(),
                                    .seed = scenario.spec.seed}};
    study_predict(&grid.world, &ask, NULL, &prediction);
    ck_assert_int_eq(prediction.outcome, STUDY_FOUND);
    double sum = 0;
    for (int32_t i = 0; i < DRAWS * PREDICT_STREAMS; i++) {
        grid.request.draw = 1 + i / PREDICT_STREAMS;
        grid.request.replication = (uint64_t)i + 1;
        sum += search(&grid, procedure.first_scale);
    }
    double of_grid = exp(sum / (DRAWS * PREDICT_STREAMS));
    double difference = prediction.scale.value / of_grid - 1;
    double share = (double)prediction.probes_count / (double)grid.probes_count;
    printf("%-26s %12.0f deliveries/s  grid %12.0f  %+5.2f %%  %4lld runs of the grid's %lld, %.0f "
           "%%\n",
           cases[_i], prediction.load.value, of_grid * grid.world.load_unit, 100 * difference,
           (long long)prediction.probes_count, (long long)grid.probes_count, 100 * share);
    fflush(stdout);
    ck_assert_double_le(fabs(difference), 0.01);
    ck_assert_double_le(share, 0.25);
    arena_fini(&costs.arena);
    files_scenario_fini(&scenario);
}
END_TEST

int main(int argc, char **argv) {
    if (argc > 1)
        cases_count = atoi(argv[1]);
    CHECK(cases_count <= (int)COUNT_OF(cases));
    const struct suite_test tests[] = {
        LOOP_TEST(the_ceiling_is_that_of_a_fine_grid_for_a_quarter_of_its_runs, cases_count)};
    return suite_run("cli/grid", tests, COUNT_OF(tests));
}
