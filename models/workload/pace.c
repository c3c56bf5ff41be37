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

/* The cumulative rate at `at_ns`, which is not before the position's stage. */
static double cumulative(const struct spec_pace *pace, struct pace_position from, base_ns at_ns) {
    const struct spec_stage *stage = &pace->stages[from.stage];
    while (from.stage + 1 < pace->stages_count && at_ns - from.stage_start_ns > stage->for_ns) {
        from.stage_start += stage->rate_per_s * base_seconds(stage->for_ns);
        from.stage_start_ns += stage->for_ns;
        stage = &pace->stages[++from.stage];
    }
    return from.stage_start + stage->rate_per_s * base_seconds(at_ns - from.stage_start_ns);
}

/* Equal spaces are multiples of each other up to the rounding of times to nanoseconds. */
static const double POINTS_ROUNDING = 1e-6;

base_ns pace_next(const struct spec_pace *pace, double scale, base_ns not_before_ns,
                  struct pace_position *position, struct rng *rng) {
    double least = not_before_ns > 0 ? scale * cumulative(pace, *position, not_before_ns) : 0;
    if (pace->kind == SPEC_PACE_POISSON)
        position->point = fmax(position->point, least) + rng_exponential(rng, 1);
    else if (position->point == 0) /* evenly spaced from a random phase on */
        position->point = rng_uniform(rng);
    else
        position->point += fmax(1, ceil(least - position->point - POINTS_ROUNDING));
    return due_of(pace, scale, position);
}

static double throttled(const struct spec_pace *pace, double rate_per_s, base_ns throttle_ns) {
    double within = rate_per_s * base_seconds(throttle_ns);
    if (pace->kind == SPEC_PACE_POISSON)
        return rate_per_s / (1 + within);
    return rate_per_s / fmax(1, ceil(within - POINTS_ROUNDING));
}

double pace_mean(const struct spec_pace *pace, base_ns throttle_ns, base_ns from_ns,
                 base_ns to_ns) {
    if (pace->stages_count == 1)
        return throttled(pace, pace->stages[0].rate_per_s, throttle_ns);
    double sum = 0;
    base_ns start_ns = 0;
    for (int32_t i = 0; i < pace->stages_count && start_ns < to_ns; i++) {
        const struct spec_stage *stage = &pace->stages[i];
        bool is_last = i + 1 == pace->stages_count || stage->for_ns >= to_ns - start_ns;
        base_ns end_ns = is_last ? to_ns : start_ns + stage->for_ns;
        base_ns counted_ns = end_ns - (start_ns > from_ns ? start_ns : from_ns);
        if (counted_ns > 0)
            sum += throttled(pace, stage->rate_per_s, throttle_ns) * base_seconds(counted_ns);
        start_ns = end_ns;
    }
    return sum / base_seconds(to_ns - from_ns);
}
