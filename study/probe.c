/* Reading one probe: which side of the objective, how far, how sure.
 *
 * All distances are logits, because a late share runs over decades near a ceiling and its logit is
 * close to a straight line in the logarithm of the load there. They are cut at +-STUDY_LOGIT_MAX: a
 * share of 0 says that it is small, not how small. */
#include "study/probe.h"

#include <math.h>

enum { DECIDED_STDERRS = 2, FAILED_OTHERWISE_LOGIT = 2 };

/* Failed for a reason that no late share shows. */
static bool failed_otherwise(const struct study_probe_result *result,
                             const struct study_objective *objective) {
    bool is_late = result->late_share > objective->late_share;
    return result->verdict == OUTCOME_UNSTABLE || result->lost_share > objective->lost_share ||
           (result->verdict == OUTCOME_FAILS && !is_late);
}

/* With shares of 0 and 1 moved half a delivery inwards. */
static double corrected_share(const struct study_probe_result *result) {
    double half = 0.5 / (result->due_count + 1);
    return fmin(fmax(result->late_share, half), 1 - half);
}

/* Deliveries of one publish are late together, so the batches' standard error is mostly far above
 * the binomial one, which stands in where there is none. */
static double share_stderr(const struct study_probe_result *result) {
    double share = corrected_share(result);
    double binomial = sqrt(share * (1 - share) / (result->due_count + 1));
    return isnan(result->late_share_stderr) ? binomial : fmax(binomial, result->late_share_stderr);
}

bool study_leans_to_fail(const struct study_probe_result *result,
                         const struct study_objective *objective) {
    return failed_otherwise(result, objective) || result->late_share > objective->late_share;
}

enum study_judgement study_judge(const struct study_probe_result *result,
                                 const struct study_objective *objective) {
    if (failed_otherwise(result, objective))
        return STUDY_FAILED;
    if (!(result->due_count > 0) || isnan(result->late_share) ||
        result->verdict == OUTCOME_CANNOT_TELL)
        return STUDY_UNDECIDED;
    double distance = result->late_share - objective->late_share;
    if (fabs(distance) < DECIDED_STDERRS * share_stderr(result))
        return STUDY_UNDECIDED;
    return distance > 0 ? STUDY_FAILED : STUDY_PASSED;
}

struct study_probe_result study_pooled(const struct study_probe_result *a,
                                       const struct study_probe_result *b) {
    double due = a->due_count + b->due_count;
    if (!(due > 0))
        return *b;
    double weight = a->due_count / due;
    struct study_probe_result pooled = *b;
    pooled.late_share = weight * a->late_share + (1 - weight) * b->late_share;
    pooled.late_share_stderr =
        hypot(weight * a->late_share_stderr, (1 - weight) * b->late_share_stderr);
    pooled.lost_share = weight * a->lost_share + (1 - weight) * b->lost_share;
    pooled.due_count = due;
    if (a->verdict == OUTCOME_UNSTABLE)
        pooled.verdict = OUTCOME_UNSTABLE;
    return pooled;
}

static double logit(double share) {
    return log(share / (1 - share));
}

struct study_distance study_distance_of(const struct study_probe_result *result,
                                        const struct study_objective *objective) {
    double share = corrected_share(result);
    double raw = logit(share) - logit(objective->late_share);
    double stderr_of_share = share_stderr(result);
    struct study_distance distance = {
        .logit = fmin(fmax(raw, -STUDY_LOGIT_MAX), STUDY_LOGIT_MAX),
        .variance = pow(stderr_of_share / (share * (1 - share)), 2),
        .is_informative = fabs(raw) < STUDY_LOGIT_MAX,
    };
    /* Cut off, it lies beyond the cut whatever the noise of counting. */
    if (!distance.is_informative || result->late_share <= 0 || result->late_share >= 1)
        distance.variance = fmin(distance.variance, 1);
    if (failed_otherwise(result, objective) && distance.logit < FAILED_OTHERWISE_LOGIT)
        distance = (struct study_distance){.logit = FAILED_OTHERWISE_LOGIT, .variance = 1};
    return distance;
}
