/* What a world's turns cost by their counts: a linear fit, to price another world's turns with.
 * Internal to validation/compare. */
#ifndef HEADROOM_VALIDATION_COMPARE_TURNS_PRICE_H
#define HEADROOM_VALIDATION_COMPARE_TURNS_PRICE_H

#include "models/workload/turn.h"

#include <stdint.h>

enum turns_phase { TURNS_PHASE_READING, TURNS_PHASE_WRITING, TURNS_PHASES };
enum { TURNS_TERMS = 4 };

struct turns_price {
    double ns[TURNS_TERMS]; /* per count; 0 for one that the others say already */
};

/* From `turns`. A count that the earlier ones determine (bytes, where all frames are alike) stays
 * out, so that its price is in theirs. */
struct turns_price turns_price_fit(const struct turn *const *turns, int64_t turns_count,
                                   enum turns_phase phase);
double turns_price_of(const struct turns_price *price, enum turns_phase phase,
                      const struct turn *turn);
double turns_phase_ns(enum turns_phase phase, const struct turn *turn);

#endif
