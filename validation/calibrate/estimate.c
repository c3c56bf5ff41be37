/* Each phase of the gateway's loop is fitted to its own counts (phases.h).
 *
 * The machine's speed is a covariate: a phase's time goes with the yardstick around its block to a
 * power that the fit finds (fit.h). Values are at the reference yardstick, which the profile has
 * beside them.
 *
 * What a yardstick's own noise leaves open is common to all costs: a machine that is 3 % slow is 3
 * % slow in each. So it enters the covariance as one factor with every cost's value as its loading,
 * beside what the jackknife finds.
 *
 * What the model lacks makes all blocks of a cell deviate together. Leaving out whole cells would
 * say so too, but a cell alone at the end of its axis (eighty frames a write) then counts as
 * unknown although it was measured. So cells are a random effect: how far they deviate beyond what
 * their replicates do goes through the fit into the costs, and, because what is to be predicted is
 * one more cell, once more as a factor common to all costs.
 */
#include "validation/calibrate/estimate.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"
#include "validation/calibrate/judge.h"
#include "validation/calibrate/phases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LIVES_LEAST = 20 }; /* fewer say nothing of their own scatter */

static const double PHASE_LEAST_NS = 1e4; /* a window with less of a phase says nothing of it */
static const double ACCOUNTED_BUSY_LEAST = 0.4; /* of a window: see accounted_share */

/* --- fits ---------------------------------------------------------------------------------------
 */

static bool has_backlog(const struct calibrate_window *window) {
    return window->counts.enqueued > 0 || window->counts.writable_events > 0;
}

/* Where messages wait, a publish is stored in new memory, whose pages the kernel has yet to find,
 * instead of what the last one left: reading costs more there, and nowhere else. So the whole block
 * of such a window says nothing of reading, the windows between two backlogs included. */
static void find_backlogs(const struct windows *windows, bool *has_backlogs) {
    for (int32_t i = 0; i < windows->count; i++)
        if (has_backlog(&windows->items[i]))
            has_backlogs[windows->items[i].block] = true;
}

static bool is_about(const struct calibrate_window *window, enum phase phase, bool has_backlogs) {
    return window->exclusion == CALIBRATE_USED && phases_ns(window, phase) >= PHASE_LEAST_NS &&
           (phase == PHASE_LOOP || has_backlogs == (phase == PHASE_BACKLOG));
}

static double written_ns(const struct estimate *estimate, const struct calibrate_window *window) {
    const struct phase_term *terms = phases_terms(PHASE_WRITE);
    double ns = 0;
    for (int32_t k = 0; k < phases_terms_count(PHASE_WRITE); k++)
        ns += estimate->fits[PHASE_WRITE].fit.value[k] * terms[k].count(window);
    return ns;
}

static double count_of(const struct estimate *estimate, const struct calibrate_window *window,
                       const struct phase_term *term) {
    return term->count != NULL ? term->count(window) : written_ns(estimate, window);
}

static bool fit_phase(struct estimate *estimate, const struct windows *windows,
                      const int32_t *cells, enum phase phase) {
    struct estimate_fit *fit = &estimate->fits[phase];
    struct fit_window *rows = malloc((size_t)(windows->count + 1) * sizeof *rows);
    CHECK(rows != NULL);
    const struct phase_term *terms = phases_terms(phase);
    int32_t count = 0, terms_count = phases_terms_count(phase);
    bool has_backlogs[FIT_BLOCKS_MAX] = {false};
    find_backlogs(windows, has_backlogs);
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        if (!is_about(window, phase, has_backlogs[window->block]))
            continue;
        rows[count] =
            (struct fit_window){.ns = phases_ns(window, phase),
                                .whole_ns = phases_busy_ns(window),
                                .log_speed = estimate->reliability * log(window->yardstick),
                                .block = window->block};
        for (int32_t k = 0; k < terms_count; k++)
            rows[count].counts[k] = count_of(estimate, window, &terms[k]);
        count++;
    }
    fit_collapse(&fit->rows, rows, count, cells, terms_count);
    free(rows);
    return fit_solve(&fit->fit, &fit->rows, -1);
}

