/* Between nodes: frames of a length (32 bits, most significant byte first, of what follows), a
 * letter, and what the letter says.
 *
 *   H  version, 'R' or 'B', node (64 bits), token    the first frame each way
 *   P  a message                                     a publish
 *   S  room                                          registry: from now on this node has members
 *   U  room                                          registry: it has no longer
 *   I                                                to be answered with
 *   O
 *
 * One connection per pair of nodes, whoever dialled, and each side says its hello at once: so a
 * node that is added needs no word to those that are there. */
#include "validation/backplane/wire.h"

#include "sim/base/check.h"

#include <string.h>

enum {
    LENGTH_BYTES = 4,
    VERSION = 1,
    HELLO_BYTES = 10, /* version, letter, node; the token follows */
    FRAME_MAX = 1 + BACKPLANE_MESSAGE_MAX
};

static uint8_t *begin_frame(struct backplane_buffer *out, char letter, size_t length) {
    uint8_t *at = backplane_buffer_reserve(out, LENGTH_BYTES + 1 + length);
    if (at == NULL)
        return NULL;
    uint32_t whole = (uint32_t)(1 + length);
    for (int i = 0; i < LENGTH_BYTES; i++)
        at[i] = (uint8_t)(whole >> (24 - 8 * i));
    at[LENGTH_BYTES] = (uint8_t)letter;
    out->end += LENGTH_BYTES + 1 + length;
    return at + LENGTH_BYTES + 1;
}

static bool write_hello(struct backplane_buffer *out, const struct backplane_self *self) {
    size_t token_length = self->token != NULL ? strlen(self->token) : 0;
    CHECK(token_length <= BACKPLANE_TOKEN_MAX);
    uint8_t *at = begin_frame(out, 'H', HELLO_BYTES + token_length);
    if (at == NULL)
        return false;
    at[0] = VERSION;
    at[1] = self->routes_by_rooms ? 'R' : 'B';
    backplane_put_u64(at + 2, self->origin);
    if (token_length > 0)
        memcpy(at + HELLO_BYTES, self->token, token_length);
    return true;
}

static bool write_interest(struct backplane_buffer *out, const struct backplane_room *room,
                           bool holds) {
    uint8_t *at = begin_frame(out, holds ? 'S' : 'U', room->length);
    if (at == NULL)
        return false;
    memcpy(at, room->name, room->length);
    return true;
}

static bool write_publish(struct backplane_buffer *out, const struct backplane_message *message,
                          bool is_shared UNUSED) {
    uint8_t *at = begin_frame(out, 'P', BACKPLANE_HEAD_BYTES + message->delivery_length);
    if (at == NULL)
        return false;
    backplane_message_head(message, at);
    memcpy(at + BACKPLANE_HEAD_BYTES, message->delivery, message->delivery_length);
    return true;
}

static bool write_ping(struct backplane_buffer *out) {
    return begin_frame(out, 'I', 0) != NULL;
}

static bool write_pong(struct backplane_buffer *out) {
    return begin_frame(out, 'O', 0) != NULL;
}

/* In a time that does not tell how much of the token was right. */
static bool is_token(const uint8_t *bytes, size_t length, const char *token) {
    size_t wanted = token != NULL ? strlen(token) : 0;
    if (length != wanted)
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < length; i++)
        difference |= bytes[i] ^ (uint8_t)token[i];
    return difference == 0;
}

static const char *refusal(const uint8_t *hello, size_t length, const struct backplane_self *self) {
    if (length < HELLO_BYTES || length > HELLO_BYTES + BACKPLANE_TOKEN_MAX || hello[0] != VERSION)
        return "no node of this version";
    if (hello[1] != (self->routes_by_rooms ? 'R' : 'B'))
        return "a node with another kind of backplane";
    if (!is_token(hello + HELLO_BYTES, length - HELLO_BYTES, self->token))
        return "a node with another token";
    return backplane_get_u64(hello + 2) == self->origin ? "this node itself" : NULL;
}

static void obey(const uint8_t *frame, size_t length, const struct backplane_self *self,
                 struct backplane_event *event) {
    const uint8_t *bytes = frame + 1;
    *event = (struct backplane_event){BACKPLANE_BROKEN, bytes, length - 1, "no frame of a node"};
    bool is_room = backplane_is_room((const char *)bytes, length - 1);
    switch (frame[0]) {
    case 'H':
        event->why = refusal(bytes, length - 1, self);
        event->kind = event->why == NULL ? BACKPLANE_GREETED : BACKPLANE_BROKEN;
        break;
    case 'P':
        event->kind = BACKPLANE_MESSAGE;
        break;
    case 'S':
    case 'U':
        if (is_room && self->routes_by_rooms)
            event->kind = frame[0] == 'S' ? BACKPLANE_HOLDS : BACKPLANE_LEAVES;
        break;
    case 'I':
    case 'O':
        if (length == 1)
            event->kind = frame[0] == 'I' ? BACKPLANE_PINGED : BACKPLANE_HEARD;
        break;
    default:
        break;
    }
}

static void next(struct backplane_buffer *in, const struct backplane_self *self,
                 struct backplane_event *event) {
    *event = (struct backplane_event){.kind = BACKPLANE_MORE};
    if (backplane_buffer_waiting(in) < LENGTH_BYTES)
        return;
    const uint8_t *at = in->bytes + in->start;
    size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (length < 1 || length > FRAME_MAX) {
        *event = (struct backplane_event){.kind = BACKPLANE_BROKEN, .why = "no frame of a node"};
        return;
    }
    if (backplane_buffer_waiting(in) < LENGTH_BYTES + length)
        return;
    obey(at + LENGTH_BYTES, length, self, event);
    backplane_buffer_take(in, LENGTH_BYTES + length);
}

const struct backplane_wire backplane_wire_mesh = {
    .name = "mesh",
    .write_hello = write_hello,
    .write_interest = write_interest,
    .write_publish = write_publish,
    .write_ping = write_ping,
    .write_pong = write_pong,
    .next = next,
};
