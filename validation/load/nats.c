/* The text protocol of NATS (docs.nats.io, "Client Protocol"), as far as a subscriber that
 * publishes speaks it: INFO, CONNECT, SUB, PUB, MSG, PING, PONG, -ERR.
 *
 * A room is a subject, and its subscription's number is its name again, so that nobody has to keep
 * a list. The payload is the gateway's delivery, room and stamp included: both servers hand on the
 * same bytes, and only the framing differs. In struct inbound the line that is being read lies in
 * `control`, cut to its first INBOUND_CONTROL_BYTES; only an INFO is longer, and is not read. */
#include "validation/load/wire.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { END_BYTES = 2, PUBLISH_WORD_BYTES = 8, PAYLOAD_MAX = 64 << 20 };

static size_t write_request(char out[WIRE_REQUEST_MAX], const char *host UNUSED, int port UNUSED) {
    return (size_t)snprintf(out, WIRE_REQUEST_MAX,
                            "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\","
                            "\"version\":\"0\",\"protocol\":1}\r\n");
}

/* The server speaks first: INFO. */
static enum wire_answer read_response(const char *bytes, size_t length, size_t *used) {
    static const char word[] = "INFO ";
    size_t known = length < sizeof word - 1 ? length : sizeof word - 1;
    *used = 0;
    if (memcmp(bytes, word, known) != 0)
        return WIRE_REFUSED;
    const char *end = memchr(bytes, '\n', length);
    if (end == NULL)
        return length >= WIRE_RESPONSE_MAX ? WIRE_REFUSED : WIRE_MORE;
    *used = (size_t)(end - bytes) + 1;
    return WIRE_UPGRADED;
}

static size_t write_join(uint8_t *out, const char *room, uint32_t mask UNUSED) {
    return (size_t)sprintf((char *)out, "SUB %s %s\r\n", room, room);
}

static size_t write_publish(uint8_t *out, const char *room, struct protocol_stamp stamp,
                            size_t delivered_bytes, uint32_t mask UNUSED) {
    char *text = (char *)out;
    size_t head = (size_t)sprintf(text, "PUB %s %zu\r\n", room, delivered_bytes);
    size_t length = protocol_write_publish(text + head, room, stamp, delivered_bytes);
    CHECK(length == PUBLISH_WORD_BYTES + delivered_bytes);
    memmove(text + head, text + head + PUBLISH_WORD_BYTES, delivered_bytes);
    memcpy(text + head + delivered_bytes, "\r\n", END_BYTES);
    return head + delivered_bytes + END_BYTES;
}

static size_t write_control(uint8_t *out, uint8_t opcode, const char *payload UNUSED,
                            size_t length UNUSED, uint32_t mask UNUSED) {
    memcpy(out, opcode == WIRE_PING ? "PING\r\n" : "PONG\r\n", 6);
    return 6;
}

static int64_t delivery_bytes(const char *room, int64_t delivered_bytes) {
    int head = snprintf(NULL, 0, "MSG %s %s %lld\r\n", room, room, (long long)delivered_bytes);
    return head + delivered_bytes + END_BYTES;
}

/* --- what the server says --- */

static bool line_is(const struct inbound *inbound, const char *word) {
    size_t length = strlen(word);
    return inbound->control_length >= length && memcmp(inbound->control, word, length) == 0;
}

/* The payload's length is the last word of MSG's line; false when it is none. */
static bool begin_payload(struct inbound *inbound) {
    char line[INBOUND_CONTROL_BYTES + 1];
    memcpy(line, inbound->control, inbound->control_length);
    line[inbound->control_length] = '\0';
    const char *last = strrchr(line, ' ');
    char *end;
    unsigned long bytes = strtoul(last + 1, &end, 10); /* "MSG " has a blank */
    if (end == last + 1 || *end != '\r' || bytes > PAYLOAD_MAX)
        return false;
    inbound->is_in_payload = true;
    inbound->payload_left = bytes + END_BYTES;
    inbound->message_bytes = bytes;
    inbound->head_length = 0;
    return true;
}

static enum inbound_event end_line(struct inbound *inbound) {
    if (line_is(inbound, "MSG "))
        return begin_payload(inbound) ? INBOUND_MORE : INBOUND_BROKEN;
    if (line_is(inbound, "PING"))
        return INBOUND_PING;
    if (line_is(inbound, "PONG"))
        return INBOUND_PONG;
    if (line_is(inbound, "-ERR")) { /* is shown to whoever looks for a delivery in it */
        inbound->head_length = inbound->control_length < INBOUND_HEAD_BYTES
                                   ? inbound->control_length
                                   : INBOUND_HEAD_BYTES;
        memcpy(inbound->head, inbound->control, inbound->head_length);
        inbound->message_bytes = inbound->head_length;
        return INBOUND_MESSAGE;
    }
    return line_is(inbound, "INFO ") || line_is(inbound, "+OK") ? INBOUND_MORE : INBOUND_BROKEN;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t take_line(struct inbound *inbound, const uint8_t *bytes, size_t length,
                        enum inbound_event *event) {
    const uint8_t *end = memchr(bytes, '\n', length);
    size_t used = end == NULL ? length : (size_t)(end - bytes) + 1;
    size_t room = sizeof inbound->control - inbound->control_length;
    size_t kept = least(used, room);
    memcpy(inbound->control + inbound->control_length, bytes, kept);
    inbound->control_length = (uint8_t)(inbound->control_length + kept);
    if (end != NULL) {
        *event = end_line(inbound);
        inbound->control_length = 0;
    }
    return used;
}

static size_t take_payload(struct inbound *inbound, const uint8_t *bytes, size_t length,
                           enum inbound_event *event) {
    size_t used = least(length, (size_t)inbound->payload_left);
    size_t room = sizeof inbound->head - inbound->head_length;
    size_t payload = inbound->payload_left > END_BYTES ? inbound->payload_left - END_BYTES : 0;
    size_t kept = least(least(used, payload), room);
    memcpy(inbound->head + inbound->head_length, bytes, kept);
    inbound->head_length = (uint8_t)(inbound->head_length + kept);
    inbound->payload_left -= used;
    if (inbound->payload_left == 0) {
        inbound->is_in_payload = false;
        *event = INBOUND_MESSAGE;
    }
    return used;
}

static size_t feed(struct inbound *inbound, const uint8_t *bytes, size_t length,
                   enum inbound_event *event) {
    size_t used = 0;
    *event = INBOUND_MORE;
    while (used < length && *event == INBOUND_MORE)
        used += (inbound->is_in_payload ? take_payload : take_line)(inbound, bytes + used,
                                                                    length - used, event);
    return used;
}

const struct wire wire_nats = {
    .name = "nats",
    .write_request = write_request,
    .read_response = read_response,
    .write_join = write_join,
    .write_publish = write_publish,
    .write_control = write_control,
    .feed = feed,
    .delivery_bytes = delivery_bytes,
};
