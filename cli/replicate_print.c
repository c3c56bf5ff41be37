/* A replicated run as text and as JSON: each figure with its interval, and what of that is
 * simulation and what calibration. */
#include "cli/need.h"
#include "cli/print.h"
#include "cli/replicate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static int32_t cut_most(const struct replicate *replicate) {
    int32_t count = 0;
    if (replicate->scenario->spec.window.warm_up != SPEC_AUTO)
        return 0;
    for (int32_t i = 0; i < replicate->count; i++)
        count += 2 * replicate->ones[i].warm_up_ns >= replicate->scenario->spec.window.measure;
    return count;
}

static struct stats warm_ups_of(const struct replicate *replicate) {
    struct stats warm_ups;
    stats_init(&warm_ups);
    for (int32_t i = 0; i < replicate->count; i++)
        stats_add(&warm_ups, base_seconds(replicate->ones[i].warm_up_ns));
    return warm_ups;
}

static struct need need_for(const struct replicate *replicate) {
    struct profile_costs means = profile_means(&replicate->costs->profile);
    return need_of(replicate->scenario, &means, replicate->options->scale);
}

/* --- text --- */

static void print_more(int64_t more) {
    if (more == STUDY_MORE_NEVER)
        printf("what the calibration leaves open decides it, and no number of replications would "
               "tell; `headroom calibrate` might");
    else
        printf("%" PRId64 " more replications would", more);
}

static void print_verdict_line(const struct replicate *replicate) {
    const struct outcome *pooled = &replicate->pooled;
    printf("%s, simulated, seed %" PRIu64 ", scale %s, %d replications: %s",
           replicate->scenario->spec.name, replicate->scenario->spec.seed,
           print_number(replicate->options->scale), replicate->count,
           print_verdict(pooled->verdict));
    if (pooled->verdict == OUTCOME_CANNOT_TELL) {
        printf(": ");
        print_more(replicate->more_to_tell);
    } else if (*pooled->broke) {
        printf(" (%s)", pooled->broke);
    }
    putchar('\n');
}

static void print_precision(const struct replicate *replicate) {
    const struct study_estimate *estimate = &replicate->estimates[replicate->metric];
    if (replicate->options->precision <= 0)
        return;
    printf("  precision    %s is known to %.2g %%, asked for were %.2g %%",
           outcome_metric_name(replicate->metric), 100 * estimate->noise / fabs(estimate->mean),
           100 * replicate->options->precision);
    if (replicate->more_for_precision > 0) {
        printf(": not yet, ");
        print_more(replicate->more_for_precision);
    }
    putchar('\n');
}

static void print_warm_up(const struct replicate *replicate) {
    struct stats warm_ups = warm_ups_of(replicate);
    bool is_auto = replicate->scenario->spec.window.warm_up == SPEC_AUTO;
    printf("  warm-up      cut from the start of each: %s s (%s to %s)%s",
           print_number(warm_ups.mean), print_number(warm_ups.min), print_number(warm_ups.max),
           is_auto ? ", found by MSER-5" : ", as the scenario has it");
    if (cut_most(replicate) > 0)
        printf("; in %d of %d the most that may be cut, half a window: they may not have settled",
               cut_most(replicate), replicate->count);
    printf("; %s s each count\n", print_number(base_seconds(replicate->pooled.window_ns)));
}

static void print_figures(const struct replicate *replicate) {
    printf("  %-26s %12s  %-27s %12s %13s\n", "figure", "mean", "95 % interval", "simulation",
           "calibration");
    for (int i = 0; i < OUTCOME_METRICS; i++) {
        const struct study_estimate *estimate = &replicate->estimates[i];
        if (!isfinite(estimate->mean))
            continue;
        printf("  %-26s %12s", outcome_metric_name((enum outcome_metric)i),
               print_number(estimate->mean));
        if (isfinite(estimate->noise))
            printf("  %12s to %-11s %9s%-3s %10s%-3s %s", print_number(estimate->interval.low),
                   print_number(estimate->interval.high), "+-", print_number(estimate->simulation),
                   "+-", print_number(estimate->calibration),
                   outcome_metric_unit((enum outcome_metric)i));
        putchar('\n');
    }
}

void replicate_print_text(const struct replicate *replicate) {
    struct need need = need_for(replicate);
    print_verdict_line(replicate);
    print_precision(replicate);
    print_warm_up(replicate);
    printf("  costs        %d draws of what the calibration leaves open, %d arrival streams each; "
           "the same for every scenario under this seed\n",
           replicate->count / STUDY_STREAMS_PER_DRAW, STUDY_STREAMS_PER_DRAW);
    print_figures(replicate);
    print_resources(&replicate->pooled);
    need_print(&need);
}

/* --- JSON --- */

static void add_more(cJSON *json, const char *key, int64_t more) {
    if (more == STUDY_MORE_NEVER)
        cJSON_AddStringToObject(json, key, "never");
    else
        cJSON_AddNumberToObject(json, key, (double)more);
}

static void add_intervals(const struct replicate *replicate, cJSON *json) {
    cJSON *intervals = cJSON_AddObjectToObject(json, "intervals");
    for (int i = 0; i < OUTCOME_METRICS; i++) {
        const struct study_estimate *estimate = &replicate->estimates[i];
        if (!isfinite(estimate->mean))
            continue;
        cJSON *item =
            cJSON_AddObjectToObject(intervals, outcome_metric_name((enum outcome_metric)i));
        print_add_number(item, "value", estimate->mean);
        print_add_number(item, "low", estimate->interval.low);
        print_add_number(item, "high", estimate->interval.high);
        print_add_number(item, "noise", estimate->noise);
        print_add_number(item, "simulation", estimate->simulation);
        print_add_number(item, "calibration", estimate->calibration);
        cJSON_AddNumberToObject(item, "replications", estimate->count);
    }
}

void replicate_print_json(const struct replicate *replicate) {
    struct need need = need_for(replicate);
    struct stats warm_ups = warm_ups_of(replicate);
    struct print_run run = {.scenario = replicate->scenario->spec.name,
                            .source = "simulated",
                            .outcome = &replicate->pooled,
                            .spec = &replicate->scenario->spec,
                            .seed = replicate->scenario->spec.seed,
                            .scale = replicate->options->scale};
    cJSON *json = print_run_json(&run);
    cJSON_AddNumberToObject(json, "run", (double)replicate->run);
    cJSON_AddNumberToObject(json, "replications", replicate->count);
    cJSON_AddNumberToObject(json, "draws", replicate->count / STUDY_STREAMS_PER_DRAW);
    add_more(json, "more_to_tell", replicate->more_to_tell);
    cJSON *warm_up = cJSON_AddObjectToObject(json, "warm_ups_s");
    print_add_number(warm_up, "mean", warm_ups.mean);
    print_add_number(warm_up, "low", warm_ups.min);
    print_add_number(warm_up, "high", warm_ups.max);
    cJSON_AddNumberToObject(warm_up, "at_the_most", cut_most(replicate));
    if (replicate->options->precision > 0) {
        cJSON *precision = cJSON_AddObjectToObject(json, "precision");
        const struct study_estimate *estimate = &replicate->estimates[replicate->metric];
        cJSON_AddStringToObject(precision, "metric", outcome_metric_name(replicate->metric));
        print_add_number(precision, "asked", replicate->options->precision);
        print_add_number(precision, "reached", estimate->noise / fabs(estimate->mean));
        add_more(precision, "more", replicate->more_for_precision);
    }
    add_intervals(replicate, json);
    cJSON_AddItemToObject(json, "need", need_json(&need));
    print_json(json);
}
