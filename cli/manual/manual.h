/* The commands and programs as pages: manual pages for man(1), one page of docs/reference, and
 * words for a shell to complete. All from what --help is made from: a second description would be
 * wrong by the second option. */
#ifndef HEADROOM_CLI_MANUAL_MANUAL_H
#define HEADROOM_CLI_MANUAL_MANUAL_H

#include "cli/options.h"
#include "sim/base/text.h"

/* A program, or a command of `headroom`. */
struct manual {
    const char *words;     /* how it is called: "headroom run" */
    const char *arguments; /* "SCENARIO" */
    const char *summary;   /* one line, without a full stop */
    const char *doc;       /* paragraphs; lines that begin with two blanks are shown as they are */
    const char *verbs;     /* as of struct command */
    const struct argp_option *options; /* ended by an empty one */
};

enum { MANUALS_MAX = 64 };
/* One of every command, then one of each program of the real pair, where those are built; the
 * count. What they point to lives as long as the program. */
int32_t manual_all(struct manual manuals[MANUALS_MAX]);

/* "headroom-run": the page's name. */
void manual_name(const struct manual *manual, char *name, size_t size);

/* In man(7). */
void manual_write_roff(const struct manual *manual, struct text *out);
void manual_write_roff_overview(struct text *out); /* headroom(1) */
/* docs/reference/commands.md */
void manual_write_markdown(struct text *out);

/* A script for bash, of `headroom` and of the programs; it needs nothing beside bash. */
void completion_write_bash(struct text *out);

#endif
