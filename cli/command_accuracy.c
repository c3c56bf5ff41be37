/* `headroom accuracy`: all cases predicted, then measured in rounds, then held against each other.
 *
 * A round measures each case once, in an order of its own, so that an hour in which the machine was
 * slow is in all figures and not in the last ones. The command keeps nothing but the store: what is
 * left to do is asked of it before each case, so a command that was killed goes on where it was. */
#include "cli/accuracy.h"
#include "cli/accuracy_index.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/stop.h"
#include "cli/stored.h"
#include "cli/today.h"
#include "sim/base/fingerprint.h"
#include "sim/base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INDEX_DEFAULT "scenarios/accuracy.json"

enum {
    REFUSALS_MAX = 3,           /* of each part, before it is given up and printed as missing */
    ORDER_PURPOSE = 0x6f726472, /* "ordr": apart from the workload's, which are small */
    CALIBRATIONS_MAX = 4,       /* about half of them are refused on a restless machine */
};

/* --- before --- */

static bool has_profile(struct store *store) {
    struct arena arena;
    struct store_run run;
    arena_init(&arena);
    bool has = stored_calibration(store, &arena, &run) == STORE_FOUND;
    arena_fini(&arena);
    return has;
}

/* Its table is narration here: standard output is for ours. */
static int calibrate_aside(const struct options *options) {
    struct options ask = *options;
    ask.out = NULL;
    ask.is_json = false;
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), code = EXIT_REFUSED;
    dup2(STDERR_FILENO, STDOUT_FILENO);
    for (int i = 0; i < CALIBRATIONS_MAX && code == EXIT_REFUSED; i++)
        code = command_calibrate.run(&ask);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    return code == EXIT_HOLDS ? -1 : code;
}

static int calibrate_if_asked(const struct options *options) {
    struct store store;
    if (!options->is_calibrating || options->profile != NULL)
        return -1;
    int code = record_open(&store, options);
    if (code >= 0)
        return code;
    bool has = has_profile(&store);
    store_close(&store);
    return has ? -1 : calibrate_aside(options);
}

/* What the real pair cannot honour is found before an hour is spent. */
static bool can_be_real(const struct accuracy_index *index) {
    bool can = true;
    for (int32_t i = 0; i < index->entries_count; i++)
        can &= files_check_real(&index->entries[i].scenario);
    return can;
}

static void list_cases(struct accuracy_index *index, struct accuracy_case *cases) {
    for (int32_t i = 0; i < index->entries_count; i++)
        cases[i] = (struct accuracy_case){.name = index->entries[i].scenario.spec.name,
                                          .scenario_hash = index->entries[i].scenario.hash,
                                          .groups = index->entries[i].groups};
}

/* --- predictions --- */

static bool fails(const struct accuracy_bench *bench) {
    fprintf(stderr, "headroom: %s\n", bench->store->error);
    return false;
}

/* All of them before anything is measured. */
static bool predict_all(const struct accuracy_bench *bench) {
    for (int32_t i = 0; i < bench->compare->cases_count && !stop_signal; i++)
        for (int part = 0; part < ACCURACY_PARTS && !stop_signal; part++)
            if (accuracy_must_predict(&bench->compare->cases[i], (enum accuracy_part)part) &&
                !accuracy_predict(bench, i, (enum accuracy_part)part, 1))
                return false;
    print_progress_end(bench->options);
    return !stop_signal;
}

/* The same at the speed that the machine had, for what has been measured. */
static bool predict_moved(const struct accuracy_bench *bench) {
    struct arena arena;
    arena_init(&arena);
    bool is_well = true;
    for (int32_t i = 0; i < bench->compare->cases_count; i++)
        for (int part = 0; part < ACCURACY_PARTS && is_well && !stop_signal; part++) {
            const struct accuracy_case *one = &bench->compare->cases[i];
            struct accuracy_progress progress;
            if (!accuracy_needs(one, (enum accuracy_part)part))
                continue;
            is_well = accuracy_progress_of(bench->store, bench->compare, one,
                                           (enum accuracy_part)part, &arena, &progress) ||
                      fails(bench);
            if (is_well && progress.done_count > 0)
                is_well = accuracy_predict(bench, i, (enum accuracy_part)part, progress.factor);
        }
    print_progress_end(bench->options);
    arena_fini(&arena);
    return is_well && !stop_signal;
}

/* --- rounds --- */

