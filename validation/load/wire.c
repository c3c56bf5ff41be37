/* The key of the request is the example of RFC 6455, 1.3, and so is the answer: a server that gets
 * this one right computes it, and the generator needs no SHA-1. Masks differ from frame to frame,
 * since a constant one could be a case of its own on the other side. */
#include "validation/load/wire.h"

#include "sim/base/check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char request_key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char accept_key[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

size_t wire_write_request(char out[WIRE_REQUEST_MAX], const char *host, int port) {
    return (size_t)snprintf(out, WIRE_REQUEST_MAX,
                            "GET / HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                            "Sec-WebSocket-Version: 13\r\n\r\n",
                            host, port, request_key);
}

/* The value of a header within [bytes, end), blanks around it cut off; NULL: it is not there. */
static const char *header_value(const char *bytes, const char *end, const char *name,
                                size_t *value_length) {
    size_t name_length = strlen(name);
    for (const char *line = bytes; line < end;) {
        const char *line_end = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!line_end)
            line_end = end;
        if ((size_t)(line_end - line) > name_length && line[name_length] == ':' &&
            strncasecmp(line, name, name_length) == 0) {
            const char *value = line + name_length + 1;
            while (value < line_end && (*value == ' ' || *value == '\t'))
                value++;
            while (value < line_end && (line_end[-1] == ' ' || line_end[-1] == '\t'))
                line_end--;
            *value_length = (size_t)(line_end - value);
            return value;
        }
        line = line_end + 2;
    }
    return NULL;
}

static bool header_is(const char *bytes, const char *end, const char *name, const char *wanted,
                      bool is_case_exact) {
    size_t length;
    const char *value = header_value(bytes, end, name, &length);
    return value && length == strlen(wanted) &&
           (is_case_exact ? memcmp(value, wanted, length) : strncasecmp(value, wanted, length)) ==
               0;
}

enum wire_answer wire_read_response(const char *bytes, size_t length, size_t *used) {
    static const char status[] = "HTTP/1.1 101 ";
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    *used = 0;
    if (!end) {
        size_t known = length < sizeof status - 1 ? length : sizeof status - 1;
        return length >= WIRE_RESPONSE_MAX || memcmp(bytes, status, known) != 0 ? WIRE_REFUSED
                                                                                : WIRE_MORE;
    }
    *used = (size_t)(end - bytes) + 4;
    bool is_right = memcmp(bytes, status, sizeof status - 1) == 0 &&
                    header_is(bytes, end, "Upgrade", "websocket", false) &&
                    header_is(bytes, end, "Connection", "Upgrade", false) &&
                    header_is(bytes, end, "Sec-WebSocket-Accept", accept_key, true);
    return is_right ? WIRE_UPGRADED : WIRE_REFUSED;
}

static size_t write_header(uint8_t *out, uint8_t opcode, size_t payload_bytes) {
    out[0] = (uint8_t)(0x80 | opcode);
    if (payload_bytes < 126) {
        out[1] = (uint8_t)(0x80 | payload_bytes);
        return 2;
    }
    int bytes = payload_bytes < 65536 ? 2 : 8;
    out[1] = bytes == 2 ? 0x80 | 126 : 0x80 | 127;
    for (int i = 0; i < bytes; i++)
        out[2 + i] = (uint8_t)((uint64_t)payload_bytes >> (8 * (bytes - 1 - i)));
    return (size_t)(2 + bytes);
}

/* Eight bytes at a time; the mask starts anew every four. */
static void mask_payload(uint8_t *bytes, size_t length, uint32_t mask) {
    uint64_t twice = (uint64_t)mask << 32 | mask;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        word ^= twice;
        memcpy(bytes + i, &word, sizeof word);
    }
    const uint8_t *mask_bytes = (const uint8_t *)&mask;
    for (; i < length; i++)
        bytes[i] ^= mask_bytes[i % 4];
}

size_t wire_write_frame(uint8_t *out, uint8_t opcode, const char *payload, size_t payload_bytes,
                        uint32_t mask) {
    size_t header = write_header(out, opcode, payload_bytes);
    memmove(out + header + sizeof mask, payload, payload_bytes);
    memcpy(out + header, &mask, sizeof mask);
    mask_payload(out + header + sizeof mask, payload_bytes, mask);
    return header + sizeof mask + payload_bytes;
}

/* --- the table --- */

static size_t write_join(uint8_t *out, const char *room, uint32_t mask) {
    char join[sizeof "join " + PROTOCOL_ROOM_NAME_MAX];
    int length = snprintf(join, sizeof join, "join %s", room);
    CHECK(length < (int)sizeof join);
    return wire_write_frame(out, WIRE_TEXT, join, (size_t)length, mask);
}

static size_t write_publish(uint8_t *out, const char *room, struct protocol_stamp stamp,
                            size_t delivered_bytes, uint32_t mask) {
    char *text = (char *)out + WIRE_FRAME_HEADER_MAX;
    size_t length = protocol_write_publish(text, room, stamp, delivered_bytes);
    return wire_write_frame(out, WIRE_TEXT, text, length, mask);
}

static int64_t delivery_bytes(const char *room UNUSED, int64_t delivered_bytes) {
    return protocol_outbound_bytes(delivered_bytes);
}

const struct wire wire_websocket = {
    .name = "websocket",
    .write_request = wire_write_request,
    .read_response = wire_read_response,
    .write_join = write_join,
    .write_publish = write_publish,
    .write_control = wire_write_frame,
    .feed = inbound_feed,
    .delivery_bytes = delivery_bytes,
};

const struct wire *wire_named(const char *name) {
    static const struct wire *const wires[] = {&wire_websocket, &wire_nats};
    for (size_t i = 0; i < COUNT_OF(wires); i++)
        if (strcmp(wires[i]->name, name) == 0)
            return wires[i];
    return NULL;
}
