/* A plan and a study's results, as a table or as JSON. A cell of which a run is missing has no
 * figures: a mean over the rest would be one of another experiment. */
#include "cli/print.h"
#include "cli/sweep.h"
#include "models/workload/outcome.h"
#include "sim/base/check.h"
#include "sim/base/fingerprint.h"
#include "sim/base/stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

uint64_t sweep_fingerprint(const struct sweep_work *work) {
    struct fingerprint all;
    fingerprint_init(&all);
    for (int32_t i = 0; i < work->runs_count; i++) {
        const struct sweep_run *run = &work->runs[i];
        struct sweep_place place = sweep_place_of(work, i);
        fingerprint_u64(&all, run->scenario_hash);
        fingerprint_u64(&all, work->costs.hash);
        fingerprint_u64(&all, work->seeds[place.seed]);
        fingerprint_u64(&all, (uint64_t)place.replication);
        fingerprint_u64(&all, run->found.run != 0 ? run->found.fingerprint : 0);
        fingerprint_u64(&all, run->found.run != 0);
    }
    return fingerprint_value(&all);
}

static int32_t runs_per_cell(const struct sweep_work *work) {
    return work->seeds_count * work->repeat;
}

static int32_t missing_of_cell(const struct sweep_work *work, int32_t cell) {
    int32_t first = cell * runs_per_cell(work), missing = 0;
    for (int32_t i = 0; i < runs_per_cell(work); i++)
        missing += work->runs[first + i].found.run == 0;
    return missing;
}

/* ---- the axes' columns */

static int32_t width_of(const struct sweep_work *work, int32_t axis) {
    size_t width = strlen(work->sweep.axes[axis].name);
    for (int32_t cell = 0; cell < work->sweep.cells_count; cell++) {
        size_t length = strlen(sweep_value(&work->sweep, cell, axis)->shown);
        width = length > width ? length : width;
    }
    return (int32_t)width;
}

static void print_head(const struct sweep_work *work, const int32_t *widths, const char *rest) {
    printf("%6s", "cell");
    for (int32_t a = 0; a < work->sweep.axes_count; a++)
        printf("  %*s", widths[a], work->sweep.axes[a].name);
    printf("  %s\n", rest);
}

static void print_cell(const struct sweep_work *work, const int32_t *widths, int32_t cell) {
    printf("%6d", cell);
    for (int32_t a = 0; a < work->sweep.axes_count; a++)
        printf("  %*s", widths[a], sweep_value(&work->sweep, cell, a)->shown);
}

static void find_widths(const struct sweep_work *work, int32_t widths[SWEEP_AXES_MAX]) {
    for (int32_t a = 0; a < work->sweep.axes_count; a++)
        widths[a] = width_of(work, a);
}

/* ---- JSON */

static void add_values(const struct sweep_work *work, int32_t cell, cJSON *json) {
    cJSON *values = cJSON_AddObjectToObject(json, "values");
    for (int32_t a = 0; a < work->sweep.axes_count; a++)
        cJSON_AddRawToObject(values, work->sweep.axes[a].name,
                             sweep_value(&work->sweep, cell, a)->text);
}

static cJSON *new_json(const struct sweep_work *work) {
    cJSON *json = cJSON_CreateObject();
    int32_t missing = sweep_count_missing(work, false);
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "study", work->study.name);
    cJSON_AddStringToObject(json, "scenario", work->scenario_path);
    cJSON_AddStringToObject(json, "quantity", spec_word("quantity", (int)work->study.quantity));
    cJSON *axes = cJSON_AddObjectToObject(json, "axes");
    for (int32_t a = 0; a < work->sweep.axes_count; a++)
        cJSON_AddStringToObject(axes, work->sweep.axes[a].name,
                                work->sweep.axes[a].spec->field.shown);
    cJSON_AddNumberToObject(json, "cells_count", work->sweep.cells_count);
    cJSON_AddNumberToObject(json, "left_out", (double)work->sweep.left_out_count);
    cJSON_AddNumberToObject(json, "runs_count", work->runs_count);
    cJSON_AddNumberToObject(json, "runs_missing", missing);
    cJSON_AddStringToObject(json, "db", work->own_db);
    return json;
}

/* ---- the plan */

static double expected_s(const struct sweep_work *work, double run_s) {
    int32_t jobs = sweep_jobs(work->options), missing = sweep_count_missing(work, true);
    return run_s * missing / (jobs < missing ? jobs : missing > 0 ? missing : 1);
}

