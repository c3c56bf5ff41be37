/* What a client says: the HTTP request, and masked frames. Bytes only; no socket. */
#ifndef HEADROOM_VALIDATION_LOAD_WIRE_H
#define HEADROOM_VALIDATION_LOAD_WIRE_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_REQUEST_MAX = 256,
    WIRE_RESPONSE_MAX = 2048, /* of the server's answer, up to the empty line */
    WIRE_FRAME_HEADER_MAX = 14,
    WIRE_TEXT = 1,
    WIRE_BINARY = 2,
    WIRE_CLOSE = 8,
    WIRE_PING = 9,
    WIRE_PONG = 10,
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

#endif
