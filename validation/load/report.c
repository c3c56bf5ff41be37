/* From counts to figures.
 *
 * A sample is stratified: 64 of 40,000 players and all 40 clients on bad wifi. So no figure pools
 * the sampled deliveries as they are; each population's own share, delay or histogram goes in with
 * the number of deliveries due to the whole population as its weight. */
#include "validation/load/report.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void load_report_init(struct load_report *report) {
    *report = (struct load_report){.is_quiet = true};
    for (int i = 0; i < OUTCOME_METRICS; i++)
        report->metric[i] = NAN;
    hist_init(&report->latency);
    hist_init(&report->generator.lateness);
    hist_init(&report->generator.sample_look);
    hist_init(&report->generator.bulk_sweep);
    hist_init(&report->generator.stolen);
}

void load_report_fini(struct load_report *report) {
    for (int32_t i = 0; i < report->populations_count; i++) {
        hist_fini(&report->populations[i].latency);
        free(report->populations[i].steps);
    }
    hist_fini(&report->latency);
    hist_fini(&report->generator.lateness);
    hist_fini(&report->generator.sample_look);
    hist_fini(&report->generator.bulk_sweep);
    hist_fini(&report->generator.stolen);
    free(report->series.delay_ms);
    free(report->series.deliveries);
    load_report_init(report);
}

int32_t load_report_steps(base_ns window_ns) {
    int64_t wanted = (window_ns + BASE_NS_PER_S) / (2 * BASE_NS_PER_S) * LOAD_BATCHES;
    return wanted < LOAD_BATCHES     ? LOAD_BATCHES
           : wanted > LOAD_STEPS_MAX ? LOAD_STEPS_MAX
                                     : (int32_t)wanted;
}

struct load_population *load_report_add_population(struct load_report *report, const char *name) {
    CHECK(report->populations_count < LOAD_POPULATIONS_MAX && strlen(name) < LOAD_NAME_BYTES);
    struct load_population *population = &report->populations[report->populations_count++];
    *population = (struct load_population){.worst_client_p99_ms = NAN};
    strcpy(population->name, name);
    hist_init(&population->latency);
    population->steps = calloc((size_t)report->steps_count, sizeof *population->steps);
    CHECK(population->steps || report->steps_count == 0);
    return population;
}

void load_report_add_close(struct load_report *report, int32_t code, int64_t count) {
    int32_t i = 0;
    while (i < report->closes_count && report->closes[i].code != code)
        i++;
    if (i == LOAD_CLOSES_MAX)
        i--;
    else if (i == report->closes_count)
        report->closes[report->closes_count++] = (struct load_close){.code = code};
    report->closes[i].count += count;
}

/* --- merging --- */

static void merge_population(struct load_population *into, const struct load_population *from,
                             int32_t steps_count) {
    into->clients += from->clients;
    into->sampled += from->sampled;
    into->parsed += from->parsed;
    into->due += from->due;
    into->lost += from->lost;
    into->pending += from->pending;
    into->withheld += from->withheld;
    into->due_sampled += from->due_sampled;
    into->in_time_sampled += from->in_time_sampled;
    into->arrived_sampled += from->arrived_sampled;
    into->bulk_due_bytes += from->bulk_due_bytes;
    into->bulk_bytes += from->bulk_bytes;
    into->worst_client_p99_ms = fmax(into->worst_client_p99_ms, from->worst_client_p99_ms);
    hist_merge(&into->latency, &from->latency);
    for (int32_t s = 0; s < steps_count; s++) {
        into->steps[s].due += from->steps[s].due;
        into->steps[s].in_time += from->steps[s].in_time;
        into->steps[s].arrived += from->steps[s].arrived;
        into->steps[s].delay_sum_ms += from->steps[s].delay_sum_ms;
        into->steps[s].standing += from->steps[s].standing;
        into->steps[s].standing_delay_sum_ms += from->steps[s].standing_delay_sum_ms;
    }
}

static double mean_of(double a, int64_t a_count, double b, int64_t b_count) {
    int64_t count = a_count + b_count;
    return count > 0 ? (a * (double)a_count + b * (double)b_count) / (double)count : 0;
}

static void merge_looks(struct load_looks *into, const struct load_looks *from) {
    into->found_ns = mean_of(into->found_ns, into->found, from->found_ns, from->found);
    into->empty_ns = mean_of(into->empty_ns, into->empty, from->empty_ns, from->empty);
    into->found += from->found;
    into->empty += from->empty;
    into->bytes += from->bytes;
}

