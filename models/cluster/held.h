/* What a worker's rooms hold back, and when it is written: models/workload/hold.h in simulated
 * time.
 */
#ifndef HEADROOM_MODELS_CLUSTER_HELD_H
#define HEADROOM_MODELS_CLUSTER_HELD_H

#include "models/cluster/node.h"

struct held_counts { /* of flushes within the window */
    int64_t flushes, messages, deliveries, late;
    int64_t packets_saved;
    double delay_sum_ns; /* over deliveries */
    base_ns feed_longest_ns;
};

/* Sets worker->held where a rule of its node makes a room of it hold; else NULL. */
void held_init(struct node_worker *worker);
void held_fini(struct node_worker *worker);

/* What was gathered last joins what the room holds. False: it holds nothing back, or this turn will
 * write what is before it, and it goes with that. */
bool held_add(struct node_worker *worker, int32_t slot, base_ns now_ns);
/* The room is to be written: it holds nothing any more. */
void held_end(struct node_worker *worker, int32_t slot, base_ns now_ns);
/* The worker is gone, and with it what its rooms hold; where connections come and go only. */
void held_lose(struct node_worker *worker);
/* Ends every hold that is due. */
void held_end_due(struct node_worker *worker, base_ns now_ns);

/* Adds this worker's to the sum. */
void held_sum(const struct node_worker *worker, struct held_counts *sum);

#endif
