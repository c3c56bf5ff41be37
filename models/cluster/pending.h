/* Publishes that their node has sent to a system in between, until that has acknowledged them: how
 * long a node waits, how often it sends again, and when it does not even try. Inside models/cluster
 * only; docs/models/backplane.md.
 *
 * Whether members elsewhere have lost a publish is not what its node thinks of it: one that was
 * given up may still lie at an instance, and be passed on. So each remembers how many of its
 * sendings are on their way, and is lost when there is none left and none was passed on. Members
 * never hear one twice: what an instance passes on again is marked, and thrown away where it
 * arrives. */
#ifndef HEADROOM_MODELS_CLUSTER_PENDING_H
#define HEADROOM_MODELS_CLUSTER_PENDING_H

#include "models/cluster/node.h"
#include "models/workload/outcome.h"

/* NULL where no node waits for anything. In the run's arena, but for its pool. */
struct pending *pending_new(struct cluster *cluster);
void pending_fini(struct cluster *cluster);

/* A publish that the worker is about to send, for the first time: a number to call it by, in
 * `publish->pending`; false: its node has too many of them, and it is lost to members elsewhere. */
bool pending_open(struct node_worker *worker, struct node_inbound *publish) MUST_USE;
/* It has been written at `now_ns`; `is_lost`: to nobody who could hear it. */
void pending_sent(struct cluster *cluster, int32_t number, base_ns now_ns, bool is_lost);
/* What to send again; NULL: it is no longer waited for. Valid until the next call. */
const struct node_inbound *pending_again(struct cluster *cluster, int32_t number);
/* A sending that its worker will not make: the worker's node is gone. */
void pending_forget(struct cluster *cluster, int32_t number);

/* An instance has come to a sending and will copy it, or drops it because its deadline is over;
 * true if another one was copied before. */
bool pending_copied(struct cluster *cluster, int32_t number) MUST_USE;
/* It has been copied, and its node hears of that at `heard_ns`; BASE_NS_MAX: never. */
void pending_acknowledge(struct cluster *cluster, int32_t number, base_ns heard_ns);
void pending_dropped(struct cluster *cluster, int32_t number);

void pending_report(const struct cluster *cluster, struct outcome *outcome);

#endif
