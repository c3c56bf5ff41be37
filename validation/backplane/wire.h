/* What a node and a backplane say to each other, one table of operations per protocol. Bytes only;
 * neither socket nor clock.
 *
 * Three wires carry five kinds: nodes among themselves (broadcast, registry), Redis's RESP (one
 * instance or several), and the text protocol of NATS. Writers add to a buffer; `next` takes from
 * one what has come whole. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_WIRE_H
#define HEADROOM_VALIDATION_BACKPLANE_WIRE_H

#include "validation/backplane/buffer.h"
#include "validation/backplane/message.h"

enum { BACKPLANE_TOKEN_MAX = 255 };

struct backplane_room {
    const char *name;
    size_t length;
    uint32_t number; /* of this node; another room's once this one is gone */
};

struct backplane_self { /* who a hello is from */
    uint64_t origin;
    const char *token;    /* NULL: none */
    bool routes_by_rooms; /* mesh: tells which rooms it has, and wants to be told */
};

enum backplane_event_kind {
    BACKPLANE_MORE,      /* nothing whole is left */
    BACKPLANE_GREETED,   /* the other side is ready for publishes */
    BACKPLANE_MESSAGE,   /* bytes, length: a struct backplane_message's */
    BACKPLANE_HOLDS,     /* mesh: the other node has members of the room */
    BACKPLANE_LEAVES,    /* mesh: no longer */
    BACKPLANE_PINGED,    /* must be answered with write_pong */
    BACKPLANE_CONFIRMED, /* a publish was taken */
    BACKPLANE_HEARD,     /* a sign of life, or what was to be expected */
    BACKPLANE_BROKEN,    /* `why`; nothing that follows can be understood */
};

struct backplane_event {
    enum backplane_event_kind kind;
    const uint8_t *bytes; /* in the buffer, until it is added to */
    size_t length;
    const char *why; /* static text */
};

struct backplane_wire {
    const char *name;
    /* All false: out of memory. */
    bool (*write_hello)(struct backplane_buffer *out, const struct backplane_self *self);
    bool (*write_interest)(struct backplane_buffer *out, const struct backplane_room *room,
                           bool holds);
    /* `is_shared`: on the one channel of all rooms. */
    bool (*write_publish)(struct backplane_buffer *out, const struct backplane_message *message,
                          bool is_shared);
    /* Asks for a sign of life, and gives one. */
    bool (*write_ping)(struct backplane_buffer *out);
    bool (*write_pong)(struct backplane_buffer *out);
    void (*next)(struct backplane_buffer *in, const struct backplane_self *self,
                 struct backplane_event *event);
    bool is_ready_at_once; /* the other side greets nobody */
    bool confirms;         /* each publish, with a BACKPLANE_CONFIRMED of its own */
};

extern const struct backplane_wire backplane_wire_mesh, backplane_wire_redis, backplane_wire_nats;

/* Of a wire with channels: a room whose name is empty stands for the one channel of all rooms. */

#endif
