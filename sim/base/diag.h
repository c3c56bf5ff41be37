/* What is wrong with what the user gave us: all of it at once, each with its place and the nearest
 * right name.
 *
 *   chat.json:12:16: nodes.gateway.workers: 0 is out of range; expected 1 to 64
 *      12 |     "workers": 0,
 *         |                ^
 *
 * A diagnostic is data until it is printed, so a test can compare whole messages and `--json` can
 * carry them. */
#ifndef HEADROOM_SIM_BASE_DIAG_H
#define HEADROOM_SIM_BASE_DIAG_H

#include "sim/base/arena.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { DIAG_MAX = 200 }; /* later ones are counted and one line says so */

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

/* Where something stands. `line` and `column` count from 1, columns in bytes; line 0 means "no
 * place in a file". */
struct diag_place {
    const char *file; /* or "--set", "stdin"; borrowed; outlives the list */
    int32_t line;
    int32_t column;
    const char *line_text; /* the source line without its newline, for the caret; NULL for none;
                              borrowed likewise */
};

struct diag_item {
    enum diag_severity severity;
    struct diag_place place;
    const char *message; /* "path: what was found; what was expected", owned by the list's arena */
};

struct diag {
    struct arena arena;
    struct diag_item items[DIAG_MAX];
    int32_t items_count;
    int32_t dropped_count;
    int32_t errors_count; /* dropped ones too */
};

void diag_init(struct diag *diag);
void diag_fini(struct diag *diag);
void diag_error(struct diag *diag, struct diag_place place, const char *format, ...)
    PRINTF_LIKE(3, 4);
void diag_warning(struct diag *diag, struct diag_place place, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The whole list in the order added, as in the example above (tabs in the source line stay tabs in
 * the caret line). */
void diag_format(const struct diag *diag, struct text *out);

#endif
