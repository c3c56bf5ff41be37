/* A profile: what things cost on one machine, how sure we are, and where each figure came from.
 *
 * The costs are rows (rows/cost.def). A profile file is JSON:
 *   { "schema_version": 1, "name": "...", "made_at": "2026-11-24T21:00:00Z", "mode": "quick",
 *     "machine": { "<fact>": "<text>", ... }, "pinned": { "<what>": "<text>", ... },
 *     "yardsticks": { "send_loop": {"value": 1700, "spread": 0.02, "unit": "ns"}, ... },
 *     "costs": { "<row>": { "value": 1.0, "stderr": 0.1, "unit": "ns", "source": "measured",
 * "note": "...", "elasticity": 0.8, "elasticity_stderr": 0.1 }, ... }, "correlation": [ ["write",
 * "byte", -0.3], ... ],         pairs not listed are uncorrelated "fit": { "windows": 900,
 * "blocks": 24, "condition_number": 12.0, "lack_of_fit_p": 0.2, "cpu_accounted_share": 0.99,
 * "turn_error": 0.07 } } Unknown keys and costs that are missing are errors with a place, like a
 * scenario's. */
#ifndef HEADROOM_MODELS_SPEC_PROFILE_H
#define HEADROOM_MODELS_SPEC_PROFILE_H

#include "sim/base/arena.h"
#include "sim/base/diag.h"
#include "sim/base/rng.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum cost {
#define COST(name, unit, lowest, highest, doc) COST_##name,
#include "models/spec/rows/cost.def"
#undef COST
    COST_COUNT
};

enum profile_source { PROFILE_MEASURED, PROFILE_PUBLISHED, PROFILE_ASSUMED };

struct profile_entry {
    double value;
    double standard_error;
    enum profile_source source;
    const char *note; /* experiment, paper or reason; "" for none */
    /* How far it follows the machine's speed: it goes with the yardstick "send" to this power. 0:
     * not known, and taken for 1. */
    double elasticity, elasticity_error;
};

struct profile_fact {
    const char *name, *text;
};

struct profile_yardstick {
    const char *name, *unit;
    double value;  /* what the costs are at: of "send" the lower quartile, else the median */
    double spread; /* (p95 - p5) / 2, as a share of it */
};

enum { PROFILE_SCHEMA_VERSION = 1, PROFILE_FACTS_MAX = 32, PROFILE_YARDSTICKS_MAX = 8 };

struct profile {
    const char *name, *made_at, *mode;
    struct profile_entry costs[COST_COUNT];
    double correlation[COST_COUNT][COST_COUNT]; /* symmetric, ones on the diagonal */
    struct profile_fact machine[PROFILE_FACTS_MAX], pinned[PROFILE_FACTS_MAX];
    int32_t machine_count, pinned_count;
    struct profile_yardstick yardsticks[PROFILE_YARDSTICKS_MAX];
    int32_t yardsticks_count;
    double windows, blocks, condition_number, lack_of_fit_p, cpu_accounted_share,
        turn_error; /* of the fit; NAN: not known */
};

/* What the simulator reads: the values alone. */
struct profile_costs {
    double value[COST_COUNT];
};

bool profile_parse(struct profile *profile, const char *text, const char *file, struct arena *arena,
                   struct diag *diag) MUST_USE;
void profile_write(const struct profile *profile, struct text *out);

struct profile_costs profile_means(const struct profile *profile);
/* One draw of all costs: multivariate normal with the profile's standard errors and correlations
 * (Cholesky, GSL; a correlation matrix that is not positive definite is shrunk towards the
 * identity), clamped to each row's range. */
struct profile_costs profile_draw(const struct profile *profile, struct rng *rng);

/* The share of sockets that are no longer in the cache when they are visited again, where so many
 * others are visited in between: 1 - 256 / sockets, 0 up to 256, as in a cache that holds 256 of
 * the things that are asked for in no order. What the rows `*_cold` and `write_scatter` are
 * multiplied with. */
double profile_evicted(double sockets);

/* The same costs on a machine that has become `factor` times as slow: every row in ns that
 * a calibration measures, but for `steal`, by its elasticity, with its standard error. `factor`:
 * the yardstick "send" taken beside what is to be predicted, over the profile's own; `error`: how
 * sure that is, its standard error as a share. What both it and the elasticities leave open is
 * common to all costs, and goes into their errors and correlations. */
void profile_move(struct profile *profile, double factor, double error);
/* NULL: the profile has no such yardstick. */
const struct profile_yardstick *profile_find_yardstick(const struct profile *profile,
                                                       const char *name);

/* What stands in the rows for a cost that no calibration measures; NULL: it is one that is
 * measured. */
const struct profile_entry *profile_assumed(enum cost cost);

const char *profile_cost_name(enum cost cost);
const char *profile_cost_unit(enum cost cost);
const char *profile_cost_doc(enum cost cost);
double profile_cost_lowest(enum cost cost);
double profile_cost_highest(enum cost cost);
const char *profile_source_name(enum profile_source source);
void profile_write_reference(struct text *out); /* docs/reference/profile.md */

#endif
