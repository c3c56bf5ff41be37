/* Redis, RESP2 (redis.io, "Redis serialization protocol specification"): a connection that
 * subscribes may not publish, so an instance has two connections of this wire.
 *
 * Rooms are channels, "headroom:" and the room; the one channel of all rooms is "headroom". What
 * comes back is an integer per PUBLISH, and arrays of three: subscribe or unsubscribe, channel,
 * count; message, channel, payload; and to a PING "+PONG", or where there are subscriptions an
 * array of two. Anything else ends the connection: nothing else was asked for.
 * Read strictly and in place, with a bound on every length. */
#include "validation/backplane/wire.h"

#include <stdio.h>
#include <string.h>

enum { PARTS = 3, HEAD_MAX = 256, END_BYTES = 2 };
static const char prefix[] = "headroom";

struct channel {
    char name[sizeof prefix + 1 + PROTOCOL_ROOM_NAME_MAX];
    int length;
};

static struct channel channel_of(const char *room, size_t length) {
    struct channel channel;
    channel.length = snprintf(channel.name, sizeof channel.name, "%s%s%.*s", prefix,
                              length > 0 ? ":" : "", (int)length, room);
    return channel;
}

static bool write_hello(struct backplane_buffer *out UNUSED,
                        const struct backplane_self *self UNUSED) {
    return true;
}

static bool write_interest(struct backplane_buffer *out, const struct backplane_room *room,
                           bool holds) {
    struct channel channel = channel_of(room->name, room->length);
    const char *verb = holds ? "SUBSCRIBE" : "UNSUBSCRIBE";
    char line[HEAD_MAX];
    int length = snprintf(line, sizeof line, "*2\r\n$%zu\r\n%s\r\n$%d\r\n%s\r\n", strlen(verb),
                          verb, channel.length, channel.name);
    return backplane_buffer_add(out, line, (size_t)length);
}

static bool write_publish(struct backplane_buffer *out, const struct backplane_message *message,
                          bool is_shared) {
    struct channel channel = channel_of(message->room, is_shared ? 0 : message->room_length);
    size_t payload = BACKPLANE_HEAD_BYTES + message->delivery_length;
    char line[HEAD_MAX];
    int length = snprintf(line, sizeof line, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%zu\r\n",
                          channel.length, channel.name, payload);
    return backplane_message_add(out, line, (size_t)length, message);
}

static bool write_ping(struct backplane_buffer *out) {
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    return backplane_buffer_add(out, ping, sizeof ping - 1);
}

static bool write_pong(struct backplane_buffer *out UNUSED) {
    return true;
}

/* --- reading --- */

struct cursor {
    const uint8_t *at, *end;
};

enum took { TOOK_IT, TOOK_NOT_ALL_THERE, TOOK_NONSENSE };

/* A line that begins with `kind`, and the number that it says. */
static enum took take_number(struct cursor *cursor, char kind, int64_t highest, int64_t *number) {
    if (cursor->at == cursor->end)
        return TOOK_NOT_ALL_THERE;
    if (*cursor->at != (uint8_t)kind)
        return TOOK_NONSENSE;
    const uint8_t *digit = cursor->at + 1;
    int64_t value = 0;
    for (; digit < cursor->end && *digit >= '0' && *digit <= '9' && value <= highest; digit++)
        value = 10 * value + (*digit - '0');
    if (value > highest)
        return TOOK_NONSENSE;
    if (cursor->end - digit < END_BYTES)
        return digit < cursor->end && *digit != '\r' ? TOOK_NONSENSE : TOOK_NOT_ALL_THERE;
    if (digit == cursor->at + 1 || digit[0] != '\r' || digit[1] != '\n')
        return TOOK_NONSENSE;
    *number = value;
    cursor->at = digit + END_BYTES;
    return TOOK_IT;
}

struct part {
    const uint8_t *bytes;
    size_t length;
};

