/* A small scenario with its roster and clients, for tests that need somebody to connect. */
#ifndef HEADROOM_TESTS_VALIDATION_LOAD_WORLD_H
#define HEADROOM_TESTS_VALIDATION_LOAD_WORLD_H

#include "models/spec/spec.h"
#include "models/workload/roster.h"

struct world {
    struct arena arena;
    struct spec_scenario scenario;
    struct roster roster;
};

/* The text must be a right scenario: CHECK. */
void world_init(struct world *world, const char *scenario_json);
void world_fini(struct world *world);

/* 150 players and 70 with a slow line in rooms of 11; 8 publishes/s per room of 100 bytes. With few
 * samples asked for, 64 of each are sampled, 86 counted by bytes and 6 read without being timed. */
extern const char world_mixed[];

#endif
