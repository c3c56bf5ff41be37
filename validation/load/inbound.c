/* A header is gathered byte by byte until its own length is known, the payload in one step per
 * piece. Fragments are one message; a control frame may stand between them. */
#include "validation/load/inbound.h"

#include <string.h>

enum {
    OPCODE_CONTINUATION = 0,
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10,
    CLOSE_WITHOUT_CODE = 1005,
};

void inbound_init(struct inbound *inbound) {
    *inbound = (struct inbound){0};
}

/* Bytes of the header, as far as those that are there can tell. */
static uint8_t header_needed(const struct inbound *inbound) {
    if (inbound->header_length < 2)
        return 2;
    uint8_t length = inbound->header[1] & 0x7f;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static uint64_t payload_length(const struct inbound *inbound) {
    uint64_t length = inbound->header[1] & 0x7f;
    if (length < 126)
        return length;
    uint64_t value = 0;
    for (int i = 2; i < inbound->header_length; i++)
        value = value << 8 | inbound->header[i];
    return value;
}

/* Starts the payload of the frame whose header is complete; false when it may not come now. */
static bool begin_payload(struct inbound *inbound) {
    inbound->is_final = inbound->header[0] & 0x80;
    inbound->opcode = inbound->header[0] & 0x0f;
    inbound->is_control = inbound->opcode >= OPCODE_CLOSE;
    inbound->payload_left = payload_length(inbound);
    bool has_reserved_bits = inbound->header[0] & 0x70, is_masked = inbound->header[1] & 0x80;
    if (has_reserved_bits || is_masked || inbound->payload_left > INT64_MAX)
        return false;
    if (inbound->is_control) {
        inbound->control_length = 0;
        return inbound->opcode <= OPCODE_PONG && inbound->is_final &&
               inbound->payload_left <= INBOUND_CONTROL_BYTES;
    }
    bool is_continuation = inbound->opcode == OPCODE_CONTINUATION;
    if (inbound->opcode > OPCODE_BINARY || is_continuation != inbound->is_message_open)
        return false;
    if (!is_continuation) {
        inbound->head_length = 0;
        inbound->message_bytes = 0;
        inbound->is_message_open = true;
    }
    return true;
}

static void keep(char *kept, uint8_t *kept_length, size_t kept_max, const uint8_t *bytes,
                 size_t length) {
    size_t room = kept_max - *kept_length, taken = length < room ? length : room;
    memcpy(kept + *kept_length, bytes, taken);
    *kept_length = (uint8_t)(*kept_length + taken);
}

static size_t take_payload(struct inbound *inbound, const uint8_t *bytes, size_t length) {
    size_t taken = length < inbound->payload_left ? length : (size_t)inbound->payload_left;
    if (inbound->is_control)
        keep(inbound->control, &inbound->control_length, sizeof inbound->control, bytes, taken);
    else
        keep(inbound->head, &inbound->head_length, sizeof inbound->head, bytes, taken);
    inbound->payload_left -= taken;
    if (!inbound->is_control)
        inbound->message_bytes += taken;
    return taken;
}

static enum inbound_event end_frame(struct inbound *inbound) {
    inbound->is_in_payload = false;
    inbound->header_length = 0;
    if (!inbound->is_control) {
        inbound->is_message_open = !inbound->is_final;
        return inbound->is_final ? INBOUND_MESSAGE : INBOUND_MORE;
    }
    if (inbound->opcode == OPCODE_PING)
        return INBOUND_PING;
    if (inbound->opcode == OPCODE_PONG)
        return INBOUND_PONG;
    const uint8_t *code = (const uint8_t *)inbound->control;
    inbound->close_code = CLOSE_WITHOUT_CODE;
    if (inbound->control_length >= 2)
        inbound->close_code = (uint16_t)(code[0] << 8 | code[1]);
    return INBOUND_CLOSE;
}

size_t inbound_feed(struct inbound *inbound, const uint8_t *bytes, size_t length,
                    enum inbound_event *event) {
    size_t used = 0;
    *event = INBOUND_MORE;
    while (used < length) {
        if (!inbound->is_in_payload) {
            inbound->header[inbound->header_length++] = bytes[used++];
            if (inbound->header_length < header_needed(inbound))
                continue;
            if (!begin_payload(inbound)) {
                *event = INBOUND_BROKEN;
                return used;
            }
            inbound->is_in_payload = true;
        } else {
            used += take_payload(inbound, bytes + used, length - used);
        }
        if (inbound->payload_left == 0) {
            *event = end_frame(inbound);
            if (*event != INBOUND_MORE)
                return used;
        }
    }
    return used;
}
