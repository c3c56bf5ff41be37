/* The clock of a pace: when the cumulative rate passes E_k / scale, E_k being the k-th point of a
 * unit-rate process. Publishes and arrivals of clients go by it alike. */
#ifndef HEADROOM_MODELS_WORKLOAD_PACE_H
#define HEADROOM_MODELS_WORKLOAD_PACE_H

#include "models/spec/spec.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"

struct pace_position {
    double point;       /* E_k: the unit-rate process's latest point */
    double stage_start; /* cumulative rate at the start of the current stage, at scale 1 */
    base_ns stage_start_ns;
    int32_t stage;
};

/* The instant of the next point, which moves on by an exponential step (poisson) or by one from a
 * random phase on (constant); BASE_NS_MAX: never. `not_before_ns`: points before it are passed
 * over; 0: none. A poisson process has no memory, so one step from there is as good as many. */
base_ns pace_next(const struct spec_pace *pace, double scale, base_ns not_before_ns,
                  struct pace_position *position, struct rng *rng);

/* Mean rate per second from `from_ns` to `to_ns`, at scale 1, of points that are at least
 * `throttle_ns` apart: r / (1 + r t) of a poisson process (a counter's dead time), every
 * ceil(r t)-th of equally spaced ones. Within `throttle_ns` of a change of stages it is neither. */
double pace_mean(const struct spec_pace *pace, base_ns throttle_ns, base_ns from_ns, base_ns to_ns);

#endif
