/* One comparison, three faces. A refused or missing cell keeps its row, with the reason where the
 * result would be. */
#include "validation/compare/compare.h"

#include "sim/base/fingerprint.h"
#include "validation/compare/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { MOVED_COLUMNS = 2 };

static const char *side_text(struct table *table, const struct compare_side *side) {
    if (side->run == 0)
        return "missing";
    const char *text = table_interval(table, side->value, side->low, side->high, side->text);
    return side->repeats > 1 ? table_text(table, "%s of %d", text, side->repeats) : text;
}

static const char *result_text(const struct compare_cell *cell, struct table *table) {
    switch (cell->status) {
    case COMPARE_DONE:
        return !cell->has_interval ? "" : cell->is_inside ? "inside" : "outside";
    case COMPARE_MISSING:
        return cell->why;
    case COMPARE_REFUSED:
        return table_text(table, "refused: %s", cell->why);
    }
    return "";
}

static const char *broke_text(const struct compare_cell *cell, struct table *table) {
    const char *predicted = cell->predicted.text, *measured = cell->measured.text;
    if (!*predicted && !*measured)
        return "";
    if (cell->same_text)
        return predicted;
    return table_text(table, "%s / %s", *predicted ? predicted : "-", *measured ? measured : "-");
}

/* Columns of their own only where something was moved. */
static const char *moved_text(const struct compare_cell *cell, struct table *table) {
    const struct compare_side *moved = &cell->moved;
    if (moved->run == 0)
        return "";
    return table_text(table, "%s at %.3f",
                      table_interval(table, moved->value, moved->low, moved->high, moved->text),
                      cell->factor);
}

static const char *moved_result(const struct compare_cell *cell, struct table *table) {
    if (cell->moved.run == 0)
        return "";
    return table_text(table, "%s, %s", table_percent(table, cell->moved_error),
                      cell->is_moved_inside ? "inside" : "outside");
}

static void add_cell(struct table *table, const struct compare_cell *cell) {
    const char *cells[] = {cell->scenario,
                           table_text(table, "%s, %s", cell->title, cell->unit),
                           side_text(table, &cell->predicted),
                           side_text(table, &cell->measured),
                           table_percent(table, cell->error),
                           broke_text(cell, table),
                           result_text(cell, table),
                           moved_text(cell, table),
                           moved_result(cell, table)};
    table_add(table, cells);
}

static void write_summary(const struct compare_summary *summary, struct text *out) {
    text_addf(out, "%s: %d compared", summary->title, summary->compared_count);
    if (summary->compared_count > 0)
        text_addf(out, ", median absolute error %.1f %%, worst %.1f %% (%s)",
                  100 * summary->median_error, 100 * summary->worst_error, summary->worst_scenario);
    if (summary->intervals_count > 0)
        text_addf(out, ", inside the interval %d of %d", summary->inside_count,
                  summary->intervals_count);
    if (summary->texts_count > 0)
        text_addf(out, ", what broke first right in %d of %d", summary->same_text_count,
                  summary->texts_count);
    if (summary->moved_count > 0)
        text_addf(
            out,
            "; moved to the speed of the measurement: %d, median absolute error %.1f %%, worst "
            "%.1f %%, inside the interval %d",
            summary->moved_count, 100 * summary->median_moved_error,
            100 * summary->worst_moved_error, summary->moved_inside_count);
    text_addf(out, "; %d missing, %d refused\n", summary->missing_count, summary->refused_count);
}

static void write_table(const struct comparison *comparison, bool is_markdown, struct text *out) {
    static const char *const titles[] = {"scenario", "figure", "predicted",
                                         "measured", "error",  "broke first",
                                         "result",   "moved",  "moved error"};
    bool has_moved = false;
    for (int32_t i = 0; i < comparison->cells_count; i++)
        has_moved |= comparison->cells[i].moved.run != 0;
    struct table table;
    table_init(&table, titles, COUNT_OF(titles) - (has_moved ? 0 : MOVED_COLUMNS),
               comparison->cells_count);
    for (int32_t i = 0; i < comparison->cells_count; i++)
        add_cell(&table, &comparison->cells[i]);
    table_write(&table, is_markdown, out);
    table_fini(&table);
    text_add(out, "\n");
    for (int32_t i = 0; i < comparison->summaries_count; i++) {
        text_add(out, is_markdown ? "- " : "");
        write_summary(&comparison->summaries[i], out);
    }
}

