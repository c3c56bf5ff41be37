/* One server of the side-by-side benchmark: how it is started, and what it has used so far. */
#ifndef HEADROOM_TESTS_BENCH_PEERS_CONTENDER_H
#define HEADROOM_TESTS_BENCH_PEERS_CONTENDER_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum contender_kind {
    CONTENDER_GATEWAY,
    CONTENDER_AT_ONCE,
    CONTENDER_UWS,
    CONTENDER_NATS,
    CONTENDER_BARE_AT_ONCE,
    CONTENDER_BARE_COALESCED,
    CONTENDERS
};

struct contender {
    enum contender_kind kind;
    pid_t pid; /* 0: not running */
    int32_t port;
};

const char *contender_name(enum contender_kind kind);
const char *contender_wire(enum contender_kind kind); /* as headroom-load's --wire */
/* False with `why`: what it needs is not here, and it is to be left out. */
bool contender_is_here(enum contender_kind kind, const char **why) MUST_USE;

/* On `cpu` alone; returns once it takes connections. False: it did not come up. */
bool contender_start(struct contender *contender, enum contender_kind kind, int32_t cpu) MUST_USE;
void contender_stop(struct contender *contender);
double contender_cpu_s(const struct contender *contender);        /* so far, all threads */
double contender_memory_bytes(const struct contender *contender); /* PSS: its own in user space */

#endif
