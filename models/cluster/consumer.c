/* Positions on a stream, settled lazily.
 *
 * While the client reads, its position is origin + rate * (t - origin_ns), bounded by kernel_end;
 * while it stalls it stands still. The origin moves when a write finds the buffer empty and when a
 * stall ends, never merely because somebody looked: that is what keeps the result independent of
 * how often it is settled. */
#include "models/cluster/consumer.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

__extension__ typedef __int128 wide; /* bits times nanoseconds */

static const int64_t BYTE_NS = 8 * BASE_NS_PER_S; /* a byte at one bit per second */

void consumer_init(struct consumer *consumer, const struct consumer_options *options) {
    *consumer = (struct consumer){.client = options->client,
                                  .receiver = options->receiver,
                                  .bits_per_s = isinf(options->receiver.bytes_per_s)
                                                    ? 0
                                                    : llround(options->receiver.bytes_per_s * 8),
                                  .breaks_ns = BASE_NS_MAX,
                                  .watch = -1,
                                  .capacity_bytes = options->receive_bytes + options->send_bytes};
    /* The window opens when part of the receive buffer has been read, and the send buffer then
     * drains into it: whichever of the two asks for more decides. */
    double window = options->window_share * (double)options->receive_bytes;
    double writable = options->writable_share * (double)options->send_bytes;
    int64_t hysteresis = llround(fmax(window, writable));
    if (hysteresis < 1)
        hysteresis = 1;
    if (hysteresis > consumer->capacity_bytes)
        hysteresis = consumer->capacity_bytes;
    consumer->writable_bytes = consumer->capacity_bytes - hysteresis;
    slow_consumer_queue_init(&consumer->queue);
}

void consumer_fini(struct consumer *consumer) {
    free(consumer->sent.messages);
    free(consumer->queued.messages);
    consumer->sent = consumer->queued = (struct consumer_ring){0};
}

/* --- rings --- */

static struct consumer_message *ring_at(const struct consumer_ring *ring, int32_t index) {
    return &ring->messages[(ring->first + index) & (ring->max - 1)];
}

static void ring_grow(struct consumer_ring *ring) {
    int32_t max = ring->max ? ring->max * 2 : 16;
    CHECK(max > 0);
    struct consumer_message *messages = malloc((size_t)max * sizeof *messages);
    CHECK(messages != NULL);
    for (int32_t i = 0; i < ring->count; i++)
        messages[i] = *ring_at(ring, i);
    free(ring->messages);
    *ring = (struct consumer_ring){.messages = messages, .count = ring->count, .max = max};
}

static struct consumer_message *ring_append(struct consumer_ring *ring,
                                            const struct consumer_message *message) {
    if (ring->count == ring->max)
        ring_grow(ring);
    struct consumer_message *last = ring_at(ring, ring->count++);
    *last = *message;
    return last;
}

static void ring_pop(struct consumer_ring *ring) {
    ring->first = (ring->first + 1) & (ring->max - 1);
    ring->count--;
}

/* Those before it move up by one: what is dropped is mostly the oldest. */
static void ring_remove(struct consumer_ring *ring, int32_t index) {
    for (int32_t i = index; i > 0; i--)
        *ring_at(ring, i) = *ring_at(ring, i - 1);
    ring_pop(ring);
}

/* --- reading --- */

static bool reads_at_once(const struct consumer *consumer) {
    return consumer->bits_per_s == 0;
}

/* How far the client is at `t_ns` in a reading interval that contains origin_ns; not bounded by
 * what is there. */
static int64_t position_at(const struct consumer *consumer, base_ns t_ns) {
    wide read = (wide)consumer->bits_per_s * (t_ns - consumer->origin_ns) / BYTE_NS;
    return read > INT64_MAX - consumer->origin ? INT64_MAX : consumer->origin + (int64_t)read;
}

static base_ns time_of(const struct consumer *consumer, int64_t position) {
    if (position <= consumer->origin || reads_at_once(consumer))
        return consumer->origin_ns;
    wide bits_ns = (wide)(position - consumer->origin) * BYTE_NS;
    wide after_ns = (bits_ns + consumer->bits_per_s - 1) / consumer->bits_per_s;
    return after_ns > BASE_NS_MAX - consumer->origin_ns ? BASE_NS_MAX
                                                        : consumer->origin_ns + (base_ns)after_ns;
}

