/* A calendar of calendars: digits of the time in base 64, from nanoseconds up.
 *
 * An event is filed by the highest digit in which its time differs from the base: that digit's
 * position is the level, its value the day. So level 0 holds what is due within the base's own 64
 * ns, level 1 what is due within its 4 us, level 5 within its 69 s; the lowest level in use has the
 * earliest events, and its first day the very earliest. To pop, look at that day. One event: it is
 * the next. Several, on level 0: they are of one instant, in the order scheduled. Several, further
 * up: move the base to the day's beginning, which files them anew on lower levels, and look again.
 *
 * Invariant: base <= every event, and every event stands where its time and the base say, so a
 * cancel finds its list without being told. Moving the base to the beginning of the first day in
 * use keeps that true for all other events: the digits that change are below those by which they
 * are filed. Days are first in, first out and are refiled in order, and an event can only go
 * straight to a lower day once the base is there, which is after all earlier ones were refiled.
 * Hence ties run in the order scheduled without a sequence number to compare.
 *
 * An event is refiled at most ten times, whatever the distribution of the times, and about twice in
 * practice. There is no bucket width to tune and nothing to resize: that is what makes the classic
 * calendar queue (Brown 1988) slow or quadratic on skewed times. The idea is the radix heap's
 * (Ahuja, Mehlhorn, Orlin, Tarjan 1990), which works because simulated time never runs back. The
 * other road, a 4-ary heap, is quicker with two or three events pending, and takes two and a half
 * times as long from a thousand on (tests/bench); it lives on in the tests as the oracle. Days by
 * whole bytes (256 of them) were tried: no faster, and three times as large. */
#include "sim/engine/calendar.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { LEVEL_BITS = 6, FIRST_CAPACITY = 64 };

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

struct place {
    uint32_t level, day, node;
};

static struct place place_of(const struct calendar *calendar, uint32_t node) {
    uint64_t at_ns = (uint64_t)calendar->nodes[node].event.at_ns;
    uint64_t differing = (at_ns ^ (uint64_t)calendar->base_ns) | 1;
    uint32_t level = (63 - (uint32_t)__builtin_clzll(differing)) / LEVEL_BITS;
    uint32_t day = (uint32_t)(at_ns >> (level * LEVEL_BITS)) % CALENDAR_DAYS;
    return (struct place){level, day, node};
}

static void file(struct calendar *calendar, uint32_t index) {
    struct place place = place_of(calendar, index);
    struct calendar_node *node = &calendar->nodes[index];
    struct calendar_day *day = &calendar->levels[place.level].days[place.day];
    node->next = 0;
    node->previous = day->last;
    if (day->last) {
        calendar->nodes[day->last].next = index;
    } else {
        day->first = index;
        calendar->levels[place.level].in_use |= (uint64_t)1 << place.day;
        calendar->levels_in_use |= (uint32_t)1 << place.level;
    }
    day->last = index;
}

static void clear_day(struct calendar *calendar, struct place place) {
    struct calendar_level *level = &calendar->levels[place.level];
    level->days[place.day] = (struct calendar_day){0, 0};
    level->in_use &= ~((uint64_t)1 << place.day);
    if (!level->in_use)
        calendar->levels_in_use &= ~((uint32_t)1 << place.level);
}

static void unfile(struct calendar *calendar, struct place place) {
    const struct calendar_node *node = &calendar->nodes[place.node];
    struct calendar_day *day = &calendar->levels[place.level].days[place.day];
    if (day->first == day->last) {
        clear_day(calendar, place);
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
    unfile(calendar, place_of(calendar, index));
    free_node(calendar, index);
    return true;
}

/* Of the lowest level in use the first day in use, with its first event. There must be one. */
static struct place first_place(const struct calendar *calendar) {
    uint32_t level = (uint32_t)__builtin_ctz(calendar->levels_in_use);
    uint32_t day = (uint32_t)__builtin_ctzll(calendar->levels[level].in_use);
    return (struct place){level, day, calendar->levels[level].days[day].first};
}

/* The base moves to the beginning of the day, and the day's events to levels below. */
static void open_day(struct calendar *calendar, struct place place, base_ns start_ns) {
    clear_day(calendar, place);
    calendar->base_ns = start_ns;
    for (uint32_t index = place.node; index;) {
        uint32_t next = calendar->nodes[index].next;
        file(calendar, index);
        index = next;
    }
}

static base_ns day_start(base_ns at_ns, uint32_t level) {
    return (base_ns)((uint64_t)at_ns >> (level * LEVEL_BITS) << (level * LEVEL_BITS));
}

/* Where the first event stands; node 0 if none is due by then. Here the base moves, never past
 * `limit_ns`. */
static struct place find_first(struct calendar *calendar, base_ns limit_ns) {
    while (calendar->levels_in_use) {
        struct place place = first_place(calendar);
        base_ns at_ns = calendar->nodes[place.node].event.at_ns;
        bool is_alone = calendar->levels[place.level].days[place.day].last == place.node;
        bool is_next = is_alone || place.level == 0;
        base_ns start_ns = is_next ? at_ns : day_start(at_ns, place.level);
        if (start_ns > limit_ns)
            break;
        if (is_next)
            return place;
        open_day(calendar, place, start_ns);
    }
    return (struct place){0, 0, 0};
}

bool calendar_pop(struct calendar *calendar, base_ns limit_ns, struct calendar_event *event) {
    struct place place = find_first(calendar, limit_ns);
    if (!place.node)
        return false;
    *event = calendar->nodes[place.node].event;
    unfile(calendar, place);
    calendar->base_ns = event->at_ns;
    free_node(calendar, place.node);
    return true;
}

base_ns calendar_next_ns(const struct calendar *calendar) {
    base_ns next_ns = BASE_NS_MAX;
    if (!calendar->levels_in_use)
        return next_ns;
    for (uint32_t index = first_place(calendar).node; index; index = calendar->nodes[index].next)
        if (calendar->nodes[index].event.at_ns < next_ns)
            next_ns = calendar->nodes[index].event.at_ns;
    return next_ns;
}
