/* From runs to cells, and from cells to summaries. */
#include "validation/compare/accuracy.h"

#include "sim/base/stats.h"
#include "validation/compare/repeats.h"

#include <math.h>
#include <string.h>

static const struct figure {
    const char *title, *unit, *predicted, *otherwise, *measured;
    enum accuracy_group group;
    enum accuracy_class class;
    enum accuracy_part part;
} figures[ACCURACY_FIGURES] = {
#define FIGURE(name, group_, class_, title_, unit_, part_, predicted_, otherwise_, measured_)      \
    [ACCURACY_FIGURE_##name] = {.title = title_,                                                   \
                                .unit = unit_,                                                     \
                                .predicted = predicted_,                                           \
                                .otherwise = otherwise_,                                           \
                                .measured = measured_,                                             \
                                .group = ACCURACY_##group_,                                        \
                                .class = ACCURACY_CLASS_##class_,                                  \
                                .part = ACCURACY_##part_},
#include "validation/compare/figures.def"
#undef FIGURE
};

static const struct {
    const char *title;
    double median_max, worst_max;
} classes[ACCURACY_CLASSES] = {
#define CLASS(name, title, median_max, worst_max)                                                  \
    [ACCURACY_CLASS_##name] = {title, (double)(median_max), (double)(worst_max)},
#include "validation/compare/bars.def"
#undef CLASS
};

const double ACCURACY_INSIDE_MIN = 0.9;
const double ACCURACY_HALF_WIDTH_MAX = 0.1;

const char *accuracy_figure_title(enum accuracy_figure figure) {
    return figures[figure].title;
}
const char *accuracy_figure_unit(enum accuracy_figure figure) {
    return figures[figure].unit;
}
const char *accuracy_class_title(enum accuracy_class class) {
    return classes[class].title;
}
double accuracy_class_median_max(enum accuracy_class class) {
    return classes[class].median_max;
}
double accuracy_class_worst_max(enum accuracy_class class) {
    return classes[class].worst_max;
}

/* A search that found no ceiling has its outcome where the value would be. */
static enum store_found read_metric(struct store *store, int64_t run, const char *name,
                                    const char *otherwise, struct arena *arena,
                                    struct accuracy_side *side) {
    struct store_metric metric, outcome;
    enum store_found found = store_metric_of(store, run, name, arena, &metric);
    if ((found == STORE_MISSING || (found == STORE_FOUND && isnan(metric.value))) && otherwise)
        found = store_metric_of(store, run, otherwise, arena, &metric);
    if (found != STORE_FOUND)
        return found;
    *side = (struct accuracy_side){metric.value, metric.low, metric.high,
                                   metric.text ? metric.text : ""};
    if (!isnan(metric.value))
        return STORE_FOUND;
    found = store_metric_of(store, run, "ceiling.outcome", arena, &outcome);
    if (found == STORE_FOUND && outcome.text)
        side->text = outcome.text;
    return found == STORE_FAILED ? STORE_FAILED : STORE_FOUND;
}

/* STORE_MISSING: not predicted at this factor. */
static enum store_found read_prediction(struct store *store, const struct accuracy_options *options,
                                        const struct accuracy_case *one,
                                        const struct figure *figure, double factor,
                                        struct arena *arena, struct accuracy_side *side) {
    struct store_run run;
    enum store_found found =
        accuracy_find_prediction(store, options, one, figure->part, factor, arena, &run);
    return found != STORE_FOUND
               ? found
               : read_metric(store, run.id, figure->predicted, figure->otherwise, arena, side);
}

static bool read_measured(struct store *store, const struct figure *figure,
                          const struct accuracy_progress *progress, struct arena *arena,
                          struct accuracy_cell *cell) {
    struct repeats repeats = {0};
    for (int32_t i = 0; i < progress->done_count; i++) {
        struct accuracy_side side;
        enum store_found found =
            read_metric(store, progress->runs[i], figure->measured, NULL, arena, &side);
        if (found == STORE_FAILED)
            return false;
        if (found == STORE_FOUND)
            repeats_add(&repeats, side.value, side.text);
    }
    struct repeats_summary summary = repeats_summarise(&repeats);
    cell->measured =
        (struct accuracy_side){summary.median, summary.low, summary.high, summary.text};
    cell->repeats_count = repeats.count;
    return true;
}

static double error_of(const struct accuracy_side *predicted,
                       const struct accuracy_side *measured) {
    if (isnan(predicted->value) && isnan(measured->value))
        return strcmp(predicted->text, measured->text) == 0 ? 0 : (double)INFINITY;
    if (isnan(predicted->value) || isnan(measured->value))
        return (double)INFINITY;
    if (predicted->value == measured->value)
        return 0;
    return (predicted->value - measured->value) / measured->value;
}

static bool is_inside(const struct accuracy_side *predicted, const struct accuracy_side *measured) {
    return predicted->low <= measured->value && measured->value <= predicted->high;
}

static void compare(struct accuracy_cell *cell) {
    const struct accuracy_side *raw = &cell->raw, *moved = &cell->moved,
                               *measured = &cell->measured;
    bool is_by_text = figures[cell->figure].class == ACCURACY_CLASS_VERDICT;
    cell->raw_error = is_by_text ? (double)NAN : error_of(raw, measured);
    cell->moved_error = is_by_text ? (double)NAN : error_of(moved, measured);
    cell->has_interval = !isnan(moved->low) && !isnan(moved->high) && !isnan(raw->low);
    cell->is_raw_inside = cell->has_interval && is_inside(raw, measured);
    cell->is_moved_inside = cell->has_interval && is_inside(moved, measured);
    cell->has_text = *moved->text && *measured->text;
    cell->is_same_text = cell->has_text && strcmp(moved->text, measured->text) == 0;
}

static const char *why_missing(const struct accuracy_progress *progress, struct arena *arena) {
    if (progress->refused_count > 0)
        return arena_new_format(arena, "refused %d times, the last: %s", progress->refused_count,
                                progress->refused);
    return "not measured";
}

static bool fill_cell(struct store *store, const struct accuracy_options *options,
                      const struct accuracy_case *one, struct arena *arena,
                      struct accuracy_cell *cell) {
    const struct figure *figure = &figures[cell->figure];
    struct accuracy_progress progress;
    enum store_found found = read_prediction(store, options, one, figure, 1, arena, &cell->raw);
    if (found == STORE_MISSING)
        cell->missing = "not predicted";
    if (found != STORE_FOUND)
        return found == STORE_MISSING;
    if (!accuracy_progress_of(store, options, one, figure->part, arena, &progress) ||
        !read_measured(store, figure, &progress, arena, cell))
        return false;
    cell->factor = progress.factor;
    cell->refused_count = progress.refused_count;
    if (cell->repeats_count == 0) {
        cell->missing = why_missing(&progress, arena);
        return true;
    }
    found = read_prediction(store, options, one, figure, progress.factor, arena, &cell->moved);
    if (found == STORE_MISSING)
        cell->missing = "not predicted at the speed that the machine had";
    if (found == STORE_FOUND)
        compare(cell);
    return found != STORE_FAILED;
}

/* --- summaries --- */

static void add_worst(double *worst, const char **worst_name, double error, const char *name) {
    if (isnan(*worst) || error > *worst) {
        *worst = error;
        *worst_name = name;
    }
}

/* `class` ACCURACY_CLASSES: all of them. */
static struct accuracy_summary summarise(const struct accuracy_report *report,
                                         enum accuracy_class class, struct arena *arena) {
    const double nan = (double)NAN;
    struct accuracy_summary sum = {.class = class,
                                   .raw_median = nan,
                                   .raw_worst = nan,
                                   .moved_median = nan,
                                   .moved_worst = nan,
                                   .half_width_median = nan,
                                   .raw_worst_name = "",
                                   .moved_worst_name = ""};
    double *raw = ARENA_NEW(arena, (size_t)report->cells_count + 1, double);
    double *moved = ARENA_NEW(arena, (size_t)report->cells_count + 1, double);
    double *widths = ARENA_NEW(arena, (size_t)report->cells_count + 1, double);
    size_t widths_count = 0;
    for (int32_t i = 0; i < report->cells_count; i++) {
        const struct accuracy_cell *cell = &report->cells[i];
        if (class != ACCURACY_CLASSES && figures[cell->figure].class != class)
            continue;
        sum.missing_count += cell->missing != NULL;
        sum.compared_count += cell->missing == NULL;
        if (cell->missing != NULL)
            continue;
        sum.intervals_count += cell->has_interval;
        if (cell->has_interval && cell->moved.value > 0)
            widths[widths_count++] = (cell->moved.high - cell->moved.low) / 2 / cell->moved.value;
        sum.raw_inside_count += cell->is_raw_inside;
        sum.moved_inside_count += cell->is_moved_inside;
        sum.texts_count += cell->has_text;
        sum.same_text_count += cell->is_same_text;
        if (isnan(cell->moved_error))
            continue;
        raw[sum.errors_count] = fabs(cell->raw_error);
        moved[sum.errors_count++] = fabs(cell->moved_error);
        add_worst(&sum.raw_worst, &sum.raw_worst_name, fabs(cell->raw_error), cell->name);
        add_worst(&sum.moved_worst, &sum.moved_worst_name, fabs(cell->moved_error), cell->name);
    }
    if (sum.errors_count > 0) {
        sum.raw_median = stats_median(raw, (size_t)sum.errors_count);
        sum.moved_median = stats_median(moved, (size_t)sum.errors_count);
    }
    if (widths_count > 0)
        sum.half_width_median = stats_median(widths, widths_count);
    return sum;
}

/* ACCURACY_CLASSES: of all classes. */
static double median_ratio_of(const struct accuracy_report *report, enum accuracy_class class) {
    struct arena arena;
    arena_init(&arena);
    double *ratios = ARENA_NEW(&arena, (size_t)report->cells_count + 1, double);
    size_t count = 0;
    for (int32_t i = 0; i < report->cells_count; i++) {
        const struct accuracy_cell *cell = &report->cells[i];
        bool is_asked = class == ACCURACY_CLASSES || figures[cell->figure].class == class;
        if (is_asked && cell->missing == NULL && !isnan(cell->moved_error)) {
            double ratio = 1 + cell->moved_error;
            ratios[count++] = ratio <= 0 ? (double)INFINITY : fmax(ratio, 1 / ratio);
        }
    }
    double median = count > 0 ? stats_median(ratios, count) : (double)NAN;
    arena_fini(&arena);
    return median;
}

double accuracy_median_ratio(const struct accuracy_report *report) {
    return median_ratio_of(report, ACCURACY_CLASSES);
}

double accuracy_gate_ratio(const struct accuracy_report *report) {
    return fmax(accuracy_median_ratio(report), median_ratio_of(report, ACCURACY_CLASS_ACTIVE));
}

bool accuracy_compare(struct store *store, const struct accuracy_options *options,
                      struct arena *arena, struct accuracy_report *report) {
    const double nan = (double)NAN;
    const struct accuracy_side none = {nan, nan, nan, ""};
    *report = (struct accuracy_report){.repeats_most = 0};
    report->cells =
        ARENA_NEW(arena, (size_t)options->cases_count * ACCURACY_FIGURES + 1, struct accuracy_cell);
    for (int32_t i = 0; i < options->cases_count; i++)
        for (int f = 0; f < ACCURACY_FIGURES; f++) {
            if (!(options->cases[i].groups >> figures[f].group & 1))
                continue;
            struct accuracy_cell *cell = &report->cells[report->cells_count++];
            *cell = (struct accuracy_cell){.name = options->cases[i].name,
                                           .figure = (enum accuracy_figure)f,
                                           .raw = none,
                                           .moved = none,
                                           .measured = none,
                                           .factor = 1,
                                           .raw_error = nan,
                                           .moved_error = nan};
            if (!fill_cell(store, options, &options->cases[i], arena, cell))
                return false;
            if (cell->repeats_count > report->repeats_most)
                report->repeats_most = cell->repeats_count;
        }
    for (int c = 0; c < ACCURACY_CLASSES; c++)
        report->classes[c] = summarise(report, (enum accuracy_class)c, arena);
    report->all = summarise(report, ACCURACY_CLASSES, arena);
    return true;
}
