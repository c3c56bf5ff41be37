/* One report, three faces. Misses have the same row as hits, and what is missing says why. */
#include "validation/compare/accuracy.h"

#include "validation/compare/table.h"

#include <math.h>

static const char *side_text(struct table *table, const struct accuracy_side *side) {
    return table_interval(table, side->value, side->low, side->high, side->text);
}

static const char *measured_text(struct table *table, const struct accuracy_side *side) {
    if (isnan(side->value))
        return *side->text ? side->text : "none";
    return table_text(table, "%s (%s..%s)", table_number(table, side->value),
                      table_number(table, side->low), table_number(table, side->high));
}

static const char *result_text(const struct accuracy_cell *cell, struct table *table) {
    const char *inside = !cell->has_interval ? "" : cell->is_moved_inside ? "inside" : "outside";
    if (cell->missing != NULL)
        return table_text(table, "missing: %s", cell->missing);
    if (!cell->has_text)
        return inside;
    const char *between = *inside ? "; " : "";
    if (cell->is_same_text)
        return table_text(table, "%s%s%s right", inside, between, cell->measured.text);
    return table_text(table, "%s%s%s, was %s", inside, between, cell->moved.text,
                      cell->measured.text);
}

static void add_cell(struct table *table, const struct accuracy_cell *cell) {
    bool is_there = cell->missing == NULL;
    const char *unit = accuracy_figure_unit(cell->figure);
    const char *cells[] = {
        cell->name,
        table_text(table, "%s%s%s", accuracy_figure_title(cell->figure), *unit ? ", " : "", unit),
        side_text(table, &cell->raw),
        is_there ? side_text(table, &cell->moved) : "",
        is_there ? table_text(table, "%.3f", cell->factor) : "",
        is_there ? measured_text(table, &cell->measured) : "",
        table_text(table, "%d", cell->repeats_count),
        table_percent(table, cell->raw_error),
        table_percent(table, cell->moved_error),
        result_text(cell, table)};
    table_add(table, cells);
}

static void write_cells(const struct accuracy_report *report, bool is_markdown, struct text *out) {
    static const char *const titles[] = {
        "case", "figure",    "predicted",   "moved", "factor", "measured (lowest..highest)",
        "n",    "raw error", "moved error", "result"};
    struct table table;
    table_init(&table, titles, COUNT_OF(titles), report->cells_count);
    for (int32_t i = 0; i < report->cells_count; i++)
        add_cell(&table, &report->cells[i]);
    table_write(&table, is_markdown, out);
    table_fini(&table);
}

/* --- summaries --- */

static const char *met(double value, double bar) {
    return value <= bar ? "met" : "not met";
}

static void write_bar(const char *what, double value, double bar, struct text *out) {
    if (!isnan(bar) && !isnan(value))
        text_addf(out, ", %s %.0f %%: %s", what, 100 * bar, met(value, bar));
}

static void write_summary(const struct accuracy_summary *sum, const char *title, bool has_class,
                          struct text *out) {
    text_addf(out, "%s: %d compared, %d missing", title, sum->compared_count, sum->missing_count);
    if (sum->errors_count > 0)
        text_addf(out,
                  "; median absolute error %.1f %% raw, %.1f %% moved; worst %.1f %% raw (%s), "
                  "%.1f %% moved (%s)",
                  100 * sum->raw_median, 100 * sum->moved_median, 100 * sum->raw_worst,
                  sum->raw_worst_name, 100 * sum->moved_worst, sum->moved_worst_name);
    if (has_class) {
        write_bar("bar of the median", sum->moved_median, accuracy_class_median_max(sum->class),
                  out);
        write_bar("bar of the worst", sum->moved_worst, accuracy_class_worst_max(sum->class), out);
    }
    if (sum->intervals_count > 0)
        text_addf(out, "; inside the interval %d of %d raw, %d of %d moved", sum->raw_inside_count,
                  sum->intervals_count, sum->moved_inside_count, sum->intervals_count);
    if (has_class && sum->texts_count > 0)
        text_addf(out, "; %s right in %d of %d",
                  sum->class == ACCURACY_CLASS_VERDICT ? "verdict" : "what broke first",
                  sum->same_text_count, sum->texts_count);
    text_add(out, "\n");
}

static void write_intervals(const struct accuracy_summary *all,
                            const struct accuracy_summary *active, const char *before,
                            struct text *out) {
    if (all->intervals_count > 0) {
        double share = (double)all->moved_inside_count / (double)all->intervals_count;
        text_addf(out, "%sinside the moved 95 %% interval: %.0f %%, bar %.0f %%: %s\n", before,
                  100 * share, 100 * ACCURACY_INSIDE_MIN, met(ACCURACY_INSIDE_MIN, share));
    }
    if (!isnan(active->half_width_median))
        text_addf(out, "%shalf-width of a ceiling's interval: median %.1f %%, bar %.0f %%: %s\n",
                  before, 100 * active->half_width_median, 100 * ACCURACY_HALF_WIDTH_MAX,
                  met(active->half_width_median, ACCURACY_HALF_WIDTH_MAX));
}

static void write_summaries(const struct accuracy_report *report, const char *before,
                            struct text *out) {
    for (int c = 0; c < ACCURACY_CLASSES; c++) {
        const struct accuracy_summary *sum = &report->classes[c];
        if (sum->compared_count + sum->missing_count == 0)
            continue;
        text_add(out, before);
        write_summary(sum, accuracy_class_title(sum->class), true, out);
    }
    text_add(out, before);
    write_summary(&report->all, "all figures", false, out);
    write_intervals(&report->all, &report->classes[ACCURACY_CLASS_ACTIVE], before, out);
}

