/* A table grows by rows in its arena; columns are declared before the first row. */
#include "study/report.h"

#include "sim/base/check.h"

#include <math.h>
#include <string.h>

struct report_table report_table_of(struct arena *arena) {
    return (struct report_table){.arena = arena};
}

static void add_column(struct report_table *table, struct report_column column) {
    CHECK(table->columns_count < REPORT_COLUMNS_MAX && table->rows_count == 0);
    table->columns[table->columns_count++] = column;
}

void report_add_column(struct report_table *table, const char *field, const char *title,
                       const char *unit, bool is_number) {
    add_column(table, (struct report_column){.field = arena_new_text(table->arena, field),
                                             .title = arena_new_text(table->arena, title),
                                             .unit = arena_new_text(table->arena, unit),
                                             .is_number = is_number});
}

void report_add_hidden(struct report_table *table, const char *field, bool is_number) {
    add_column(table, (struct report_column){.field = arena_new_text(table->arena, field),
                                             .title = "",
                                             .unit = "",
                                             .is_number = is_number,
                                             .is_hidden = true});
}

static void grow(struct report_table *table) {
    size_t width = (size_t)table->columns_count;
    int32_t rows_max = table->rows_max == 0 ? 16 : 2 * table->rows_max;
    struct report_value *larger =
        ARENA_NEW(table->arena, (size_t)rows_max * width, struct report_value);
    if (table->rows_count > 0)
        memcpy(larger, table->values, (size_t)table->rows_count * width * sizeof *larger);
    table->values = larger;
    table->rows_max = rows_max;
}

void report_add_row(struct report_table *table, const struct report_value *values) {
    CHECK(table->columns_count > 0);
    if (table->rows_count == table->rows_max)
        grow(table);
    struct report_value *row =
        table->values + (size_t)table->rows_count * (size_t)table->columns_count;
    for (int32_t i = 0; i < table->columns_count; i++) {
        row[i] = values[i];
        if (row[i].text)
            row[i].text = arena_new_text(table->arena, row[i].text);
    }
    table->rows_count++;
}

struct report_value report_number(double number) {
    return (struct report_value){.number = number};
}

struct report_value report_words(const char *text) {
    return (struct report_value){.number = (double)NAN, .text = text ? text : ""};
}

static void write_value(const struct report_column *column, const struct report_value *value,
                        struct text *out) {
    if (!column->is_number)
        text_add_json_string(out, value->text ? value->text : "");
    else if (isfinite(value->number))
        text_addf(out, "%.12g", value->number);
    else
        text_add(out, "null");
}

void report_write_rows(const struct report_table *table, struct text *out) {
    text_add(out, "[");
    for (int32_t row = 0; row < table->rows_count; row++) {
        text_add(out, row > 0 ? ",\n{" : "{");
        for (int32_t i = 0; i < table->columns_count; i++) {
            text_add(out, i > 0 ? "," : "");
            text_add_json_string(out, table->columns[i].field);
            text_add(out, ":");
            write_value(&table->columns[i], &table->values[row * table->columns_count + i], out);
        }
        text_add(out, "}");
    }
    text_add(out, "]");
}

/* `chart` is an object: the members that every chart has go in front of its own. */
void report_write_chart(const struct report_part *part, struct text *out) {
    const char *inside = strchr(part->chart, '{');
    CHECK(inside != NULL);
    text_add(out, "{\"$schema\":\"https://vega.github.io/schema/vega-lite/v6.json\",\"autosize\":{"
                  "\"type\":\"fit-x\",\"contains\":\"padding\"},\"data\":{\"values\":");
    report_write_rows(&part->table, out);
    text_add(out, "},");
    text_add(out, inside + 1);
}
