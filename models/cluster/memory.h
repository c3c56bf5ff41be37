/* Memory and descriptors that connections hold while idle: the article's table, row by row, as
 * arithmetic. docs/models/memory.md. */
#ifndef HEADROOM_MODELS_CLUSTER_MEMORY_H
#define HEADROOM_MODELS_CLUSTER_MEMORY_H

#include "models/spec/profile.h"
#include "models/workload/roster.h"

#include <stdint.h>

struct memory {
    double user_bytes;   /* application: connection record, session state, subscriptions */
    double kernel_bytes; /* the server's end of each socket */
};

/* Of the first `connections` clients of the roster, on one node. */
struct memory memory_idle(const struct roster *roster, const struct profile_costs *costs,
                          int64_t connections);

#endif
