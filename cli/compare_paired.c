/* Two replications of one draw are not independent, nor are replications of one cell: pairs are
 * averaged over their draw or cell first, and the interval is Student's over those. */
#include "cli/compare_paired.h"

#include "cli/print.h"
#include "study/replications.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    int64_t a, b;
    uint64_t unit; /* what it shares its draw or cell with */
};

/* What is better; the metrics that are not here are neither. */
static const struct {
    enum outcome_metric metric;
    bool more_is_better;
} directions[] = {{OUTCOME_deliveries_per_s, true},
                  {OUTCOME_late_share, false},
                  {OUTCOME_lost, false},
                  {OUTCOME_unrouted, false},
                  {OUTCOME_dropped, false},
                  {OUTCOME_closed_slow, false},
                  {OUTCOME_refused, false},
                  {OUTCOME_latency_p50_ms, false},
                  {OUTCOME_latency_p90_ms, false},
                  {OUTCOME_latency_p99_ms, false},
                  {OUTCOME_latency_p999_ms, false},
                  {OUTCOME_latency_max_ms, false},
                  {OUTCOME_latency_mean_ms, false},
                  {OUTCOME_worst_client_p99_ms, false},
                  {OUTCOME_cpu_share, false},
                  {OUTCOME_backplane_cpu_share, false},
                  {OUTCOME_memory_user_bytes, false},
                  {OUTCOME_memory_kernel_bytes, false},
                  {OUTCOME_written_bytes_per_s, false},
                  {OUTCOME_queued_bytes_max, false}};

static enum paired_change change_of(enum outcome_metric metric, struct stats_interval difference) {
    if (!(difference.low > 0 || difference.high < 0))
        return PAIRED_SAME;
    for (size_t i = 0; i < COUNT_OF(directions); i++)
        if (directions[i].metric == metric)
            return (difference.value > 0) == directions[i].more_is_better ? PAIRED_BETTER
                                                                          : PAIRED_WORSE;
    return PAIRED_OTHER;
}

/* --- pairing --- */

static int by_key(const void *a, const void *b) {
    const struct store_run *x = a, *y = b;
    if (x->scenario_hash != y->scenario_hash)
        return x->scenario_hash < y->scenario_hash ? -1 : 1;
    if (x->seed != y->seed)
        return x->seed < y->seed ? -1 : 1;
    if (x->replication != y->replication)
        return x->replication < y->replication ? -1 : 1;
    if (x->load_scale != y->load_scale)
        return x->load_scale < y->load_scale ? -1 : 1;
    return x->id < y->id ? 1 : x->id > y->id ? -1 : 0; /* the newest first */
}

/* Below, at, above 0 as the keys are ordered. Replications of two runs may be of two scenarios. */
static int compare_keys(const struct store_run *a, const struct store_run *b, bool by_scenario) {
    if (by_scenario && a->scenario_hash != b->scenario_hash)
        return a->scenario_hash < b->scenario_hash ? -1 : 1;
    if (a->seed != b->seed)
        return a->seed < b->seed ? -1 : 1;
    if (a->replication != b->replication)
        return a->replication < b->replication ? -1 : 1;
    return by_scenario && a->load_scale != b->load_scale ? a->load_scale < b->load_scale ? -1 : 1
                                                         : 0;
}

/* Sorted, and of runs with one key the newest. */
static int32_t unique(struct store_run *runs, int32_t count, bool by_scenario) {
    int32_t kept = 0;
    qsort(runs, (size_t)count, sizeof *runs, by_key);
    for (int32_t i = 0; i < count; i++)
        if (kept == 0 || compare_keys(&runs[kept - 1], &runs[i], by_scenario) != 0)
            runs[kept++] = runs[i];
    return kept;
}

static uint64_t unit_of(const struct store_run *run) {
    return strcmp(run->command, "replication") == 0
               ? (uint64_t)study_draw_of_replication((int32_t)run->replication)
               : run->scenario_hash;
}

