/* A hash table of links that lie in what it holds: chained, doubling, no memory per entry. Whoever
 * looks something up walks presence_table_first's chain and compares for itself. */
#ifndef HEADROOM_MODELS_WORKLOAD_PRESENCE_TABLE_H
#define HEADROOM_MODELS_WORKLOAD_PRESENCE_TABLE_H

#include "models/workload/presence_state.h"

uint64_t presence_hash(uint64_t seed, const void *bytes, size_t length);

void presence_table_fini(struct presence_table *table); /* what it holds is its owner's */
void presence_table_add(struct presence_table *table, struct presence_link *link);
void presence_table_remove(struct presence_table *table, struct presence_link *link);
/* The first link of the chain in which a hash is, or NULL. */
static inline struct presence_link *presence_table_first(const struct presence_table *table,
                                                         uint64_t hash) {
    return table->slots_count > 0 ? table->slots[hash & (table->slots_count - 1)] : NULL;
}
/* Any link; NULL when it is empty. */
struct presence_link *presence_table_any(const struct presence_table *table);

#endif
