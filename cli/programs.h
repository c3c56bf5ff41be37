/* Where the gateway and the load generator are: beside this program. */
#ifndef HEADROOM_CLI_PROGRAMS_H
#define HEADROOM_CLI_PROGRAMS_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"

#include <stdbool.h>

struct programs {
    const char *gateway, *load;
};

/* False, with a message printed, when one is missing. */
bool programs_find(struct programs *programs, struct arena *arena) MUST_USE;

#endif
