/* A command about one scenario and what things cost: both are read, handed on and put away. */
#ifndef HEADROOM_CLI_ONE_SCENARIO_H
#define HEADROOM_CLI_ONE_SCENARIO_H

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/options.h"

/* Returns an exit code. */
typedef int one_scenario_answer(struct scenario *scenario, const struct costs_choice *costs,
                                const struct options *options);

/* Of the first argument. Returns the answer's exit code, or that of what could not be read. */
int one_scenario(const struct options *options, one_scenario_answer *answer);

#endif
