/* The four ways of drawing a wait are those of Brooker, "Exponential Backoff And Jitter" (AWS
 * Architecture Blog, 2015). */
#include "models/workload/reconnect.h"

#include <math.h>

enum { KNOCKS_MAX = 6 }; /* tcp_syn_retries */

static base_ns capped(const struct spec_reconnect *policy, double wait_ns) {
    return wait_ns < (double)policy->cap ? llround(wait_ns) : policy->cap;
}

/* base * factor^attempts: a double, which many attempts take to infinity, and 0 times that is none.
 */
static base_ns backoff(const struct spec_reconnect *policy, int64_t attempts) {
    if (policy->base == 0)
        return 0;
    return capped(policy, (double)policy->base * pow((double)policy->factor, (double)attempts));
}

static base_ns between(base_ns low_ns, base_ns high_ns, struct rng *rng) {
    return low_ns + llround(rng_uniform(rng) * (double)(high_ns - low_ns));
}

base_ns reconnect_wait(const struct spec_reconnect *policy, struct reconnect *state,
                       struct rng *rng) {
    if (policy->attempts != SPEC_UNLIMITED && state->attempts >= policy->attempts)
        return BASE_NS_MAX;
    base_ns wait_ns = backoff(policy, state->attempts);
    switch (policy->jitter) {
    case SPEC_JITTER_NONE:
        break;
    case SPEC_JITTER_FULL:
        wait_ns = between(0, wait_ns, rng);
        break;
    case SPEC_JITTER_EQUAL:
        wait_ns = between(wait_ns / 2, wait_ns, rng);
        break;
    case SPEC_JITTER_DECORRELATED: {
        base_ns least_ns = capped(policy, (double)policy->base);
        base_ns last_ns = state->attempts == 0 ? least_ns : state->last_wait_ns;
        base_ns most_ns = capped(policy, 3.0 * (double)last_ns);
        wait_ns = between(least_ns, most_ns > least_ns ? most_ns : least_ns, rng);
        break;
    }
    case SPEC_jitter_COUNT:
        break;
    }
    state->attempts++;
    state->last_wait_ns = wait_ns;
    return wait_ns;
}

base_ns reconnect_detection(const struct spec_reconnect *policy, struct rng *rng) {
    return policy->heartbeat_timeout + between(0, policy->heartbeat, rng);
}

base_ns reconnect_knock(int32_t repeats) {
    return repeats < KNOCKS_MAX ? BASE_NS_PER_S << repeats : BASE_NS_MAX;
}
