/* The most deliveries a second that a server carries in one room with p99 within 100 ms and nothing
 * lost, found by the load generator climbing and halving. */
#ifndef HEADROOM_TESTS_BENCH_PEERS_CEILING_H
#define HEADROOM_TESTS_BENCH_PEERS_CEILING_H

#include "sim/base/attributes.h"
#include "tests/bench/peers/contender.h"

#include <stdbool.h>
#include <stdint.h>

enum { CEILING_WITHIN_MS = 100, CEILING_UNIT = 100000 /* deliveries/s at scale 1 */ };

struct ceiling_case {
    int32_t room, bytes;
    bool is_chat; /* everybody publishes; else one member does: a feed */
};

struct ceiling { /* of the heaviest load that held; all 0: none did */
    double deliveries_per_s;
    double p99_ms;
    double server_share, generator_share; /* of their processors, in the window */
    bool is_generators;                   /* the generator had no more to give when it failed */
};

/* `guess`: where to begin, in deliveries/s. False: the server did not come up, or the generator
 * failed, said on stderr. */
bool ceiling_find(enum contender_kind kind, struct ceiling_case ceiling_case, double guess,
                  struct ceiling *ceiling) MUST_USE;
/* User-space bytes of the server per connection while `connections` of them are held, each in a
 * room of a hundred; NAN when that many could not be held. */
double ceiling_idle_bytes(enum contender_kind kind, int32_t connections);

#endif