/* NAN and infinity are no numbers of JSON's. */
static void add_number(struct text *out, const char *key, double value) {
    if (isfinite(value))
        text_addf(out, "\"%s\": %.17g", key, value);
    else
        text_addf(out, "\"%s\": null", key);
}

static void add_string(struct text *out, const char *key, const char *value) {
    text_addf(out, "\"%s\": ", key);
    text_add_json_string(out, value);
}

static const char *word(bool is_known, bool is_true) {
    return !is_known ? "null" : is_true ? "true" : "false";
}

static void add_side(struct text *out, const char *key, const struct compare_side *side) {
    if (side->run == 0) {
        text_addf(out, "\"%s\": null", key);
        return;
    }
    text_addf(out, "\"%s\": {\"run\": %" PRId64 ", ", key, side->run);
    add_number(out, "value", side->value);
    text_add(out, ", ");
    add_number(out, "low", side->low);
    text_add(out, ", ");
    add_number(out, "high", side->high);
    text_add(out, ", ");
    add_string(out, "limit", side->text);
    text_addf(out, ", \"repeats\": %d}", side->repeats);
}

static void add_json_cell(struct text *out, const struct compare_cell *cell) {
    static const char *const statuses[] = {
        [COMPARE_DONE] = "compared", [COMPARE_MISSING] = "missing", [COMPARE_REFUSED] = "refused"};
    text_add(out, "{");
    add_string(out, "scenario", cell->scenario);
    text_add(out, ", ");
    add_string(out, "figure", cell->title);
    text_add(out, ", ");
    add_string(out, "unit", cell->unit);
    text_add(out, ", ");
    add_string(out, "status", statuses[cell->status]);
    text_add(out, ", ");
    add_string(out, "why", cell->why);
    text_add(out, ", ");
    add_side(out, "predicted", &cell->predicted);
    text_add(out, ", ");
    add_side(out, "measured", &cell->measured);
    text_add(out, ", ");
    add_number(out, "error", cell->error);
    text_add(out, ", ");
    add_side(out, "moved", &cell->moved);
    text_add(out, ", ");
    add_number(out, "factor", cell->factor);
    text_add(out, ", ");
    add_number(out, "moved_error", cell->moved_error);
    text_addf(out, ", \"moved_inside\": %s", word(cell->moved.run != 0, cell->is_moved_inside));
    text_addf(out, ", \"inside\": %s, \"same_limit\": %s}",
              word(cell->has_interval, cell->is_inside), word(cell->has_text, cell->same_text));
}

static void add_json_summary(struct text *out, const struct compare_summary *summary) {
    text_add(out, "{");
    add_string(out, "figure", summary->title);
    text_addf(out, ", \"compared\": %d, \"missing\": %d, \"refused\": %d, ",
              summary->compared_count, summary->missing_count, summary->refused_count);
    add_number(out, "median_absolute_error", summary->median_error);
    text_add(out, ", ");
    add_number(out, "worst_absolute_error", summary->worst_error);
    text_add(out, ", ");
    add_string(out, "worst_scenario", summary->worst_scenario);
    text_add(out, ", ");
    add_number(out, "median_absolute_moved_error", summary->median_moved_error);
    text_add(out, ", ");
    add_number(out, "worst_absolute_moved_error", summary->worst_moved_error);
    text_addf(out, ", \"moved\": %d, \"moved_inside\": %d", summary->moved_count,
              summary->moved_inside_count);
    text_addf(out,
              ", \"with_interval\": %d, \"inside\": %d, \"with_limit\": %d, \"same_limit\": %d}",
              summary->intervals_count, summary->inside_count, summary->texts_count,
              summary->same_text_count);
}

