/* The event calendar: what is due, in the order of its time, and within one instant in the order it
 * was scheduled.
 *
 * A callback gets its target, a number of the scheduler's choice and the time. It may schedule and
 * cancel at will. */
#ifndef HEADROOM_SIM_ENGINE_CALENDAR_H
#define HEADROOM_SIM_ENGINE_CALENDAR_H

#include "sim/base/attributes.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CALENDAR_LEVELS = 11,
    CALENDAR_DAYS = 64,                   /* per level */
    CALENDAR_INDEX_BITS = 26,             /* of a handle */
    CALENDAR_PENDING_MAX = (1 << 26) - 1, /* events at once */
};

typedef void (*calendar_fn)(void *target, uint64_t arg, base_ns now_ns);
typedef uint64_t calendar_handle; /* of one event, never of another one; 0: none */

struct calendar_event {
    base_ns at_ns;
    calendar_fn fn;
    void *target; /* borrowed; outlives the event or cancels it */
    uint64_t arg;
};

struct calendar_node;

struct calendar_day {
    uint32_t first, last; /* nodes; 0: none */
};

struct calendar_level {
    uint64_t in_use; /* a bit per day that has an event */
    struct calendar_day days[CALENDAR_DAYS];
};

struct calendar {
    struct calendar_node *nodes; /* [nodes_capacity]; node 0 is never used */
    uint32_t nodes_capacity, nodes_used, free_node;
    uint32_t pending_count, pending_max;
    uint64_t refused_count; /* events that found pending_max of them waiting */
    base_ns base_ns;        /* no event is earlier; days are counted from here */
    uint32_t levels_in_use; /* a bit per level that has an event */
    struct calendar_level levels[CALENDAR_LEVELS];
};

/* `pending_max` from 1 to CALENDAR_PENDING_MAX. */
void calendar_init(struct calendar *calendar, uint32_t pending_max);
void calendar_fini(struct calendar *calendar);

/* `at_ns` is not earlier than the last event popped, nor than the limit of a calendar_pop that
 * found nothing. Returns 0, and counts it, when `pending_max` events wait already. Amortised
 * constant time; allocates only to grow. */
calendar_handle calendar_schedule(struct calendar *calendar, base_ns at_ns, calendar_fn fn,
                                  void *target, uint64_t arg);

/* False when the event has run or been cancelled, or the handle is 0. Constant time; the event's
 * place is free at once. */
bool calendar_cancel(struct calendar *calendar, calendar_handle handle);
bool calendar_is_pending(const struct calendar *calendar, calendar_handle handle);

/* Takes out the first event if it is due by `limit_ns` (inclusive). */
bool calendar_pop(struct calendar *calendar, base_ns limit_ns,
                  struct calendar_event *event) MUST_USE;

/* When the next event is due; BASE_NS_MAX when there is none. Looks through one day's events: not
 * for the inner loop. */
base_ns calendar_next_ns(const struct calendar *calendar);

#endif
