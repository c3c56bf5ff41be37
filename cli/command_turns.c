/* `headroom turns SCENARIO`: the same load in both worlds with the flight recorder on, turn beside
 * turn, and the first place where they part. */
#include "cli/commands.h"
#include "cli/costs.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/programs.h"
#include "cli/stop.h"
#include "models/cluster/cluster.h"
#include "models/workload/plan.h"
#include "validation/compare/turns.h"
#include "validation/measure/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double WINDOW_S = 5; /* unless --seconds says otherwise */
static const base_ns WARM_UP_NS = 2 * BASE_NS_PER_S;

struct window {
    base_ns warm_up_ns, measure_ns;
};

static struct window window_of(const struct spec_scenario *spec, const struct options *options) {
    return (struct window){
        .warm_up_ns = spec->window.warm_up == SPEC_AUTO ? WARM_UP_NS : spec->window.warm_up,
        .measure_ns = base_ns_from_seconds(options->seconds > 0 ? options->seconds : WINDOW_S)};
}

static struct turn_file *new_recording(int32_t workers, uint32_t turns_max) {
    size_t bytes = turn_file_bytes(workers, turns_max);
    void *memory = aligned_alloc(_Alignof(struct turn_file), bytes);
    if (memory == NULL)
        return NULL;
    memset(memory, 0, bytes);
    return turn_file_init(memory, workers, turns_max);
}

/* --- recordings in files --- */

/* NULL, with a word on stderr and an exit code, where it cannot be read or is none. */
static struct turn_file *read_recording(const char *path, int *code) {
    size_t length = 0;
    char *bytes = files_read(path, &length);
    if (bytes == NULL) {
        fprintf(stderr, "headroom: %s: %s\n", path, strerror(errno));
        *code = EXIT_NO_INPUT;
        return NULL;
    }
    size_t aligned = (length / 64 + 1) * 64;
    struct turn_file *file = aligned_alloc(_Alignof(struct turn_file), aligned);
    const char *why = "no memory";
    if (file != NULL)
        memcpy(file, bytes, length);
    free(bytes);
    if (file != NULL && turn_file_check(file, length, &why))
        return file;
    fprintf(stderr, "headroom: %s: %s\n", path, why);
    free(file);
    *code = EXIT_INPUT;
    return NULL;
}

/* With rings no larger than the turns that are in them. */
static struct turn_file *new_small_copy(const struct turn_file *file) {
    int32_t workers = (int32_t)file->workers_count;
    uint32_t max = 1;
    for (int32_t worker = 0; worker < workers; worker++)
        while (max < turn_file_count(file, worker))
            max *= 2;
    struct turn_file *copy = new_recording(workers, max);
    for (int32_t worker = 0; copy != NULL && worker < workers; worker++) {
        struct turn_log log = turn_log_of(copy, worker);
        for (int64_t i = 0; i < turn_file_count(file, worker); i++)
            turn_log_add(&log, turn_file_at(file, worker, i));
    }
    if (copy != NULL) {
        copy->window_start_ns = file->window_start_ns;
        copy->window_end_ns = file->window_end_ns;
    }
    return copy;
}

static bool write_recording(const char *path, const struct turn_file *file) {
    if (path == NULL)
        return true;
    struct turn_file *small = new_small_copy(file);
    if (small == NULL)
        return false;
    size_t bytes = turn_file_bytes((int32_t)small->workers_count, small->turns_max);
    FILE *out = fopen(path, "wbe");
    bool is_written = out != NULL && fwrite(small, 1, bytes, out) == bytes;
    free(small);
    if (out != NULL && fclose(out) != 0)
        is_written = false;
    if (!is_written)
        fprintf(stderr, "headroom: %s: %s\n", path, strerror(errno));
    return is_written;
}

/* --- both worlds --- */

static struct turn_file *simulate(struct scenario *scenario, const struct costs_choice *costs,
                                  const struct options *options) {
    struct window window = window_of(&scenario->spec, options);
    int32_t workers = (int32_t)scenario->spec.nodes[0].workers;
    struct turn_file *turns = new_recording(workers, turn_file_turns_max(workers));
    if (turns == NULL)
        return NULL;
    turns->window_start_ns = window.warm_up_ns;
    turns->window_end_ns = window.warm_up_ns + window.measure_ns;
    struct layout layout;
    layout_init(&layout, &scenario->roster, scenario->spec.seed, &scenario->arena);
    struct profile_costs means = profile_means(&costs->profile);
    struct cluster_options run = {.layout = &layout,
                                  .costs = &means,
                                  .plan_seed = plan_seed_of(scenario->spec.seed, 0),
                                  .scale = options->scale,
                                  .warm_up_ns = window.warm_up_ns,
                                  .measure_ns = window.measure_ns,
                                  .has_generator = true,
                                  .turns = turns};
    struct outcome outcome;
    outcome_init(&outcome);
    bool is_whole = cluster_run(&run, &outcome);
    if (!is_whole)
        print_say(options, "the simulated run ended early: %s", outcome.refused);
    outcome_fini(&outcome);
    return turns;
}

/* One window; the recording is read when it is over. A measurement that is refused still has turns:
 * they are shown, and the exit code says what they are worth. */
