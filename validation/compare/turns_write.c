/* Three tables, what a turn is, what the worlds are compared by, and where in the sizes of turns;
 * then one line with the first difference. */
#include "validation/compare/turns.h"

#include "validation/compare/table.h"

#include <inttypes.h>
#include <math.h>

static const char *const kinds[] = {
    [TURNS_GIVEN] = "given", [TURNS_COST] = "cost", [TURNS_RESULT] = "result"};
static const char *const worlds[] = {
    [TURNS_SIMULATED] = "simulated", [TURNS_MEASURED] = "measured"};

/* --- text --- */

static const char *ratio_text(struct table *table, const struct turns_row *row) {
    if (isnan(row->ratio))
        return "-";
    return isfinite(row->ratio_error)
               ? table_text(table, "%.3f +- %.3f", row->ratio, row->ratio_error)
               : table_text(table, "%.3f, too few", row->ratio);
}

static const char *unit_text(struct table *table, const char *name, const char *unit) {
    return *unit ? table_text(table, "%s, %s", name, unit) : name;
}

/* start_ns is a place, not an amount: it has no spread worth a line. */
static void write_columns(const struct turns_comparison *comparison, struct text *out) {
    static const char *const titles[] = {"of a turn", "simulated", "p10", "p50", "p90",
                                         "measured",  "p10",       "p50", "p90"};
    struct table table;
    table_init(&table, titles, COUNT_OF(titles), TURN_COLUMNS);
    for (int column = TURN_start_ns + 1; column < TURN_COLUMNS; column++) {
        const char *cells[COUNT_OF(titles)];
        int32_t cell = 0;
        cells[cell++] = turn_column_name((enum turn_column)column);
        for (int world = 0; world < TURNS_WORLDS; world++) {
            const struct turns_spread *spread = &comparison->spread[column][world];
            cells[cell++] = table_number(&table, spread->mean);
            cells[cell++] = table_number(&table, spread->p10);
            cells[cell++] = table_number(&table, spread->p50);
            cells[cell++] = table_number(&table, spread->p90);
        }
        table_add(&table, cells);
    }
    table_write(&table, false, out);
    table_fini(&table);
}

static void write_figures(const struct turns_comparison *comparison, struct text *out) {
    static const char *const titles[] = {
        "", "figure", "simulated", "measured", "measured / simulated", ""};
    struct table table;
    table_init(&table, titles, COUNT_OF(titles), TURNS_FIGURES);
    for (int i = 0; i < TURNS_FIGURES; i++) {
        enum turns_figure figure = (enum turns_figure)i;
        const struct turns_row *row = &comparison->rows[i];
        const char *cells[] = {
            kinds[turns_figure_kind(figure)],
            unit_text(&table, turns_figure_name(figure), turns_figure_unit(figure)),
            table_number(&table, row->world[TURNS_SIMULATED].value),
            table_number(&table, row->world[TURNS_MEASURED].value),
            ratio_text(&table, row),
            row->parts ? "parts" : ""};
        table_add(&table, cells);
    }
    table_write(&table, false, out);
    table_fini(&table);
}

static const char *size_text(struct table *table, const struct turns_size *size) {
    return size->low == size->high
               ? table_text(table, "%" PRId64, size->low)
               : table_text(table, "%" PRId64 " to %" PRId64, size->low, size->high);
}

static const char *pair_text(struct table *table, const double *pair, double unit) {
    return table_text(table, "%s / %s", table_number(table, unit * pair[TURNS_SIMULATED]),
                      table_number(table, unit * pair[TURNS_MEASURED]));
}

static void write_sizes(const struct turns_comparison *comparison, struct text *out) {
    static const char *const titles[] = {"sockets touched", "turns, %",     "frames/write",
                                         "bytes/write",     "ns/write",     "ns/read",
                                         "same reading",    "same writing", "excess, %"};
    struct table table;
    table_init(&table, titles, COUNT_OF(titles), TURNS_SIZES);
    for (int32_t i = 0; i < comparison->sizes_count; i++) {
        const struct turns_size *size = &comparison->sizes[i];
        const char *cells[] = {
            size_text(&table, size),
            pair_text(&table, size->share, 100),
            pair_text(&table, size->frames_per_write, 1),
            pair_text(&table, size->bytes_per_write, 1),
            pair_text(&table, size->ns_per_write, 1),
            pair_text(&table, size->ns_per_read, 1),
            ratio_text(&table, &size->cost[TURNS_reading]),
            ratio_text(&table, &size->cost[TURNS_writing]),
            pair_text(&table,
                      (const double[]){size->excess[TURNS_reading], size->excess[TURNS_writing]},
                      100)};
        table_add(&table, cells);
    }
    table_write(&table, false, out);
    table_fini(&table);
}

