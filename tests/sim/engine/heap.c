/* Four children to a parent: half the levels of a binary heap, and a parent's children (24 bytes
 * each) in two cache lines. A node knows its entry's position, so that a cancel is a removal and
 * not a search. */
#include "tests/sim/engine/heap.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { ARITY = 4, FIRST_CAPACITY = 64 };

struct heap_entry {
    base_ns at_ns;
    uint64_t sequence;
    uint32_t node;
};

struct heap_node {
    calendar_fn fn;
    void *target;
    uint64_t arg, generation;
    uint32_t position; /* of its entry; of a free node the next free one */
};

void heap_init(struct heap *heap) {
    *heap = (struct heap){.nodes_used = 1};
}

void heap_fini(struct heap *heap) {
    free(heap->entries);
    free(heap->nodes);
}

static bool is_before(const struct heap_entry *a, const struct heap_entry *b) {
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->sequence < b->sequence);
}

static void place(struct heap *heap, uint32_t position, struct heap_entry entry) {
    heap->entries[position] = entry;
    heap->nodes[entry.node].position = position;
}

static void rise(struct heap *heap, uint32_t position, struct heap_entry entry) {
    while (position > 0) {
        uint32_t parent = (position - 1) / ARITY;
        if (!is_before(&entry, &heap->entries[parent]))
            break;
        place(heap, position, heap->entries[parent]);
        position = parent;
    }
    place(heap, position, entry);
}

static void sink(struct heap *heap, uint32_t position, struct heap_entry entry) {
    for (;;) {
        uint32_t first = position * ARITY + 1;
        if (first >= heap->count)
            break;
        uint32_t end = first + ARITY < heap->count ? first + ARITY : heap->count, least = first;
        for (uint32_t child = first + 1; child < end; child++)
            if (is_before(&heap->entries[child], &heap->entries[least]))
                least = child;
        if (!is_before(&heap->entries[least], &entry))
            break;
        place(heap, position, heap->entries[least]);
        position = least;
    }
    place(heap, position, entry);
}

static void grow(struct heap *heap) {
    uint32_t capacity = heap->capacity ? heap->capacity * 2 : FIRST_CAPACITY;
    heap->entries = realloc(heap->entries, capacity * sizeof *heap->entries);
    heap->nodes = realloc(heap->nodes, capacity * sizeof *heap->nodes);
    CHECK(heap->entries && heap->nodes);
    memset(heap->nodes + heap->capacity, 0, (capacity - heap->capacity) * sizeof *heap->nodes);
    heap->capacity = capacity;
}

static uint32_t take_node(struct heap *heap) {
    uint32_t index = heap->free_node;
    if (index) {
        heap->free_node = heap->nodes[index].position;
        return index;
    }
    if (heap->nodes_used >= heap->capacity)
        grow(heap);
    return heap->nodes_used++;
}

calendar_handle heap_schedule(struct heap *heap, base_ns at_ns, calendar_fn fn, void *target,
                              uint64_t arg) {
    uint32_t index = take_node(heap);
    struct heap_node *node = &heap->nodes[index];
    node->fn = fn;
    node->target = target;
    node->arg = arg;
    node->generation++;
    rise(heap, heap->count++, (struct heap_entry){at_ns, heap->next_sequence++, index});
    return node->generation << CALENDAR_INDEX_BITS | index;
}

static void take_out(struct heap *heap, uint32_t position) {
    uint32_t index = heap->entries[position].node;
    struct heap_entry last = heap->entries[--heap->count];
    if (position < heap->count) {
        if (position > 0 && is_before(&last, &heap->entries[(position - 1) / ARITY]))
            rise(heap, position, last);
        else
            sink(heap, position, last);
    }
    heap->nodes[index].generation++;
    heap->nodes[index].position = heap->free_node;
    heap->free_node = index;
}

bool heap_cancel(struct heap *heap, calendar_handle handle) {
    uint32_t index = (uint32_t)(handle & CALENDAR_PENDING_MAX);
    bool is_known = index > 0 && index < heap->nodes_used;
    if (!is_known || heap->nodes[index].generation != handle >> CALENDAR_INDEX_BITS)
        return false;
    take_out(heap, heap->nodes[index].position);
    return true;
}

bool heap_pop(struct heap *heap, base_ns limit_ns, struct calendar_event *event) {
    if (heap_next_ns(heap) > limit_ns || heap->count == 0)
        return false;
    const struct heap_node *node = &heap->nodes[heap->entries[0].node];
    *event = (struct calendar_event){heap->entries[0].at_ns, node->fn, node->target, node->arg};
    take_out(heap, 0);
    return true;
}

base_ns heap_next_ns(const struct heap *heap) {
    return heap->count ? heap->entries[0].at_ns : BASE_NS_MAX;
}
