/* Which clients are looked at one by one. */
#ifndef HEADROOM_VALIDATION_LOAD_SAMPLE_H
#define HEADROOM_VALIDATION_LOAD_SAMPLE_H

#include "models/workload/roster.h"
#include "sim/base/arena.h"

#include <stdint.h>

enum { SAMPLE_POPULATION_MIN = 64 };

struct sample {
    int32_t *clients; /* ascending */
    int32_t count;
};

/* About `wanted` clients in proportion to the populations, but at least SAMPLE_POPULATION_MIN (or
 * all) of each; within a population one out of each of as many equal strata of the list ordered by
 * room, so that the sample is spread over rooms and over places within a room. A pure function of
 * (roster, seed): every process of a generator chooses the same. */
void sample_init(struct sample *sample, const struct roster *roster, int32_t wanted, uint64_t seed,
                 struct arena *arena);

#endif