static const struct turns_row *first_row(const struct turns_comparison *comparison) {
    return comparison->first_size < 0
               ? &comparison->rows[comparison->first]
               : &comparison->sizes[comparison->first_size].cost[comparison->first];
}

static void write_parting(const struct turns_comparison *comparison, struct text *out) {
    const struct turns_row *row = first_row(comparison);
    text_addf(out, "they part first at %s (%s", turns_figure_name(comparison->first),
              turns_figure_doc(comparison->first));
    if (comparison->first_size >= 0) {
        const struct turns_size *size = &comparison->sizes[comparison->first_size];
        text_addf(out, ") in turns that touch %" PRId64 " to %" PRId64 " sockets", size->low,
                  size->high);
    } else {
        text_add(out, ")");
    }
    if (isfinite(row->ratio))
        text_addf(out, ": measured is %.3f +- %.3f of simulated\n", row->ratio, row->ratio_error);
    else
        text_addf(out, ": measured %.3g, simulated %.3g\n", row->world[TURNS_MEASURED].value,
                  row->world[TURNS_SIMULATED].value);
}

static void write_most(const struct turns_comparison *comparison, struct text *out) {
    if (comparison->most_size < 0)
        return;
    const struct turns_size *size = &comparison->sizes[comparison->most_size];
    text_addf(out,
              "what matters most: %s in turns that touch %" PRId64 " to %" PRId64
              " sockets, %+.1f %% of the measured time\n",
              turns_figure_name(comparison->most), size->low, size->high,
              100 * size->excess[comparison->most]);
}

static void write_verdict(const struct turns_comparison *comparison, struct text *out) {
    switch (comparison->verdict) {
    case TURNS_AGREE:
        text_addf(out, "they part nowhere by more than %.0f %% and %.0f standard errors\n",
                  100 * TURNS_PART_SHARE, TURNS_PART_ERRORS);
        break;
    case TURNS_PART:
        write_parting(comparison, out);
        write_most(comparison, out);
        break;
    case TURNS_CANNOT_TELL:
        text_addf(out,
                  "cannot tell: too few turns, or too restless, to see a difference of %.0f %%\n",
                  100 * TURNS_PART_SHARE);
        break;
    }
}

void turns_write_text(const struct turns_comparison *comparison, struct text *out) {
    for (int world = 0; world < TURNS_WORLDS; world++) {
        text_addf(out, "%" PRId64 " turns %s", comparison->turns[world], worlds[world]);
        if (comparison->lost[world] > 0)
            text_addf(out, " (%" PRId64 " older ones overwritten)", comparison->lost[world]);
        text_add(out, world + 1 < TURNS_WORLDS ? ", " : "\n\n");
    }
    write_columns(comparison, out);
    text_add(out, "\n");
    write_figures(comparison, out);
    text_add(out, "\nsimulated / measured, by size of turn; `same`: the time of measured turns "
                  "against the price of the same work simulated;\n`excess`: what reading / writing "
                  "takes more, of all measured time\n");
    write_sizes(comparison, out);
    text_add(out, "\n");
    write_verdict(comparison, out);
}

/* --- JSON --- */

static void add_number(struct text *out, const char *key, double value) {
    if (isfinite(value))
        text_addf(out, "\"%s\": %.17g", key, value);
    else
        text_addf(out, "\"%s\": null", key);
}

static void add_row(const struct turns_row *row, struct text *out) {
    add_number(out, "simulated", row->world[TURNS_SIMULATED].value);
    text_add(out, ", ");
    add_number(out, "measured", row->world[TURNS_MEASURED].value);
    text_add(out, ", ");
    add_number(out, "ratio", row->ratio);
    text_add(out, ", ");
    add_number(out, "ratio_error", row->ratio_error);
    text_addf(out, ", \"parts\": %s", row->parts ? "true" : "false");
}

static void add_spread(const struct turns_spread *spread, const char *key, struct text *out) {
    text_addf(out, "\"%s\": {", key);
    add_number(out, "mean", spread->mean);
    text_add(out, ", ");
    add_number(out, "p10", spread->p10);
    text_add(out, ", ");
    add_number(out, "p50", spread->p50);
    text_add(out, ", ");
    add_number(out, "p90", spread->p90);
    text_add(out, "}");
}

