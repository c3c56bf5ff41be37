/* What a room becomes when it has more members than the cap: a feed, with a guarantee of its own.
 *
 * Sampled: a stated share of the messages reaches all members, each at once; the others reach
 * nobody. Which ones is a function of a message's first bytes, so that a server needs no state for
 * it, and whoever knows what was published knows what must arrive: what a rule withheld is never
 * counted as lost. (A counter per room would give the share exactly, but only the server would know
 * its state.) Batched: every message reaches everybody within a stated time
 * (models/workload/hold.h).
 */
#ifndef HEADROOM_MODELS_WORKLOAD_FEED_H
#define HEADROOM_MODELS_WORKLOAD_FEED_H

#include "models/spec/spec.h"
#include "models/workload/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FEED_HEAD_BYTES = 48 }; /* of a message; what lies behind does not count */

bool feed_is(const struct spec_feed *feed, int64_t members_count);
/* Share of a room's messages that its members get: 1, unless it is a sampled feed. */
double feed_share(const struct spec_feed *feed, int64_t members_count);
/* How much longer than elsewhere a delivery may take: the time that a batched feed has. */
base_ns feed_allowance_ns(const struct spec_feed *feed, int64_t members_count);

/* Whether the room's members get this message. */
bool feed_takes(const struct spec_feed *feed, int64_t members_count, const char *message,
                size_t length);
/* The same, of a message of the load generator's: `bytes` as delivered. */
bool feed_takes_publish(const struct spec_feed *feed, int64_t members_count, int32_t room,
                        struct protocol_stamp stamp, int64_t bytes);

#endif
