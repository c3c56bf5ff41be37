/* `headroom bound SCENARIO FIELD...`: the values of a field with which the scenario, at its own
 * load, still holds. Each value is judged over a few arrival streams, the same ones for every value
 * (common random numbers), with the profile's own costs. */
#include "cli/commands.h"
#include "cli/costs.h"
#include "cli/files.h"
#include "cli/pool.h"
#include "cli/print.h"
#include "cli/procedure.h"
#include "cli/record.h"
#include "cli/simulate.h"
#include "cli/vary.h"
#include "cli/world_sim.h"
#include "study/bound.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { STREAMS = 3, STREAMS_MAX = 64 };
static const double tolerance = 0.005;

struct asked {
    const struct options *options;
    const struct scenario *scenario;
    const struct vary *vary;
    struct profile_costs costs;
    struct study_objective objective;
    int32_t streams;
    const char *broke_above, *broke_below; /* at the nearest values that do not hold */
};

struct streams {
    const struct asked *asked;
    const struct scenario *scenario;
    struct layout layout;
    struct study_probe_result results[STREAMS_MAX];
};

static void run_stream(void *context, int32_t index) {
    struct streams *streams = context;
    struct outcome outcome;
    outcome_init(&outcome);
    simulate(streams->scenario, &streams->layout, &streams->asked->costs, (uint64_t)index,
             streams->asked->options->scale, &outcome);
    streams->results[index] = world_result_of(&outcome);
    outcome_fini(&outcome);
}

static bool holds(void *context, double value) {
    struct asked *asked = context;
    struct scenario scenario;
    bool does_hold = false;
    if (vary_scenario(asked->vary, value, &scenario, NULL)) {
        struct streams streams = {.asked = asked, .scenario = &scenario};
        layout_init(&streams.layout, &scenario.roster, scenario.spec.seed, &scenario.arena);
        pool_map(asked->options->jobs, asked->streams, run_stream, &streams);
        struct study_probe_result all = streams.results[0];
        const char *broke = all.broke;
        for (int32_t i = 1; i < asked->streams; i++) {
            all = study_pooled(&all, &streams.results[i]);
            broke = *broke ? broke : all.broke;
        }
        /* Where nothing is due nothing is late. */
        does_hold = !all.refused && !study_leans_to_fail(&all, &asked->objective);
        if (!does_hold)
            *(value > asked->vary->now ? &asked->broke_above : &asked->broke_below) =
                *broke ? broke : "delivery";
    }
    files_scenario_fini(&scenario);
    print_say(asked->options, "  %s = %s: %s", asked->vary->name, print_number(value),
              does_hold ? "holds" : "does not");
    return does_hold;
}

/* In a static ring of four: one thread. */
static const char *value_text(const struct vary *vary, double value) {
    static struct text ring[4];
    static int next;
    struct text *out = &ring[next++ % 4];
    text_clear(out);
    if (isnan(value))
        return "-";
    double digits = vary->is_whole || value >= 1000 ? 1 : pow(10, floor(log10(value)) - 2);
    vary_write(vary, round(value / digits) * digits, out);
    return text_bytes(out);
}

static void print_text(const struct asked *asked, const struct study_bound *bound) {
    const struct vary *vary = asked->vary;
    const char *name = vary->name, *low = value_text(vary, bound->low),
               *high = value_text(vary, bound->high);
    switch (bound->kind) {
    case STUDY_BOUND_NOTHING:
        printf("%s: nothing holds, from %s to %s (%s)\n", name, value_text(vary, vary->lowest),
               value_text(vary, vary->highest), asked->broke_below ? asked->broke_below : "");
        break;
    case STUDY_BOUND_ALL:
        printf("%s: everything holds, from %s to %s%s%s\n", name, low, high,
               *vary->why_highest ? "; beyond: " : "", vary->why_highest);
        break;
    case STUDY_BOUND_MOST:
        printf("%s: at most %s (now %s); above it %s breaks\n", name, high,
               value_text(vary, vary->now), asked->broke_above ? asked->broke_above : "something");
        break;
    case STUDY_BOUND_LEAST:
        printf("%s: at least %s (now %s); below it %s breaks\n", name, low,
               value_text(vary, vary->now), asked->broke_below ? asked->broke_below : "something");
        break;
    case STUDY_BOUND_BETWEEN:
        printf("%s: from %s to %s (now %s)\n", name, low, high, value_text(vary, vary->now));
        break;
    }
}

