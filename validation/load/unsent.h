/* Publishes that were never made, shared between the processes of a generator: what their sender
 * did not send is due to nobody. One bit per number of the plan. */
#ifndef HEADROOM_VALIDATION_LOAD_UNSENT_H
#define HEADROOM_VALIDATION_LOAD_UNSENT_H

#include "sim/base/attributes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    UNSENT_NUMBERS_MAX = 1 << 27
}; /* publishes of one probe; pages are touched only where used */

struct unsent {
    _Atomic uint64_t *words; /* mapped, shared with children */
};

bool unsent_init(struct unsent *unsent) MUST_USE; /* false: errno says why */
void unsent_fini(struct unsent *unsent);
void unsent_clear(struct unsent *unsent);
void unsent_add(struct unsent *unsent, uint64_t number);
bool unsent_has(const struct unsent *unsent, uint64_t number);

#endif