static void print_plan_json(const struct sweep_work *work, const struct sweep_estimate *estimate) {
    cJSON *json = new_json(work);
    cJSON *time = cJSON_AddObjectToObject(json, "expected_s");
    bool is_known = estimate->count > 0;
    print_add_number(time, "value", is_known ? expected_s(work, estimate->mean_s) : (double)NAN);
    print_add_number(time, "low", is_known ? expected_s(work, estimate->low_s) : (double)NAN);
    print_add_number(time, "high", is_known ? expected_s(work, estimate->high_s) : (double)NAN);
    cJSON_AddNumberToObject(time, "from_runs", estimate->count);
    cJSON *cells = cJSON_AddArrayToObject(json, "cells");
    for (int32_t cell = 0; cell < work->sweep.cells_count; cell++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "cell", cell);
        add_values(work, cell, item);
        cJSON_AddNumberToObject(item, "runs", runs_per_cell(work));
        cJSON_AddNumberToObject(item, "missing", missing_of_cell(work, cell));
        cJSON_AddItemToArray(cells, item);
    }
    print_json(json);
}

static void print_counts(const struct sweep_work *work) {
    printf("%s: %d cells", work->study.name, work->sweep.cells_count);
    if (work->sweep.left_out_count > 0)
        printf(" (%lld more are left out by constraints)", (long long)work->sweep.left_out_count);
    printf(" x %d seeds x %d replications = %d runs, of which %s has %d\n", work->seeds_count,
           work->repeat, work->runs_count, work->own_db,
           work->runs_count - sweep_count_missing(work, false));
}

void sweep_print_plan(const struct sweep_work *work, const struct sweep_estimate *estimate) {
    if (work->options->is_json) {
        print_plan_json(work, estimate);
        return;
    }
    int32_t widths[SWEEP_AXES_MAX];
    find_widths(work, widths);
    print_head(work, widths, "runs to do");
    for (int32_t cell = 0; cell < work->sweep.cells_count; cell++) {
        print_cell(work, widths, cell);
        printf("  %d of %d\n", missing_of_cell(work, cell), runs_per_cell(work));
    }
    print_counts(work);
    if (estimate->count == 0)
        return;
    printf("expected time: %s s for %d runs on %d threads (a run took %s s, %s to %s, in the %d "
           "that %s)\n",
           print_number(expected_s(work, estimate->mean_s)), sweep_count_missing(work, true),
           sweep_jobs(work->options), print_number(estimate->mean_s), print_number(estimate->low_s),
           print_number(estimate->high_s), estimate->count,
           estimate->is_probed ? "were run to see, and are kept" : "the store has");
}

/* ---- results */

/* One metric over a whole cell's runs. NAN: no run has it. */
static bool read_metric(const struct sweep_work *work, struct store *store, int32_t cell,
                        const char *name, struct stats *stats) {
    int32_t first = cell * runs_per_cell(work);
    struct arena arena;
    arena_init(&arena);
    stats_init(stats);
    enum store_found found = STORE_FOUND;
    for (int32_t i = 0; i < runs_per_cell(work) && found != STORE_FAILED; i++) {
        struct store_metric metric;
        found = store_metric_of(store, work->runs[first + i].found.run, name, &arena, &metric);
        if (found == STORE_FOUND)
            stats_add(stats, metric.value);
    }
    arena_fini(&arena);
    if (work->is_of_ceilings && stats->count < (uint64_t)runs_per_cell(work))
        stats_init(stats); /* one that was not found is not averaged over */
    if (found == STORE_FAILED)
        fprintf(stderr, "headroom: %s\n", store->error);
    return found != STORE_FAILED;
}

/* How many of the cell's runs came to each verdict; refused ones count for themselves. */
struct verdicts {
    int32_t counts[OUTCOME_CANNOT_TELL + 1], refused;
};

static bool read_verdicts(const struct sweep_work *work, struct store *store, int32_t cell,
                          struct verdicts *verdicts) {
    int32_t first = cell * runs_per_cell(work);
    struct arena arena;
    arena_init(&arena);
    *verdicts = (struct verdicts){0};
    enum store_found found = STORE_FOUND;
    for (int32_t i = 0; i < runs_per_cell(work) && found != STORE_FAILED; i++) {
        const struct store_cell *run = &work->runs[first + i].found;
        struct store_metric metric;
        verdicts->refused += run->state == STORE_REFUSED;
        found = store_metric_of(store, run->run, "verdict", &arena, &metric);
        for (int v = 0; found == STORE_FOUND && v <= OUTCOME_CANNOT_TELL; v++)
            verdicts->counts[v] +=
                run->state == STORE_DONE && metric.text &&
                strcmp(metric.text, outcome_verdict_name((enum outcome_verdict)v)) == 0;
    }
    arena_fini(&arena);
    if (found == STORE_FAILED)
        fprintf(stderr, "headroom: %s\n", store->error);
    return found != STORE_FAILED;
}

