/* A calendar of calendars: years, months, days, by powers of 256 nanoseconds.
 *
 * An event is filed by the highest byte in which its time differs from the base: that byte's
 * position is the level, its value the day. So level 0 holds what is due within the base's own 256
 * ns, level 1 what is due within 65 us, and so on; the lowest level in use has the earliest events,
 * and its first day the very earliest. To pop, look at that day. One event: it is the next.
 * Several, on level 0: they are of one instant, in the order scheduled. Several, further up: move
 * the base to the day's beginning, which files them anew on lower levels, and look again.
 *
 * Invariant: base <= every event, and every event stands where its time and the base say, so a
 * cancel finds its list without being told. Moving the base to the beginning of the first day in
 * use keeps that true for all other events: it only changes bytes in which they differ from it no
 * more. Days are first in, first out and are refiled in order; an event can only go straight to a
 * lower day after the base got there, which is after all earlier ones were refiled. Hence ties run
 * in the order scheduled without a sequence number to compare.
 *
 * An event is refiled at most seven times, whatever the distribution of the times is, and about
 * twice in practice. There is no bucket width to tune and nothing to resize: that is where the
 * classic calendar queue (Brown 1988) is slow or quadratic, on skewed times. The other road, a
 * 4-ary heap, is as fast below a hundred events and two to three times slower at 100,000
 * (tests/bench); it lives on in the tests as the oracle. The idea is the radix heap's (Ahuja,
 * Mehlhorn, Orlin, Tarjan 1990), which works because simulated time never runs back. */
#include "sim/engine/calendar.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { LEVEL_BITS = 8, FIRST_CAPACITY = 64 };

struct calendar_node {
    struct calendar_event event;
    uint32_t next, previous; /* in its day; of a free node `next` is the next free one */
    uint64_t generation;     /* odd while pending */
};

void calendar_init(struct calendar *calendar, uint32_t pending_max) {
    CHECK(pending_max >= 1 && pending_max <= CALENDAR_PENDING_MAX);
    memset(calendar, 0, sizeof *calendar);
    calendar->pending_max = pending_max;
    calendar->nodes_used = 1;
}

void calendar_fini(struct calendar *calendar) {
    free(calendar->nodes);
    calendar->nodes = NULL;
}

static void grow(struct calendar *calendar) {
    uint32_t capacity = calendar->nodes_capacity ? calendar->nodes_capacity * 2 : FIRST_CAPACITY;
    calendar->nodes = realloc(calendar->nodes, capacity * sizeof *calendar->nodes);
    CHECK(calendar->nodes);
    memset(calendar->nodes + calendar->nodes_capacity, 0,
           (capacity - calendar->nodes_capacity) * sizeof *calendar->nodes);
    calendar->nodes_capacity = capacity;
}

/* The node freed last comes first: it is still in the cache. */
static uint32_t take_node(struct calendar *calendar) {
    uint32_t index = calendar->free_node;
    if (index) {
        calendar->free_node = calendar->nodes[index].next;
        return index;
    }
    if (calendar->nodes_used >= calendar->nodes_capacity)
        grow(calendar);
    return calendar->nodes_used++;
}

static void free_node(struct calendar *calendar, uint32_t index) {
    struct calendar_node *node = &calendar->nodes[index];
    node->generation++;
    node->next = calendar->free_node;
    calendar->free_node = index;
    calendar->pending_count--;
}

static uint32_t level_of(const struct calendar *calendar, base_ns at_ns) {
    uint64_t differing = (uint64_t)(at_ns ^ calendar->base_ns) | 1;
    return (63 - (uint32_t)__builtin_clzll(differing)) / LEVEL_BITS;
}

static uint32_t day_of(base_ns at_ns, uint32_t level) {
    return (uint32_t)((uint64_t)at_ns >> (level * LEVEL_BITS)) % CALENDAR_DAYS;
}

static void file(struct calendar *calendar, uint32_t index) {
    struct calendar_node *node = &calendar->nodes[index];
    uint32_t level_index = level_of(calendar, node->event.at_ns);
    uint32_t day_index = day_of(node->event.at_ns, level_index);
    struct calendar_level *level = &calendar->levels[level_index];
    struct calendar_day *day = &level->days[day_index];
    node->next = 0;
    node->previous = day->last;
    if (day->last) {
        calendar->nodes[day->last].next = index;
    } else {
        day->first = index;
        level->in_use[day_index / 64] |= (uint64_t)1 << day_index % 64;
        calendar->levels_in_use |= (uint32_t)1 << level_index;
    }
    day->last = index;
}

static void clear_day(struct calendar *calendar, uint32_t level_index, uint32_t day_index) {
    struct calendar_level *level = &calendar->levels[level_index];
    level->days[day_index] = (struct calendar_day){0, 0};
    level->in_use[day_index / 64] &= ~((uint64_t)1 << day_index % 64);
    if (!(level->in_use[0] | level->in_use[1] | level->in_use[2] | level->in_use[3]))
        calendar->levels_in_use &= ~((uint32_t)1 << level_index);
}

