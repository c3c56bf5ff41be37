/* Feeding wslay exactly one frame per call keeps its read buffer empty between calls, which is what
 * makes a context poolable. */
#include "validation/gateway/assembler.h"

#include "models/workload/protocol.h"

#include <stdlib.h>
#include <string.h>

static ssize_t give_bytes(wslay_event_context_ptr context, uint8_t *buffer, size_t length,
                          int flags, void *user) {
    (void)flags;
    struct assembler *assembler = user;
    if (assembler->fed_left == 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    size_t count = length < assembler->fed_left ? length : assembler->fed_left;
    memcpy(buffer, assembler->fed, count);
    assembler->fed += count;
    assembler->fed_left -= count;
    return (ssize_t)count;
}

static ssize_t take_bytes(wslay_event_context_ptr context, const uint8_t *bytes, size_t length,
                          int flags, void *user) {
    (void)flags;
    struct assembler *assembler = user;
    if (length > ASSEMBLER_OUT_MAX - assembler->out_length) {
        wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    memcpy(assembler->out + assembler->out_length, bytes, length);
    assembler->out_length += length;
    return (ssize_t)length;
}

static void take_message(wslay_event_context_ptr context,
                         const struct wslay_event_on_msg_recv_arg *message, void *user) {
    (void)context;
    struct assembler *assembler = user;
    if (!wslay_is_ctrl_frame(message->opcode))
        assembler->on_message(assembler->target, message->opcode, message->msg,
                              message->msg_length);
}

struct assembler *assembler_new(void) {
    struct assembler *assembler = calloc(1, sizeof *assembler);
    if (assembler == NULL)
        return NULL;
    const struct wslay_event_callbacks callbacks = {.recv_callback = give_bytes,
                                                    .send_callback = take_bytes,
                                                    .on_msg_recv_callback = take_message};
    if (wslay_event_context_server_init(&assembler->context, &callbacks, assembler) != 0) {
        free(assembler);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(assembler->context, PROTOCOL_MESSAGE_MAX);
    return assembler;
}

void assembler_free(struct assembler *assembler) {
    wslay_event_context_free(assembler->context);
    free(assembler);
}

static enum gateway_close reason_of(const struct assembler *assembler) {
    if (wslay_event_get_close_received(assembler->context))
        return GATEWAY_CLOSE_NORMAL;
    uint16_t code = wslay_event_get_status_code_sent(assembler->context);
    if (code == WSLAY_CODE_MESSAGE_TOO_BIG)
        return GATEWAY_CLOSE_TOO_BIG;
    return code == WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA ? GATEWAY_CLOSE_BAD_TEXT
                                                         : GATEWAY_CLOSE_PROTOCOL;
}

enum assembler_result assembler_feed(struct assembler *assembler, const struct frames_frame *frame,
                                     const uint8_t *bytes, enum gateway_close *reason) {
    assembler->fed = bytes;
    assembler->fed_left = frame->header_bytes + frame->payload_bytes;
    assembler->out_length = 0;
    if (frame->opcode < FRAMES_CLOSE)
        assembler->is_in_message = !frame->is_final;
    bool has_failed = wslay_event_recv(assembler->context) != 0;
    has_failed |= wslay_event_send(assembler->context) != 0;
    if (has_failed || !wslay_event_get_read_enabled(assembler->context)) {
        *reason = has_failed ? GATEWAY_CLOSE_PROTOCOL : reason_of(assembler);
        return ASSEMBLER_CLOSED;
    }
    return assembler->is_in_message ? ASSEMBLER_IN_MESSAGE : ASSEMBLER_BETWEEN_MESSAGES;
}
