/* FNV-1a: names are short, and the table is not the hot path of a run without presence. */
#include "models/workload/presence_table.h"

#include "sim/base/check.h"

#include <stdlib.h>

enum { SLOTS_FIRST = 8 };

uint64_t presence_hash(uint64_t seed, const void *bytes, size_t length) {
    const unsigned char *byte = bytes;
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29; /* the low bits choose the slot */
}

void presence_table_fini(struct presence_table *table) {
    free(table->slots);
    *table = (struct presence_table){0};
}

static void put(struct presence_table *table, struct presence_link *link) {
    struct presence_link **slot = &table->slots[link->hash & (table->slots_count - 1)];
    link->next = *slot;
    *slot = link;
}

static void grow(struct presence_table *table) {
    struct presence_table larger = {.slots_count = table->slots_count > 0 ? 2 * table->slots_count
                                                                          : SLOTS_FIRST,
                                    .count = table->count};
    larger.slots = calloc(larger.slots_count, sizeof(struct presence_link *));
    CHECK(larger.slots != NULL);
    for (size_t i = 0; i < table->slots_count; i++)
        for (struct presence_link *link = table->slots[i], *next; link != NULL; link = next) {
            next = link->next;
            put(&larger, link);
        }
    free(table->slots);
    *table = larger;
}

void presence_table_add(struct presence_table *table, struct presence_link *link) {
    if (table->count >= table->slots_count)
        grow(table);
    put(table, link);
    table->count++;
}

void presence_table_remove(struct presence_table *table, struct presence_link *link) {
    struct presence_link **at = &table->slots[link->hash & (table->slots_count - 1)];
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    table->count--;
}

struct presence_link *presence_table_any(const struct presence_table *table) {
    for (size_t i = 0; table->count > 0 && i < table->slots_count; i++)
        if (table->slots[i] != NULL)
            return table->slots[i];
    return NULL;
}
