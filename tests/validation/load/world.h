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

/* 60 players and 6 on bad wifi in rooms of 11; 20 publishes/s per room of 100 bytes. */
extern const char world_mixed[];

#endif
