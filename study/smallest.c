/* Doubling until it holds, then halving: the answer lies in (bad, good] all the time. */
#include "study/smallest.h"

#include "sim/base/check.h"

/* `bad` does not hold (0: there is none), `good` does. */
static int64_t between(const struct study_smallest_options *options, int64_t bad, int64_t good) {
    while (good - bad > 1) {
        int64_t middle = bad + (good - bad) / 2;
        if (options->holds(options->context, middle))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

int64_t study_smallest(const struct study_smallest_options *options) {
    CHECK(options->first >= 1 && options->first <= options->most);
    int64_t bad = 0, good = options->first;
    while (!options->holds(options->context, good)) {
        if (good == options->most)
            return 0;
        bad = good;
        good = good > options->most / 2 ? options->most : 2 * good;
    }
    return between(options, bad, good);
}

/* Steps of 1, 2, 4 ... away from the guess, to where the answer changes. */
int64_t study_smallest_near(const struct study_smallest_options *options) {
    CHECK(options->first >= 1 && options->first <= options->most);
    int64_t good = options->first, step = 1;
    if (!options->holds(options->context, good)) {
        int64_t bad = good;
        while (bad < options->most) {
            good = bad + step < options->most ? bad + step : options->most;
            if (options->holds(options->context, good))
                return between(options, bad, good);
            bad = good;
            step *= 2;
        }
        return 0;
    }
    while (good > 1) {
        int64_t next = good > step ? good - step : 1;
        if (!options->holds(options->context, next))
            return between(options, next, good);
        good = next;
        step *= 2;
    }
    return good;
}
