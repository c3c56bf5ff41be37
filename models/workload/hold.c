/* A hold counts as it goes, so that ending it needs no list of its messages. */
#include "models/workload/hold.h"

#include "models/workload/feed.h"
#include "models/workload/wire.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

struct hold_rule hold_rule_of(const struct spec_batch *batch, const struct spec_feed *feed,
                              int64_t members_count) {
    base_ns feed_ns = feed_allowance_ns(feed, members_count);
    if (feed_ns > 0)
        return (struct hold_rule){HOLD_FEED, feed_ns, INT64_MAX};
    return (struct hold_rule){HOLD_BATCH, batch->for_, batch->messages};
}

bool hold_add(struct hold *hold, const struct hold_rule *rule, int64_t frame_bytes,
              base_ns now_ns) {
    if (hold->messages == 0)
        *hold = (struct hold){
            .since_ns = now_ns, .until_ns = now_ns + rule->for_ns, .reason = rule->reason};
    hold->offset_sum_ns += now_ns - hold->since_ns;
    hold->messages++;
    hold->packets += wire_packets(frame_bytes);
    return hold->messages >= rule->messages_max;
}

struct hold_batch hold_end(struct hold *hold, int64_t bytes, base_ns now_ns) {
    base_ns longest_ns = now_ns - hold->since_ns;
    struct hold_batch batch = {.messages = hold->messages,
                               .delay_sum_ns = hold->messages * longest_ns - hold->offset_sum_ns,
                               .longest_ns = longest_ns,
                               .packets_saved = hold->packets - wire_packets(bytes),
                               .reason = hold->reason};
    *hold = (struct hold){0};
    return batch;
}

bool hold_is_late(const struct hold_batch *batch, const struct spec_feed *feed,
                  const struct spec_turn *turn) {
    return batch->reason == HOLD_FEED && batch->longest_ns > feed->every + turn->flush_after;
}

void hold_queue_fini(struct hold_queue *queue) {
    free(queue->entries);
    *queue = (struct hold_queue){0};
}

static bool grow(struct hold_queue *queue) {
    uint32_t capacity = queue->capacity == 0 ? FIRST_CAPACITY : 2 * queue->capacity;
    struct hold_entry *entries =
        capacity > 0 ? malloc((size_t)capacity * sizeof *entries) : NULL; /* 0: 2^32 of them */
    if (entries == NULL)
        return false;
    for (uint32_t i = 0; i < queue->count; i++)
        entries[i] = queue->entries[(queue->first + i) & (queue->capacity - 1)];
    free(queue->entries);
    *queue = (struct hold_queue){.entries = entries, .count = queue->count, .capacity = capacity};
    return true;
}

bool hold_queue_add(struct hold_queue *queue, struct hold_entry entry) {
    if (queue->count == queue->capacity && !grow(queue))
        return false;
    queue->entries[(queue->first + queue->count++) & (queue->capacity - 1)] = entry;
    return true;
}

const struct hold_entry *hold_queue_first(const struct hold_queue *queue) {
    return queue->count > 0 ? &queue->entries[queue->first & (queue->capacity - 1)] : NULL;
}

void hold_queue_pop(struct hold_queue *queue) {
    queue->first++;
    queue->count--;
}
