/* A scenario at a multiple of its ceiling, made anew for whoever asks: what elasticities and break
 * orders look at. */
#ifndef HEADROOM_CLI_LOADED_H
#define HEADROOM_CLI_LOADED_H

#include "cli/files.h"

struct loaded {
    const struct scenario *scenario; /* borrowed */
    double ceiling_scale;            /* of its publish rates */
};

/* `context` is a struct loaded: the scenario again, as a copy (files_scenario_fini), and the scale
 * of its publish rates at `factor` times the ceiling. */
bool loaded_at(void *context, double factor, struct scenario *scenario, double *scale);

#endif
