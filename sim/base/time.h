/* Simulated and real time as one integer.
 *
 * int64 nanoseconds: sums are exact and the same on every machine, which a run's fingerprint needs;
 * `double` seconds lose a nanosecond after 52 days and make the order of two events depend on how a
 * sum was grouped. 292 years fit. */
#ifndef HEADROOM_SIM_BASE_TIME_H
#define HEADROOM_SIM_BASE_TIME_H

#include <math.h>
#include <stdint.h>

typedef int64_t base_ns; /* nanoseconds: an instant since the start of a run, or a length */

#define BASE_NS_PER_US ((base_ns)1000)
#define BASE_NS_PER_MS ((base_ns)1000000)
#define BASE_NS_PER_S ((base_ns)1000000000)
#define BASE_NS_MAX INT64_MAX /* "never" */

static inline double base_seconds(base_ns ns) {
    return (double)ns * 1e-9;
}
static inline double base_ms(base_ns ns) {
    return (double)ns * 1e-6;
}

/* Rounds to the nearest nanosecond; more than 2^63 ns becomes "never". */
static inline base_ns base_ns_from_seconds(double seconds) {
    return seconds >= 9.2e9 ? BASE_NS_MAX : (base_ns)llround(seconds * 1e9);
}

#endif
