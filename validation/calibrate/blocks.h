/* The experiments: which loads a calibration runs, and what each of them tells apart.
 *
 * A setting is a gateway with a generator beside it. All settings are up for the whole calibration
 * (those that nobody asks use no processor), so blocks can follow each other in any order: a drift
 * of the machine then spreads over all cells instead of becoming a difference between two of them.
 * A cell is one load under one setting; a block is one visit to a cell. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_BLOCKS_H
#define HEADROOM_VALIDATION_CALIBRATE_BLOCKS_H

#include "models/spec/spec.h"
#include "sim/base/rng.h"
#include "sim/base/text.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum blocks_setting {
    BLOCKS_COALESCE,    /* rooms of 1, 100 and 1,000, written once per turn */
    BLOCKS_SCATTERED,   /* 30 rooms of 100, their members dealt out at random */
    BLOCKS_AT_ONCE,     /* rooms of 100 and 1,000, written at once */
    BLOCKS_SMALL_ROOMS, /* many rooms of 15 with independent publishers */
    BLOCKS_STALLED,     /* readers that trickle, behind a small send buffer */
    BLOCKS_STANDING, /* readers that never read, likewise: a gateway that nothing waited in yet */
    BLOCKS_QUIET,    /* one room of ten, now and then a publish */
    BLOCKS_SETTINGS
};

struct blocks_cell {
    const char *name;
    enum blocks_setting setting;
    bool is_burst;             /* else the scenario's own traffic, as independent publishers */
    int32_t room, rooms_count; /* burst: the first room, and how many of them in turn */
    int32_t members;           /* of each of these rooms; mean over publishes otherwise */
    int32_t publishes, bytes;  /* of a burst; per publish */
    double working_set;        /* sockets written between two visits to the same one */
    double busy;               /* share of the time that the gateway should be at work */
    int32_t visits;
    const char *drains_as; /* the cell of what is written when the load has ended; NULL: nothing */
};

enum { BLOCKS_MAX = 64 };

extern const struct blocks_cell blocks_cells[];
extern const int32_t blocks_cells_count;
/* Not in the fit: what first tells how fast the machine is, what fills queues to weigh them, and
 * one publish at a time for the latency of an idle gateway. */
extern const struct blocks_cell blocks_pilot, blocks_standing, blocks_quiet;

/* The scenario of a setting, as a file's text. */
void blocks_write_scenario(enum blocks_setting setting, uint64_t seed, struct text *out);

/* roster_scattered of each cell's rooms, the mean over their members. */
void blocks_scatter(uint64_t seed, double scattered[]);

/* True where the kernel is meant not to take everything. */
bool blocks_may_block(enum blocks_setting setting);

/* Every cell's visits in random order: order[i] is an index into blocks_cells. Returns how many,
 * at most BLOCKS_MAX. */
int32_t blocks_shuffle(struct rng *rng, int32_t order[BLOCKS_MAX]);

/* How fast the machine is, to choose rates that keep it as busy as a cell asks: what a write costs,
 * against the 1,800 ns that the rates were laid out for. */
struct blocks_speed {
    double factor;
};

/* What one burst, or one publish of the scenario's own traffic, takes on this machine; rough. */
base_ns blocks_expected_ns(const struct blocks_cell *cell, struct blocks_speed speed);

struct blocks_times {
    base_ns start_ns, warm_up_ns, measure_ns;
};
/* What the generator is asked. */
void blocks_write_command(const struct blocks_cell *cell, struct blocks_speed speed,
                          const struct blocks_times *times, struct text *out);

#endif