static void add_values(double *values, enum phase phase, const double *fitted) {
    const struct phase_term *terms = phases_terms(phase);
    for (int32_t k = 0; k < phases_terms_count(phase); k++)
        if (terms[k].cost != PHASES_WRITTEN)
            values[terms[k].cost] += fitted[k];
}

/* What is left out together: groups[block], 0 .. count - 1. */
struct grouping {
    int32_t groups[WINDOWS_BLOCKS_MAX];
    int32_t count;
};

static struct fit_rows grouped(const struct fit_rows *rows, const struct grouping *grouping) {
    struct fit_rows copy = *rows;
    for (int32_t i = 0; i < copy.count; i++)
        copy.rows[i].block = grouping->groups[rows->rows[i].block];
    return copy;
}

/* left_out[group * COST_COUNT + cost] */
static void leave_out(const struct estimate *estimate, const struct grouping *grouping,
                      double *left_out) {
    double *fitted = malloc((size_t)grouping->count * FIT_TERMS_MAX * sizeof *fitted);
    CHECK(fitted != NULL);
    for (int32_t phase = 0; phase < PHASES; phase++) {
        const struct estimate_fit *fit = &estimate->fits[phase];
        struct fit_rows rows = grouped(&fit->rows, grouping);
        fit_jackknife(&rows, &fit->fit, grouping->count, fitted);
        for (int32_t group = 0; group < grouping->count; group++)
            add_values(left_out + group * COST_COUNT, (enum phase)phase,
                       fitted + group * FIT_TERMS_MAX);
    }
    free(fitted);
}

static void add_covariance(struct estimate *estimate, const struct grouping *grouping) {
    double *left_out = calloc((size_t)grouping->count * COST_COUNT, sizeof *left_out);
    CHECK(left_out != NULL);
    leave_out(estimate, grouping, left_out);
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++)
            estimate->covariance[i][j] +=
                fit_jackknife_covariance(left_out + i, left_out + j, grouping->count, COST_COUNT);
    free(left_out);
}

/* The variance that the rows' own scatter gives, summed over the phases that the cost is in. Where
 * a cost hangs on two or three blocks, or stands at its bound of zero, leaving one out says too
 * little, and this speaks for it. */
static double scatter_variance(const struct estimate *estimate, enum cost cost) {
    double variance = 0;
    for (int32_t phase = 0; phase < PHASES; phase++)
        for (int32_t k = 0; k < phases_terms_count((enum phase)phase); k++) {
            double error = estimate->fits[phase].fit.standard_error[k];
            if (phases_terms((enum phase)phase)[k].cost == (int32_t)cost && isfinite(error))
                variance += error * error;
        }
    return variance;
}

static struct grouping group_by_block(int32_t blocks_count) {
    struct grouping grouping = {.count = blocks_count};
    for (int32_t block = 0; block < blocks_count; block++)
        grouping.groups[block] = block;
    return grouping;
}

static struct grouping group_by_life(const struct windows *windows) {
    struct grouping grouping = {.count = 0};
    for (int32_t i = 0; i < windows->count; i++) {
        int32_t life = windows->items[i].life;
        grouping.groups[windows->items[i].block] = life;
        grouping.count = life >= grouping.count ? life + 1 : grouping.count;
    }
    return grouping;
}

static void add_cell_covariance(struct estimate *estimate, enum phase phase) {
    const struct estimate_fit *fit = &estimate->fits[phase];
    const struct phase_term *terms = phases_terms(phase);
    double covariance[FIT_TERMS_MAX][FIT_TERMS_MAX];
    fit_cells_covariance(&fit->rows, &fit->fit, covariance);
    for (int32_t i = 0; i < phases_terms_count(phase); i++)
        for (int32_t j = 0; j < phases_terms_count(phase); j++)
            if (terms[i].cost != PHASES_WRITTEN && terms[j].cost != PHASES_WRITTEN)
                estimate->covariance[terms[i].cost][terms[j].cost] += covariance[i][j];
}

