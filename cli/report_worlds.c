/* The comparison's cells become rows. A cell that is missing or refused keeps its row and says why;
 * the chart draws those that have both sides. */
#include "cli/report_worlds.h"

#include "validation/compare/accuracy.h"
#include "validation/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_columns(struct report_table *table) {
    report_add_column(table, "scenario", "scenario", "", false);
    report_add_column(table, "figure", "figure", "", false);
    report_add_column(table, "predicted", "predicted", "", true);
    report_add_column(table, "measured", "measured", "", true);
    report_add_column(table, "error", "error", "%", true);
    report_add_column(table, "low", "from", "95 %", true);
    report_add_column(table, "high", "to", "95 %", true);
    report_add_column(table, "result", "result", "", false);
}

/* An axis' labels: the tens from `low` to `high`, both of which are some. */
static const char *axis_of(struct arena *arena, double low, double high) {
    const char *values = "";
    for (double at = low; at < high * 1.5; at *= 10)
        values = arena_new_format(arena, "%s%s%g", values, *values ? "," : "", at);
    return arena_new_format(arena,
                            "\"axis\":{\"values\":[%s],\"labelExpr\":"
                            "\"format(datum.value, datum.value < 1 ? '~g' : '~s')\"}",
                            values);
}

/* Both axes have one scale, so that the line y = x is a diagonal wherever the points are. */
static const char *scatter(const struct report_table *table) {
    double low = INFINITY, high = 0;
    for (int32_t i = 0; i < table->rows_count; i++) {
        const struct report_value *row = &table->values[i * table->columns_count];
        double predicted = row[2].number, measured = row[3].number;
        if (!(predicted > 0 && measured > 0))
            continue;
        low = fmin(low, fmin(predicted, measured));
        high = fmax(high, fmax(predicted, measured));
    }
    if (!(high > 0))
        return NULL;
    low = pow(10, floor(log10(low)));
    high = pow(10, ceil(log10(high * 1.0001)));
    const char *axis = axis_of(table->arena, low, high);
    return arena_new_format(
        table->arena,
        "{\"width\":\"container\",\"height\":380,\"transform\":[{\"filter\":\"datum.predicted > 0 "
        "&& "
        "datum.measured > 0\"}],\"layer\":["
        "{\"data\":{\"values\":[{\"v\":%g},{\"v\":%g}]},\"mark\":{\"type\":\"line\",\"style\":"
        "\"even\"},"
        "\"encoding\":{\"x\":{\"field\":\"v\",\"type\":\"quantitative\"},\"y\":{\"field\":\"v\","
        "\"type\":"
        "\"quantitative\"},\"color\":{\"value\":\"gray\"}}},"
        "{\"mark\":{\"type\":\"rule\"},\"encoding\":{\"x\":{\"field\":\"measured\",\"type\":"
        "\"quantitative\"},"
        "\"y\":{\"field\":\"low\",\"type\":\"quantitative\"},\"y2\":{\"field\":\"high\"},\"color\":"
        "{\"field\":"
        "\"figure\",\"type\":\"nominal\"}}},"
        "{\"mark\":{\"type\":\"point\",\"filled\":true,\"size\":60,\"opacity\":1},\"encoding\":{"
        "\"x\":{\"field\":"
        "\"measured\",\"type\":\"quantitative\",\"scale\":{\"type\":\"log\",\"domain\":[%g,%g]}"
        ",%s,\"title\":\"measured\"},\"y\":{\"field\":\"predicted\",\"type\":"
        "\"quantitative\",\"scale\":{\"type\":\"log\",\"domain\":[%g,%g]},%s,"
        "\"title\":\"predicted\"},\"color\":{\"field\":\"figure\",\"type\":\"nominal\",\"legend\":{"
        "\"title\":null,"
        "\"columns\":2}},\"tooltip\":[{\"field\":\"scenario\"},{\"field\":\"figure\"},{\"field\":"
        "\"predicted\","
        "\"format\":\",.4~g\"},{\"field\":\"measured\",\"format\":\",.4~g\"},{\"field\":\"error\","
        "\"format\":\"+.1f\"}]}}]}",
        low, high, low, high, axis, low, high, axis);
}

