/* Frames from the server, in whatever pieces they arrive.
 *
 * Only the head of a message is kept: a room's name and the stamp. The rest is counted and
 * forgotten, so a message of a mebibyte needs no more memory than one of 48 bytes. */
#ifndef HEADROOM_VALIDATION_LOAD_INBOUND_H
#define HEADROOM_VALIDATION_LOAD_INBOUND_H

#include "models/workload/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INBOUND_HEAD_BYTES = PROTOCOL_ROOM_NAME_MAX + 1 + PROTOCOL_STAMP_BYTES,
    INBOUND_CONTROL_BYTES = 125, /* RFC 6455, 5.5 */
    INBOUND_HEADER_BYTES = 10,
};

enum inbound_event {
    INBOUND_MORE,    /* all was used up and nothing is complete */
    INBOUND_MESSAGE, /* head, head_length, message_bytes */
    INBOUND_PING,    /* control, control_length */
    INBOUND_PONG,
    INBOUND_CLOSE,  /* close_code: 1005 when the frame has none (RFC 6455, 7.1.5) */
    INBOUND_BROKEN, /* not what a server may send; nothing that follows can be understood */
};

struct inbound {
    uint64_t payload_left; /* of the frame that is being read */
    uint64_t message_bytes;
    uint8_t header[INBOUND_HEADER_BYTES];
    uint8_t header_length;
    bool is_in_payload, is_final, is_control, is_message_open;
    uint8_t opcode;
    uint8_t head_length, control_length;
    uint16_t close_code;
    char head[INBOUND_HEAD_BYTES];
    char control[INBOUND_CONTROL_BYTES];
};

void inbound_init(struct inbound *inbound);

/* Reads up to the next event and returns how many bytes that took; feed the rest again. */
size_t inbound_feed(struct inbound *inbound, const uint8_t *bytes, size_t length,
                    enum inbound_event *event);

#endif
