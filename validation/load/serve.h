/* Obeying commands, line by line: the generator's own process, or one of several. */
#ifndef HEADROOM_VALIDATION_LOAD_SERVE_H
#define HEADROOM_VALIDATION_LOAD_SERVE_H

#include "models/workload/roster.h"
#include "validation/load/clients.h"
#include "validation/load/command.h"
#include "validation/load/unsent.h"

#include <stdbool.h>
#include <stdio.h>

struct serve {
    struct clients clients;
    const struct spec_scenario *scenario; /* borrowed */
    struct unsent *unsent;                /* borrowed */
    bool is_dirty;                        /* a probe ended before all had arrived */
    struct arena arena;
};

void serve_init(struct serve *serve, const struct roster *roster,
                const struct clients_options *options, struct unsent *unsent);
void serve_fini(struct serve *serve);

/* Adds the answer, one JSON object: a tally, a report, or {"error": ...}. */
void serve_answer(struct serve *serve, const struct command *command, struct text *answer);
/* Until quit or the end of the input; false when the output could not be written. */
bool serve_lines(struct serve *serve, FILE *in, FILE *out) MUST_USE;

void serve_error(struct text *answer, const char *why);
/* Writes the answer and a newline, and flushes. */
bool serve_write_line(FILE *out, const struct text *answer) MUST_USE;

#endif
