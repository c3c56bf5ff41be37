/* The one measuring procedure, in numbers: what `measure --ceiling` does, and what a prediction's
 * `as_measured` imitates. */
#ifndef HEADROOM_CLI_PROCEDURE_H
#define HEADROOM_CLI_PROCEDURE_H

#include "cli/options.h"
#include "models/spec/spec.h"
#include "models/workload/roster.h"
#include "study/ceiling.h"

/* The search as it is made on the real pair; `seconds` 0: 2 s windows. */
struct study_ceiling_options procedure_ceiling(const struct spec_scenario *spec,
                                               const struct roster *roster, double seconds);

struct study_objective procedure_objective(const struct spec_scenario *spec);

/* Scale from which a search climbs: about 20,000 deliveries/s or a hundredth of what was asked for,
 * whichever is lower. */
double procedure_first_scale(const struct roster *roster);

base_ns procedure_warm_up(void);

#endif
