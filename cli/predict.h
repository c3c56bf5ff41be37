/* The predicted ceiling, as `ceiling` answers it and `accuracy` holds it against measurements. */
#ifndef HEADROOM_CLI_PREDICT_H
#define HEADROOM_CLI_PREDICT_H

#include "cli/options.h"
#include "cli/world_sim.h"
#include "cli/world_vary.h"
#include "study/prediction.h"

enum { PREDICT_STREAMS = 2 };

int32_t predict_draws(const struct options *options); /* of the costs: --reps, or 8 */
base_ns predict_window(void);                         /* of the steady-state ceiling */
/* On options->jobs threads. */
void predict_ceiling(struct world_sim *sim, const struct options *options,
                     struct study_prediction *prediction);
/* The same of one field of the scenario, from what it has now; scales are multiples of that. */
void predict_vary(struct world_vary *world, const struct options *options,
                  struct study_prediction *prediction);

#endif
