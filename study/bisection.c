/* The posterior is computed afresh from all verdicts after each: 512 cells times 128 verdicts is
 * nothing beside a probe, and it lets the window move without losing what was said outside it. */
#include "study/bisection.h"

#include "sim/base/check.h"

static double cell_width(const struct study_bisection *bisection) {
    return (bisection->high - bisection->low) / STUDY_BISECTION_CELLS;
}

static double likelihood(const struct study_bisection *bisection, double threshold) {
    double product = 1;
    for (int32_t i = 0; i < bisection->verdicts_count; i++) {
        const struct study_verdict *verdict = &bisection->verdicts[i];
        bool agrees = verdict->is_above == (threshold < verdict->at);
        product *= agrees ? verdict->right : 1 - verdict->right;
    }
    return product;
}

static void compute(struct study_bisection *bisection) {
    double width = cell_width(bisection), sum = 0;
    for (int32_t i = 0; i < STUDY_BISECTION_CELLS; i++) {
        bisection->mass[i] = likelihood(bisection, bisection->low + (i + 0.5) * width);
        sum += bisection->mass[i];
    }
    for (int32_t i = 0; i < STUDY_BISECTION_CELLS; i++)
        bisection->mass[i] /= sum;
}

/* More than half of the mass within a step of an end that can move. */
static bool widen(struct study_bisection *bisection) {
    if (bisection->high < bisection->highest &&
        study_bisection_quantile(bisection, 0.5) > bisection->high - bisection->step) {
        bisection->high += bisection->step;
        if (bisection->high > bisection->highest)
            bisection->high = bisection->highest;
        return true;
    }
    if (bisection->low > bisection->lowest &&
        study_bisection_quantile(bisection, 0.5) < bisection->low + bisection->step) {
        bisection->low -= bisection->step;
        if (bisection->low < bisection->lowest)
            bisection->low = bisection->lowest;
        return true;
    }
    return false;
}

void study_bisection_init(struct study_bisection *bisection,
                          const struct study_bisection_options *options) {
    CHECK(options->low < options->high && options->step > 0);
    *bisection = (struct study_bisection){.low = options->low,
                                          .high = options->high,
                                          .lowest = options->lowest,
                                          .highest = options->highest,
                                          .step = options->step};
    compute(bisection);
}

void study_bisection_tell(struct study_bisection *bisection, struct study_verdict verdict) {
    CHECK(bisection->verdicts_count < STUDY_VERDICTS_MAX);
    CHECK(verdict.right >= 0.5 && verdict.right < 1);
    bisection->verdicts[bisection->verdicts_count++] = verdict;
    compute(bisection);
    if (widen(bisection))
        compute(bisection);
}

double study_bisection_quantile(const struct study_bisection *bisection, double p) {
    double width = cell_width(bisection), below = 0;
    for (int32_t i = 0; i < STUDY_BISECTION_CELLS; i++) {
        if (below + bisection->mass[i] >= p && bisection->mass[i] > 0)
            return bisection->low + (i + (p - below) / bisection->mass[i]) * width;
        below += bisection->mass[i];
    }
    return bisection->high;
}
