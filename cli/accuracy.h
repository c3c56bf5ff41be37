/* What the two halves of `headroom accuracy` share: predicting a part of a case, and measuring it.
 */
#ifndef HEADROOM_CLI_ACCURACY_H
#define HEADROOM_CLI_ACCURACY_H

#include "cli/accuracy_index.h"
#include "cli/costs.h"
#include "cli/options.h"
#include "sim/store/store.h"
#include "validation/compare/accuracy.h"

struct accuracy_bench {
    struct store *store;           /* borrowed, as all here */
    const struct options *options; /* the command's */
    const struct costs_choice *costs;
    const struct accuracy_options *compare;
    struct accuracy_entry *entries; /* [compare->cases_count], in the order of compare->cases */
};

/* How long a load is run in either world. */
struct accuracy_window {
    base_ns warm_up_ns, measure_ns;
};
struct accuracy_window accuracy_window_of(const struct accuracy_bench *bench, int32_t index,
                                          enum accuracy_part part);

/* The load of a part, as a factor of the scenario's own; NAN: the prediction has no ceiling to take
 * a share of. False: the store failed, which has been said. */
bool accuracy_scale_of(const struct accuracy_bench *bench, int32_t index, enum accuracy_part part,
                       double *scale) MUST_USE;

/* Predicts what the case's parts need and the store does not have yet, with costs moved by a
 * factor: 1 for the predictions that are written down before anything is measured. */
bool accuracy_predict(const struct accuracy_bench *bench, int32_t index, enum accuracy_part part,
                      double factor) MUST_USE;

/* Measures the wanted parts of one case once, with one pair. What could not be measured has been
 * said and is in the store where it could be. False: the store failed, or somebody asked to stop.
 */
bool accuracy_measure(const struct accuracy_bench *bench, int32_t index,
                      const bool wanted[ACCURACY_PARTS], uint64_t replication) MUST_USE;

#endif
