/* A block, cut into windows: differences of two looks at the gateway's counters while its load
 * runs. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_WINDOWS_H
#define HEADROOM_VALIDATION_CALIBRATE_WINDOWS_H

#include "sim/base/attributes.h"
#include "validation/calibrate/blocks.h"
#include "validation/calibrate/calibrate.h"
#include "validation/calibrate/fit.h"
#include "validation/calibrate/machine.h"
#include "validation/calibrate/pairs.h"
#include "validation/load/report.h"

#include <stdbool.h>

#define WINDOWS_LENGTH_NS (100 * BASE_NS_PER_MS)

struct windows {
    struct calibrate_window *items; /* heap; windows_fini */
    int32_t count, capacity;
};

void windows_init(struct windows *windows);
void windows_fini(struct windows *windows);
void windows_add(struct windows *windows, const struct calibrate_window *window);

enum { WINDOWS_BLOCKS_MAX = FIT_BLOCKS_MAX };

/* Blocks of one cell are visits to the same load: cells[block] is the cell's number, by the names
 * of the cells, in the order in which they first appear. Returns the highest block's number and
 * one. */
int32_t windows_cells(const struct windows *windows, int32_t cells[WINDOWS_BLOCKS_MAX]);

struct windows_block {
    const struct blocks_cell *cell;
    double scattered; /* of the cell: blocks_scatter */
    struct blocks_speed speed;
    int32_t number, life;
    base_ns warm_up_ns, measure_ns;
    int32_t
        drain_number; /* of what the gateway writes when the load has ended; -1: not looked at */
    struct server_memory *memory_at_end; /* of the load, before it drains; or NULL */
    const volatile sig_atomic_t *stop;   /* or NULL */
};

/* Runs the block's load in `pair` and adds its windows; fills `report` (initialised). False when
 * the pair broke or `stop` was set: the generator is gone then, and pair->why says which. */
bool windows_run(struct windows *windows, struct pair *pair, const struct windows_block *block,
                 struct load_report *report) MUST_USE;

/* The rules. What happened to the machine within a window ... */
enum calibrate_exclusion windows_judge(const struct calibrate_window *window,
                                       const struct machine_counters *before,
                                       const struct machine_counters *after, bool may_block);
/* ... and what the generator says of its whole block: true when it was too late to be believed. */
bool windows_is_late(const struct load_report *report);

#endif
