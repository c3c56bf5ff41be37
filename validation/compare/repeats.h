/* Several measurements of one figure as one: their median, and how far they lie apart. Internal to
 * validation/compare. */
#ifndef HEADROOM_VALIDATION_COMPARE_REPEATS_H
#define HEADROOM_VALIDATION_COMPARE_REPEATS_H

#include <stdint.h>

enum { REPEATS_MAX = 64 }; /* later ones are not looked at */

struct repeats {
    int32_t count;
    double values[REPEATS_MAX];     /* NAN: this one has no number, and a word instead */
    const char *texts[REPEATS_MAX]; /* borrowed; "" for none */
};

void repeats_add(struct repeats *repeats, double value, const char *text);

struct repeats_summary {
    double median, low, high; /* lowest and highest; all NAN where most have no number */
    const char *text;         /* the most frequent one, of those that have no number where most have
                                 none; "" for none */
};
struct repeats_summary repeats_summarise(const struct repeats *repeats);

#endif
