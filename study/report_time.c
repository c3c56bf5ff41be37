/* What happened when: every series of one run, and the faults that the scenario put into it.
 *
 * One chart per series and none with two scales: a delay and a rate drawn over each other say what
 * the choice of the scales says. */
#include "models/spec/inputs.h"
#include "sim/base/units.h"
#include "study/report_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SERIES_SHOWN_MAX = 6, POINTS_MAX = 600 };

/* Some begin with the measured window, others with the run. */
static const struct known {
    const char *name, *title, *axis;
    bool is_of_run;
} known[] = {
    {"delay_ms", "Delay over time", "mean delay, ms", false},
    {"deliveries", "Deliveries over time", "deliveries per step", false},
    {"connected", "Connected clients over time", "clients connected", true},
    {"unreachable", "Unreachable clients over time", "clients without a connection that works",
     true},
    {"backlog", "Accept queues over time", "connections that wait to be accepted", true},
};

static const struct known *known_of(const char *name) {
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

static const char *title_of(const char *name, struct arena *arena) {
    if (known_of(name))
        return known_of(name)->title;
    char *title = arena_new_format(arena, "%s over time", name);
    for (char *at = title; *at; at++)
        if (*at == '_')
            *at = ' ';
    if (*title >= 'a' && *title <= 'z')
        *title = (char)(*title - 'a' + 'A');
    return title;
}

/* Steps are joined where there are more than a page can show: their mean. */
static void fill(struct report_table *table, const struct store_series *series) {
    int32_t joined = (series->count + POINTS_MAX - 1) / POINTS_MAX;
    joined = joined > 0 ? joined : 1;
    for (int32_t first = 0; first < series->count; first += joined) {
        double sum = 0;
        int32_t count = 0;
        for (int32_t i = first; i < first + joined && i < series->count; i++)
            if (!isnan(series->values[i])) {
                sum += series->values[i];
                count++;
            }
        REPORT_ADD_ROW(table, report_number(base_seconds(series->step_ns * first)),
                       report_number(count > 0 ? sum / count : (double)NAN));
    }
}

/* --- faults --- */

struct span { /* of a chart, on the run's clock */
    base_ns from_ns, to_ns;
};

static void add_mark(struct text *marks, struct span span, const char *name, const char *what,
                     base_ns at_ns) {
    char words[128];
    if (at_ns < span.from_ns || at_ns > span.to_ns)
        return;
    text_addf(marks, "%s{\"at_s\":%.9g,\"fault\":", marks->length ? "," : "",
              base_seconds(at_ns - span.from_ns));
    snprintf(words, sizeof words, "%s %s", name, what);
    text_add_json_string(marks, words);
    text_addf(marks, "}");
}

/* Layers of a chart: a line where a fault begins, and where it ends. "" where nothing was put into
 * the scenario. */
static const char *marks_of(const struct report_subject *subject, struct span span,
                            struct arena *arena) {
    struct text marks;
    text_init(&marks);
    for (int32_t i = 0; subject->is_read && i < subject->spec.faults_count; i++) {
        const struct spec_fault *fault = &subject->spec.faults[i];
        const char *kind = spec_word("fault_kind", (int)fault->kind);
        base_ns gone_ns = fault->kind == SPEC_DRAINS ? fault->at + fault->spread : fault->at;
        add_mark(&marks, span, fault->name, kind, fault->at);
        if (fault->for_ != BASE_NS_MAX && fault->kind != SPEC_DEPLOY)
            add_mark(&marks, span, fault->name, "ends", gone_ns + fault->for_);
    }
    const char *layers =
        marks.length == 0
            ? ""
            : arena_new_format(
                  arena,
                  "{\"data\":{\"values\":[%s]},\"encoding\":{\"x\":{\"field\":\"at_s\","
                  "\"type\":\"quantitative\"}},\"layer\":[{\"mark\":{\"type\":\"rule\","
                  "\"strokeDash\":[4,4],\"opacity\":0.6},\"encoding\":{\"tooltip\":["
                  "{\"field\":\"fault\"},{\"field\":\"at_s\"}]}},{\"mark\":{\"type\":"
                  "\"text\",\"align\":\"left\",\"dx\":4,\"y\":8},\"encoding\":{"
                  "\"text\":{\"field\":\"fault\"}}}]},",
                  text_bytes(&marks));
    text_fini(&marks);
    return layers;
}

/* --- charts --- */

struct axes {
    const char *x, *y;
};

static const char *chart_of(struct arena *arena, struct axes axes, const char *marks) {
    struct text quoted;
    text_init(&quoted);
    text_add_json_string(&quoted, axes.y);
    const char *chart = arena_new_format(
        arena,
        "{\"width\":\"container\",\"height\":240,\"encoding\":{\"x\":{\"field\":\"at_s\",\"type\":"
        "\"quantitative\",\"title\":\"%s\"}},\"layer\":[%s{\"mark\":{\"type\":"
        "\"line\"},\"encoding\":{\"y\":{\"field\":\"value\",\"type\":\"quantitative\",\"title\":%s}"
        ","
        "\"tooltip\":[{\"field\":\"at_s\",\"format\":\".4~g\"},{\"field\":\"value\",\"format\":\",."
        "4~g\"}]}}]}",
        axes.x, marks, text_bytes(&quoted));
    text_fini(&quoted);
    return chart;
}

static void say(struct report_part *part, const struct store_series *series, const char *of,
                struct arena *arena) {
    int32_t highest = -1;
    for (int32_t i = 0; i < series->count; i++)
        if (!isnan(series->values[i]) &&
            (highest < 0 || series->values[i] > series->values[highest]))
            highest = i;
    if (highest < 0)
        return;
    part->says = arena_new_format(arena, "Highest %s s into the %s: %s %s, in steps of %s s.",
                                  report_say(arena, base_seconds(series->step_ns * highest)), of,
                                  report_say(arena, series->values[highest]), series->unit,
                                  report_say(arena, base_seconds(series->step_ns)));
}

static bool add_series(struct report *report, const struct report_subject *subject,
                       const struct store_run *run, const char *name) {
    struct store_series series;
    struct arena *arena = report->arena;
    enum store_found found = store_series_of(subject->store, run->id, name, arena, &series);
    if (found != STORE_FOUND || series.count < 2 || series.step_ns <= 0)
        return found != STORE_FAILED;
    const struct known *one = known_of(name);
    bool is_of_run = one && one->is_of_run;
    struct axes axes = {
        .x = is_of_run ? "seconds from the start of the run" : "seconds into the measured window",
        .y = one ? one->axis : arena_new_format(arena, "%s, %s", name, series.unit)};
    struct report_part *part =
        report_add(report, arena_new_format(arena, "time-%d", (int)report->parts_count),
                   title_of(name, arena));
    report_add_column(&part->table, "at_s", "at", "s", true);
    report_add_column(&part->table, "value", name, series.unit, true);
    fill(&part->table, &series);
    say(part, &series, is_of_run ? "run" : "window", arena);
    const struct spec_window *window = &subject->spec.window; /* with faults never automatic */
    struct span span = {.from_ns = is_of_run ? 0 : window->warm_up,
                        .to_ns = window->warm_up + window->measure};
    part->chart = chart_of(arena, axes, marks_of(subject, span, arena));
    part->command =
        report_command(subject, run, run->kind == STORE_MEASURED ? "measure" : "run", "");
    return true;
}

bool report_part_time(struct report *report, const struct report_subject *subject) {
    const struct store_run *run = subject->run.id ? &subject->run : &subject->measured;
    const char **names = NULL;
    int32_t count = 0, before = report->parts_count;
    if (run->id != 0 &&
        !store_series_names(subject->store, run->id, subject->arena, &names, &count))
        return false;
    for (int32_t i = 0; i < count && report->parts_count - before < SERIES_SHOWN_MAX; i++)
        if (!add_series(report, subject, run, names[i]))
            return false;
    if (report->parts_count == before)
        report_add(report, "time", "What happened when")->missing =
            "No run of this scenario with figures over time is in this file. `headroom run "
            "SCENARIO` "
            "makes one.";
    return true;
}
