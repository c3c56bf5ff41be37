/* A node's part in replicated presence: its state, and whom it has heard from lately. No clock, no
 * socket: time comes in, messages go out through the caller's hands, which may lose, repeat and
 * reorder them.
 *
 * As in Phoenix.Tracker (its documentation, Phoenix.PubSub 2.1): every broadcast period a node
 * tells the others what it did, or that it is still there where it was silent for so many periods;
 * who has not been heard for a while is down, its members counting as gone, and for longer is
 * forgotten. Anti-entropy: each broadcast carries what its sender knows; a node that is found
 * behind by the same peer twice in a row, so that it is not merely a message on its way, asks that
 * peer for the rest (clock_sample_periods of Phoenix). Phoenix itself counts one period more than
 * its documentation before it breaks its silence; this one keeps to the 15 s of the documentation.
 */
#ifndef HEADROOM_MODELS_WORKLOAD_PRESENCE_REPLICA_H
#define HEADROOM_MODELS_WORKLOAD_PRESENCE_REPLICA_H

#include "models/workload/presence_wire.h"
#include "sim/base/time.h"

struct presence_timing {
    base_ns broadcast_ns; /* how often presence_replica_tick is called */
    int64_t silent_periods;
    base_ns down_ns, permdown_ns; /* without a word from a node */
};

struct presence_peer {
    uint64_t actor;
    base_ns heard_ns;
    enum presence_actor_status status;
    int32_t behind_count; /* of its broadcasts in a row, how many knew more than this node */
};

struct presence_replica {
    struct presence_state state;
    struct presence_timing timing;
    struct presence_peer *peers;
    int32_t peers_count, peers_max;
    int64_t silent_count;
};

/* Two silences of the longest kind in a row: Phoenix's own default, 30 s. */
static inline base_ns presence_down_ns(base_ns broadcast_ns, int64_t silent_periods) {
    return 2 * silent_periods * broadcast_ns;
}

void presence_replica_init(struct presence_replica *replica, const struct presence_timing *timing,
                           const struct presence_options *options);
void presence_replica_fini(struct presence_replica *replica);

/* Once per broadcast period. True: `message` (initialised) is to be broadcast. Its texts are
 * borrowed until the state changes. */
bool presence_replica_tick(struct presence_replica *replica, base_ns now_ns,
                           struct presence_message *message) MUST_USE;
/* True: `answer` (initialised) is to be sent to the sender. */
bool presence_replica_receive(struct presence_replica *replica, base_ns now_ns,
                              const struct presence_message *message,
                              struct presence_message *answer) MUST_USE;

#endif
