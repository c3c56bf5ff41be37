/* A gateway in a thread, with faults on purpose: what it loses, delays or closes is known exactly.
 */
#ifndef HEADROOM_TESTS_VALIDATION_LOAD_FAKE_SERVER_H
#define HEADROOM_TESTS_VALIDATION_LOAD_FAKE_SERVER_H

#include "sim/base/time.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { FAKE_CONNECTIONS_MAX = 512, FAKE_ROOMS_MAX = 64 };

struct fake_options {
    int32_t connections_max;  /* later ones get 503; 0: FAKE_CONNECTIONS_MAX */
    int32_t lose_every;       /* of each connection's deliveries, every so many-th; 0: none */
    base_ns delay_ns;         /* a delivery leaves this long after its publish was read */
    int64_t pause_at_publish; /* the server does nothing for pause_ns; 0: never */
    base_ns pause_ns;
    int32_t close_connection;  /* the connection accepted as this one (from 1) ... */
    int64_t close_after;       /* ... is closed with 1008 instead of this delivery; 0: never */
    int32_t garble_connection; /* answers its handshake with a wrong accept key; 0: none */
};

struct fake_server {
    struct fake_options options;
    int32_t port;
    int listener;
    pthread_t thread;
    _Atomic int is_stopping;
    _Atomic int64_t publishes, deliveries, lost; /* read after fake_stop or between probes */
    struct fake_connection *connections;
};

void fake_start(struct fake_server *server, const struct fake_options *options);
void fake_stop(struct fake_server *server);

#endif
