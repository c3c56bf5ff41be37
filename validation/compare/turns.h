/* Two recordings of turns side by side, and the first place where they part.
 *
 * Turns feed back: a dearer write makes a longer turn, a longer turn gathers more, and then
 * everything counted per turn differs. So the walk begins with what the load alone decides (given),
 * goes on to what the same work costs, by size of turn, and ends with what follows from both. "The
 * same work" is priced by the simulated turns themselves: a linear fit of their time to their
 * counts, evaluated at each turn of either world. What is named first has no cause before it that
 * was looked at.
 *
 * Standard errors are of batches of consecutive turns. Sees neither world, only what both wrote. */
#ifndef HEADROOM_VALIDATION_COMPARE_TURNS_H
#define HEADROOM_VALIDATION_COMPARE_TURNS_H

#include "models/workload/turn.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TURNS_BATCHES = 20,
    TURNS_LEAST = 10, /* fewer turns of a size have no error that could be trusted */
    TURNS_SIZES = 32, /* bins: no socket touched, 1, 2 to 3, 4 to 7, ... */
    TURNS_SCHEMA_VERSION = 1
};
extern const double TURNS_PART_SHARE;  /* what differs by less is let go, */
extern const double TURNS_PART_ERRORS; /* and what lies within so many standard errors */
extern const double TURNS_EXCESS_MIN;  /* and a cost that moves the measured time by less; a size
                                          with less of that */

enum turns_kind { TURNS_GIVEN, TURNS_COST, TURNS_RESULT };
enum turns_figure {
#define FIGURE(kind, name, numerator, denominator, unit, doc) TURNS_##name,
#include "validation/compare/turns.def"
#undef FIGURE
    TURNS_FIGURES
};
enum turns_world { TURNS_SIMULATED, TURNS_MEASURED, TURNS_WORLDS };

struct turns_value { /* NAN: there is nothing to divide by */
    double value, error;
};

struct turns_row { /* one figure, over all turns or those of one size */
    struct turns_value world[TURNS_WORLDS];
    double ratio, ratio_error; /* measured / simulated */
    bool parts;
    bool could_hide; /* what would count as parting lies within its error */
};

struct turns_spread { /* of one column over turns */
    double mean, p10, p50, p90;
};

struct turns_size { /* turns that touched from `low` to `high` sockets */
    int64_t low, high;
    int64_t turns[TURNS_WORLDS];
    double share[TURNS_WORLDS];   /* of all turns */
    double excess[TURNS_FIGURES]; /* of a COST: what it takes more than simulated, as a share of
                                     all measured time */
    double frames_per_write[TURNS_WORLDS], bytes_per_write[TURNS_WORLDS];
    double ns_per_write[TURNS_WORLDS], ns_per_read[TURNS_WORLDS];
    struct turns_row cost[TURNS_FIGURES]; /* of the COSTs only */
};

enum turns_verdict { TURNS_AGREE, TURNS_PART, TURNS_CANNOT_TELL };

struct turns_comparison {
    int64_t turns[TURNS_WORLDS], lost[TURNS_WORLDS]; /* in the window; overwritten before */
    struct turns_spread spread[TURN_COLUMNS][TURNS_WORLDS];
    struct turns_row rows[TURNS_FIGURES];
    struct turns_size sizes[TURNS_SIZES]; /* those that occur, small ones first */
    int32_t sizes_count;
    enum turns_verdict verdict;
    enum turns_figure first; /* where they part */
    int32_t first_size;      /* index into sizes; -1: over all turns */
    enum turns_figure most;  /* the cost with the largest excess, */
    int32_t most_size;       /* and where; -1: none parts */
};

void turns_compare(const struct turn_file *simulated, const struct turn_file *measured,
                   struct turns_comparison *comparison);

enum turns_kind turns_figure_kind(enum turns_figure figure);
const char *turns_figure_name(enum turns_figure figure);
const char *turns_figure_unit(enum turns_figure figure);
const char *turns_figure_doc(enum turns_figure figure);
const char *turns_verdict_name(enum turns_verdict verdict); /* "agree", "part", "cannot_tell" */

/* Tables and a last line that says where they part; or JSON. */
void turns_write_text(const struct turns_comparison *comparison, struct text *out);
void turns_write_json(const struct turns_comparison *comparison, struct text *out);

#endif
