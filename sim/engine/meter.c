/* Entries live in the arena, so a model keeps the pointer and pays no look-up; names are for those
 * who read the results. */
#include "sim/engine/meter.h"

#include "sim/base/check.h"

#include <string.h>

void meter_init(struct meter *meter, struct arena *arena) {
    meter->arena = arena;
    meter->entries_count = 0;
}

void meter_fini(struct meter *meter) {
    for (int32_t i = 0; i < meter->entries_count; i++)
        if (meter->entries[i]->kind == METER_HIST)
            hist_fini(&meter->entries[i]->hist.hist);
    meter->entries_count = 0;
}

const struct meter_entry *meter_find(const struct meter *meter, const char *name) {
    for (int32_t i = 0; i < meter->entries_count; i++)
        if (strcmp(meter->entries[i]->name, name) == 0)
            return meter->entries[i];
    return NULL;
}

static struct meter_entry *new_entry(struct meter *meter, enum meter_kind kind, const char *name,
                                     const char *unit) {
    CHECK(meter->entries_count < METER_ENTRIES_MAX);
    CHECK(!meter_find(meter, name));
    struct meter_entry *entry = ARENA_NEW(meter->arena, 1, struct meter_entry);
    entry->kind = kind;
    entry->name = name;
    entry->unit = unit;
    meter->entries[meter->entries_count++] = entry;
    return entry;
}

struct meter_counter *meter_new_counter(struct meter *meter, const char *name, const char *unit) {
    return &new_entry(meter, METER_COUNTER, name, unit)->counter;
}

struct meter_level *meter_new_level(struct meter *meter, const char *name, const char *unit,
                                    base_ns now_ns, double value) {
    struct meter_level *level = &new_entry(meter, METER_LEVEL, name, unit)->level;
    stats_time_weighted_init(&level->level, now_ns, value);
    return level;
}

struct hist *meter_new_hist(struct meter *meter, const char *name, const char *unit) {
    struct hist *hist = &new_entry(meter, METER_HIST, name, unit)->hist.hist;
    hist_init(hist);
    return hist;
}

struct meter_series *meter_new_series(struct meter *meter, const char *name, const char *unit,
                                      base_ns width_ns, uint32_t windows_max) {
    CHECK(width_ns > 0 && windows_max >= 1 && windows_max <= METER_WINDOWS_MAX);
    struct meter_series *series = &new_entry(meter, METER_SERIES, name, unit)->series;
    series->width_ns = width_ns;
    series->windows_max = windows_max;
    series->windows = ARENA_NEW(meter->arena, windows_max, struct meter_window);
    return series;
}

void meter_level_set(struct meter_level *level, base_ns now_ns, double value) {
    stats_time_weighted_set(&level->level, now_ns, value);
}

void meter_level_add(struct meter_level *level, base_ns now_ns, double change) {
    stats_time_weighted_set(&level->level, now_ns, level->level.value + change);
}

double meter_level_mean(const struct meter_level *level, base_ns now_ns) {
    return stats_time_weighted_mean(&level->level, now_ns);
}

static struct meter_window *place_of(const struct meter_series *series, int64_t window) {
    return &series->windows[window % series->windows_max];
}

/* Empties the places of the windows up to `window`; what stood there is lost. A jump over more
 * windows than are kept costs no more than one round of the ring. */
static void extend_to(struct meter_series *series, int64_t window) {
    int64_t end = window + 1, first = end - series->windows_max;
    if (first < series->first_window)
        first = series->first_window;
    series->lost_count += (uint64_t)(first - series->first_window);
    for (int64_t i = series->end_window > first ? series->end_window : first; i < end; i++)
        *place_of(series, i) = (struct meter_window){0};
    series->first_window = first;
    series->end_window = end;
}

void meter_series_add(struct meter_series *series, base_ns at_ns, double value) {
    CHECK(at_ns >= 0);
    int64_t window = at_ns / series->width_ns;
    if (window < series->first_window) {
        series->lost_count++;
        return;
    }
    if (window >= series->end_window)
        extend_to(series, window);
    struct meter_window *place = place_of(series, window);
    if (place->count == 0 || value > place->max)
        place->max = value;
    place->count++;
    place->sum += value;
}

const struct meter_window *meter_series_window(const struct meter_series *series, int64_t window) {
    if (window < series->first_window || window >= series->end_window)
        return NULL;
    return place_of(series, window);
}

void meter_restart(struct meter *meter, base_ns now_ns) {
    for (int32_t i = 0; i < meter->entries_count; i++) {
        struct meter_entry *entry = meter->entries[i];
        switch (entry->kind) {
        case METER_COUNTER:
            entry->counter.count = 0;
            break;
        case METER_LEVEL:
            stats_time_weighted_restart(&entry->level.level, now_ns);
            break;
        case METER_HIST:
            hist_clear(&entry->hist.hist);
            break;
        case METER_SERIES:
            break;
        }
    }
}
