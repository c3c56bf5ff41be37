/* Survivors are counted, not modelled: a node that is gone leaves a smaller cluster of the same
 * kind, whose need is known. What a loss adds to the load is the clients who come back. Their
 * accepts are processor time and nothing else here; the queue of the listener, retries and clients
 * who give up are for a simulated storm. */
#include "study/sizing.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

enum { SIZING_NODES_MAX = 1 << 20 };

static const char *const case_names[SIZING_CASES] = {"N", "N-1", "zone lost", "rolling drain",
                                                     "reconnect storm"};

const char *sizing_case_name(enum sizing_case which) {
    return case_names[which];
}

int64_t sizing_lost(int64_t nodes, int64_t zones, enum sizing_case which) {
    switch (which) {
    case SIZING_ALL_THERE:
    case SIZING_STORM:
        return 0;
    case SIZING_ONE_LOST:
    case SIZING_DRAIN:
        return 1;
    case SIZING_ZONE_LOST:
        return (nodes + zones - 1) / zones; /* the fullest */
    case SIZING_CASES:
        break;
    }
    CHECK(which < SIZING_CASES);
    return 0;
}

/* Share of all clients who must be let in again. */
static double returning(int64_t nodes, int64_t lost, enum sizing_case which) {
    return which == SIZING_STORM ? 1 : (double)lost / (double)nodes;
}

double sizing_recovery(const struct sizing_demand *demand, enum sizing_case which, int64_t nodes) {
    int64_t lost = sizing_lost(nodes, demand->zones, which);
    double work = demand->accept * returning(nodes, lost, which);
    double spare = (double)(nodes - lost) - demand->busy;
    if (work <= 0)
        return 0;
    return spare > 0 ? work / spare : INFINITY;
}

static bool is_enough(const struct sizing_demand *demand, enum sizing_case which, int64_t nodes) {
    int64_t left = nodes - sizing_lost(nodes, demand->zones, which);
    return left >= demand->needed && sizing_recovery(demand, which, nodes) <= 1;
}

int64_t sizing_nodes(const struct sizing_demand *demand, enum sizing_case which) {
    CHECK(demand->needed >= 1 && demand->zones >= 1);
    if (which == SIZING_ZONE_LOST && demand->zones == 1)
        return 0;
    int64_t nodes = demand->needed;
    while (nodes <= SIZING_NODES_MAX && !is_enough(demand, which, nodes))
        nodes++;
    return nodes <= SIZING_NODES_MAX ? nodes : 0;
}

static bool beats(const struct sizing_point *a, const struct sizing_point *b) {
    bool is_as_good = a->cost <= b->cost && a->latency_ms <= b->latency_ms;
    return is_as_good && (a->cost < b->cost || a->latency_ms < b->latency_ms);
}

void sizing_mark_front(struct sizing_point *points, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        points[i].is_on_front = !isnan(points[i].latency_ms);
        for (int32_t k = 0; k < count && points[i].is_on_front; k++)
            points[i].is_on_front = !beats(&points[k], &points[i]);
    }
}

double sizing_swing(const struct sizing_bar *bar) {
    double swing = fabs(log(bar->at_high / bar->at_low));
    return isfinite(swing) ? swing : 0;
}

static int wider_first(const void *a, const void *b) {
    const struct sizing_bar *x = a, *y = b;
    double difference = sizing_swing(y) - sizing_swing(x);
    if (difference != 0)
        return difference > 0 ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

void sizing_sort_bars(struct sizing_bar *bars, int32_t count) {
    qsort(bars, (size_t)count, sizeof bars[0], wider_first);
}
