/* When clients come, how long they stay, and whose connections break: a population's coming and
 * going, as functions of scenario and seed. docs/models/connections.md. */
#ifndef HEADROOM_MODELS_WORKLOAD_SESSIONS_H
#define HEADROOM_MODELS_WORKLOAD_SESSIONS_H

#include "models/workload/pace.h"
#include "models/workload/roster.h"

/* Whether connections come and go, or something is done to them: else all of them are there from
 * the start to the end. */
bool sessions_are_needed(const struct spec_scenario *scenario);

/* Whether the client is connected at the start. */
bool sessions_is_present(const struct roster *roster, int32_t client);

/* How long the client's `number`-th session is (0: the first), from its arrival on or, where it is
 * there at the start, from then on. BASE_NS_MAX: to the end. */
base_ns sessions_length(const struct roster *roster, uint64_t seed, int32_t client,
                        uint64_t number);

/* When a new connection of the client breaks, counted from its beginning. `is_first`: that part of
 * its period that is left. BASE_NS_MAX: it does not. */
base_ns sessions_breaks_after(const struct roster *roster, uint64_t seed, int32_t client,
                              bool is_first);

struct sessions_arrivals { /* of one population */
    struct pace_position position;
    struct rng rng;
};
void sessions_arrivals_init(struct sessions_arrivals *arrivals, uint64_t seed, int32_t population);
base_ns sessions_next_arrival(const struct spec_population *population,
                              struct sessions_arrivals *arrivals);

#endif