static void merge_generator(struct load_generator *into, const struct load_generator *from) {
    into->processes += from->processes;
    into->rings += from->rings;
    into->elapsed_s += from->elapsed_s;
    into->busy_s += from->busy_s;
    into->cpu_s += from->cpu_s;
    into->publishes_sent += from->publishes_sent;
    into->publishes_unsent += from->publishes_unsent;
    into->publishes_blocked += from->publishes_blocked;
    into->send_ns = mean_of(into->send_ns, into->sends, from->send_ns, from->sends);
    into->sends += from->sends;
    into->sent_bytes += from->sent_bytes;
    merge_looks(&into->sample, &from->sample);
    merge_looks(&into->bulk, &from->bulk);
    hist_merge(&into->lateness, &from->lateness);
    hist_merge(&into->sample_look, &from->sample_look);
    hist_merge(&into->bulk_sweep, &from->bulk_sweep);
    hist_merge(&into->stolen, &from->stolen);
}

void load_report_merge(struct load_report *into, const struct load_report *from) {
    CHECK(into->populations_count == from->populations_count &&
          into->steps_count == from->steps_count);
    into->publishes_due += from->publishes_due;
    into->refused += from->refused;
    /* A gap of all is within the gap of each. */
    if (from->longest_gap_ns < into->longest_gap_ns)
        into->longest_gap_ns = from->longest_gap_ns;
    into->is_quiet = into->is_quiet && from->is_quiet;
    if (into->server_errors == 0)
        memcpy(into->first_error, from->first_error, sizeof into->first_error);
    into->server_errors += from->server_errors;
    into->stale += from->stale;
    for (int32_t i = 0; i < from->closes_count; i++)
        load_report_add_close(into, from->closes[i].code, from->closes[i].count);
    for (int32_t i = 0; i < into->populations_count; i++)
        merge_population(&into->populations[i], &from->populations[i], into->steps_count);
    merge_generator(&into->generator, &from->generator);
}

/* --- deriving --- */

/* Share of late deliveries in steps [first, first + count): populations weighted by what is due to
 * them. NAN: nothing was due to a sampled client. */
static double late_share(const struct load_report *report, int32_t first, int32_t count) {
    double weights = 0, late = 0;
    for (int32_t p = 0; p < report->populations_count; p++) {
        const struct load_population *population = &report->populations[p];
        int64_t due = 0, in_time = 0;
        for (int32_t s = first; s < first + count; s++) {
            due += population->steps[s].due;
            in_time += population->steps[s].in_time;
        }
        if (due == 0)
            continue;
        weights += (double)population->due;
        late += (double)population->due * (double)(due - in_time) / (double)due;
    }
    return weights > 0 ? late / weights : NAN;
}

static void derive_late_share(struct load_report *report) {
    if (report->steps_count == 0)
        return;
    struct stats batches;
    stats_init(&batches);
    int32_t size = report->steps_count / LOAD_BATCHES;
    for (int32_t b = 0; b < LOAD_BATCHES; b++) {
        double share = late_share(report, b * size, size);
        if (!isnan(share))
            stats_add(&batches, share);
    }
    report->metric[OUTCOME_late_share] = late_share(report, 0, report->steps_count);
    if (batches.count >= 2)
        report->metric[OUTCOME_late_share_stderr] = stats_stderr(&batches);
}

/* Mean delay of the deliveries due in a step, and how many arrived: weighted likewise. `is_prompt`:
 * without those to clients who stand still now and then. */
static double step_delay(const struct load_report *report, int32_t step, bool is_prompt,
                         double *deliveries) {
    double delay = 0;
    *deliveries = 0;
    for (int32_t p = 0; p < report->populations_count; p++) {
        const struct load_population *population = &report->populations[p];
        const struct load_step *s = &population->steps[step];
        if (s->arrived == 0 || population->due_sampled == 0)
            continue;
        double stands_for = (double)population->due / (double)population->due_sampled;
        *deliveries += stands_for * (double)(s->arrived - (is_prompt ? s->standing : 0));
        delay += stands_for * (s->delay_sum_ms - (is_prompt ? s->standing_delay_sum_ms : 0));
    }
    return *deliveries > 0 ? delay / *deliveries : NAN;
}

static bool has_prompt_deliveries(const struct load_report *report) {
    for (int32_t p = 0; p < report->populations_count; p++)
        for (int32_t s = 0; s < report->steps_count; s++)
            if (report->populations[p].steps[s].arrived > report->populations[p].steps[s].standing)
                return true;
    return false;
}

/* How long those wait who stand still now and then is their own doing, and no sign of a backlog
 * that grows. */
static void derive_series(struct load_report *report) {
    int32_t count = report->steps_count;
    free(report->series.delay_ms);
    free(report->series.deliveries);
    double *arrays = calloc(2 * (size_t)count + 1, sizeof *arrays); /* x and y of the fit */
    report->series = (struct outcome_series){
        .step_ns = report->step_ns,
        .count = count,
        .delay_ms = calloc((size_t)count + 1, sizeof(double)),
        .deliveries = calloc((size_t)count + 1, sizeof(double)),
    };
    CHECK(arrays && report->series.delay_ms && report->series.deliveries);
    double *x = arrays, *y = arrays + count;
    size_t points = 0;
    bool has_prompt = has_prompt_deliveries(report);
    for (int32_t s = 0; s < count; s++) {
        double unused;
        report->series.delay_ms[s] = step_delay(report, s, false, &report->series.deliveries[s]);
        double delay = step_delay(report, s, has_prompt, &unused);
        if (isnan(delay))
            continue;
        x[points] = ((double)s + 0.5) * base_seconds(report->step_ns);
        y[points++] = delay;
    }
    if (points >= 3) {
        struct stats_slope fit = stats_slope_fit(x, y, points);
        report->metric[OUTCOME_backlog_growth] = fit.slope;
        report->metric[OUTCOME_backlog_growth_stderr] = fit.slope_stderr;
    }
    free(arrays);
}

