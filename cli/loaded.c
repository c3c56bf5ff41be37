/* Parsed anew from the canonical text, so that tasks on several threads share nothing. */
#include "cli/loaded.h"

#include "cli/vary.h"

bool loaded_at(void *context, double factor, struct scenario *scenario, double *scale) {
    const struct loaded *loaded = context;
    const struct vary nothing = {.scenario = loaded->scenario, .now = 1};
    *scale = loaded->ceiling_scale * factor;
    return vary_scenario(&nothing, 1, scenario, NULL);
}
