/* The connections of this process: who they are, how they are read, what they received.
 *
 * Client `c` of the roster belongs to process c % processes. Most are read in bulk: their bytes are
 * counted and thrown away in the kernel. The sampled ones, those with reading habits (a rate, a
 * stall), and all of a scenario with presence, in which bytes are not only publishes', have a
 * reader: a frame parser and a clock of their own. */
#ifndef HEADROOM_VALIDATION_LOAD_CLIENTS_H
#define HEADROOM_VALIDATION_LOAD_CLIENTS_H

#include "models/workload/feed.h"
#include "models/workload/receiver.h"
#include "models/workload/roster.h"
#include "validation/load/outbox.h"
#include "validation/load/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CLIENTS_CLOSE_CODES = 5000, /* RFC 6455, 7.4: below 5000 */
    CLIENTS_NODES_MAX = 16,
};

struct clients_options {
    const char *host; /* IPv4 */
    const struct wire *wire;
    int32_t ports[CLIENTS_NODES_MAX]; /* of the nodes, as the balancer numbers them; one: of all */
    int32_t ports_count;
    uint64_t seed;
    int32_t samples;
    int32_t process, processes;
};

struct client {
    int32_t fd;     /* -1: not connected */
    int32_t reader; /* -1: read in bulk */
    int64_t bytes;  /* received since clients_begin */
    bool was_there; /* connected at clients_begin */
    bool is_blocked;
    bool is_touched; /* has something in its outbox */
    bool was_refused;
};

struct reader {
    struct inbound inbound;
    struct receiver habits;
    bool has_habits;
    bool is_pinged;         /* and has not answered yet */
    bool is_reading;        /* as of the last change */
    int32_t client;         /* local index */
    int32_t sample;         /* -1: read in full, but not timed */
    base_ns change_ns;      /* when is_reading changes next, from the start of the probe */
    base_ns busy_until_ns;  /* a reader with a rate is taken up with what it took until then */
    int64_t arrived_window; /* deliveries due in the window that arrived */
};

struct clients {
    const struct roster *roster; /* borrowed */
    struct clients_options options;
    const int32_t *node_of; /* by roster number: which node the balancer gives it; NULL: one node */
    struct client *client;  /* [count] */
    struct outbox *outbox;  /* [count] */
    int32_t count;
    struct reader *readers; /* [readers_count] */
    int32_t readers_count;
    int32_t *samples; /* [samples_count]: readers */
    int32_t samples_count;
    int32_t *others; /* [others_count]: clients that are not sampled */
    int32_t others_count;
    bool *is_away; /* by membership of the roster: has exited; NULL: no presence */
    int32_t connected_count;
    int32_t refused_count; /* of the roster's, at the last attempt */
    int32_t *extra;        /* [extra_count]: descriptors beyond the roster, of a ramp */
    int32_t extra_count, extra_max;
    int32_t closed_by_code[CLIENTS_CLOSE_CODES]; /* since clients_begin */
};

void clients_init(struct clients *clients, const struct roster *roster,
                  const struct clients_options *options, struct arena *arena);
void clients_fini(struct clients *clients); /* closes everything */

static inline int32_t clients_roster_number(const struct clients *clients, int32_t local) {
    return local * clients->options.processes + clients->options.process;
}
/* -1: another process's */
static inline int32_t clients_local(const struct clients *clients, int32_t number) {
    return number % clients->options.processes == clients->options.process
               ? number / clients->options.processes
               : -1;
}

/* The port that a client of the roster is connected to; -1: one beyond the roster, whose turn it
 * is. */
int32_t clients_port(const struct clients *clients, int32_t local);
/* The rule of the one node that they are all connected to. */
static inline const struct spec_feed *clients_feed(const struct clients *clients) {
    return &clients->roster->scenario->nodes[0].feed;
}

/* A new account: bytes, arrivals and closes from here on. */
void clients_begin(struct clients *clients);
/* The connection has ended; `code` as in struct load_close. */
void clients_closed(struct clients *clients, int32_t local, int32_t code);

#endif
