/* The road not taken, kept as an oracle and as a yardstick: a 4-ary heap with the calendar's
 * interface. Ties run in the order scheduled because every event carries a sequence number. */
#ifndef HEADROOM_TESTS_SIM_ENGINE_HEAP_H
#define HEADROOM_TESTS_SIM_ENGINE_HEAP_H

#include "sim/engine/calendar.h"

struct heap_entry;
struct heap_node;

struct heap {
    struct heap_entry *entries; /* [count] */
    struct heap_node *nodes;
    uint32_t capacity, count, nodes_used, free_node;
    uint64_t next_sequence;
};

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap);
calendar_handle heap_schedule(struct heap *heap, base_ns at_ns, calendar_fn fn, void *target,
                              uint64_t arg);
bool heap_cancel(struct heap *heap, calendar_handle handle);
bool heap_pop(struct heap *heap, base_ns limit_ns, struct calendar_event *event) MUST_USE;
base_ns heap_next_ns(const struct heap *heap);

#endif
