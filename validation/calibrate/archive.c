/* A column of all windows is a series ("window.writes"), because that is what the store has for
 * many numbers of one kind, and a notebook reads it as such. Which columns there are is stats.def,
 * and a few of the window's own. Numbers below 2^53 pass through a double unchanged, and no counter
 * of a calibration comes near. */
#include "validation/calibrate/archive.h"

#include "sim/base/check.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column_kind { IS_INT32, IS_INT64, IS_UINT64, IS_DOUBLE, IS_EXCLUSION };

static const struct column {
    const char *name;
    size_t offset;
    enum column_kind kind;
} columns[] = {
#define OWN(name, kind) {"window." #name, offsetof(struct calibrate_window, name), kind},
    OWN(block, IS_INT32) OWN(life, IS_INT32) OWN(working_set, IS_DOUBLE) OWN(scattered, IS_DOUBLE)
        OWN(start_ns, IS_INT64) OWN(length_ns, IS_INT64) OWN(yard_before_ns, IS_DOUBLE)
            OWN(yard_after_ns, IS_DOUBLE) OWN(exclusion, IS_EXCLUSION)
#undef OWN
#define COUNTER(name, help)                                                                        \
    {"window." #name, offsetof(struct calibrate_window, counts.name), IS_UINT64},
#define NS(name, help) COUNTER(name, help)
#define GAUGE(name, help) COUNTER(name, help)
#include "validation/gateway/stats.def"
#undef COUNTER
#undef NS
#undef GAUGE
};

static double get(const struct column *column, const struct calibrate_window *window) {
    const char *at = (const char *)window + column->offset;
    switch (column->kind) {
    case IS_INT32:
        return (double)*(const int32_t *)(const void *)at;
    case IS_INT64:
        return (double)*(const int64_t *)(const void *)at;
    case IS_UINT64:
        return (double)*(const uint64_t *)(const void *)at;
    case IS_DOUBLE:
        return *(const double *)(const void *)at;
    case IS_EXCLUSION:
        return (double)*(const enum calibrate_exclusion *)(const void *)at;
    }
    return 0;
}

/* False: the value cannot be one. */
static bool set(const struct column *column, struct calibrate_window *window, double value) {
    char *at = (char *)window + column->offset;
    switch (column->kind) {
    case IS_INT32:
        *(int32_t *)(void *)at = (int32_t)value;
        return value >= 0 && value < WINDOWS_BLOCKS_MAX; /* there are fewer lives than blocks */
    case IS_INT64:
        *(int64_t *)(void *)at = (int64_t)value;
        return true;
    case IS_UINT64:
        *(uint64_t *)(void *)at = (uint64_t)value;
        return value >= 0;
    case IS_DOUBLE:
        *(double *)(void *)at = value;
        return true;
    case IS_EXCLUSION:
        *(enum calibrate_exclusion *)(void *)at = (enum calibrate_exclusion)value;
        return value >= 0 && value < CALIBRATE_EXCLUSIONS;
    }
    return false;
}

static void name_block(int32_t block, char name[32]) {
    snprintf(name, 32, "block.%03d", block);
}

static bool put_column(struct store *store, int64_t run, const struct column *column,
                       const struct windows *windows, double *values) {
    for (int32_t i = 0; i < windows->count; i++)
        values[i] = get(column, &windows->items[i]);
    struct store_series series = {
        .name = column->name, .unit = "", .count = windows->count, .values = values};
    return store_put_series(store, run, &series);
}

bool archive_put(struct store *store, int64_t run, const struct windows *windows) {
    double *values = malloc(((size_t)windows->count + 1) * sizeof *values);
    CHECK(values != NULL);
    bool is_put = true;
    for (size_t i = 0; i < COUNT_OF(columns) && is_put; i++)
        is_put = put_column(store, run, &columns[i], windows, values);
    free(values);
    for (int32_t i = 0; i < windows->count && is_put; i++) {
        const struct calibrate_window *window = &windows->items[i];
        char name[32];
        if (i > 0 && window->block == windows->items[i - 1].block)
            continue;
        name_block(window->block, name);
        struct store_metric cell = {.name = name,
                                    .value = window->block,
                                    .low = NAN,
                                    .high = NAN,
                                    .unit = "",
                                    .text = window->cell};
        is_put = store_put_metric(store, run, &cell);
    }
    return is_put;
}

/* One column into all windows, which the first one makes. */
static enum store_found get_column(struct store *store, int64_t run, const struct column *column,
                                   struct windows *windows) {
    struct arena arena;
    struct store_series series;
    arena_init(&arena);
    enum store_found found = store_series_of(store, run, column->name, &arena, &series);
    bool is_first = column == columns;
    if (found == STORE_FOUND && !is_first && series.count != windows->count)
        found = STORE_MISSING;
    for (int32_t i = 0; found == STORE_FOUND && i < series.count; i++) {
        if (is_first)
            windows_add(windows, &(struct calibrate_window){.cell = ""});
        if (!set(column, &windows->items[i], series.values[i]))
            found = STORE_MISSING;
    }
    arena_fini(&arena);
    return found;
}

enum store_found archive_get(struct store *store, int64_t run, struct arena *arena,
                             struct windows *windows) {
    enum store_found found = STORE_FOUND;
    for (size_t i = 0; i < COUNT_OF(columns) && found == STORE_FOUND; i++)
        found = get_column(store, run, &columns[i], windows);
    for (int32_t i = 0; i < windows->count && found == STORE_FOUND; i++) {
        struct calibrate_window *window = &windows->items[i];
        struct store_metric cell = {.text = i > 0 ? window[-1].cell : ""};
        char name[32];
        name_block(window->block, name);
        if (i == 0 || window->block != window[-1].block)
            found = store_metric_of(store, run, name, arena, &cell);
        window->cell = cell.text;
    }
    return found == STORE_FOUND && windows->count == 0 ? STORE_MISSING : found;
}
