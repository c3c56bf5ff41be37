/* What the machine is, and what happened to it while we measured: /proc, read. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_MACHINE_H
#define HEADROOM_VALIDATION_CALIBRATE_MACHINE_H

#include "models/spec/profile.h"

#include <stdint.h>
#include <sys/types.h>

struct machine_counters {  /* only grow; 0 where the kernel does not tell */
    uint64_t stolen_ticks; /* of all processors */
    uint64_t retransmits;  /* TCP segments, the whole machine ... */
    uint64_t loss_probes;  /* ... and the probes among them, which TCP sends when an acknowledgement
                              is late. A delayed one is: with small frames that is daily business */
    uint64_t wait_ns;      /* for which `pid` was ready and did not have a processor */
    uint64_t generator_wait_ns;
};

struct machine_counters machine_read(pid_t gateway, pid_t generator);

/* Kernel, processor, cores, memory, sysctls that the experiments depend on. Fills
 * profile->machine; texts live in `arena`. */
void machine_describe(struct profile *profile, struct arena *arena);

#endif
