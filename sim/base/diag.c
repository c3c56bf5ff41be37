/* Diagnostics: kept as data in the order found, printed with the source line and a caret.
 *
 * Columns count bytes, as editors' jump-to-error does; the caret is placed by characters, as a
 * terminal shows them. */
#include "sim/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SHOWN_MAX = 160 };

void diag_init(struct diag *diag) {
    arena_init(&diag->arena);
    diag->items_count = diag->dropped_count = diag->errors_count = 0;
}

void diag_fini(struct diag *diag) {
    arena_fini(&diag->arena);
    diag_init(diag);
}

static void add(struct diag *diag, enum diag_severity severity, struct diag_place place,
                const char *format, va_list arguments) {
    diag->errors_count += severity == DIAG_ERROR;
    if (diag->items_count == DIAG_MAX) {
        diag->dropped_count++;
        return;
    }
    struct text message;
    text_init(&message);
    text_addv(&message, format, arguments);
    diag->items[diag->items_count++] =
        (struct diag_item){.severity = severity,
                           .place = place,
                           .message = arena_new_text(&diag->arena, text_bytes(&message))};
    text_fini(&message);
}

void diag_error(struct diag *diag, struct diag_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(diag, DIAG_ERROR, place, format, arguments);
    va_end(arguments);
}

void diag_warning(struct diag *diag, struct diag_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add(diag, DIAG_WARNING, place, format, arguments);
    va_end(arguments);
}

static void format_place(const struct diag_place *place, struct text *out) {
    if (!place->file)
        return;
    text_add(out, place->file);
    if (place->line > 0)
        text_addf(out, ":%d", place->line);
    if (place->line > 0 && place->column > 0)
        text_addf(out, ":%d", place->column);
    text_add(out, ": ");
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The part of a line that is shown: all of it, or a window around the column where a file has
 * everything on one line. */
struct window {
    size_t start, end; /* byte offsets; both between characters */
};

static struct window window_around(const char *line, size_t length, size_t column) {
    if (length <= LINE_SHOWN_MAX)
        return (struct window){0, length};
    size_t start = column > LINE_SHOWN_MAX / 2 ? column - LINE_SHOWN_MAX / 2 : 0;
    if (start > length - LINE_SHOWN_MAX)
        start = length - LINE_SHOWN_MAX;
    size_t end = start + LINE_SHOWN_MAX;
    while (start > 0 && is_continuation(line[start]))
        start--;
    while (end < length && is_continuation(line[end]))
        end++;
    return (struct window){start, end};
}

static void format_caret(const char *line, struct window window, size_t column, struct text *out) {
    text_add(out, "      | ");
    if (window.start > 0)
        text_add(out, "   ");
    for (size_t i = window.start; i < column && i < window.end; i++)
        if (!is_continuation(line[i]))
            text_add(out, line[i] == '\t' ? "\t" : " ");
    text_add(out, "^\n");
}

static void format_line(const struct diag_place *place, struct text *out) {
    if (!place->line_text || place->line == 0)
        return;
    size_t length = strcspn(place->line_text, "\r\n");
    size_t column = place->column > 0 ? (size_t)place->column - 1 : 0;
    struct window window = window_around(place->line_text, length, column);
    text_addf(out, "%5d | %s", place->line, window.start > 0 ? "..." : "");
    text_add_n(out, place->line_text + window.start, window.end - window.start);
    text_add(out, window.end < length ? "...\n" : "\n");
    if (place->column > 0)
        format_caret(place->line_text, window, column, out);
}

void diag_format(const struct diag *diag, struct text *out) {
    for (int32_t i = 0; i < diag->items_count; i++) {
        const struct diag_item *item = &diag->items[i];
        format_place(&item->place, out);
        if (item->severity == DIAG_WARNING)
            text_add(out, "warning: ");
        text_addf(out, "%s\n", item->message);
        format_line(&item->place, out);
    }
    if (diag->dropped_count > 0)
        text_addf(out, "%d more not shown\n", diag->dropped_count);
}
