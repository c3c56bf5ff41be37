/* Reading and writing the gateway's protocol: one pass over the first line, nothing copied.
 *
 * A command is a word, one space and a room's name; what is not exactly that is refused with a
 * reason, since a client that is nearly right should learn so on its first try. */
#include "models/workload/protocol.h"

#include "models/workload/presence_wire.h"
#include "sim/base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STAMP_TIME_DIGITS = 16, STAMP_NUMBER_DIGITS = 8, PUBLISH_PREFIX_BYTES = 8 };

static const struct {
    const char *word;
    size_t length;
    enum protocol_verb verb;
} verbs[] = {
    {"publish ", PUBLISH_PREFIX_BYTES, PROTOCOL_PUBLISH},
    {"join ", 5, PROTOCOL_JOIN},
    {"leave ", 6, PROTOCOL_LEAVE},
    {"enter ", 6, PROTOCOL_ENTER},
    {"exit ", 5, PROTOCOL_EXIT},
    {"list ", 5, PROTOCOL_LIST},
};

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
}

static size_t name_length(const char *bytes, size_t length) {
    size_t i = 0;
    while (i < length && is_name_byte(bytes[i]))
        i++;
    return i;
}

bool protocol_is_name(const char *bytes, size_t length) {
    return length > 0 && length <= PROTOCOL_ROOM_NAME_MAX && name_length(bytes, length) == length;
}

static bool refuse(const char **reason, const char *why) {
    *reason = why;
    return false;
}

static bool read_verb(const char *message, size_t length, struct protocol_command *command,
                      size_t *used) {
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (length < verbs[i].length || memcmp(message, verbs[i].word, verbs[i].length) != 0)
            continue;
        command->verb = verbs[i].verb;
        *used = verbs[i].length;
        return true;
    }
    return false;
}

/* "KEY" or "KEY STATE". */
static bool read_member(const char *body, size_t length, struct protocol_command *command,
                        const char **reason) {
    command->key = body;
    command->key_length = name_length(body, length);
    bool has_state = command->key_length < length && body[command->key_length] == ' ';
    if (!protocol_is_name(body, command->key_length) ||
        (command->key_length < length && !has_state))
        return refuse(reason, "key is missing, too long or has a character that is not allowed");
    if (!has_state)
        return true;
    command->state = body + command->key_length + 1;
    command->state_length = length - command->key_length - 1;
    return presence_is_state(command->state, command->state_length) ||
           refuse(reason, "state is too long or has control characters");
}

bool protocol_parse(const char *message, size_t length, struct protocol_command *command,
                    const char **reason) {
    *command = (struct protocol_command){0};
    size_t used = 0;
    if (!read_verb(message, length, command, &used))
        return refuse(reason, "unknown verb");
    const char *rest = message + used;
    size_t rest_length = length - used;
    size_t room_length = name_length(rest, rest_length);
    if (room_length > PROTOCOL_ROOM_NAME_MAX)
        return refuse(reason, "room name is too long");
    bool has_body = room_length < rest_length && rest[room_length] == '\n';
    if (room_length < rest_length && !has_body)
        return refuse(reason, "room name has a character that is not allowed");
    if (room_length == 0)
        return refuse(reason, "room name is missing");
    bool needs_body = command->verb == PROTOCOL_PUBLISH || command->verb == PROTOCOL_ENTER;
    if (has_body && !needs_body)
        return refuse(reason, "only publish and enter have a body");
    if (!has_body && command->verb == PROTOCOL_ENTER)
        return refuse(reason, "enter needs a newline after the room name");
    if (!has_body && command->verb == PROTOCOL_PUBLISH)
        return refuse(reason, "publish needs a newline after the room name");
    command->room = rest;
    command->room_length = room_length;
    if (has_body && command->verb == PROTOCOL_ENTER)
        return read_member(rest + room_length + 1, rest_length - room_length - 1, command, reason);
    if (has_body) {
        command->delivery = rest;
        command->delivery_length = rest_length;
    }
    return true;
}

size_t protocol_write_publish(char *out, const char *room, struct protocol_stamp stamp,
                              size_t delivered_bytes) {
    size_t room_length = strlen(room);
    size_t needed = room_length + 1 + PROTOCOL_STAMP_BYTES;
    CHECK(delivered_bytes >= needed && room_length <= PROTOCOL_ROOM_NAME_MAX);
    char head[PUBLISH_PREFIX_BYTES + PROTOCOL_ROOM_NAME_MAX + 1 + PROTOCOL_STAMP_BYTES + 1];
    int head_length = snprintf(head, sizeof head, "publish %s\n%016" PRIx64 "%08" PRIx32 " ", room,
                               (uint64_t)stamp.due_ns, stamp.number);
    CHECK((size_t)head_length == PUBLISH_PREFIX_BYTES + needed);
    memcpy(out, head, (size_t)head_length);
    memset(out + head_length, '.', delivered_bytes - needed);
    return PUBLISH_PREFIX_BYTES + delivered_bytes;
}

static bool read_hex(const char *digits, size_t count, uint64_t *value) {
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = digits[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'f'))
            return false;
        *value = *value << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}

bool protocol_read_delivery(const char *message, size_t length, const char **room,
                            size_t *room_length, struct protocol_stamp *stamp) {
    size_t name = name_length(message, length);
    if (name == 0 || name > PROTOCOL_ROOM_NAME_MAX || name + 1 + PROTOCOL_STAMP_BYTES > length ||
        message[name] != '\n')
        return false;
    const char *digits = message + name + 1;
    uint64_t due = 0;
    uint64_t number = 0;
    if (!read_hex(digits, STAMP_TIME_DIGITS, &due) ||
        !read_hex(digits + STAMP_TIME_DIGITS, STAMP_NUMBER_DIGITS, &number) ||
        digits[PROTOCOL_STAMP_BYTES - 1] != ' ' || due > INT64_MAX)
        return false;
    *room = message;
    *room_length = name;
    *stamp = (struct protocol_stamp){.due_ns = (base_ns)due, .number = (uint32_t)number};
    return true;
}

int64_t protocol_frame_header_bytes(int64_t payload_bytes, bool masked) {
    int64_t bytes = payload_bytes < 126 ? 2 : payload_bytes < 65536 ? 4 : 10;
    return bytes + (masked ? 4 : 0);
}

int64_t protocol_inbound_bytes(int64_t delivered_bytes) {
    int64_t payload_bytes = delivered_bytes + PUBLISH_PREFIX_BYTES;
    return payload_bytes + protocol_frame_header_bytes(payload_bytes, true);
}

int64_t protocol_outbound_bytes(int64_t delivered_bytes) {
    return delivered_bytes + protocol_frame_header_bytes(delivered_bytes, false);
}
