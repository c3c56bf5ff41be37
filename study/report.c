/* Which runs a report is about, its headline, and the order of its parts. */
#include "study/report.h"

#include "models/workload/plan.h"
#include "models/workload/roster.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"
#include "study/report_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what the parts share --- */

struct report_part *report_add(struct report *report, const char *id, const char *title) {
    CHECK(report->parts_count < REPORT_PARTS_MAX);
    struct report_part *part = &report->parts[report->parts_count++];
    *part = (struct report_part){.id = arena_new_text(report->arena, id),
                                 .title = arena_new_text(report->arena, title),
                                 .says = "",
                                 .note = "",
                                 .command = "",
                                 .table = report_table_of(report->arena)};
    return part;
}

bool report_metric(const struct report_subject *subject, int64_t run, const char *name,
                   struct store_metric *metric) {
    enum store_found found = store_metric_of(subject->store, run, name, subject->arena, metric);
    if (found == STORE_MISSING)
        *metric = (struct store_metric){.name = name,
                                        .value = (double)NAN,
                                        .low = (double)NAN,
                                        .high = (double)NAN,
                                        .unit = ""};
    return found != STORE_FAILED;
}

const char *report_say(struct arena *arena, double number) {
    char text[64];
    text_say_number(number, text, sizeof text);
    return arena_new_text(arena, text);
}

const char *report_shell_word(struct arena *arena, const char *word) {
    static const char *const plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:,@%";
    if (*word && *word != '-' && word[strspn(word, plain)] == '\0')
        return word;
    struct text text;
    text_init(&text);
    text_add(&text, "'");
    for (const char *at = word; *at; at++)
        text_add_n(&text, *at == '\'' ? "'\\''" : at, *at == '\'' ? 4 : 1);
    text_add(&text, "'");
    const char *copy = arena_new_text(arena, text_bytes(&text));
    text_fini(&text);
    return copy;
}

const char *report_command(const struct report_subject *subject, const struct store_run *run,
                           const char *before, const char *after) {
    struct arena *arena = subject->arena;
    const char *db = report_shell_word(arena, subject->store->path);
    const char *name = report_shell_word(arena, run->scenario_name);
    const char *costs = "";
    const char *lines =
        arena_new_format(arena, "headroom db scenario %016" PRIx64 " --db %s > %s.json\n",
                         run->scenario_hash, db, name);
    if (run->kind == STORE_SIMULATED && run->profile_hash != 0) {
        lines = arena_new_format(arena,
                                 "%sheadroom db profile %016" PRIx64 " --db %s > %s.profile.json\n",
                                 lines, run->profile_hash, db, name);
        costs = arena_new_format(arena, " --profile %s.profile.json", name);
    }
    return arena_new_format(arena, "%sheadroom %s %s.json%s%s", lines, before, name, costs, after);
}

/* --- the subject --- */

/* The newest run of a filter that has the metric. */
static enum store_found newest_with(const struct report_subject *subject, const char *kind,
                                    const char *command, const char *metric_name,
                                    struct store_run *newest) {
    struct store_run *runs;
    int32_t count;
    struct store_filter filter = {.scenario_hash = subject->scenario_hash,
                                  .command = command,
                                  .kind = kind,
                                  .state = store_state_name(STORE_DONE)};
    if (!store_runs(subject->store, &filter, subject->arena, &runs, &count))
        return STORE_FAILED;
    for (int32_t i = count; i-- > 0;) {
        struct store_metric metric;
        if (!report_metric(subject, runs[i].id, metric_name, &metric))
            return STORE_FAILED;
        if (!isnan(metric.value) || metric.text) {
            *newest = runs[i];
            return STORE_FOUND;
        }
    }
    return STORE_MISSING;
}

static bool find_runs(struct report_subject *subject) {
    const char *simulated = store_kind_name(STORE_SIMULATED);
    const char *measured = store_kind_name(STORE_MEASURED);
    static const char ceiling[] = "ceiling.outcome", load[] = "latency_p99_ms";
    return newest_with(subject, simulated, "ceiling", ceiling, &subject->ceiling) != STORE_FAILED &&
           newest_with(subject, measured, NULL, ceiling, &subject->measured_ceiling) !=
               STORE_FAILED &&
           newest_with(subject, simulated, "run", load, &subject->run) != STORE_FAILED &&
           newest_with(subject, measured, "measure", load, &subject->measured) != STORE_FAILED;
}

