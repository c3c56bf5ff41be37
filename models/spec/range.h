/* Over which loads the costs of a profile were measured (rows/range.def): what lies beyond is
 * extrapolated, and whoever prints a figure should say so. */
#ifndef HEADROOM_MODELS_SPEC_RANGE_H
#define HEADROOM_MODELS_SPEC_RANGE_H

#include "models/spec/profile.h"

enum range_axis {
#define RANGE(name, unit, lowest, highest, cost, doc) RANGE_##name,
#include "models/spec/rows/range.def"
#undef RANGE
    RANGE_COUNT
};

struct range {
    const char *name, *unit, *doc;
    double lowest, highest;
    enum cost cost; /* that is known by it */
};

const struct range *range_of(enum range_axis axis);

#endif
