/* CHECK: our own bugs. It stays in release builds, prints what is needed to see the bug again
 * (seed, simulated time, scenario), and stops with exit code 70. The user's mistakes never end
 * here: those are diagnostics (diag.h). */
#ifndef HEADROOM_SIM_BASE_CHECK_H
#define HEADROOM_SIM_BASE_CHECK_H

#include "sim/base/attributes.h"
#include "sim/base/time.h"

#include <stdint.h>
#include <stdio.h>

enum { CHECK_EXIT_CODE = 70 };

/* What a failed CHECK prints beside itself. One per thread; set by whoever starts a run, cleared
 * when it ends. */
struct check_context {
    const char *scenario; /* borrowed; outlives the run */
    uint64_t seed;
    const base_ns *now_ns; /* borrowed; the run's clock, or NULL */
    void (*dump)(const void *target,
                 FILE *out); /* what else is worth knowing (a run's trace), or NULL */
    const void *dump_target; /* borrowed likewise */
};

/* `context` is borrowed until the next call; NULL clears it. */
void check_set_context(const struct check_context *context);

NORETURN void check_failed(const char *file, int line, const char *condition);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(__FILE__, __LINE__, #condition);                                          \
    } while (0)

#endif
