/* What one could buy: of each kind as many as each case asks for and one more, and of two kinds the
 * one filled up with the other, because whole nodes seldom fit. Every offer has been simulated and
 * holds; those that nothing beats in cost and latency both are the front. */
#include "cli/capacity.h"

#include "cli/pool.h"
#include "sim/base/check.h"
#include "study/smallest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILLS_OF_ONE_MAX = 2 }; /* kinds' nodes that are replaced by another kind's: one, two */

double capacity_price(const struct capacity *plan, const int64_t *counts) {
    if (!plan->has_prices)
        return (double)NAN;
    double price = 0;
    for (int32_t i = 0; i < plan->kinds_count; i++)
        price += (double)counts[i] * plan->kinds[i].node->price;
    return price;
}

/* Without prices a node costs a node. */
static double cost_of(const struct capacity_offer *offer) {
    return isnan(offer->price_per_hour) ? (double)offer->nodes_count : offer->price_per_hour;
}

/* --- candidates --- */

static struct capacity_offer *add(struct capacity *plan, const int64_t *counts) {
    for (int32_t i = 0; i < plan->offers_count; i++)
        if (memcmp(plan->offers[i].nodes, counts, sizeof plan->offers[i].nodes) == 0)
            return NULL;
    if (plan->offers_count == CAPACITY_OFFERS_MAX)
        return NULL;
    struct capacity_offer *offer = &plan->offers[plan->offers_count++];
    *offer = (struct capacity_offer){.price_per_hour = capacity_price(plan, counts)};
    memcpy(offer->nodes, counts, sizeof offer->nodes);
    for (int32_t i = 0; i < plan->kinds_count; i++)
        offer->nodes_count += counts[i];
    return offer;
}

static void add_of_one_kind(struct capacity *plan, const struct capacity_kind *kind,
                            int64_t nodes) {
    int64_t counts[TRIAL_KINDS_MAX] = {0};
    counts[kind->index] = nodes;
    struct capacity_offer *offer = nodes > 0 ? add(plan, counts) : NULL;
    for (int32_t which = 0; offer && which < SIZING_CASES; which++)
        offer->survives[which] =
            kind->count[which].target > 0 && nodes >= kind->count[which].target;
}

struct fill {
    struct capacity *plan;
    const struct profile_costs *costs;
    int64_t counts[TRIAL_KINDS_MAX];
    int32_t with;
};

static bool fill_holds(void *context, int64_t nodes) {
    struct fill *fill = context;
    fill->counts[fill->with] = nodes;
    return capacity_look_at(fill->plan, fill->counts, fill->costs, 0, NULL).holds;
}

/* `out` of the kind's nodes fewer, and as few of `with` as make up for them; not more than that
 * many of `with` alone would. */
static void add_filled(struct capacity *plan, const struct capacity_kind *kind,
                       const struct capacity_kind *with, int64_t out,
                       const struct profile_costs *costs) {
    int64_t kept = kind->count[SIZING_ALL_THERE].target - out;
    int64_t most = with->count[SIZING_ALL_THERE].target - 1;
    if (kept < 1 || most < 1)
        return;
    struct fill fill = {.plan = plan, .costs = costs, .with = with->index};
    fill.counts[kind->index] = kept;
    int64_t nodes = study_smallest(&(struct study_smallest_options){
        .holds = fill_holds, .context = &fill, .first = 1, .most = most});
    if (nodes == 0)
        return;
    fill.counts[with->index] = nodes;
    struct capacity_offer *offer = add(plan, fill.counts);
    if (offer) {
        offer->is_mixed = true;
        offer->survives[SIZING_ALL_THERE] = true;
    }
}

static void add_candidates(struct capacity *plan, const struct profile_costs *costs) {
    for (int32_t i = 0; i < plan->kinds_count; i++) {
        const struct capacity_kind *kind = &plan->kinds[i];
        if (kind->count[SIZING_ALL_THERE].target == 0)
            continue;
        for (int32_t which = 0; which < SIZING_CASES; which++) {
            add_of_one_kind(plan, kind, kind->count[which].target);
            add_of_one_kind(plan, kind, kind->count[which].target + 1);
        }
        for (int32_t k = 0; k < plan->kinds_count; k++)
            for (int64_t out = 1; k != i && out <= FILLS_OF_ONE_MAX; out++)
                add_filled(plan, kind, &plan->kinds[k], out, costs);
    }
}

/* --- each looked at --- */

struct looks {
    const struct capacity *plan;
    const struct profile_costs *costs;
    struct capacity_look looks[CAPACITY_OFFERS_MAX];
};

static void look(void *context, int32_t index) {
    struct looks *looks = context;
    looks->looks[index] =
        capacity_look_at(looks->plan, looks->plan->offers[index].nodes, looks->costs, 0, NULL);
}

/* More nodes than hold need not hold: without a backplane they do not. */
static void drop_what_fails(struct capacity *plan, const struct looks *looks) {
    int32_t kept = 0;
    for (int32_t i = 0; i < plan->offers_count; i++) {
        if (!looks->looks[i].holds)
            continue;
        plan->offers[kept] = plan->offers[i];
        plan->offers[kept++].latency_p99_ms = looks->looks[i].latency_p99_ms;
    }
    plan->offers_count = kept;
}

static int cheaper_first(const void *a, const void *b) {
    const struct capacity_offer *x = a, *y = b;
    double difference = cost_of(x) - cost_of(y);
    if (difference == 0)
        difference = x->latency_p99_ms - y->latency_p99_ms;
    return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

static void mark_front(struct capacity *plan) {
    struct sizing_point points[CAPACITY_OFFERS_MAX];
    for (int32_t i = 0; i < plan->offers_count; i++)
        points[i] = (struct sizing_point){.cost = cost_of(&plan->offers[i]),
                                          .latency_ms = plan->offers[i].latency_p99_ms};
    sizing_mark_front(points, plan->offers_count);
    for (int32_t i = 0; i < plan->offers_count; i++)
        plan->offers[i].is_on_front = points[i].is_on_front;
}

static int32_t cheapest_kind(const struct capacity *plan) {
    int32_t best = -1;
    double least = INFINITY;
    for (int32_t i = 0; i < plan->kinds_count; i++) {
        int64_t nodes = plan->kinds[i].count[SIZING_ALL_THERE].target;
        double cost = plan->has_prices ? (double)nodes * plan->kinds[i].node->price : (double)nodes;
        if (nodes > 0 && cost < least) {
            least = cost;
            best = i;
        }
    }
    return best;
}

void capacity_offer_all(struct capacity *plan, int32_t jobs) {
    struct profile_costs means = profile_means(&plan->costs->profile);
    add_candidates(plan, &means);
    struct looks *looks = ARENA_NEW(&plan->arena, 1, struct looks);
    looks->plan = plan;
    looks->costs = &means;
    pool_map(jobs, plan->offers_count, look, looks);
    drop_what_fails(plan, looks);
    qsort(plan->offers, (size_t)plan->offers_count, sizeof plan->offers[0], cheaper_first);
    mark_front(plan);
    plan->chosen = cheapest_kind(plan);
}
