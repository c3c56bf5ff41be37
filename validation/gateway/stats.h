/* What the gateway did, readable at any instant by another process without a word to it.
 *
 * A file that is mapped by both: a head, then one block per worker. Only the worker writes its
 * block, with relaxed atomic stores (plain moves), so counting costs no lock and a reader disturbs
 * nothing. A snapshot is not one instant across counters; differences of two snapshots are right to
 * a turn. */
#ifndef HEADROOM_VALIDATION_GATEWAY_STATS_H
#define HEADROOM_VALIDATION_GATEWAY_STATS_H

#include "sim/base/attributes.h"
#include "sim/base/time.h"
#include "models/workload/slow_consumer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum gateway_close {
#define CLOSE(enumerator, label, code) GATEWAY_CLOSE_##enumerator,
#include "validation/gateway/close_reason.def"
#undef CLOSE
    GATEWAY_CLOSE_COUNT
};

#define COUNTER(name, help) uint64_t name;
#define NS(name, help) uint64_t name;
#define GAUGE(name, help) uint64_t name;
struct gateway_stats { /* a snapshot */
#include "validation/gateway/stats.def"
    uint64_t closed[GATEWAY_CLOSE_COUNT];
#include "validation/backplane/counts.def"
};
#undef COUNTER
#undef NS
#undef GAUGE

enum { GATEWAY_STATS_WORDS = sizeof(struct gateway_stats) / sizeof(uint64_t) };

#define COUNTER(name, help) _Atomic uint64_t name;
#define NS(name, help) _Atomic uint64_t name;
#define GAUGE(name, help) _Atomic uint64_t name;
struct gateway_stats_live { /* the same words, being counted */
    _Alignas(128)
#include "validation/gateway/stats.def"
        _Atomic uint64_t closed[GATEWAY_CLOSE_COUNT];
#include "validation/backplane/counts.def"
};
#undef COUNTER
#undef NS
#undef GAUGE

#define GATEWAY_STATS_MAGIC UINT64_C(0x6d6f6f7264616568) /* "headroom", little-endian */
enum { GATEWAY_STATS_VERSION = 1 };

struct gateway_stats_file {
    uint64_t magic;
    uint32_t version, words; /* words of a block: a reader of another version sees that it is one */
    uint32_t workers_count, pid;
    uint64_t started_ns; /* monotonic */
    _Alignas(128) struct gateway_stats_live workers[];
};

static inline void gateway_count(_Atomic uint64_t *counter, uint64_t n) {
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + n, memory_order_relaxed);
}
static inline void gateway_uncount(_Atomic uint64_t *gauge, uint64_t n) {
    uint64_t value = atomic_load_explicit(gauge, memory_order_relaxed);
    atomic_store_explicit(gauge, value - n, memory_order_relaxed);
}
static inline void gateway_level(_Atomic uint64_t *gauge, uint64_t value) {
    atomic_store_explicit(gauge, value, memory_order_relaxed);
}

/* Creates and maps the file (NULL: anonymous memory). NULL with errno set when that fails. */
struct gateway_stats_file *gateway_stats_create(const char *path, uint32_t workers_count,
                                                base_ns now_ns) MUST_USE;

struct gateway_stats_reader {
    const struct gateway_stats_file *file;
    uint64_t file_bytes;
};
/* Maps and validates; false with `why` (static text) where it is not such a file (yet). */
bool gateway_stats_open(struct gateway_stats_reader *reader, const char *path,
                        const char **why) MUST_USE;
void gateway_stats_close(struct gateway_stats_reader *reader);
uint32_t gateway_stats_workers(const struct gateway_stats_reader *reader);

void gateway_stats_snapshot(const struct gateway_stats_live *live, struct gateway_stats *stats);
void gateway_stats_read(const struct gateway_stats_reader *reader, uint32_t worker,
                        struct gateway_stats *stats);
/* Sum over workers; now_ns is the latest. queued_bytes_max adds the workers' own maxima. */
void gateway_stats_read_all(const struct gateway_stats_reader *reader, struct gateway_stats *stats);
/* Adds word by word; levels too. */
void gateway_stats_add(struct gateway_stats *into, const struct gateway_stats *from);
/* later - earlier for counters and times; levels keep the later value. */
struct gateway_stats gateway_stats_since(const struct gateway_stats *earlier,
                                         const struct gateway_stats *later);

const char *gateway_close_label(enum gateway_close reason);
uint16_t gateway_close_code(enum gateway_close reason);
/* SLOW_REASON_NONE for closes that have nothing to do with slowness. */
enum slow_consumer_reason gateway_close_slow_reason(enum gateway_close reason);
enum gateway_close gateway_close_of_slow(enum slow_consumer_reason reason);

#endif