/* Counts what has arrived by `until_ns`, the client reading from the origin on without a break. */
static void deliver(struct consumer *consumer, base_ns until_ns, struct tally *tally,
                    base_ns delay_ns) {
    bool stands_still = receiver_stalls(&consumer->receiver);
    while (consumer->sent.count > 0) {
        const struct consumer_message *message = ring_at(&consumer->sent, 0);
        base_ns at_ns = time_of(consumer, message->end);
        if (at_ns > until_ns)
            return;
        tally_range(tally, message->due_ns, message->allowance_ns, at_ns + delay_ns, 0, 1);
        if (stands_still)
            tally_standing(tally, message->due_ns, at_ns + delay_ns);
        if (consumer->watch >= 0)
            tally_watch(tally, consumer->watch, message->due_ns, at_ns + delay_ns);
        ring_pop(&consumer->sent);
    }
}

/* Moves the origin over every stall that has begun by `now_ns`. Afterwards the client has been
 * reading since the origin, or stands at it. */
void consumer_settle(struct consumer *consumer, base_ns now_ns, struct tally *tally,
                     base_ns delay_ns) {
    for (;;) {
        base_ns change_ns = receiver_next_change(&consumer->receiver, consumer->origin_ns);
        if (receiver_is_reading(&consumer->receiver, consumer->origin_ns)) {
            bool stalls = change_ns <= now_ns;
            deliver(consumer, stalls ? change_ns : now_ns, tally, delay_ns);
            if (!stalls)
                return;
            int64_t position = position_at(consumer, change_ns);
            if (reads_at_once(consumer) || position > consumer->kernel_end)
                position = consumer->kernel_end;
            consumer->origin = position;
            consumer->origin_ns = change_ns;
        } else {
            if (change_ns > now_ns)
                return;
            consumer->origin_ns = change_ns;
        }
    }
}

int64_t consumer_level(const struct consumer *consumer, base_ns now_ns) {
    if (!receiver_is_reading(&consumer->receiver, now_ns))
        return consumer->kernel_end - consumer->origin;
    if (reads_at_once(consumer))
        return 0;
    int64_t level = consumer->kernel_end - position_at(consumer, now_ns);
    return level > 0 ? level : 0;
}

/* When the client will have read up to `position`, over as many stalls as that takes. The walk is
 * bounded: a stall pattern that never gets there says never. */
static base_ns reached_at(const struct consumer *consumer, int64_t position) {
    enum { STALLS_MAX = 100000 };
    struct consumer walk = *consumer;
    for (int32_t i = 0; i < STALLS_MAX; i++) {
        base_ns change_ns = receiver_next_change(&walk.receiver, walk.origin_ns);
        if (receiver_is_reading(&walk.receiver, walk.origin_ns)) {
            base_ns at_ns = time_of(&walk, position);
            if (at_ns <= change_ns)
                return at_ns;
            walk.origin = position_at(&walk, change_ns);
        }
        if (change_ns == BASE_NS_MAX)
            return BASE_NS_MAX;
        walk.origin_ns = change_ns;
    }
    return BASE_NS_MAX;
}

base_ns consumer_writable_at(const struct consumer *consumer, base_ns now_ns) {
    base_ns at_ns = reached_at(consumer, consumer->kernel_end - consumer->writable_bytes);
    return at_ns > now_ns ? at_ns : now_ns;
}

base_ns consumer_room_at(const struct consumer *consumer, base_ns now_ns) {
    int64_t waiting = consumer->queued_end - consumer->kernel_end;
    int64_t wanted = waiting < consumer->capacity_bytes ? waiting : 1;
    base_ns at_ns = reached_at(consumer, consumer->kernel_end + wanted - consumer->capacity_bytes);
    return at_ns > now_ns ? at_ns : now_ns;
}

/* --- writing --- */

static bool is_signal(const struct consumer_message *message) {
    return message->expires_ns > 0;
}

void consumer_append(struct consumer *consumer, const struct consumer_message *message) {
    ring_append(&consumer->queued, message);
    consumer->signals_queued += is_signal(message);
    consumer->queued_end += message->bytes;
}

int64_t consumer_room(const struct consumer *consumer, base_ns now_ns) {
    int64_t space = consumer->capacity_bytes - consumer_level(consumer, now_ns);
    int64_t waiting = consumer->queued_end - consumer->kernel_end;
    return waiting < space ? waiting : space;
}

