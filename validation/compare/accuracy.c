/* Finding the runs of a part, and what is left of it. The figures are in accuracy_cells.c.
 *
 * The store is asked for a case's runs and the part is looked for among their metrics; a part of a
 * run that was interrupted has no metrics, and so does not count. */
#include "validation/compare/accuracy.h"

#include "sim/base/stats.h"
#include "validation/compare/repeats.h"
#include "validation/compare/yardstick_of.h"

#include <math.h>
#include <string.h>

const char *const accuracy_group_names[ACCURACY_GROUPS] = {
    [ACCURACY_CEILING] = "ceiling",     [ACCURACY_LATENCY] = "latency",
    [ACCURACY_MEMORY] = "memory",       [ACCURACY_DESCRIPTORS] = "descriptors",
    [ACCURACY_CLOSED] = "closed",       [ACCURACY_DROPPED] = "dropped",
    [ACCURACY_CONFLATED] = "conflated", [ACCURACY_QUEUED] = "queued",
    [ACCURACY_VERDICT] = "verdict",
};

static const struct {
    const char *name;
    double share;
} parts[ACCURACY_PARTS] = {
    [ACCURACY_SEARCH] = {"search", (double)NAN},   [ACCURACY_AT_30] = {"at 30 %", 0.3},
    [ACCURACY_AT_60] = {"at 60 %", 0.6},           [ACCURACY_AT_80] = {"at 80 %", 0.8},
    [ACCURACY_AT_OWN] = {"own load", (double)NAN}, [ACCURACY_RAMP] = {"ramp", (double)NAN},
};

const char *accuracy_part_name(enum accuracy_part part) {
    return parts[part].name;
}
double accuracy_part_share(enum accuracy_part part) {
    return parts[part].share;
}

bool accuracy_needs(const struct accuracy_case *one, enum accuracy_part part) {
    static const struct {
        enum accuracy_group group;
        enum accuracy_part part;
    } needs[] = {
#define FIGURE(name, group, class, title, unit, part, predicted, otherwise, measured)              \
    {ACCURACY_##group, ACCURACY_##part},
#include "validation/compare/figures.def"
#undef FIGURE
    };
    for (size_t i = 0; i < COUNT_OF(needs); i++)
        if (needs[i].part == part && (one->groups >> needs[i].group & 1))
            return true;
    return false;
}

bool accuracy_must_predict(const struct accuracy_case *one, enum accuracy_part part) {
    bool is_for_loads = part == ACCURACY_SEARCH && (one->groups >> ACCURACY_LATENCY & 1);
    return is_for_loads || accuracy_needs(one, part);
}

/* STORE_MISSING: the run was made for something else. */
static enum store_found part_of(struct store *store, int64_t run, enum accuracy_part part,
                                struct arena *arena, double *factor) {
    struct store_metric metric;
    enum store_found found = store_metric_of(store, run, ACCURACY_PART_METRIC, arena, &metric);
    if (found != STORE_FOUND)
        return found;
    *factor = metric.value;
    return metric.text && strcmp(metric.text, parts[part].name) == 0 ? STORE_FOUND : STORE_MISSING;
}

enum store_found accuracy_find_prediction(struct store *store,
                                          const struct accuracy_options *options,
                                          const struct accuracy_case *one, enum accuracy_part part,
                                          double factor, struct arena *arena,
                                          struct store_run *run) {
    struct store_filter filter = {.scenario_hash = one->scenario_hash,
                                  .kind = store_kind_name(STORE_SIMULATED),
                                  .state = store_state_name(STORE_DONE)};
    struct store_run *runs;
    int32_t count;
    if (!store_runs(store, &filter, arena, &runs, &count))
        return STORE_FAILED;
    for (int32_t i = 0; i < count; i++) {
        double made_at = (double)NAN;
        if (runs[i].code_hash != options->code_hash ||
            runs[i].profile_hash != options->profile_hash)
            continue;
        enum store_found found = part_of(store, runs[i].id, part, arena, &made_at);
        if (found == STORE_FAILED)
            return STORE_FAILED;
        if (found == STORE_FOUND && fabs(made_at - factor) < COMPARE_FACTOR_STEP / 2) {
            *run = runs[i];
            return STORE_FOUND;
        }
    }
    return STORE_MISSING;
}

static double factor_of(const struct accuracy_options *options, double *yards, size_t count) {
    if (count == 0 || isnan(options->yardstick_ns))
        return 1;
    return compare_factor(stats_median(yards, count), options->yardstick_ns);
}

static bool counts(const struct store_run *run, const struct accuracy_options *options,
                   const struct store_run *predicted, const struct store_prediction *written,
                   enum accuracy_part part) {
    bool is_of_load = part != ACCURACY_SEARCH && part != ACCURACY_RAMP;
    return run->code_hash == options->code_hash && run->id > written->last_run && !run->is_fit &&
           run->started_at_ns >= written->created_at_ns &&
           (!is_of_load || run->load_scale == predicted->load_scale) &&
           (run->state == STORE_DONE || run->state == STORE_REFUSED);
}

static bool add_run(struct store *store, const struct store_run *run, struct arena *arena,
                    struct accuracy_progress *progress, int64_t *runs, double *yards,
                    size_t *yards_count) {
    if (run->state == STORE_REFUSED) {
        progress->refused_count++;
        progress->refused = run->reason;
        return true;
    }
    double yard_ns;
    if (!compare_yardstick_of(store, run->id, arena, &yard_ns))
        return false;
    if (yard_ns > 0)
        yards[(*yards_count)++] = yard_ns;
    runs[progress->done_count++] = run->id;
    return true;
}

bool accuracy_progress_of(struct store *store, const struct accuracy_options *options,
                          const struct accuracy_case *one, enum accuracy_part part,
                          struct arena *arena, struct accuracy_progress *progress) {
    *progress = (struct accuracy_progress){.refused = "", .factor = 1};
    struct store_run predicted, *all;
    struct store_prediction written;
    int32_t count;
    enum store_found found =
        accuracy_find_prediction(store, options, one, part, 1, arena, &predicted);
    if (found == STORE_FOUND)
        found = store_prediction_of(store, predicted.id, &written);
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    struct store_filter filter = {.scenario_hash = one->scenario_hash,
                                  .kind = store_kind_name(STORE_MEASURED)};
    if (!store_runs(store, &filter, arena, &all, &count))
        return false;
    int64_t *runs = ARENA_NEW(arena, (size_t)count + 1, int64_t);
    double *yards = ARENA_NEW(arena, (size_t)count + 1, double), unused;
    size_t yards_count = 0;
    for (int32_t i = 0; i < count; i++) {
        if (!counts(&all[i], options, &predicted, &written, part))
            continue;
        found = part_of(store, all[i].id, part, arena, &unused);
        if (found == STORE_FAILED ||
            (found == STORE_FOUND &&
             !add_run(store, &all[i], arena, progress, runs, yards, &yards_count)))
            return false;
    }
    progress->runs = runs;
    progress->factor = factor_of(options, yards, yards_count);
    return true;
}

bool accuracy_is_left(const struct accuracy_options *options,
                      const struct accuracy_progress *progress) {
    return progress->done_count < options->repeats &&
           progress->refused_count < options->refusals_max;
}
