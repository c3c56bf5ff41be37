/* Peers are few (nodes, not members), so they are a list. */
#include "models/workload/presence_replica.h"

#include "sim/base/check.h"

#include <stdlib.h>

enum { BEHIND_MAX = 2 }; /* Phoenix.Tracker's clock_sample_periods */

void presence_replica_init(struct presence_replica *replica, const struct presence_timing *timing,
                           const struct presence_options *options) {
    *replica = (struct presence_replica){.timing = *timing};
    replica->silent_count = timing->silent_periods; /* the first word is said at once */
    presence_state_init(&replica->state, options);
}

void presence_replica_fini(struct presence_replica *replica) {
    presence_state_fini(&replica->state);
    free(replica->peers);
}

static struct presence_peer *find_peer(struct presence_replica *replica, uint64_t actor) {
    for (int32_t i = 0; i < replica->peers_count; i++)
        if (replica->peers[i].actor == actor)
            return &replica->peers[i];
    return NULL;
}

static struct presence_peer *need_peer(struct presence_replica *replica, uint64_t actor,
                                       base_ns now_ns) {
    struct presence_peer *peer = find_peer(replica, actor);
    if (peer != NULL)
        return peer;
    if (replica->peers_count == replica->peers_max) {
        replica->peers_max = replica->peers_max > 0 ? 2 * replica->peers_max : 4;
        replica->peers =
            realloc(replica->peers, (size_t)replica->peers_max * sizeof *replica->peers);
        CHECK(replica->peers != NULL && replica->peers_max > 0);
    }
    peer = &replica->peers[replica->peers_count++];
    /* what a peer knew before it was heard for the first time is not on its way: to be asked for */
    *peer =
        (struct presence_peer){.actor = actor, .heard_ns = now_ns, .behind_count = BEHIND_MAX - 1};
    return peer;
}

static void set_status(struct presence_replica *replica, struct presence_peer *peer,
                       enum presence_actor_status status) {
    if (peer->status == status)
        return;
    peer->status = status;
    presence_set_status(&replica->state, peer->actor, status);
}

static void find_silent_peers(struct presence_replica *replica, base_ns now_ns) {
    for (int32_t i = 0; i < replica->peers_count; i++) {
        struct presence_peer *peer = &replica->peers[i];
        base_ns silent_ns = now_ns - peer->heard_ns;
        if (silent_ns > replica->timing.permdown_ns)
            set_status(replica, peer, PRESENCE_GONE);
        else if (silent_ns > replica->timing.down_ns)
            set_status(replica, peer, PRESENCE_DOWN);
    }
}

bool presence_replica_tick(struct presence_replica *replica, base_ns now_ns,
                           struct presence_message *message) {
    find_silent_peers(replica, now_ns);
    replica->silent_count++;
    if (!presence_has_unsent(&replica->state) &&
        replica->silent_count < replica->timing.silent_periods)
        return false;
    replica->silent_count = 0;
    message->kind = PRESENCE_BROADCAST;
    message->from = replica->state.options.self;
    presence_digest(&replica->state, &message->digest);
    presence_take_delta(&replica->state, &message->delta);
    return true;
}

/* Whoever is heard of through others has the time to be heard itself. */
static void note_actors(struct presence_replica *replica, const struct presence_delta *delta,
                        base_ns now_ns) {
    for (int32_t i = 0; i < delta->count; i++)
        if (delta->parts[i].actor != replica->state.options.self)
            need_peer(replica, delta->parts[i].actor, now_ns);
}

static bool take_broadcast(struct presence_replica *replica, const struct presence_message *message,
                           struct presence_message *answer) {
    struct presence_peer *peer = find_peer(replica, message->from);
    peer->behind_count =
        presence_is_behind(&replica->state, &message->digest) ? peer->behind_count + 1 : 0;
    if (peer->behind_count < BEHIND_MAX)
        return false;
    peer->behind_count = 0;
    answer->kind = PRESENCE_REQUEST;
    presence_digest(&replica->state, &answer->digest);
    return true;
}

bool presence_replica_receive(struct presence_replica *replica, base_ns now_ns,
                              const struct presence_message *message,
                              struct presence_message *answer) {
    if (message->from == replica->state.options.self)
        return false; /* an echo */
    struct presence_peer *peer = need_peer(replica, message->from, now_ns);
    peer->heard_ns = now_ns;
    set_status(replica, peer, PRESENCE_UP);
    note_actors(replica, &message->delta, now_ns);
    presence_merge(&replica->state, &message->delta);
    answer->from = replica->state.options.self;
    switch (message->kind) {
    case PRESENCE_BROADCAST:
        return take_broadcast(replica, message, answer);
    case PRESENCE_REQUEST:
        answer->kind = PRESENCE_ANSWER;
        presence_missing(&replica->state, &message->digest, &answer->delta);
        return answer->delta.count > 0;
    case PRESENCE_ANSWER:
    case PRESENCE_KINDS:
        break;
    }
    return false;
}