/* How far a cell's turns deviate from what the costs say, as a share: one phase beside another. */
static double deviation_of_cells(const struct estimate *estimate) {
    double variance = 0;
    for (int32_t phase = 0; phase < PHASES; phase++)
        if (phase != PHASE_BACKLOG)
            variance += estimate->fits[phase].fit.cell_variance;
    return sqrt(variance);
}

/* Few blocks have a backlog, and where one of its cells was left out they say next to nothing. But
 * neither queueing a message nor finding its socket writable is more than a send call. */
static void bound_backlog(struct estimate *estimate) {
    const double write = estimate->values[COST_write];
    const enum cost costs[] = {COST_enqueue, COST_writable};
    for (size_t i = 0; i < COUNT_OF(costs); i++) {
        double *variance = &estimate->covariance[costs[i]][costs[i]];
        *variance = fmin(*variance, write * write);
    }
}

/* Where gateways were started often enough, their lives are left out as well: what one start's luck
 * is worth. */
static void set_covariance(struct estimate *estimate, const struct windows *windows,
                           int32_t blocks_count) {
    struct grouping blocks = group_by_block(blocks_count), lives = group_by_life(windows);
    double common = hypot(estimate->drift, deviation_of_cells(estimate));
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++)
            estimate->covariance[i][j] =
                common * common * estimate->values[i] * estimate->values[j];
    add_covariance(estimate, &blocks);
    for (int32_t phase = 0; phase < PHASES; phase++)
        add_cell_covariance(estimate, (enum phase)phase);
    if (lives.count >= LIVES_LEAST)
        add_covariance(estimate, &lives);
    for (int32_t i = 0; i < COST_COUNT; i++)
        estimate->covariance[i][i] =
            fmax(estimate->covariance[i][i], scatter_variance(estimate, (enum cost)i));
    bound_backlog(estimate);
}

/* --- typical turns ------------------------------------------------------------------------------
 */

/* What calibration is for is not each cost but what turns take, in which errors that trade against
 * each other cancel. Rooms of hundreds, written once for several publishes, and small ones. */
static const struct turn {
    double reads, publishes, writes, frames, bytes, sockets;
} typical_turns[] = {
    {.reads = 5,
     .publishes = 5,
     .writes = 1000,
     .frames = 5000,
     .bytes = 5000 * 132,
     .sockets = 1000},
    {.reads = 10, .publishes = 10, .writes = 1000, .frames = 1000, .bytes = 132e3, .sockets = 1000},
    {.reads = 4, .publishes = 4, .writes = 60, .frames = 60, .bytes = 60 * 132, .sockets = 2400},
};

static void count_turn(const struct turn *turn, double counts[COST_COUNT]) {
    memset(counts, 0, COST_COUNT * sizeof *counts);
    counts[COST_turn] = 1;
    counts[COST_turn_cold] = profile_evicted(turn->writes);
    counts[COST_read] = turn->reads;
    counts[COST_read_cold] = turn->reads * profile_evicted(turn->sockets);
    counts[COST_read_byte] = turn->publishes * 140;
    counts[COST_publish] = turn->publishes;
    counts[COST_write] = turn->writes;
    counts[COST_write_cold] = turn->writes * profile_evicted(turn->sockets);
    counts[COST_frame] = turn->frames;
    counts[COST_byte] = turn->bytes;
}

static double turn_error(const struct estimate *estimate) {
    double widest = 0;
    for (size_t turn = 0; turn < COUNT_OF(typical_turns); turn++) {
        double counts[COST_COUNT], ns = 0, variance = 0;
        count_turn(&typical_turns[turn], counts);
        for (int32_t i = 0; i < COST_COUNT; i++) {
            ns += counts[i] * estimate->values[i];
            for (int32_t j = 0; j < COST_COUNT; j++)
                variance += counts[i] * counts[j] * estimate->covariance[i][j];
        }
        widest = fmax(widest, 1.96 * sqrt(variance) / ns);
    }
    return widest;
}

