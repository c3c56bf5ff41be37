/* How right the predictions are: many cases, each measured several times, from what both worlds
 * wrote in the store.
 *
 * A case is measured in parts (a search for its ceiling, three loads below the predicted one, its
 * own load, a ramp of connections), and a figure is read from one part. Every run that was made for
 * a part says so in the metric ACCURACY_PART_METRIC, so that what is done already, and what is
 * left, is a question to the store: nothing else is kept between two starts of the command.
 *
 * Two errors stand side by side. The raw one is of the prediction that was written down before
 * anything was measured. The moved one is of the same costs at the speed that the machine had
 * during the measurements: the factor is the median of the yardsticks taken beside them over the
 * profile's, and never knows the result. A cell that has no measurement is missing, and averaged
 * over by nobody. */
#ifndef HEADROOM_VALIDATION_COMPARE_ACCURACY_H
#define HEADROOM_VALIDATION_COMPARE_ACCURACY_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/text.h"
#include "sim/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Of a run made for a part: the part's name as text; of a simulated one the factor as value. */
#define ACCURACY_PART_METRIC "accuracy.part"
/* Of a predicted search: the scale of the steady-state ceiling, of which the loads are shares. */
#define ACCURACY_SCALE_METRIC "ceiling.scale"

enum { ACCURACY_SCHEMA_VERSION = 1 };

enum accuracy_part {
    ACCURACY_SEARCH, /* the active ceiling */
    ACCURACY_AT_30,  /* 30 % of the predicted steady-state ceiling, and so on */
    ACCURACY_AT_60,
    ACCURACY_AT_80,
    ACCURACY_AT_OWN, /* the scenario's own load */
    ACCURACY_RAMP,   /* connections until the gateway lets nobody in */
    ACCURACY_PARTS
};
const char *accuracy_part_name(enum accuracy_part part);
double accuracy_part_share(enum accuracy_part part); /* of the ceiling; NAN: no such load */

/* The words of the index (figures.def). */
enum accuracy_group {
    ACCURACY_CEILING,
    ACCURACY_LATENCY,
    ACCURACY_MEMORY,
    ACCURACY_DESCRIPTORS,
    ACCURACY_CLOSED,
    ACCURACY_DROPPED,
    ACCURACY_CONFLATED,
    ACCURACY_QUEUED,
    ACCURACY_VERDICT,
    ACCURACY_GROUPS
};
extern const char *const accuracy_group_names[ACCURACY_GROUPS];

struct accuracy_case {
    const char *name;       /* the scenario's */
    uint64_t scenario_hash; /* of its canonical text */
    uint32_t groups;        /* bits, by enum accuracy_group */
};
/* Whether any of the case's figures is read from this part. */
bool accuracy_needs(const struct accuracy_case *one, enum accuracy_part part);
/* The same, or the part's prediction is needed for another one's load. */
bool accuracy_must_predict(const struct accuracy_case *one, enum accuracy_part part);

struct accuracy_options {
    const struct accuracy_case *cases; /* borrowed */
    int32_t cases_count;
    uint64_t code_hash, profile_hash; /* of the runs that count; the rest is another experiment */
    double yardstick_ns;              /* the profile's "send"; NAN: it has none, nothing is moved */
    int32_t repeats;                  /* wanted of each part */
    int32_t refusals_max;             /* of each part, before it is given up */
};

/* The prediction of a part at a factor (1: raw, written down before it was measured): the earliest
 * one, so that every measurement since counts. */
enum store_found accuracy_find_prediction(struct store *store,
                                          const struct accuracy_options *options,
                                          const struct accuracy_case *one, enum accuracy_part part,
                                          double factor, struct arena *arena,
                                          struct store_run *run) MUST_USE;

