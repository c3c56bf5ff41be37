/* In which order resources break as the load grows: each by how many times the load of the run it
 * takes. Two kinds of load have one order because both are taken to grow together. */
#include "models/workload/outcome.h"

#include <math.h>
#include <stdlib.h>

double outcome_load_of(const struct outcome *outcome, enum outcome_load load) {
    const double *metric = outcome->metric;
    switch (load) {
    case OUTCOME_LOAD_NONE:
        return NAN;
    case OUTCOME_LOAD_CONNECTIONS:
        return metric[OUTCOME_connections] + metric[OUTCOME_refused];
    case OUTCOME_LOAD_PUBLISHES:
        return metric[OUTCOME_offered_publishes_per_s];
    }
    return NAN;
}

const char *outcome_load_unit(enum outcome_load load) {
    static const char *const units[] = {[OUTCOME_LOAD_NONE] = "",
                                        [OUTCOME_LOAD_CONNECTIONS] = "connections",
                                        [OUTCOME_LOAD_PUBLISHES] = "publishes/s"};
    return units[load];
}

struct ranked {
    const struct outcome_resource *resource;
    double times;
};

static int by_times(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->times != y->times)
        return x->times < y->times ? -1 : 1;
    return x->resource < y->resource ? -1 : 1;
}

int32_t outcome_break_order(const struct outcome *outcome,
                            const struct outcome_resource *order[OUTCOME_RESOURCES_MAX]) {
    struct ranked ranked[OUTCOME_RESOURCES_MAX];
    int32_t count = 0;
    for (int32_t i = 0; i < outcome->resources_count; i++) {
        const struct outcome_resource *resource = &outcome->resources[i];
        double times = resource->breaks_at / outcome_load_of(outcome, resource->grows_with);
        if (isfinite(times)) /* neither unlimited nor without a load */
            ranked[count++] = (struct ranked){resource, times};
    }
    qsort(ranked, (size_t)count, sizeof ranked[0], by_times);
    for (int32_t i = 0; i < count; i++)
        order[i] = ranked[i].resource;
    return count;
}
