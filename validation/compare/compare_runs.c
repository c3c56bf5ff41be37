/* Two runs by id: a merge of two sorted lists of metrics. */
#include "validation/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool read_run(struct store *store, int64_t id, struct arena *arena, struct store_run *run) {
    switch (store_run_by_id(store, id, arena, run)) {
    case STORE_FOUND:
        return true;
    case STORE_MISSING:
        snprintf(store->error, sizeof store->error, "%s: has no run %lld", store->path,
                 (long long)id);
        return false;
    case STORE_FAILED:
        return false;
    }
    return false;
}

static const char *text_of(const struct store_metric *metric) {
    return metric->text ? metric->text : "";
}

static struct compare_metric pair(const struct store_metric *a, const struct store_metric *b) {
    const double nan = (double)NAN;
    const struct store_metric *any = a ? a : b;
    struct compare_metric metric = {.name = any->name,
                                    .unit = any->unit,
                                    .has_a = a != NULL,
                                    .has_b = b != NULL,
                                    .a = a ? a->value : nan,
                                    .b = b ? b->value : nan,
                                    .a_text = a ? text_of(a) : "",
                                    .b_text = b ? text_of(b) : "",
                                    .ratio = nan};
    if (metric.a == metric.b)
        metric.ratio = 0;
    else if (metric.a != 0)
        metric.ratio = metric.b / metric.a - 1;
    return metric;
}

bool compare_runs(struct store *store, int64_t a, int64_t b, struct arena *arena,
                  struct run_comparison *comparison) {
    struct store_metric *of_a, *of_b;
    int32_t a_count, b_count;
    *comparison = (struct run_comparison){0};
    if (!read_run(store, a, arena, &comparison->a) || !read_run(store, b, arena, &comparison->b) ||
        !store_metrics(store, a, arena, &of_a, &a_count) ||
        !store_metrics(store, b, arena, &of_b, &b_count))
        return false;
    comparison->metrics =
        ARENA_NEW(arena, (size_t)a_count + (size_t)b_count, struct compare_metric);
    for (int32_t i = 0, j = 0; i < a_count || j < b_count;) {
        int order = i == a_count ? 1 : j == b_count ? -1 : strcmp(of_a[i].name, of_b[j].name);
        const struct store_metric *left = order <= 0 ? &of_a[i++] : NULL;
        const struct store_metric *right = order >= 0 ? &of_b[j++] : NULL;
        comparison->metrics[comparison->metrics_count++] = pair(left, right);
    }
    return true;
}
