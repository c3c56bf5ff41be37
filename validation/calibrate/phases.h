/* Which counts each phase of the gateway's loop is fitted to.
 *
 * The loop charges its time to phases. A cost may have a part in two of them (a turn pays for the
 * poll and for the walk over its events), and is then their sum. Writing is fitted where the kernel
 * takes all; what a backlog costs is fitted afterwards, in the blocks that have one, to what
 * writing is predicted to take there and to what was queued: those blocks leave the gateway idle
 * most of the time, which makes each of their writes dearer, and in one fit with the others they
 * would make every frame dear. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_PHASES_H
#define HEADROOM_VALIDATION_CALIBRATE_PHASES_H

#include "models/spec/profile.h"
#include "validation/calibrate/fit.h"
#include "validation/calibrate/windows.h"

#include <stdbool.h>

enum phase {
    PHASE_LOOP,
    PHASE_READ,
    PHASE_WRITE,
    PHASE_BACKLOG, /* writing again, of other blocks; fitted after it */
    PHASES
};

/* The cost of a term that is none: the whole of PHASE_WRITE as its fit predicts it, whose factor
 * only says how far off that is. */
enum { PHASES_WRITTEN = COST_COUNT };

struct phase_term {
    int32_t cost;                                           /* enum cost, or PHASES_WRITTEN */
    double (*count)(const struct calibrate_window *window); /* NULL of PHASES_WRITTEN */
};

int32_t phases_terms_count(enum phase phase);
const struct phase_term *phases_terms(enum phase phase); /* [phases_terms_count] */

double phases_ns(const struct calibrate_window *window, enum phase phase);
/* All that the loop did, accepting included. */
double phases_busy_ns(const struct calibrate_window *window);

#endif
