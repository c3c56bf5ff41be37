/* One question to either world: what happens at this load?
 *
 * The ceiling search asks it and does not know whether a simulator or a real pair answers; that is
 * what makes the two ceilings comparable. */
#ifndef HEADROOM_STUDY_PROBE_H
#define HEADROOM_STUDY_PROBE_H

#include "models/workload/outcome.h"
#include "sim/base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct study_probe_request {
    double scale; /* of every publish rate (active ceiling) or every population */
    base_ns warm_up_ns, measure_ns;
    uint64_t seed;
    uint64_t replication; /* which arrival stream; a measured world draws its plan from it too */
    int32_t draw;         /* which draw of the costs; 0: the profile's values. A measured world has
                             none and ignores it. */
    bool is_rough;        /* only to learn where to look: a world may look for a shorter time */
};

struct study_probe_result {
    double late_share, late_share_stderr; /* stderr NAN: not known */
    double due_count;
    double lost_share;
    enum outcome_verdict verdict;
    const char *broke; /* as in struct outcome; static text, "" for nothing */
    double latency_p50_ms, latency_p99_ms;
    double speed_ns;     /* what a yardstick took around the probe; 0: of a world without moods */
    const char *refused; /* why this is not a measurement, until the next probe; NULL: it is one */
};

struct study_world {
    /* False: somebody asked to stop, and there is no result. A probe that is refused is a result
     * (`refused`), and is asked again. May be called from several threads at once where it is given
     * to study_predict with an executor that has several. */
    bool (*probe)(void *context, const struct study_probe_request *request,
                  struct study_probe_result *result);
    void *context;
    double load_unit; /* what scale 1 is: deliveries/s, or connections */
};

/* What must hold: the objective, as the scenario has it. */
struct study_objective {
    double late_share; /* 1 - share: at most so much late */
    double lost_share;
};

enum study_judgement { STUDY_PASSED, STUDY_FAILED, STUDY_UNDECIDED };

/* The sequential test. Failed for certain: unstable, more lost than allowed, or a resource that
 * failed while the deliveries were in time. Otherwise the late share decides, once it is two
 * standard errors away from the objective. */
enum study_judgement study_judge(const struct study_probe_result *result,
                                 const struct study_objective *objective);

/* The same without "undecided": on which side the result lies. */
bool study_leans_to_fail(const struct study_probe_result *result,
                         const struct study_objective *objective);

/* Two probes of one load as one: shares weighted by what was due, the worse verdict. */
struct study_probe_result study_pooled(const struct study_probe_result *a,
                                       const struct study_probe_result *b);

enum { STUDY_LOGIT_MAX = 4 }; /* odds of 55 to 1: further away from the objective says no more */

/* Where a result lies against the objective, as logit(late share) - logit(objective) within
 * +-STUDY_LOGIT_MAX, and the variance that counting alone gives it (with half a delivery added to
 * shares of 0 and 1). A result that failed for another reason than lateness lies at least 2 above.
 */
struct study_distance {
    double logit;
    double variance;
    bool is_informative; /* false: only the side is known */
};
struct study_distance study_distance_of(const struct study_probe_result *result,
                                        const struct study_objective *objective);

#endif
