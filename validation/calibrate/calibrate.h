/* This machine into a profile: about a minute of experiments on the real pair, and a fit.
 *
 * docs/models/calibration.md has the design: which block tells which cost from which, what excludes
 * a window, when a calibration is refused. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_CALIBRATE_H
#define HEADROOM_VALIDATION_CALIBRATE_CALIBRATE_H

#include "models/spec/profile.h"
#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/time.h"
#include "validation/gateway/stats.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Why a window does not count. By what happened to the machine, never by the window's result. */
enum calibrate_exclusion {
#define EXCLUSION(enumerator, word, doc) CALIBRATE_##enumerator,
#include "validation/calibrate/exclusion.def"
#undef EXCLUSION
    CALIBRATE_EXCLUSIONS
};

const char *calibrate_exclusion_word(enum calibrate_exclusion exclusion);

struct calibrate_window {
    int32_t block;      /* in the order in which they were run */
    const char *cell;   /* what was varied; static text */
    double working_set; /* sockets written between two visits to the same one */
    double scattered;   /* share of writes to a socket not accepted after the one before */
    base_ns start_ns;   /* monotonic */
    base_ns length_ns;
    struct gateway_stats counts; /* differences over the window; levels at its end */
    double yardstick;            /* around its block, as a share of the calibration's median */
    enum calibrate_exclusion exclusion;
};

struct calibrate_options {
    const char *gateway_program, *load_program; /* paths */
    int32_t gateway_cpu, load_cpu;
    uint64_t seed; /* of the order of the blocks, and of the clients */
    /* `done` of `of` seconds or so have gone by; may be NULL, as the next one */
    void (*progress)(void *context, const char *what, int done, int of);
    void *progress_context;
    /* Every window, excluded ones too, when the fit has been made: to be stored as used in a fit.
     */
    void (*record)(void *context, const struct calibrate_window *window);
    void *record_context;
    const volatile sig_atomic_t *stop; /* set by Ctrl-C; NULL: never */
};

enum calibrate_outcome {
    CALIBRATE_DONE,
    CALIBRATE_REFUSED, /* the machine was not quiet enough: try again */
    CALIBRATE_FAILED,  /* a program did not start, died, or was stopped */
};

enum { CALIBRATE_WHY_BYTES = 320 };

/* Fills `profile`, whose texts live in `arena`. Anything but DONE has its reason in `why`, in words
 * for the user. Ends the programs that it started and removes every file that it made. */
enum calibrate_outcome calibrate(struct profile *profile, const struct calibrate_options *options,
                                 struct arena *arena, char why[CALIBRATE_WHY_BYTES]) MUST_USE;

#endif
