/* Manual pages in man(7), which both groff and mandoc read. Of its macros only those are used that
 * both render alike. */
#include "cli/manual/manual.h"

#include "cli/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A backslash starts an escape; a hyphen that is typed is not the one that breaks a line. */
static void add_escaped(struct text *out, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (bytes[i] == '\\')
            text_add(out, "\\e");
        else if (bytes[i] == '-')
            text_add(out, "\\-");
        else
            text_add_n(out, &bytes[i], 1);
}

enum { LINE_BYTES_MAX = 78 };

/* How much of the words goes on a line: up to the last blank that fits, else all of the first word.
 */
static size_t fitting(const char *bytes, size_t length) {
    size_t fits = length, used = 0;
    for (size_t i = 0; i < length; i++) {
        used += bytes[i] == '-' || bytes[i] == '\\' ? 2 : 1;
        if (bytes[i] == ' ' && i > 0 && (used <= LINE_BYTES_MAX || fits == length))
            fits = i;
    }
    return used <= LINE_BYTES_MAX ? length : fits;
}

/* One line of the source: one that begins with a point or a quote would be a request. */
static void add_source(struct text *out, const char *bytes, size_t length) {
    if (length > 0 && (bytes[0] == '.' || bytes[0] == '\''))
        text_add(out, "\\&");
    add_escaped(out, bytes, length);
}

/* A line of text, on as many lines of the source as are asked for; `joint` goes between them. */
static void add_folded(struct text *out, const char *bytes, size_t length, const char *joint) {
    size_t fits;
    while ((fits = fitting(bytes, length)) < length) {
        add_source(out, bytes, fits);
        text_add(out, joint);
        bytes += fits + (*joint == '\n');
        length -= fits + (*joint == '\n');
    }
    add_source(out, bytes, length);
    text_add(out, "\n");
}

static void add_line(struct text *out, const char *line) {
    add_folded(out, line, strlen(line), "\n");
}

static void add_word(struct text *out, const char *word) {
    add_escaped(out, word, strlen(word));
}

static void add_heading(struct text *out, const char *name) {
    text_add(out, ".TH ");
    for (const char *at = name; *at; at++)
        if (*at == '-')
            text_add(out, "\\-");
        else
            text_addf(out, "%c", toupper((unsigned char)*at));
    text_add(out, " 1 \"" HEADROOM_DATE "\" \"headroom " HEADROOM_VERSION "\" \"Headroom\"\n");
}

static void add_name(struct text *out, const char *name, const char *summary) {
    text_add(out, ".SH NAME\n");
    add_word(out, name);
    text_add(out, " \\-\n");
    add_line(out, summary);
}

/* What stands between a line and the one before it. */
static const char *before_line(bool is_first, bool was_shown, bool is_shown, bool is_after_a_gap) {
    if (is_shown != was_shown)
        return is_first ? ".nf\n" : is_shown ? ".PP\n.nf\n" : ".fi\n.PP\n";
    if (is_first || !is_after_a_gap)
        return "";
    return is_shown ? "\n" : ".PP\n";
}

/* Paragraphs end at an empty line. Lines that begin with two blanks, examples and tables, keep
 * their shape. */
static void add_doc(struct text *out, const char *doc) {
    bool is_shown = false, is_after_a_gap = false;
    for (const char *at = doc; *at;) {
        size_t length = strcspn(at, "\n");
        bool is_example = strncmp(at, "  ", 2) == 0;
        if (length > 0) {
            text_add(out, before_line(at == doc, is_shown, is_example, is_after_a_gap));
            add_folded(out, at, length, is_example ? "\\\n" : "\n");
            is_shown = is_example;
        }
        is_after_a_gap = length == 0;
        at += length + (at[length] == '\n');
    }
    if (is_shown)
        text_add(out, ".fi\n");
}

static void add_value(struct text *out, const struct argp_option *option) {
    if (option->arg == NULL)
        return;
    bool is_optional = (option->flags & OPTION_ARG_OPTIONAL) != 0;
    text_add(out, is_optional ? "[=\\fI" : "=\\fI");
    add_word(out, option->arg);
    text_add(out, is_optional ? "\\fR]" : "\\fR");
}

static void add_option(struct text *out, const struct argp_option *option) {
    text_add(out, ".TP\n");
    if (isgraph(option->key))
        text_addf(out, "\\fB\\-%c\\fR, ", option->key);
    text_add(out, "\\fB\\-\\-");
    add_word(out, option->name);
    text_add(out, "\\fR");
    add_value(out, option);
    text_add(out, "\n");
    add_line(out, option->doc);
}

static void add_synopsis(struct text *out, const char *words, const char *arguments) {
    text_add(out, ".SH SYNOPSIS\n.B ");
    add_word(out, words);
    text_add(out, "\n.RI [ OPTION ...]\n");
    if (*arguments == '\0')
        return;
    text_add(out, ".I ");
    add_word(out, arguments);
    text_add(out, "\n");
}

void manual_write_roff(const struct manual *manual, struct text *out) {
    char name[64];
    manual_name(manual, name, sizeof name);
    add_heading(out, name);
    add_name(out, name, manual->summary);
    add_synopsis(out, manual->words, manual->arguments);
    text_add(out, ".SH DESCRIPTION\n");
    add_doc(out, manual->doc);
    text_add(out, ".SH OPTIONS\n");
    for (const struct argp_option *option = manual->options; option->name; option++)
        add_option(out, option);
    text_add(out, ".TP\n\\fB\\-\\-help\\fR\nall of this, shorter\n"
                  ".SH SEE ALSO\n.BR headroom (1)\n");
}

static void add_list(struct text *out, const struct manual *manuals, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        char name[64];
        manual_name(&manuals[i], name, sizeof name);
        text_add(out, ".TP\n.BR ");
        add_word(out, name);
        text_add(out, " (1)\n");
        add_line(out, manuals[i].summary);
    }
}

static void add_exit_codes(struct text *out) {
    text_add(out, ".SH EXIT STATUS\n");
    for (int32_t i = 0; i < exit_rows_count; i++) {
        text_addf(out, ".TP\n.B %d\n", exit_rows[i].code);
        add_line(out, exit_rows[i].meaning);
    }
}

void manual_write_roff_overview(struct text *out) {
    struct manual manuals[MANUALS_MAX];
    int32_t count = manual_all(manuals);
    add_heading(out, "headroom");
    add_name(out, "headroom",
             "how much a WebSocket service can carry, before the hardware is bought");
    text_add(out, ".SH SYNOPSIS\n.B headroom\n.I COMMAND\n.RI [ OPTION ...]\n.RI [ ARGUMENT ...]\n"
                  ".br\n.B headroom \\-\\-help\n.br\n.B headroom \\-\\-version\n"
                  ".SH DESCRIPTION\n");
    add_doc(out,
            "Headroom answers one question from one file, a scenario: how much can this service "
            "carry? A simulator answers it in seconds, from costs measured on the machine at hand; "
            "a real server under real load answers it by doing it; then the two are compared.\n\n"
            "Answers go to standard output, as text or with --json as JSON; narration goes to "
            "standard error.");
    text_add(out, ".SH COMMANDS\n");
    add_list(out, manuals, commands_count);
    if (count > commands_count) {
        text_add(out, ".SH PROGRAMS OF THE REAL PAIR\n");
        add_list(out, manuals + commands_count, count - commands_count);
    }
    add_exit_codes(out);
    text_add(out, ".SH FILES\n.TP\n.I headroom.db\n");
    add_doc(out, "where results are kept, in the folder at hand, unless --db names another file");
}
