/* docs/reference/commands.md: every command on one page. */
#include "cli/manual/manual.h"

#include "cli/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* In a table a bar would end the cell. */
static void add_cell(struct text *out, const char *words) {
    for (const char *at = words; *at; at++) {
        if (*at == '|')
            text_add(out, "\\");
        text_add_n(out, at, 1);
    }
}

/* Lines that begin with two blanks are a block of code. */
static void add_doc(struct text *out, const char *doc) {
    bool is_shown = false;
    while (*doc) {
        size_t length = strcspn(doc, "\n");
        bool is_example = strncmp(doc, "  ", 2) == 0;
        if (is_example && !is_shown)
            text_add(out, "```\n");
        else if (!is_example && is_shown)
            text_add(out, "```\n");
        is_shown = is_example;
        text_add_n(out, is_example ? doc + 2 : doc, is_example ? length - 2 : length);
        text_add(out, "\n");
        doc += length + (doc[length] == '\n');
    }
    text_add(out, is_shown ? "```\n" : "");
}

static void add_option(struct text *out, const struct argp_option *option) {
    bool is_optional = (option->flags & OPTION_ARG_OPTIONAL) != 0;
    text_add(out, "| `");
    if (isgraph(option->key))
        text_addf(out, "-%c`, `", option->key);
    text_addf(out, "--%s", option->name);
    if (option->arg) {
        text_add(out, is_optional ? "[=" : "=");
        add_cell(out, option->arg);
        text_add(out, is_optional ? "]" : "");
    }
    text_add(out, "` | ");
    add_cell(out, option->doc);
    text_add(out, " |\n");
}

static void add_manual(struct text *out, const struct manual *manual) {
    text_addf(out, "\n## %s\n\n%c%s.\n\n", manual->words,
              toupper((unsigned char)manual->summary[0]), manual->summary + 1);
    text_addf(out, "```\n%s [OPTION...]%s%s\n```\n\n", manual->words, *manual->arguments ? " " : "",
              manual->arguments);
    add_doc(out, manual->doc);
    text_add(out, "\n| option | what it does |\n|---|---|\n");
    for (const struct argp_option *option = manual->options; option->name; option++)
        add_option(out, option);
}

void manual_write_markdown(struct text *out) {
    struct manual manuals[MANUALS_MAX];
    int32_t count = manual_all(manuals);
    text_add(out, "# Commands\n\n"
                  "Written by `headroom-docs` from the table that --help, the manual pages and the "
                  "completion are made from; not to be edited.\n\n"
                  "| exit code | meaning |\n|---|---|\n");
    for (int32_t i = 0; i < exit_rows_count; i++)
        text_addf(out, "| %d | %s |\n", exit_rows[i].code, exit_rows[i].meaning);
    for (int32_t i = 0; i < count; i++)
        add_manual(out, &manuals[i]);
}
