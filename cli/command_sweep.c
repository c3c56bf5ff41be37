/* `headroom sweep WORD STUDY`: a parameter study, planned, run, resumed, shared out and merged. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/stop.h"
#include "cli/sweep.h"
#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_store(struct store *store, const char *path) {
    if (store_open(store, path, STORE_WRITE))
        return -1;
    fprintf(stderr, "headroom: %s\n", store->error);
    return EXIT_IO;
}

static bool run_ours(struct sweep_work *work, struct store *store) {
    int32_t *indices = calloc((size_t)work->runs_count + 1, sizeof *indices);
    CHECK(indices != NULL);
    int32_t count = 0;
    for (int32_t i = 0; i < work->runs_count; i++)
        if (work->runs[i].found.run == 0 && sweep_is_ours(work, i))
            indices[count++] = i;
    print_say(work->options, "%s: %d runs, %d to run on %d threads", work->study.name,
              work->runs_count, count, sweep_jobs(work->options));
    bool is_good = sweep_run_missing(work, store, indices, count, sweep_jobs(work->options));
    free(indices);
    return is_good;
}

static int run_word(struct sweep_work *work, struct store *store) {
    if (!run_ours(work, store))
        return EXIT_IO;
    if (stop_signal != 0)
        print_say(work->options,
                  "stopped; what was run is kept in %s, and `headroom sweep resume` "
                  "goes on from there",
                  work->own_db);
    if (!sweep_print_results(work, store))
        return EXIT_IO;
    return stop_signal != 0 ? stop_exit_code() : EXIT_HOLDS;
}

static int plan_word(struct sweep_work *work, struct store *store) {
    struct sweep_estimate estimate;
    if (!sweep_estimate(work, store, &estimate))
        return EXIT_IO;
    sweep_print_plan(work, &estimate);
    return stop_signal != 0 ? stop_exit_code() : EXIT_HOLDS;
}

static int show_word(struct sweep_work *work, struct store *store) {
    return sweep_print_results(work, store) ? EXIT_HOLDS : EXIT_IO;
}

static int submit_word(struct sweep_work *work, struct store *store) {
    int code = sweep_submit(work, store);
    if (code >= 0)
        return code;
    fprintf(stderr, "headroom: there is no sbatch here: the study runs on this machine\n");
    return run_word(work, store);
}

static const struct word {
    const char *name;
    int (*run)(struct sweep_work *work, struct store *store);
} words[] = {{"plan", plan_word}, {"run", run_word},       {"resume", run_word},
             {"show", show_word}, {"submit", submit_word}, {"merge", NULL}};

static int answer(const struct word *word, const struct options *options) {
    struct sweep_work work;
    int code = sweep_prepare(&work, options->arguments[1], options);
    struct store store;
    if (code < 0)
        code = open_store(&store, work.own_db);
    if (code < 0) {
        stop_catch();
        code = sweep_look_up(&work, &store) ? word->run(&work, &store) : EXIT_IO;
        store_close(&store);
    }
    sweep_fini(&work);
    return code;
}

static int merge(const struct options *options) {
    struct store store;
    int code = record_open(&store, options);
    if (code >= 0)
        return code;
    code = sweep_merge(&store, options->arguments + 1, options->arguments_count - 1, options);
    store_close(&store);
    return code < 0 ? EXIT_HOLDS : code;
}

static int run(const struct options *options) {
    const struct word *word = words;
    while (strcmp(options->arguments[0], word->name) != 0) /* one of `verbs`, below */
        word++;
    if (word->run == NULL)
        return merge(options);
    if (options->arguments_count == 2)
        return answer(word, options);
    fprintf(stderr, "headroom: sweep %s takes one study\n", word->name);
    return EXIT_USAGE;
}

const struct command command_sweep = {
    .name = "sweep",
    .arguments = "WORD STUDY",
    .summary = "a parameter study: plan, run, resume, show, submit, merge",
    .doc =
        "  sweep plan STUDY      the cells, their number and the expected time, before anything "
        "runs\n"
        "  sweep run STUDY       run what --db does not have yet, on all processors; Ctrl-C keeps "
        "what is done\n"
        "  sweep resume STUDY    the same word for going on after a stop or a kill\n"
        "  sweep show STUDY      what --db has; missing runs are printed as missing\n"
        "  sweep submit STUDY    as a Slurm job array; without sbatch, on this machine\n"
        "  sweep merge FILE...   take the runs of shares into --db\n\n"
        "A study names a scenario and what varies in it: docs/reference/study.md, docs/sweeps.md. "
        "Exit code 0 when all was run that was asked for, 130 and 143 when it was stopped.\n\n"
        "  headroom sweep plan scenarios/studies/room-caps.json --where \"size <= 100\"\n"
        "  headroom sweep run scenarios/studies/room-caps.json --db caps.db --shard 1/4\n"
        "  headroom sweep merge caps.*-of-4.db --db caps.db",
    .takes = "sejrdpwhnWJq",
    .verbs = "plan|run|resume|show|submit|merge",
    .arguments_min = 2,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
