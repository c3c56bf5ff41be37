/* What a run came to: metrics, resources by node, verdict. Inside models/cluster only. */
#ifndef HEADROOM_MODELS_CLUSTER_REPORT_H
#define HEADROOM_MODELS_CLUSTER_REPORT_H

#include "models/cluster/cluster.h"
#include "models/workload/outcome.h"

/* When the run has ended and every consumer is settled. Takes the run's fingerprint. */
void report_cluster(struct cluster *cluster, const struct cluster_options *options,
                    struct outcome *outcome);

#endif
