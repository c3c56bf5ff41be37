/* The flight recorder: what each turn of a worker's loop read, touched, wrote and took, in one
 * format for both worlds, so that the first place where they part can be found
 * (validation/compare).
 *
 * A recording is a piece of memory in the caller's hands, a mapped file for the gateway: a head,
 * then a ring of fixed-size records per worker. The newest turns are kept: what is asked about is a
 * window near the end, and the crowd that connects at the start is not. Only its worker writes a
 * ring, one plain copy per turn and a count behind it. A reader that comes while turns go on may
 * find the oldest ones half replaced; it asks for a window, which lies further on. */
#ifndef HEADROOM_MODELS_WORKLOAD_TURN_H
#define HEADROOM_MODELS_WORKLOAD_TURN_H

#include "sim/base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COLUMN(name, unit, doc) TURN_##name,
enum turn_column {
#include "models/workload/turn.def"
    TURN_COLUMNS
};
#undef COLUMN

#define COLUMN(name, unit, doc) int64_t name;
struct turn {
#include "models/workload/turn.def"
};
#undef COLUMN

_Static_assert(sizeof(struct turn) == TURN_COLUMNS * sizeof(int64_t), "a turn is its columns");

enum {
    TURN_WORKERS_MAX = 64,
    TURNS_MAX = 1 << 18, /* of a recording, over all workers: 32 MiB */
    TURN_FILE_VERSION = 1
};
#define TURN_FILE_MAGIC UINT64_C(0x736e727574647268) /* "hrdturns", little-endian */

struct turn_ring {
    _Alignas(
        64) _Atomic uint64_t count; /* turns recorded; the latest turns_max of them are there */
};

struct turn_file {
    uint64_t magic;
    uint32_t version, columns_count, workers_count, turns_max; /* of a ring: a power of two */
    int64_t window_start_ns, window_end_ns; /* only turns that begin in it count; both 0: all */
    struct turn_ring rings[]; /* [workers_count], then turns[workers_count][turns_max] */
};

/* As many turns per worker as TURNS_MAX allows. */
uint32_t turn_file_turns_max(int32_t workers_count);
size_t turn_file_bytes(int32_t workers_count, uint32_t turns_max);
/* `memory` is aligned like a turn_file, and holds turn_file_bytes of zero. */
struct turn_file *turn_file_init(void *memory, int32_t workers_count, uint32_t turns_max);

/* One worker's end of it; turns NULL: nothing is recorded. */
struct turn_log {
    struct turn *turns; /* borrowed, as the count */
    _Atomic uint64_t *count;
    uint64_t mask;
};
/* `file` NULL: an end that records nothing. */
struct turn_log turn_log_of(struct turn_file *file, int32_t worker);

static inline void turn_log_add(const struct turn_log *log, const struct turn *turn) {
    uint64_t count = atomic_load_explicit(log->count, memory_order_relaxed);
    log->turns[count & log->mask] = *turn;
    atomic_store_explicit(log->count, count + 1, memory_order_release);
}

/* False with `why` (static text) where these bytes are no such recording. `memory` is aligned
 * likewise. */
bool turn_file_check(const void *memory, size_t bytes, const char **why) MUST_USE;

/* Turns of a worker that are there, and those that were overwritten. */
int64_t turn_file_count(const struct turn_file *file, int32_t worker);
int64_t turn_file_lost(const struct turn_file *file, int32_t worker);
/* The i-th of those that are there, oldest first. */
const struct turn *turn_file_at(const struct turn_file *file, int32_t worker, int64_t i);
bool turn_file_is_in_window(const struct turn_file *file, const struct turn *turn);

static inline int64_t turn_value(const struct turn *turn, enum turn_column column) {
    return ((const int64_t *)(const void *)turn)[column];
}
const char *turn_column_name(enum turn_column column);
const char *turn_column_unit(enum turn_column column);
const char *turn_column_doc(enum turn_column column);

#endif
