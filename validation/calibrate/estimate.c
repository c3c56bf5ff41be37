/* The gateway's loop charges its time to phases; each phase is fitted to its own counts. A cost may
 * have a part in two phases (a turn pays for the poll and for the walk over its events), and is
 * then their sum.
 *
 * Times are counted in yardsticks: what took a fifth longer while the bare send loop took a fifth
 * longer has the same cost. Values are at the median yardstick, which the profile has beside them.
 * Where the machine drifts that takes half of the scatter away; where it does not it adds none to
 * speak of.
 *
 * Drift is common to all costs: a machine that is 3 % slow is 3 % slow in each. So it enters the
 * covariance as one factor with every cost's value as its loading, beside what the jackknife finds.
 */
#include "validation/calibrate/estimate.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"

#include <math.h>
#include <stdlib.h>

enum { WORKING_SET_BASE = 128 }; /* sockets; where `write` is defined (rows/cost.def) */

static const double PHASE_LEAST_NS = 1e4; /* a window with less of a phase says nothing of it */
static const double ACCOUNTED_BUSY_LEAST = 0.4; /* of a window: see accounted_share */

typedef double count_function(const struct calibrate_window *window);

#define COUNT_OF_STAT(name)                                                                        \
    static double count_##name(const struct calibrate_window *window) {                            \
        return (double)window->counts.name;                                                        \
    }
COUNT_OF_STAT(turns)
COUNT_OF_STAT(ready_events)
COUNT_OF_STAT(reads)
COUNT_OF_STAT(read_bytes)
COUNT_OF_STAT(publishes)
COUNT_OF_STAT(flushes)
COUNT_OF_STAT(writes)
COUNT_OF_STAT(frames_written)
COUNT_OF_STAT(written_bytes)
COUNT_OF_STAT(enqueued)
COUNT_OF_STAT(writable_events)
#undef COUNT_OF_STAT

static double doublings_of(double sockets) {
    return sockets > WORKING_SET_BASE ? log2(sockets / WORKING_SET_BASE) : 0;
}

static double doublings(const struct calibrate_window *window) {
    return doublings_of(window->working_set);
}

static double count_spread(const struct calibrate_window *window) {
    return (double)window->counts.writes * doublings(window);
}

/* After a long turn the loop finds its own code and data cold, once, however much it then reads. */
static double count_cold_turns(const struct calibrate_window *window) {
    double turns = (double)window->counts.turns;
    return turns > 0 ? turns * doublings_of((double)window->counts.writes / turns) : 0;
}

static double count_cold_events(const struct calibrate_window *window) {
    return (double)window->counts.ready_events * doublings(window);
}

static double count_cold_reads(const struct calibrate_window *window) {
    return (double)window->counts.reads * doublings(window);
}

static double count_scatter(const struct calibrate_window *window) {
    return count_spread(window) * window->scattered;
}

struct term {
    enum cost cost;
    count_function *count;
};

static const struct term terms[ESTIMATE_PHASES][FIT_TERMS_MAX] = {
    [ESTIMATE_LOOP] = {{COST_turn, count_turns},
                       {COST_turn_spread, count_cold_turns},
                       {COST_read, count_ready_events},
                       {COST_read_spread, count_cold_events}},
    [ESTIMATE_READ] = {{COST_turn, count_turns},
                       {COST_turn_spread, count_cold_turns},
                       {COST_read, count_reads},
                       {COST_read_spread, count_cold_reads},
                       {COST_read_byte, count_read_bytes},
                       {COST_publish, count_publishes}},
    [ESTIMATE_WRITE] = {{COST_publish, count_flushes}, /* a room written out: one per publish where
                                                          it is not coalesced */
                        {COST_write, count_writes},
                        {COST_write_spread, count_spread},
                        {COST_write_scatter, count_scatter},
                        {COST_frame, count_frames_written},
                        {COST_byte, count_written_bytes},
                        {COST_enqueue, count_enqueued},
                        {COST_writable, count_writable_events}},
};

static int32_t terms_of(enum estimate_phase phase) {
    int32_t count = 0;
    while (count < FIT_TERMS_MAX && terms[phase][count].count != NULL)
        count++;
    return count;
}

