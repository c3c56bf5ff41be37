/* A bisection that survives wrong verdicts: what is known about where a threshold lies, as a
 * posterior over its position (Horstein 1963; Waeber, Frazier, Henderson 2013).
 *
 * Every verdict multiplies the side it points to by how often such verdicts are right. A wrong one
 * is outvoted by later ones, where a plain bisection would never look at that side again. */
#ifndef HEADROOM_STUDY_BISECTION_H
#define HEADROOM_STUDY_BISECTION_H

#include <stdbool.h>
#include <stdint.h>

enum { STUDY_BISECTION_CELLS = 512, STUDY_VERDICTS_MAX = 128 };

struct study_verdict {
    double at;
    double right;  /* probability that it is right: 0.5 (says nothing) .. 1 */
    bool is_above; /* `at` lies above the threshold */
};

struct study_bisection {
    double low, high;       /* of the window that the cells cover */
    double lowest, highest; /* where it may be moved to */
    double step;            /* by how much, when the mass piles up at an end */
    struct study_verdict verdicts[STUDY_VERDICTS_MAX];
    int32_t verdicts_count;             /* later ones than the last are CHECKed */
    double mass[STUDY_BISECTION_CELLS]; /* sums to 1 */
};

struct study_bisection_options {
    double low, high, lowest, highest, step;
};
void study_bisection_init(struct study_bisection *bisection,
                          const struct study_bisection_options *options);
void study_bisection_tell(struct study_bisection *bisection, struct study_verdict verdict);
/* Below which the threshold lies with probability p. */
double study_bisection_quantile(const struct study_bisection *bisection, double p);

#endif
