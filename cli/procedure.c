/* Two seconds of window after one of warm-up: the search makes some twenty-five probes, and the
 * quickstart has seven minutes for everything. A short window flatters (DESIGN section 5);
 * `as_measured` says by how much, since it is the same procedure in simulated time. */
#include "cli/procedure.h"

#include "models/workload/plan.h"

#include <math.h>

enum { REPEATS_MAX = 1, NARROW_MAX = 7, SPREAD_COUNT = 8, PROBES_MAX = 44 };
static const double WINDOW_S = 2;
static const double START_DELIVERIES_PER_S = 20000;
static const double SCALE_RANGE =
    1e5; /* beyond the scenario's own load, up or down, nothing is looked for */

struct study_objective procedure_objective(const struct spec_scenario *spec) {
    return (struct study_objective){.late_share = 1 - spec->objectives.delivery.share,
                                    .lost_share = spec->objectives.lost_share};
}

double procedure_first_scale(const struct roster *roster) {
    double asked = plan_offered(roster).deliveries_per_s;
    return asked > 0 ? START_DELIVERIES_PER_S / asked : 1;
}

base_ns procedure_warm_up(void) {
    return BASE_NS_PER_S;
}

struct study_ceiling_options procedure_ceiling(const struct spec_scenario *spec,
                                               const struct roster *roster, double seconds) {
    double first = procedure_first_scale(roster);
    return (struct study_ceiling_options){
        .objective = procedure_objective(spec),
        .first_scale = first,
        .scale_min = first / 1000,
        .scale_max = first * SCALE_RANGE,
        .warm_up_ns = procedure_warm_up(),
        .measure_ns = base_ns_from_seconds(seconds > 0 ? seconds : WINDOW_S),
        .seed = spec->seed,
        .repeats_max = REPEATS_MAX,
        .narrow_max = NARROW_MAX,
        .spread_count = SPREAD_COUNT,
        .probes_max = PROBES_MAX};
}
