/* The gateway's protocol, above WebSocket messages: short enough to type into a browser's console.
 * docs/protocol.md is its page.
 *
 *   client:  join ROOM | leave ROOM | publish ROOM\n<body>        one WebSocket message each, text
 * or binary server:  ROOM\n<body>                                         to every member, of the
 * publish's own type ! <reason>\n<the offending first line>               to the sender of
 * something wrong
 *
 * A publish is delivered by cutting "publish " off, so its frame is encoded once for all
 * recipients. The load generator's body begins with a fixed stamp: 16 hex digits of the intended
 * time in ns, 8 of the publish's number (modulo 2^32), a space; then padding to the planned length.
 */
#ifndef HEADROOM_MODELS_WORKLOAD_PROTOCOL_H
#define HEADROOM_MODELS_WORKLOAD_PROTOCOL_H

#include "sim/base/attributes.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROTOCOL_ROOM_NAME_MAX = 64, /* bytes; letters, digits, '_', '-', '.', ':' */
    PROTOCOL_STAMP_BYTES = 25,
    PROTOCOL_MESSAGE_MAX =
        1 << 20, /* bytes of a WebSocket message from a client; larger ones are closed with 1009 */
};

enum protocol_verb {
    PROTOCOL_JOIN,
    PROTOCOL_LEAVE,
    PROTOCOL_PUBLISH,
    PROTOCOL_ENTER,
    PROTOCOL_EXIT,
    PROTOCOL_LIST
};

struct protocol_command {
    enum protocol_verb verb;
    const char *room; /* inside the message, not ended by NUL */
    size_t room_length;
    const char *delivery; /* PUBLISH: "ROOM\n<body>", inside the message */
    size_t delivery_length;
    const char *key; /* ENTER: "KEY" or "KEY STATE", inside the message */
    size_t key_length;
    const char *state;
    size_t state_length;
};

/* False with the reason ("unknown verb", "room name is too long", ...) when it is none. */
bool protocol_parse(const char *message, size_t length, struct protocol_command *command,
                    const char **reason) MUST_USE;

/* A room's name, or a member's: 1 to PROTOCOL_ROOM_NAME_MAX of the allowed characters. */
bool protocol_is_name(const char *bytes, size_t length);

struct protocol_stamp {
    base_ns due_ns;
    uint32_t number;
};

/* Writes "publish ROOM\n<stamp><padding>" so that what is delivered has `delivered_bytes`; returns
 * the length written ("publish " is 8 more). `out` holds delivered_bytes + 8. */
size_t protocol_write_publish(char *out, const char *room, struct protocol_stamp stamp,
                              size_t delivered_bytes);
/* Reads a delivered message's room and stamp; false when it is none of the generator's. */
bool protocol_read_delivery(const char *message, size_t length, const char **room,
                            size_t *room_length, struct protocol_stamp *stamp) MUST_USE;

/* Bytes of a WebSocket frame's header for a payload: 2, 4 or 10, and 4 more when masked (RFC
 * 6455, 5.2). */
int64_t protocol_frame_header_bytes(int64_t payload_bytes, bool masked);
/* What a publish that delivers `delivered_bytes` costs on the way in and, per recipient, on the way
 * out: frame headers included. */
int64_t protocol_inbound_bytes(int64_t delivered_bytes);
int64_t protocol_outbound_bytes(int64_t delivered_bytes);

#endif