/* What there is of a part's measurements, all begun after its raw prediction was written. */
struct accuracy_progress {
    int32_t done_count, refused_count;
    const char *refused; /* why, the latest; "" for none */
    double factor;       /* median yardstick over the profile's, in steps of COMPARE_FACTOR_STEP; 1
                            without yardsticks */
    const int64_t *runs; /* [done_count] */
};
bool accuracy_progress_of(struct store *store, const struct accuracy_options *options,
                          const struct accuracy_case *one, enum accuracy_part part,
                          struct arena *arena, struct accuracy_progress *progress) MUST_USE;
/* Whether a further measurement of the part is wanted. */
bool accuracy_is_left(const struct accuracy_options *options,
                      const struct accuracy_progress *progress);

enum accuracy_figure {
#define FIGURE(name, group, class, title, unit, part, predicted, otherwise, measured)              \
    ACCURACY_FIGURE_##name,
#include "validation/compare/figures.def"
#undef FIGURE
    ACCURACY_FIGURES
};

enum accuracy_class {
#define CLASS(name, title, median_max, worst_max) ACCURACY_CLASS_##name,
#include "validation/compare/bars.def"
#undef CLASS
    ACCURACY_CLASSES
};

struct accuracy_side {
    double value, low, high; /* NAN: none */
    const char *text;        /* "" for none: what broke first, a search's outcome, a verdict */
};

struct accuracy_cell {
    const char *name; /* of the case */
    enum accuracy_figure figure;
    const char *missing;                       /* why; NULL: compared */
    struct accuracy_side raw, moved, measured; /* measured: median, lowest, highest */
    double factor;
    int32_t repeats_count, refused_count;
    double raw_error, moved_error; /* (predicted - measured) / measured; infinite where only one
                                      side has a value, or the measured one is 0; NAN: by text */
    bool has_interval, is_raw_inside, is_moved_inside; /* of the measured median */
    bool has_text, is_same_text;                       /* of the moved prediction */
};

struct accuracy_summary { /* of a class */
    enum accuracy_class class;
    int32_t compared_count, missing_count;
    int32_t errors_count;                                    /* of those compared by number */
    double raw_median, raw_worst, moved_median, moved_worst; /* absolute; NAN: none */
    const char *raw_worst_name, *moved_worst_name;
    int32_t intervals_count, raw_inside_count, moved_inside_count;
    double half_width_median; /* of the moved intervals, as a share of the value; NAN: none */
    int32_t texts_count, same_text_count;
};

struct accuracy_report {
    struct accuracy_cell *cells; /* by case, then in the order of figures.def */
    int32_t cells_count;
    struct accuracy_summary classes[ACCURACY_CLASSES];
    struct accuracy_summary all;
    int32_t repeats_most; /* of any cell */
};

/* False: the store failed (store->error). All of it lives in `arena`. */
bool accuracy_compare(struct store *store, const struct accuracy_options *options,
                      struct arena *arena, struct accuracy_report *report) MUST_USE;

/* Median over all figures with numbers of how many times one side is of the other, after moving:
 * max(predicted / measured, measured / predicted); NAN: nothing was compared. */
double accuracy_median_ratio(const struct accuracy_report *report);
/* The same of the active ceilings alone where that is larger: what a gate is held against. Figures
 * that no cost moves (counts, descriptors) must not hide a ceiling that is wrong. */
double accuracy_gate_ratio(const struct accuracy_report *report);

const char *accuracy_figure_title(enum accuracy_figure figure);
const char *accuracy_figure_unit(enum accuracy_figure figure);
const char *accuracy_class_title(enum accuracy_class class);
double accuracy_class_median_max(enum accuracy_class class); /* the bar; NAN: none */
double accuracy_class_worst_max(enum accuracy_class class);

/* The bar of the issue for intervals, all figures together. */
extern const double ACCURACY_INSIDE_MIN, ACCURACY_HALF_WIDTH_MAX;

/* What the table was made from, for its head. */
struct accuracy_origin {
    const char *date, *code, *profile, *machine;
};
enum accuracy_format { ACCURACY_TEXT, ACCURACY_MARKDOWN, ACCURACY_JSON };
void accuracy_write(const struct accuracy_report *report, const struct accuracy_origin *origin,
                    enum accuracy_format format, struct text *out);

#endif
