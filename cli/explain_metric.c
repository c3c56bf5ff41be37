/* A metric is a statistic of the run's histogram, arithmetic over other metrics, or a count. What
 * each of the first two kinds is, is a row here; everything else is counted, and its declaration
 * (metrics.def) says what. */
#include "cli/explain.h"
#include "cli/print.h"
#include "cli/simulate.h"
#include "models/workload/plan.h"
#include "sim/base/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum statistic { QUANTILE, MEAN, LARGEST };

static const struct {
    enum outcome_metric metric;
    enum statistic statistic;
    double p;
} statistics[] = {
    {OUTCOME_latency_p50_ms, QUANTILE, 0.5},  {OUTCOME_latency_p90_ms, QUANTILE, 0.9},
    {OUTCOME_latency_p99_ms, QUANTILE, 0.99}, {OUTCOME_latency_p999_ms, QUANTILE, 0.999},
    {OUTCOME_latency_mean_ms, MEAN, 0},       {OUTCOME_latency_max_ms, LARGEST, 1}};

static const struct {
    enum outcome_metric metric, above, below;
} quotients[] = {
    {OUTCOME_amplification, OUTCOME_offered_deliveries_per_s, OUTCOME_offered_publishes_per_s}};

static bool find_metric(const char *name, enum outcome_metric *metric) {
    for (int i = 0; i < OUTCOME_METRICS; i++)
        if (strcmp(outcome_metric_name((enum outcome_metric)i), name) == 0) {
            *metric = (enum outcome_metric)i;
            return true;
        }
    return false;
}

void explain_line(struct explain_subject *subject, struct explain_figure *figure,
                  const char *format, ...) {
    va_list arguments;
    struct text text;
    CHECK(figure->lines_count < EXPLAIN_LINES_MAX);
    text_init(&text);
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    figure->lines[figure->lines_count++] = arena_new_text(subject->arena, text_bytes(&text));
    text_fini(&text);
}

struct explain_figure explain_new_figure(const char *name) {
    const double nan = (double)NAN;
    return (struct explain_figure){.name = name,
                                   .unit = "",
                                   .doc = "",
                                   .value = {nan, nan, nan},
                                   .kind = EXPLAIN_COUNT,
                                   .again = nan,
                                   .closed_form = nan};
}

/* --- where the figures are --- */

static void run_once(struct explain_subject *subject) {
    if (subject->has_outcome)
        return;
    outcome_init(&subject->outcome);
    simulate(subject->scenario, &subject->layout, &subject->means, 0, subject->scale,
             &subject->outcome);
    subject->has_outcome = true;
}

static double value_of(struct explain_subject *subject, enum outcome_metric metric) {
    struct store_metric stored;
    if (subject->store == NULL) {
        run_once(subject);
        return subject->outcome.metric[metric];
    }
    bool is_there = store_metric_of(subject->store, subject->run.id, outcome_metric_name(metric),
                                    subject->arena, &stored) == STORE_FOUND;
    return is_there ? stored.value : (double)NAN;
}

/* False: the run kept none. `hist` is initialised. */
static bool histogram_of(struct explain_subject *subject, struct hist *hist) {
    if (subject->store != NULL)
        return store_hist_of(subject->store, subject->run.id, "latency", hist) == STORE_FOUND;
    run_once(subject);
    hist_merge(hist, &subject->outcome.latency);
    return true;
}

/* --- how each comes about --- */

static void tell_quantile(struct explain_subject *subject, struct explain_figure *figure,
                          const struct hist *hist, double p) {
    double rank = ceil(p * (double)hist->total);
    explain_line(subject, figure, "the %s-th smallest of %s latencies (nearest rank, %g of them)",
                 print_number(rank), print_number((double)hist->total), p);
    explain_line(subject, figure, "right to 0.2 %%: the buckets of the histogram \"latency\"");
    figure->again = (double)hist_quantile(hist, p) / 1e6;
}

static void tell_statistic(struct explain_subject *subject, struct explain_figure *figure,
                           enum statistic statistic, double p) {
    struct hist hist;
    hist_init(&hist);
    bool is_there = histogram_of(subject, &hist) && hist.total > 0;
    const char *total = print_number((double)hist.total);
    figure->kind = EXPLAIN_SAMPLES;
    if (!is_there)
        explain_line(subject, figure, "the run kept no histogram of its latencies");
    else if (statistic == QUANTILE)
        tell_quantile(subject, figure, &hist, p);
    else if (statistic == MEAN)
        explain_line(subject, figure, "the sum of %s latencies over their number", total);
    else
        explain_line(subject, figure, "the largest of %s latencies", total);
    if (is_there && statistic != QUANTILE)
        figure->again = (statistic == MEAN ? hist_mean(&hist) : (double)hist.max) / 1e6;
    if (is_there)
        explain_line(subject, figure,
                     "one per delivery, each from the instant at which its publish was intended");
    hist_fini(&hist);
}

static void tell_quotient(struct explain_subject *subject, struct explain_figure *figure,
                          enum outcome_metric above, enum outcome_metric below) {
    double a = value_of(subject, above), b = value_of(subject, below);
    figure->kind = EXPLAIN_FORMULA;
    figure->again = a / b;
    explain_line(subject, figure, "%s / %s = %s / %s", outcome_metric_name(above),
                 outcome_metric_name(below), print_number(a), print_number(b));
}

