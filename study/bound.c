/* Something that holds is looked for first, in both directions by doubling; then each end lies
 * between a value that holds and one that does not, or is the end of all values.
 *
 * Downwards the lowest value is asked at once, since a smaller case is a cheaper run; upwards in
 * doublings, since twenty times the connections are twenty times the work. */
#include "study/bound.h"

#include "sim/base/check.h"

#include <math.h>

struct search {
    const struct study_bound_options *options;
    struct study_bound bound;
};

const char *study_bound_kind_name(enum study_bound_kind kind) {
    static const char *const names[] = {[STUDY_BOUND_NOTHING] = "nothing",
                                        [STUDY_BOUND_ALL] = "all",
                                        [STUDY_BOUND_MOST] = "most",
                                        [STUDY_BOUND_LEAST] = "least",
                                        [STUDY_BOUND_BETWEEN] = "between"};
    return names[kind];
}

static bool holds(struct search *search, double value) {
    search->bound.asked_count++;
    return search->options->holds(search->options->context, value);
}

static double up(const struct study_bound_options *options, double value) {
    double next = options->is_whole ? fmax(value + 1, 2 * value) : 2 * value;
    return fmin(next, options->highest);
}

static double down(const struct study_bound_options *options, double value) {
    return fmax(options->is_whole ? floor(value / 2) : value / 2, options->lowest);
}

/* A value that holds, or NAN; the failure that it was found next to is noted. */
static double find_holding(struct search *search) {
    const struct study_bound_options *options = search->options;
    double above = options->start, below = options->start;
    if (holds(search, options->start))
        return options->start;
    while (above < options->highest || below > options->lowest) {
        double last_above = above, last_below = below;
        above = up(options, above);
        if (above > last_above && holds(search, above)) {
            search->bound.fails_below = last_above;
            return above;
        }
        below = down(options, below);
        if (below < last_below && holds(search, below)) {
            search->bound.fails_above = last_below;
            return below;
        }
    }
    return (double)NAN;
}

static bool is_near(const struct study_bound_options *options, double a, double b) {
    double gap = fabs(a - b);
    double near = options->tolerance * fmin(a, b);
    return gap <= (options->is_whole ? fmax(near, 1) : near);
}

static double between(const struct study_bound_options *options, double a, double b) {
    return options->is_whole ? floor((a + b) / 2) : sqrt(a * b);
}

/* The last value that holds on the way from one that does to one that does not. */
static double halve(struct search *search, double good, double *bad) {
    while (!is_near(search->options, good, *bad)) {
        double middle = between(search->options, good, *bad);
        if (holds(search, middle))
            good = middle;
        else
            *bad = middle;
    }
    return good;
}

static double upper_end(struct search *search, double good) {
    const struct study_bound_options *options = search->options;
    double *bad = &search->bound.fails_above;
    while (isnan(*bad) && good < options->highest) {
        double next = up(options, good);
        if (holds(search, next))
            good = next;
        else
            *bad = next;
    }
    return isnan(*bad) ? good : halve(search, good, bad);
}

static double lower_end(struct search *search, double good) {
    const struct study_bound_options *options = search->options;
    double *bad = &search->bound.fails_below;
    if (isnan(*bad) && good > options->lowest) {
        if (holds(search, options->lowest))
            return options->lowest;
        *bad = options->lowest;
    }
    return isnan(*bad) ? good : halve(search, good, bad);
}

static enum study_bound_kind kind_of(const struct study_bound *bound) {
    bool has_low = !isnan(bound->fails_below), has_high = !isnan(bound->fails_above);
    return has_low && has_high ? STUDY_BOUND_BETWEEN
           : has_high          ? STUDY_BOUND_MOST
           : has_low           ? STUDY_BOUND_LEAST
                               : STUDY_BOUND_ALL;
}

struct study_bound study_find_bound(const struct study_bound_options *options) {
    const double nan = (double)NAN;
    struct search search = {
        options,
        {.kind = STUDY_BOUND_NOTHING, .low = nan, .high = nan, nan, nan, .asked_count = 0}};
    struct study_bound *bound = &search.bound;
    CHECK(options->lowest <= options->start && options->start <= options->highest);
    CHECK(options->is_whole ? options->lowest >= 0 : options->lowest > 0 && options->tolerance > 0);
    double good = find_holding(&search);
    if (isnan(good))
        return *bound;
    bound->low = lower_end(&search, good);
    bound->high = upper_end(&search, good);
    bound->kind = kind_of(bound);
    return *bound;
}
