/* Where a frame begins and ends (RFC 6455, 5.2), checked before its payload has arrived.
 *
 * The gateway cuts its input into whole frames itself, so that an idle connection holds nothing,
 * and a frame that breaks a rule is refused at its header. A whole, final, masked data frame is
 * used where it lies; everything else (fragments, control frames) goes to wslay, see assembler.h.
 */
#ifndef HEADROOM_VALIDATION_GATEWAY_FRAMES_H
#define HEADROOM_VALIDATION_GATEWAY_FRAMES_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAMES_HEADER_MAX = 14, FRAMES_SERVER_HEADER_MAX = 10, FRAMES_CONTROL_MAX = 125 };

enum frames_opcode {
    FRAMES_CONTINUATION = 0,
    FRAMES_TEXT = 1,
    FRAMES_BINARY = 2,
    FRAMES_CLOSE = 8,
    FRAMES_PING = 9,
    FRAMES_PONG = 10,
};

enum frames_result {
    FRAMES_PARTIAL,   /* the header is not all there yet */
    FRAMES_OK,        /* `frame` is filled; its payload may still be missing */
    FRAMES_VIOLATION, /* 1002 */
    FRAMES_TOO_BIG,   /* 1009: the payload alone is larger than `payload_max` */
};

struct frames_frame {
    uint8_t opcode;
    bool is_final;
    uint8_t header_bytes; /* mask included */
    uint8_t mask[4];
    uint64_t payload_bytes;
};

/* Of a frame from a client: masked, no reserved bit, known opcode, short and final control frames,
 * shortest length form. */
enum frames_result frames_read(const uint8_t *bytes, size_t length, uint64_t payload_max,
                               struct frames_frame *frame) MUST_USE;

void frames_unmask(uint8_t *payload, size_t length, const uint8_t mask[4]);

/* A final, unmasked frame's header; returns its length: 2, 4 or 10. */
size_t frames_write_header(uint8_t out[FRAMES_SERVER_HEADER_MAX], uint8_t opcode,
                           uint64_t payload_bytes);

#endif
