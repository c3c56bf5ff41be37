/* What is measured beside the blocks: memory, kernel buffers, connecting, waking up, the generator.
 * Each fills its entries of the profile. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_EXPERIMENTS_H
#define HEADROOM_VALIDATION_CALIBRATE_EXPERIMENTS_H

#include "models/spec/profile.h"
#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "validation/calibrate/blocks.h"
#include "validation/calibrate/pairs.h"
#include "validation/load/report.h"
#include "validation/measure/server.h"
#include "validation/measure/yardstick.h"

#include <stdbool.h>

struct experiments {
    const struct calibrate_options *options; /* borrowed */
    struct profile *profile;                 /* borrowed; texts in `arena` */
    struct arena *arena;
    char why[CALIBRATE_WHY_BYTES];
};

/* An entry that was measured, within its row's bounds; an error that is none becomes the value. */
void experiments_set(struct experiments *experiments, enum cost cost, double value, double error,
                     const char *note);

/* Idle connections without a room: bytes of application and kernel per connection. */
bool experiments_memory(struct experiments *experiments) MUST_USE;
/* Kernel buffers of a stalled reader, on socket pairs. */
bool experiments_buffers(struct experiments *experiments) MUST_USE;

enum { EXPERIMENTS_CONNECTS_MAX = 64 };
struct experiments_accepts { /* ns per connection, of one gateway's clients each */
    double ns[EXPERIMENTS_CONNECTS_MAX];
    int32_t count;
};
/* Connects the pair's clients and times the gateway at it. */
bool experiments_connect(struct pair *pair, struct experiments_accepts *accepts) MUST_USE;
void experiments_accept(struct experiments *experiments, const struct experiments_accepts *accepts);

/* Application memory per byte waiting, from a gateway in which nothing waited before. */
void experiments_queued(struct experiments *experiments, const struct server_memory *before,
                        const struct server_memory *full, double queued_bytes);

struct experiments_generator { /* what one block's report says of the generator itself */
    struct load_looks sample, bulk;
    int64_t sends;
    double send_ns;
    double lateness_ns, look_ns;    /* as they would be if it did nothing but walk, and were not
                                       stolen from: medians */
    double stolen_count, stolen_ns; /* gaps in which its processor was taken away */
    double elapsed_s;
    bool is_one_by_one; /* a publish per send */
    bool is_moderate;   /* load at which its own delays are quoted */
};
struct experiments_generator experiments_read_generator(const struct load_report *report,
                                                        const struct blocks_cell *cell);
bool experiments_generator(struct experiments *experiments,
                           const struct experiments_generator *generators, int32_t count) MUST_USE;

/* What was watched of a processor's slow spells. */
void experiments_spells(struct experiments *experiments, const struct yardstick_spells *spells);

/* The processor costs come from elapsed time, gaps and spells included: less the share of those.
 * After the fit, experiments_generator and experiments_spells. */
void experiments_net_of_steal(struct profile *profile);

/* What a turn of the quiet block takes up to the middle of its room, by the profile's costs. */
double experiments_quiet_turn_ns(const struct profile *profile);
/* Waking up, from a quiet block's latency, with its turn's costs as the profile has them so far. */
void experiments_wake_up(struct experiments *experiments, const struct load_report *report);

#endif
