/* `headroom bound SCENARIO FIELD...`: the values of a field with which the scenario, at its own
 * load, still holds. Each value is judged over a few arrival streams, the same ones for every value
 * (common random numbers), with the profile's own costs. */
#include "cli/bound.h"
#include "cli/commands.h"
#include "cli/one_scenario.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/vary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void print_text(const struct bound_ask *ask, const struct study_bound *bound) {
    const struct vary *vary = ask->vary;
    const char *name = vary->name, *low = vary_text(vary, bound->low),
               *high = vary_text(vary, bound->high);
    switch (bound->kind) {
    case STUDY_BOUND_NOTHING:
        printf("%s: nothing holds, from %s to %s (%s)\n", name, vary_text(vary, vary->lowest),
               vary_text(vary, vary->highest), ask->broke_below ? ask->broke_below : "");
        break;
    case STUDY_BOUND_ALL:
        printf("%s: everything holds, from %s to %s%s%s\n", name, low, high,
               *vary->why_highest ? "; beyond: " : "", vary->why_highest);
        break;
    case STUDY_BOUND_MOST:
        printf("%s: at most %s (now %s); above it %s breaks\n", name, high,
               vary_text(vary, vary->now), ask->broke_above ? ask->broke_above : "something");
        break;
    case STUDY_BOUND_LEAST:
        printf("%s: at least %s (now %s); below it %s breaks\n", name, low,
               vary_text(vary, vary->now), ask->broke_below ? ask->broke_below : "something");
        break;
    case STUDY_BOUND_BETWEEN:
        printf("%s: from %s to %s (now %s)\n", name, low, high, vary_text(vary, vary->now));
        break;
    }
}

static cJSON *as_json(const struct bound_ask *ask, const struct study_bound *bound) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "field", ask->vary->name);
    cJSON_AddStringToObject(json, "holds", study_bound_kind_name(bound->kind));
    print_add_number(json, "low", bound->low);
    print_add_number(json, "high", bound->high);
    print_add_number(json, "fails_below", bound->fails_below);
    print_add_number(json, "fails_above", bound->fails_above);
    print_add_number(json, "now", ask->vary->now);
    cJSON_AddBoolToObject(json, "is_whole", ask->vary->is_whole);
    cJSON_AddNumberToObject(json, "values_tried", bound->asked_count);
    return json;
}

/* Whether what the scenario has now lies within. */
static int code_of(const struct vary *vary, const struct study_bound *bound) {
    bool is_within = bound->low <= vary->now && vary->now <= bound->high;
    return is_within ? EXIT_HOLDS : EXIT_FAILS;
}

static int answer_one(struct bound_ask *ask, const struct vary *vary, struct store *store,
                      int64_t id, cJSON *list) {
    struct study_bound bound = bound_find(ask, vary);
    char metric[128];
    (void)snprintf(metric, sizeof metric, "bound.%s", vary->name);
    if (!record_number(store, id, metric, bound.high, bound.low, bound.high, "",
                       study_bound_kind_name(bound.kind)))
        return EXIT_IO;
    if (ask->options->is_json)
        cJSON_AddItemToArray(list, as_json(ask, &bound));
    else
        print_text(ask, &bound);
    return code_of(vary, &bound);
}

/* All fields are looked up before the first is searched: a wrong name costs nothing. */
static int find_fields(const struct options *options, const struct scenario *scenario,
                       struct arena *arena, struct vary *varies) {
    int code = -1;
    for (int32_t i = 1; i < options->arguments_count && code < 0; i++)
        code = vary_init(&varies[i - 1], options->arguments[i], scenario, arena);
    return code;
}

static int answer_all(const struct vary *varies, const struct scenario *scenario,
                      const struct costs_choice *costs, const struct options *options) {
    struct store store;
    int worst = record_open(&store, options);
    if (worst >= 0)
        return worst;
    struct record_run record = record_simulated("bound", scenario, costs);
    record.scale = options->scale;
    struct profile_costs means = profile_means(&costs->profile);
    struct bound_ask ask = bound_ask_of(scenario, &means, options);
    int64_t id;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", scenario->spec.name);
    print_add_u64(json, "seed", scenario->spec.seed);
    cJSON *list = cJSON_AddArrayToObject(json, "bounds");
    worst = record_begin(&store, &record, &id) ? EXIT_HOLDS : EXIT_IO;
    for (int32_t i = 1; i < options->arguments_count && worst != EXIT_IO; i++) {
        int code = answer_one(&ask, &varies[i - 1], &store, id, list);
        worst = code == EXIT_HOLDS ? worst : code;
    }
    if (worst != EXIT_IO && !record_finish(&store, id, STORE_DONE, NULL, 0))
        worst = EXIT_IO;
    store_close(&store);
    if (options->is_json && worst != EXIT_IO)
        print_json(json);
    else
        cJSON_Delete(json);
    return worst;
}

static int answer(struct scenario *scenario, const struct costs_choice *costs,
                  const struct options *options) {
    struct arena arena;
    arena_init(&arena);
    struct vary *varies = ARENA_NEW(&arena, (size_t)options->arguments_count, struct vary);
    int code = find_fields(options, scenario, &arena, varies);
    if (code < 0)
        code = answer_all(varies, scenario, costs, options);
    arena_fini(&arena);
    return code;
}

static int run(const struct options *options) {
    return one_scenario(options, answer);
}

const struct command command_bound = {
    .name = "bound",
    .arguments = "SCENARIO FIELD...",
    .summary = "the most, or the least, of a field with which the scenario holds",
    .doc = "The reverse of `ceiling`: the load stays, and a field is moved until it no longer "
           "holds. Whether more of it is better or worse is found out. Fields are named as --set "
           "names them; names between may be left out, and * stands for every entry.\n\n"
           "Exit code 0 when what the scenario has now holds, 99 when it does not.\n\n"
           "  headroom bound scenarios/lobby.json rooms.size            # the room cap\n"
           "  headroom bound scenarios/lobby.json traffic.bytes         # the biggest message\n"
           "  headroom bound scenarios/worked-example.json nodes.count  # the fewest nodes",
    .takes = "sejdprxJq",
    .arguments_min = 2,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
