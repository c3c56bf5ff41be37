/* Finding the two runs that belong together, and judging whether they may be compared.
 *
 * The measurement is the latest one that is done, with its repeats. Its prediction is the latest
 * one that qualifies; where none does, the reason is the latest candidate's. */
#include "validation/compare/compare.h"

#include "sim/base/stats.h"
#include "validation/compare/repeats.h"
#include "validation/compare/yardstick_of.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct row {
    const char *title, *unit, *predicted, *otherwise, *measured, *predicted_by, *measured_by;
} rows[] = {
#define ROW(title, unit, predicted, otherwise, measured, predicted_by, measured_by)                \
    {title, unit, predicted, otherwise, measured, predicted_by, measured_by},
#include "validation/compare/rows.def"
#undef ROW
};

/* A run that searched for a ceiling may carry the figures of a run at the ceiling, which is another
 * load than the scenario's own. */
#define OUTCOME_OF_A_SEARCH "ceiling.outcome"

#define MOVED_METRIC                                                                               \
    "ceiling.active" /* of a measurement whose prediction is moved to its speed                    \
                      */

struct side_query {
    struct store *store;
    struct arena *arena;
    const char *scenario;
    enum store_kind kind;
    const char *command;
    const char *metric, *otherwise;
};

static enum store_found metric_of(const struct side_query *query, int64_t run,
                                  struct store_metric *metric) {
    struct store_metric search;
    if (query->command) {
        enum store_found found =
            store_metric_of(query->store, run, OUTCOME_OF_A_SEARCH, query->arena, &search);
        if (found != STORE_MISSING)
            return found == STORE_FOUND ? STORE_MISSING : STORE_FAILED;
    }
    enum store_found found =
        store_metric_of(query->store, run, query->metric, query->arena, metric);
    if (found == STORE_MISSING && query->otherwise)
        found = store_metric_of(query->store, run, query->otherwise, query->arena, metric);
    return found;
}

/* Where a search ended without a ceiling, its outcome stands in for the value. */
static enum store_found read_side(const struct side_query *query, int64_t run,
                                  struct compare_side *side) {
    struct store_metric metric, outcome;
    enum store_found found = metric_of(query, run, &metric);
    if (found != STORE_FOUND)
        return found;
    *side = (struct compare_side){.run = run,
                                  .value = metric.value,
                                  .low = metric.low,
                                  .high = metric.high,
                                  .text = metric.text ? metric.text : "",
                                  .repeats = 1,
                                  .yardstick_ns = (double)NAN};
    if (query->kind == STORE_MEASURED &&
        !compare_yardstick_of(query->store, run, query->arena, &side->yardstick_ns))
        return STORE_FAILED;
    if (!isnan(metric.value) || query->command)
        return STORE_FOUND;
    found = store_metric_of(query->store, run, OUTCOME_OF_A_SEARCH, query->arena, &outcome);
    if (found == STORE_FOUND && outcome.text)
        side->text = outcome.text;
    return found == STORE_FAILED ? STORE_FAILED : STORE_FOUND;
}

/* All runs that are done and might have the metric, oldest first. */
static bool candidates(const struct side_query *query, struct store_run **runs, int32_t *count) {
    struct store_filter filter = {.scenario_name = query->scenario,
                                  .command = query->command,
                                  .kind = store_kind_name(query->kind),
                                  .state = store_state_name(STORE_DONE)};
    return store_runs(query->store, &filter, query->arena, runs, count);
}

/* The latest measurement: STORE_MISSING when there is none. */
static enum store_found find_measured(const struct side_query *query, struct store_run *run,
                                      struct compare_side *side) {
    struct store_run *runs;
    int32_t count;
    if (!candidates(query, &runs, &count))
        return STORE_FAILED;
    for (int32_t i = count - 1; i >= 0; i--) {
        enum store_found found = read_side(query, runs[i].id, side);
        if (found != STORE_MISSING) {
            *run = runs[i];
            return found;
        }
    }
    return STORE_MISSING;
}

/* Why there is none: not even tried, or tried and refused. NULL: the store failed. */
static const char *why_not_measured(const struct side_query *query) {
    struct store_run run;
    struct store_filter filter = {.scenario_name = query->scenario,
                                  .kind = store_kind_name(STORE_MEASURED),
                                  .state = store_state_name(STORE_REFUSED)};
    switch (store_latest_run(query->store, &filter, query->arena, &run)) {
    case STORE_FOUND:
        return arena_new_format(query->arena, "the measurement was refused: %s", run.reason);
    case STORE_MISSING:
        return "not measured";
    case STORE_FAILED:
        break;
    }
    return NULL;
}

