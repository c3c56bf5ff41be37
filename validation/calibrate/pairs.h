/* A gateway and a generator for one setting, up for the whole calibration. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_PAIRS_H
#define HEADROOM_VALIDATION_CALIBRATE_PAIRS_H

#include "sim/base/attributes.h"
#include "validation/calibrate/blocks.h"
#include "validation/calibrate/calibrate.h"
#include "validation/load/session.h"
#include "validation/load/tally.h"
#include "validation/measure/server.h"

#include <stdbool.h>

enum { PAIRS_WHY_BYTES = 320 };

struct pair {
    struct server server;
    struct load_session load;
    enum blocks_setting setting;
    char scenario_path[64]; /* "": none, or removed already */
    char why[PAIRS_WHY_BYTES];
};

/* Starts both programs; nobody is connected yet. False with pair->why. */
bool pair_start(struct pair *pair, enum blocks_setting setting,
                const struct calibrate_options *options) MUST_USE;
/* Connects the setting's clients. */
bool pair_connect(struct pair *pair, struct load_tally *tally) MUST_USE;
/* Connections without a room, until there are so many. */
bool pair_ramp(struct pair *pair, int64_t connections, struct load_tally *tally) MUST_USE;
/* Harmless when it was never started (zeroed). */
void pair_stop(struct pair *pair);

/* What the setting pins, for the profile: one line. */
extern const char *const PAIRS_CONGESTION;

#endif