static enum took take_bulk(struct cursor *cursor, struct part *part) {
    int64_t length;
    enum took took = take_number(cursor, '$', BACKPLANE_MESSAGE_MAX, &length);
    if (took != TOOK_IT)
        return took;
    if (cursor->end - cursor->at < length + END_BYTES)
        return TOOK_NOT_ALL_THERE;
    *part = (struct part){cursor->at, (size_t)length};
    cursor->at += length;
    if (cursor->at[0] != '\r' || cursor->at[1] != '\n')
        return TOOK_NONSENSE;
    cursor->at += END_BYTES;
    return TOOK_IT;
}

static bool is_word(const struct part *part, const char *word) {
    return part->length == strlen(word) && memcmp(part->bytes, word, part->length) == 0;
}

/* Array of three, the third a bulk or, of a subscription, a count; of two, a pong. */
static enum took take_push(struct cursor *cursor, struct backplane_event *event) {
    int64_t parts, count;
    struct part verb, channel, payload;
    enum took took = take_number(cursor, '*', PARTS, &parts);
    if (took == TOOK_IT)
        took = take_bulk(cursor, &verb);
    if (took == TOOK_IT)
        took = take_bulk(cursor, &channel);
    if (took != TOOK_IT)
        return took;
    event->kind = BACKPLANE_HEARD;
    if (parts == PARTS - 1 && is_word(&verb, "pong"))
        return TOOK_IT;
    if (parts == PARTS && (is_word(&verb, "subscribe") || is_word(&verb, "unsubscribe")))
        return take_number(cursor, ':', INT32_MAX, &count);
    if (parts != PARTS || !is_word(&verb, "message"))
        return TOOK_NONSENSE;
    took = take_bulk(cursor, &payload);
    if (took == TOOK_IT)
        *event = (struct backplane_event){BACKPLANE_MESSAGE, payload.bytes, payload.length, NULL};
    return took;
}

static enum took take_pong(struct cursor *cursor, struct backplane_event *event) {
    static const char pong[] = "+PONG\r\n";
    size_t there = (size_t)(cursor->end - cursor->at);
    size_t compared = there < sizeof pong - 1 ? there : sizeof pong - 1;
    if (memcmp(cursor->at, pong, compared) != 0)
        return TOOK_NONSENSE;
    event->kind = BACKPLANE_HEARD;
    cursor->at += compared;
    return compared == sizeof pong - 1 ? TOOK_IT : TOOK_NOT_ALL_THERE;
}

static enum took take_reply(struct cursor *cursor, struct backplane_event *event) {
    int64_t receivers;
    switch (*cursor->at) {
    case ':':
        event->kind = BACKPLANE_CONFIRMED;
        return take_number(cursor, ':', INT32_MAX, &receivers);
    case '*':
        return take_push(cursor, event);
    case '+':
        return take_pong(cursor, event);
    case '-':
        event->why = "Redis answered with an error";
        return TOOK_NONSENSE;
    default:
        return TOOK_NONSENSE;
    }
}

static void next(struct backplane_buffer *in, const struct backplane_self *self UNUSED,
                 struct backplane_event *event) {
    *event = (struct backplane_event){.kind = BACKPLANE_MORE};
    if (backplane_buffer_waiting(in) == 0)
        return;
    struct cursor cursor = {in->bytes + in->start, in->bytes + in->end};
    switch (take_reply(&cursor, event)) {
    case TOOK_IT:
        backplane_buffer_take(in, (size_t)(cursor.at - (in->bytes + in->start)));
        return;
    case TOOK_NOT_ALL_THERE:
        *event = (struct backplane_event){.kind = BACKPLANE_MORE};
        return;
    case TOOK_NONSENSE:
        event->kind = BACKPLANE_BROKEN;
        if (event->why == NULL)
            event->why = "no answer of a Redis server";
        return;
    }
}

const struct backplane_wire backplane_wire_redis = {
    .name = "redis",
    .write_hello = write_hello,
    .write_interest = write_interest,
    .write_publish = write_publish,
    .write_ping = write_ping,
    .write_pong = write_pong,
    .next = next,
    .is_ready_at_once = true,
    .confirms = true,
};
