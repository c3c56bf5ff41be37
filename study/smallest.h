/* The smallest number of nodes (or of anything whole) with which something holds.
 *
 * Doubling from a first guess, then bisection: right for whatever keeps holding with more. With a
 * good guess, study_smallest_near looks right beside it first and takes two questions. */
#ifndef HEADROOM_STUDY_SMALLEST_H
#define HEADROOM_STUDY_SMALLEST_H

#include <stdbool.h>
#include <stdint.h>

struct study_smallest_options {
    bool (*holds)(void *context, int64_t count);
    void *context;
    int64_t first; /* where to begin, 1 to most */
    int64_t most;
};

/* 0: not even `most` holds. */
int64_t study_smallest(const struct study_smallest_options *options);
int64_t study_smallest_near(const struct study_smallest_options *options);

#endif
