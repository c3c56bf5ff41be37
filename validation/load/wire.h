/* What a client says and hears, by the protocol of the server it talks to. Bytes only; no socket.
 *
 * One table of operations per protocol: the gateway's own, which is WebSocket, and the text
 * protocol of NATS, so that one generator can load both in one run. Plan, clock, sampling and
 * account know only the table. */
#ifndef HEADROOM_VALIDATION_LOAD_WIRE_H
#define HEADROOM_VALIDATION_LOAD_WIRE_H

#include "models/workload/protocol.h"
#include "sim/base/attributes.h"
#include "validation/load/inbound.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_REQUEST_MAX = 256,
    WIRE_RESPONSE_MAX = 2048, /* of the server's answer, up to the empty line */
    WIRE_FRAME_HEADER_MAX = 14,
    WIRE_TEXT = 1,
    WIRE_PING = 9,
    WIRE_PONG = 10,
    /* What any of the tables adds to a payload: of a join, a publish or a control message. */
    WIRE_OVERHEAD_MAX = 192,
};

/* The upgrade request; returns its length. */
size_t wire_write_request(char out[WIRE_REQUEST_MAX], const char *host, int port);

enum wire_answer { WIRE_MORE, WIRE_UPGRADED, WIRE_REFUSED };
/* Of what the server has answered so far: `used` bytes belong to the response, what follows is the
 * first frame's. Refused: another status, a missing header, a wrong accept key, or too long. */
enum wire_answer wire_read_response(const char *bytes, size_t length, size_t *used) MUST_USE;

/* Writes a final frame with its payload masked by `mask`; `out` holds payload_bytes +
 * WIRE_FRAME_HEADER_MAX. Returns the length. `payload` may lie inside `out` at or behind
 * WIRE_FRAME_HEADER_MAX. */
size_t wire_write_frame(uint8_t *out, uint8_t opcode, const char *payload, size_t payload_bytes,
                        uint32_t mask);

/* Each writer's `out` holds the payload and WIRE_OVERHEAD_MAX; each returns the length. */
struct wire {
    const char *name;
    size_t (*write_request)(char out[WIRE_REQUEST_MAX], const char *host, int port);
    enum wire_answer (*read_response)(const char *bytes, size_t length, size_t *used);
    size_t (*write_join)(uint8_t *out, const char *room, uint32_t mask);
    /* What every member then receives: `delivered_bytes` that begin with the room and the stamp. */
    size_t (*write_publish)(uint8_t *out, const char *room, struct protocol_stamp stamp,
                            size_t delivered_bytes, uint32_t mask);
    /* WIRE_PING, which asks for a pong, or WIRE_PONG; of WebSocket WIRE_TEXT, too: a command. */
    size_t (*write_control)(uint8_t *out, uint8_t opcode, const char *payload, size_t length,
                            uint32_t mask);
    /* As inbound_feed. */
    size_t (*feed)(struct inbound *inbound, const uint8_t *bytes, size_t length,
                   enum inbound_event *event);
    /* Of a delivery on the stream, framing included. */
    int64_t (*delivery_bytes)(const char *room, int64_t delivered_bytes);
};

extern const struct wire wire_websocket, wire_nats;
/* NULL: there is none of that name. */
const struct wire *wire_named(const char *name);

#endif
