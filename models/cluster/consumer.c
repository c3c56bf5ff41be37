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
    free(consumer->messages);
    consumer->messages = NULL;
}

static struct consumer_message *message_at(const struct consumer *consumer, int32_t index) {
    return &consumer->messages[(consumer->messages_first + index) & (consumer->messages_max - 1)];
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
    while (consumer->messages_count > 0) {
        const struct consumer_message *message = message_at(consumer, 0);
        base_ns at_ns = time_of(consumer, message->end);
        if (message->end > consumer->kernel_end || at_ns > until_ns)
            return;
        tally_range(tally, message->due_ns, at_ns + delay_ns, 0, 1);
        if (consumer->watch >= 0)
            tally_watch(tally, consumer->watch, message->due_ns, at_ns + delay_ns);
        consumer->messages_first = (consumer->messages_first + 1) & (consumer->messages_max - 1);
        consumer->messages_count--;
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

static void make_room(struct consumer *consumer) {
    if (consumer->messages_count < consumer->messages_max)
        return;
    int32_t max = consumer->messages_max ? consumer->messages_max * 2 : 16;
    CHECK(max > 0);
    struct consumer_message *messages = malloc((size_t)max * sizeof *messages);
    CHECK(messages != NULL);
    for (int32_t i = 0; i < consumer->messages_count; i++)
        messages[i] = *message_at(consumer, i);
    free(consumer->messages);
    consumer->messages = messages;
    consumer->messages_max = max;
    consumer->messages_first = 0;
}

void consumer_append(struct consumer *consumer, const struct consumer_message *message) {
    make_room(consumer);
    consumer->messages_count++;
    struct consumer_message *last = message_at(consumer, consumer->messages_count - 1);
    *last = *message;
    consumer->queued_end += message->bytes;
    last->end = consumer->queued_end;
}

int64_t consumer_room(const struct consumer *consumer, base_ns now_ns) {
    int64_t space = consumer->capacity_bytes - consumer_level(consumer, now_ns);
    int64_t waiting = consumer->queued_end - consumer->kernel_end;
    return waiting < space ? waiting : space;
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
}

/* The first message that ends behind `position`. */
static int32_t first_behind(const struct consumer *consumer, int64_t position) {
    int32_t low = 0, high = consumer->messages_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (message_at(consumer, middle)->end > position)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The first message that is not wholly with the kernel. */
static int32_t first_queued(const struct consumer *consumer) {
    return first_behind(consumer, consumer->kernel_end);
}

int64_t consumer_messages_within(const struct consumer *consumer, int64_t bytes) {
    return first_behind(consumer, consumer->kernel_end + bytes) - first_queued(consumer);
}

void consumer_count_queue(struct consumer *consumer) {
    int32_t first = first_queued(consumer);
    struct slow_consumer_queue *queue = &consumer->queue;
    queue->bytes = consumer->queued_end - consumer->kernel_end;
    queue->messages = consumer->messages_count - first;
    queue->head_sent_bytes = 0;
    if (queue->messages > 0) {
        const struct consumer_message *head = message_at(consumer, first);
        int64_t begin = head->end - head->bytes;
        queue->head_sent_bytes = begin < consumer->kernel_end ? consumer->kernel_end - begin : 0;
    }
}

/* --- dropping --- */

/* Takes message `index` out of the ring; those behind it move up, in the ring and on the stream. */
static void remove_message(struct consumer *consumer, int32_t index) {
    int32_t bytes = message_at(consumer, index)->bytes;
    for (int32_t i = index; i + 1 < consumer->messages_count; i++) {
        *message_at(consumer, i) = *message_at(consumer, i + 1);
        message_at(consumer, i)->end -= bytes;
    }
    consumer->messages_count--;
    consumer->queued_end -= bytes;
}

/* The first message of which no byte has gone out: the first queued one, or the one behind it. */
static int32_t first_unsent(const struct consumer *consumer) {
    int32_t first = first_queued(consumer);
    if (first == consumer->messages_count)
        return first;
    const struct consumer_message *head = message_at(consumer, first);
    return head->end - head->bytes < consumer->kernel_end ? first + 1 : first;
}

bool consumer_drop_oldest(struct consumer *consumer, int32_t room,
                          struct consumer_message *dropped) {
    for (int32_t i = first_unsent(consumer); i < consumer->messages_count; i++) {
        const struct consumer_message *message = message_at(consumer, i);
        if (room >= 0 && message->room != room)
            continue;
        *dropped = *message;
        remove_message(consumer, i);
        return true;
    }
    return false;
}

void consumer_close(struct consumer *consumer, struct tally *tally) {
    while (consumer->messages_count > 0) {
        const struct consumer_message *last = message_at(consumer, consumer->messages_count - 1);
        if (last->end <= consumer->kernel_end)
            break;
        tally_lost(tally, last->due_ns, 1);
        consumer->messages_count--;
    }
    consumer->queued_end = consumer->kernel_end;
    consumer->is_closed = true;
    consumer->is_blocked = false;
}