struct left {
    bool wanted[ACCURACY_PARTS];
    int32_t wanted_count;
    int32_t made_count; /* the most of any wanted part, refused ones too: the next replication */
};

static bool left_of(const struct accuracy_bench *bench, int32_t index, struct left *left) {
    struct arena arena;
    arena_init(&arena);
    bool is_well = true;
    *left = (struct left){0};
    for (int part = 0; part < ACCURACY_PARTS && is_well; part++) {
        const struct accuracy_case *one = &bench->compare->cases[index];
        struct accuracy_progress progress;
        double scale;
        if (!accuracy_needs(one, (enum accuracy_part)part))
            continue;
        is_well = accuracy_progress_of(bench->store, bench->compare, one, (enum accuracy_part)part,
                                       &arena, &progress) ||
                  fails(bench);
        is_well = is_well && accuracy_scale_of(bench, index, (enum accuracy_part)part, &scale);
        if (!is_well || !accuracy_is_left(bench->compare, &progress) || isnan(scale))
            continue;
        int32_t made = progress.done_count + progress.refused_count;
        left->wanted[part] = true;
        left->wanted_count++;
        left->made_count = made > left->made_count ? made : left->made_count;
    }
    arena_fini(&arena);
    return is_well;
}

static void shuffle(int32_t *order, int32_t count, uint64_t seed, uint64_t round) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed, .entity = round, .purpose = ORDER_PURPOSE});
    for (int32_t i = 0; i < count; i++)
        order[i] = i;
    for (int32_t i = count - 1; i > 0; i--) {
        int32_t other = (int32_t)rng_below(&rng, (uint64_t)i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

/* *is_any: something was left to measure. */
static bool measure_round(const struct accuracy_bench *bench, int32_t round, bool *is_any) {
    int32_t order[ACCURACY_INDEX_MAX], count = bench->compare->cases_count;
    shuffle(order, count, bench->options->has_seed ? bench->options->seed : 1, (uint64_t)round);
    *is_any = false;
    for (int32_t i = 0; i < count; i++) {
        struct left left;
        if (stop_signal || !left_of(bench, order[i], &left))
            return false;
        if (left.wanted_count == 0)
            continue;
        if (!*is_any)
            print_say(bench->options, "round %d", round + 1);
        *is_any = true;
        print_say(bench->options, " %d of %d: %s", i + 1, count,
                  bench->compare->cases[order[i]].name);
        if (!accuracy_measure(bench, order[i], left.wanted, (uint64_t)left.made_count))
            return false;
    }
    return true;
}

static bool measure_all(const struct accuracy_bench *bench) {
    bool is_any = true;
    int32_t rounds_max = bench->compare->repeats + bench->compare->refusals_max;
    for (int32_t round = 0; round < rounds_max && is_any; round++)
        if (!measure_round(bench, round, &is_any))
            return false;
    return true;
}

/* --- the answer --- */

static const char *fact(const struct profile *profile, const char *name) {
    for (int32_t i = 0; i < profile->machine_count; i++)
        if (strcmp(profile->machine[i].name, name) == 0)
            return profile->machine[i].text;
    return "unknown";
}

static struct accuracy_origin origin_of(const struct accuracy_bench *bench, struct arena *arena) {
    const struct profile *profile = &bench->costs->profile;
    time_t now = time(NULL);
    struct tm utc;
    char date[32];
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    return (struct accuracy_origin){
        .date = arena_new_text(arena, date),
        .code = arena_new_format(arena, "headroom %s (%016" PRIx64 ")", HEADROOM_VERSION,
                                 bench->compare->code_hash),
        .profile = arena_new_format(arena, "%s of %s (%016" PRIx64 ")", profile->name,
                                    profile->made_at, bench->costs->hash),
        .machine = arena_new_format(arena, "%s, %s processors, %s", fact(profile, "processor"),
                                    fact(profile, "processors"), fact(profile, "kernel"))};
}

static int write_table(const struct accuracy_report *report, const struct accuracy_origin *origin,
                       const char *path) {
    struct text text;
    text_init(&text);
    accuracy_write(report, origin, ACCURACY_MARKDOWN, &text);
    bool is_written = files_write(path, text_bytes(&text));
    text_fini(&text);
    return is_written ? EXIT_HOLDS : EXIT_IO;
}

static int judge(const struct accuracy_report *report, const struct options *options) {
    double ratio = accuracy_gate_ratio(report);
    if (options->gate > 0 && !isnan(ratio))
        print_say(options,
                  "gate: predicted and measured differ by a factor of %.3f at the median of all "
                  "figures, or of the ceilings; at most %.3f is allowed",
                  ratio, options->gate);
    if (options->gate > 0 && ratio > options->gate)
        return EXIT_FAILS;
    return report->all.missing_count > 0 ? EXIT_REFUSED : EXIT_HOLDS;
}

static int answer(const struct accuracy_bench *bench) {
    struct arena arena;
    struct accuracy_report report;
    arena_init(&arena);
    int code = EXIT_IO;
    if (accuracy_compare(bench->store, bench->compare, &arena, &report)) {
        struct accuracy_origin origin = origin_of(bench, &arena);
        struct text text;
        text_init(&text);
        accuracy_write(&report, &origin, bench->options->is_json ? ACCURACY_JSON : ACCURACY_TEXT,
                       &text);
        fputs(text_bytes(&text), stdout);
        text_fini(&text);
        code =
            bench->options->out ? write_table(&report, &origin, bench->options->out) : EXIT_HOLDS;
        code = code == EXIT_HOLDS ? judge(&report, bench->options) : code;
    } else
        fails(bench);
    arena_fini(&arena);
    return code;
}

static int predict_measure_answer(const struct accuracy_bench *bench) {
    stop_catch();
    print_say(bench->options, "predicting %d cases, before anything is measured",
              bench->compare->cases_count);
    bool is_done = predict_all(bench) && measure_all(bench) && predict_moved(bench);
    if (stop_signal)
        return stop_exit_code();
    return is_done ? answer(bench) : EXIT_IO;
}

static int with_costs(struct accuracy_index *index, const struct options *options) {
    struct costs_choice costs;
    struct store store;
    char code_text[17];
    struct accuracy_case cases[ACCURACY_INDEX_MAX];
    struct today today;
    int code = costs_choose(&costs, options);
    if (code < 0 && options->repeats > 0)
        today_look(&today, &costs.profile, options);
    if (code < 0)
        code = record_open(&store, options);
    if (code < 0) {
        const struct profile_yardstick *send = profile_find_yardstick(&costs.profile, "send");
        fingerprint_format(files_code_hash(), code_text);
        list_cases(index, cases);
        struct accuracy_options compare = {.cases = cases,
                                           .cases_count = index->entries_count,
                                           .code_hash =
                                               fingerprint_of(code_text, strlen(code_text)),
                                           .profile_hash = costs.hash,
                                           .yardstick_ns = send ? send->value : (double)NAN,
                                           .repeats = options->repeats,
                                           .refusals_max = REFUSALS_MAX};
        struct accuracy_bench bench = {.store = &store,
                                       .options = options,
                                       .costs = &costs,
                                       .compare = &compare,
                                       .entries = index->entries};
        code = predict_measure_answer(&bench);
        store_close(&store);
    }
    costs_choice_fini(&costs);
    return code;
}

static int run(const struct options *options) {
    struct accuracy_index *index = malloc(sizeof *index);
    if (index == NULL)
        return EXIT_BUG;
    const char *path = options->arguments_count > 0 ? options->arguments[0] : INDEX_DEFAULT;
    int code = accuracy_index_read(index, path, options->subset != NULL, options);
    if (code < 0)
        code = can_be_real(index) ? calibrate_if_asked(options) : EXIT_INPUT;
    if (code < 0)
        code = with_costs(index, options);
    accuracy_index_fini(index);
    free(index);
    return code;
}

const struct command command_accuracy = {
    .name = "accuracy",
    .arguments = "[INDEX]",
    .summary = "predict and measure many cases, several times each: how right is it?",
    .doc = "INDEX (default: " INDEX_DEFAULT ") names the cases and the figures that each is held "
           "to. All predictions are written down first; then each round\n"
           "measures each case once, in random order. Every result is kept in --db as it is made: "
           "stop it when you like, and the same command goes on where\n"
           "it was, for the same program and profile. --repeats 0 measures nothing and prints what "
           "there is. --out writes the table as Markdown\n"
           "(docs/accuracy.md); misses and missing figures are in it.\n\n"
           "Exit code 0, 75 when figures are missing, 99 when --gate is passed.",
    .takes = "RuagdpoejJq",
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run,
};
