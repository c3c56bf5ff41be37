/* What goes wrong, as a timeline: a scenario's faults, taken apart into what happens to one node at
 * one instant. Each world carries it out. docs/models/faults.md.
 *
 * Nodes are numbered through the scenario's kinds, as everywhere. */
#ifndef HEADROOM_MODELS_WORKLOAD_FAULTS_H
#define HEADROOM_MODELS_WORKLOAD_FAULTS_H

#include "models/spec/spec.h"
#include "sim/base/arena.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum faults_kind {
    FAULTS_DIES,    /* without a word */
    FAULTS_STOPS,   /* with every connection reset */
    FAULTS_DRAINS,  /* begins to close its connections, spread over `spread_ns` */
    FAULTS_RETURNS, /* is there (again), empty */
    FAULTS_SILENT,
    FAULTS_SPEAKS,     /* no longer silent */
    FAULTS_REBALANCES, /* all nodes; node: -1 */
    FAULTS_STALLS,     /* the backplane, until `until_ns`; node: -1 */
    FAULTS_SPLITS,     /* the node is on the other side ... */
    FAULTS_JOINS,      /* ... and back */
};

struct faults_action {
    base_ns at_ns;
    enum faults_kind kind;
    int32_t node;
    base_ns spread_ns, until_ns;
};

struct faults {
    struct faults_action *actions; /* [count] in order of time, then as written */
    int32_t count;
    base_ns first_ns; /* BASE_NS_MAX: none */
};

/* Lives in `arena`. */
void faults_init(struct faults *faults, const struct spec_scenario *scenario, struct arena *arena);

/* Whether the node is there at the start: no fault adds it later. */
bool faults_is_there(const struct spec_scenario *scenario, int32_t node);

/* Whether `fault` is about the node, by its name, its kind or its zone. */
bool faults_is_about(const struct spec_scenario *scenario, const struct spec_fault *fault,
                     int32_t node);

/* The instant after `now_ns` at which the node is next gone, or silent too when `or_silent`;
 * BASE_NS_MAX: never. */
base_ns faults_next_end(const struct faults *faults, int32_t node, base_ns now_ns, bool or_silent);

#endif
