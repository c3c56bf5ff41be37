/* What headroom-load is started with. */
#ifndef HEADROOM_VALIDATION_LOAD_ARGUMENTS_H
#define HEADROOM_VALIDATION_LOAD_ARGUMENTS_H

#include "models/spec/spec.h"
#include "validation/load/connect.h"

#include <argp.h>

enum { ARGUMENTS_SETTINGS_MAX = 64 };

struct arguments {
    const char *scenario;
    const char *host;
    const struct wire *wire;
    int32_t ports[CLIENTS_NODES_MAX]; /* [ports_count] */
    int32_t ports_count;
    long cpu, samples, processes; /* cpu -1: any */
    uint64_t seed;
    bool has_seed, has_probe;
    double probe_scale;
    struct spec_setting settings[ARGUMENTS_SETTINGS_MAX];
    int32_t settings_count;
};

extern const struct argp arguments_argp; /* of --help and of the manual page */

/* Prints and exits on --help and on mistakes (64). */
void arguments_parse(struct arguments *arguments, int argc, char **argv);

#endif
