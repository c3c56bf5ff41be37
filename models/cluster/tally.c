/* The window is 320 steps; with an automatic warm-up there are up to 160 before it, each ten with a
 * histogram of their own, and MSER-5 on the mean delay per step says how many of them go. Cutting
 * histograms afterwards is why they are kept by chunk: a second run just to learn the warm-up would
 * cost as much as the first. */
#include "models/cluster/tally.h"

#include "models/spec/spec.h"
#include "sim/base/check.h"
#include "sim/base/stats.h"

#include <math.h>
#include <stdlib.h>

void tally_init(struct tally *tally, const struct tally_options *options, struct arena *arena) {
    bool is_auto = options->warm_up_ns == SPEC_AUTO;
    base_ns step_ns = options->measure_ns / TALLY_STEPS;
    CHECK(step_ns > 0);
    base_ns warm_up_ns = is_auto ? step_ns * (TALLY_STEPS / 2) : options->warm_up_ns;
    int64_t warm_up_steps = (warm_up_ns + step_ns - 1) / step_ns;
    *tally = (struct tally){
        .step_ns = step_ns,
        .offset_ns = warm_up_steps * step_ns - warm_up_ns,
        .within_ns = options->within_ns,
        .horizon_ns = warm_up_ns + TALLY_STEPS * step_ns,
        .end_ns = warm_up_ns + TALLY_STEPS * step_ns + options->within_ns + options->allowance_ns,
        .is_auto = is_auto,
        .warm_up_steps = (int32_t)warm_up_steps,
        .steps_count = (int32_t)warm_up_steps + TALLY_STEPS,
        .hists_count = is_auto ? (TALLY_STEPS / 2 + TALLY_STEPS) / TALLY_CHUNK_STEPS : 1};
    tally->steps = ARENA_NEW(arena, (size_t)tally->steps_count, struct tally_step);
    tally->hists = ARENA_NEW(arena, (size_t)tally->hists_count, struct hist);
    for (int32_t i = 0; i < tally->hists_count; i++)
        hist_init(&tally->hists[i]);
    tally->watched = ARENA_NEW(arena, TALLY_WATCHED_MAX, struct hist);
}

void tally_fini(struct tally *tally) {
    for (int32_t i = 0; i < tally->hists_count; i++)
        hist_fini(&tally->hists[i]);
    for (int32_t i = 0; i < tally->watched_count; i++)
        hist_fini(&tally->watched[i]);
}

int32_t tally_new_watch(struct tally *tally) {
    if (tally->watched_count == TALLY_WATCHED_MAX)
        return -1;
    hist_init(&tally->watched[tally->watched_count]);
    return tally->watched_count++;
}

void tally_watch(struct tally *tally, int32_t watch, base_ns due_ns, base_ns arrived_ns) {
    bool is_due =
        due_ns < tally->horizon_ns && due_ns >= tally->horizon_ns - TALLY_STEPS * tally->step_ns;
    if (is_due && arrived_ns <= tally->end_ns)
        hist_add(&tally->watched[watch], arrived_ns - due_ns);
}

static int32_t step_of(const struct tally *tally, base_ns due_ns) {
    return (int32_t)((due_ns + tally->offset_ns) / tally->step_ns);
}

static struct hist *hist_of(const struct tally *tally, int32_t step) {
    if (tally->is_auto)
        return &tally->hists[step / TALLY_CHUNK_STEPS];
    return step < tally->warm_up_steps ? NULL : &tally->hists[0];
}

void tally_due(struct tally *tally, base_ns due_ns, int64_t deliveries) {
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].due += deliveries;
}

void tally_lost(struct tally *tally, base_ns due_ns, int64_t deliveries) {
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].lost += deliveries;
}

void tally_dropped(struct tally *tally, base_ns due_ns) {
    tally_lost(tally, due_ns, 1);
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].dropped++;
}

void tally_conflated(struct tally *tally, base_ns due_ns) {
    tally_lost(tally, due_ns, 1);
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].conflated++;
}

