/* Doubling, then bisection on whole numbers: exact for any function that never falls, with no
 * assumption that it is a straight line (slabs and hash tables are not). */
#include "study/idle.h"

#include "sim/base/check.h"

#include <stdbool.h>

static bool fits(const struct study_idle_resource *resource, int64_t connections) {
    return resource->used(resource->context, connections) <= resource->limit;
}

static int64_t most_that_fit(const struct study_idle_resource *resource) {
    int64_t good = 0, bad = 1;
    while (fits(resource, bad)) {
        good = bad;
        if (good >= STUDY_IDLE_CONNECTIONS_MAX)
            return STUDY_IDLE_CONNECTIONS_MAX;
        bad *= 2;
    }
    while (bad - good > 1) {
        int64_t middle = good + (bad - good) / 2;
        if (fits(resource, middle))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

static void insert_sorted(struct study_idle *idle, struct study_idle_row row) {
    int32_t place = idle->rows_count++;
    for (; place > 0 && idle->rows[place - 1].connections > row.connections; place--)
        idle->rows[place] = idle->rows[place - 1];
    idle->rows[place] = row;
}

struct study_idle study_idle_ceiling(const struct study_idle_resource *resources, int32_t count) {
    CHECK(count > 0 && count <= STUDY_IDLE_RESOURCES_MAX);
    struct study_idle idle = {.connections = STUDY_IDLE_CONNECTIONS_MAX};
    int64_t most[STUDY_IDLE_RESOURCES_MAX];
    for (int32_t i = 0; i < count; i++) {
        most[i] = most_that_fit(&resources[i]);
        if (most[i] < idle.connections)
            idle.connections = most[i];
    }
    for (int32_t i = 0; i < count; i++)
        insert_sorted(&idle, (struct study_idle_row){
                                 .name = resources[i].name,
                                 .where = resources[i].where,
                                 .unit = resources[i].unit,
                                 .connections = most[i],
                                 .used = resources[i].used(resources[i].context, idle.connections),
                                 .limit = resources[i].limit});
    return idle;
}
