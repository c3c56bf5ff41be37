/* Within which values of one field does something hold? The largest room, the smallest number of
 * nodes, the biggest message: one search, which need not be told whether more is better or worse.
 *
 * What is assumed: the values that hold are one piece without holes. Then its two ends say
 * everything, and the direction comes out by itself: where more is worse the piece begins at the
 * lowest value there is, where more is better it ends at the highest. */
#ifndef HEADROOM_STUDY_BOUND_H
#define HEADROOM_STUDY_BOUND_H

#include <stdbool.h>
#include <stdint.h>

struct study_bound_options {
    bool (*holds)(void *context, double value);
    void *context;
    double start;           /* where to begin: what the field has now */
    double lowest, highest; /* nothing is asked beyond; 0 < lowest <= start <= highest, or 0 <=
                               lowest where the values are whole */
    bool is_whole;
    double
        tolerance; /* of the ends, as a share of the value; not for whole ones, which are exact */
};

enum study_bound_kind {
    STUDY_BOUND_NOTHING, /* no value that was tried holds */
    STUDY_BOUND_ALL,     /* from the lowest to the highest */
    STUDY_BOUND_MOST,    /* up to `high`: more is worse */
    STUDY_BOUND_LEAST,   /* from `low` on: more is better */
    STUDY_BOUND_BETWEEN, /* from `low` to `high` */
};
const char *study_bound_kind_name(enum study_bound_kind kind); /* "nothing", "all", ... */

struct study_bound {
    enum study_bound_kind kind;
    double low, high;                /* both hold; NAN: nothing does */
    double fails_below, fails_above; /* the nearest values that do not; NAN: there is none */
    int32_t asked_count;
};

struct study_bound study_find_bound(const struct study_bound_options *options);

#endif
