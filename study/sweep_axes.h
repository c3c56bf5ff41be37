/* A study's axes, read: internal to study/sweep. */
#ifndef HEADROOM_STUDY_SWEEP_AXES_H
#define HEADROOM_STUDY_SWEEP_AXES_H

#include "study/sweep.h"

/* Checks each axis and how they are joined, gives them their dimensions, and in a product their
 * values (a design's range gets its values point by point). Mistakes go to `diag`. */
void sweep_axes_read(struct sweep *sweep, struct arena *arena, struct diag *diag);

/* The value of an axis at `u` in (0, 1): of a list the item that `u` falls into. Appended to a
 * range's values. Returns its index. */
int32_t sweep_axes_at(struct sweep_axis *axis, double u, struct arena *arena);

#endif