/* --- every scenario --- */

static void add_compared(struct report_table *table, const struct compare_cell *cell) {
    const char *inside = !cell->has_interval ? "" : cell->is_inside ? "inside" : "outside";
    const struct compare_side *predicted = &cell->predicted, *measured = &cell->measured;
    bool has_predicted = predicted->run != 0;
    REPORT_ADD_ROW(table, report_words(cell->scenario),
                   report_words(arena_new_format(table->arena, "%s, %s", cell->title, cell->unit)),
                   report_number(has_predicted ? predicted->value : (double)NAN),
                   report_number(measured->run != 0 ? measured->value : (double)NAN),
                   report_number(100 * cell->error),
                   report_number(has_predicted ? predicted->low : (double)NAN),
                   report_number(has_predicted ? predicted->high : (double)NAN),
                   report_words(cell->status == COMPARE_DONE ? inside : cell->why));
}

/* What was compared, and then what is missing or refused. */
static void add_comparison(struct report_table *table, const struct comparison *comparison) {
    add_columns(table);
    for (int is_missing = 0; is_missing < 2; is_missing++)
        for (int32_t i = 0; i < comparison->cells_count; i++)
            if ((comparison->cells[i].status != COMPARE_DONE) == is_missing)
                add_compared(table, &comparison->cells[i]);
}

static void say_comparison(struct report_part *part, const struct comparison *comparison,
                           struct arena *arena) {
    for (int32_t i = 0; i < comparison->summaries_count; i++) {
        const struct compare_summary *summary = &comparison->summaries[i];
        if (summary->compared_count > 0)
            part->says = arena_new_format(
                arena, "%s%s: %d compared, median absolute error %.1f %%, worst %.1f %% (%s). ",
                part->says, summary->title, (int)summary->compared_count,
                100 * summary->median_error, 100 * summary->worst_error, summary->worst_scenario);
    }
}

static bool add_scatter(struct report *report, struct store *store) {
    struct report_part *part = report_add(report, "measured", "Simulated against measured");
    struct comparison comparison;
    if (!compare_worlds(store, NULL, 0, NULL, report->arena, &comparison))
        return false;
    add_comparison(&part->table, &comparison);
    part->chart = scatter(&part->table);
    say_comparison(part, &comparison, report->arena);
    if (part->chart == NULL) {
        part->missing =
            "Nothing in this file was both predicted and measured. `headroom measure "
            "SCENARIO`, after `headroom ceiling SCENARIO`, measures it on the real server.";
        return true;
    }
    part->note =
        "On the dashed line both are the same; upright lines are the prediction's 95 % interval.";
    part->command = arena_new_format(report->arena, "headroom compare --db %s",
                                     report_shell_word(report->arena, store->path));
    return true;
}

/* --- the cases of `headroom accuracy` --- */

enum { CASES_MAX = 256 };

struct found {
    struct accuracy_case cases[CASES_MAX];
    int32_t count;
    struct store_run newest; /* whose code and profile count */
};

/* The groups that a case is held to are in no store; all are asked for, and what nobody predicted
 * is left out afterwards. */
static void add_case(struct found *found, const struct store_run *run) {
    for (int32_t i = 0; i < found->count; i++)
        if (found->cases[i].scenario_hash == run->scenario_hash)
            return;
    if (found->count < CASES_MAX)
        found->cases[found->count++] =
            (struct accuracy_case){.name = run->scenario_name,
                                   .scenario_hash = run->scenario_hash,
                                   .groups = (1U << ACCURACY_GROUPS) - 1};
}

