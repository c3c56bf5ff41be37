/* What was probably meant by a quantity that is none. */
#ifndef HEADROOM_MODELS_SPEC_UNIT_GUESS_H
#define HEADROOM_MODELS_SPEC_UNIT_GUESS_H

#include "sim/base/units.h"

enum { UNIT_GUESS_BYTES = 128 };

/* What `text` is when it is a quantity of another kind ("a time"); NULL: it is none. */
const char *unit_guess_kind(const char *text);

/* The unit of `kind` that was probably meant by `wrong`, kept in `names`; NULL: there is no
 * telling. */
const char *unit_guess(enum units_kind kind, const char *wrong, char names[UNIT_GUESS_BYTES]);

#endif