static void unfile(struct calendar *calendar, uint32_t index) {
    const struct calendar_node *node = &calendar->nodes[index];
    uint32_t level_index = level_of(calendar, node->event.at_ns);
    uint32_t day_index = day_of(node->event.at_ns, level_index);
    struct calendar_day *day = &calendar->levels[level_index].days[day_index];
    if (day->first == day->last) {
        clear_day(calendar, level_index, day_index);
        return;
    }
    if (node->previous)
        calendar->nodes[node->previous].next = node->next;
    else
        day->first = node->next;
    if (node->next)
        calendar->nodes[node->next].previous = node->previous;
    else
        day->last = node->previous;
}

static calendar_handle handle_of(const struct calendar *calendar, uint32_t index) {
    return calendar->nodes[index].generation << CALENDAR_INDEX_BITS | index;
}

calendar_handle calendar_schedule(struct calendar *calendar, base_ns at_ns, calendar_fn fn,
                                  void *target, uint64_t arg) {
    CHECK(at_ns >= calendar->base_ns);
    if (calendar->pending_count == calendar->pending_max) {
        calendar->refused_count++;
        return 0;
    }
    uint32_t index = take_node(calendar);
    struct calendar_node *node = &calendar->nodes[index];
    node->event = (struct calendar_event){at_ns, fn, target, arg};
    node->generation++;
    calendar->pending_count++;
    file(calendar, index);
    return handle_of(calendar, index);
}

bool calendar_is_pending(const struct calendar *calendar, calendar_handle handle) {
    uint32_t index = (uint32_t)(handle & CALENDAR_PENDING_MAX);
    return index > 0 && index < calendar->nodes_used && handle_of(calendar, index) == handle;
}

bool calendar_cancel(struct calendar *calendar, calendar_handle handle) {
    if (!calendar_is_pending(calendar, handle))
        return false;
    uint32_t index = (uint32_t)(handle & CALENDAR_PENDING_MAX);
    unfile(calendar, index);
    free_node(calendar, index);
    return true;
}

static uint32_t first_day(const struct calendar_level *level) {
    uint32_t word = 0;
    while (!level->in_use[word])
        word++;
    return word * 64 + (uint32_t)__builtin_ctzll(level->in_use[word]);
}

/* The base moves to the beginning of the day, and the day's events to levels below. */
static void open_day(struct calendar *calendar, uint32_t level_index, uint32_t day_index,
                     base_ns start_ns) {
    uint32_t index = calendar->levels[level_index].days[day_index].first;
    clear_day(calendar, level_index, day_index);
    calendar->base_ns = start_ns;
    while (index) {
        uint32_t next = calendar->nodes[index].next;
        file(calendar, index);
        index = next;
    }
}

static base_ns day_start(base_ns at_ns, uint32_t level) {
    return (base_ns)((uint64_t)at_ns >> (level * LEVEL_BITS) << (level * LEVEL_BITS));
}

/* The first event's node, or 0 where it is not due by then. Here the base moves, never past
 * `limit_ns`. */
static uint32_t find_first(struct calendar *calendar, base_ns limit_ns) {
    while (calendar->levels_in_use) {
        uint32_t level_index = (uint32_t)__builtin_ctz(calendar->levels_in_use);
        uint32_t day_index = first_day(&calendar->levels[level_index]);
        struct calendar_day day = calendar->levels[level_index].days[day_index];
        base_ns at_ns = calendar->nodes[day.first].event.at_ns;
        if (day.first == day.last || level_index == 0)
            return at_ns <= limit_ns ? day.first : 0;
        base_ns start_ns = day_start(at_ns, level_index);
        if (start_ns > limit_ns)
            return 0;
        open_day(calendar, level_index, day_index, start_ns);
    }
    return 0;
}

bool calendar_pop(struct calendar *calendar, base_ns limit_ns, struct calendar_event *event) {
    uint32_t index = find_first(calendar, limit_ns);
    if (!index)
        return false;
    *event = calendar->nodes[index].event;
    unfile(calendar, index);
    calendar->base_ns = event->at_ns;
    free_node(calendar, index);
    return true;
}

base_ns calendar_next_ns(const struct calendar *calendar) {
    if (!calendar->levels_in_use)
        return BASE_NS_MAX;
    const struct calendar_level *level = &calendar->levels[__builtin_ctz(calendar->levels_in_use)];
    base_ns next_ns = BASE_NS_MAX;
    for (uint32_t index = level->days[first_day(level)].first; index;
         index = calendar->nodes[index].next)
        if (calendar->nodes[index].event.at_ns < next_ns)
            next_ns = calendar->nodes[index].event.at_ns;
    return next_ns;
}