/* A scenario that this program cannot read any more still has its figures. */
static void read_scenario(struct report_subject *subject, const char *text) {
    struct diag *diag = malloc(sizeof *diag);
    CHECK(diag != NULL);
    diag_init(diag);
    struct spec_options options = {.file = "the store"};
    subject->is_read = spec_parse(&subject->spec, text, &options, subject->arena, diag);
    diag_fini(diag);
    free(diag);
    subject->asked = (double)NAN;
    if (!subject->is_read)
        return;
    struct roster roster;
    struct arena arena;
    arena_init(&arena);
    roster_init(&roster, &subject->spec, subject->spec.seed, &arena);
    subject->asked = plan_offered(&roster).deliveries_per_s;
    arena_fini(&arena);
}

/* Of the commands that answer something about a scenario at its own load, ceilings first. */
static enum store_found newest_run(struct store *store, const char *name, struct arena *arena,
                                   struct store_run *run) {
    static const char *const commands[] = {"ceiling", "run", "measure"};
    enum store_found found = STORE_MISSING;
    for (size_t i = 0; i < COUNT_OF(commands) && found == STORE_MISSING; i++) {
        struct store_filter filter = {
            .scenario_name = name, .command = commands[i], .state = store_state_name(STORE_DONE)};
        found = store_latest_run(store, &filter, arena, run);
    }
    if (found == STORE_MISSING)
        found = store_latest_run(
            store, &(struct store_filter){.scenario_name = name, .command = "cell"}, arena, run);
    return found;
}

static bool find_subject(struct report_subject *subject, struct store *store, uint64_t hash,
                         struct arena *arena) {
    *subject = (struct report_subject){.store = store, .arena = arena, .scenario_hash = hash};
    struct store_text text;
    enum store_found found = store_scenario_text(store, hash, arena, &text);
    if (found == STORE_FOUND)
        read_scenario(subject, text.text);
    return found != STORE_FAILED && find_runs(subject);
}

/* --- the headline --- */

static const char *interval(struct arena *arena, const struct store_metric *metric) {
    if (isnan(metric->low) || isnan(metric->high))
        return report_say(arena, metric->value);
    return arena_new_format(arena, "%s (95 %%: %s to %s)", report_say(arena, metric->value),
                            report_say(arena, metric->low), report_say(arena, metric->high));
}

static const char *percent(struct arena *arena, double share) {
    return arena_new_format(arena, "%s %%", report_say(arena, 100 * share));
}

static void judge_found(struct report *report, const struct report_subject *subject,
                        const struct store_metric *active) {
    struct arena *arena = report->arena;
    double asked = subject->asked;
    bool is_known = !isnan(asked);
    report->answer = !is_known              ? REPORT_UNASKED
                     : active->low >= asked ? REPORT_GOOD
                     : active->high < asked ? REPORT_BAD
                                            : REPORT_UNSURE;
    report->verdict = report->answer == REPORT_GOOD     ? "It holds"
                      : report->answer == REPORT_BAD    ? "It does not hold"
                      : report->answer == REPORT_UNSURE ? "Cannot tell yet: the interval straddles "
                                                          "what is asked for"
                                                        : "How much it can carry";
    report->sentence = arena_new_format(
        arena, "The predicted ceiling is %s deliveries/s%s%s%s.", interval(arena, active),
        active->text && *active->text ? "; " : "", active->text ? active->text : "",
        active->text && *active->text ? " breaks first" : "");
    if (is_known)
        report->sentence = arena_new_format(
            arena, "%s The scenario asks for %s deliveries/s, %s of it.", report->sentence,
            report_say(arena, asked), percent(arena, asked / active->value));
}

/* A search that found no ceiling has its outcome in words. */
static void judge_other(struct report *report, const char *outcome) {
    bool is_below = strcmp(outcome, "below_first") == 0;
    bool is_above = strcmp(outcome, "above_last") == 0;
    report->answer = is_below ? REPORT_BAD : is_above ? REPORT_GOOD : REPORT_UNSURE;
    report->verdict = is_below   ? "No sustained load holds"
                      : is_above ? "It holds at every load that was tried"
                                 : "The search for the ceiling came to no end";
    report->sentence = arena_new_format(report->arena, "Outcome of the search: %s.", outcome);
}

static bool judge_by_ceiling(struct report *report, const struct report_subject *subject) {
    struct store_metric active, outcome, idle;
    if (!report_metric(subject, subject->ceiling.id, "ceiling.active", &active) ||
        !report_metric(subject, subject->ceiling.id, "ceiling.outcome", &outcome) ||
        !report_metric(subject, subject->ceiling.id, "ceiling.idle", &idle))
        return false;
    if (isnan(active.value))
        judge_other(report, outcome.text ? outcome.text : "unknown");
    else
        judge_found(report, subject, &active);
    if (!isnan(idle.value))
        report->sentence = arena_new_format(
            report->arena, "%s Without any traffic it holds %s connections (%s).", report->sentence,
            report_say(report->arena, idle.value), idle.text ? idle.text : "");
    return true;
}

