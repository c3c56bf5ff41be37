/* What a run measures, by name: counters, levels, histograms and time series, listed in the order
 * they were made, so that whoever stores or prints them needs to know none by name. */
#ifndef HEADROOM_SIM_ENGINE_METER_H
#define HEADROOM_SIM_ENGINE_METER_H

#include "sim/base/arena.h"
#include "sim/base/hist.h"
#include "sim/base/stats.h"
#include "sim/base/time.h"

#include <stdint.h>

enum { METER_ENTRIES_MAX = 512, METER_WINDOWS_MAX = 1 << 20 };

enum meter_kind { METER_COUNTER, METER_LEVEL, METER_HIST, METER_SERIES };

struct meter_counter {
    uint64_t count;
};

/* Time-weighted: jobs in a queue, bytes held. */
struct meter_level {
    struct stats_time_weighted level;
};

struct meter_hist {
    struct hist hist;
};

struct meter_window {
    uint64_t count;
    double sum;
    double max; /* 0 where count is */
};

/* Values by windows of equal width, the first from 0 on. The last `windows_max` of them are kept.
 */
struct meter_series {
    base_ns width_ns;
    struct meter_window *windows; /* ring [windows_max] by window number; in the arena */
    uint32_t windows_max;
    int64_t first_window, end_window; /* numbers of those kept: [first, end) */
    uint64_t
        lost_count; /* windows that were overwritten and values that came too late for theirs */
};

struct meter_entry {
    enum meter_kind kind;
    const char *name, *unit; /* borrowed; outlive the meter */
    union {
        struct meter_counter counter;
        struct meter_level level;
        struct meter_hist hist;
        struct meter_series series;
    };
};

struct meter {
    struct arena *arena; /* borrowed; outlives the meter */
    struct meter_entry *entries[METER_ENTRIES_MAX];
    int32_t entries_count;
};

void meter_init(struct meter *meter, struct arena *arena);
void meter_fini(struct meter *meter);

/* A name is used once. The result lives as long as the meter. */
struct meter_counter *meter_new_counter(struct meter *meter, const char *name, const char *unit);
struct meter_level *meter_new_level(struct meter *meter, const char *name, const char *unit,
                                    base_ns now_ns, double value);
struct hist *meter_new_hist(struct meter *meter, const char *name, const char *unit);
/* `windows_max` from 1 to METER_WINDOWS_MAX. */
struct meter_series *meter_new_series(struct meter *meter, const char *name, const char *unit,
                                      base_ns width_ns, uint32_t windows_max);

/* NULL when there is none of that name. */
const struct meter_entry *meter_find(const struct meter *meter, const char *name);

void meter_level_set(struct meter_level *level, base_ns now_ns, double value);
void meter_level_add(struct meter_level *level, base_ns now_ns, double change);
double meter_level_mean(const struct meter_level *level, base_ns now_ns);

void meter_series_add(struct meter_series *series, base_ns at_ns, double value);
/* A window that is kept, by its number at_ns / width_ns; NULL when it is lost or yet to come. */
const struct meter_window *meter_series_window(const struct meter_series *series, int64_t window);

/* The end of a warm-up: counts and histograms are emptied, levels keep their value, series go on.
 */
void meter_restart(struct meter *meter, base_ns now_ns);

#endif
