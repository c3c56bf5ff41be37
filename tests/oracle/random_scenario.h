/* Small scenarios that are awkward on purpose: buffers of a few messages, stalls and closes in the
 * middle of bursts, clients in several rooms, turns cut short by every bound. */
#ifndef HEADROOM_TESTS_ORACLE_RANDOM_SCENARIO_H
#define HEADROOM_TESTS_ORACLE_RANDOM_SCENARIO_H

#include "models/spec/profile.h"
#include "sim/base/text.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct random_scenario {
    struct text json;
    struct profile_costs costs;
    base_ns warm_up_ns, measure_ns;
    double scale;
    bool has_generator;
};

void random_scenario_init(struct random_scenario *scenario, uint64_t seed);
void random_scenario_fini(struct random_scenario *scenario);

#endif
