/* How quick the machine was beside a measurement. */
#ifndef HEADROOM_VALIDATION_COMPARE_YARDSTICK_OF_H
#define HEADROOM_VALIDATION_COMPARE_YARDSTICK_OF_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* What a bare send took, in nanoseconds: of a calibration, of a probe, of a search. */
#define COMPARE_YARDSTICK_METRIC "yardstick.send"

/* The run's own, or the median of its probes'; NAN: neither is there. False: the store failed. */
bool compare_yardstick_of(struct store *store, int64_t run, struct arena *arena,
                          double *yard_ns) MUST_USE;

/* A speed over another, in steps: a prediction that was moved by one stands for all within it, and
 * that moves a result by half a step at most. */
#define COMPARE_FACTOR_STEP 0.005
double compare_factor(double now_ns, double then_ns);

#endif
