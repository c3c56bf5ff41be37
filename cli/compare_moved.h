/* What was predicted, predicted again at the speed that the machine had when it was measured. */
#ifndef HEADROOM_CLI_COMPARE_MOVED_H
#define HEADROOM_CLI_COMPARE_MOVED_H

#include "cli/options.h"
#include "sim/store/store.h"
#include "validation/compare/compare.h"

struct compare_moved {
    struct store *store; /* borrowed, as all here */
    const struct options *options;
    struct arena *arena;
};

/* The costs of the profile that the prediction was made with, moved by the yardsticks beside the
 * measurement (profile_move) and never by its result. */
struct compare_mover compare_moved_mover(struct compare_moved *moved);

#endif
