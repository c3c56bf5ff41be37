/* One connection to a backplane: dialled or accepted, given up when it does not take what it is
 * given, dialled again after a pause.
 *
 * Nothing here waits. What is to be sent lies in a buffer with a bound; a publish that does not fit
 * fails at once, and a connection that takes nothing for a deadline is closed, because a backplane
 * that is slow must not become a gateway that is slow. What was in the buffer is then counted as
 * lost, publish by publish. Time comes in as an argument. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_LINK_H
#define HEADROOM_VALIDATION_BACKPLANE_LINK_H

#include "sim/base/time.h"
#include "validation/backplane/buffer.h"
#include "validation/backplane/wire.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define BACKPLANE_GREETING_NS (2 * BASE_NS_PER_S) /* to connect, and to be greeted */
#define BACKPLANE_RETRY_FIRST_NS (50 * BASE_NS_PER_MS)
#define BACKPLANE_RETRY_MAX_NS (5 * BASE_NS_PER_S)

enum backplane_link_state {
    BACKPLANE_ABSENT, /* dialled again at retry_ns; an accepted one is gone for good */
    BACKPLANE_CONNECTING,
    BACKPLANE_GREETING,
    BACKPLANE_OPEN,
};

struct backplane_ends { /* where each waiting publish ends, in bytes sent since the connection */
    uint64_t *at;
    uint32_t first, count, capacity; /* a ring; capacity is a power of two */
};

struct backplane_link {
    const struct backplane_wire *wire;
    struct sockaddr_in address; /* of a dialled one */
    enum backplane_link_state state;
    bool is_dialled;
    int fd, epoll_fd;
    uint64_t tag; /* of its events */
    struct backplane_buffer in, out;
    struct backplane_ends ends;
    uint64_t sent_bytes; /* since the connection */
    base_ns retry_ns;    /* ABSENT: when it is dialled again; BASE_NS_MAX: never */
    base_ns deadline_ns; /* of the greeting, or of what the kernel does not take; BASE_NS_MAX */
    base_ns
        patience_ns;  /* for the latter, and with silence before it is asked for a sign of life */
    base_ns heard_ns; /* when something last came */
    bool is_asked;    /* and has not answered yet */
    uint32_t owed;    /* publishes that are to be confirmed and have not been */
    uint64_t writes, written_bytes; /* ever */
    base_ns away_ns;                /* since when it has not been open; BASE_NS_MAX: it is */
    uint64_t unsent;                /* publishes that could not be sent since then */
    uint32_t failures;              /* in a row */
    uint32_t interest;              /* of epoll, as last asked for */
};

/* Dials; the result comes through epoll. False: it failed at once and is dialled again later. */
bool backplane_link_dial(struct backplane_link *link, base_ns now_ns);
/* An accepted socket, non-blocking; the link owns it from now on. False: epoll is full. */
bool backplane_link_adopt(struct backplane_link *link, int fd, base_ns now_ns) MUST_USE;
/* The dialled socket is writable for the first time: true, with the connection made. */
bool backplane_link_connected(struct backplane_link *link, base_ns now_ns) MUST_USE;
void backplane_link_opened(struct backplane_link *link, base_ns now_ns);
/* When the link wants attention: to be dialled, asked for a sign of life, or given up. */
base_ns backplane_link_due_ns(const struct backplane_link *link);

/* Room for a publish of about `bytes` more, below `bytes_max`? */
bool backplane_link_has_room(const struct backplane_link *link, size_t bytes, size_t bytes_max);
/* What was just added to `out` is one publish. False: out of memory; it is not counted if lost. */
bool backplane_link_mark(struct backplane_link *link) MUST_USE;
/* Sends what waits, as much as the kernel takes. False: the connection has ended. */
bool backplane_link_flush(struct backplane_link *link, base_ns now_ns) MUST_USE;
/* Reads once, at most `budget` bytes. Returns how many; 0: nothing there; -1: it has ended. */
int64_t backplane_link_read(struct backplane_link *link, size_t budget, base_ns now_ns);

/* Closes it, to be dialled again after a pause where that is its way. Returns how many publishes
 * were waiting, and are lost; `owed` of those that were sent. */
uint32_t backplane_link_close(struct backplane_link *link, base_ns now_ns);
void backplane_link_fini(struct backplane_link *link);

#endif