struct set {
    struct store *store;
    struct store_run *runs;
    int32_t count;
};

static struct pair *pair_up(struct set *a, struct set *b, bool by_scenario, struct arena *arena,
                            struct paired *paired) {
    struct pair *pairs = ARENA_NEW(arena, (size_t)a->count + 1, struct pair);
    a->count = unique(a->runs, a->count, by_scenario);
    b->count = unique(b->runs, b->count, by_scenario);
    for (int32_t i = 0, j = 0; i < a->count && j < b->count;) {
        int order = compare_keys(&a->runs[i], &b->runs[j], by_scenario);
        if (order == 0) {
            pairs[paired->pairs_count++] =
                (struct pair){a->runs[i].id, b->runs[j].id, unit_of(&a->runs[i])};
        }
        i += order <= 0;
        j += order >= 0;
    }
    paired->unpaired_count = a->count + b->count - 2 * paired->pairs_count;
    return pairs;
}

/* --- differences --- */

struct sums {
    struct stats a, b, difference;
    struct stats unit;
    uint64_t of_unit;
};

static void close_unit(struct sums *sums) {
    if (sums->unit.count > 0)
        stats_add(&sums->difference, sums->unit.mean);
    stats_init(&sums->unit);
}

static void add_pair(struct sums *sums, uint64_t unit, double a, double b) {
    if (unit != sums->of_unit)
        close_unit(sums);
    sums->of_unit = unit;
    stats_add(&sums->a, a);
    stats_add(&sums->b, b);
    stats_add(&sums->unit, b - a);
}

static int by_unit(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->unit != y->unit)
        return x->unit < y->unit ? -1 : 1;
    return x->a < y->a ? -1 : x->a > y->a;
}

static bool add_row(struct set *a, struct set *b, const struct pair *pairs,
                    enum outcome_metric metric, struct arena *arena, struct paired *paired) {
    struct sums sums = {.of_unit = pairs[0].unit};
    const char *name = outcome_metric_name(metric);
    stats_init(&sums.a);
    stats_init(&sums.b);
    stats_init(&sums.difference);
    stats_init(&sums.unit);
    for (int32_t i = 0; i < paired->pairs_count; i++) {
        struct store_metric of_a, of_b;
        enum store_found found_a = store_metric_of(a->store, pairs[i].a, name, arena, &of_a);
        enum store_found found_b = store_metric_of(b->store, pairs[i].b, name, arena, &of_b);
        if (found_a == STORE_FAILED || found_b == STORE_FAILED)
            return false;
        if (found_a == STORE_FOUND && found_b == STORE_FOUND)
            add_pair(&sums, pairs[i].unit, of_a.value, of_b.value);
    }
    close_unit(&sums);
    if (sums.difference.count < 2)
        return true;
    struct stats_interval difference = stats_mean_interval(&sums.difference, 0.95);
    difference.value = sums.b.mean - sums.a.mean;
    struct stats_interval certain =
        stats_mean_interval(&sums.difference, 1 - 0.05 / OUTCOME_METRICS); /* Bonferroni */
    paired->units_count = (int32_t)sums.difference.count;
    paired->rows[paired->rows_count++] = (struct paired_row){
        metric, sums.a.mean, sums.b.mean, difference, change_of(metric, certain)};
    return true;
}

static bool compare_sets(struct set *a, struct set *b, bool by_scenario, struct arena *arena,
                         struct paired *paired) {
    struct pair *pairs = pair_up(a, b, by_scenario, arena, paired);
    if (paired->pairs_count < 2)
        return false;
    qsort(pairs, (size_t)paired->pairs_count, sizeof *pairs, by_unit);
    uint64_t first = pairs[0].unit;
    bool is_one_cell = true;
    for (int32_t i = 1; i < paired->pairs_count; i++)
        is_one_cell &= pairs[i].unit == first;
    for (int32_t i = 0; i < paired->pairs_count && is_one_cell; i++)
        pairs[i].unit = (uint64_t)i; /* repetitions of one cell: independent arrivals */
    for (int i = 0; i < OUTCOME_METRICS; i++)
        if (!add_row(a, b, pairs, (enum outcome_metric)i, arena, paired))
            return false;
    return true;
}

