/* The text protocol of NATS (docs.nats.io, "Client Protocol"), with `echo` off: the server does not
 * send a node what it has published itself.
 *
 * Rooms are subjects, "headroom." and the room, with '=' for each of its dots, which would part a
 * subject; no room has a '='. The one channel of all rooms is the subject "headroom". A
 * subscription's number is the room's on this node. */
#include "validation/backplane/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 15, HEAD_MAX = 256, END_BYTES = 2 };
static const char prefix[] = "headroom";

struct subject {
    char name[sizeof prefix + 1 + PROTOCOL_ROOM_NAME_MAX];
    int length;
};

static struct subject subject_of(const char *room, size_t length) {
    struct subject subject;
    subject.length = snprintf(subject.name, sizeof subject.name, "%s%s%.*s", prefix,
                              length > 0 ? "." : "", (int)length, room);
    for (char *at = subject.name + sizeof prefix; length > 0 && *at != '\0'; at++)
        if (*at == '.')
            *at = '=';
    return subject;
}

static bool write_hello(struct backplane_buffer *out, const struct backplane_self *self UNUSED) {
    static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,"
                                "\"lang\":\"c\",\"version\":\"0\",\"protocol\":1}\r\nPING\r\n";
    return backplane_buffer_add(out, hello, sizeof hello - 1);
}

static bool write_interest(struct backplane_buffer *out, const struct backplane_room *room,
                           bool holds) {
    struct subject subject = subject_of(room->name, room->length);
    char line[HEAD_MAX];
    int length = holds ? snprintf(line, sizeof line, "SUB %s %u\r\n", subject.name, room->number)
                       : snprintf(line, sizeof line, "UNSUB %u\r\n", room->number);
    return backplane_buffer_add(out, line, (size_t)length);
}

static bool write_publish(struct backplane_buffer *out, const struct backplane_message *message,
                          bool is_shared) {
    struct subject subject = subject_of(message->room, is_shared ? 0 : message->room_length);
    size_t payload = BACKPLANE_HEAD_BYTES + message->delivery_length;
    char line[HEAD_MAX];
    int length = snprintf(line, sizeof line, "PUB %s %zu\r\n", subject.name, payload);
    return backplane_message_add(out, line, (size_t)length, message);
}

static bool write_ping(struct backplane_buffer *out) {
    return backplane_buffer_add(out, "PING\r\n", 6);
}

static bool write_pong(struct backplane_buffer *out) {
    return backplane_buffer_add(out, "PONG\r\n", 6);
}

/* --- reading --- */

static bool begins(const uint8_t *line, size_t length, const char *word) {
    size_t bytes = strlen(word);
    return length >= bytes && memcmp(line, word, bytes) == 0;
}

/* The last word of an MSG line: bytes of its payload. -1: it says no such thing. */
static int64_t payload_of(const uint8_t *line, size_t length) {
    size_t first = length;
    while (first > 0 && line[first - 1] != ' ')
        first--;
    int64_t value = 0;
    for (size_t i = first; i < length; i++) {
        if (line[i] < '0' || line[i] > '9')
            return -1;
        value = 10 * value + (line[i] - '0');
        if (value > BACKPLANE_MESSAGE_MAX)
            return -1;
    }
    return first < length && first > 0 ? value : -1;
}

/* The line has come and, of an MSG, its payload perhaps not. */
static void take_message(struct backplane_buffer *in, const uint8_t *line, size_t length,
                         struct backplane_event *event) {
    int64_t payload = payload_of(line, length);
    if (payload < 0)
        return;
    const uint8_t *bytes = line + length + END_BYTES;
    if (in->bytes + in->end - bytes < payload + END_BYTES) {
        event->kind = BACKPLANE_MORE;
        return;
    }
    if (bytes[payload] != '\r' || bytes[payload + 1] != '\n')
        return;
    *event = (struct backplane_event){BACKPLANE_MESSAGE, bytes, (size_t)payload, NULL};
    backplane_buffer_take(in, length + END_BYTES + (size_t)payload + END_BYTES);
}

static void obey(struct backplane_buffer *in, const uint8_t *line, size_t length,
                 struct backplane_event *event) {
    if (begins(line, length, "MSG ")) {
        take_message(in, line, length, event);
        return;
    }
    if (begins(line, length, "PING"))
        event->kind = BACKPLANE_PINGED;
    else if (begins(line, length, "PONG"))
        event->kind = BACKPLANE_GREETED; /* ours was the last word of the hello */
    else if (begins(line, length, "INFO ") || begins(line, length, "+OK"))
        event->kind = BACKPLANE_HEARD;
    else if (begins(line, length, "-ERR"))
        event->why = "NATS answered with an error";
    if (event->kind != BACKPLANE_BROKEN)
        backplane_buffer_take(in, length + END_BYTES);
}

static void next(struct backplane_buffer *in, const struct backplane_self *self UNUSED,
                 struct backplane_event *event) {
    *event = (struct backplane_event){.kind = BACKPLANE_MORE};
    size_t waiting = backplane_buffer_waiting(in);
    if (waiting == 0)
        return;
    const uint8_t *line = in->bytes + in->start;
    size_t looked_at = waiting < LINE_MAX_BYTES ? waiting : LINE_MAX_BYTES;
    const uint8_t *end = memchr(line, '\n', looked_at);
    if (end == NULL && looked_at < LINE_MAX_BYTES)
        return;
    *event = (struct backplane_event){.kind = BACKPLANE_BROKEN, .why = "no line of a NATS server"};
    if (end != NULL && end > line && end[-1] == '\r')
        obey(in, line, (size_t)(end - line) - 1, event);
}

const struct backplane_wire backplane_wire_nats = {
    .name = "nats",
    .write_hello = write_hello,
    .write_interest = write_interest,
    .write_publish = write_publish,
    .write_ping = write_ping,
    .write_pong = write_pong,
    .next = next,
};
