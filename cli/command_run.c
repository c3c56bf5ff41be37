/* `headroom run SCENARIO`: one simulated run, at the load that the scenario asks for. */
#include "cli/commands.h"
#include "cli/connection_costs.h"
#include "cli/need.h"
#include "cli/one_scenario.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/replicate.h"
#include "cli/simulate.h"

static void print_answer(const struct print_run *run, const struct scenario *scenario,
                         const struct layout *layout, const struct costs_choice *costs,
                         const struct options *options) {
    struct profile_costs means = profile_means(&costs->profile);
    struct need need = need_of(scenario, &means, options->scale);
    if (options->is_json) {
        cJSON *json = print_run_json(run);
        cJSON_AddItemToObject(json, "need", need_json(&need));
        cJSON_AddItemToObject(json, "connection_costs",
                              connection_costs_json(layout, &costs->profile));
        print_json(json);
        return;
    }
    print_run_text(run);
    connection_costs_print(layout, &costs->profile);
    need_print(&need);
}

static int answer(struct scenario *scenario, const struct costs_choice *costs,
                  const struct options *options) {
    struct store store;
    int code = record_open(&store, options);
    if (code >= 0)
        return code;
    int64_t id;
    struct outcome outcome;
    outcome_init(&outcome);
    struct record_run record = record_simulated("run", scenario, costs);
    record.scale = options->scale;
    bool is_kept = record_begin(&store, &record, &id);
    struct layout layout;
    if (is_kept) {
        layout_init(&layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
        struct profile_costs means = profile_means(&costs->profile);
        simulate(scenario, &layout, &means, 0, options->scale, &outcome);
        enum store_state state = outcome.refused ? STORE_REFUSED : STORE_DONE;
        is_kept = record_outcome(&store, id, &outcome) &&
                  store_put_prediction(&store, id, record_now_ns()) &&
                  record_finish(&store, id, state, outcome.refused, outcome.fingerprint);
    }
    store_close(&store);
    struct print_run print = {.scenario = scenario->spec.name,
                              .source = "simulated",
                              .outcome = &outcome,
                              .spec = &scenario->spec,
                              .seed = scenario->spec.seed,
                              .scale = options->scale};
    if (is_kept)
        print_answer(&print, scenario, &layout, costs, options);
    code = is_kept ? print_exit_code(outcome.verdict) : EXIT_IO;
    outcome_fini(&outcome);
    return code;
}

static int run(const struct options *options) {
    return one_scenario(options, replicate_is_asked(options) ? replicate_answer : answer);
}

const struct command command_run = {
    .name = "run",
    .arguments = "SCENARIO",
    .summary = "simulate a scenario, once or with replications",
    .doc =
        "One run is of the profile's own costs. With --reps or --precision each replication draws "
        "them from what the calibration leaves open, and every figure has an interval "
        "(docs/answers.md).\n\n"
        "Exit code 0 when the objectives hold, 99 when one is missed or the load is unstable, 96 "
        "when replications cannot tell or --precision was not reached.\n\n"
        "  headroom run scenarios/lobby.json\n"
        "  headroom run scenarios/lobby.json --set nodes.gateway.fan_out=write_at_once --json\n"
        "  headroom run scenarios/lobby.json --precision 0.05 --metric latency_p99_ms --max-reps "
        "60",
    .takes = "sejdpxrPNFJq",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