static bool replications_of(struct store *store, int64_t run, struct arena *arena,
                            struct set *set) {
    struct store_filter filter = {.command = "replication", .state = "done", .parent = run};
    set->store = store;
    return store_runs(store, &filter, arena, &set->runs, &set->count);
}

bool paired_has_replications(struct store *store, int64_t run, struct arena *arena) {
    struct set set;
    return replications_of(store, run, arena, &set) && set.count > 1;
}

bool paired_runs(struct store *store, int64_t a, int64_t b, struct arena *arena,
                 struct paired *paired) {
    struct set of_a, of_b;
    *paired = (struct paired){.scenario = ""};
    if (!replications_of(store, a, arena, &of_a) || !replications_of(store, b, arena, &of_b))
        return false;
    paired->scenario = of_b.count > 0 ? of_b.runs[0].scenario_name : "";
    return compare_sets(&of_a, &of_b, false, arena, paired);
}

/* --- answers --- */

static const char *change_text(enum paired_change change) {
    static const char *const texts[] = {[PAIRED_SAME] = "no detectable change",
                                        [PAIRED_BETTER] = "better",
                                        [PAIRED_WORSE] = "worse",
                                        [PAIRED_OTHER] = "changed"};
    return texts[change];
}

static void print_signed(double value) {
    char text[64];
    (void)snprintf(text, sizeof text, "%s%s", value > 0 ? "+" : "", print_number(value));
    printf(" %13s", text);
}

void paired_print(const struct paired *paired, const char *a, const char *b) {
    int32_t same = 0;
    printf("%s: %s against %s, %d pairs of one seed and replication (%d independent)",
           paired->scenario, b, a, paired->pairs_count, paired->units_count);
    if (paired->unpaired_count > 0)
        printf("; %d runs have no partner and are left out", paired->unpaired_count);
    printf("\n  %-24s %13s %13s %13s %13s %13s\n", "figure", a, b, "difference", "from", "to");
    for (int32_t i = 0; i < paired->rows_count; i++) {
        const struct paired_row *row = &paired->rows[i];
        if (row->change == PAIRED_SAME) {
            same++;
            continue;
        }
        printf("  %-24s %13s %13s", outcome_metric_name(row->metric), print_number(row->a),
               print_number(row->b));
        print_signed(row->difference.value);
        print_signed(row->difference.low);
        print_signed(row->difference.high);
        if (row->a != 0)
            printf("  %+.3g %%", 100 * row->difference.value / fabs(row->a));
        printf("  %s\n", change_text(row->change));
    }
    printf("  no detectable change in %s%d %s\n", same == paired->rows_count ? "any of " : "", same,
           same == paired->rows_count ? "figures" : "further figures");
}

cJSON *paired_json(const struct paired *paired) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "scenario", paired->scenario);
    cJSON_AddNumberToObject(json, "pairs", paired->pairs_count);
    cJSON_AddNumberToObject(json, "independent", paired->units_count);
    cJSON_AddNumberToObject(json, "unpaired", paired->unpaired_count);
    cJSON *figures = cJSON_AddObjectToObject(json, "figures");
    for (int32_t i = 0; i < paired->rows_count; i++) {
        const struct paired_row *row = &paired->rows[i];
        cJSON *item = cJSON_AddObjectToObject(figures, outcome_metric_name(row->metric));
        print_add_number(item, "a", row->a);
        print_add_number(item, "b", row->b);
        print_add_number(item, "difference", row->difference.value);
        print_add_number(item, "low", row->difference.low);
        print_add_number(item, "high", row->difference.high);
        cJSON_AddStringToObject(item, "verdict", change_text(row->change));
    }
    return json;
}

