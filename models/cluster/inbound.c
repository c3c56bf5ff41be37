/* What is on its way to a worker lies in one pool of the cluster, by index: a run makes millions of
 * them, and few exist at one time. Whoever holds a pointer into it across worker_new_inbound holds
 * nothing: the pool may have moved. */
#include "models/cluster/node.h"

#include "sim/base/check.h"

#include <stdlib.h>

int32_t worker_new_inbound(struct cluster *cluster, struct node_inbound inbound) {
    int32_t index = cluster->inbound_free;
    if (index >= 0) {
        cluster->inbound_free = cluster->inbound[index].next;
    } else {
        if (cluster->inbound_count == cluster->inbound_max) {
            cluster->inbound_max = cluster->inbound_max ? cluster->inbound_max * 2 : 256;
            CHECK(cluster->inbound_max > 0);
            cluster->inbound =
                realloc(cluster->inbound, (size_t)cluster->inbound_max * sizeof *cluster->inbound);
            CHECK(cluster->inbound != NULL);
        }
        index = cluster->inbound_count++;
    }
    inbound.next = -1;
    cluster->inbound[index] = inbound;
    return index;
}

void worker_free_inbound(struct cluster *cluster, int32_t index) {
    cluster->inbound[index].next = cluster->inbound_free;
    cluster->inbound_free = index;
}
