/* The end of a program that has found itself wrong: say what is needed to see it again, and stop at
 * once.
 *
 * _exit, not abort or exit: no handler may run on a state that is known to be broken, and a core
 * dump of a run of a million connections helps nobody who has the seed. */
#include "sim/base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* The one piece of per-thread state in the tree: a failed CHECK deep in a model has no way to be
 * handed its run. */
static _Thread_local const struct check_context *current;

void check_set_context(const struct check_context *context) {
    current = context;
}

void check_failed(const char *file, int line, const char *condition) {
    const struct check_context *context = current;
    current = NULL; /* a CHECK that fails inside `dump` must not come here again */
    fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
    if (context) {
        fprintf(stderr, "  scenario: %s\n", context->scenario ? context->scenario : "(none)");
        fprintf(stderr, "  seed: %" PRIu64 "\n", context->seed);
        if (context->now_ns)
            fprintf(stderr, "  simulated time: %" PRId64 " ns\n", *context->now_ns);
        if (context->dump)
            context->dump(context->dump_target, stderr);
    }
    fprintf(stderr, "  this is a bug of ours; please report these lines\n");
    fflush(stderr);
    _exit(CHECK_EXIT_CODE);
}