/* NULL: this prediction may be held against this measurement. */
static const char *objection(struct store *store, const struct store_run *predicted,
                             const struct store_run *measured) {
    struct store_prediction prediction;
    if (predicted->scenario_hash != measured->scenario_hash)
        return "the prediction is of another text of this scenario";
    if (predicted->load_scale != measured->load_scale &&
        !(isnan(predicted->load_scale) && isnan(measured->load_scale)))
        return "the prediction is of another load";
    switch (store_prediction_of(store, predicted->id, &prediction)) {
    case STORE_MISSING:
        return "the simulated run was not written down as a prediction";
    case STORE_FAILED:
        return store->error;
    case STORE_FOUND:
        break;
    }
    if (prediction.last_run >= measured->id || prediction.created_at_ns > measured->started_at_ns)
        return "the prediction was written after its measurement began";
    return NULL;
}

/* The latest prediction that qualifies, or what is wrong with the latest one. */
static enum store_found find_predicted(const struct side_query *query,
                                       const struct store_run *measured, struct compare_side *side,
                                       const char **why) {
    struct store_run *runs;
    int32_t count;
    *why = NULL;
    if (!candidates(query, &runs, &count))
        return STORE_FAILED;
    for (int32_t i = count - 1; i >= 0; i--) {
        struct compare_side candidate;
        enum store_found found = read_side(query, runs[i].id, &candidate);
        if (found == STORE_FAILED)
            return STORE_FAILED;
        if (found == STORE_MISSING)
            continue;
        const char *wrong = measured ? objection(query->store, &runs[i], measured) : NULL;
        if (!*why)
            *side = candidate;
        if (!wrong) {
            *side = candidate;
            *why = NULL;
            return STORE_FOUND;
        }
        if (!*why)
            *why = wrong;
    }
    return *why ? STORE_FOUND : STORE_MISSING;
}

static bool is_repeat(const struct store_run *run, const struct store_run *latest) {
    return run->scenario_hash == latest->scenario_hash && run->code_hash == latest->code_hash &&
           (run->load_scale == latest->load_scale ||
            (isnan(run->load_scale) && isnan(latest->load_scale)));
}

/* Makes the latest measurement the median of its repeats; where the cell has a prediction
 * (`predicted`, else NULL), of those that it was written down before. */
static bool take_repeats(const struct side_query *query, const struct store_run *latest,
                         const struct store_run *predicted, struct compare_side *side) {
    struct repeats repeats = {.count = 0};
    struct store_run *runs;
    int32_t count;
    size_t yards_count = 0;
    if (!candidates(query, &runs, &count))
        return false;
    double *yards = ARENA_NEW(query->arena, (size_t)count + 1, double);
    for (int32_t i = 0; i < count; i++) {
        struct compare_side one;
        if (!is_repeat(&runs[i], latest) ||
            (predicted != NULL && objection(query->store, predicted, &runs[i]) != NULL))
            continue;
        enum store_found found = read_side(query, runs[i].id, &one);
        if (found == STORE_FAILED)
            return false;
        if (found != STORE_FOUND)
            continue;
        repeats_add(&repeats, one.value, one.text);
        if (!isnan(one.yardstick_ns))
            yards[yards_count++] = one.yardstick_ns;
    }
    if (repeats.count < 2)
        return true;
    struct repeats_summary summary = repeats_summarise(&repeats);
    side->value = summary.median;
    side->low = summary.low;
    side->high = summary.high;
    side->text = summary.text;
    side->repeats = repeats.count;
    if (yards_count > 0)
        side->yardstick_ns = stats_median(yards, yards_count);
    return true;
}

/* Any run of the same text that went into a fit taints all of them. */
static bool was_fitted(struct store *store, uint64_t scenario_hash, struct arena *arena,
                       bool *is_fitted) {
    struct store_run *runs;
    int32_t count;
    if (!store_runs(store, &(struct store_filter){.scenario_hash = scenario_hash}, arena, &runs,
                    &count))
        return false;
    *is_fitted = false;
    for (int32_t i = 0; i < count; i++)
        *is_fitted |= runs[i].is_fit;
    return true;
}

