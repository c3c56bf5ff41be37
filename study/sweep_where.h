/* Constraints of a study: "size * workers <= 200 and policy != 'close'".
 *
 *   or         and { "or" and }
 *   and        not { "and" not }
 *   not        "not" not | comparison
 *   comparison sum [ ("=" | "!=" | "<" | "<=" | ">" | ">=") sum ]
 *   sum        product { ("+" | "-") product }
 *   product    factor { ("*" | "/") factor }
 *   factor     an axis | 10 | 64KiB | 2/s | 'word' | "-" factor | "(" or ")"
 *
 * Numbers keep their units: a time is never compared with bytes, and only plain numbers multiply.
 * An axis' name may hold '-' and '.', so a difference is written with blanks. */
#ifndef HEADROOM_STUDY_SWEEP_WHERE_H
#define HEADROOM_STUDY_SWEEP_WHERE_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "study/sweep_quantity.h"

#include <stdbool.h>
#include <stdint.h>

struct sweep_where; /* a constraint that was read */

enum { SWEEP_WHERE_ERROR_BYTES = 2048 };

/* What is wrong, and where in the expression. */
struct sweep_where_error {
    char text[SWEEP_WHERE_ERROR_BYTES];
};

/* NULL after a mistake. `names`: the axes, borrowed. Lives in `arena`. */
struct sweep_where *sweep_where_new(const char *expression, const char *const *names,
                                    int32_t names_count, struct arena *arena,
                                    struct sweep_where_error *error) MUST_USE;

/* Whether the constraint holds for these values of the axes, [names_count]. False with `*is_wrong`
 * when it cannot be worked out: values of different kinds. */
bool sweep_where_holds(const struct sweep_where *where, const struct sweep_quantity *const *values,
                       bool *is_wrong, struct sweep_where_error *error) MUST_USE;

#endif
