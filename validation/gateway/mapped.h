/* A file that another process may read while this one writes into it: statistics, recorded turns.
 */
#ifndef HEADROOM_VALIDATION_GATEWAY_MAPPED_H
#define HEADROOM_VALIDATION_GATEWAY_MAPPED_H

#include "sim/base/attributes.h"

#include <stddef.h>

/* All zero, its blocks allocated and its pages present: nothing is left to fail or to fault later.
 * `path` NULL: anonymous memory. NULL with errno set. */
void *mapped_new(const char *path, size_t bytes) MUST_USE;

#endif