static double error_of(const struct compare_side *prediction,
                       const struct compare_side *measurement) {
    double predicted = prediction->value, measured = measurement->value;
    if (isnan(predicted) && isnan(measured))
        return strcmp(prediction->text, measurement->text) == 0 ? 0 : (double)INFINITY;
    if (isnan(predicted) || isnan(measured))
        return (double)INFINITY;
    if (predicted == measured)
        return 0;
    return (predicted - measured) / measured; /* a measured 0 makes it infinite */
}

static bool is_inside(const struct compare_side *predicted, const struct compare_side *measured) {
    return predicted->low <= measured->value && measured->value <= predicted->high;
}

static void compare(struct compare_cell *cell) {
    const struct compare_side *predicted = &cell->predicted, *measured = &cell->measured;
    cell->error = error_of(predicted, measured);
    cell->has_interval = !isnan(predicted->low) && !isnan(predicted->high);
    cell->is_inside = cell->has_interval && is_inside(predicted, measured);
    cell->has_text = *predicted->text && *measured->text;
    cell->same_text = cell->has_text && strcmp(predicted->text, measured->text) == 0;
}

static bool move(const struct compare_mover *mover, const char *metric, struct compare_cell *cell) {
    if (mover == NULL || strcmp(metric, MOVED_METRIC) != 0)
        return true;
    if (!mover->move(mover->context, cell))
        return false;
    if (cell->moved.run != 0) {
        cell->moved_error = error_of(&cell->moved, &cell->measured);
        cell->is_moved_inside = is_inside(&cell->moved, &cell->measured);
    }
    return true;
}

static void set(struct compare_cell *cell, enum compare_status status, const char *why) {
    cell->status = status;
    cell->why = why;
}

/* STORE_MISSING: neither world has anything about it. */
static enum store_found fill_cell(struct store *store, const struct row *row,
                                  const struct compare_mover *mover, struct arena *arena,
                                  struct compare_cell *cell) {
    struct side_query query = {.store = store,
                               .arena = arena,
                               .scenario = cell->scenario,
                               .kind = STORE_MEASURED,
                               .command = row->measured_by,
                               .metric = row->measured};
    const struct side_query measured_query = query;
    struct store_run measured, predicted;
    enum store_found has_measured = find_measured(&query, &measured, &cell->measured);
    query.kind = STORE_SIMULATED;
    query.command = row->predicted_by;
    query.metric = row->predicted;
    query.otherwise = row->otherwise;
    const char *why;
    enum store_found has_predicted = find_predicted(
        &query, has_measured == STORE_FOUND ? &measured : NULL, &cell->predicted, &why);
    if (has_measured == STORE_FAILED || has_predicted == STORE_FAILED)
        return STORE_FAILED;
    if (has_measured == STORE_MISSING && has_predicted == STORE_MISSING)
        return STORE_MISSING;
    bool is_answered = has_measured == STORE_FOUND && has_predicted == STORE_FOUND && !why;
    if (is_answered &&
        store_run_by_id(store, cell->predicted.run, arena, &predicted) != STORE_FOUND)
        return STORE_FAILED;
    if (has_measured == STORE_FOUND &&
        !take_repeats(&measured_query, &measured, is_answered ? &predicted : NULL, &cell->measured))
        return STORE_FAILED;
    bool is_fitted = false;
    if (has_measured == STORE_FOUND &&
        !was_fitted(store, measured.scenario_hash, arena, &is_fitted))
        return STORE_FAILED;
    if (is_fitted)
        set(cell, COMPARE_REFUSED, "the scenario was used in a fit");
    else if (has_measured == STORE_MISSING)
        set(cell, COMPARE_MISSING, why_not_measured(&query));
    else if (has_predicted == STORE_MISSING)
        set(cell, COMPARE_MISSING, "not predicted");
    else if (why)
        set(cell, COMPARE_REFUSED, why);
    else
        compare(cell);
    if (cell->why != NULL && cell->status == COMPARE_DONE && !move(mover, row->measured, cell))
        return STORE_FAILED;
    return cell->why ? STORE_FOUND : STORE_FAILED;
}

static bool fill_scenario(struct store *store, const char *scenario,
                          const struct compare_mover *mover, struct arena *arena,
                          struct comparison *comparison) {
    const double nan = (double)NAN;
    const struct compare_side empty = {
        .value = nan, .low = nan, .high = nan, .text = "", .yardstick_ns = nan};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct compare_cell *cell = &comparison->cells[comparison->cells_count];
        *cell = (struct compare_cell){.scenario = scenario,
                                      .title = rows[i].title,
                                      .unit = rows[i].unit,
                                      .why = "",
                                      .predicted = empty,
                                      .measured = empty,
                                      .moved = empty,
                                      .factor = nan,
                                      .moved_error = nan,
                                      .error = nan};
        enum store_found found = fill_cell(store, &rows[i], mover, arena, cell);
        if (found == STORE_FAILED)
            return false;
        comparison->cells_count += found == STORE_FOUND;
    }
    return true;
}

