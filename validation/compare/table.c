/* Two spaces between columns, each as wide as its widest cell, no blanks at the end of a line: a
 * table that survives being pasted into an issue. */
#include "validation/compare/table.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

void table_init(struct table *table, const char *const *titles, int32_t columns_count,
                int32_t rows_max) {
    CHECK(columns_count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.titles = titles, .columns_count = columns_count, .rows_max = rows_max};
    arena_init(&table->arena);
    table->cells = ARENA_NEW(&table->arena, (size_t)rows_max * (size_t)columns_count, const char *);
}

void table_fini(struct table *table) {
    arena_fini(&table->arena);
}

void table_add(struct table *table, const char *const *cells) {
    CHECK(table->rows_count < table->rows_max);
    memcpy(&table->cells[table->rows_count++ * table->columns_count], cells,
           (size_t)table->columns_count * sizeof *cells);
}

const char *table_text(struct table *table, const char *format, ...) {
    struct text text;
    va_list arguments;
    text_init(&text);
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    const char *copy = arena_new_text(&table->arena, text_bytes(&text));
    text_fini(&text);
    return copy;
}

const char *table_number(struct table *table, double value) {
    if (isnan(value))
        return "-";
    return table_text(table, fabs(value) >= 1000 ? "%.0f" : "%.3g", value);
}

const char *table_percent(struct table *table, double share) {
    if (isnan(share))
        return "";
    if (isinf(share))
        return share > 0 ? "+inf" : "-inf";
    return table_text(table, "%+.1f %%", 100 * share);
}

const char *table_interval(struct table *table, double value, double low, double high,
                           const char *text) {
    if (isnan(value))
        return *text ? text : "none";
    if (isnan(low) || isnan(high))
        return table_number(table, value);
    return table_text(table, "%s [%s, %s]", table_number(table, value), table_number(table, low),
                      table_number(table, high));
}

static void write_markdown_line(const char *const *cells, int32_t count, struct text *out) {
    for (int32_t i = 0; i < count; i++) {
        text_add(out, "| ");
        for (const char *at = cells[i]; *at; at++) {
            if (*at == '|')
                text_add(out, "\\");
            text_add_n(out, at, 1);
        }
        text_add(out, " ");
    }
    text_add(out, "|\n");
}

static void write_text_line(const char *const *cells, const size_t *widths, int32_t count,
                            struct text *out) {
    int32_t last = count - 1;
    while (last > 0 && !*cells[last])
        last--;
    for (int32_t i = 0; i <= last; i++)
        text_addf(out, "%s%-*s", i > 0 ? "  " : "", i < last ? (int)widths[i] : 0, cells[i]);
    text_add(out, "\n");
}

void table_write(const struct table *table, bool is_markdown, struct text *out) {
    size_t widths[TABLE_COLUMNS_MAX];
    int32_t columns = table->columns_count;
    for (int32_t i = 0; i < columns; i++) {
        widths[i] = strlen(table->titles[i]);
        for (int32_t row = 0; row < table->rows_count; row++)
            if (strlen(table->cells[row * columns + i]) > widths[i])
                widths[i] = strlen(table->cells[row * columns + i]);
    }
    if (is_markdown) {
        write_markdown_line(table->titles, columns, out);
        for (int32_t i = 0; i < columns; i++)
            text_add(out, "|---");
        text_add(out, "|\n");
    } else
        write_text_line(table->titles, widths, columns, out);
    for (int32_t row = 0; row < table->rows_count; row++) {
        const char *const *cells = &table->cells[row * columns];
        if (is_markdown)
            write_markdown_line(cells, columns, out);
        else
            write_text_line(cells, widths, columns, out);
    }
}
