/* Which profile a command predicts with: --profile, else the newest in the database, else the
 * reference profile that ships, with a warning. */
#ifndef HEADROOM_CLI_COSTS_H
#define HEADROOM_CLI_COSTS_H

#include "cli/options.h"
#include "models/spec/profile.h"
#include "sim/base/arena.h"
#include "sim/base/text.h"

struct costs_choice {
    struct arena arena;
    struct profile profile;
    const char *from;      /* "FILE", "the newest in FILE", "the reference profile ..." */
    struct text canonical; /* profile_write's text: what is stored and hashed */
    uint64_t hash;
};

/* Returns an exit code, or -1 when all is well. */
int costs_choose(struct costs_choice *choice, const struct options *options) MUST_USE;
void costs_choice_fini(struct costs_choice *choice);

#endif