static void add_moved(struct compare_summary *summary, const struct compare_cell *cell,
                      double *errors) {
    double error = fabs(cell->moved_error);
    if (cell->moved.run == 0)
        return;
    errors[summary->moved_count++] = error;
    summary->worst_moved_error = fmax(summary->worst_moved_error, error); /* of NAN, the other */
    summary->moved_inside_count += cell->is_moved_inside;
}

static void add_compared(struct compare_summary *summary, const struct compare_cell *cell,
                         double *errors) {
    double error = fabs(cell->error);
    errors[summary->compared_count++] = error;
    if (isnan(summary->worst_error) || error > summary->worst_error) {
        summary->worst_error = error;
        summary->worst_scenario = cell->scenario;
    }
    summary->intervals_count += cell->has_interval;
    summary->inside_count += cell->is_inside;
    summary->texts_count += cell->has_text;
    summary->same_text_count += cell->same_text;
}

static struct compare_summary summarise(const struct comparison *comparison, const char *title,
                                        struct arena *arena) {
    double *errors = ARENA_NEW(arena, (size_t)comparison->cells_count, double);
    double *moved_errors = ARENA_NEW(arena, (size_t)comparison->cells_count, double);
    struct compare_summary summary = {.title = title,
                                      .median_error = (double)NAN,
                                      .worst_error = (double)NAN,
                                      .median_moved_error = (double)NAN,
                                      .worst_moved_error = (double)NAN,
                                      .worst_scenario = ""};
    for (int32_t i = 0; i < comparison->cells_count; i++) {
        const struct compare_cell *cell = &comparison->cells[i];
        if (strcmp(cell->title, title) != 0)
            continue;
        summary.missing_count += cell->status == COMPARE_MISSING;
        summary.refused_count += cell->status == COMPARE_REFUSED;
        if (cell->status != COMPARE_DONE)
            continue;
        add_compared(&summary, cell, errors);
        add_moved(&summary, cell, moved_errors);
    }
    if (summary.compared_count > 0)
        summary.median_error = stats_median(errors, (size_t)summary.compared_count);
    if (summary.moved_count > 0)
        summary.median_moved_error = stats_median(moved_errors, (size_t)summary.moved_count);
    return summary;
}

static void add_summaries(struct comparison *comparison, struct arena *arena) {
    comparison->summaries = ARENA_NEW(arena, COUNT_OF(rows), struct compare_summary);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct compare_summary summary = summarise(comparison, rows[i].title, arena);
        if (summary.compared_count + summary.missing_count + summary.refused_count > 0)
            comparison->summaries[comparison->summaries_count++] = summary;
    }
}

static bool knows(const char *const *names, int32_t count, const char *name) {
    for (int32_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool complain(struct store *store, const char *wrong, const char *const *names,
                     int32_t count) {
    const char *nearest = text_nearest(wrong, names, (size_t)count);
    snprintf(store->error, sizeof store->error, "%s: has no run of a scenario '%s'%s%s%s",
             store->path, wrong, nearest ? "; did you mean '" : "", nearest ? nearest : "",
             nearest ? "'?" : "");
    return false;
}

bool compare_worlds(struct store *store, const char *const *scenarios, int32_t scenarios_count,
                    const struct compare_mover *mover, struct arena *arena,
                    struct comparison *comparison) {
    const char **known;
    int32_t known_count;
    *comparison = (struct comparison){0};
    if (!store_scenario_names(store, arena, &known, &known_count))
        return false;
    for (int32_t i = 0; i < scenarios_count; i++)
        if (!knows(known, known_count, scenarios[i]))
            return complain(store, scenarios[i], known, known_count);
    const char *const *names = scenarios_count > 0 ? scenarios : known;
    int32_t count = scenarios_count > 0 ? scenarios_count : known_count;
    comparison->cells = ARENA_NEW(arena, ((size_t)count + 1) * COUNT_OF(rows), struct compare_cell);
    for (int32_t i = 0; i < count; i++)
        if (!fill_scenario(store, names[i], mover, arena, comparison))
            return false;
    add_summaries(comparison, arena);
    return true;
}
