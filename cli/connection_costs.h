/* What a connection costs, row by row: the article's table, of one node of each kind. */
#ifndef HEADROOM_CLI_CONNECTION_COSTS_H
#define HEADROOM_CLI_CONNECTION_COSTS_H

#include "models/cluster/layout.h"
#include "models/spec/profile.h"

#include <cjson/cJSON.h>

void connection_costs_print(const struct layout *layout, const struct profile *profile);
/* An array of rows, each with its kind of node. */
cJSON *connection_costs_json(const struct layout *layout, const struct profile *profile) MUST_USE;

#endif
