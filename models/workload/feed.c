/* A message's first bytes hold its sender's stamp or text, so two messages that are alike there are
 * the same message as far as sampling goes. */
#include "models/workload/feed.h"

#include "models/workload/roster.h"
#include "sim/base/fingerprint.h"

#include <math.h>

bool feed_is(const struct spec_feed *feed, int64_t members_count) {
    return members_count > feed->above;
}

static bool is_sampled(const struct spec_feed *feed, int64_t members_count) {
    return feed->kind == SPEC_SAMPLED && feed_is(feed, members_count);
}

double feed_share(const struct spec_feed *feed, int64_t members_count) {
    return is_sampled(feed, members_count) ? feed->share : 1;
}

base_ns feed_allowance_ns(const struct spec_feed *feed, int64_t members_count) {
    return feed->kind == SPEC_BATCHED && feed_is(feed, members_count) ? feed->every : 0;
}

bool feed_takes(const struct spec_feed *feed, int64_t members_count, const char *message,
                size_t length) {
    if (!is_sampled(feed, members_count))
        return true;
    uint64_t hash = fingerprint_of(message, length < FEED_HEAD_BYTES ? length : FEED_HEAD_BYTES);
    return ldexp((double)(hash >> 11), -53) < feed->share;
}

bool feed_takes_publish(const struct spec_feed *feed, int64_t members_count, int32_t room,
                        struct protocol_stamp stamp, int64_t bytes) {
    if (!is_sampled(feed, members_count))
        return true;
    char name[ROSTER_ROOM_NAME_BYTES], message[FEED_HEAD_BYTES + 8];
    roster_room_name(room, name);
    size_t length = bytes < FEED_HEAD_BYTES ? (size_t)bytes : FEED_HEAD_BYTES;
    size_t written = protocol_write_publish(message, name, stamp, length);
    return feed_takes(feed, members_count, message + (written - length), length);
}
