/* Who is where, in a run whose connections come and go: a layout of the run's own, in which rooms
 * gain and lose members. Inside models/cluster only.
 *
 * A room's members on a worker stand in the order in which they joined, so that those who came
 * after a message was due are the last of them: they do not hear it. Who has left stands in the
 * room's log for as long as something may be on its way that was due while they were members; it is
 * lost to them, or no longer owed where they left of their own will. Together the two keep due =
 * delivered + lost whatever comes and goes, with the burst still counted as one range.
 *
 * A worker has a slot for every room here, because any client may come to it: memory grows with
 * workers times rooms (MEMBERSHIP_PLACES_MAX), which a layout that stays does not. */
#ifndef HEADROOM_MODELS_CLUSTER_MEMBERSHIP_H
#define HEADROOM_MODELS_CLUSTER_MEMBERSHIP_H

#include "models/cluster/layout.h"
#include "sim/base/time.h"

enum { MEMBERSHIP_PLACES_MAX = 20000000 }; /* workers times rooms; some 130 bytes each */

enum membership_cause {
    MEMBERSHIP_LEFT,       /* by itself: nothing is owed to it any more */
    MEMBERSHIP_CONNECTION, /* its connection broke, or was closed by the server */
    MEMBERSHIP_NODE,       /* its node is gone or silent */
    MEMBERSHIP_CAUSES
};

struct membership {
    struct layout layout;
    struct membership_place *places; /* as layout.rooms */
    base_ns *joined_ns;              /* by client: its connection's beginning */
};

/* False, with nothing to free, where there would be more than MEMBERSHIP_PLACES_MAX places. */
bool membership_init(struct membership *membership, const struct layout *layout,
                     struct arena *arena) MUST_USE;
void membership_fini(struct membership *membership);

/* Into all of the client's rooms, on the worker; `now_ns` is no earlier than in the calls before.
 */
void membership_join(struct membership *membership, int32_t client, int32_t worker, base_ns now_ns);
/* Out of all of them; its connection, layout.worker_of, stays. */
void membership_leave(struct membership *membership, int32_t client, base_ns now_ns,
                      enum membership_cause cause);

/* Position of the first member that joined after `due_ns`. */
int32_t membership_heard(const struct membership *membership, int32_t worker, int32_t slot,
                         base_ns due_ns);
/* Members that were there at `due_ns` and have gone since, by cause; added to gone[]. */
void membership_gone(const struct membership *membership, int32_t worker, int32_t slot,
                     base_ns due_ns, int64_t gone[MEMBERSHIP_CAUSES]);

#endif
