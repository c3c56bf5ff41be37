/* `headroom explain RUN|SCENARIO [FIGURE...]`: reads the subject, finds the figures, prints. */
#include "cli/commands.h"
#include "cli/explain.h"
#include "cli/one_scenario.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/stored.h"
#include "cli/world_sim.h"
#include "models/workload/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- which figures --- */

static int32_t names_of_scenario(const char **names) {
    int32_t count = 0;
    names[count++] = "ceiling.active";
    names[count++] = "ceiling.idle";
    names[count++] = "room_cap";
    for (int i = 0; i < OUTCOME_METRICS; i++)
        names[count++] = outcome_metric_name((enum outcome_metric)i);
    return count;
}

static int32_t names_of_run(struct explain_subject *subject, const char **names) {
    struct store_metric *metrics;
    int32_t stored = 0, count = 0;
    if (!store_metrics(subject->store, subject->run.id, subject->arena, &metrics, &stored))
        return 0;
    for (int32_t i = 0; i < stored && count < EXPLAIN_FIGURES_MAX; i++)
        names[count++] = metrics[i].name;
    return count;
}

static int unknown(struct explain_subject *subject, const char *name) {
    const char *names[EXPLAIN_FIGURES_MAX];
    int32_t count = subject->store ? names_of_run(subject, names) : names_of_scenario(names);
    const char *nearest = text_nearest(name, names, (size_t)count);
    fprintf(stderr, "headroom: \"%s\" is no figure of this %s", name,
            subject->store ? "run" : "scenario");
    if (nearest != NULL)
        fprintf(stderr, "; did you mean \"%s\"?\n", nearest);
    else
        fprintf(stderr, "; without one `headroom explain` lists them\n");
    return EXIT_USAGE;
}

/* Without a figure: what there is to ask for. */
static int list(struct explain_subject *subject) {
    const char *names[EXPLAIN_FIGURES_MAX];
    int32_t count = subject->store ? names_of_run(subject, names) : names_of_scenario(names);
    if (subject->options->is_json) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
        cJSON *array = cJSON_AddArrayToObject(json, "figures");
        for (int32_t i = 0; i < count; i++)
            cJSON_AddItemToArray(array, cJSON_CreateString(names[i]));
        print_json(json);
        return EXIT_HOLDS;
    }
    puts("figures that can be explained:");
    for (int32_t i = 0; i < count; i++)
        printf("  %s\n", names[i]);
    return EXIT_HOLDS;
}

/* A run of `ceiling` has its ceilings in the store, and metrics of a run at the ceiling. */
static bool explain_one(struct explain_subject *subject, const char *name,
                        struct explain_figure *figure) {
    struct store_metric stored;
    bool is_there =
        subject->store == NULL || store_metric_of(subject->store, subject->run.id, name,
                                                  subject->arena, &stored) == STORE_FOUND;
    return (is_there && explain_ceiling(subject, name, figure)) ||
           explain_metric(subject, name, figure);
}

static int explain_all(struct explain_subject *subject) {
    const struct options *options = subject->options;
    int32_t count = options->arguments_count - 1;
    struct explain_figure *figures =
        ARENA_NEW(subject->arena, (size_t)count, struct explain_figure);
    for (int32_t i = 0; i < count; i++)
        if (!explain_one(subject, options->arguments[i + 1], &figures[i]))
            return unknown(subject, options->arguments[i + 1]);
    if (options->is_json)
        explain_print_json(subject, figures, count);
    else
        explain_print_text(subject, figures, count);
    return EXIT_HOLDS;
}

static int answer_subject(struct explain_subject *subject) {
    if (subject->scenario != NULL)
        layout_init(&subject->layout, &subject->scenario->roster, subject->scenario->spec.seed,
                    subject->arena);
    if (subject->is_simulated) {
        closed_form_init(&subject->form, &subject->layout, subject->arena);
        subject->ceiling = closed_form_find_ceiling(&subject->form, &subject->means);
        extent_of(&subject->layout, &subject->form, &subject->ceiling, subject->extents);
    }
    int code = subject->options->arguments_count > 1 ? explain_all(subject) : list(subject);
    if (subject->has_outcome)
        outcome_fini(&subject->outcome);
    return code;
}

/* --- a scenario --- */

static int answer_scenario(struct scenario *scenario, const struct costs_choice *costs,
                           const struct options *options) {
    struct explain_subject subject = {.options = options,
                                      .arena = &scenario->arena,
                                      .scenario = scenario,
                                      .profile = &costs->profile,
                                      .means = profile_means(&costs->profile),
                                      .scale = options->scale,
                                      .is_simulated = true};
    return answer_subject(&subject);
}

