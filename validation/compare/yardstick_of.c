/* Refused probes took no part in an answer, and neither do their yardsticks. */
#include "validation/compare/yardstick_of.h"

#include "sim/base/stats.h"

#include <math.h>

bool compare_yardstick_of(struct store *store, int64_t run, struct arena *arena, double *yard_ns) {
    struct store_metric metric;
    *yard_ns = (double)NAN;
    enum store_found found = store_metric_of(store, run, COMPARE_YARDSTICK_METRIC, arena, &metric);
    if (found == STORE_FOUND)
        *yard_ns = metric.value;
    if (found != STORE_MISSING)
        return found == STORE_FOUND;
    struct store_run *probes;
    int32_t count;
    size_t known = 0;
    if (!store_runs(store, &(struct store_filter){.parent = run, .state = "done"}, arena, &probes,
                    &count))
        return false;
    double *yards = ARENA_NEW(arena, (size_t)count + 1, double);
    for (int32_t i = 0; i < count; i++) {
        found = store_metric_of(store, probes[i].id, COMPARE_YARDSTICK_METRIC, arena, &metric);
        if (found == STORE_FAILED)
            return false;
        if (found == STORE_FOUND && !isnan(metric.value))
            yards[known++] = metric.value;
    }
    if (known > 0)
        *yard_ns = stats_median(yards, known);
    return true;
}

double compare_factor(double now_ns, double then_ns) {
    return round(now_ns / then_ns / COMPARE_FACTOR_STEP) * COMPARE_FACTOR_STEP;
}