static void write_markdown(const struct accuracy_report *report,
                           const struct accuracy_origin *origin, struct text *out) {
    text_addf(
        out,
        "# How right the predictions are\n\n"
        "Written by `headroom accuracy` on %s: %s, profile %s, on %s. Each figure was predicted "
        "before it was measured, up to %d time%s, interleaved with the others; medians are "
        "compared, with the lowest and the highest beside. *Moved* is the same prediction at the "
        "speed that the yardstick says the machine had during the measurements (factor: "
        "nanoseconds now over nanoseconds at calibration). Misses and missing figures are "
        "printed like hits.\n\n",
        origin->date, origin->code, origin->profile, origin->machine, report->repeats_most,
        report->repeats_most == 1 ? "" : "s");
    write_summaries(report, "- ", out);
    text_add(out, "\n");
    write_cells(report, true, out);
}

/* --- JSON --- */

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

static void add_side(struct text *out, const char *key, const struct accuracy_side *side) {
    text_addf(out, ", \"%s\": {", key);
    add_number(out, "value", side->value);
    text_add(out, ", ");
    add_number(out, "low", side->low);
    text_add(out, ", ");
    add_number(out, "high", side->high);
    text_add(out, ", ");
    add_string(out, "text", side->text);
    text_add(out, "}");
}

static const char *word(bool is_known, bool is_true) {
    return !is_known ? "null" : is_true ? "true" : "false";
}

static void add_json_cell(struct text *out, const struct accuracy_cell *cell) {
    text_add(out, "{");
    add_string(out, "case", cell->name);
    text_add(out, ", ");
    add_string(out, "figure", accuracy_figure_title(cell->figure));
    text_add(out, ", ");
    add_string(out, "unit", accuracy_figure_unit(cell->figure));
    add_side(out, "predicted", &cell->raw);
    add_side(out, "moved", &cell->moved);
    add_side(out, "measured", &cell->measured);
    text_addf(out, ", \"repeats\": %d, \"refused\": %d, ", cell->repeats_count,
              cell->refused_count);
    add_number(out, "factor", cell->factor);
    text_add(out, ", ");
    add_number(out, "raw_error", cell->raw_error);
    text_add(out, ", ");
    add_number(out, "moved_error", cell->moved_error);
    text_addf(out, ", \"inside\": %s, \"same_text\": %s, \"missing\": ",
              word(cell->has_interval, cell->is_moved_inside),
              word(cell->has_text, cell->is_same_text));
    if (cell->missing != NULL)
        text_add_json_string(out, cell->missing);
    else
        text_add(out, "null");
    text_add(out, "}");
}

static void add_json_summary(struct text *out, const char *title,
                             const struct accuracy_summary *sum) {
    text_add(out, "{");
    add_string(out, "class", title);
    text_addf(out, ", \"compared\": %d, \"missing\": %d, ", sum->compared_count,
              sum->missing_count);
    add_number(out, "raw_median", sum->raw_median);
    text_add(out, ", ");
    add_number(out, "raw_worst", sum->raw_worst);
    text_add(out, ", ");
    add_number(out, "moved_median", sum->moved_median);
    text_add(out, ", ");
    add_number(out, "moved_worst", sum->moved_worst);
    text_add(out, ", ");
    add_number(out, "half_width_median", sum->half_width_median);
    text_addf(out,
              ", \"with_interval\": %d, \"raw_inside\": %d, \"moved_inside\": %d, \"with_text\": "
              "%d, \"same_text\": %d}",
              sum->intervals_count, sum->raw_inside_count, sum->moved_inside_count,
              sum->texts_count, sum->same_text_count);
}

static void write_json(const struct accuracy_report *report, const struct accuracy_origin *origin,
                       struct text *out) {
    text_addf(out, "{\"schema_version\": %d, ", ACCURACY_SCHEMA_VERSION);
    add_string(out, "date", origin->date);
    text_add(out, ", ");
    add_string(out, "code", origin->code);
    text_add(out, ", ");
    add_string(out, "profile", origin->profile);
    text_add(out, ", ");
    add_number(out, "median_ratio", accuracy_median_ratio(report));
    text_add(out, ",\n \"cells\": [");
    for (int32_t i = 0; i < report->cells_count; i++) {
        text_add(out, i > 0 ? ",\n  " : "\n  ");
        add_json_cell(out, &report->cells[i]);
    }
    text_add(out, "],\n \"summary\": [");
    for (int c = 0; c < ACCURACY_CLASSES; c++) {
        const struct accuracy_summary *sum = &report->classes[c];
        if (sum->compared_count + sum->missing_count == 0)
            continue;
        text_add(out, "\n  ");
        add_json_summary(out, accuracy_class_title(sum->class), sum);
        text_add(out, ",");
    }
    text_add(out, "\n  ");
    add_json_summary(out, "all", &report->all);
    text_add(out, "]}\n");
}

void accuracy_write(const struct accuracy_report *report, const struct accuracy_origin *origin,
                    enum accuracy_format format, struct text *out) {
    switch (format) {
    case ACCURACY_TEXT:
        write_cells(report, false, out);
        text_add(out, "\n");
        write_summaries(report, "", out);
        break;
    case ACCURACY_MARKDOWN:
        write_markdown(report, origin, out);
        break;
    case ACCURACY_JSON:
        write_json(report, origin, out);
        break;
    }
}
