/* Stages are walked forward only: points never go back. */
#include "models/workload/pace.h"

#include <math.h>

/* The instant at which the cumulative rate passes point / scale; BASE_NS_MAX: it never does. */
static base_ns due_of(const struct spec_pace *pace, double scale, struct pace_position *position) {
    double target = position->point / scale;
    for (;;) {
        const struct spec_stage *stage = &pace->stages[position->stage];
        bool is_last = position->stage + 1 == pace->stages_count || stage->for_ns == BASE_NS_MAX;
        double passed = is_last ? INFINITY : stage->rate_per_s * base_seconds(stage->for_ns);
        if (target - position->stage_start < passed) {
            if (stage->rate_per_s <= 0)
                return BASE_NS_MAX;
            base_ns into_ns =
                base_ns_from_seconds((target - position->stage_start) / stage->rate_per_s);
            return into_ns == BASE_NS_MAX ? BASE_NS_MAX : position->stage_start_ns + into_ns;
        }
        position->stage_start += passed;
        position->stage_start_ns += stage->for_ns;
        position->stage++;
    }
}

base_ns pace_next(const struct spec_pace *pace, double scale, struct pace_position *position,
                  struct rng *rng) {
    if (pace->kind == SPEC_PACE_POISSON)
        position->point += rng_exponential(rng, 1);
    else /* evenly spaced from a random phase on */
        position->point += position->point == 0 ? rng_uniform(rng) : 1;
    return due_of(pace, scale, position);
}
