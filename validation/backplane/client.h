/* A node's side of its backplane: who is dialled, who hears which publish, what came in.
 *
 * A kind is a row: its wire, and whether a publish goes to the other nodes (all, or those that said
 * that they have members of the room) or to one instance of a system in between. The node says
 * which rooms it holds (backplane_hold) and this keeps every other side informed, over lost
 * connections too: when one comes back, everything held is said again.
 *
 * Nothing blocks, and nothing is kept for later than the buffer of a connection can hold: a publish
 * that cannot go now has failed, and a counter says so. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_CLIENT_H
#define HEADROOM_VALIDATION_BACKPLANE_CLIENT_H

#include "models/spec/spec.h"
#include "sim/base/time.h"
#include "validation/backplane/message.h"
#include "validation/backplane/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BACKPLANE_ADDRESSES_MAX = 32,
    BACKPLANE_LINKS_MAX = 96, /* dialled and accepted, at one time */
};

struct backplane_options {
    enum spec_backplane_kind kind;
    const char *const *addresses; /* "127.0.0.1:6379"; borrowed. The other nodes that are dialled,
                                     or the instances in their order */
    int32_t addresses_count;
    const char *bind; /* mesh: where other nodes are listened for */
    int32_t port;     /* 0: a free one */
    const char *token;
    bool is_shared; /* one channel for all rooms */
    size_t buffer_bytes;
    base_ns deadline_ns;
    uint64_t origin; /* of this node, another than any other's */
    int epoll_fd;
    uint64_t tag_first; /* events carry tag_first .. tag_first + BACKPLANE_TAGS - 1 */
    size_t read_bytes;  /* most of one turn and connection */
};
enum { BACKPLANE_TAGS = 1 + BACKPLANE_LINKS_MAX };

struct backplane_host { /* the node, as this asks and tells it */
    void *context;
    /* A publish of another node. False: no member of the room is here. */
    bool (*deliver)(void *context, const struct backplane_message *message);
    /* The rooms that the node holds, one by one: *cursor begins at 0. False: there are no more. */
    bool (*next_room)(void *context, uint32_t *cursor, struct backplane_room *room);
    void (*say)(void *context, const char *line);
};

struct backplane_counts {
#define COUNTER(name, help) uint64_t name;
#define GAUGE(name, help) uint64_t name;
#include "validation/backplane/counts.def"
#undef COUNTER
#undef GAUGE
};

struct backplane;

/* NULL with `why` (static text; errno set or 0): an address that is none, no port, no memory. */
struct backplane *backplane_new(const struct backplane_options *options,
                                const struct backplane_host *host, base_ns now_ns,
                                const char **why) MUST_USE;
void backplane_free(struct backplane *backplane);
int32_t backplane_port(const struct backplane *backplane); /* 0: it does not listen */

/* The first member of the room came (true), or its last one left. */
void backplane_hold(struct backplane *backplane, const struct backplane_room *room, bool holds);
/* Into the buffers; backplane_flush sends them. */
void backplane_publish(struct backplane *backplane, uint8_t opcode, const char *room,
                       size_t room_length, const void *delivery, size_t length);
void backplane_flush(struct backplane *backplane, base_ns now_ns);
/* An event of epoll, by its tag. */
void backplane_ready(struct backplane *backplane, uint64_t tag, uint32_t events, base_ns now_ns);
/* When backplane_tick is due: a connection to be dialled again, a deadline. */
base_ns backplane_due_ns(const struct backplane *backplane);
void backplane_tick(struct backplane *backplane, base_ns now_ns);
const struct backplane_counts *backplane_counts(const struct backplane *backplane);

#endif
