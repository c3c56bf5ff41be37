/* The ceiling of one set of costs on one stream of arrivals: a root of that stream's own curve,
 * with no interval. `headroom ceiling` makes a sample of such roots; a sweep of ceilings and
 * `explain` take one. */
#ifndef HEADROOM_CLI_OWN_CEILING_H
#define HEADROOM_CLI_OWN_CEILING_H

#include "cli/files.h"
#include "models/cluster/layout.h"
#include "models/spec/profile.h"
#include "study/root.h"

struct own_ceiling_ask {
    const struct scenario *scenario;
    const struct layout *layout;
    const struct profile_costs *costs;
    uint64_t replication; /* the stream of arrivals */
};

/* The root is of log(scale of every publish rate). Safe from several threads. */
struct study_root own_ceiling_find(const struct own_ceiling_ask *ask);

#endif
