/* The rows as a table. */
#include "models/spec/range.h"

const struct range *range_of(enum range_axis axis) {
    static const struct range ranges[RANGE_COUNT] = {
#define RANGE(name_, unit_, lowest_, highest_, cost_, doc_)                                        \
    [RANGE_##name_] = {#name_, unit_, doc_, lowest_, highest_, COST_##cost_},
#include "models/spec/rows/range.def"
#undef RANGE
    };
    return &ranges[axis];
}