static bool find_cases(struct store *store, struct arena *arena, struct found *found) {
    struct store_run *runs;
    int32_t count;
    struct store_filter filter = {.kind = store_kind_name(STORE_SIMULATED),
                                  .state = store_state_name(STORE_DONE)};
    if (!store_runs(store, &filter, arena, &runs, &count))
        return false;
    for (int32_t i = count; i-- > 0;) {
        struct store_metric part;
        if (strcmp(runs[i].command, "cell") == 0 || strcmp(runs[i].command, "probe") == 0)
            continue;
        enum store_found is_part =
            store_metric_of(store, runs[i].id, ACCURACY_PART_METRIC, arena, &part);
        if (is_part == STORE_FAILED)
            return false;
        if (is_part == STORE_MISSING)
            continue;
        if (found->newest.id == 0)
            found->newest = runs[i];
        if (runs[i].code_hash == found->newest.code_hash &&
            runs[i].profile_hash == found->newest.profile_hash)
            add_case(found, &runs[i]);
    }
    return true;
}

static void add_accuracy_row(struct report_table *table, const struct accuracy_cell *cell) {
    const char *result = cell->missing        ? cell->missing
                         : cell->has_interval ? cell->is_raw_inside ? "inside" : "outside"
                         : cell->has_text     ? cell->is_same_text ? "right" : "wrong"
                                              : "";
    REPORT_ADD_ROW(
        table, report_words(cell->name),
        report_words(arena_new_format(table->arena, "%s, %s", accuracy_figure_title(cell->figure),
                                      accuracy_figure_unit(cell->figure))),
        report_number(cell->raw.value), report_number(cell->measured.value),
        report_number(100 * cell->raw_error), report_number(cell->raw.low),
        report_number(cell->raw.high), report_words(result));
}

static void add_accuracy_rows(struct report_table *table, const struct accuracy_report *accuracy) {
    add_columns(table);
    for (int is_missing = 0; is_missing < 2; is_missing++)
        for (int32_t i = 0; i < accuracy->cells_count; i++) {
            const struct accuracy_cell *cell = &accuracy->cells[i];
            bool is_predicted = !isnan(cell->raw.value) || *cell->raw.text;
            if (is_predicted && (cell->missing != NULL) == is_missing)
                add_accuracy_row(table, cell);
        }
}

static void say_accuracy(struct report_part *part, const struct accuracy_report *accuracy,
                         struct arena *arena) {
    for (int i = 0; i < ACCURACY_CLASSES; i++) {
        const struct accuracy_summary *class = &accuracy->classes[i];
        if (class->errors_count > 0)
            part->says = arena_new_format(
                arena, "%s%s: median absolute error %.1f %% over %d, worst %.1f %% (%s). ",
                part->says, accuracy_class_title(class->class), 100 * class->raw_median,
                (int)class->errors_count, 100 * class->raw_worst, class->raw_worst_name);
    }
}

static bool add_accuracy(struct report *report, struct store *store) {
    struct report_part *part = report_add(report, "accuracy", "How right the predictions are");
    struct found *found = ARENA_NEW(report->arena, 1, struct found);
    struct accuracy_report accuracy;
    if (!find_cases(store, report->arena, found))
        return false;
    struct accuracy_options options = {.cases = found->cases,
                                       .cases_count = found->count,
                                       .code_hash = found->newest.code_hash,
                                       .profile_hash = found->newest.profile_hash,
                                       .yardstick_ns =
                                           (double)NAN, /* nothing is moved: raw errors */
                                       .repeats = 1};
    if (!accuracy_compare(store, &options, report->arena, &accuracy))
        return false;
    add_accuracy_rows(&part->table, &accuracy);
    if (part->table.rows_count == 0) {
        part->missing = "`headroom accuracy` has not been run into this file.";
        return true;
    }
    part->chart = scatter(&part->table);
    say_accuracy(part, &accuracy, report->arena);
    part->note =
        "Each figure was predicted before it was measured. Misses and missing figures stay in the "
        "table.";
    part->command = arena_new_format(report->arena, "headroom accuracy --repeats 0 --db %s",
                                     report_shell_word(report->arena, store->path));
    return true;
}

bool report_worlds(struct report *report, struct store *store) {
    return add_scatter(report, store) && add_accuracy(report, store);
}
