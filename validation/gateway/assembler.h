/* wslay behind a narrow door: whole frames in; whole messages, pongs and close frames out.
 *
 * One exists only while a connection is inside a fragmented message or a control frame is handled;
 * they are pooled by the worker, since each holds a buffer of several KiB. */
#ifndef HEADROOM_VALIDATION_GATEWAY_ASSEMBLER_H
#define HEADROOM_VALIDATION_GATEWAY_ASSEMBLER_H

#include "sim/base/attributes.h"
#include "validation/gateway/frames.h"
#include "validation/gateway/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wslay/wslay.h>

enum { ASSEMBLER_OUT_MAX = 512 }; /* a pong and a close frame fit */

struct assembler {
    wslay_event_context_ptr context;
    struct assembler *next_free;
    const uint8_t *fed; /* of the frame being fed */
    size_t fed_left;
    bool is_in_message;
    void (*on_message)(void *target, uint8_t opcode, const uint8_t *message, size_t length);
    void *target;
    size_t out_length; /* to be sent to the client, as it is */
    uint8_t out[ASSEMBLER_OUT_MAX];
};

enum assembler_result {
    ASSEMBLER_BETWEEN_MESSAGES, /* may be given back */
    ASSEMBLER_IN_MESSAGE,
    ASSEMBLER_CLOSED, /* `out` ends in a close frame; `reason` says why */
};

struct assembler *assembler_new(void) MUST_USE; /* NULL: out of memory */
void assembler_free(struct assembler *assembler);

/* One whole frame as it came, whose header is `frame`. Calls on_message for a message that it
 * completes. */
enum assembler_result assembler_feed(struct assembler *assembler, const struct frames_frame *frame,
                                     const uint8_t *bytes, enum gateway_close *reason) MUST_USE;

#endif
