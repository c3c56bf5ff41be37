/* `headroom published`: the table of published cases, as text, JSON or a page. */
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/published.h"
#include "sim/base/text.h"

#include <math.h>
#include <stdio.h>

/* --- what is printed of a series: the gated row and the shown row that are furthest off --- */

static int32_t series_count(const struct published_case *of, int32_t row) {
    int32_t count = 0;
    for (int32_t i = 0; i < of->rows_count; i++)
        count += of->rows[i].series == of->rows[row].series &&
                 published_is_gated(&of->rows[i]) == published_is_gated(&of->rows[row]);
    return count;
}

static bool is_printed(const struct published_case *of, int32_t row) {
    const struct published_row *it = &of->rows[row];
    if (it->series == NULL)
        return true;
    for (int32_t i = 0; i < of->rows_count; i++) {
        const struct published_row *other = &of->rows[i];
        if (other->series != it->series || published_is_gated(other) != published_is_gated(it))
            continue;
        double mine = fabs(published_error(it)), others = fabs(published_error(other));
        if (others > mine || (others == mine && i < row))
            return false;
    }
    return true;
}

static const char *verdict(const struct published_row *row) {
    if (!published_is_gated(row))
        return "shown";
    return published_holds(row) ? "holds" : "OFF";
}

static void add_error(struct text *out, const struct published_row *row) {
    if (isnan(row->published))
        text_addf(out, "-");
    else
        text_addf(out, "%+.1f %%", 100 * published_error(row));
}

static void add_figures(struct text *out, const struct published_case *of, int32_t row,
                        const char *between) {
    const struct published_row *it = &of->rows[row];
    text_addf(out, "%s", it->what);
    if (it->series != NULL)
        text_addf(out, " (furthest off of %d)", (int)series_count(of, row));
    text_addf(out, "%s%s%s%s%s%s%s", between, print_number(it->published), between,
              print_number(it->said), between, it->unit, between);
    add_error(out, it);
    text_addf(out, "%s%s", between, verdict(it));
}

/* --- text --- */

static void write_text(const struct published_table *table, struct text *out) {
    for (int32_t c = 0; c < table->cases_count; c++) {
        const struct published_case *of = &table->cases[c];
        text_addf(out, "%s: %s\n  %s\n", of->name, of->about, of->source);
        for (int32_t i = 0; i < of->rows_count; i++) {
            const struct published_row *row = &of->rows[i];
            if (!is_printed(of, i))
                continue;
            struct text what;
            text_init(&what);
            text_addf(&what, "%s", row->what);
            if (row->series != NULL)
                text_addf(&what, " (furthest off of %d)", (int)series_count(of, i));
            struct text error;
            text_init(&error);
            add_error(&error, row);
            text_addf(out, "  %-76s %14s %14s %-12s %9s  %s\n", text_bytes(&what),
                      print_number(row->published), print_number(row->said), row->unit,
                      text_bytes(&error), verdict(row));
            text_fini(&error);
            text_fini(&what);
        }
    }
}

/* --- a page --- */

static void write_markdown(const struct published_table *table, struct text *out) {
    text_addf(out, "# Published cases\n\n"
                   "Written by `headroom published --markdown docs/published.md`; a test compares "
                   "it with what the program says.\n"
                   "The figures and their sources are data, in scenarios/published; what is gated, "
                   "and why the rest is not, is in docs/models/published.md.\n");
    for (int32_t c = 0; c < table->cases_count; c++) {
        const struct published_case *of = &table->cases[c];
        text_addf(out, "\n## %s\n\n%s\n\nSource: %s\n\n", of->name, of->about, of->source);
        text_addf(out, "| figure | published | Headroom | unit | error | |\n"
                       "|---|---:|---:|---|---:|---|\n");
        for (int32_t i = 0; i < of->rows_count; i++) {
            if (!is_printed(of, i))
                continue;
            text_addf(out, "| ");
            add_figures(out, of, i, " | ");
            text_addf(out, " |\n");
        }
    }
}

static int write_page(const struct published_table *table, const char *path) {
    struct text text;
    text_init(&text);
    write_markdown(table, &text);
    bool is_written = files_write(path, text_bytes(&text));
    text_fini(&text);
    return is_written ? EXIT_HOLDS : EXIT_IO;
}

/* --- JSON --- */

static cJSON *row_json(const struct published_row *row) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "what", row->what);
    cJSON_AddStringToObject(json, "unit", row->unit);
    print_add_number(json, "published", row->published);
    print_add_number(json, "headroom", row->said);
    print_add_number(json, "error", published_error(row));
    print_add_number(json, "within", row->within);
    cJSON_AddBoolToObject(json, "gated", published_is_gated(row));
    if (published_is_gated(row))
        cJSON_AddBoolToObject(json, "holds", published_holds(row));
    if (row->series != NULL)
        cJSON_AddStringToObject(json, "series", row->series);
    return json;
}

static cJSON *table_json(const struct published_table *table, bool holds) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddBoolToObject(json, "holds", holds);
    cJSON *cases = cJSON_AddArrayToObject(json, "cases");
    for (int32_t c = 0; c < table->cases_count; c++) {
        const struct published_case *of = &table->cases[c];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", of->name);
        cJSON_AddStringToObject(item, "source", of->source);
        cJSON_AddStringToObject(item, "about", of->about);
        cJSON *figures = cJSON_AddArrayToObject(item, "figures");
        for (int32_t i = 0; i < of->rows_count; i++)
            cJSON_AddItemToArray(figures, row_json(&of->rows[i]));
        cJSON_AddItemToArray(cases, item);
    }
    return json;
}

/* --- the command --- */

static bool all_hold(const struct published_table *table) {
    for (int32_t c = 0; c < table->cases_count; c++)
        for (int32_t i = 0; i < table->cases[c].rows_count; i++) {
            const struct published_row *row = &table->cases[c].rows[i];
            if (published_is_gated(row) && !published_holds(row))
                return false;
        }
    return true;
}

static int answer(const struct published_table *table, const struct options *options) {
    bool holds = all_hold(table);
    if (options->is_json) {
        print_json(table_json(table, holds));
    } else {
        struct text text;
        text_init(&text);
        write_text(table, &text);
        fputs(text_bytes(&text), stdout);
        text_fini(&text);
    }
    if (options->markdown && write_page(table, options->markdown) != EXIT_HOLDS)
        return EXIT_IO;
    return holds ? EXIT_HOLDS : EXIT_FAILS;
}

static int run(const struct options *options) {
    struct published_table table;
    const char *unknown;
    int code = EXIT_USAGE;
    if (published_run(&table, options->arguments, options->arguments_count, &unknown))
        code = answer(&table, options);
    else
        fprintf(stderr, "headroom published: \"%s\" is none of the published cases\n", unknown);
    published_fini(&table);
    return code;
}

const struct command command_published = {
    .name = "published",
    .arguments = "[CASE...]",
    .summary = "what others published, and what Headroom says of the same case",
    .doc = "The cases are figures with their sources (scenarios/published): each line has the "
           "published figure, Headroom's, the unit and\n"
           "the difference. Where the arithmetic of the source is solid the figure is gated, and "
           "the exit code is 99 when one is off;\n"
           "where its hardware is unknown it is only shown.\n\n"
           "  headroom published\n"
           "  headroom published hashrocket supabase --json",
    .takes = "kJ",
    .arguments_min = 0,
    .arguments_max = OPTIONS_ARGUMENTS_MAX,
    .run = run,
};