static double phase_ns(const struct calibrate_window *window, enum estimate_phase phase) {
    const struct gateway_stats *counts = &window->counts;
    switch (phase) {
    case ESTIMATE_LOOP:
        return (double)(counts->poll_ns + counts->timers_ns + counts->other_ns);
    case ESTIMATE_READ:
        return (double)counts->read_ns;
    case ESTIMATE_WRITE:
        return (double)counts->write_ns;
    case ESTIMATE_PHASES:
        break;
    }
    return 0;
}

static double busy_ns(const struct calibrate_window *window) {
    double ns = (double)window->counts.accept_ns;
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++)
        ns += phase_ns(window, (enum estimate_phase)phase);
    return ns;
}

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

static bool is_about(const struct calibrate_window *window, enum estimate_phase phase) {
    return window->exclusion == CALIBRATE_USED && phase_ns(window, phase) >= PHASE_LEAST_NS;
}

static bool fit_phase(struct estimate_fit *fit, const struct windows *windows, const int32_t *cells,
                      enum estimate_phase phase) {
    struct fit_window *rows = malloc((size_t)(windows->count + 1) * sizeof *rows);
    CHECK(rows != NULL);
    int32_t count = 0, terms_count = terms_of(phase);
    bool has_backlogs[FIT_BLOCKS_MAX] = {false};
    find_backlogs(windows, has_backlogs);
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        if (!is_about(window, phase) || (phase == ESTIMATE_READ && has_backlogs[window->block]))
            continue;
        rows[count] = (struct fit_window){.ns = phase_ns(window, phase) / window->yardstick,
                                          .whole_ns = busy_ns(window) / window->yardstick,
                                          .block = window->block};
        for (int32_t k = 0; k < terms_count; k++)
            rows[count].counts[k] = terms[phase][k].count(window);
        count++;
    }
    fit_collapse(&fit->rows, rows, count, cells, terms_count);
    free(rows);
    return fit_solve(&fit->fit, &fit->rows, -1);
}

static void add_values(double *values, enum estimate_phase phase, const double *fitted) {
    for (int32_t k = 0; k < terms_of(phase); k++)
        values[terms[phase][k].cost] += fitted[k];
}

/* left_out[block * COST_COUNT + cost] */
static void leave_out(const struct estimate *estimate, int32_t blocks_count, double *left_out) {
    double *fitted = malloc((size_t)blocks_count * FIT_TERMS_MAX * sizeof *fitted);
    CHECK(fitted != NULL);
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++) {
        const struct estimate_fit *fit = &estimate->fits[phase];
        fit_jackknife(&fit->rows, &fit->fit, blocks_count, fitted);
        for (int32_t block = 0; block < blocks_count; block++)
            add_values(left_out + block * COST_COUNT, (enum estimate_phase)phase,
                       fitted + block * FIT_TERMS_MAX);
    }
    free(fitted);
}

/* The variance that the rows' own scatter gives, summed over the phases that the cost is in. Where
 * a cost hangs on two or three blocks, or stands at its bound of zero, leaving one out says too
 * little, and this speaks for it. */
static double scatter_variance(const struct estimate *estimate, enum cost cost) {
    double variance = 0;
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++)
        for (int32_t k = 0; k < terms_of((enum estimate_phase)phase); k++) {
            double error = estimate->fits[phase].fit.standard_error[k];
            if (terms[phase][k].cost == cost && isfinite(error))
                variance += error * error;
        }
    return variance;
}

static void set_covariance(struct estimate *estimate, int32_t blocks_count) {
    double *left_out = calloc((size_t)blocks_count * COST_COUNT, sizeof *left_out);
    CHECK(left_out != NULL);
    leave_out(estimate, blocks_count, left_out);
    double drift = estimate->drift;
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++)
            estimate->covariance[i][j] =
                fit_jackknife_covariance(left_out + i, left_out + j, blocks_count, COST_COUNT) +
                drift * drift * estimate->values[i] * estimate->values[j];
    for (int32_t i = 0; i < COST_COUNT; i++)
        estimate->covariance[i][i] =
            fmax(estimate->covariance[i][i], scatter_variance(estimate, (enum cost)i));
    free(left_out);
}

/* --- the machine --------------------------------------------------------------------------------
 */

static double drift_of(const struct windows *windows) {
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < windows->count; i++)
        if (i == 0 || windows->items[i].block != windows->items[i - 1].block)
            if (windows->items[i].exclusion == CALIBRATE_USED)
                stats_add(&stats, windows->items[i].yardstick);
    return sqrt(stats_variance(&stats));
}