static bool judge_by_run(struct report *report, const struct report_subject *subject,
                         const struct store_run *run) {
    struct store_metric verdict, broke, p99;
    if (!report_metric(subject, run->id, "verdict", &verdict) ||
        !report_metric(subject, run->id, "broke", &broke) ||
        !report_metric(subject, run->id, "latency_p99_ms", &p99))
        return false;
    const char *word = verdict.text ? verdict.text : "cannot_tell";
    bool holds = strcmp(word, "holds") == 0, is_open = strcmp(word, "cannot_tell") == 0;
    report->answer = holds ? REPORT_GOOD : is_open ? REPORT_UNSURE : REPORT_BAD;
    report->verdict = holds                           ? "It holds"
                      : is_open                       ? "Cannot tell yet"
                      : strcmp(word, "unstable") == 0 ? "It does not hold: the backlog grows"
                                                      : "It does not hold";
    report->sentence = arena_new_format(
        report->arena, "One %s run at %s times its load: p99 %s ms%s%s.",
        store_kind_name(run->kind), report_say(report->arena, run->load_scale),
        report_say(report->arena, p99.value), broke.text && *broke.text ? ", broke first: " : "",
        broke.text ? broke.text : "");
    return true;
}

static bool add_measured(struct report *report, const struct report_subject *subject) {
    struct store_metric active;
    if (subject->measured_ceiling.id == 0)
        return true;
    if (!report_metric(subject, subject->measured_ceiling.id, "ceiling.active", &active))
        return false;
    if (!isnan(active.value))
        report->sentence = arena_new_format(
            report->arena, "%s Measured on the real server: %s deliveries/s%s%s.", report->sentence,
            interval(report->arena, &active), active.text && *active.text ? ", broke first: " : "",
            active.text ? active.text : "");
    return true;
}

static bool judge(struct report *report, const struct report_subject *subject) {
    bool is_read = true;
    if (subject->ceiling.id != 0)
        is_read = judge_by_ceiling(report, subject);
    else if (subject->run.id != 0)
        is_read = judge_by_run(report, subject, &subject->run);
    else if (subject->measured.id != 0)
        is_read = judge_by_run(report, subject, &subject->measured);
    return is_read && add_measured(report, subject);
}

static void say_facts(struct report *report, const struct report_subject *subject) {
    const struct store_run *run = subject->ceiling.id != 0 ? &subject->ceiling
                                  : subject->run.id != 0   ? &subject->run
                                                           : &subject->measured;
    if (run->id == 0)
        return;
    report->facts = arena_new_format(report->arena,
                                     "headroom %s (%016" PRIx64 "), scenario %016" PRIx64
                                     ", profile %s (%016" PRIx64 "), seed %" PRIu64 ", run %" PRId64
                                     ", fingerprint %016" PRIx64,
                                     run->code_version, run->code_hash, run->scenario_hash,
                                     *run->profile_name ? run->profile_name : "none",
                                     run->profile_hash, run->seed, run->id, run->fingerprint);
}

enum store_found report_begin(struct report *report, struct store *store, const char *name,
                              struct arena *arena) {
    struct store_run newest;
    enum store_found found = newest_run(store, name, arena, &newest);
    if (found != STORE_FOUND)
        return found;
    *report = (struct report){.arena = arena,
                              .scenario = newest.scenario_name,
                              .scenario_hash = newest.scenario_hash,
                              .about = "",
                              .answer = REPORT_UNASKED,
                              .verdict = "Runs of a study",
                              .sentence = "This file has no run of the scenario at its own load.",
                              .facts = ""};
    return STORE_FOUND;
}

bool report_compose(struct report *report, struct store *store) {
    struct report_subject subject;
    if (!find_subject(&subject, store, report->scenario_hash, report->arena))
        return false;
    if (subject.is_read)
        report->about = subject.spec.about;
    say_facts(report, &subject);
    return judge(report, &subject) && report_part_limits(report, &subject) &&
           report_part_load(report, &subject) && report_part_sweep(report, &subject) &&
           report_part_percentiles(report, &subject) && report_part_nodes(report, &subject) &&
           report_part_time(report, &subject);
}

bool report_compose_inputs(struct report *report, struct store *store) {
    struct report_subject subject;
    return find_subject(&subject, store, report->scenario_hash, report->arena) &&
           report_part_inputs(report, &subject);
}
