/* What a run with churn says about itself: integrals over time, settled whenever a count changes;
 * the way back from a fault; a picture of it in so many steps. */
#include "models/cluster/churn.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

enum { TIMELINE_STEPS = 240 };        /* over the whole run */
static const double DISTURBED = 0.01; /* of those who want a connection, beyond what was before */

void churn_account(struct churn *churn, base_ns now_ns) {
    const struct churn_counts *counts = &churn->counts;
    double seconds =
        base_seconds(cluster_within_window(churn->cluster, churn->accounted_ns, now_ns));
    churn->connected_s += seconds * (double)counts->connected;
    churn->wanting_s += seconds * (double)counts->wanting;
    churn->unreachable_s += seconds * (double)counts->unreachable;
    churn->backlog_s += base_seconds(now_ns - churn->accounted_ns) * (double)counts->backlog;
    churn->accounted_ns = now_ns;
}

static void note_recovery(struct churn *churn, base_ns now_ns) {
    const struct churn_counts *counts = &churn->counts;
    if (now_ns < churn->faults.first_ns)
        return;
    double tolerated = (double)churn->tolerated + DISTURBED * (double)counts->wanting;
    bool is_disturbed = (double)counts->unreachable > tolerated;
    if (churn->is_disturbed && !is_disturbed)
        churn->recovered_ns = now_ns;
    churn->is_disturbed = is_disturbed;
}

static void end_outage(struct churn *churn, const struct churn_client *c, base_ns now_ns) {
    base_ns outage_ns = now_ns - c->since_ns;
    if (outage_ns > churn->counts.longest_outage_ns)
        churn->counts.longest_outage_ns = outage_ns;
}

void churn_set_unreachable(struct churn *churn, int32_t client, bool is_unreachable,
                           base_ns now_ns) {
    struct churn_client *c = &churn->clients[client];
    const struct roster *roster = churn->cluster->layout->roster;
    if (c->is_unreachable == is_unreachable)
        return;
    churn_account(churn, now_ns);
    c->is_unreachable = is_unreachable;
    if (is_unreachable)
        c->since_ns = now_ns;
    else
        end_outage(churn, c, now_ns);
    int32_t by = is_unreachable ? 1 : -1;
    churn->counts.unreachable += by;
    if (churn->counts.unreachable > churn->counts.unreachable_max)
        churn->counts.unreachable_max = churn->counts.unreachable;
    for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++)
        churn->unreachable_of[roster->client_rooms[i]] += by;
    note_recovery(churn, now_ns);
}

/* --- the timeline --- */

static void sample(void *target, uint64_t index, base_ns now_ns) {
    struct churn *churn = target;
    struct churn_timeline *timeline = &churn->timeline;
    timeline->connected[index] = (double)churn->counts.connected;
    timeline->unreachable[index] = (double)churn->counts.unreachable;
    timeline->backlog[index] = (double)churn->counts.backlog;
    timeline->count = (int32_t)index + 1;
    if (timeline->count < timeline->max)
        run_at(churn->cluster->run, now_ns + timeline->step_ns, sample, churn, index + 1);
}

void churn_draw_timeline(struct churn *churn) {
    struct arena *arena = &churn->cluster->run->arena;
    churn->timeline =
        (struct churn_timeline){.step_ns = churn->cluster->tally.horizon_ns / TIMELINE_STEPS,
                                .max = TIMELINE_STEPS,
                                .connected = ARENA_NEW(arena, TIMELINE_STEPS, double),
                                .unreachable = ARENA_NEW(arena, TIMELINE_STEPS, double),
                                .backlog = ARENA_NEW(arena, TIMELINE_STEPS, double)};
    run_at(churn->cluster->run, churn->timeline.step_ns, sample, churn, 0);
}

/* --- the end --- */

void churn_finish(struct churn *churn, base_ns now_ns) {
    churn_account(churn, now_ns);
    for (int32_t i = 0; i < churn->cluster->layout->roster->clients_count; i++)
        if (churn->clients[i].is_unreachable)
            end_outage(churn, &churn->clients[i], now_ns);
}