void tally_withheld(struct tally *tally, base_ns due_ns, int64_t deliveries) {
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].withheld += deliveries;
}

void tally_expired(struct tally *tally, base_ns due_ns, int64_t deliveries) {
    tally_due(tally, due_ns, -deliveries);
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].expired += deliveries;
}

void tally_shed(struct tally *tally, base_ns due_ns) {
    tally_due(tally, due_ns, -1);
    if (due_ns < tally->horizon_ns)
        tally->steps[step_of(tally, due_ns)].shed++;
}

/* The part within the window of the time from the last delivery to the next one. */
static base_ns gap_until(const struct tally *tally, base_ns next_ns) {
    base_ns start_ns = tally->horizon_ns - TALLY_STEPS * tally->step_ns;
    base_ns from_ns = tally->last_delivery_ns > start_ns ? tally->last_delivery_ns : start_ns;
    return (next_ns < tally->horizon_ns ? next_ns : tally->horizon_ns) - from_ns;
}

static void note_gap(struct tally *tally, base_ns first_ns, base_ns last_ns) {
    base_ns gap_ns = gap_until(tally, first_ns);
    if (gap_ns > tally->longest_gap_ns)
        tally->longest_gap_ns = gap_ns;
    if (last_ns > tally->last_delivery_ns)
        tally->last_delivery_ns = last_ns;
}

void tally_range(struct tally *tally, base_ns due_ns, base_ns allowance_ns, base_ns first_ns,
                 base_ns step_ns, int64_t count) {
    if (count == 0 || first_ns > tally->end_ns || due_ns == TALLY_UNCOUNTED)
        return;
    if (first_ns + step_ns * (count - 1) > tally->end_ns)
        count = (tally->end_ns - first_ns) / step_ns + 1;
    note_gap(tally, first_ns, first_ns + step_ns * (count - 1));
    if (due_ns >= tally->horizon_ns)
        return;
    int32_t index = step_of(tally, due_ns);
    struct tally_step *step = &tally->steps[index];
    base_ns latency_ns = first_ns - due_ns;
    struct hist *hist = hist_of(tally, index);
    if (hist)
        hist_add_range(hist, latency_ns, step_ns, (uint64_t)count);
    step->delivered += count;
    step->delay_sum_ns +=
        (double)count * ((double)latency_ns + 0.5 * (double)step_ns * (double)(count - 1));
    base_ns spare_ns = tally->within_ns + allowance_ns - latency_ns;
    if (spare_ns >= 0) {
        int64_t on_time = step_ns > 0 ? spare_ns / step_ns + 1 : count;
        step->on_time += on_time < count ? on_time : count;
    }
    if (count > 1)
        tally->closed_form += count;
}

void tally_standing(struct tally *tally, base_ns due_ns, base_ns arrived_ns) {
    if (arrived_ns > tally->end_ns || due_ns >= tally->horizon_ns)
        return;
    struct tally_step *step = &tally->steps[step_of(tally, due_ns)];
    step->standing++;
    step->standing_delay_sum_ns += (double)(arrived_ns - due_ns);
}

/* Mean delay per step up to the end of the horizon; a step without deliveries repeats the one
 * before, so that a pause is no drop. */
static size_t delay_series(const struct tally *tally, double *series) {
    double last = 0;
    for (int32_t i = 0; i < tally->steps_count; i++) {
        const struct tally_step *step = &tally->steps[i];
        if (step->delivered > 0)
            last = step->delay_sum_ns / (double)step->delivered;
        series[i] = last;
    }
    return (size_t)tally->steps_count;
}

