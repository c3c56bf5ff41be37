/* Draws are named by client and number of the session, so that who comes when moves nobody's
 * length. */
#include "models/workload/sessions.h"

#include "models/workload/draws.h"

#include <math.h>

static const struct spec_population *population_of(const struct roster *roster, int32_t client) {
    return &roster->scenario->populations[roster->population[client]];
}

static struct rng stream(const struct roster *roster, uint64_t seed, int32_t client,
                         enum draws_purpose purpose, uint64_t index) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed,
                                     .entity = roster_client_entity(roster, client),
                                     .purpose = purpose,
                                     .index = index});
    return rng;
}

bool sessions_are_needed(const struct spec_scenario *scenario) {
    for (int32_t i = 0; i < scenario->populations_count; i++) {
        const struct spec_population *population = &scenario->populations[i];
        if (population->has_arrival || population->has_session || population->has_flap)
            return true;
    }
    return scenario->faults_count > 0;
}

bool sessions_is_present(const struct roster *roster, int32_t client) {
    const struct spec_population *population = population_of(roster, client);
    double present = population->has_arrival ? population->arrival.present : 1;
    return roster->ordinal[client] < llround(present * (double)population->connections);
}

base_ns sessions_length(const struct roster *roster, uint64_t seed, int32_t client,
                        uint64_t number) {
    const struct spec_population *population = population_of(roster, client);
    if (!population->has_session)
        return BASE_NS_MAX;
    struct rng rng = stream(roster, seed, client, DRAWS_SESSION, number);
    int64_t length_ns = draws_from(&population->session.length, &rng);
    bool has_begun = number == 0 && sessions_is_present(roster, client);
    return has_begun ? llround(rng_uniform(&rng) * (double)length_ns) : length_ns;
}

base_ns sessions_breaks_after(const struct roster *roster, uint64_t seed, int32_t client,
                              bool is_first) {
    const struct spec_population *population = population_of(roster, client);
    if (!population->has_flap)
        return BASE_NS_MAX;
    struct rng rng = stream(roster, seed, client, DRAWS_FLAP, 0);
    if (rng_uniform(&rng) >= population->flap.share)
        return BASE_NS_MAX;
    double part = is_first ? rng_uniform(&rng) : 1;
    return llround(part * (double)population->flap.every);
}

void sessions_arrivals_init(struct sessions_arrivals *arrivals, uint64_t seed, int32_t population) {
    *arrivals = (struct sessions_arrivals){.position = {0}};
    rng_init(&arrivals->rng, (struct rng_name){.seed = seed,
                                               .purpose = DRAWS_CLIENT_ARRIVAL,
                                               .index = (uint64_t)population});
}

base_ns sessions_next_arrival(const struct spec_population *population,
                              struct sessions_arrivals *arrivals) {
    if (!population->has_arrival)
        return BASE_NS_MAX;
    return pace_next(&population->arrival.rate, 1, 0, &arrivals->position, &arrivals->rng);
}
