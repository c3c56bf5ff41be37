/* A run: one clock, one calendar, one arena, one seed. Everything that a model needs comes from
 * here and dies with it. */
#ifndef HEADROOM_SIM_ENGINE_RUN_H
#define HEADROOM_SIM_ENGINE_RUN_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"
#include "sim/engine/calendar.h"
#include "sim/engine/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* Both bounds are there to end a model that has gone wild, with a name. */
static const uint64_t RUN_EVENTS_MAX_DEFAULT = 1000000000000;

struct run_options {
    uint64_t seed;
    const char *scenario; /* for a failed CHECK; borrowed; outlives the run; NULL: none */
    uint64_t events_max;  /* 0: RUN_EVENTS_MAX_DEFAULT */
    uint32_t pending_max; /* 0: CALENDAR_PENDING_MAX */
};

enum run_outcome {
    RUN_REACHED_END, /* nothing more is due by the end; the clock stands there */
    RUN_STOPPED,     /* by run_stop; the clock stands at the event that did it */
    RUN_EVENTS_MAX,  /* so many events have run; more are due */
    RUN_PENDING_MAX, /* the calendar refused an event: what follows would be wrong */
};

/* Not to be moved once initialised: the check context points into it. */
struct run {
    base_ns now_ns;
    struct calendar calendar;
    struct arena arena;
    uint64_t seed;
    struct fingerprint fingerprint; /* the time of every event, and what the models add */
    struct check_context check_context;
    uint64_t events_count, events_max;
    bool is_stopped;
};

void run_init(struct run *run, const struct run_options *options);
void run_fini(struct run *run);

/* A failed CHECK inside run_until prints this trace. Borrowed; lives in the run's arena or outlives
 * it; NULL: none. */
void run_set_trace(struct run *run, const struct trace *trace);

/* Runs what is due by `end_ns` (inclusive, not before now). May be called again with a later end.
 */
enum run_outcome run_until(struct run *run, base_ns end_ns);

/* From within an event: run_until returns when that event is over. */
void run_stop(struct run *run);

/* From within an event that stands for several, scheduled one after the other for one instant:
 * called before each but the first, it makes count and fingerprint those of as many events. */
void run_next_of_group(struct run *run);

/* `after_ns` from now; BASE_NS_MAX and whatever lies beyond it is "never", which is not scheduled:
 * 0. */
calendar_handle run_after(struct run *run, base_ns after_ns, calendar_fn fn, void *target,
                          uint64_t arg);
calendar_handle run_at(struct run *run, base_ns at_ns, calendar_fn fn, void *target, uint64_t arg);
bool run_cancel(struct run *run, calendar_handle handle);

/* The stream of this run's seed with that name. */
struct rng run_stream(const struct run *run, uint64_t entity, uint32_t purpose, uint64_t index);

const char *run_outcome_name(enum run_outcome outcome);

#endif
