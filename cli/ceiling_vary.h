/* `ceiling --vary FIELD`: the highest value of a field under which the scenario still holds. */
#ifndef HEADROOM_CLI_CEILING_VARY_H
#define HEADROOM_CLI_CEILING_VARY_H

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/options.h"
#include "sim/store/store.h"

/* Finds, keeps and prints it; returns the exit code: 0 where the field's own value lies below the
 * interval. */
int ceiling_vary_answer(struct scenario *scenario, const struct costs_choice *costs,
                        struct store *store, const struct options *options) MUST_USE;

#endif