static void tell_late_share(struct explain_subject *subject, struct explain_figure *figure) {
    struct hist hist;
    const struct spec_delivery *delivery = &subject->scenario->spec.objectives.delivery;
    hist_init(&hist);
    if (histogram_of(subject, &hist) && hist.total > 0)
        explain_line(subject, figure,
                     "of %s latencies %s are above the objective's %s ms; what was due and has "
                     "not arrived counts as late beside them",
                     print_number((double)hist.total),
                     print_number((double)hist_count_above(&hist, delivery->within)),
                     print_number(base_ms(delivery->within)));
    hist_fini(&hist);
}

/* What arithmetic says of it, exactly or in the mean; of every other metric it says nothing. */
static void add_closed_form(struct explain_subject *subject, struct explain_figure *figure,
                            enum outcome_metric metric) {
    struct plan_load load = plan_offered(&subject->scenario->roster);
    const struct {
        enum outcome_metric metric;
        double value;
        const char *formula;
    } rows[] = {{OUTCOME_offered_publishes_per_s, load.publishes_per_s * subject->scale,
                 "rate x sources of each traffic, added up, x scale"},
                {OUTCOME_offered_deliveries_per_s, load.deliveries_per_s * subject->scale,
                 "publishes/s x active share x members of the room that a publish lands in"},
                {OUTCOME_amplification, load.deliveries_per_s / load.publishes_per_s,
                 "active share x members of the room that a publish lands in"},
                {OUTCOME_connections, (double)subject->layout.connections_count,
                 "clients that the nodes' limits let in"},
                {OUTCOME_refused, (double)subject->layout.refused_count,
                 "clients beyond the nodes' limits"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].metric == metric && isfinite(rows[i].value)) {
            figure->closed_form = rows[i].value;
            figure->closed_form_of = rows[i].formula;
        }
}

static void tell(struct explain_subject *subject, struct explain_figure *figure,
                 enum outcome_metric metric) {
    const char *doc = outcome_metric_doc(metric);
    for (size_t i = 0; i < COUNT_OF(statistics); i++)
        if (statistics[i].metric == metric)
            tell_statistic(subject, figure, statistics[i].statistic, statistics[i].p);
    for (size_t i = 0; i < COUNT_OF(quotients); i++)
        if (quotients[i].metric == metric)
            tell_quotient(subject, figure, quotients[i].above, quotients[i].below);
    if (figure->kind == EXPLAIN_COUNT)
        explain_line(subject, figure, "counted while the run went on: %s", doc);
    if (subject->scenario != NULL && metric == OUTCOME_late_share)
        tell_late_share(subject, figure);
    if (subject->scenario != NULL)
        add_closed_form(subject, figure, metric);
}

/* --- figures of the store that are no metrics of an outcome --- */

static void tell_cost(struct explain_subject *subject, struct explain_figure *figure) {
    const char *name = figure->name + strlen("cost.");
    figure->kind = EXPLAIN_COST;
    for (int i = 0; i < COST_COUNT && subject->profile != NULL; i++) {
        const struct profile_entry *entry = &subject->profile->costs[i];
        if (strcmp(profile_cost_name((enum cost)i), name) != 0)
            continue;
        figure->doc = profile_cost_doc((enum cost)i);
        explain_line(subject, figure, "%s, standard error %s%s%s",
                     profile_source_name(entry->source), print_number(entry->standard_error),
                     *entry->note ? ": " : "", entry->note);
        explain_line(subject, figure, "the fit behind it: docs/models/calibration.md");
    }
}

static bool find_stored(struct explain_subject *subject, struct explain_figure *figure) {
    struct store_metric stored;
    if (subject->store == NULL || store_metric_of(subject->store, subject->run.id, figure->name,
                                                  subject->arena, &stored) != STORE_FOUND)
        return false;
    figure->value = (struct stats_interval){stored.value, stored.low, stored.high};
    figure->unit = stored.unit;
    figure->text = isnan(stored.value) ? stored.text : NULL;
    return true;
}

static void tell_replications(struct explain_subject *subject, struct explain_figure *figure) {
    struct store_metric count;
    if (store_metric_of(subject->store, subject->run.id, "replications", subject->arena, &count) ==
        STORE_FOUND)
        explain_line(subject, figure,
                     "the value is the mean of %s replications, each with costs and arrivals of "
                     "its own; the histogram has the latencies of all",
                     print_number(count.value));
}

static void explain_other(struct explain_subject *subject, struct explain_figure *figure) {
    if (strncmp(figure->name, "cost.", strlen("cost.")) == 0)
        tell_cost(subject, figure);
    else
        explain_line(subject, figure, "kept by `headroom %s` when it had ended",
                     subject->run.command);
}

bool explain_metric(struct explain_subject *subject, const char *name,
                    struct explain_figure *figure) {
    enum outcome_metric metric;
    *figure = explain_new_figure(name);
    bool is_metric = find_metric(name, &metric);
    bool is_stored = find_stored(subject, figure);
    if (is_stored && !is_metric)
        explain_other(subject, figure);
    if (!is_metric || (!is_stored && subject->store != NULL))
        return is_stored;
    const char *doc = outcome_metric_doc(metric);
    figure->unit = outcome_metric_unit(metric);
    figure->doc = *doc ? doc : "latency of a delivery, from the intended instant";
    if (is_stored)
        tell_replications(subject, figure);
    else
        figure->value.value = value_of(subject, metric);
    tell(subject, figure, metric);
    explain_find_movers(subject, metric, figure);
    return true;
}
