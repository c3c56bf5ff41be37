/* The report's parts in their order, a link to each, and beside every chart its table. */
#include "cli/page.h"

#include "cli/files.h"
#include "cli/print.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASSETS "../share/headroom/page.html" /* from the folder of this program */

char *page_read(void) {
    struct arena arena;
    arena_init(&arena);
    const char *path = files_beside_program(ASSETS, &arena);
    size_t length;
    char *page = files_read(path, &length);
    if (page == NULL)
        fprintf(
            stderr,
            "headroom: %s: %s\n"
            "headroom: it holds what draws the charts, and is built where npm is: apt-get install "
            "nodejs npm, then build again (target `page`)\n",
            path, strerror(errno));
    arena_fini(&arena);
    return page;
}

/* --- escapes --- */

/* '<' only stands in JSON's strings, where an escape means the same. So no "</script" is left, and
 * no "<!--" either, which would hide one. */
void page_add_json(struct text *out, const char *json_text) {
    for (const char *at = json_text; *at; at++)
        if (*at == '<')
            text_add(out, "\\u003c");
        else
            text_add_n(out, at, 1);
}

/* --- tables --- */

static void add_value(struct text *out, const struct report_column *column,
                      const struct report_value *value) {
    text_add(out, column->is_number ? "<td class=\"number\">" : "<td>");
    if (value->text)
        text_add_escaped(out, value->text);
    else if (!isnan(value->number))
        text_add_escaped(out, print_number(value->number));
    text_add(out, "</td>");
}

static void add_head(struct text *out, const struct report_table *table) {
    text_add(out, "<thead><tr>");
    for (int32_t i = 0; i < table->columns_count; i++) {
        const struct report_column *column = &table->columns[i];
        if (column->is_hidden)
            continue;
        text_add(out,
                 column->is_number ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">");
        text_add_escaped(out, column->title);
        if (*column->unit) {
            text_add(out, "<small>");
            text_add_escaped(out, column->unit);
            text_add(out, "</small>");
        }
        text_add(out, "</th>");
    }
    text_add(out, "</tr></thead>\n");
}

static void add_table(struct text *out, const struct report_part *part) {
    const struct report_table *table = &part->table;
    /* It scrolls, so the keyboard must be able to reach it. */
    text_add(out, "<div class=\"numbers\" tabindex=\"0\" role=\"region\" aria-label=\"");
    text_add_escaped(out, part->title);
    text_add(out, ", the numbers\"><table>");
    add_head(out, table);
    text_add(out, "<tbody>");
    for (int32_t row = 0; row < table->rows_count; row++) {
        text_add(out, "<tr>");
        for (int32_t i = 0; i < table->columns_count; i++)
            if (!table->columns[i].is_hidden)
                add_value(out, &table->columns[i], &table->values[row * table->columns_count + i]);
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>");
}

/* --- parts --- */

static void add_paragraph(struct text *out, const char *class, const char *words) {
    if (!*words)
        return;
    text_addf(out, "<p%s>", class);
    text_add_escaped(out, words);
    text_add(out, "</p>\n");
}

static void add_chart(struct text *out, const struct report_part *part) {
    struct text json;
    text_init(&json);
    report_write_chart(part, &json);
    text_addf(out, "<div class=\"chart\" data-chart=\"chart-%s\" aria-label=\"", part->id);
    text_add_escaped(out, part->title);
    text_addf(out, "\"></div>\n<script type=\"application/json\" id=\"chart-%s\">", part->id);
    page_add_json(out, text_bytes(&json));
    text_add(out, "</script>\n");
    text_fini(&json);
}

static void add_part(struct text *out, const struct report_part *part) {
    text_addf(out, "<section id=\"%s\">\n<h2>", part->id);
    text_add_escaped(out, part->title);
    text_add(out, "</h2>\n");
    add_paragraph(out, "", part->says);
    text_add(out, part->chart ? "<div class=\"pair beside\">\n" : "<div class=\"pair\">\n");
    if (part->chart) {
        text_add(out, "<div>\n");
        add_chart(out, part);
        text_add(out, "</div>\n");
    }
    add_table(out, part);
    text_add(out, "</div>\n");
    add_paragraph(out, " class=\"note\"", part->note);
    if (*part->command) {
        text_add(out, "<details class=\"again\"><summary>Make it again</summary><pre><code>");
        text_add_escaped(out, part->command);
        text_add(out, "</code></pre></details>\n");
    }
    text_add(out, "</section>\n");
}

/* What there is nothing for, together and last, with what would fill it. */
static void add_missing(struct text *out, const struct report *report) {
    int32_t count = 0;
    for (int32_t i = 0; i < report->parts_count; i++) {
        const struct report_part *part = &report->parts[i];
        if (part->missing == NULL)
            continue;
        if (count++ == 0)
            text_add(
                out,
                "<section id=\"missing\" class=\"missing\">\n<h2>Not in this file</h2>\n<dl>\n");
        text_add(out, "<dt>");
        text_add_escaped(out, part->title);
        text_add(out, "</dt><dd>");
        text_add_escaped(out, part->missing);
        text_add(out, "</dd>\n");
    }
    if (count > 0)
        text_add(out, "</dl></section>\n");
}

static void add_links(struct text *out, const struct report *report) {
    text_add(out, "<nav aria-label=\"Parts\"><ul>");
    for (int32_t i = 0; i < report->parts_count; i++) {
        if (report->parts[i].missing)
            continue;
        text_addf(out, "<li><a href=\"#%s\">", report->parts[i].id);
        text_add_escaped(out, report->parts[i].title);
        text_add(out, "</a></li>");
    }
    text_add(out, "</ul></nav>\n");
}

static void add_headline(struct text *out, const struct report *report) {
    static const char *const classes[] = {[REPORT_GOOD] = "good",
                                          [REPORT_BAD] = "bad",
                                          [REPORT_UNSURE] = "unsure",
                                          [REPORT_UNASKED] = "unasked"};
    text_add(out, "<header><h1>");
    text_add_escaped(out, report->scenario);
    text_add(out, "</h1>\n");
    add_paragraph(out, " class=\"about\"", report->about);
    text_addf(out, "<div class=\"verdict %s\"><strong>", classes[report->answer]);
    text_add_escaped(out, report->verdict);
    text_add(out, "</strong>\n");
    add_paragraph(out, "", report->sentence);
    text_add(out, "</div>\n");
    add_paragraph(out, " class=\"facts\"", report->facts);
    text_add(out, "</header>\n");
}

static void add_body(struct text *out, const struct report *report) {
    add_headline(out, report);
    add_links(out, report);
    text_add(out, "<main>\n");
    for (int32_t i = 0; i < report->parts_count; i++)
        if (report->parts[i].missing == NULL)
            add_part(out, &report->parts[i]);
    add_missing(out, report);
    text_add(out, "</main>\n");
}

bool page_write(const struct report *report, const char *page, struct text *out) {
    const char *title = strstr(page, PAGE_TITLE), *body = strstr(page, PAGE_BODY);
    if (title == NULL || body == NULL || body < title || strstr(title + 1, PAGE_TITLE) != NULL ||
        strstr(body + 1, PAGE_BODY) != NULL)
        return false;
    text_add_n(out, page, (size_t)(title - page));
    text_add_escaped(out, report->scenario);
    text_add(out, ": headroom report");
    const char *after = title + strlen(PAGE_TITLE);
    text_add_n(out, after, (size_t)(body - after));
    add_body(out, report);
    text_add(out, body + strlen(PAGE_BODY));
    return true;
}
