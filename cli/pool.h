/* Tasks on a few threads. Results do not depend on their number: a task writes only what is its
 * own. */
#ifndef HEADROOM_CLI_POOL_H
#define HEADROOM_CLI_POOL_H

#include <stdint.h>

/* Runs task(context, 0 .. count-1), on `jobs` threads (0: one per processor), and returns when all
 * are done. */
void pool_map(int32_t jobs, int32_t count, void (*task)(void *context, int32_t index),
              void *context);

#endif