/* Phases over processor time, in windows that are busy enough: the calls that put the worker to
 * sleep and wake it are nobody's phase, and an idle gateway does little else. */
static double accounted_share(const struct windows *windows) {
    double phases_ns = 0, cpu_ns = 0;
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        double ns = busy_ns(window);
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
    static const char *const reasons[ESTIMATE_PHASES] = {
        [ESTIMATE_LOOP] = "the blocks that are left do not tell a turn from a read",
        [ESTIMATE_READ] = "the blocks that are left do not tell reads, bytes and publishes apart",
        [ESTIMATE_WRITE] = "the blocks that are left do not tell writes, frames and bytes apart",
    };
    *estimate = (struct estimate){.drift = drift_of(windows),
                                  .cpu_accounted_share = accounted_share(windows)};
    count_windows(estimate, windows);
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++) {
        struct estimate_fit *fit = &estimate->fits[phase];
        if (!fit_phase(fit, windows, cells, (enum estimate_phase)phase)) {
            *why = reasons[phase];
            return false;
        }
        add_values(estimate->values, (enum estimate_phase)phase, fit->fit.value);
    }
    set_covariance(estimate, blocks_count);
    return true;
}

/* --- into the profile ---------------------------------------------------------------------------
 */

static const char *note_of(enum cost cost) {
    switch ((int)cost) {
    case COST_turn:
        return "loopback; poll and read phases, by turns. A turn after which the worker sleeps has "
               "one more empty poll than a turn under full load";
    case COST_turn_spread:
        return "loopback; poll and read phases, turns after 1 to 2,400 writes";
    case COST_read:
        return "loopback; read phase by reads, and poll phase by ready sockets";
    case COST_read_spread:
        return "loopback; read and poll phases, one reader among 1 to 5,000 sockets and dozens "
               "among "
               "2,400 and 3,000";
    case COST_read_byte:
        return "loopback; read phase by bytes, publishes of 64 B to 8 KiB";
    case COST_publish:
        return "loopback; read phase by publishes, 1 to 64 a read, and write phase by rooms "
               "written";
    case COST_write:
        return "loopback, receive side included, reader polls; write phase by send calls, rooms of "
               "1 to 5,000, coalesced and at once";
    case COST_write_spread:
        return "loopback; write phase, rooms of 1 to 5,000";
    case COST_write_scatter:
        return "loopback; write phase, rooms of 100 dealt out at random";
    case COST_frame:
        return "loopback; write phase by frames, 1 to 20 a write with pairs of equal bytes";
    case COST_byte:
        return "loopback; write phase by bytes, 64 B to 8 KiB a frame";
    case COST_enqueue:
        return "loopback; write phase by messages queued, half of a room of 100 trickling";
    case COST_writable:
        return "loopback; write phase by writable events, while a backlog drains";
    default:
        return "";
    }
}

bool estimate_is_fitted(enum cost cost) {
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++)
        for (int32_t k = 0; k < terms_of((enum estimate_phase)phase); k++)
            if (terms[phase][k].cost == cost)
                return true;
    return false;
}

static void set_correlations(const struct estimate *estimate, struct profile *profile) {
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++) {
            double scale = sqrt(estimate->covariance[i][i] * estimate->covariance[j][j]);
            double r = scale > 0 ? estimate->covariance[i][j] / scale : 0;
            profile->correlation[i][j] = i == j ? 1 : fmax(-0.999, fmin(0.999, r));
        }
}

void estimate_to_profile(const struct estimate *estimate, struct profile *profile,
                         struct arena *arena) {
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (estimate_is_fitted((enum cost)i))
            profile->costs[i] =
                (struct profile_entry){.value = estimate->values[i],
                                       .standard_error = sqrt(estimate->covariance[i][i]),
                                       .source = PROFILE_MEASURED,
                                       .note = arena_new_text(arena, note_of((enum cost)i))};
    set_correlations(estimate, profile);
    const struct fit *write = &estimate->fits[ESTIMATE_WRITE].fit;
    profile->windows = estimate->windows_used;
    profile->blocks = estimate->blocks_used;
    profile->condition_number = write->condition_number;
    profile->lack_of_fit_p = write->lack_of_fit_p;
    profile->cpu_accounted_share = estimate->cpu_accounted_share;
}
