/* A publish between nodes: twelve bytes of head, then what members are sent.
 *
 *   0   'H'
 *   1   type of the WebSocket message: 1 text, 2 binary
 *   2   bytes of the room's name, 1 to 64
 *   3   0
 *   4   the node that it comes from, 64 bits, most significant byte first
 *   12  the room's name, a newline, the body: the delivery as docs/protocol.md has it
 *
 * The same on every backplane, so that what carries it is only framing. The node's number lets it
 * know its own messages when a system in between hands them back. docs/backplanes.md. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_MESSAGE_H
#define HEADROOM_VALIDATION_BACKPLANE_MESSAGE_H

#include "models/workload/protocol.h"
#include "sim/base/attributes.h"
#include "validation/backplane/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BACKPLANE_HEAD_BYTES = 12,
    BACKPLANE_MESSAGE_MAX = BACKPLANE_HEAD_BYTES + PROTOCOL_MESSAGE_MAX,
};

struct backplane_message {
    uint64_t origin;
    uint8_t opcode;
    const char *room; /* inside the delivery, not ended by NUL */
    size_t room_length;
    const char *delivery;
    size_t delivery_length;
};

void backplane_put_u64(uint8_t out[8], uint64_t value);
uint64_t backplane_get_u64(const uint8_t bytes[8]);
/* 1 to 64 letters, digits, '_', '-', '.' and ':', and '~', which clients may not use: what nodes
 * say to each other has a name of its own. */
bool backplane_is_room(const char *name, size_t length);

void backplane_message_head(const struct backplane_message *message,
                            uint8_t out[BACKPLANE_HEAD_BYTES]);
/* In a text protocol: a line, the message, and the end of a line. False: out of memory. */
bool backplane_message_add(struct backplane_buffer *out, const char *line, size_t line_length,
                           const struct backplane_message *message) MUST_USE;
/* False: it is none. The texts lie in `bytes`. */
bool backplane_message_read(struct backplane_message *message, const uint8_t *bytes,
                            size_t length) MUST_USE;

#endif