static cJSON *as_json(const struct asked *asked, const struct study_bound *bound) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "field", asked->vary->name);
    cJSON_AddStringToObject(json, "holds", study_bound_kind_name(bound->kind));
    print_add_number(json, "low", bound->low);
    print_add_number(json, "high", bound->high);
    print_add_number(json, "fails_below", bound->fails_below);
    print_add_number(json, "fails_above", bound->fails_above);
    print_add_number(json, "now", asked->vary->now);
    cJSON_AddBoolToObject(json, "is_whole", asked->vary->is_whole);
    cJSON_AddNumberToObject(json, "values_tried", bound->asked_count);
    return json;
}

/* Whether what the scenario has now lies within. */
static int code_of(const struct vary *vary, const struct study_bound *bound) {
    bool is_within = bound->low <= vary->now && vary->now <= bound->high;
    return is_within ? EXIT_HOLDS : EXIT_FAILS;
}

static int answer_one(struct asked *asked, const char *name, struct store *store, int64_t id,
                      cJSON *list) {
    struct vary vary;
    struct arena arena;
    arena_init(&arena);
    int code = vary_init(&vary, name, asked->scenario, &arena);
    if (code < 0) {
        asked->vary = &vary;
        asked->broke_above = asked->broke_below = NULL;
        struct study_bound bound =
            study_find_bound(&(struct study_bound_options){.holds = holds,
                                                           .context = asked,
                                                           .start = vary.now,
                                                           .lowest = vary.lowest,
                                                           .highest = vary.highest,
                                                           .is_whole = vary.is_whole,
                                                           .tolerance = tolerance});
        code = code_of(&vary, &bound);
        char metric[128];
        (void)snprintf(metric, sizeof metric, "bound.%s", vary.name);
        if (!record_number(store, id, metric, bound.high, bound.low, bound.high, "",
                           study_bound_kind_name(bound.kind)))
            code = EXIT_IO;
        if (asked->options->is_json)
            cJSON_AddItemToArray(list, as_json(asked, &bound));
        else
            print_text(asked, &bound);
    }
    arena_fini(&arena);
    return code;
}

static int answer(struct scenario *scenario, const struct costs_choice *costs,
                  const struct options *options) {
    struct store store;
    int worst = record_open(&store, options);
    if (worst >= 0)
        return worst;
    struct record_run record = {.kind = STORE_SIMULATED,
                                .command = "bound",
                                .scenario = scenario,
                                .profile_name = costs->profile.name,
                                .profile_text = text_bytes(&costs->canonical),
                                .seed = scenario->spec.seed,
                                .scale = options->scale};
    struct asked asked = {.options = options,
                          .scenario = scenario,
                          .costs = profile_means(&costs->profile),
                          .objective = procedure_objective(&scenario->spec),
                          .streams = options->reps > 0 ? options->reps : STREAMS};
    asked.streams = asked.streams < STREAMS_MAX ? asked.streams : STREAMS_MAX;
    int64_t id;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "scenario", scenario->spec.name);
    print_add_u64(json, "seed", scenario->spec.seed);
    cJSON *list = cJSON_AddArrayToObject(json, "bounds");
    worst = record_begin(&store, &record, &id) ? EXIT_HOLDS : EXIT_IO;
    for (int32_t i = 1; i < options->arguments_count && worst != EXIT_IO; i++) {
        int code = answer_one(&asked, options->arguments[i], &store, id, list);
        worst = code > worst ? code : worst;
    }
    if (worst != EXIT_IO && !record_finish(&store, id, STORE_DONE, NULL, 0))
        worst = EXIT_IO;
    store_close(&store);
    if (options->is_json && worst != EXIT_USAGE)
        print_json(json);
    else
        cJSON_Delete(json);
    return worst;
}

static int run(const struct options *options) {
    struct scenario scenario;
    int code = files_scenario(&scenario, options->arguments[0], options);
    if (code < 0) {
        struct costs_choice costs;
        code = costs_choose(&costs, options);
        if (code < 0)
            code = answer(&scenario, &costs, options);
        costs_choice_fini(&costs);
    }
    files_scenario_fini(&scenario);
    return code;
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
