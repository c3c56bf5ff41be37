/* `headroom gate SCENARIO`: ten questions before a plan is trusted, for people and for CI. */
#include "cli/commands.h"
#include "cli/gate.h"
#include "cli/one_scenario.h"
#include "cli/print.h"
#include "cli/simulate.h"
#include "cli/trial.h"

#include <stdio.h>
#include <unistd.h>

/* `write` into `path`, where one is named. */
static bool write_as(const struct gate_report *report, const char *path,
                     void (*write)(const struct gate_report *, struct text *)) {
    struct text out;
    if (path == NULL)
        return true;
    text_init(&out);
    write(report, &out);
    bool is_written = files_write(path, text_bytes(&out));
    text_fini(&out);
    return is_written;
}

static bool write_tuning(const struct gate_report *report, const struct options *options) {
    char host[256] = "this host";
    struct text out;
    if (options->tuning == NULL)
        return true;
    if (options->proc == NULL && gethostname(host, sizeof host) != 0)
        host[0] = '\0';
    text_init(&out);
    gate_write_tuning(report, options->proc ? options->proc : host, &out);
    bool is_written = files_write(options->tuning, text_bytes(&out));
    text_fini(&out);
    return is_written;
}

static bool print(const struct gate_report *report, const struct options *options) {
    struct text out;
    text_init(&out);
    if (options->is_json)
        gate_print_json(report);
    else
        gate_write_text(report, &out);
    fputs(text_bytes(&out), stdout);
    text_fini(&out);
    return write_as(report, options->junit, gate_write_junit) &&
           write_as(report, options->markdown, gate_write_markdown);
}

/* --- simulation --- */

/* One node of the most numerous kind fewer. False: there is one node only. */
static bool simulate_one_lost(const struct scenario *scenario, const struct profile_costs *costs,
                              struct outcome *outcome) {
    int64_t counts[TRIAL_KINDS_MAX] = {0}, nodes = 0;
    int32_t most = 0;
    for (int32_t i = 0; i < scenario->spec.nodes_count; i++) {
        counts[i] = scenario->spec.nodes[i].count;
        nodes += counts[i];
        most = counts[i] > counts[most] ? i : most;
    }
    if (nodes == 1)
        return false;
    counts[most]--;
    struct trial trial;
    trial_init(&trial, scenario, counts);
    trial_run(&trial, costs, &(struct trial_load){.scale = 1}, outcome);
    outcome->resources_count = outcome->by_node_count = 0; /* their names go with the trial */
    trial_fini(&trial);
    return true;
}

static int exit_code(enum gate_result result) {
    switch (result) {
    case GATE_PASS:
        return EXIT_HOLDS;
    case GATE_FAIL:
        return EXIT_FAILS;
    case GATE_NOT_MEASURED:
        return EXIT_CANNOT_TELL;
    }
    return EXIT_BUG;
}

static int judge(const struct scenario *scenario, const struct gate_evidence *evidence,
                 const struct options *options, struct arena *arena) {
    struct gate_report report = {.scenario = scenario, .evidence = evidence};
    if (!write_tuning(&report, options)) /* first: that it is written is part of the evidence */
        return EXIT_IO;
    for (int32_t i = 0; i < GATE_LINES; i++)
        report.answers[i] = gate_judge((enum gate_line)i, evidence, arena);
    if (!print(&report, options))
        return EXIT_IO;
    return exit_code(gate_whole(report.answers));
}

static int answer_in(const struct scenario *scenario, const struct costs_choice *costs,
                     const struct options *options, struct arena *arena) {
    struct layout layout;
    struct outcome whole, one_lost;
    struct profile_costs means = profile_means(&costs->profile);
    struct gate_evidence evidence = {.layout = &layout, .costs = &means, .outcome = &whole};
    if (!gate_read_measured(scenario, options, arena, &evidence.measured))
        return EXIT_IO;
    evidence.host = gate_read_host(options->proc ? options->proc : "/proc");
    evidence.host.is_recorded = options->tuning != NULL;
    layout_init(&layout, &scenario->roster, scenario->spec.seed, arena);
    outcome_init(&whole);
    outcome_init(&one_lost);
    simulate(scenario, &layout, &means, 0, 1, &whole);
    if (simulate_one_lost(scenario, &means, &one_lost))
        evidence.one_lost = &one_lost;
    int code = judge(scenario, &evidence, options, arena);
    outcome_fini(&one_lost);
    outcome_fini(&whole);
    return code;
}

static int answer(struct scenario *scenario, const struct costs_choice *costs,
                  const struct options *options) {
    struct arena arena;
    arena_init(&arena);
    int code = answer_in(scenario, costs, options, &arena);
    arena_fini(&arena);
    return code;
}

static int run(const struct options *options) {
    return one_scenario(options, answer);
}

const struct command command_gate = {
    .name = "gate",
    .arguments = "SCENARIO",
    .summary = "ten questions before a plan is trusted: pass, fail or not measured",
    .doc = "Each line has an id that stays (docs/gate.md), the evidence, and the field to change. "
           "Lines about measuring look in --db for measured runs of\n"
           "this very scenario; the kernel's limits are read from /proc, or from a copy of another "
           "host's, and written down with --tuning.\n\n"
           "Exit code 0 when every line passes, 99 when one fails, 96 when none fails and one has "
           "not been measured.\n\n"
           "  headroom gate scenarios/lobby.json --tuning 60-headroom.conf --junit gate.xml",
    .takes = "sedpkUTHJq",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
