/* The short answers of the load generator: how many are connected, refused, how long it took. */
#ifndef HEADROOM_VALIDATION_LOAD_TALLY_H
#define HEADROOM_VALIDATION_LOAD_TALLY_H

#include "sim/base/attributes.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum load_limit { /* why no more were connected */
                  LOAD_LIMIT_NONE,
                  LOAD_LIMIT_SERVER,         /* it refused */
                  LOAD_LIMIT_GENERATOR,      /* out of descriptors or ports here */
                  LOAD_LIMIT_NOBODY_LISTENS, /* nothing at that port */
                  LOAD_LIMITS
};

struct load_tally {
    int64_t connected;     /* now, connections without rooms included */
    int64_t connected_new; /* by this command */
    int64_t refused;       /* by this command */
    double seconds;
    enum load_limit limit;
    int64_t bytes; /* drained */
    bool is_quiet;
};

void load_tally_write(const struct load_tally *tally, struct text *out);
bool load_tally_parse(struct load_tally *tally, const char *json) MUST_USE;
void load_tally_merge(struct load_tally *into, const struct load_tally *from);
const char *load_limit_name(enum load_limit limit);

#endif
