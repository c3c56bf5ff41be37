/* How far a scenario reaches along each axis that a calibration covers (models/spec/range.h). */
#ifndef HEADROOM_MODELS_CLUSTER_EXTENT_H
#define HEADROOM_MODELS_CLUSTER_EXTENT_H

#include "models/cluster/closed_form.h"
#include "models/spec/range.h"

struct extent {
    double lowest, highest; /* NAN: the scenario has nothing there */
};

void extent_of(const struct layout *layout, const struct closed_form *form,
               const struct closed_form_ceiling *ceiling, struct extent extents[RANGE_COUNT]);
/* Beyond what was calibrated, at either end. */
bool extent_leaves(const struct extent *extent, const struct range *range);

#endif
