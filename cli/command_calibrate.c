/* `headroom calibrate`: this machine into a profile, kept in the database with each cost, its
 * interval and its source. The windows behind the fit are not kept yet. */
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/programs.h"
#include "cli/record.h"
#include "cli/stop.h"
#include "validation/calibrate/calibrate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_progress(void *context, const char *what, int done, int of) {
    print_progress(context, "  calibrating, %d of about %d s: %s", done, of, what);
}

static void print_costs(const struct profile *profile) {
    printf("%s, %s: what things cost on this machine\n", profile->name, profile->made_at);
    for (int i = 0; i < COST_COUNT; i++) {
        const struct profile_entry *entry = &profile->costs[i];
        printf("  %-18s %10s +- %-8s %-15s %s\n", profile_cost_name((enum cost)i),
               print_number(entry->value), print_number(entry->standard_error),
               profile_cost_unit((enum cost)i), profile_source_name(entry->source));
    }
    printf("  %s windows in %s blocks; the phases account for %.1f %% of the worker's processor "
           "time\n",
           print_number(profile->windows), print_number(profile->blocks),
           100 * profile->cpu_accounted_share);
}

static int keep(const struct profile *profile, const struct options *options,
                const struct text *text, struct store *store) {
    struct record_run record = {.kind = STORE_MEASURED,
                                .command = "calibrate",
                                .profile_name = profile->name,
                                .profile_text = text_bytes(text),
                                .scale = 1,
                                .is_fit = true};
    int64_t id;
    if (!record_begin(store, &record, &id))
        return EXIT_IO;
    for (int i = 0; i < COST_COUNT; i++) {
        const struct profile_entry *entry = &profile->costs[i];
        double reach = 1.96 * entry->standard_error;
        char name[64];
        snprintf(name, sizeof name, "cost.%s", profile_cost_name((enum cost)i));
        if (!record_number(store, id, name, entry->value, entry->value - reach,
                           entry->value + reach, profile_cost_unit((enum cost)i),
                           profile_source_name(entry->source)))
            return EXIT_IO;
    }
    if (!record_finish(store, id, STORE_DONE, NULL, 0))
        return EXIT_IO;
    if (options->out != NULL && !files_write(options->out, text_bytes(text))) {
        fprintf(stderr, "headroom: %s: %s\n", options->out, strerror(errno));
        return EXIT_IO;
    }
    return EXIT_HOLDS;
}

static int answer(const struct profile *profile, const struct options *options,
                  struct store *store) {
    struct text text;
    text_init(&text);
    profile_write(profile, &text);
    int code = keep(profile, options, &text, store);
    if (code == EXIT_HOLDS && options->is_json)
        puts(text_bytes(&text));
    else if (code == EXIT_HOLDS)
        print_costs(profile);
    text_fini(&text);
    return code;
}

/* What came to nothing is kept with its reason, and without a profile. */
static int keep_failure(enum calibrate_outcome outcome, const char *why, uint64_t seed,
                        struct store *store) {
    struct record_run record = {
        .kind = STORE_MEASURED, .command = "calibrate", .seed = seed, .scale = 1, .is_fit = true};
    int64_t id;
    bool is_refused = outcome == CALIBRATE_REFUSED;
    bool is_kept = record_begin(store, &record, &id) &&
                   record_finish(store, id, is_refused ? STORE_REFUSED : STORE_INTERRUPTED,
                                 stop_signal ? "stopped" : why, 0);
    return !is_kept      ? EXIT_IO
           : stop_signal ? stop_exit_code()
           : is_refused  ? EXIT_REFUSED
                         : EXIT_UNAVAILABLE;
}

static int run(const struct options *options) {
    struct arena arena;
    arena_init(&arena);
    struct programs programs;
    struct store store;
    int code = programs_find(&programs, &arena) ? record_open(&store, options) : EXIT_UNAVAILABLE;
    if (code < 0) {
        stop_catch();
        print_say(options, "calibrating this machine: about a minute of experiments, gateway on "
                           "processor 0, generator on 1");
        struct calibrate_options ask = {.gateway_program = programs.gateway,
                                        .load_program = programs.load,
                                        .gateway_cpu = 0,
                                        .load_cpu = 1,
                                        .seed = options->has_seed ? options->seed : 1,
                                        .progress = say_progress,
                                        .progress_context = (void *)(uintptr_t)options,
                                        .stop = &stop_signal};
        struct profile *profile = malloc(sizeof *profile);
        char why[CALIBRATE_WHY_BYTES] = "out of memory";
        enum calibrate_outcome outcome =
            profile ? calibrate(profile, &ask, &arena, why) : CALIBRATE_FAILED;
        print_progress_end(options);
        if (outcome == CALIBRATE_DONE)
            code = answer(profile, options, &store);
        else
            fprintf(stderr, "headroom: calibration %s: %s\n",
                    outcome == CALIBRATE_REFUSED ? "refused" : "failed",
                    stop_signal ? "stopped" : why);
        if (outcome != CALIBRATE_DONE)
            code = keep_failure(outcome, why, ask.seed, &store);
        free(profile);
        store_close(&store);
    }
    arena_fini(&arena);
    return code;
}

const struct command command_calibrate = {
    .name = "calibrate",
    .arguments = "",
    .summary = "measure what things cost on this machine: a profile",
    .doc = "Takes about a minute and wants the machine for itself; refused (75) when the machine "
           "was too restless. `headroom ceiling` and `run` use the\n"
           "newest profile in --db unless told otherwise.",
    .takes = "edomJq",
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run,
};
