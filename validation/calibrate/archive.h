/* A calibration's windows in the store, so that a fit can be made again without measuring again: by
 * another rule, or by a program that has learnt something since. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_ARCHIVE_H
#define HEADROOM_VALIDATION_CALIBRATE_ARCHIVE_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/store/store.h"
#include "validation/calibrate/windows.h"

#include <stdbool.h>
#include <stdint.h>

/* Puts them into a run that has begun: a series per column, a metric per block. False: the store's
 * error says why. */
bool archive_put(struct store *store, int64_t run, const struct windows *windows) MUST_USE;

/* Into `windows` (initialised, empty); names of cells live in `arena`. STORE_MISSING: the run has
 * none, or some of another make. */
enum store_found archive_get(struct store *store, int64_t run, struct arena *arena,
                             struct windows *windows) MUST_USE;

#endif