/* --- against a baseline --- */

/* Of one scenario name: its replications, or else its cells. */
static bool read_set(struct store *store, const char *name, const char *command,
                     struct arena *arena, struct set *set) {
    struct store_filter filter = {.scenario_name = name, .command = command, .state = "done"};
    set->store = store;
    return store_runs(store, &filter, arena, &set->runs, &set->count);
}

static bool is_asked_for(const struct options *options, const char *name) {
    bool is_named = options->arguments_count == 0;
    for (int32_t i = 0; i < options->arguments_count; i++)
        is_named |= strcmp(options->arguments[i], name) == 0;
    return is_named;
}

/* A change of less than this share of the figure is not worth stopping anybody for. */
static const double worth_stopping = 0.01;

static bool got_worse(const struct paired *paired) {
    bool is_worse = false;
    for (int32_t i = 0; i < paired->rows_count; i++) {
        const struct paired_row *row = &paired->rows[i];
        is_worse |= row->change == PAIRED_WORSE &&
                    fabs(row->difference.value) > worth_stopping * fabs(row->a);
    }
    return is_worse;
}

struct baseline {
    const struct options *options;
    struct store *store, *base;
    struct arena *arena;
    cJSON *list;
    int32_t compared_count;
    bool is_worse;
};

static bool compare_name(struct baseline *baseline, const char *name, const char *command) {
    struct set a, b;
    struct paired *paired = ARENA_NEW(baseline->arena, 1, struct paired);
    if (!read_set(baseline->base, name, command, baseline->arena, &a) ||
        !read_set(baseline->store, name, command, baseline->arena, &b))
        return false;
    paired->scenario = name;
    if (!compare_sets(&a, &b, true, baseline->arena, paired))
        return paired->pairs_count < 2;
    baseline->compared_count++;
    baseline->is_worse |= got_worse(paired);
    if (baseline->options->is_json)
        cJSON_AddItemToArray(baseline->list, paired_json(paired));
    else
        paired_print(paired, "baseline", "now");
    return true;
}

static int compare_names(struct baseline *baseline) {
    const char **names;
    int32_t count;
    bool is_read = store_scenario_names(baseline->store, baseline->arena, &names, &count);
    for (int32_t i = 0; i < count && is_read; i++)
        is_read = !is_asked_for(baseline->options, names[i]) ||
                  (compare_name(baseline, names[i], "replication") &&
                   compare_name(baseline, names[i], "cell"));
    if (!is_read) {
        fprintf(stderr, "headroom: %s\n",
                *baseline->store->error ? baseline->store->error : baseline->base->error);
        return EXIT_IO;
    }
    if (baseline->compared_count == 0) {
        fprintf(stderr,
                "headroom: %s and %s have no two runs in common; make them with `headroom run "
                "--reps 8` or `headroom sweep run`, with one seed\n",
                baseline->base->path, baseline->store->path);
        return EXIT_NO_INPUT;
    }
    return baseline->is_worse ? EXIT_FAILS : EXIT_HOLDS;
}

int paired_against_baseline(struct store *store, const struct options *options,
                            struct arena *arena) {
    struct store base;
    if (!store_open(&base, options->baseline, STORE_READ)) {
        fprintf(stderr, "headroom: %s\n", base.error);
        return EXIT_NO_INPUT;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "schema_version", PRINT_SCHEMA_VERSION);
    cJSON_AddStringToObject(json, "baseline", options->baseline);
    struct baseline baseline = {.options = options,
                                .store = store,
                                .base = &base,
                                .arena = arena,
                                .list = cJSON_AddArrayToObject(json, "scenarios")};
    int code = compare_names(&baseline);
    cJSON_AddBoolToObject(json, "got_worse", baseline.is_worse);
    if (options->is_json && baseline.compared_count > 0)
        print_json(json);
    else
        cJSON_Delete(json);
    store_close(&base);
    return code;
}
