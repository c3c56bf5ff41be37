/* What a client does when its connection is gone: when it notices, and when it tries again.
 *
 * No clock and no socket: a wait is a function of the policy, the waits before it and a stream of
 * the client's own, so that the load generator can do as the simulated client does.
 * docs/models/connections.md. */
#ifndef HEADROOM_MODELS_WORKLOAD_RECONNECT_H
#define HEADROOM_MODELS_WORKLOAD_RECONNECT_H

#include "models/spec/spec.h"
#include "sim/base/rng.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct reconnect {        /* of one client; all 0 while its connection is good */
    int64_t attempts;     /* waits since the connection was lost */
    base_ns last_wait_ns; /* of those */
};

/* How long to wait before the next attempt, which is counted. BASE_NS_MAX: it has given up. */
base_ns reconnect_wait(const struct spec_reconnect *policy, struct reconnect *state,
                       struct rng *rng);

/* From the instant at which the peer was gone without a word to the one at which the client knows:
 * its next heartbeat is at a random distance, and stays unanswered. */
base_ns reconnect_detection(const struct spec_reconnect *policy, struct rng *rng);

/* Linux repeats a connection request that was not answered after 1, 2, 4 ... seconds
 * (tcp_syn_retries; RFC 6298 2.1). `repeats`: how often it has been repeated so far. */
base_ns reconnect_knock(int32_t repeats);

#endif
