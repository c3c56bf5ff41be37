/* What to do with a message for a consumer whose kernel buffer is full. One decision, called by the
 * gateway and by the simulator.
 *
 * Bounds in bytes, in messages and in time. The queue counts what waits in the application, not
 * what the kernel took. A message of which a part has already gone out is never dropped: the stream
 * would lose its framing. */
#ifndef HEADROOM_MODELS_WORKLOAD_SLOW_CONSUMER_H
#define HEADROOM_MODELS_WORKLOAD_SLOW_CONSUMER_H

#include "models/spec/spec.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct slow_consumer_queue {
    int64_t bytes; /* waiting, framing included */
    int64_t messages;
    int64_t signals;             /* ephemeral ones among them of which no byte has gone out */
    int64_t head_sent_bytes;     /* of the oldest message, already with the kernel */
    base_ns blocked_since_ns;    /* the kernel last took a byte (or the queue was last empty);
                                    BASE_NS_MAX: not blocked */
    base_ns above_soft_since_ns; /* BASE_NS_MAX: below the soft limit */
};

enum slow_consumer_action {
    SLOW_QUEUE,       /* add it */
    SLOW_DROP_NEWEST, /* do not add it */
    SLOW_DROP_OLDEST, /* drop the oldest whole message that has not begun to go out, then ask again
                       */
    SLOW_DROP_SIGNAL, /* drop the oldest signal that has not begun to go out, then ask again */
    SLOW_CONFLATE, /* replace the queued, unsent messages of the same room; if there is none, drop
                      this one */
    SLOW_THROTTLE, /* add it, and stop reading from those who publish into the room until the queue
                      is at or below half its limit */
    SLOW_BLOCK,    /* wait for the reader, here and now */
    SLOW_CLOSE,    /* disconnect, for slow_consumer_reason */
};

enum slow_consumer_reason {
    SLOW_REASON_NONE,
    SLOW_REASON_BYTES,
    SLOW_REASON_MESSAGES,
    SLOW_REASON_SOFT_LIMIT,
    SLOW_REASON_WRITE_DEADLINE,
    SLOW_REASON_COUNT
};

struct slow_consumer_verdict {
    enum slow_consumer_action action;
    enum slow_consumer_reason reason; /* which bound */
};

void slow_consumer_queue_init(struct slow_consumer_queue *queue);

struct slow_consumer_message {
    int64_t bytes;
    bool is_signal; /* ephemeral */
};

/* For a message that the kernel did not take at once. */
struct slow_consumer_verdict slow_consumer_decide(const struct spec_send_queue *rules,
                                                  const struct slow_consumer_queue *queue,
                                                  struct slow_consumer_message message,
                                                  base_ns now_ns);

/* Keep the queue's times true after its bytes have changed by adding, sending (`sent_bytes` > 0) or
 * dropping. */
void slow_consumer_update(const struct spec_send_queue *rules, struct slow_consumer_queue *queue,
                          int64_t sent_bytes, base_ns now_ns);

/* When a bound in time will be passed if nothing changes; BASE_NS_MAX: never. At or after it
 * slow_consumer_expired gives the verdict: SLOW_CLOSE whatever the policy. */
base_ns slow_consumer_deadline(const struct spec_send_queue *rules,
                               const struct slow_consumer_queue *queue);
struct slow_consumer_verdict slow_consumer_expired(const struct spec_send_queue *rules,
                                                   const struct slow_consumer_queue *queue,
                                                   base_ns now_ns);

/* Level at or below which a throttled room's publishers are read again. */
int64_t slow_consumer_resume_bytes(const struct spec_send_queue *rules);

const char *slow_consumer_reason_name(enum slow_consumer_reason reason);

#endif
