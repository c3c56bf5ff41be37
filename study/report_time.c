/* What happened when: every series of one run, and the faults that the scenario put into it.
 *
 * One chart per series and none with two scales: a delay and a rate drawn over each other say what
 * the choice of the scales says. */
#include "models/spec/inputs.h"
#include "sim/base/units.h"
#include "study/report_parts.h"

#include <math.h>
#include <string.h>

enum { SERIES_SHOWN_MAX = 6, POINTS_MAX = 600 };

static const struct {
    const char *name, *title, *axis;
} known[] = {
    {"delay_ms", "Delay over time", "mean delay, ms"},
    {"deliveries", "Deliveries over time", "deliveries per step"},
};

static const char *title_of(const char *name, struct arena *arena) {
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].title;
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

static const char *chart_of(struct arena *arena, const char *axis, const char *marks) {
    struct text quoted;
    text_init(&quoted);
    text_add_json_string(&quoted, axis);
    const char *chart = arena_new_format(
        arena,
        "{\"width\":\"container\",\"height\":240,\"encoding\":{\"x\":{\"field\":\"at_s\",\"type\":"
        "\"quantitative\",\"title\":\"seconds into the measured "
        "window\"}},\"layer\":[%s{\"mark\":{\"type\":"
        "\"line\"},\"encoding\":{\"y\":{\"field\":\"value\",\"type\":\"quantitative\",\"title\":%s}"
        ","
        "\"tooltip\":[{\"field\":\"at_s\",\"format\":\".4~g\"},{\"field\":\"value\",\"format\":\",."
        "4~g\"}]}}]}",
        marks, text_bytes(&quoted));
    text_fini(&quoted);
    return chart;
}

static void say(struct report_part *part, const struct store_series *series, struct arena *arena) {
    int32_t highest = -1;
    for (int32_t i = 0; i < series->count; i++)
        if (!isnan(series->values[i]) &&
            (highest < 0 || series->values[i] > series->values[highest]))
            highest = i;
    if (highest < 0)
        return;
    part->says = arena_new_format(arena, "Highest %s s into the window: %s %s, in steps of %s s.",
                                  report_say(arena, base_seconds(series->step_ns * highest)),
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
    const char *axis = arena_new_format(arena, "%s, %s", name, series.unit);
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].name, name) == 0)
            axis = known[i].axis;
    struct report_part *part =
        report_add(report, arena_new_format(arena, "time-%d", (int)report->parts_count),
                   title_of(name, arena));
    report_add_column(&part->table, "at_s", "at", "s", true);
    report_add_column(&part->table, "value", name, series.unit, true);
    fill(&part->table, &series);
    say(part, &series, arena);
    part->chart = chart_of(arena, axis, "");
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
