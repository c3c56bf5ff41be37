/* Doubling steps to a bracket, up to fourfold loads: a probe far above the root costs as many times
 * what one at the root does. Then the Illinois variant of regula falsi on the logit (Dowell and
 * Jarratt 1971), kept away from the bracket's ends so that a flat piece cannot stall it. */
#include "study/root.h"

#include <math.h>

static const double end_margin = 0.1;             /* of the bracket, at either end */
static const double step_max = 1.386294361119891; /* log(4) */

struct side {
    double x, y; /* log(scale), logit distance; y NAN: not probed yet */
};

struct hunt {
    const struct study_world *world;
    const struct study_root_options *options;
    struct study_probe_request request;
    struct study_root root;
    struct side pass, fail;
};

static bool end(struct hunt *hunt, enum study_ceiling_outcome outcome) {
    hunt->root.outcome = outcome;
    return false;
}

static bool probe(struct hunt *hunt, double x, double *y) {
    struct study_probe_result result = {.broke = "", .late_share_stderr = (double)NAN};
    if (hunt->root.probes_count >= STUDY_ROOT_PROBES_MAX)
        return end(hunt, STUDY_EXHAUSTED);
    hunt->request.scale = exp(x);
    if (!hunt->world->probe(hunt->world->context, &hunt->request, &result))
        return end(hunt, STUDY_STOPPED);
    hunt->root.probes_count++;
    if (result.refused)
        return end(hunt, STUDY_REFUSED);
    *y = study_distance_of(&result, &hunt->options->objective).logit;
    if (*y > 0) {
        hunt->fail = (struct side){x, *y};
        hunt->root.broke = result.broke;
    } else
        hunt->pass = (struct side){x, *y};
    return true;
}

/* Twice as far as the root should be, so that the next probe lies beyond it. */
static double first_step(const struct hunt *hunt, double y) {
    const struct study_root_options *options = hunt->options;
    if (!(options->steepness > 0) || fabs(y) >= STUDY_LOGIT_MAX)
        return options->first_step;
    double step = fmax(2 * fabs(y) / options->steepness, options->tolerance / 2);
    return fmin(step, options->first_step);
}

static bool bracket(struct hunt *hunt) {
    const double lowest = log(hunt->options->scale_min), highest = log(hunt->options->scale_max);
    double x = fmin(fmax(log(hunt->options->first_scale), lowest), highest), y;
    double step = 0;
    while (isnan(hunt->pass.y) || isnan(hunt->fail.y)) {
        if (!probe(hunt, x, &y))
            return false;
        if (y > 0 && x <= lowest)
            return end(hunt, STUDY_BELOW_FIRST);
        if (y <= 0 && x >= highest)
            return end(hunt, STUDY_ABOVE_LAST);
        step = step > 0 ? fmin(2 * step, step_max) : first_step(hunt, y);
        x = y > 0 ? fmax(x - step, lowest) : fmin(x + step, highest);
    }
    return true;
}

static double between(struct side pass, struct side fail) {
    double part = -pass.y / (fail.y - pass.y);
    return pass.x + fmin(fmax(part, end_margin), 1 - end_margin) * (fail.x - pass.x);
}

static double steepness_of(struct side pass, struct side fail) {
    return (fail.y - pass.y) / (fail.x - pass.x);
}

/* Until the bracket is narrow enough, or a probe lies so near the objective that the bracket's
 * slope, which is hardly ever steeper than the curve's, takes it within half the tolerance. */
static bool polish(struct hunt *hunt) {
    int32_t kept = 0; /* +n: the pass has been kept n times in a row; -n: the failure */
    while (hunt->fail.x - hunt->pass.x > hunt->options->tolerance) {
        struct side pass = hunt->pass, fail = hunt->fail;
        if (kept > 1)
            pass.y = ldexp(pass.y, 1 - kept);
        if (kept < -1)
            fail.y = ldexp(fail.y, 1 + kept);
        double y;
        if (hunt->root.probes_count >= STUDY_ROOT_PROBES_MAX)
            return true; /* the bracket is wider than asked for, and still a bracket */
        if (!probe(hunt, between(pass, fail), &y))
            return false;
        if (fabs(y) < hunt->options->tolerance / 2 * steepness_of(hunt->pass, hunt->fail))
            return true;
        kept = y > 0 ? (kept > 0 ? kept + 1 : 1) : (kept < 0 ? kept - 1 : -1);
    }
    return true;
}

struct study_root study_find_root(const struct study_world *world,
                                  const struct study_root_options *options,
                                  const struct study_probe_request *request) {
    const double nan = (double)NAN;
    struct hunt hunt = {
        .world = world,
        .options = options,
        .request = *request,
        .root = {.outcome = STUDY_FOUND, .log_scale = nan, .steepness = nan, .broke = ""},
        .pass = {nan, nan},
        .fail = {nan, nan}};
    if (bracket(&hunt) && polish(&hunt)) {
        double part = -hunt.pass.y / (hunt.fail.y - hunt.pass.y);
        hunt.root.log_scale = hunt.pass.x + part * (hunt.fail.x - hunt.pass.x);
        hunt.root.steepness = steepness_of(hunt.pass, hunt.fail);
    }
    return hunt.root;
}
