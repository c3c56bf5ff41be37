/* A scenario with one field scaled, as a world that the study can ask: scale 1 is what the field
 * has now. Every probe makes its own clients and rooms. Safe to ask from several threads. */
#ifndef HEADROOM_CLI_WORLD_VARY_H
#define HEADROOM_CLI_WORLD_VARY_H

#include "cli/vary.h"
#include "cli/world_sim.h"

struct world_vary {
    const struct vary *vary;     /* borrowed */
    const struct world_sim *sim; /* borrowed; of the unchanged scenario: its draws of the costs */
};

/* Borrows `world`. The load's unit is what the first field has now. */
struct study_world world_vary_as_world(struct world_vary *world);

#endif
