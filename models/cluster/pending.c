/* A pool, as of publishes on their way in. An entry is free again when its node no longer waits for
 * it and none of its sendings is on its way. */
#include "models/cluster/pending.h"

#include "models/cluster/churn.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

struct entry {
    struct node_inbound publish;
    int32_t worker;
    int32_t sendings;        /* so far; after the first, retries */
    int32_t under_way;       /* of these: at an instance or before it, or ready to be made */
    bool is_copied, is_over; /* an instance has passed it on; its node does not wait any more */
    calendar_handle timer;
    int32_t next_free;
};

struct pending {
    const struct spec_backplane *spec;
    struct entry *entries;
    int32_t count, max, first_free; /* -1: none */
    int64_t *in_flight;             /* by node */
    int64_t publishes, sendings, failed;
};

struct pending *pending_new(struct cluster *cluster) {
    const struct spec_backplane *spec = &cluster->layout->scenario->backplane;
    if (spec->timeout == BASE_NS_MAX && spec->in_flight == SPEC_UNLIMITED)
        return NULL;
    struct arena *arena = &cluster->run->arena;
    struct pending *pending = ARENA_NEW(arena, 1, struct pending);
    *pending = (struct pending){.spec = spec, .first_free = -1};
    pending->in_flight = ARENA_NEW(arena, (size_t)cluster->layout->nodes_count, int64_t);
    return pending;
}

void pending_fini(struct cluster *cluster) {
    if (cluster->pending)
        free(cluster->pending->entries);
}

/* --- the pool; numbers count from 1 --- */

static struct entry *entry_of(struct pending *pending, int32_t number) {
    CHECK(number >= 1 && number <= pending->count);
    return &pending->entries[number - 1];
}

static int32_t new_number(struct pending *pending) {
    int32_t number = pending->first_free;
    if (number >= 0) {
        pending->first_free = entry_of(pending, number)->next_free;
        return number;
    }
    if (pending->count == pending->max) {
        pending->max = pending->max ? 2 * pending->max : 256;
        CHECK(pending->max > 0);
        pending->entries =
            realloc(pending->entries, (size_t)pending->max * sizeof *pending->entries);
        CHECK(pending->entries != NULL);
    }
    return ++pending->count;
}

/* --- the end of it --- */

static void fail(struct cluster *cluster, const struct node_inbound *publish) {
    loss_beyond(cluster, publish->origin, publish->room, publish->due_ns);
    if (cluster_within_window(cluster, publish->due_ns, publish->due_ns + 1) > 0)
        cluster->pending->failed++;
}

static void stop_waiting(struct cluster *cluster, struct entry *entry) {
    if (entry->is_over)
        return;
    entry->is_over = true;
    cluster->pending->in_flight[entry->publish.origin]--;
    run_cancel(cluster->run, entry->timer);
    entry->timer = 0;
}

/* Nothing of it is left: neither anybody who waits nor a sending. */
static void settle(struct cluster *cluster, int32_t number) {
    struct pending *pending = cluster->pending;
    struct entry *entry = entry_of(pending, number);
    if (entry->under_way > 0)
        return;
    if (entry->timer == 0) /* it will not be sent again */
        stop_waiting(cluster, entry);
    if (!entry->is_over)
        return;
    if (!entry->is_copied)
        fail(cluster, &entry->publish);
    entry->next_free = pending->first_free;
    pending->first_free = number;
}

/* --- at the node --- */

bool pending_open(struct node_worker *worker, struct node_inbound *publish) {
    struct cluster *cluster = worker->cluster;
    struct pending *pending = cluster->pending;
    if (cluster_within_window(cluster, publish->due_ns, publish->due_ns + 1) > 0)
        pending->publishes++;
    if (pending->in_flight[publish->origin] >= pending->spec->in_flight) {
        fail(cluster, publish);
        return false;
    }
    pending->in_flight[publish->origin]++;
    publish->pending = new_number(pending);
    *entry_of(pending, publish->pending) =
        (struct entry){.publish = *publish, .worker = worker->index, .under_way = 1};
    return true;
}

static void timed_out(void *target, uint64_t number, base_ns now_ns) {
    struct cluster *cluster = target;
    struct pending *pending = cluster->pending;
    struct entry *entry = entry_of(pending, (int32_t)number);
    struct node_worker *worker = &cluster->workers[entry->worker];
    entry->timer = 0;
    bool is_late = entry->publish.deadline_ns > 0 && now_ns > entry->publish.deadline_ns;
    if (entry->sendings > pending->spec->retries || is_late || worker->node->is_dead) {
        stop_waiting(cluster, entry);
        settle(cluster, (int32_t)number);
        return;
    }
    entry->under_way++;
    worker_make_ready(worker, (struct node_ready){NODE_READY_AGAIN, (int32_t)number});
}

void pending_sent(struct cluster *cluster, int32_t number, base_ns now_ns, bool is_lost) {
    struct pending *pending = cluster->pending;
    struct entry *entry = entry_of(pending, number);
    entry->sendings++;
    if (cluster_within_window(cluster, entry->publish.due_ns, entry->publish.due_ns + 1) > 0)
        pending->sendings++;
    entry->under_way -= is_lost;
    if (!entry->is_over && pending->spec->timeout < BASE_NS_MAX)
        entry->timer = run_at(cluster->run, now_ns + pending->spec->timeout, timed_out, cluster,
                              (uint64_t)number);
    settle(cluster, number);
}

void pending_forget(struct cluster *cluster, int32_t number) {
    struct entry *entry = entry_of(cluster->pending, number);
    entry->under_way--;
    stop_waiting(cluster, entry);
    settle(cluster, number);
}

const struct node_inbound *pending_again(struct cluster *cluster, int32_t number) {
    struct entry *entry = entry_of(cluster->pending, number);
    if (!entry->is_over)
        return &entry->publish;
    entry->under_way--;
    settle(cluster, number);
    return NULL;
}

void pending_dropped(struct cluster *cluster, int32_t number) {
    entry_of(cluster->pending, number)->under_way--;
    settle(cluster, number);
}

static void acknowledged(void *target, uint64_t number, base_ns now_ns) {
    (void)now_ns;
    struct cluster *cluster = target;
    struct entry *entry = entry_of(cluster->pending, (int32_t)number);
    entry->under_way--;
    stop_waiting(cluster, entry);
    settle(cluster, (int32_t)number);
}

/* --- at an instance --- */

bool pending_copied(struct cluster *cluster, int32_t number) {
    struct entry *entry = entry_of(cluster->pending, number);
    bool was_copied = entry->is_copied;
    entry->is_copied = true;
    return was_copied;
}

void pending_acknowledge(struct cluster *cluster, int32_t number, base_ns heard_ns) {
    if (run_at(cluster->run, heard_ns, acknowledged, cluster, (uint64_t)number) == 0)
        pending_dropped(cluster, number); /* nobody will hear of it */
}

void pending_report(const struct cluster *cluster, struct outcome *outcome) {
    const struct pending *pending = cluster->pending;
    if (pending == NULL)
        return;
    double publishes = (double)pending->publishes;
    outcome->metric[OUTCOME_backplane_sendings] =
        publishes > 0 ? (double)pending->sendings / publishes : NAN;
    outcome->metric[OUTCOME_backplane_given_up] = (double)pending->failed;
}
