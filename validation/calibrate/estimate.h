/* From windows to the profile's processor costs: one fit per phase of the gateway's loop, and a
 * covariance over all of them by leaving out one block or gateway's life at a time. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_ESTIMATE_H
#define HEADROOM_VALIDATION_CALIBRATE_ESTIMATE_H

#include "models/spec/profile.h"
#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "validation/calibrate/fit.h"
#include "validation/calibrate/phases.h"
#include "validation/calibrate/windows.h"

#include <stdbool.h>

struct estimate_fit { /* of one phase */
    struct fit_rows rows;
    struct fit fit;
};

struct estimate {
    struct estimate_fit fits[PHASES];
    double values[COST_COUNT];                 /* ns; 0 for what is no processor cost */
    double covariance[COST_COUNT][COST_COUNT]; /* with the machine's drift and what
                                                  the model lacks */
    double drift;       /* a yardstick's own noise, relative: what it leaves open of the speed */
    double reliability; /* share of their variance that is the machine's and not their own */
    double cpu_accounted_share;
    double turn_error; /* half of the 95 % interval of a typical turn, as a share: the widest */
    int32_t windows_used, windows_excluded, blocks_used;
};

/* `cells[block]` says which blocks are visits to the same cell. False with `why` (static text) when
 * what is left does not tell the costs apart. */
bool estimate_costs(struct estimate *estimate, const struct windows *windows, const int32_t *cells,
                    int32_t blocks_count, const char **why) MUST_USE;

/* Values, errors, correlations and the fit's figures into the profile. Notes live in `arena`. */
void estimate_to_profile(const struct estimate *estimate, struct profile *profile,
                         struct arena *arena);

/* True for a cost that comes out of the fit of the phases. */
bool estimate_is_fitted(enum cost cost);

#endif
