/* Memory and descriptors that connections hold while idle: the article's table, row by row, as
 * arithmetic. docs/models/memory.md. */
#ifndef HEADROOM_MODELS_CLUSTER_MEMORY_H
#define HEADROOM_MODELS_CLUSTER_MEMORY_H

#include "models/cluster/layout.h"
#include "models/spec/profile.h"

#include <stdint.h>

struct memory {
    double user_bytes;   /* application and its runtime */
    double kernel_bytes; /* the server's end of each socket */
};

/* A row of the table: what a connection to a node costs, and up to what it can grow. */
struct memory_row {
    const char *name;
    const char *where;             /* "kernel", "runtime", "application" */
    const char *fixed;             /* the article's word: "yes", "mostly", "no" */
    double idle_bytes, most_bytes; /* INFINITY: nothing bounds it */
    enum cost cost;                /* where the figure comes from; COST_COUNT: */
    const char *source;            /* ... not from the profile, but from this */
};

enum { MEMORY_ROWS = 10 };
/* The rows but backlogs add up to memory_idle over the connections that were let in. */
void memory_rows(const struct layout *layout, int32_t node, const struct profile_costs *costs,
                 struct memory_row rows[MEMORY_ROWS]);

/* What one connection's subscriptions take of a node's memory. */
double memory_subscriptions(const struct roster *roster, const struct spec_node *node,
                            int32_t client);

/* What one idle connection takes of it in all. */
double memory_connection(const struct roster *roster, const struct spec_node *node,
                         const struct profile_costs *costs, int32_t client);

/* Of `connections` connections on one node: the first of the clients that were dealt to it and,
 * where there are more connections than those, others that are in no room. */
struct memory memory_idle(const struct layout *layout, int32_t node,
                          const struct profile_costs *costs, int64_t connections);

#endif
