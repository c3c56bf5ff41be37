/* `headroom calibrate`: this machine into a profile, kept in the database with each cost, its
 * interval and its source, and with the windows behind the fit, so that it can be made again. */
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/programs.h"
#include "cli/record.h"
#include "cli/stop.h"
#include "validation/calibrate/archive.h"
#include "validation/calibrate/calibrate.h"
#include "validation/calibrate/windows.h"
#include "validation/compare/yardstick_of.h"
#include "validation/measure/yardstick.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_DEFAULT = 1 };

static void say_progress(void *context, const char *what, int done, int of) {
    print_progress(context, "  calibrating, %d of about %d s: %s", done, of, what);
}

static void print_fit(const struct profile *profile) {
    for (int i = 0; i < profile->yardsticks_count; i++)
        printf("  yardstick %-8s %10s %s, +- %.0f %%\n", profile->yardsticks[i].name,
               print_number(profile->yardsticks[i].value), profile->yardsticks[i].unit,
               100 * profile->yardsticks[i].spread);
    printf("  %s windows in %s blocks; the phases account for %.1f %% of the worker's processor "
           "time\n  condition number of the write design %.1f; lack of fit: p = %.2g%s\n"
           "  a typical turn is known to +- %.1f %% (95 %%)\n",
           print_number(profile->windows), print_number(profile->blocks),
           100 * profile->cpu_accounted_share, profile->condition_number, profile->lack_of_fit_p,
           profile->lack_of_fit_p < 0.05 ? ", so the model lacks something" : "",
           100 * profile->turn_error);
}

static void print_costs(const struct profile *profile) {
    printf("%s, %s: what things cost on this machine\n", profile->name, profile->made_at);
    for (int i = 0; i < COST_COUNT; i++) {
        const struct profile_entry *entry = &profile->costs[i];
        printf("  %-18s %10s +- %-8s %-15s %-9s", profile_cost_name((enum cost)i),
               print_number(entry->value), print_number(entry->standard_error),
               profile_cost_unit((enum cost)i), profile_source_name(entry->source));
        if (entry->elasticity > 0)
            printf(" as the yardstick^%.2f +- %.2f", entry->elasticity, entry->elasticity_error);
        putchar('\n');
    }
    print_fit(profile);
}

/* What a calibration came to, or a fit that was made again. */
struct calibration {
    const struct options *options; /* borrowed, as all here */
    struct store *store;
    struct profile *profile;
    struct windows windows;
    char why[CALIBRATE_WHY_BYTES];
    enum calibrate_outcome outcome;
    int64_t parent; /* the run whose windows these are; 0: this one's */
};

static bool keep_costs(struct store *store, int64_t id, const struct profile *profile) {
    for (int i = 0; i < COST_COUNT; i++) {
        const struct profile_entry *entry = &profile->costs[i];
        double reach = 1.96 * entry->standard_error;
        char name[64];
        snprintf(name, sizeof name, "cost.%s", profile_cost_name((enum cost)i));
        if (!record_number(store, id, name, entry->value, entry->value - reach,
                           entry->value + reach, profile_cost_unit((enum cost)i),
                           profile_source_name(entry->source)))
            return false;
    }
    const struct profile_yardstick *send =
        profile_find_yardstick(profile, yardstick_name(YARDSTICK_SEND));
    return send == NULL || record_number(store, id, COMPARE_YARDSTICK_METRIC, send->value, NAN, NAN,
                                         send->unit, NULL);
}

static bool keep_windows(const struct calibration *calibration, int64_t id) {
    if (calibration->parent != 0 || archive_put(calibration->store, id, &calibration->windows))
        return true;
    fprintf(stderr, "headroom: %s\n", calibration->store->error);
    return false;
}

/* What was refused is kept with its reason, its windows, and what is known of its profile: the fit
 * can be made again. Only a calibration that is done is ever chosen to predict with. */
static bool keep(const struct calibration *calibration, const struct text *text) {
    bool is_done = calibration->outcome == CALIBRATE_DONE;
    bool is_whole = calibration->outcome != CALIBRATE_FAILED;
    const struct options *options = calibration->options;
    struct record_run record = {.kind = STORE_MEASURED,
                                .command = "calibrate",
                                .parent = calibration->parent,
                                .profile_name = is_whole ? calibration->profile->name : NULL,
                                .profile_text = is_whole ? text_bytes(text) : NULL,
                                .seed = options->has_seed ? options->seed : SEED_DEFAULT,
                                .scale = 1,
                                .is_fit = true};
    enum store_state state = is_done ? STORE_DONE : is_whole ? STORE_REFUSED : STORE_INTERRUPTED;
    int64_t id;
    return record_begin(calibration->store, &record, &id) &&
           (!is_done || keep_costs(calibration->store, id, calibration->profile)) &&
           (!is_whole || keep_windows(calibration, id)) &&
           record_finish(calibration->store, id, state,
                         is_done       ? NULL
                         : stop_signal ? "stopped"
                                       : calibration->why,
                         0);
}

