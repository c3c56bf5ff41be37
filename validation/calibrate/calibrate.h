/* This machine into a profile: experiments on the real pair, and a fit. Quick is one round of them,
 * about a minute; full is eight, about ten minutes, each with programs started anew.
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

enum calibrate_mode { CALIBRATE_QUICK, CALIBRATE_FULL };

struct calibrate_window {
    int32_t block;      /* in the order in which they were run */
    int32_t life;       /* which start of which gateway: blocks of one life share its luck */
    const char *cell;   /* what was varied; borrowed, outlives the windows */
    double working_set; /* sockets written between two visits to the same one */
    double scattered;   /* share of writes to a socket not accepted after the one before */
    base_ns start_ns;   /* monotonic */
    base_ns length_ns;
    struct gateway_stats counts;          /* differences over the window; levels at its end */
    double yard_before_ns, yard_after_ns; /* the bare send loop around its block; 0: not taken */
    double yardstick; /* their mean, as a share of the calibration's: judge_windows */
    enum calibrate_exclusion exclusion;
};

struct windows; /* validation/calibrate/windows.h */

struct calibrate_options {
    const char *gateway_program, *load_program; /* paths */
    int32_t gateway_cpu, load_cpu;
    enum calibrate_mode mode;
    uint64_t seed; /* of the order of the blocks, and of the clients; a round adds its number */
    /* `done` of `of` seconds or so have gone by; may be NULL, as the next one */
    void (*progress)(void *context, const char *what, int done, int of);
    void *progress_context;
    const volatile sig_atomic_t *stop; /* set by Ctrl-C; NULL: never */
};

enum calibrate_outcome {
    CALIBRATE_DONE,
    CALIBRATE_REFUSED, /* the machine was not quiet enough: try again */
    CALIBRATE_FAILED,  /* a program did not start, died, or was stopped */
};

enum { CALIBRATE_WHY_BYTES = 320 };

/* Fills `profile`, whose texts live in `arena`, and `windows` (initialised), excluded ones too.
 * Anything but DONE has its reason in `why`, in words for the user; of what was refused the profile
 * has all that does not come out of the fit. Ends the programs that it started and removes every
 * file that it made. */
enum calibrate_outcome calibrate(struct profile *profile, struct windows *windows,
                                 const struct calibrate_options *options, struct arena *arena,
                                 char why[CALIBRATE_WHY_BYTES]) MUST_USE;

/* The fit alone: from windows that were measured now or earlier to the processor costs of
 * `profile`, whose other entries stay as they are. Never FAILED. */
enum calibrate_outcome calibrate_fit(struct profile *profile, struct windows *windows,
                                     struct arena *arena, char why[CALIBRATE_WHY_BYTES]) MUST_USE;

#endif
