/* Frame headers, and unmasking eight bytes at a time. */
#include "validation/gateway/frames.h"

#include <string.h>

static uint64_t big_endian(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool is_known(uint8_t opcode) {
    return opcode <= FRAMES_BINARY || (opcode >= FRAMES_CLOSE && opcode <= FRAMES_PONG);
}

/* What the first two bytes alone can break. */
static bool breaks_a_rule(uint8_t first, uint8_t second) {
    uint8_t opcode = first & 0x0f;
    bool is_control = opcode >= FRAMES_CLOSE;
    bool is_short_and_final = (first & 0x80) != 0 && (second & 0x7f) <= FRAMES_CONTROL_MAX;
    bool is_half_a_code = opcode == FRAMES_CLOSE && (second & 0x7f) == 1;
    return (first & 0x70) != 0 || !is_known(opcode) || (second & 0x80) == 0 ||
           (is_control && !is_short_and_final) || is_half_a_code;
}

enum frames_result frames_read(const uint8_t *bytes, size_t length, uint64_t payload_max,
                               struct frames_frame *frame) {
    if (length < 2)
        return FRAMES_PARTIAL;
    if (breaks_a_rule(bytes[0], bytes[1]))
        return FRAMES_VIOLATION;
    uint8_t short_length = bytes[1] & 0x7f;
    size_t extended = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    if (length < 2 + extended)
        return FRAMES_PARTIAL;
    uint64_t payload = extended == 0 ? short_length : big_endian(bytes + 2, extended);
    if ((extended == 2 && payload < 126) || (extended == 8 && payload < 65536) || payload >> 63)
        return FRAMES_VIOLATION;
    if (payload > payload_max)
        return FRAMES_TOO_BIG;
    if (length < 2 + extended + 4)
        return FRAMES_PARTIAL;
    frame->opcode = bytes[0] & 0x0f;
    frame->is_final = (bytes[0] & 0x80) != 0;
    frame->header_bytes = (uint8_t)(2 + extended + 4);
    frame->payload_bytes = payload;
    memcpy(frame->mask, bytes + 2 + extended, 4);
    return FRAMES_OK;
}

void frames_unmask(uint8_t *payload, size_t length, const uint8_t mask[4]) {
    uint8_t twice[8];
    memcpy(twice, mask, 4);
    memcpy(twice + 4, mask, 4);
    uint64_t key;
    memcpy(&key, twice, sizeof key);
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, payload + i, sizeof word);
        word ^= key;
        memcpy(payload + i, &word, sizeof word);
    }
    for (; i < length; i++)
        payload[i] ^= mask[i & 3];
}

size_t frames_write_header(uint8_t out[FRAMES_SERVER_HEADER_MAX], uint8_t opcode,
                           uint64_t payload_bytes) {
    out[0] = (uint8_t)(0x80 | opcode);
    size_t extended = payload_bytes < 126 ? 0 : payload_bytes < 65536 ? 2 : 8;
    out[1] = (uint8_t)(extended == 0 ? payload_bytes : extended == 2 ? 126 : 127);
    for (size_t i = 0; i < extended; i++)
        out[2 + i] = (uint8_t)(payload_bytes >> (8 * (extended - 1 - i)));
    return 2 + extended;
}
