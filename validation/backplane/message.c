#include "validation/backplane/message.h"

#include <string.h>

void backplane_put_u64(uint8_t out[8], uint64_t value) {
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint64_t backplane_get_u64(const uint8_t bytes[8]) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

bool backplane_is_room(const char *name, size_t length) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:~";
    for (size_t i = 0; i < length; i++)
        if (memchr(allowed, name[i], sizeof allowed - 1) == NULL)
            return false;
    return length >= 1 && length <= PROTOCOL_ROOM_NAME_MAX;
}

void backplane_message_head(const struct backplane_message *message,
                            uint8_t out[BACKPLANE_HEAD_BYTES]) {
    out[0] = 'H';
    out[1] = message->opcode;
    out[2] = (uint8_t)message->room_length;
    out[3] = 0;
    backplane_put_u64(out + 4, message->origin);
}

bool backplane_message_add(struct backplane_buffer *out, const char *line, size_t line_length,
                           const struct backplane_message *message) {
    static const char end[] = "\r\n";
    size_t length = line_length + BACKPLANE_HEAD_BYTES + message->delivery_length + sizeof end - 1;
    uint8_t *at = backplane_buffer_reserve(out, length);
    if (at == NULL)
        return false;
    memcpy(at, line, line_length);
    at += line_length;
    backplane_message_head(message, at);
    at += BACKPLANE_HEAD_BYTES;
    memcpy(at, message->delivery, message->delivery_length);
    memcpy(at + message->delivery_length, end, sizeof end - 1);
    out->end += length;
    return true;
}

bool backplane_message_read(struct backplane_message *message, const uint8_t *bytes,
                            size_t length) {
    if (length <= BACKPLANE_HEAD_BYTES || length > BACKPLANE_MESSAGE_MAX || bytes[0] != 'H' ||
        (bytes[1] != 1 && bytes[1] != 2) || bytes[3] != 0)
        return false;
    const char *delivery = (const char *)bytes + BACKPLANE_HEAD_BYTES;
    *message = (struct backplane_message){.origin = backplane_get_u64(bytes + 4),
                                          .opcode = bytes[1],
                                          .room = delivery,
                                          .room_length = bytes[2],
                                          .delivery = delivery,
                                          .delivery_length = length - BACKPLANE_HEAD_BYTES};
    return message->room_length < message->delivery_length &&
           delivery[message->room_length] == '\n' &&
           backplane_is_room(delivery, message->room_length);
}
