/* How fast the machine is right now: three small measurements that share no code with the gateway.
 *
 * One number per machine is worthless where two machines of a kind differ by four and drift within
 * minutes; a ratio to a yardstick taken in the same breath holds within a few percent. Each takes
 * less than half a second and is a median of short windows. */
#ifndef HEADROOM_VALIDATION_MEASURE_YARDSTICK_H
#define HEADROOM_VALIDATION_MEASURE_YARDSTICK_H

#include "sim/base/attributes.h"

#include "sim/base/time.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum yardstick_kind {
    YARDSTICK_SEND, /* ns of processor time per send() of 130 bytes to one of many loopback sockets,
                       read by a thread on the other processor that polls */
    YARDSTICK_MEMORY,  /* ns per step of a random walk over 8 MiB */
    YARDSTICK_WAKE_UP, /* us for a round trip between two threads that sleep on two processors */
    YARDSTICK_KINDS
};

struct yardstick_result {
    double median;
    double spread; /* (p90 - p10) / median of the windows */
};

struct yardstick_options {
    int32_t cpu;         /* where the work is done; -1: anywhere */
    int32_t other_cpu;   /* the reader, or the one that is woken */
    int32_t connections; /* of YARDSTICK_SEND; 0: 200 */
};

const char *yardstick_name(enum yardstick_kind kind); /* "send", "memory", "wake_up" */
const char *yardstick_unit(enum yardstick_kind kind); /* "ns", "ns", "us" */

/* False with errno set when sockets, threads or pinning failed; the thread that calls keeps its own
 * pinning. */
bool yardstick_measure(enum yardstick_kind kind, const struct yardstick_options *options,
                       struct yardstick_result *result) MUST_USE;

/* A machine that is shared has moods: for seconds everything takes half as long again, and not all
 * things equally. What is to be compared is measured in one mood, the quickest seen, where that can
 * be had by waiting. */
struct yardstick_calm {
    double quickest; /* 0: none yet */
};
#define YARDSTICK_CALM_MAX 1.15 /* of the quickest: still the same mood */
#define YARDSTICK_PATIENCE_NS (30 * BASE_NS_PER_S)

/* Takes YARDSTICK_SEND again, from `last` on (median 0: none yet), until it is calm. When patience
 * ends the machine has changed for good, and what it has come to is the new mood. False as above.
 */
bool yardstick_wait(struct yardstick_calm *calm, const struct yardstick_options *options,
                    const volatile sig_atomic_t *stop, struct yardstick_result *last) MUST_USE;

/* How far two yardsticks around something may lie apart, the larger over the smaller: beyond it the
 * machine had no one speed in between. */
#define YARDSTICK_STEP_MAX 1.20

/* Within a mood a processor is slow now and then, for milliseconds: bare sends are timed without a
 * break, in windows of YARDSTICK_SPELL_WINDOW_S, and a run of windows above YARDSTICK_SPELL_LEAST
 * of the lower quartile is a spell. What lasts longer than YARDSTICK_SPELL_MOST_S is a mood, and
 * its time is in none of the sums. Gaps of 500 us and more, in which the processor was taken away,
 * are in no window. */
#define YARDSTICK_SPELL_WINDOW_S 0.01
#define YARDSTICK_SPELL_LEAST 1.2
#define YARDSTICK_SPELL_MOST_S 1.0
struct yardstick_spells { /* sums over all that was watched */
    double quiet_s, slow_s;
    double excess_s; /* of slow_s: by how much what was done takes less when it is quiet */
    int64_t begun;
};

/* Adds `count` windows that followed each other: ns per send of each. */
void yardstick_add_spells(struct yardstick_spells *sum, const double *windows, int32_t count);
/* Watches for `seconds`, at most YARDSTICK_WATCH_MOST_S. False as yardstick_measure. */
#define YARDSTICK_WATCH_MOST_S 30
bool yardstick_watch_spells(const struct yardstick_options *options, double seconds,
                            struct yardstick_spells *sum) MUST_USE;

/* Processor time that the host took away, as the kernel counts it. */
struct yardstick_steal {
    uint64_t stolen_ticks, all_ticks; /* of one processor */
};

/* Of processor `cpu`, -1: of all together. False when /proc/stat has no such line. */
bool yardstick_steal_read(int32_t cpu, struct yardstick_steal *steal) MUST_USE;
/* Share of the time between two readings; 0 when no time has passed. */
double yardstick_steal_share(const struct yardstick_steal *before,
                             const struct yardstick_steal *after);

#endif
