#include "tests/oracle/reader.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void reader_fini(struct reader *reader) {
    free(reader->messages);
}

int64_t reader_level(const struct reader *reader) {
    int64_t level = 0;
    for (int32_t i = 0; i < reader->messages_count; i++)
        level += reader->messages[i].taken - reader->messages[i].read;
    return level;
}

int64_t reader_waiting(const struct reader *reader) {
    int64_t waiting = 0;
    for (int32_t i = 0; i < reader->messages_count; i++)
        waiting += reader->messages[i].bytes - reader->messages[i].taken;
    return waiting;
}

void reader_remove(struct reader *reader, int32_t index) {
    reader->messages_count--;
    memmove(reader->messages + index, reader->messages + index + 1,
            (size_t)(reader->messages_count - index) * sizeof *reader->messages);
}

void reader_append(struct reader *reader, const struct reader_message *message) {
    if (reader->messages_count == reader->messages_max) {
        reader->messages_max = 2 * reader->messages_max + 8;
        reader->messages =
            realloc(reader->messages, (size_t)reader->messages_max * sizeof *reader->messages);
        CHECK(reader->messages != NULL);
    }
    reader->messages[reader->messages_count++] = *message;
}

/* When the next byte is read, if one is there: the n-th since reads_since_ns at the first
 * nanosecond by which 8 n bits have passed. */
static base_ns next_byte_ns(const struct reader *reader) {
    if (isinf(reader->receiver.bytes_per_s))
        return reader->clock_ns;
    int64_t bits_per_s = llround(8 * reader->receiver.bytes_per_s);
    int64_t needed = (reader->read_since + 1) * 8 * BASE_NS_PER_S;
    CHECK(reader->read_since < 1000000000);
    return reader->reads_since_ns + (needed + bits_per_s - 1) / bits_per_s;
}

static void read_byte(struct reader *reader) {
    struct reader_message *first = &reader->messages[0];
    CHECK(first->read < first->taken);
    reader->read_since++;
    if (++first->read < first->bytes)
        return;
    if (reader->delivered)
        reader->delivered(reader->target, first, reader->clock_ns);
    reader_remove(reader, 0);
}

/* The next thing that the client does by `until_ns`; false: nothing. */
static bool step(struct reader *reader, base_ns until_ns) {
    base_ns change_ns = receiver_next_change(&reader->receiver, reader->clock_ns);
    base_ns stop_ns = change_ns < until_ns ? change_ns : until_ns;
    bool is_reading = receiver_is_reading(&reader->receiver, reader->clock_ns);
    if (is_reading && reader_level(reader) > 0 && next_byte_ns(reader) <= stop_ns) {
        reader->clock_ns = next_byte_ns(reader);
        read_byte(reader);
        return true;
    }
    if (change_ns > until_ns) {
        if (until_ns > reader->clock_ns)
            reader->clock_ns = until_ns;
        return false;
    }
    reader->clock_ns = change_ns;
    reader->reads_since_ns = change_ns;
    reader->read_since = 0;
    return true;
}

void reader_advance(struct reader *reader, base_ns until_ns) {
    while (step(reader, until_ns))
        continue;
}

int64_t reader_take(struct reader *reader, int64_t most) {
    int64_t space = reader->capacity_bytes - reader_level(reader), taken = 0;
    if (space < most)
        most = space;
    if (reader_level(reader) == 0) {
        reader->read_since = 0;
        reader->reads_since_ns = reader->clock_ns;
    }
    for (int32_t i = 0; i < reader->messages_count; i++) {
        struct reader_message *message = &reader->messages[i];
        int64_t left = message->bytes - message->taken;
        int64_t part = left < most - taken ? left : most - taken;
        message->taken += (int32_t)part;
        taken += part;
    }
    reader->taken_bytes += taken;
    reader_advance(reader, reader->clock_ns);
    return taken;
}

void reader_count_queue(struct reader *reader) {
    struct slow_consumer_queue *queue = &reader->queue;
    queue->bytes = reader_waiting(reader);
    queue->messages = queue->head_sent_bytes = queue->signals = 0;
    for (int32_t i = 0; i < reader->messages_count; i++) {
        const struct reader_message *message = &reader->messages[i];
        if (message->taken == message->bytes)
            continue;
        queue->messages++;
        queue->head_sent_bytes += message->taken;
        queue->signals += message->taken == 0 && message->expires_ns > 0;
    }
}

base_ns reader_when_at_most(const struct reader *reader, int64_t level, base_ns now_ns,
                            base_ns limit_ns) {
    struct reader walk = *reader;
    size_t size = (size_t)reader->messages_count * sizeof *walk.messages;
    walk.messages = malloc(size + 1);
    CHECK(walk.messages != NULL);
    memcpy(walk.messages, reader->messages, size);
    walk.delivered = NULL;
    bool is_there;
    while (!(is_there = reader_level(&walk) <= level) && step(&walk, limit_ns))
        continue;
    base_ns at_ns = walk.clock_ns > now_ns ? walk.clock_ns : now_ns;
    free(walk.messages);
    return is_there ? at_ns : BASE_NS_MAX;
}