static struct turn_file *probe(struct measure *measure, const char *path,
                               const struct scenario *scenario, const struct options *options,
                               int *code) {
    struct window window = window_of(&scenario->spec, options);
    struct measure_request request = {.scale = options->scale,
                                      .warm_up_ns = window.warm_up_ns,
                                      .measure_ns = window.measure_ns,
                                      .seed = scenario->spec.seed};
    struct outcome outcome;
    outcome_init(&outcome);
    struct turn_file *turns = NULL;
    if (!measure_probe(measure, &request, &outcome)) {
        fprintf(stderr, "headroom: %s: %s\n", scenario->spec.name, measure->why);
        *code = EXIT_UNAVAILABLE;
    } else {
        turns = read_recording(path, code);
        if (outcome.refused != NULL) {
            fprintf(stderr, "headroom: %s: refused: %s\n", scenario->spec.name, outcome.refused);
            *code = EXIT_REFUSED;
        }
    }
    if (turns != NULL) {
        turns->window_start_ns = measure->window_start_ns;
        turns->window_end_ns = measure->window_end_ns;
    }
    outcome_fini(&outcome);
    return turns;
}

static struct turn_file *measure_turns(struct scenario *scenario, const struct options *options,
                                       int *code) {
    struct programs programs;
    *code = EXIT_UNAVAILABLE;
    if (!programs_find(&programs, &scenario->arena))
        return NULL;
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/headroom-turns-%d", (int)getpid());
    struct measure_options pair = {.gateway_program = programs.gateway,
                                   .load_program = programs.load,
                                   .scenario = &scenario->spec,
                                   .roster = &scenario->roster,
                                   .scenario_text = text_bytes(&scenario->canonical),
                                   .turns = path,
                                   .stop = &stop_signal};
    struct measure measure;
    struct turn_file *turns = NULL;
    *code = -1;
    if (measure_open(&measure, &pair)) {
        turns = probe(&measure, path, scenario, options, code);
    } else {
        fprintf(stderr, "headroom: %s: %s\n", scenario->spec.name, measure.why);
        *code = EXIT_UNAVAILABLE;
    }
    measure_close(&measure);
    unlink(path);
    return turns;
}

/* --- the answer --- */

static int answer(const struct turn_file *simulated, const struct turn_file *measured,
                  const struct options *options) {
    static const int codes[] = {[TURNS_AGREE] = EXIT_HOLDS,
                                [TURNS_PART] = EXIT_FAILS,
                                [TURNS_CANNOT_TELL] = EXIT_CANNOT_TELL};
    struct turns_comparison *comparison = malloc(sizeof *comparison);
    if (comparison == NULL)
        return EXIT_BUG;
    turns_compare(simulated, measured, comparison);
    struct text text;
    text_init(&text);
    if (options->is_json)
        turns_write_json(comparison, &text);
    else
        turns_write_text(comparison, &text);
    fputs(text_bytes(&text), stdout);
    text_fini(&text);
    int code = codes[comparison->verdict];
    free(comparison);
    return code;
}

static int run_both(struct scenario *scenario, const struct costs_choice *costs,
                    const struct options *options) {
    stop_catch();
    int code = -1;
    struct turn_file *measured = measure_turns(scenario, options, &code);
    struct turn_file *simulated = measured != NULL ? simulate(scenario, costs, options) : NULL;
    if (stop_signal) {
        code = stop_exit_code();
    } else if (simulated != NULL) {
        int verdict = answer(simulated, measured, options);
        bool is_kept = write_recording(options->simulated, simulated) &&
                       write_recording(options->measured, measured);
        code = !is_kept ? EXIT_IO : code == EXIT_REFUSED ? code : verdict;
    }
    free(simulated);
    free(measured);
    return code < 0 ? EXIT_BUG : code;
}

static int run_scenario(const struct options *options) {
    struct scenario scenario;
    int code = files_scenario(&scenario, options->arguments[0], options);
    if (code < 0 && !files_check_real(&scenario))
        code = EXIT_INPUT;
    if (code < 0) {
        struct costs_choice costs;
        code = costs_choose(&costs, options);
        if (code < 0)
            code = run_both(&scenario, &costs, options);
        costs_choice_fini(&costs);
    }
    files_scenario_fini(&scenario);
    return code;
}

static int run_files(const struct options *options) {
    if (options->simulated == NULL || options->measured == NULL) {
        fputs("headroom turns: a SCENARIO, or --simulated FILE and --measured FILE, is missing\n",
              stderr);
        return EXIT_USAGE;
    }
    int code = EXIT_BUG;
    struct turn_file *simulated = read_recording(options->simulated, &code);
    struct turn_file *measured =
        simulated != NULL ? read_recording(options->measured, &code) : NULL;
    if (measured != NULL)
        code = answer(simulated, measured, options);
    free(simulated);
    free(measured);
    return code;
}

static int run(const struct options *options) {
    return options->arguments_count > 0 ? run_scenario(options) : run_files(options);
}

const struct command command_turns = {
    .name = "turns",
    .arguments = "[SCENARIO]",
    .summary = "what each turn of the loop read, wrote and took, simulated beside measured",
    .doc = "Runs the scenario for real and simulated, 5 s each unless --seconds says otherwise, "
           "and finds the first place where the two part by more than\n"
           "5 % and three standard errors: what the load asks for, then what the same work costs, "
           "by size of turn, then what follows. Exit code 0 when they\n"
           "part nowhere, 99 when they do, 96 when that cannot be told, 75 when the measurement "
           "was refused (its turns are shown all the same).\n\n"
           "  headroom turns scenarios/lobby.json --scale 0.5 --simulated s.turns --measured "
           "m.turns\n"
           "  headroom turns --simulated s.turns --measured m.turns",
    .takes = "sedpxtSMJq",
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