/* --- the machine --------------------------------------------------------------------------------
 */

/* A yardstick's own noise, relative, as the two around a block show it: half of the difference has
 * the deviation of their mean. NAN: no block has two. */
static double noise_of(const struct windows *windows) {
    struct stats squares;
    stats_init(&squares);
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        bool is_first = i == 0 || window->block != windows->items[i - 1].block;
        if (!is_first || !(window->yard_before_ns > 0) || judge_is_off(window))
            continue;
        double step = log(window->yard_after_ns / window->yard_before_ns);
        stats_add(&squares, step * step / 4);
    }
    return squares.count > 0 ? sqrt(squares.mean) : (double)NAN;
}

/* How much of the yardsticks' scatter is the machine's speed and not their own noise. A noisy
 * regressor would make the elasticity too small (Fuller 1987, ch. 1): so a block's speed is the
 * best guess at it, its yardstick drawn towards the reference by this share. */
static double reliability_of(const struct windows *windows, double noise) {
    struct stats scatter;
    stats_init(&scatter);
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        bool is_first = i == 0 || window->block != windows->items[i - 1].block;
        if (is_first && !judge_is_off(window))
            stats_add(&scatter, log(window->yardstick));
    }
    double variance = stats_variance(&scatter);
    return variance > 0 && isfinite(noise) ? fmax(0, 1 - noise * noise / variance) : 1;
}

/* Phases over processor time, in windows that are busy enough: the calls that put the worker to
 * sleep and wake it are nobody's phase, and an idle gateway does little else. */
static double accounted_share(const struct windows *windows) {
    double phases_ns = 0, cpu_ns = 0;
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        double ns = phases_busy_ns(window);
        if (window->exclusion != CALIBRATE_USED ||
            ns < ACCOUNTED_BUSY_LEAST * (double)window->length_ns)
            continue;
        phases_ns += ns;
        cpu_ns += (double)window->counts.cpu_ns;
    }
    return cpu_ns > 0 ? phases_ns / cpu_ns : NAN;
}

static void count_windows(struct estimate *estimate, const struct windows *windows) {
    int32_t last = -1;
    for (int32_t i = 0; i < windows->count; i++) {
        bool is_used = windows->items[i].exclusion == CALIBRATE_USED;
        estimate->windows_used += is_used;
        estimate->windows_excluded += !is_used;
        if (is_used && windows->items[i].block != last) {
            last = windows->items[i].block;
            estimate->blocks_used++;
        }
    }
}

bool estimate_costs(struct estimate *estimate, const struct windows *windows, const int32_t *cells,
                    int32_t blocks_count, const char **why) {
    static const char *const reasons[PHASES] = {
        [PHASE_LOOP] = "the blocks that are left do not tell a turn from a read",
        [PHASE_READ] = "the blocks that are left do not tell reads, bytes and publishes apart",
        [PHASE_WRITE] = "the blocks that are left do not tell writes, frames and bytes apart",
        [PHASE_BACKLOG] = "the blocks that are left do not tell what a backlog costs",
    };
    double noise = noise_of(windows);
    *estimate = (struct estimate){.drift = isfinite(noise) ? noise : 0,
                                  .reliability = reliability_of(windows, noise),
                                  .cpu_accounted_share = accounted_share(windows)};
    count_windows(estimate, windows);
    for (int32_t phase = 0; phase < PHASES; phase++) {
        if (!fit_phase(estimate, windows, cells, (enum phase)phase)) {
            *why = reasons[phase];
            return false;
        }
        add_values(estimate->values, (enum phase)phase, estimate->fits[phase].fit.value);
    }
    set_covariance(estimate, windows, blocks_count);
    estimate->turn_error = turn_error(estimate);
    return true;
}
