/* What replicas of presence say to each other, as bytes: the seam between the decision core and
 * whatever carries it.
 *
 * Version, kind, sender, then a digest and a delta: numbers as LEB128, actors as 8 bytes,
 * sequence numbers as differences, texts behind their lengths. Whatever is decoded has been
 * checked: ascending and disjoint, items within their spans, names of the protocol's alphabet, no
 * control characters. */
#ifndef HEADROOM_MODELS_WORKLOAD_PRESENCE_WIRE_H
#define HEADROOM_MODELS_WORKLOAD_PRESENCE_WIRE_H

#include "models/workload/presence_state.h"
#include "sim/base/text.h"

enum presence_kind {
    PRESENCE_BROADCAST, /* to everybody: what I know, and what I did since the last one, if anything
                         */
    PRESENCE_REQUEST,   /* to one: what I know, tell me the rest */
    PRESENCE_ANSWER,    /* the rest */
    PRESENCE_KINDS
};

struct presence_message {
    enum presence_kind kind;
    uint64_t from; /* the sender's actor */
    struct presence_delta digest, delta;
};

void presence_message_init(struct presence_message *message);
void presence_message_fini(struct presence_message *message);

void presence_encode(const struct presence_message *message, struct text *out);
/* False, and nothing to free, when the bytes are not exactly one message. Texts are borrowed from
 * the bytes. */
bool presence_decode(struct presence_message *message, const void *bytes, size_t length) MUST_USE;

/* What a member may show of itself: at most PRESENCE_STATE_MAX bytes, no control characters. */
bool presence_is_state(const char *bytes, size_t length);

#endif