static void write_verdicts(const struct verdicts *verdicts, int32_t runs, struct text *out) {
    for (int v = 0; v <= OUTCOME_CANNOT_TELL; v++) {
        const char *name = outcome_verdict_name((enum outcome_verdict)v);
        if (verdicts->counts[v] == runs)
            text_add(out, name);
        else if (verdicts->counts[v] > 0)
            text_addf(out, "%s%d %s", out->length ? ", " : "", verdicts->counts[v], name);
    }
    if (verdicts->refused > 0)
        text_addf(out, "%s%d refused", out->length ? ", " : "", verdicts->refused);
}

/* "12.3 +-0.4": the half width of the mean's 95 % interval, where there is one. */
static void print_mean(const struct stats *stats, int width) {
    char cell[64];
    if (stats->count < 2) {
        printf("  %*s", width, stats->count ? print_number(stats->mean) : "-");
        return;
    }
    struct stats_interval interval = stats_mean_interval(stats, 0.95);
    (void)snprintf(cell, sizeof cell, "%s +-%s", print_number(interval.value),
                   print_number(interval.high - interval.value));
    printf("  %*s", width, cell);
}

enum { SHOWN_MAX = 4 };
/* Of runs, and of ceilings; NULL ends the list. */
static const char *const shown_metrics[][SHOWN_MAX + 1] = {
    {"deliveries_per_s", "latency_p99_ms", "late_share", "cpu_share", NULL},
    {"ceiling.active", "ceiling.scale", NULL}};

static bool print_row(const struct sweep_work *work, struct store *store, const int32_t *widths,
                      int32_t cell, int width) {
    print_cell(work, widths, cell);
    int32_t missing = missing_of_cell(work, cell);
    if (missing > 0) {
        printf("  missing: %d of %d runs\n", missing, runs_per_cell(work));
        return true;
    }
    struct verdicts verdicts;
    struct text text;
    const char *const *shown = shown_metrics[work->is_of_ceilings];
    for (int32_t i = 0; shown[i] != NULL; i++) {
        struct stats stats;
        if (!read_metric(work, store, cell, shown[i], &stats))
            return false;
        print_mean(&stats, width);
    }
    if (!read_verdicts(work, store, cell, &verdicts))
        return false;
    text_init(&text);
    write_verdicts(&verdicts, runs_per_cell(work), &text);
    printf("  %s\n", text_bytes(&text));
    text_fini(&text);
    return true;
}

static bool print_text(const struct sweep_work *work, struct store *store) {
    int32_t widths[SWEEP_AXES_MAX];
    int width = runs_per_cell(work) > 1 ? 20 : 16;
    struct text head;
    char digits[17];
    find_widths(work, widths);
    text_init(&head);
    const char *const *shown = shown_metrics[work->is_of_ceilings];
    for (int32_t i = 0; shown[i] != NULL; i++)
        text_addf(&head, "%s%*s", i ? "  " : "", width, shown[i]);
    text_add(&head, "  verdict");
    print_head(work, widths, text_bytes(&head));
    text_fini(&head);
    for (int32_t cell = 0; cell < work->sweep.cells_count; cell++)
        if (!print_row(work, store, widths, cell, width))
            return false;
    int32_t missing = sweep_count_missing(work, false);
    fingerprint_format(sweep_fingerprint(work), digits);
    print_counts(work);
    if (missing > 0)
        printf("fingerprint: none, %d runs are missing\n", missing);
    else
        printf("fingerprint: %s\n", digits);
    return true;
}

static void add_runs(const struct sweep_work *work, int32_t cell, cJSON *json) {
    cJSON *list = cJSON_AddArrayToObject(json, "runs");
    for (int32_t i = 0; i < runs_per_cell(work); i++) {
        int32_t index = cell * runs_per_cell(work) + i;
        const struct store_cell *found = &work->runs[index].found;
        struct sweep_place place = sweep_place_of(work, index);
        cJSON *item = cJSON_CreateObject();
        print_add_u64(item, "seed", work->seeds[place.seed]);
        cJSON_AddNumberToObject(item, "replication", place.replication);
        print_add_hex(item, "address", work->runs[index].address);
        cJSON_AddStringToObject(item, "state",
                                found->run ? store_state_name(found->state) : "missing");
        if (found->run)
            print_add_hex(item, "fingerprint", found->fingerprint);
        cJSON_AddItemToArray(list, item);
    }
}

