/* What a peer who does not read lets pile up in the kernel, found on socket pairs of our own.
 *
 * A pair is set up as the gateway and the generator set up theirs (SO_SNDBUF on the sending end,
 * SO_RCVBUF on the receiving one, TCP_NODELAY, a pinned congestion control), without either of
 * them. The sender writes frames until the kernel takes no more; then the reader reads a little at
 * a time, and after each piece we look at how much has left the sender's buffer and whether it is
 * writable again.
 *
 * All pairs are filled and drained together, a frame or a piece of each in turn, so that each of
 * them is paced like a consumer in a room. Filled in one go, a pair takes a fifth less and less
 * evenly: frames wait for delayed acknowledgements, merge into segments as large as the loopback's
 * 64 KiB and then fit the window or do not. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_BUFFERS_H
#define HEADROOM_VALIDATION_CALIBRATE_BUFFERS_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

enum { BUFFERS_PAIRS_MAX = 64 };

struct buffers_options {
    int32_t send_buffer, receive_buffer; /* as asked for; the kernel doubles them */
    int32_t frame_bytes;                 /* 1 to 65536 */
};

struct buffers_trial {
    struct buffers_options options; /* the caller's; what follows is found */
    int64_t sent_bytes;             /* taken from the sender by the time it was refused for good */
    int64_t receiver_bytes;         /* of these: in the receive buffer (SIOCINQ) ... */
    int64_t sender_bytes;           /* ... and in the send buffer (SIOCOUTQ) */
    int64_t sender_memory;  /* what the kernel counts for the latter (SK_MEMINFO_WMEM_QUEUED) */
    int64_t window_bytes;   /* read until something left the send buffer */
    int64_t writable_bytes; /* read until the sender was writable */
    int64_t freed_bytes;    /* had left the send buffer by then */
};

/* Runs all trials at once, in about two seconds, never more than four. `congestion`: "cubic"; NULL:
 * the system's own. False with the reason in `why`. */
bool buffers_run(struct buffers_trial *trials, int32_t count, const char *congestion, char *why,
                 int32_t why_bytes) MUST_USE;

#endif
