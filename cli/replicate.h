/* `run` with --reps or --precision: one scenario many times, each replication with a draw of the
 * costs and arrivals of its own, and what they say together.
 *
 * Replication r is the same whatever else is asked for: draw and stream are named by the seed and
 * r. So two scenarios under one seed meet the same costs and arrivals, and `compare` pairs them. */
#ifndef HEADROOM_CLI_REPLICATE_H
#define HEADROOM_CLI_REPLICATE_H

#include "cli/costs.h"
#include "cli/files.h"
#include "cli/options.h"
#include "models/cluster/layout.h"
#include "models/workload/outcome.h"
#include "sim/store/store.h"
#include "study/replications.h"

enum { REPLICATE_MAX = 10000 };

struct replicate_one {
    double metric[OUTCOME_METRICS];
    double distance; /* logit of the late share against the objective (study/probe.h); NAN: none */
    struct outcome_resource resources[OUTCOME_RESOURCES_MAX];
    int32_t resources_count;
    base_ns warm_up_ns;
    uint64_t fingerprint;
    enum outcome_verdict verdict;
    const char *broke;
};

struct replicate {
    const struct options *options;
    struct scenario *scenario;
    const struct costs_choice *costs;
    struct store *store;
    int64_t run; /* the parent in the store */
    struct layout layout;
    struct replicate_one *ones; /* [count] */
    int32_t count, target, max;
    struct outcome pooled; /* means of the metrics, all latencies, the verdict of all */
    struct study_estimate estimates[OUTCOME_METRICS];
    struct study_estimate distance;
    int64_t more_to_tell;       /* replications; 0: told; STUDY_MORE_NEVER: not by replications */
    int64_t more_for_precision; /* 0: reached, or not asked for */
    enum outcome_metric metric; /* that --precision is about */
};

/* Whether --reps or --precision asks for more than one run. */
bool replicate_is_asked(const struct options *options);
/* Checks the options, runs, keeps every replication as it ends and prints. Returns the exit code:
 * 96 while the objective or the precision asked for is out of sight. */
int replicate_answer(struct scenario *scenario, const struct costs_choice *costs,
                     const struct options *options);

void replicate_print_text(const struct replicate *replicate);
void replicate_print_json(const struct replicate *replicate);

#endif
