/* Which resource breaks at which load, in that order. */
#ifndef HEADROOM_CLI_PRINT_BREAKS_H
#define HEADROOM_CLI_PRINT_BREAKS_H

#include "models/workload/outcome.h"

#include <cjson/cJSON.h>

/* "breaks": a list, the first first. */
void print_add_breaks(cJSON *object, const struct outcome *outcome);
void print_breaks(const struct outcome *outcome);

#endif