/* --- a run of the store --- */

/* What the run was made of, as far as this program can read it. */
static void read_scenario(struct explain_subject *subject, struct scenario *scenario) {
    if (stored_scenario(subject->store, &subject->run, scenario) == STORE_FOUND)
        subject->scenario = scenario;
    else if (subject->run.scenario_hash != 0)
        print_say(subject->options,
                  "the scenario of run %" PRId64 " is not one that this program "
                  "reads",
                  subject->run.id);
}

static void read_profile(struct explain_subject *subject) {
    struct profile *profile = ARENA_NEW(subject->arena, 1, struct profile);
    if (stored_profile(subject->store, &subject->run, subject->arena, profile) == STORE_FOUND)
        subject->profile = profile;
}

/* A replication had a draw of the costs; all else has the profile's own. */
static struct profile_costs costs_of(struct explain_subject *subject) {
    struct store_metric draw;
    if (strcmp(subject->run.command, "replication") != 0 ||
        store_metric_of(subject->store, subject->run.id, "draw", subject->arena, &draw) !=
            STORE_FOUND)
        return profile_means(subject->profile);
    return world_sim_draw(subject->profile, subject->run.seed, (int32_t)draw.value);
}

/* The metrics of a ceiling are of a run at it. */
static double scale_of(struct explain_subject *subject) {
    struct store_metric ceiling;
    double asked =
        subject->scenario ? plan_offered(&subject->scenario->roster).deliveries_per_s : 0;
    if (strcmp(subject->run.command, "ceiling") == 0 && asked > 0 &&
        store_metric_of(subject->store, subject->run.id, "ceiling.active", subject->arena,
                        &ceiling) == STORE_FOUND &&
        ceiling.value > 0)
        return ceiling.value / asked;
    return subject->run.load_scale;
}

static int answer_run(struct explain_subject *subject, int64_t id) {
    enum store_found found = store_run_by_id(subject->store, id, subject->arena, &subject->run);
    if (found != STORE_FOUND) {
        if (found == STORE_MISSING)
            fprintf(stderr, "headroom: %s has no run %" PRId64 "; `headroom db runs` lists them\n",
                    subject->store->path, id);
        else
            fprintf(stderr, "headroom: %s\n", subject->store->error);
        return found == STORE_MISSING ? EXIT_NO_INPUT : EXIT_IO;
    }
    struct scenario scenario;
    read_scenario(subject, &scenario);
    read_profile(subject);
    subject->is_simulated = subject->run.kind == STORE_SIMULATED && subject->scenario != NULL &&
                            subject->profile != NULL;
    if (subject->profile != NULL)
        subject->means = costs_of(subject);
    subject->scale = scale_of(subject);
    int code = answer_subject(subject);
    files_scenario_fini(&scenario);
    return code;
}

static int run_of_store(const struct options *options) {
    struct store store;
    if (!store_open(&store, options->db ? options->db : RECORD_DB_DEFAULT, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", store.error);
        return EXIT_NO_INPUT;
    }
    struct arena arena;
    arena_init(&arena);
    struct explain_subject subject = {.options = options, .arena = &arena, .store = &store};
    int code = answer_run(&subject, strtoll(options->arguments[0], NULL, 10));
    arena_fini(&arena);
    store_close(&store);
    return code;
}

static int run(const struct options *options) {
    const char *subject = options->arguments[0];
    bool is_number = subject[strspn(subject, "0123456789")] == '\0';
    return is_number ? run_of_store(options) : one_scenario(options, answer_scenario);
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "RUN|SCENARIO [FIGURE...]",
    .summary = "a number back to its formula or samples, and what moves it",
    .doc = "RUN is a run's number in --db; of a SCENARIO the figures are simulated. Each figure is "
           "told as what it is made of, with every input that moves it: its value, whether it was "
           "measured, published, assumed, stated in the scenario or left at its default, how well "
           "it is known, and by how many per cent the figure moves for each per cent of it. "
           "Ceilings and the room cap stand beside their closed forms, with what halving each cost "
           "would buy. What leaves the range of the calibration is warned of. Without a FIGURE: a "
           "list of those that there are.\n\n"
           "  headroom explain scenarios/lobby.json ceiling.active room_cap\n"
           "  headroom explain scenarios/lobby.json latency_p99_ms --json\n"
           "  headroom explain 17 cpu_share --db headroom.db",
    .takes = "sejdprxJq",
    .arguments_min = 1,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
