/* Simulated against measured, from what both worlds wrote.
 *
 * A cell of the table is compared only when the comparison means something (DESIGN, contract 6):
 * the scenario went into no fit, the prediction was of the very same text, and it had been written
 * down before the measurement began. Repeats of the latest measurement (the same text, code and
 * load, after the same prediction) are one figure: their median, with how far they lie apart.
 * Everything else has its place in the table and says why it is
 * empty; no summary averages over it. */
#ifndef HEADROOM_VALIDATION_COMPARE_COMPARE_H
#define HEADROOM_VALIDATION_COMPARE_COMPARE_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/text.h"
#include "sim/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { COMPARE_SCHEMA_VERSION = 1 };

enum compare_status {
    COMPARE_DONE,
    COMPARE_MISSING, /* `why` says which side */
    COMPARE_REFUSED, /* `why` says by which rule */
};

struct compare_side {
    int64_t run; /* 0: none */
    double value, low, high;
    const char *text; /* of a ceiling: what broke first, or its outcome where there is no value */
    int32_t
        repeats; /* 1, or so many measurements: `value` is their median, low and high the ends */
    double yardstick_ns; /* beside a measurement, the median of its repeats'; NAN: not known */
};

struct compare_cell {
    const char *scenario;
    const char *title, *unit; /* of rows.def */
    enum compare_status status;
    const char *why; /* "" when compared */
    struct compare_side predicted, measured;
    double error; /* (predicted - measured) / measured; 0 where both are 0 or both have no ceiling;
                     infinite where only one of them does; NAN unless compared */
    bool has_interval; /* the prediction has one, and so `is_inside` means something */
    bool is_inside;
    bool has_text; /* both sides say what broke */
    bool same_text;
    struct compare_side moved; /* the prediction for the speed that the machine had; run 0: none */
    double factor;             /* of that speed: what a bare send took over what it took when the
                                  costs were measured */
    double moved_error;        /* as `error` */
    bool is_moved_inside;
};

/* Predicts again what was compared, at the speed of the measurement (measured.yardstick_ns): sets
 * moved and factor where it can, leaves moved.run 0 where it cannot. False: the store failed. */
struct compare_mover {
    bool (*move)(void *context, struct compare_cell *cell);
    void *context;
};

struct compare_summary { /* of one title, over the cells that were compared */
    const char *title;
    int32_t compared_count, missing_count, refused_count;
    double median_error, worst_error; /* absolute; NAN: nothing was compared */
    const char *worst_scenario;
    int32_t intervals_count, inside_count;
    int32_t texts_count, same_text_count;
    int32_t moved_count, moved_inside_count;
    double median_moved_error, worst_moved_error; /* absolute; NAN: nothing was moved */
};

struct comparison {
    struct compare_cell *cells; /* by scenario, then in the order of rows.def */
    int32_t cells_count;
    struct compare_summary *summaries; /* in the order of rows.def; those with any cell */
    int32_t summaries_count;
};

/* Of the scenarios named, or of all in the store (count 0). A row that neither world has anything
 * about in a scenario is left out of it. Active ceilings are predicted again by `mover`, where
 * there is one (else NULL). False: the store failed, or knows no scenario of a name (store->error).
 * All of it lives in `arena`. */
bool compare_worlds(struct store *store, const char *const *scenarios, int32_t scenarios_count,
                    const struct compare_mover *mover, struct arena *arena,
                    struct comparison *comparison) MUST_USE;

/* Two runs, metric by metric, in the order of the metrics' names. */
struct compare_metric {
    const char *name, *unit;
    bool has_a, has_b;
    double a, b;                 /* NAN: not known */
    const char *a_text, *b_text; /* "" for none */
    double ratio;                /* b / a - 1; NAN where it has no meaning */
};

struct run_comparison {
    struct store_run a, b;
    struct compare_metric *metrics;
    int32_t metrics_count;
};

/* False: the store failed or has no such run. */
bool compare_runs(struct store *store, int64_t a, int64_t b, struct arena *arena,
                  struct run_comparison *comparison) MUST_USE;

enum compare_format { COMPARE_TEXT, COMPARE_MARKDOWN, COMPARE_JSON };
void compare_write(const struct comparison *comparison, enum compare_format format,
                   struct text *out);
void compare_runs_write(const struct run_comparison *comparison, enum compare_format format,
                        struct text *out);

#endif