static int say(const struct calibration *calibration, const struct text *text) {
    const struct options *options = calibration->options;
    if (calibration->outcome != CALIBRATE_DONE) {
        bool is_refused = calibration->outcome == CALIBRATE_REFUSED;
        fprintf(stderr, "headroom: calibration %s: %s\n", is_refused ? "refused" : "failed",
                stop_signal ? "stopped" : calibration->why);
        return stop_signal ? stop_exit_code() : is_refused ? EXIT_REFUSED : EXIT_UNAVAILABLE;
    }
    if (options->out != NULL && !files_write(options->out, text_bytes(text)))
        return EXIT_IO;
    if (options->is_json)
        puts(text_bytes(text));
    else
        print_costs(calibration->profile);
    return EXIT_HOLDS;
}

static int answer(const struct calibration *calibration) {
    struct text text;
    text_init(&text);
    if (calibration->outcome != CALIBRATE_FAILED)
        profile_write(calibration->profile, &text);
    int code = keep(calibration, &text) ? say(calibration, &text) : EXIT_IO;
    text_fini(&text);
    return code;
}

static int measure(struct calibration *calibration, struct arena *arena) {
    const struct options *options = calibration->options;
    struct programs programs;
    if (!programs_find(&programs, arena))
        return EXIT_UNAVAILABLE;
    stop_catch();
    bool is_full = strcmp(options->mode, "full") == 0;
    print_say(options,
              "calibrating this machine: about %s of experiments, gateway on processor 0, "
              "generator on 1",
              is_full ? "ten minutes" : "a minute and a half");
    struct calibrate_options ask = {.gateway_program = programs.gateway,
                                    .load_program = programs.load,
                                    .gateway_cpu = 0,
                                    .load_cpu = 1,
                                    .mode = is_full ? CALIBRATE_FULL : CALIBRATE_QUICK,
                                    .seed = options->has_seed ? options->seed : SEED_DEFAULT,
                                    .progress = say_progress,
                                    .progress_context = (void *)(uintptr_t)options,
                                    .stop = &stop_signal};
    calibration->outcome =
        calibrate(calibration->profile, &calibration->windows, &ask, arena, calibration->why);
    print_progress_end(options);
    return answer(calibration);
}

/* --- the fit again ------------------------------------------------------------------------------
 */

/* The newest calibration that has windows: one that is a fit made again, or that failed, has none
 * of its own. */
static enum store_found find_measured(struct calibration *calibration, struct arena *arena,
                                      struct store_run *run) {
    struct store_filter filter = {.command = "calibrate", .kind = "measured"};
    int64_t wanted = calibration->options->refit_run;
    enum store_found found;
    if (wanted > 0)
        return store_run_by_id(calibration->store, wanted, arena, run);
    do {
        found = store_latest_run(calibration->store, &filter, arena, run);
        filter.before = run->id;
    } while (found == STORE_FOUND && (run->parent != 0 || run->profile_hash == 0));
    return found;
}

static int refit(struct calibration *calibration, struct arena *arena) {
    struct store *store = calibration->store;
    struct store_run run;
    struct store_text text;
    enum store_found found = find_measured(calibration, arena, &run);
    if (found == STORE_FOUND)
        found = store_profile_text(store, run.profile_hash, arena, &text);
    if (found == STORE_FOUND)
        found = archive_get(store, run.id, arena, &calibration->windows);
    if (found != STORE_FOUND) {
        fprintf(stderr, "headroom: %s\n",
                found == STORE_FAILED
                    ? store->error
                    : "--refit: no such calibration, or its windows were not kept");
        return found == STORE_FAILED ? EXIT_IO : EXIT_NO_INPUT;
    }
    int code = files_parse_profile(calibration->profile, text.text, store->path, arena);
    if (code >= 0)
        return code;
    print_say(calibration->options, "fitting the %d windows of run %" PRId64 " again",
              calibration->windows.count, run.id);
    calibration->parent = run.id;
    calibration->outcome =
        calibrate_fit(calibration->profile, &calibration->windows, arena, calibration->why);
    return answer(calibration);
}

static int run(const struct options *options) {
    struct arena arena;
    struct store store;
    struct profile *profile = malloc(sizeof *profile);
    if (profile == NULL)
        return EXIT_BUG;
    arena_init(&arena);
    int code = record_open(&store, options);
    if (code < 0) {
        struct calibration calibration = {.options = options, .store = &store, .profile = profile};
        windows_init(&calibration.windows);
        code = options->is_refit ? refit(&calibration, &arena) : measure(&calibration, &arena);
        windows_fini(&calibration.windows);
        store_close(&store);
    }
    arena_fini(&arena);
    free(profile);
    return code;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .arguments = "",
    .summary = "measure what things cost on this machine: a profile",
    .doc = "Takes about a minute and a half (--mode full: about ten) and wants the machine for "
           "itself; "
           "refused (75) when the machine "
           "was too restless. `headroom ceiling` and `run` use the\n"
           "newest profile in --db unless told otherwise. The windows are kept there too: --refit "
           "makes the fit again.",
    .takes = "edofmJq",
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
