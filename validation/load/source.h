/* Where a probe's publishes come from: the scenario's plan, or bursts for the calibrator. Either
 * can be walked again from the start and yields the same. */
#ifndef HEADROOM_VALIDATION_LOAD_SOURCE_H
#define HEADROOM_VALIDATION_LOAD_SOURCE_H

#include "models/workload/plan.h"

#include <stdbool.h>
#include <stdint.h>

/* `publishes` of `bytes` from one member of a room, all due at one instant, every so often: one
 * write, and so one turn of the server's loop. */
struct source_burst {
    int32_t room;        /* the first one ... */
    int32_t rooms_count; /* ... of these many, one burst each in turn */
    int32_t publishes;
    int32_t bytes;
    base_ns every_ns;
};

struct source_options {
    uint64_t seed; /* the scenario's */
    uint64_t replication;
    double scale;
    const struct source_burst *burst; /* NULL: the plan */
};

struct source {
    const struct roster *roster; /* borrowed */
    struct plan plan;
    struct source_burst burst;
    bool is_burst;
    uint64_t next_number;
};

void source_init(struct source *source, const struct roster *roster,
                 const struct source_options *options, struct arena *arena);
/* As plan_next. */
bool source_next(struct source *source, struct plan_publish *publish);

#endif
