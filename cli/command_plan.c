/* `headroom plan SCENARIO`: how many nodes to buy, of which kind, and what that depends on. */
#include "cli/commands.h"
#include "cli/capacity.h"
#include "cli/one_scenario.h"
#include "cli/print.h"
#include "cli/record.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double SECONDS_PER_HOUR = 3600, BYTES_PER_GB = 1e9;

static void begin(struct capacity *plan, const struct scenario *scenario,
                  const struct costs_choice *costs, const struct options *options) {
    const struct spec_scenario *spec = &scenario->spec;
    *plan = (struct capacity){.scenario = scenario,
                              .costs = costs,
                              .scale = options->scale / (1 - spec->plan.headroom),
                              .draws = options->reps > 0 ? options->reps : CAPACITY_DRAWS,
                              .load = plan_offered(&scenario->roster),
                              .kinds_count = spec->nodes_count,
                              .chosen = -1};
    arena_init(&plan->arena);
    for (int32_t i = 0; i < spec->nodes_count; i++) {
        plan->kinds[i] = (struct capacity_kind){.node = &spec->nodes[i], .index = i};
        plan->has_prices |= spec->nodes[i].price > 0;
    }
    plan->egress_per_hour = options->scale * plan->load.outbound_bytes_per_s * SECONDS_PER_HOUR /
                            BYTES_PER_GB * spec->prices.egress;
}

static void work_out(struct capacity *plan, const struct options *options) {
    for (int32_t i = 0; i < plan->kinds_count; i++) {
        print_say(options, "%s: sizing nodes of the kind %s, %d draws of the costs and arrivals",
                  plan->scenario->spec.name, plan->kinds[i].node->name, plan->draws);
        capacity_size(plan, &plan->kinds[i], options->jobs);
    }
    print_say(options, "%s: looking at what could be bought", plan->scenario->spec.name);
    capacity_offer_all(plan, options->jobs);
    if (plan->chosen < 0)
        return;
    print_say(options, "%s: moving one input at a time", plan->scenario->spec.name);
    capacity_find_bars(plan, options);
}

/* --- the store --- */

static bool record_kind(struct store *store, int64_t id, const struct capacity_kind *kind) {
    for (int32_t which = 0; which < SIZING_CASES; which++) {
        char name[128];
        const struct capacity_count *count = &kind->count[which];
        snprintf(name, sizeof name, "plan.%s.%s", kind->node->name,
                 sizing_case_name((enum sizing_case)which));
        if (!record_number(store, id, name, (double)count->target, (double)count->low,
                           (double)count->high, "nodes", kind->bound.name))
            return false;
    }
    return true;
}

static uint64_t fingerprint_answer(const struct capacity *plan) {
    struct fingerprint fingerprint;
    fingerprint_init(&fingerprint);
    for (int32_t i = 0; i < plan->kinds_count; i++)
        fingerprint_bytes(&fingerprint, plan->kinds[i].count, sizeof plan->kinds[i].count);
    return fingerprint_value(&fingerprint);
}

static bool record(const struct capacity *plan, const struct options *options) {
    struct store store;
    if (record_open(&store, options) >= 0)
        return false;
    struct record_run run = record_simulated("plan", plan->scenario, plan->costs);
    run.scale = plan->scale;
    int64_t id;
    bool is_kept = record_begin(&store, &run, &id);
    for (int32_t i = 0; i < plan->kinds_count && is_kept; i++)
        is_kept = record_kind(&store, id, &plan->kinds[i]);
    is_kept = is_kept && record_finish(&store, id, STORE_DONE, NULL, fingerprint_answer(plan));
    store_close(&store);
    return is_kept;
}

/* --- rules --- */

/* "rules.yml" has its tests in "rules.test.yml" beside it, which name it without its folder. */
static bool write_rules(struct capacity *plan, const struct options *options) {
    const char *path = options->prometheus, *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path, *dot = strrchr(file, '.');
    int stem = (int)(dot ? (size_t)(dot - path) : strlen(path));
    const char *tests_path =
        arena_new_format(&plan->arena, "%.*s.test%s", stem, path, dot ? dot : ".yml");
    struct text rules, tests;
    text_init(&rules);
    text_init(&tests);
    capacity_write_rules(plan, &rules);
    capacity_write_rule_tests(plan, file, &tests);
    bool is_written =
        files_write(path, text_bytes(&rules)) && files_write(tests_path, text_bytes(&tests));
    if (is_written)
        print_say(options, "rules in %s, their tests in %s: promtool test rules %s", path,
                  tests_path, tests_path);
    text_fini(&rules);
    text_fini(&tests);
    return is_written;
}

static int work_out_and_tell(struct capacity *plan, const struct options *options) {
    if (!capacity_check_uncertain(plan, options))
        return EXIT_INPUT;
    work_out(plan, options);
    if (!record(plan, options))
        return EXIT_IO;
    capacity_print(plan, options);
    if (plan->chosen < 0)
        return EXIT_FAILS;
    if (options->prometheus && !write_rules(plan, options))
        return EXIT_IO;
    return EXIT_HOLDS;
}

static int answer(struct scenario *scenario, const struct costs_choice *costs,
                  const struct options *options) {
    struct capacity *plan = malloc(sizeof *plan);
    CHECK(plan != NULL);
    begin(plan, scenario, costs, options);
    int code = work_out_and_tell(plan, options);
    arena_fini(&plan->arena);
    free(plan);
    return code;
}

static int run(const struct options *options) {
    return one_scenario(options, answer);
}

const struct command command_plan = {
    .name = "plan",
    .arguments = "SCENARIO",
    .summary = "how many nodes to buy, of which kind, and what that depends on",
    .doc = "Sizes each kind of nodes for the scenario's objectives at its headroom (the field "
           "plan.headroom), with all nodes there and with some lost;\n"
           "prices come from nodes.KIND.price and prices. docs/plan.md says how. The plan is kept "
           "in --db.\n\n"
           "Exit code 0 when some number of nodes holds, 99 when none does.\n\n"
           "  headroom plan scenarios/worked-example.json --profile "
           "scenarios/profiles/worked-example.json\n"
           "  headroom plan scenarios/lobby.json --set plan.headroom=0.5 --prometheus rules.yml",
    .takes = "sejdprxKJq",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