static void add_columns(const struct turns_comparison *comparison, struct text *out) {
    text_add(out, " \"columns\": [");
    for (int column = TURN_start_ns + 1; column < TURN_COLUMNS; column++) {
        text_addf(out, "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", ",
                  column > TURN_start_ns + 1 ? "," : "", turn_column_name((enum turn_column)column),
                  turn_column_unit((enum turn_column)column));
        add_spread(&comparison->spread[column][TURNS_SIMULATED], "simulated", out);
        text_add(out, ", ");
        add_spread(&comparison->spread[column][TURNS_MEASURED], "measured", out);
        text_add(out, "}");
    }
    text_add(out, "],\n");
}

static void add_figures(const struct turns_comparison *comparison, struct text *out) {
    text_add(out, " \"figures\": [");
    for (int figure = 0; figure < TURNS_FIGURES; figure++) {
        text_addf(out, "%s\n  {\"name\": \"%s\", \"kind\": \"%s\", ", figure > 0 ? "," : "",
                  turns_figure_name((enum turns_figure)figure),
                  kinds[turns_figure_kind((enum turns_figure)figure)]);
        add_row(&comparison->rows[figure], out);
        text_add(out, "}");
    }
    text_add(out, "],\n");
}

static void add_pair(struct text *out, const char *key, const double *pair) {
    text_addf(out, "\"%s\": {", key);
    add_number(out, "simulated", pair[TURNS_SIMULATED]);
    text_add(out, ", ");
    add_number(out, "measured", pair[TURNS_MEASURED]);
    text_add(out, "}, ");
}

static void add_size(const struct turns_size *size, struct text *out) {
    text_addf(out, "{\"low\": %" PRId64 ", \"high\": %" PRId64 ", ", size->low, size->high);
    add_pair(out, "share", size->share);
    add_pair(out, "frames_per_write", size->frames_per_write);
    add_pair(out, "bytes_per_write", size->bytes_per_write);
    add_pair(out, "ns_per_write", size->ns_per_write);
    add_pair(out, "ns_per_read", size->ns_per_read);
    text_add(out, "\"cost\": [");
    bool is_first = true;
    for (int figure = 0; figure < TURNS_FIGURES; figure++) {
        if (turns_figure_kind((enum turns_figure)figure) != TURNS_COST)
            continue;
        text_addf(out, "%s{\"name\": \"%s\", ", is_first ? "" : ", ",
                  turns_figure_name((enum turns_figure)figure));
        add_number(out, "excess", size->excess[figure]);
        text_add(out, ", ");
        add_row(&size->cost[figure], out);
        text_add(out, "}");
        is_first = false;
    }
    text_add(out, "]}");
}

static void add_first(const struct turns_comparison *comparison, struct text *out) {
    if (comparison->verdict != TURNS_PART) {
        text_add(out, "null");
        return;
    }
    text_addf(out, "{\"name\": \"%s\", \"kind\": \"%s\", ", turns_figure_name(comparison->first),
              kinds[turns_figure_kind(comparison->first)]);
    if (comparison->first_size >= 0)
        text_addf(out, "\"low\": %" PRId64 ", \"high\": %" PRId64 ", ",
                  comparison->sizes[comparison->first_size].low,
                  comparison->sizes[comparison->first_size].high);
    add_row(first_row(comparison), out);
    text_add(out, "}");
}

void turns_write_json(const struct turns_comparison *comparison, struct text *out) {
    text_addf(out,
              "{\"schema_version\": %d, \"verdict\": \"%s\",\n \"first\": ", TURNS_SCHEMA_VERSION,
              turns_verdict_name(comparison->verdict));
    add_first(comparison, out);
    text_addf(out,
              ",\n \"turns\": {\"simulated\": %" PRId64 ", \"measured\": %" PRId64
              "},\n \"overwritten\": {\"simulated\": %" PRId64 ", \"measured\": %" PRId64 "},\n",
              comparison->turns[TURNS_SIMULATED], comparison->turns[TURNS_MEASURED],
              comparison->lost[TURNS_SIMULATED], comparison->lost[TURNS_MEASURED]);
    add_columns(comparison, out);
    add_figures(comparison, out);
    text_add(out, " \"sizes\": [");
    for (int32_t i = 0; i < comparison->sizes_count; i++) {
        text_add(out, i > 0 ? ",\n  " : "\n  ");
        add_size(&comparison->sizes[i], out);
    }
    text_add(out, "]}\n");
}
