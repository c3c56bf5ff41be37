/* One probe: publishes when they are due, reads what arrives, and accounts for every delivery.
 *
 * The loop polls and never sleeps: a reader that sleeps makes the server pay for its wake-ups. Each
 * turn of it sends what is due, looks at the next few sampled connections, and sweeps as many of
 * the others as keeps a full sweep at about GENERATOR_SWEEP_NS. */
#ifndef HEADROOM_VALIDATION_LOAD_PROBE_H
#define HEADROOM_VALIDATION_LOAD_PROBE_H

#include "validation/load/clients.h"
#include "validation/load/report.h"
#include "validation/load/source.h"
#include "validation/load/unsent.h"

#include <stdbool.h>
#include <stdint.h>

#define PROBE_QUIET_NS (150 * BASE_NS_PER_MS) /* nothing for so long: nothing more will come */
#define PROBE_TAIL_MAX_NS                                                                          \
    (2 * BASE_NS_PER_S) /* the load goes on behind the window, at most so long */

struct probe_options {
    struct source_options source;
    base_ns warm_up_ns, window_ns, within_ns;
    base_ns grace_ns; /* longest wait for quiet at the end */
    base_ns start_ns; /* monotonic; 0: in a moment */
    bool is_shared;   /* other generator processes on the same processor: give way each turn */
    bool is_without_io_uring;
    struct unsent *unsent;
};

/* `report` must be initialised; filled up to load_report_finish, which is the caller's. */
void probe_run(struct clients *clients, const struct probe_options *options,
               struct load_report *report);

/* Reads and forgets until nothing has come for PROBE_QUIET_NS; false when that did not happen
 * within `patience_ns`. */
bool probe_drain(struct clients *clients, base_ns patience_ns, int64_t *bytes);

#endif
