/* Which cases `headroom accuracy` measures: scenarios/accuracy.json, and the scenarios it names. */
#ifndef HEADROOM_CLI_ACCURACY_INDEX_H
#define HEADROOM_CLI_ACCURACY_INDEX_H

#include "cli/files.h"
#include "cli/options.h"
#include "sim/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum { ACCURACY_INDEX_MAX = 256 };

struct accuracy_entry {
    const char *path; /* of the scenario, as it is opened */
    uint32_t groups;  /* bits, by enum accuracy_group */
    bool is_quick;
    struct scenario scenario;
};

struct accuracy_index {
    struct arena arena;
    struct accuracy_entry entries[ACCURACY_INDEX_MAX];
    int32_t entries_count, scenarios_count; /* read; they differ only after a mistake */
};

/* Reads the index and every scenario of it (with `is_quick_only`, of the subset). Prints what is
 * wrong; returns an exit code, or -1 when all is well. accuracy_index_fini in either case. */
int accuracy_index_read(struct accuracy_index *index, const char *path, bool is_quick_only,
                        const struct options *options) MUST_USE;
void accuracy_index_fini(struct accuracy_index *index);

#endif