/* Of runs every metric, of ceilings what is shown. */
static int32_t names_of(const struct sweep_work *work, const char *names[OUTCOME_METRICS]) {
    int32_t count = 0;
    for (int i = 0; i < OUTCOME_METRICS && !work->is_of_ceilings; i++)
        names[count++] = outcome_metric_name((enum outcome_metric)i);
    for (int32_t i = 0; work->is_of_ceilings && shown_metrics[1][i] != NULL; i++)
        names[count++] = shown_metrics[1][i];
    return count;
}

static bool add_metrics(const struct sweep_work *work, struct store *store, int32_t cell,
                        cJSON *json) {
    if (missing_of_cell(work, cell) > 0) {
        cJSON_AddNullToObject(json, "metrics");
        return true;
    }
    cJSON *metrics = cJSON_AddObjectToObject(json, "metrics");
    const char *names[OUTCOME_METRICS];
    int32_t count = names_of(work, names);
    for (int32_t i = 0; i < count; i++) {
        struct stats stats;
        if (!read_metric(work, store, cell, names[i], &stats))
            return false;
        if (stats.count == 0)
            continue;
        struct stats_interval interval = stats_mean_interval(&stats, 0.95);
        cJSON *item = cJSON_AddObjectToObject(metrics, names[i]);
        print_add_number(item, "value", interval.value);
        print_add_number(item, "low", interval.low);
        print_add_number(item, "high", interval.high);
    }
    struct verdicts verdicts;
    if (!read_verdicts(work, store, cell, &verdicts))
        return false;
    cJSON *counts = cJSON_AddObjectToObject(json, "verdicts");
    for (int v = 0; v <= OUTCOME_CANNOT_TELL; v++)
        cJSON_AddNumberToObject(counts, outcome_verdict_name((enum outcome_verdict)v),
                                verdicts.counts[v]);
    cJSON_AddNumberToObject(counts, "refused", verdicts.refused);
    return true;
}

static bool print_as_json(const struct sweep_work *work, struct store *store) {
    cJSON *json = new_json(work);
    if (sweep_count_missing(work, false) == 0)
        print_add_hex(json, "fingerprint", sweep_fingerprint(work));
    else
        cJSON_AddNullToObject(json, "fingerprint");
    cJSON *cells = cJSON_AddArrayToObject(json, "cells");
    bool is_read = true;
    for (int32_t cell = 0; cell < work->sweep.cells_count && is_read; cell++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddNumberToObject(item, "cell", cell);
        add_values(work, cell, item);
        cJSON_AddNumberToObject(item, "missing", missing_of_cell(work, cell));
        is_read = add_metrics(work, store, cell, item);
        add_runs(work, cell, item);
        cJSON_AddItemToArray(cells, item);
    }
    if (is_read)
        print_json(json);
    else
        cJSON_Delete(json);
    return is_read;
}

/* A share has every N-th run, so hardly a whole cell: it says how far it is, and the figures are
 * for whoever merges. */
static bool print_shard(const struct sweep_work *work) {
    int32_t ours = 0, missing = sweep_count_missing(work, true);
    for (int32_t i = 0; i < work->runs_count; i++)
        ours += sweep_is_ours(work, i);
    if (work->options->is_json) {
        cJSON *json = new_json(work);
        cJSON *shard = cJSON_AddObjectToObject(json, "shard");
        cJSON_AddNumberToObject(shard, "number", work->shard.number);
        cJSON_AddNumberToObject(shard, "count", work->shard.count);
        cJSON_AddNumberToObject(shard, "runs", ours);
        cJSON_AddNumberToObject(shard, "missing", missing);
        print_json(json);
        return true;
    }
    printf("%s, share %d of %d: %d of its %d runs are done, in %s; `headroom sweep merge %s --db "
           "%s` takes them over\n",
           work->study.name, work->shard.number, work->shard.count, ours - missing, ours,
           work->own_db, work->own_db, work->main_db);
    return true;
}

bool sweep_print_results(const struct sweep_work *work, struct store *store) {
    if (work->shard.count > 1)
        return print_shard(work);
    return work->options->is_json ? print_as_json(work, store) : print_text(work, store);
}
