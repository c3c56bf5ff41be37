/* `headroom explain`: a printed number back to the formula or the samples that it came from, with
 * every input that moves it and where that input comes from.
 *
 * Nothing is listed by hand that can be found out: which inputs move a figure is seen by changing
 * each (cli/change.h), so the answer is right for whatever the model has become since. */
#ifndef HEADROOM_CLI_EXPLAIN_H
#define HEADROOM_CLI_EXPLAIN_H

#include "cli/change.h"
#include "cli/costs.h"
#include "cli/files.h"
#include "cli/input_source.h"
#include "cli/options.h"
#include "models/cluster/closed_form.h"
#include "models/cluster/extent.h"
#include "models/cluster/layout.h"
#include "models/workload/outcome.h"
#include "sim/base/stats.h"
#include "sim/store/store.h"

#include <cjson/cJSON.h>

/* What the figures are of: a run of the store, or a scenario that is simulated for it. */
struct explain_subject {
    const struct options *options;
    struct arena *arena;
    struct store *store;           /* NULL: a scenario */
    struct store_run run;          /* of the store */
    struct scenario *scenario;     /* NULL: the run has none that can be read */
    const struct profile *profile; /* NULL: likewise */
    struct profile_costs means;
    double scale;
    struct layout layout;
    struct outcome outcome; /* of a scenario: run when a metric of it is asked for */
    bool has_outcome;
    bool is_simulated; /* by these costs: there are scenario, profile and all below */
    struct closed_form form;
    struct closed_form_ceiling ceiling;
    struct extent extents[RANGE_COUNT];
};

struct explain_input {
    struct change change;
    const char *value; /* with its unit */
    const char *note;  /* where it comes from; "" for none */
    enum input_source tag;
    double error;      /* standard error, as a share of a cost's value; NAN: a field */
    double elasticity; /* d log(figure) / d log(it), in simulation; NAN: it does not move it */
    double time_share; /* of a ceiling: of the busiest worker's time there, by the closed form */
    double halved_closed_form, halved_simulated; /* of a ceiling: what halving it buys, as a share;
                                                    NAN: not asked */
};

enum explain_kind {
    EXPLAIN_SAMPLES, /* a statistic of a histogram */
    EXPLAIN_FORMULA, /* worked out from other figures */
    EXPLAIN_COUNT,   /* counted or timed while the run went on */
    EXPLAIN_SEARCH,  /* found by trying values */
    EXPLAIN_COST     /* a cost of a profile */
};
const char *explain_kind_name(enum explain_kind kind);

enum { EXPLAIN_LINES_MAX = 12, EXPLAIN_FIGURES_MAX = 512 };

struct explain_figure {
    const char *name, *unit, *doc;
    struct stats_interval value; /* low, high NAN: no interval */
    const char *text;            /* a value in words; NULL: a number */
    enum explain_kind kind;
    const char *lines[EXPLAIN_LINES_MAX]; /* how it comes about, with the numbers put in */
    int32_t lines_count;
    double again;                 /* worked out here once more; NAN: it cannot be */
    double closed_form;           /* what arithmetic says; NAN: nothing */
    const char *closed_form_of;   /* its formula */
    struct explain_input *inputs; /* those that move it first, the strongest first */
    int32_t inputs_count;
    bool is_ceiling;
};

/* Lines beyond the last are CHECKed. */
void explain_line(struct explain_subject *subject, struct explain_figure *figure,
                  const char *format, ...) PRINTF_LIKE(3, 4);
/* A figure of which nothing is known yet. */
struct explain_figure explain_new_figure(const char *name);

/* Fills a metric of the run, or of a run of the scenario. False: there is no such figure. */
bool explain_metric(struct explain_subject *subject, const char *name,
                    struct explain_figure *figure) MUST_USE;
/* Likewise the ceilings and the room cap. */
bool explain_ceiling(struct explain_subject *subject, const char *name,
                     struct explain_figure *figure) MUST_USE;

/* Every field and cost, with its tag; nothing is known yet of what moves what. */
void explain_list_inputs(struct explain_subject *subject, bool costs_only,
                         struct explain_figure *figure);
/* Finds what moves a metric, by simulating each change. */
void explain_find_movers(struct explain_subject *subject, enum outcome_metric metric,
                         struct explain_figure *figure);
void explain_sort_inputs(struct explain_figure *figure);

/* Axes along which the scenario leaves the range of a calibration, of costs that were measured.
 * Returns how many. */
int32_t explain_leaves(const struct explain_subject *subject, enum range_axis axes[RANGE_COUNT]);

void explain_print_text(const struct explain_subject *subject, const struct explain_figure *figures,
                        int32_t count);
void explain_print_json(const struct explain_subject *subject, const struct explain_figure *figures,
                        int32_t count);

#endif