struct tally_window tally_cut(const struct tally *tally) {
    int32_t cut = tally->warm_up_steps;
    if (tally->is_auto) {
        double series[TALLY_STEPS / 2 + TALLY_STEPS];
        size_t dropped = stats_mser5(series, delay_series(tally, series));
        int32_t chunks = ((int32_t)dropped + TALLY_CHUNK_STEPS - 1) / TALLY_CHUNK_STEPS;
        int32_t least = TALLY_CHUNK_STEPS; /* the start from empty is never a steady state */
        cut = chunks * TALLY_CHUNK_STEPS;
        cut = cut < least ? least : cut > tally->warm_up_steps ? tally->warm_up_steps : cut;
    }
    return (struct tally_window){.first = cut,
                                 .end = cut + TALLY_STEPS,
                                 .start_ns = cut * tally->step_ns - tally->offset_ns,
                                 .end_ns = (cut + TALLY_STEPS) * tally->step_ns - tally->offset_ns};
}

static struct tally_step sum_steps(const struct tally *tally, int32_t first, int32_t end) {
    struct tally_step sum = {0};
    for (int32_t i = first; i < end; i++) {
        sum.due += tally->steps[i].due;
        sum.on_time += tally->steps[i].on_time;
        sum.delivered += tally->steps[i].delivered;
        sum.lost += tally->steps[i].lost;
        sum.dropped += tally->steps[i].dropped;
        sum.conflated += tally->steps[i].conflated;
        sum.withheld += tally->steps[i].withheld;
        sum.expired += tally->steps[i].expired;
        sum.shed += tally->steps[i].shed;
        sum.delay_sum_ns += tally->steps[i].delay_sum_ns;
        sum.standing += tally->steps[i].standing;
        sum.standing_delay_sum_ns += tally->steps[i].standing_delay_sum_ns;
    }
    return sum;
}

static void merge_hists(const struct tally *tally, struct tally_window window, struct hist *into) {
    if (!tally->is_auto) {
        hist_merge(into, &tally->hists[0]);
        return;
    }
    for (int32_t i = window.first / TALLY_CHUNK_STEPS; i < window.end / TALLY_CHUNK_STEPS; i++)
        hist_merge(into, &tally->hists[i]);
}

/* Mean delay by which a backlog's growth is judged, in ms: of those who never stand still, where
 * there are any. NAN: no delivery. */
static double prompt_delay_ms(const struct tally_step *batch, bool has_prompt) {
    int64_t delivered = batch->delivered - (has_prompt ? batch->standing : 0);
    double sum_ns = batch->delay_sum_ns - (has_prompt ? batch->standing_delay_sum_ns : 0);
    return delivered > 0 ? sum_ns / (double)delivered * 1e-6 : NAN;
}

/* Late share's standard error and the delay's growth come from the same twenty batches. */
static void report_batches(const struct tally *tally, struct tally_window window,
                           struct outcome *outcome) {
    const int32_t per_batch = TALLY_STEPS / TALLY_BATCHES;
    struct outcome_series *series = &outcome->series;
    series->step_ns = per_batch * tally->step_ns;
    series->count = TALLY_BATCHES;
    series->delay_ms = calloc(TALLY_BATCHES, sizeof *series->delay_ms);
    series->deliveries = calloc(TALLY_BATCHES, sizeof *series->deliveries);
    CHECK(series->delay_ms && series->deliveries);
    struct stats late;
    stats_init(&late);
    double x[TALLY_BATCHES], y[TALLY_BATCHES];
    size_t points = 0;
    struct tally_step whole = sum_steps(tally, window.first, window.end);
    bool has_prompt = whole.standing < whole.delivered;
    for (int32_t i = 0; i < TALLY_BATCHES; i++) {
        int32_t first = window.first + i * per_batch;
        struct tally_step batch = sum_steps(tally, first, first + per_batch);
        series->deliveries[i] = (double)batch.delivered;
        series->delay_ms[i] =
            batch.delivered > 0 ? batch.delay_sum_ns / (double)batch.delivered * 1e-6 : NAN;
        if (batch.due > 0)
            stats_add(&late, 1 - (double)batch.on_time / (double)batch.due);
        double delay_ms = prompt_delay_ms(&batch, has_prompt);
        if (!isnan(delay_ms)) {
            x[points] = base_seconds(series->step_ns) * (i + 0.5);
            y[points++] = delay_ms;
        }
    }
    outcome->metric[OUTCOME_late_share_stderr] = late.count > 1 ? stats_stderr(&late) : NAN;
    if (points >= 3) {
        struct stats_slope slope = stats_slope_fit(x, y, points);
        outcome->metric[OUTCOME_backlog_growth] = slope.slope;
        outcome->metric[OUTCOME_backlog_growth_stderr] = slope.slope_stderr;
    }
}

