/* Of a run whose connections come and go: what became of them, as text and as JSON. Nothing of a
 * run in which all of them stay. */
#ifndef HEADROOM_CLI_PRINT_CONNECTIONS_H
#define HEADROOM_CLI_PRINT_CONNECTIONS_H

#include "models/workload/outcome.h"

#include <cjson/cJSON.h>

void print_connections(const struct outcome *outcome);
/* "connections": recovery, losses by cause, and the timeline of the whole run. */
void print_add_connections(cJSON *json, const struct outcome *outcome);

#endif
