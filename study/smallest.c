/* Doubling until it holds, then halving: the answer lies in (bad, good] all the time. */
#include "study/smallest.h"

#include "sim/base/check.h"

int64_t study_smallest(const struct study_smallest_options *options) {
    CHECK(options->first >= 1 && options->first <= options->most);
    int64_t bad = 0, good = options->first;
    while (!options->holds(options->context, good)) {
        if (good == options->most)
            return 0;
        bad = good;
        good = good > options->most / 2 ? options->most : 2 * good;
    }
    while (good - bad > 1) {
        int64_t middle = bad + (good - bad) / 2;
        if (options->holds(options->context, middle))
            good = middle;
        else
            bad = middle;
    }
    return good;
}