void tally_report(const struct tally *tally, struct tally_window window, struct outcome *outcome) {
    struct tally_step sum = sum_steps(tally, window.first, window.end);
    outcome->window_ns = window.end_ns - window.start_ns;
    outcome->warm_up_ns = window.start_ns;
    merge_hists(tally, window, &outcome->latency);
    double *metric = outcome->metric;
    metric[OUTCOME_due] = (double)sum.due;
    metric[OUTCOME_deliveries] = (double)sum.delivered;
    metric[OUTCOME_lost] = (double)sum.lost;
    metric[OUTCOME_withheld] = (double)sum.withheld;
    metric[OUTCOME_expired] = (double)sum.expired;
    metric[OUTCOME_shed] = (double)sum.shed;
    struct tally_step all = sum_steps(tally, 0, tally->steps_count); /* as a server counts them */
    metric[OUTCOME_dropped] = (double)all.dropped;
    metric[OUTCOME_conflated] = (double)all.conflated;
    metric[OUTCOME_closed_form_share] =
        all.delivered > 0 ? (double)tally->closed_form / (double)all.delivered : NAN;
    metric[OUTCOME_late_share] = sum.due > 0 ? 1 - (double)sum.on_time / (double)sum.due : NAN;
    base_ns last_gap_ns = gap_until(tally, tally->horizon_ns);
    metric[OUTCOME_longest_gap_ms] =
        base_ms(last_gap_ns > tally->longest_gap_ns ? last_gap_ns : tally->longest_gap_ns);
    for (int32_t i = 0; i < tally->watched_count; i++) {
        double p99_ms = base_ms(hist_quantile(&tally->watched[i], 0.99));
        if (tally->watched[i].total > 0 && !(p99_ms <= metric[OUTCOME_worst_client_p99_ms]))
            metric[OUTCOME_worst_client_p99_ms] = p99_ms;
    }
    report_batches(tally, window, outcome);
}

/* Buckets up to the end of the highest octave in use, however many are reserved. */
static size_t octaves_in_use(const struct hist *hist) {
    if (hist->total == 0)
        return 0;
    return ((size_t)(hist_bucket(hist->max) >> HIST_SUB_BITS) + 1) << HIST_SUB_BITS;
}

void tally_fingerprint(const struct tally *tally, struct fingerprint *fingerprint) {
    for (int32_t i = 0; i < tally->steps_count; i++) {
        const struct tally_step *step = &tally->steps[i];
        fingerprint_u64(fingerprint, (uint64_t)step->due);
        fingerprint_u64(fingerprint, (uint64_t)step->on_time);
        fingerprint_u64(fingerprint, (uint64_t)step->delivered);
        fingerprint_u64(fingerprint, (uint64_t)step->lost);
        fingerprint_u64(fingerprint, (uint64_t)step->dropped);
        fingerprint_u64(fingerprint, (uint64_t)step->conflated);
        if (step->withheld > 0) /* a run without a feed keeps its fingerprint */
            fingerprint_u64(fingerprint, (uint64_t)step->withheld);
        if (step->expired > 0) /* nor do signals change that of one without them */
            fingerprint_u64(fingerprint, (uint64_t)step->expired);
        if (step->shed > 0)
            fingerprint_u64(fingerprint, (uint64_t)step->shed);
    }
    for (int32_t i = 0; i < tally->hists_count; i++)
        fingerprint_bytes(fingerprint, tally->hists[i].counts,
                          octaves_in_use(&tally->hists[i]) * sizeof(uint64_t));
}
