/* From counts and times to costs: a non-negative, robust least-squares fit whose errors come from
 * whole blocks.
 *
 * A block is some seconds under one load, cut into windows. Its windows share the machine's mood of
 * those seconds, so they are not independent measurements: a covariance over windows is several
 * times too small. Windows therefore only make their block's row better, wild ones weighing nothing
 * (against the other windows of their own block, never against the model: a mechanism that the
 * model lacks must show as lack of fit and not as outliers). What is fitted are the rows, and the
 * errors come from leaving out one block at a time.
 *
 * A row's error counts as a share of all that was done in its windows, of which the fitted phase
 * may be a small part: what a turn costs must be right where turns are short, and a poll that finds
 * its caches cold after five thousand writes must not make all turns dear.
 *
 * A machine that others use is slower at times, in all that it does, by 10 to 90 %. How slow it was
 * around a block is known from a yardstick; how far the fitted phase follows is one more unknown,
 * the elasticity e: a row's time is that of its counts times speed^e. Dividing by the yardstick
 * (e = 1) would be wrong by a fifth in a slow hour, and leaving slow blocks out leaves nothing.
 * Where the speed hardly varies the data say nothing of e, and it stays where most calibrations
 * found it. */
#ifndef HEADROOM_VALIDATION_CALIBRATE_FIT_H
#define HEADROOM_VALIDATION_CALIBRATE_FIT_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stdint.h>

enum { FIT_TERMS_MAX = 8, FIT_BLOCKS_MAX = 1024, FIT_BLOCK_WINDOWS_MAX = 512 };

struct fit_window {
    double counts[FIT_TERMS_MAX]; /* of each term */
    double ns;                    /* > 0: spent on all of them together */
    double whole_ns;              /* >= ns: what an error is measured against */
    double log_speed; /* of its block: ln of how slow the machine was, 0 at the reference */
    int32_t block;    /* 0 .. FIT_BLOCKS_MAX - 1; in ascending order */
};

struct fit_row { /* a block: weighted means over its windows */
    double counts[FIT_TERMS_MAX];
    double ns, whole_ns, log_speed;
    int32_t block, cell; /* blocks of one cell are replicates of each other */
};

struct fit_rows {
    struct fit_row rows[FIT_BLOCKS_MAX];
    int32_t count, terms;
    int32_t windows_wild; /* weighing less than half */
};

struct fit {
    double value[FIT_TERMS_MAX];          /* ns per count at the reference speed, >= 0 */
    double standard_error[FIT_TERMS_MAX]; /* taking the rows as independent; see fit_jackknife */
    double elasticity, elasticity_error;  /* of the phase's time to the yardstick's */
    double spread;           /* of the rows' residuals as shares of the whole, standard deviation */
    double condition_number; /* of the design with columns of length one */
    double lack_of_fit_p;    /* NAN: no replicates */
    double cell_variance;    /* of what cells deviate by beyond their replicates' scatter, as shares
                                of the whole; 0 without replicates */
};

/* Windows into rows; `cells[block]` says which blocks are replicates. A block of fewer than three
 * windows gives no row, and of more than FIT_BLOCK_WINDOWS_MAX the first ones count. */
void fit_collapse(struct fit_rows *rows, const struct fit_window *windows, int32_t windows_count,
                  const int32_t *cells, int32_t terms);

/* False when the rows cannot tell the terms apart (fewer rows than terms, or a term that is another
 * one's multiple). A term that no row counts gets the value 0. `left_out`: a block to pass over, -1
 * for none. */
bool fit_solve(struct fit *fit, const struct fit_rows *rows, int32_t left_out) MUST_USE;

/* Leaves out one block at a time: values[k * FIT_TERMS_MAX + term] of the k-th fit. Returns how
 * many fits there are, fewer than `blocks_count` where a block has no row (its values are then the
 * whole fit's, so that several fits of the same blocks stay aligned). */
int32_t fit_jackknife(const struct fit_rows *rows, const struct fit *whole, int32_t blocks_count,
                      double *values);

/* What the cells' own deviations leave open of the terms: cells as a random effect of variance
 * `fit->cell_variance`, through the least-squares solution. Zero for a term that has none. */
void fit_cells_covariance(const struct fit_rows *rows, const struct fit *fit,
                          double covariance[FIT_TERMS_MAX][FIT_TERMS_MAX]);

/* Covariance of two columns of such values, each `stride` apart: (n - 1) / n times the sum of
 * products (Efron 1982, eq. 3.15). */
double fit_jackknife_covariance(const double *a, const double *b, int32_t blocks_count,
                                int32_t stride);

#endif
