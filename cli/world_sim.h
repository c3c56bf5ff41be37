/* The simulator as a world that the study can ask. Safe to ask from several threads. */
#ifndef HEADROOM_CLI_WORLD_SIM_H
#define HEADROOM_CLI_WORLD_SIM_H

#include "cli/costs.h"
#include "cli/files.h"
#include "models/cluster/layout.h"
#include "study/probe.h"

enum { WORLD_SIM_DRAWS_MAX = 64 };

struct world_sim {
    const struct scenario *scenario; /* borrowed */
    struct layout layout;
    struct profile_costs draws[WORLD_SIM_DRAWS_MAX]; /* 0: the profile's own values */
    bool has_generator;
};

/* A draw of all costs, which depends on nothing else: 0 is the profile's own values. */
struct profile_costs world_sim_draw(const struct profile *profile, uint64_t seed, int32_t draw);
void world_sim_init(struct world_sim *sim, struct scenario *scenario,
                    const struct costs_choice *costs);
/* One probe of a scenario as it is laid out, its publish rates times request->scale. */
void world_sim_probe(const struct layout *layout, const struct profile_costs *costs,
                     bool has_generator, const struct study_probe_request *request,
                     struct study_probe_result *result);
/* Borrows `sim`. */
struct study_world world_sim_as_world(struct world_sim *sim);

/* An outcome as the study wants it. */
struct study_probe_result world_result_of(const struct outcome *outcome);

#endif
