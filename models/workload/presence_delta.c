/* Spans and deltas: the arithmetic of what is known. */
#include "models/workload/presence_state.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

static void *grown(void *items, int32_t count, int32_t *max, size_t size) {
    if (count < *max)
        return items;
    *max = *max > 0 ? *max * 2 : 4;
    items = realloc(items, (size_t)*max * size);
    CHECK(items != NULL && *max > 0);
    return items;
}

/* --- spans --- */

/* Of the first span that ends at or after seq - 1: the one that [seq, ..] may join. */
static int32_t place_of(const struct presence_spans *spans, uint64_t seq) {
    int32_t low = 0, high = spans->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (spans->items[middle].last < seq - 1)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void presence_spans_add(struct presence_spans *spans, uint64_t first, uint64_t last) {
    CHECK(first > 0 && first <= last && last < UINT64_MAX);
    int32_t at = place_of(spans, first), end = at;
    struct presence_span joined = {first, last};
    for (; end < spans->count && spans->items[end].first <= last + 1; end++) {
        const struct presence_span *other = &spans->items[end];
        joined.first = other->first < joined.first ? other->first : joined.first;
        joined.last = other->last > joined.last ? other->last : joined.last;
    }
    spans->items = grown(spans->items, spans->count, &spans->max, sizeof *spans->items);
    memmove(&spans->items[at + 1], &spans->items[end],
            (size_t)(spans->count - end) * sizeof *spans->items);
    spans->items[at] = joined;
    spans->count += at + 1 - end;
}

void presence_spans_add_all(struct presence_spans *spans, const struct presence_spans *others) {
    for (int32_t i = 0; i < others->count; i++)
        presence_spans_add(spans, others->items[i].first, others->items[i].last);
}

bool presence_spans_hold(const struct presence_spans *whole, const struct presence_spans *part) {
    for (int32_t i = 0; i < part->count; i++) {
        int32_t at = place_of(whole, part->items[i].first + 1);
        if (at == whole->count || whole->items[at].first > part->items[i].first ||
            whole->items[at].last < part->items[i].last)
            return false;
    }
    return true;
}

/* --- deltas --- */

void presence_delta_init(struct presence_delta *delta) {
    *delta = (struct presence_delta){0};
}

void presence_delta_fini(struct presence_delta *delta) {
    for (int32_t i = 0; i < delta->count; i++) {
        free(delta->parts[i].heard.items);
        free(delta->parts[i].context.items);
        free(delta->parts[i].items);
    }
    free(delta->parts);
    presence_delta_init(delta);
}

struct presence_part *presence_delta_add(struct presence_delta *delta, uint64_t actor) {
    CHECK(delta->count == 0 || delta->parts[delta->count - 1].actor < actor);
    delta->parts = grown(delta->parts, delta->count, &delta->max, sizeof *delta->parts);
    struct presence_part *part = &delta->parts[delta->count++];
    *part = (struct presence_part){.actor = actor};
    return part;
}

void presence_part_add(struct presence_part *part, const struct presence_item *item) {
    part->items = grown(part->items, part->items_count, &part->items_max, sizeof *part->items);
    part->items[part->items_count++] = *item;
}

int64_t presence_delta_items(const struct presence_delta *delta) {
    int64_t count = 0;
    for (int32_t i = 0; i < delta->count; i++)
        count += delta->parts[i].items_count;
    return count;
}
