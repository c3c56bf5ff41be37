/* Bringing the clients in: handshake, joins, and a ping whose pong proves that the joins were read.
 */
#ifndef HEADROOM_VALIDATION_LOAD_CONNECT_H
#define HEADROOM_VALIDATION_LOAD_CONNECT_H

#include "validation/load/clients.h"
#include "validation/load/tally.h"

#include <stdint.h>

enum {
    CONNECT_IN_FLIGHT_MAX = 64, /* far below any accept queue */
    CONNECT_REFUSED_MAX = 16,   /* a ramp ends when this many in a row were refused */
    CONNECT_TIMEOUT_S = 10,
    CONNECT_SOURCES = 16, /* 127.0.1.1 ...: ephemeral ports are per source address */
};

/* Every client of the roster that is not connected, each tried once. */
void connect_roster(struct clients *clients, struct load_tally *tally);
/* Then connections without rooms, until there are `connections_max` or the server lets no more in.
 */
void connect_ramp(struct clients *clients, int32_t connections_max, struct load_tally *tally);

#endif