/* Each value of `from` as often as it stands for; what rounding leaves over is carried to the next
 * bucket, so that the total is right to one. */
static void add_weighted(struct hist *into, const struct hist *from, double stands_for) {
    double carried = 0;
    for (uint32_t bucket = 0; bucket < from->counts_length; bucket++) {
        if (from->counts[bucket] == 0)
            continue;
        int64_t low = hist_bucket_low(bucket);
        int64_t high = bucket + 1 < HIST_BUCKETS_MAX ? hist_bucket_low(bucket + 1) - 1 : low;
        int64_t value = low + (high - low) / 2;
        value = value < from->min ? from->min : value > from->max ? from->max : value;
        double wanted = (double)from->counts[bucket] * stands_for + carried;
        uint64_t count = wanted > 0.5 ? (uint64_t)llround(wanted) : 0;
        carried = wanted - (double)count;
        hist_add_n(into, value, count);
    }
}

static void derive_latency(struct load_report *report) {
    hist_clear(&report->latency);
    for (int32_t p = 0; p < report->populations_count; p++) {
        struct load_population *population = &report->populations[p];
        if (population->arrived_sampled == 0 || population->due_sampled == 0)
            continue;
        add_weighted(&report->latency, &population->latency,
                     (double)population->due / (double)population->due_sampled);
        double worst = report->metric[OUTCOME_worst_client_p99_ms];
        report->metric[OUTCOME_worst_client_p99_ms] = fmax(worst, population->worst_client_p99_ms);
    }
    struct outcome outcome;
    outcome_init(&outcome);
    hist_merge(&outcome.latency, &report->latency);
    outcome_finish(&outcome);
    static const enum outcome_metric taken[] = {OUTCOME_latency_p50_ms, OUTCOME_latency_p90_ms,
                                                OUTCOME_latency_p99_ms, OUTCOME_latency_p999_ms,
                                                OUTCOME_latency_max_ms, OUTCOME_latency_mean_ms};
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        report->metric[taken[i]] = outcome.metric[taken[i]];
    outcome_fini(&outcome);
}

static void derive_counts(struct load_report *report) {
    int64_t due = 0, lost = 0, pending = 0, withheld = 0, clients = 0;
    for (int32_t p = 0; p < report->populations_count; p++) {
        due += report->populations[p].due;
        lost += report->populations[p].lost;
        pending += report->populations[p].pending;
        withheld += report->populations[p].withheld;
        clients += report->populations[p].clients;
    }
    double seconds = base_seconds(report->window_ns), *metric = report->metric;
    metric[OUTCOME_due] = (double)due;
    metric[OUTCOME_lost] = (double)lost;
    metric[OUTCOME_withheld] = (double)withheld;
    metric[OUTCOME_deliveries] = (double)(due - lost - pending);
    metric[OUTCOME_connections] = (double)clients;
    metric[OUTCOME_refused] = (double)report->refused;
    metric[OUTCOME_longest_gap_ms] = base_ms(report->longest_gap_ns);
    if (seconds > 0) {
        metric[OUTCOME_offered_publishes_per_s] = (double)report->publishes_due / seconds;
        metric[OUTCOME_offered_deliveries_per_s] = (double)due / seconds;
        metric[OUTCOME_deliveries_per_s] = metric[OUTCOME_deliveries] / seconds;
    }
    if (report->publishes_due > 0)
        metric[OUTCOME_amplification] = (double)due / (double)report->publishes_due;
}

static double p99_ms(const struct hist *hist) {
    return hist->total > 0 ? base_ms(hist_quantile(hist, 0.99)) : NAN;
}

void load_report_finish(struct load_report *report) {
    for (int i = 0; i < OUTCOME_METRICS; i++)
        report->metric[i] = NAN;
    derive_counts(report);
    derive_late_share(report);
    derive_series(report);
    derive_latency(report);
    const struct load_generator *generator = &report->generator;
    if (generator->elapsed_s > 0) /* processes that share a processor: the sum of their shares */
        report->metric[OUTCOME_load_cpu_share] =
            generator->busy_s / generator->elapsed_s * (double)generator->processes;
    report->metric[OUTCOME_load_lateness_p99_ms] = p99_ms(&generator->lateness);
    report->metric[OUTCOME_load_sweep_p99_ms] = p99_ms(&generator->bulk_sweep);
}
