/* What the text of an axis' value amounts to: a number of some unit, or a word.
 *
 * Constraints compare such values and ranges lie between two of them. What the field itself makes
 * of the text is models/spec's to say; here only what is the same for every field counts. */
#ifndef HEADROOM_STUDY_SWEEP_QUANTITY_H
#define HEADROOM_STUDY_SWEEP_QUANTITY_H

#include "sim/base/text.h"
#include "sim/base/units.h"

#include <stdbool.h>

struct sweep_quantity {
    bool is_word;          /* `text` alone counts */
    bool is_endless;       /* "unlimited", "never": above every number, whatever its unit */
    enum units_kind units; /* of a number */
    double number;         /* in the kind's base unit (sim/base/units.h); INFINITY when endless */
    const char *rest;      /* behind the unit: "per room"; "" for none */
    const char *text;      /* borrowed */
};

struct sweep_quantity sweep_quantity_of(const char *text);

/* Numbers that may be compared, added or lie at the two ends of a range. */
bool sweep_quantity_alike(const struct sweep_quantity *a, const struct sweep_quantity *b);

/* "a time", "a plain number", "a word": for messages. */
const char *sweep_quantity_kind(const struct sweep_quantity *quantity);

/* `number`, in the kind's base unit, with the unit and the rest of `like`: as `--set` takes it. */
void sweep_quantity_write(const struct sweep_quantity *like, double number, struct text *out);

/* The value at share `u` (0 to 1) of the way between two alike numbers, as `--set` takes it: to six
 * significant digits, so that it is the same text on every machine, and whole where both ends are
 * or where bytes and nanoseconds are counted. `is_log`: by equal ratios, both ends above 0. */
void sweep_quantity_between(const struct sweep_quantity *from, const struct sweep_quantity *to,
                            double u, bool is_log, struct text *out);

#endif