/* NAN: no fault. */
static double recovery_s(const struct churn *churn) {
    if (churn->faults.count == 0)
        return NAN;
    if (churn->is_disturbed)
        return INFINITY;
    return churn->recovered_ns < 0 ? 0 : base_seconds(churn->recovered_ns - churn->faults.first_ns);
}

static double imbalance(const struct churn *churn) {
    int64_t surplus = 0;
    for (int32_t node = 0; node < churn->cluster->layout->nodes_count; node++)
        surplus += balancer_surplus(churn->balancer, node);
    int64_t connected = churn->counts.connected;
    return connected > 0 ? (double)surplus / (double)connected : 0;
}

static double *copied(const double *values, int32_t count) {
    double *copy = calloc((size_t)count, sizeof *copy);
    CHECK(copy != NULL);
    for (int32_t i = 0; i < count; i++)
        copy[i] = values[i];
    return copy;
}

static void report_timeline(const struct churn_timeline *timeline, struct outcome *outcome) {
    outcome->timeline =
        (struct outcome_timeline){.step_ns = timeline->step_ns,
                                  .count = timeline->count,
                                  .connected = copied(timeline->connected, timeline->count),
                                  .unreachable = copied(timeline->unreachable, timeline->count),
                                  .backlog = copied(timeline->backlog, timeline->count)};
}

static void report_counts(const struct churn *churn, double *metric) {
    const struct churn_counts *counts = &churn->counts;
    metric[OUTCOME_unreachable_max] = (double)counts->unreachable_max;
    metric[OUTCOME_longest_outage_ms] = base_ms(counts->longest_outage_ns);
    metric[OUTCOME_handshakes] = (double)counts->handshakes;
    metric[OUTCOME_handshakes_wasted] = (double)counts->wasted;
    metric[OUTCOME_handshakes_refused] = (double)counts->refused;
    metric[OUTCOME_handshakes_unanswered] = (double)counts->unanswered;
    metric[OUTCOME_handshake_timeouts] = (double)counts->timeouts;
    metric[OUTCOME_handshake_backlog_max] = (double)counts->backlog_max;
    metric[OUTCOME_gave_up] = (double)counts->gave_up;
    metric[OUTCOME_turned_away] = (double)counts->turned_away;
    metric[OUTCOME_nodes_died] = (double)counts->nodes_died;
    metric[OUTCOME_lost_unreachable] = (double)counts->lost_unreachable;
    metric[OUTCOME_lost_with_node] = (double)counts->lost[MEMBERSHIP_NODE];
    metric[OUTCOME_lost_with_connection] = (double)counts->lost[MEMBERSHIP_CONNECTION];
}

static void add_to_fingerprint(const struct churn *churn, struct fingerprint *fingerprint) {
    const struct churn_counts *counts = &churn->counts;
    const int64_t values[] = {counts->connected, counts->wanting,          counts->unreachable,
                              counts->backlog,   counts->handshakes,       counts->wasted,
                              counts->timeouts,  counts->longest_outage_ns};
    for (size_t i = 0; i < COUNT_OF(values); i++)
        fingerprint_u64(fingerprint, (uint64_t)values[i]);
}

void churn_report(struct churn *churn, struct outcome *outcome) {
    const struct cluster *cluster = churn->cluster;
    double *metric = outcome->metric;
    double window_s = base_seconds(cluster->window_end_ns - cluster->window_start_ns);
    report_counts(churn, metric);
    report_timeline(&churn->timeline, outcome);
    metric[OUTCOME_connections] = churn->connected_s / window_s;
    metric[OUTCOME_unreachable_share] =
        churn->wanting_s > 0 ? churn->unreachable_s / churn->wanting_s : 0;
    metric[OUTCOME_recovery_s] = recovery_s(churn);
    metric[OUTCOME_imbalance] = imbalance(churn);
    double accepted = (double)churn->counts.handshakes;
    metric[OUTCOME_handshake_wait_mean_ms] =
        accepted > 0 ? base_ms(churn->counts.waited_ns) / accepted : NAN;
    metric[OUTCOME_offered_publishes_per_s] = (double)churn->counts.publishes / window_s;
    metric[OUTCOME_offered_deliveries_per_s] = metric[OUTCOME_due] / window_s;
    add_to_fingerprint(churn, &churn->cluster->run->fingerprint);
}