static int64_t head_end(const struct consumer *consumer) {
    return consumer->head_begin + ring_at(&consumer->queued, 0)->bytes;
}

static void send_head(struct consumer *consumer) {
    consumer->head_begin = head_end(consumer);
    consumer->signals_queued -= is_signal(ring_at(&consumer->queued, 0));
    ring_append(&consumer->sent, ring_at(&consumer->queued, 0))->end = consumer->head_begin;
    ring_pop(&consumer->queued);
}

void consumer_push(struct consumer *consumer, int64_t bytes, base_ns now_ns) {
    if (bytes == 0)
        return;
    if (consumer_level(consumer, now_ns) == 0) { /* the next byte is read from now on */
        consumer->origin = consumer->kernel_end;
        if (receiver_is_reading(&consumer->receiver, now_ns))
            consumer->origin_ns = now_ns;
    }
    consumer->kernel_end += bytes;
    while (consumer->queued.count > 0 && head_end(consumer) <= consumer->kernel_end)
        send_head(consumer);
}

int64_t consumer_messages_within(const struct consumer *consumer, int64_t bytes) {
    int64_t end = consumer->head_begin;
    for (int32_t i = 0; i < consumer->queued.count; i++) {
        end += ring_at(&consumer->queued, i)->bytes;
        if (end > consumer->kernel_end + bytes)
            return i;
    }
    return consumer->queued.count;
}

static int64_t head_sent_bytes(const struct consumer *consumer) {
    return consumer->queued.count > 0 ? consumer->kernel_end - consumer->head_begin : 0;
}

void consumer_count_queue(struct consumer *consumer) {
    struct slow_consumer_queue *queue = &consumer->queue;
    queue->bytes = consumer->queued_end - consumer->kernel_end;
    queue->messages = consumer->queued.count;
    queue->head_sent_bytes = head_sent_bytes(consumer);
    bool has_begun = queue->head_sent_bytes > 0 && is_signal(ring_at(&consumer->queued, 0));
    queue->signals = consumer->signals_queued - has_begun;
}

/* --- dropping --- */

static void drop(struct consumer *consumer, int32_t index, struct consumer_message *dropped) {
    *dropped = *ring_at(&consumer->queued, index);
    consumer->signals_queued -= is_signal(dropped);
    ring_remove(&consumer->queued, index);
    consumer->queued_end -= dropped->bytes;
}

bool consumer_drop_oldest(struct consumer *consumer, int32_t room,
                          struct consumer_message *dropped) {
    for (int32_t i = head_sent_bytes(consumer) > 0; i < consumer->queued.count; i++) {
        const struct consumer_message *message = ring_at(&consumer->queued, i);
        if (room >= 0 && message->room != room)
            continue;
        drop(consumer, i, dropped);
        return true;
    }
    return false;
}

bool consumer_drop_signal(struct consumer *consumer, base_ns before_ns,
                          struct consumer_message *dropped) {
    if (consumer->signals_queued == 0)
        return false;
    for (int32_t i = head_sent_bytes(consumer) > 0; i < consumer->queued.count; i++) {
        const struct consumer_message *message = ring_at(&consumer->queued, i);
        if (!is_signal(message) || message->expires_ns >= before_ns)
            continue;
        drop(consumer, i, dropped);
        return true;
    }
    return false;
}

void consumer_close(struct consumer *consumer, struct tally *tally) {
    for (; consumer->queued.count > 0; ring_pop(&consumer->queued))
        tally_lost(tally, ring_at(&consumer->queued, 0)->due_ns, 1);
    consumer->signals_queued = 0;
    consumer->queued_end = consumer->kernel_end;
    consumer->is_closed = true;
    consumer->is_blocked = false;
}

bool consumer_cut(struct consumer *consumer, base_ns *due_ns) {
    struct consumer_ring *ring = consumer->sent.count > 0 ? &consumer->sent : &consumer->queued;
    if (ring->count > 0) {
        *due_ns = ring_at(ring, 0)->due_ns;
        ring_pop(ring);
        return true;
    }
    consumer->signals_queued = 0;
    consumer->queued_end = consumer->head_begin = consumer->origin = consumer->kernel_end;
    consumer->breaks_ns = BASE_NS_MAX;
    consumer->is_closed = true;
    consumer->is_blocked = false;
    return false;
}

void consumer_open(struct consumer *consumer) {
    consumer->is_closed = false;
    slow_consumer_queue_init(&consumer->queue);
}
