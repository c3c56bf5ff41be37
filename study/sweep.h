/* A study's cells: which combinations of its axes' values are asked for, and in which order.
 *
 * Axes that are joined by `with` are one dimension. A product takes every combination, the last
 * dimension fastest; a design draws one number from 0 to 1 per dimension and point, and each axis
 * makes a value of it. Either way a cell is one index per axis into that axis' values. Cells that
 * break a constraint are left out before they are numbered.
 *
 * A pure function of the study file and the constraints: every shard and every resume works the
 * cells out for itself and agrees. */
#ifndef HEADROOM_STUDY_SWEEP_H
#define HEADROOM_STUDY_SWEEP_H

#include "models/spec/spec.h"
#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "study/sweep_quantity.h"

#include <stdbool.h>
#include <stdint.h>

enum { SWEEP_AXES_MAX = 16, SWEEP_CELLS_MAX = 1000000, SWEEP_WHERE_MAX = 1000 };

struct sweep_axis {
    const char *name;
    const struct spec_axis *spec;
    int32_t dimension; /* shared by axes joined by `with` */
    struct spec_value *values;
    struct sweep_quantity *quantities; /* of the values */
    int32_t values_count;
};

struct sweep {
    const struct spec_study *study; /* borrowed */
    struct sweep_axis axes[SWEEP_AXES_MAX];
    int32_t axes_count, dimensions_count;
    int32_t *choices; /* [cells_count * axes_count]: which of an axis' values */
    int32_t cells_count;
    int64_t left_out_count; /* by constraints */
};

/* `more_where`: constraints beside the file's (`--where`). All mistakes are added to `diag`; false
 * when there was one. Everything lives in `arena`. */
bool sweep_init(struct sweep *sweep, const struct spec_study *study,
                const struct spec_values *more_where, struct arena *arena,
                struct diag *diag) MUST_USE;

const struct spec_value *sweep_value(const struct sweep *sweep, int32_t cell, int32_t axis);
/* "size=100 workers=2"; "as it is" where no axis varies. */
void sweep_write_cell(const struct sweep *sweep, int32_t cell, struct text *out);
/* The cell as settings over the scenario, one per axis in their order, with places for messages. */
void sweep_settings(const struct sweep *sweep, int32_t cell,
                    struct spec_setting settings[SWEEP_AXES_MAX],
                    struct spec_setting_place places[SWEEP_AXES_MAX]);

#endif
