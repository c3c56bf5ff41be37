/* Several processes as one generator: a process may hold only so many descriptors. */
#ifndef HEADROOM_VALIDATION_LOAD_SHARDS_H
#define HEADROOM_VALIDATION_LOAD_SHARDS_H

#include "validation/load/serve.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum { SHARDS_MAX = 16 };

/* Forks `options->processes` children, passes each line of `in` on to all of them, and answers with
 * their answers merged. A probe begins at one instant in all. False when a child was lost or the
 * output could not be written. */
bool shards_run(const struct roster *roster, const struct clients_options *options,
                struct unsent *unsent, FILE *in, FILE *out) MUST_USE;

#endif
