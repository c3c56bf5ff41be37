/* How many nodes a scenario needs: by three plans that people make, and by simulation. */
#ifndef HEADROOM_CLI_NEED_H
#define HEADROOM_CLI_NEED_H

#include "cli/files.h"
#include "cli/trial.h"
#include "models/workload/plan.h"

#include <cjson/cJSON.h>

enum { NEED_NODES_MAX = TRIAL_NODES_MAX };

struct need {
    struct plan_load load; /* at the run's scale */
    double
        node_writes_per_s; /* raw: of one node that does nothing but write; NAN: writes are free */
    double by_inbound, by_product, by_deliveries; /* nodes; NAN without the capacity */
    bool is_searched;                             /* nodes of one kind, and more than one of them */
    int64_t simulated; /* the smallest count that holds; 0: not even NEED_NODES_MAX */
};

struct need need_of(const struct scenario *scenario, const struct profile_costs *costs,
                    double scale);

void need_print(const struct need *need);
cJSON *need_json(const struct need *need) MUST_USE;

#endif
