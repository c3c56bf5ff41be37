/* Prometheus text (format 0.0.4), from the statistics' own rows; a worker per label, never a room
 * or a client.
 *
 * Counters end in _total and times are in seconds, as Prometheus wants its base units. */
#include "validation/gateway/worker.h"

#include "sim/base/text.h"

#include <inttypes.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum row_kind { COUNTER, NS, GAUGE };

static const struct row {
    enum row_kind kind;
    const char *name, *help;
} rows[] = {
/* clang-format off */
#define COUNTER(name, help) {COUNTER, #name, help},
#define NS(name, help) {NS, #name, help},
#define GAUGE(name, help) {GAUGE, #name, help},
#include "validation/gateway/stats.def"
#undef COUNTER
#undef NS
#undef GAUGE
    /* clang-format on */
};

static const struct { /* of worker 0, who speaks to the backplane */
    bool is_gauge;
    size_t offset;
    const char *name, *help;
} backplane_rows[] = {
/* clang-format off */
#define COUNTER(name, help) {false, offsetof(struct gateway_stats_live, name), #name, help},
#define GAUGE(name, help) {true, offsetof(struct gateway_stats_live, name), #name, help},
#include "validation/backplane/counts.def"
#undef COUNTER
#undef GAUGE
    /* clang-format on */
};

static void write_head(struct text *out, const char *name, const char *help, bool is_gauge) {
    text_addf(out, "# HELP headroom_gateway_%s %s\n# TYPE headroom_gateway_%s %s\n", name, help,
              name, is_gauge ? "gauge" : "counter");
}

static uint64_t word_of(const struct gateway *gateway, int32_t worker, size_t row) {
    const _Atomic uint64_t *words =
        (const _Atomic uint64_t *)(const void *)&gateway->stats->workers[worker];
    return atomic_load_explicit(&words[row], memory_order_relaxed);
}

static void write_values(const struct gateway *gateway, struct text *out, size_t row,
                         const char *name) {
    for (int32_t i = 0; i < gateway->workers_count; i++)
        text_addf(out, "headroom_gateway_%s{worker=\"%d\"} %" PRIu64 "\n", name, i,
                  word_of(gateway, i, row));
}

static void write_seconds(const struct gateway *gateway, struct text *out, size_t row,
                          const char *labels) {
    for (int32_t i = 0; i < gateway->workers_count; i++)
        text_addf(out, "headroom_gateway_%s%sworker=\"%d\"} %.9f\n",
                  labels[0] == '{' ? "cpu_seconds_total" : "phase_seconds_total{phase=\"", labels,
                  i, (double)word_of(gateway, i, row) * 1e-9);
}

/* The times of the phases are one metric, told apart by a label. */
static void write_phases(const struct gateway *gateway, struct text *out) {
    write_head(out, "phase_seconds_total", "Time by phase of the loop.", false);
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        const char *name = rows[row].name;
        if (rows[row].kind != NS || strcmp(name, "cpu_ns") == 0)
            continue;
        char labels[64];
        snprintf(labels, sizeof labels, "%.*s\",", (int)strlen(name) - 3, name);
        write_seconds(gateway, out, row, labels);
    }
}

/* A level of nanoseconds, `feed_longest_ns`, in seconds. */
static void write_level_of_time(const struct gateway *gateway, struct text *out, size_t row) {
    char name[64];
    snprintf(name, sizeof name, "%.*s_seconds", (int)strlen(rows[row].name) - 3, rows[row].name);
    write_head(out, name, rows[row].help, true);
    for (int32_t i = 0; i < gateway->workers_count; i++)
        text_addf(out, "headroom_gateway_%s{worker=\"%d\"} %.9f\n", name, i,
                  (double)word_of(gateway, i, row) * 1e-9);
}

static bool is_of_time(const char *name) {
    size_t length = strlen(name);
    return length > 3 && strcmp(name + length - 3, "_ns") == 0;
}

static void write_row(const struct gateway *gateway, struct text *out, size_t row) {
    char name[64];
    switch (rows[row].kind) {
    case COUNTER:
        snprintf(name, sizeof name, "%s_total", rows[row].name);
        write_head(out, name, rows[row].help, false);
        write_values(gateway, out, row, name);
        break;
    case GAUGE:
        if (strcmp(rows[row].name, "now_ns") == 0)
            break; /* of the file's reader only */
        if (is_of_time(rows[row].name)) {
            write_level_of_time(gateway, out, row);
            break;
        }
        write_head(out, rows[row].name, rows[row].help, true);
        write_values(gateway, out, row, rows[row].name);
        break;
    case NS:
        if (strcmp(rows[row].name, "cpu_ns") != 0)
            break;
        write_head(out, "cpu_seconds_total", rows[row].help, false);
        write_seconds(gateway, out, row, "{");
        break;
    }
}

static void write_closes(const struct gateway *gateway, struct text *out) {
    write_head(out, "closed_total", "Connections ended, by reason.", false);
    for (int i = 0; i < GATEWAY_CLOSE_COUNT; i++)
        for (int32_t worker = 0; worker < gateway->workers_count; worker++)
            text_addf(out,
                      "headroom_gateway_closed_total{reason=\"%s\",worker=\"%d\"} %" PRIu64 "\n",
                      gateway_close_label((enum gateway_close)i), worker,
                      atomic_load_explicit(&gateway->stats->workers[worker].closed[i],
                                           memory_order_relaxed));
}

static void write_backplane(const struct gateway *gateway, struct text *out) {
    const char *live = (const char *)&gateway->stats->workers[0];
    for (size_t row = 0; row < COUNT_OF(backplane_rows); row++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", backplane_rows[row].name,
                 backplane_rows[row].is_gauge ? "" : "_total");
        const _Atomic uint64_t *word = (const void *)(live + backplane_rows[row].offset);
        write_head(out, name, backplane_rows[row].help, backplane_rows[row].is_gauge);
        text_addf(out, "headroom_gateway_%s %" PRIu64 "\n", name,
                  atomic_load_explicit(word, memory_order_relaxed));
    }
}

void metrics_write(const struct gateway *gateway, struct text *out) {
    write_head(out, "connections_limit", "Most connections let in.", true);
    text_addf(out, "headroom_gateway_connections_limit %" PRId64 "\n", gateway->connections_max);
    struct mallinfo2 memory = mallinfo2();
    write_head(out, "heap_bytes", "Memory handed out by the allocator.", true);
    text_addf(out, "headroom_gateway_heap_bytes %zu\n", memory.uordblks + memory.hblkhd);
    for (size_t row = 0; row < COUNT_OF(rows); row++)
        write_row(gateway, out, row);
    write_phases(gateway, out);
    write_closes(gateway, out);
    if (gateway->workers[0].backplane != NULL)
        write_backplane(gateway, out);
}