static void write_json(const struct comparison *comparison, struct text *out) {
    text_addf(out, "{\"schema_version\": %d,\n \"cells\": [", COMPARE_SCHEMA_VERSION);
    for (int32_t i = 0; i < comparison->cells_count; i++) {
        text_add(out, i > 0 ? ",\n  " : "\n  ");
        add_json_cell(out, &comparison->cells[i]);
    }
    text_add(out, "],\n \"summary\": [");
    for (int32_t i = 0; i < comparison->summaries_count; i++) {
        text_add(out, i > 0 ? ",\n  " : "\n  ");
        add_json_summary(out, &comparison->summaries[i]);
    }
    text_add(out, "]}\n");
}

void compare_write(const struct comparison *comparison, enum compare_format format,
                   struct text *out) {
    switch (format) {
    case COMPARE_TEXT:
    case COMPARE_MARKDOWN:
        write_table(comparison, format == COMPARE_MARKDOWN, out);
        break;
    case COMPARE_JSON:
        write_json(comparison, out);
        break;
    }
}

static const char *value_text(struct table *table, bool is_there, double value, const char *text) {
    if (!is_there)
        return "missing";
    return isnan(value) && *text ? text : table_number(table, value);
}

static void write_runs_table(const struct run_comparison *comparison, bool is_markdown,
                             struct text *out) {
    struct table table;
    char a[24], b[24];
    snprintf(a, sizeof a, "run %" PRId64, comparison->a.id);
    snprintf(b, sizeof b, "run %" PRId64, comparison->b.id);
    const char *const titles[] = {"metric", a, b, "difference", "unit"};
    table_init(&table, titles, COUNT_OF(titles), comparison->metrics_count);
    for (int32_t i = 0; i < comparison->metrics_count; i++) {
        const struct compare_metric *metric = &comparison->metrics[i];
        const char *cells[] = {metric->name,
                               value_text(&table, metric->has_a, metric->a, metric->a_text),
                               value_text(&table, metric->has_b, metric->b, metric->b_text),
                               table_percent(&table, metric->ratio), metric->unit};
        table_add(&table, cells);
    }
    table_write(&table, is_markdown, out);
    table_fini(&table);
}

static void add_json_run(struct text *out, const char *key, const struct store_run *run) {
    char hash[17];
    fingerprint_format(run->fingerprint, hash);
    text_addf(out, "\"%s\": {\"run\": %" PRId64 ", \"source\": \"%s\", ", key, run->id,
              store_kind_name(run->kind));
    add_string(out, "command", run->command);
    text_add(out, ", ");
    add_string(out, "scenario", run->scenario_name);
    text_addf(out, ", \"seed\": %" PRIu64 ", \"fingerprint\": \"%s\"}", run->seed, hash);
}

static void write_runs_json(const struct run_comparison *comparison, struct text *out) {
    text_addf(out, "{\"schema_version\": %d,\n ", COMPARE_SCHEMA_VERSION);
    add_json_run(out, "a", &comparison->a);
    text_add(out, ",\n ");
    add_json_run(out, "b", &comparison->b);
    text_add(out, ",\n \"metrics\": [");
    for (int32_t i = 0; i < comparison->metrics_count; i++) {
        const struct compare_metric *metric = &comparison->metrics[i];
        text_add(out, i > 0 ? ",\n  {" : "\n  {");
        add_string(out, "name", metric->name);
        text_add(out, ", ");
        add_string(out, "unit", metric->unit);
        text_addf(out, ", \"in_a\": %s, \"in_b\": %s, ", word(true, metric->has_a),
                  word(true, metric->has_b));
        add_number(out, "a", metric->a);
        text_add(out, ", ");
        add_number(out, "b", metric->b);
        text_add(out, ", ");
        add_string(out, "a_text", metric->a_text);
        text_add(out, ", ");
        add_string(out, "b_text", metric->b_text);
        text_add(out, ", ");
        add_number(out, "difference", metric->ratio);
        text_add(out, "}");
    }
    text_add(out, "]}\n");
}

void compare_runs_write(const struct run_comparison *comparison, enum compare_format format,
                        struct text *out) {
    switch (format) {
    case COMPARE_TEXT:
    case COMPARE_MARKDOWN:
        write_runs_table(comparison, format == COMPARE_MARKDOWN, out);
        break;
    case COMPARE_JSON:
        write_runs_json(comparison, out);
        break;
    }
}
