/* The decision about a message that the kernel did not take.
 *
 * Bounds in time come first and close whatever the policy: they say that a consumer is dead, not
 * that it is slow. Then the two policies that have no bound; then the bounds in bytes and messages,
 * where the policy speaks. A limit is passed by what is above it: a queue that ends exactly at its
 * limit is within.
 *
 * Before a policy speaks, signals go: queued ones first, the oldest before the newer, then the
 * message itself if it is one. So no policy ever closes, throttles or conflates because of them.
 *
 * Dropping the oldest gives way to dropping the newest where it could not help: nothing in the
 * queue may be dropped, or the message alone is larger than the limit. So "drop, then ask again"
 * ends. */
#include "models/workload/slow_consumer.h"

void slow_consumer_queue_init(struct slow_consumer_queue *queue) {
    *queue = (struct slow_consumer_queue){.blocked_since_ns = BASE_NS_MAX,
                                          .above_soft_since_ns = BASE_NS_MAX};
}

static enum slow_consumer_reason bound_passed(const struct spec_send_queue *rules,
                                              const struct slow_consumer_queue *queue,
                                              int64_t bytes) {
    if (bytes > rules->limit || queue->bytes > rules->limit - bytes)
        return SLOW_REASON_BYTES;
    if (queue->messages >= rules->messages)
        return SLOW_REASON_MESSAGES;
    return SLOW_REASON_NONE;
}

static enum slow_consumer_action make_room(const struct spec_send_queue *rules,
                                           const struct slow_consumer_queue *queue, int64_t bytes) {
    int64_t droppable = queue->messages - (queue->head_sent_bytes > 0 ? 1 : 0);
    return droppable > 0 && bytes <= rules->limit ? SLOW_DROP_OLDEST : SLOW_DROP_NEWEST;
}

static enum slow_consumer_action over_the_bound(const struct spec_send_queue *rules,
                                                const struct slow_consumer_queue *queue,
                                                int64_t bytes) {
    switch (rules->policy) {
    case SPEC_CLOSE:
        return SLOW_CLOSE;
    case SPEC_DROP_NEWEST:
        return SLOW_DROP_NEWEST;
    case SPEC_DROP_OLDEST:
        return make_room(rules, queue, bytes);
    case SPEC_CONFLATE:
        return SLOW_CONFLATE;
    case SPEC_THROTTLE:
        return SLOW_THROTTLE;
    case SPEC_BLOCKING:
        return SLOW_BLOCK;
    case SPEC_UNBOUNDED:
    case SPEC_policy_COUNT:
        break;
    }
    return SLOW_QUEUE;
}

static enum slow_consumer_action without_signals(const struct spec_send_queue *rules,
                                                 const struct slow_consumer_queue *queue,
                                                 struct slow_consumer_message message) {
    if (queue->signals > 0 && message.bytes <= rules->limit)
        return SLOW_DROP_SIGNAL;
    return message.is_signal ? SLOW_DROP_NEWEST : over_the_bound(rules, queue, message.bytes);
}

struct slow_consumer_verdict slow_consumer_decide(const struct spec_send_queue *rules,
                                                  const struct slow_consumer_queue *queue,
                                                  struct slow_consumer_message message,
                                                  base_ns now_ns) {
    struct slow_consumer_verdict verdict = slow_consumer_expired(rules, queue, now_ns);
    if (verdict.action == SLOW_CLOSE)
        return verdict;
    if (rules->policy == SPEC_UNBOUNDED)
        return (struct slow_consumer_verdict){SLOW_QUEUE, SLOW_REASON_NONE};
    if (rules->policy == SPEC_BLOCKING)
        return (struct slow_consumer_verdict){SLOW_BLOCK, SLOW_REASON_NONE};
    verdict.reason = bound_passed(rules, queue, message.bytes);
    verdict.action =
        verdict.reason == SLOW_REASON_NONE ? SLOW_QUEUE : without_signals(rules, queue, message);
    return verdict;
}

void slow_consumer_update(const struct spec_send_queue *rules, struct slow_consumer_queue *queue,
                          int64_t sent_bytes, base_ns now_ns) {
    if (queue->bytes == 0)
        queue->blocked_since_ns = BASE_NS_MAX;
    else if (sent_bytes > 0 || queue->blocked_since_ns == BASE_NS_MAX)
        queue->blocked_since_ns = now_ns;
    if (queue->bytes <= rules->soft_limit)
        queue->above_soft_since_ns = BASE_NS_MAX;
    else if (queue->above_soft_since_ns == BASE_NS_MAX)
        queue->above_soft_since_ns = now_ns;
}

static base_ns later(base_ns since_ns, base_ns length_ns) {
    bool is_never = since_ns == BASE_NS_MAX || length_ns > BASE_NS_MAX - since_ns;
    return is_never ? BASE_NS_MAX : since_ns + length_ns;
}

base_ns slow_consumer_deadline(const struct spec_send_queue *rules,
                               const struct slow_consumer_queue *queue) {
    base_ns write_ns = later(queue->blocked_since_ns, rules->write_deadline);
    base_ns soft_ns = later(queue->above_soft_since_ns, rules->soft_for);
    return write_ns < soft_ns ? write_ns : soft_ns;
}

struct slow_consumer_verdict slow_consumer_expired(const struct spec_send_queue *rules,
                                                   const struct slow_consumer_queue *queue,
                                                   base_ns now_ns) {
    base_ns deadline_ns = slow_consumer_deadline(rules, queue);
    if (deadline_ns == BASE_NS_MAX || now_ns < deadline_ns)
        return (struct slow_consumer_verdict){SLOW_QUEUE, SLOW_REASON_NONE};
    bool is_soft = later(queue->above_soft_since_ns, rules->soft_for) == deadline_ns;
    return (struct slow_consumer_verdict){SLOW_CLOSE, is_soft ? SLOW_REASON_SOFT_LIMIT
                                                              : SLOW_REASON_WRITE_DEADLINE};
}

/* Bounded in messages only, half a limit in bytes does not exist: then the queue has to be empty.
 */
int64_t slow_consumer_resume_bytes(const struct spec_send_queue *rules) {
    return rules->limit == SPEC_UNLIMITED ? 0 : rules->limit / 2;
}

const char *slow_consumer_reason_name(enum slow_consumer_reason reason) {
    switch (reason) {
    case SLOW_REASON_NONE:
        return "none";
    case SLOW_REASON_BYTES:
        return "bytes";
    case SLOW_REASON_MESSAGES:
        return "messages";
    case SLOW_REASON_SOFT_LIMIT:
        return "soft_limit";
    case SLOW_REASON_WRITE_DEADLINE:
        return "write_deadline";
    case SLOW_REASON_COUNT:
        break;
    }
    return "unknown";
}
