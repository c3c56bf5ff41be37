/* The gateway's loop charges its time to phases; each phase is fitted to its own counts. A cost may
 * have a part in two phases (a turn pays for the poll and for the walk over its events), and is
 * then their sum.
 *
 * The machine's speed is a covariate: a phase's time goes with the yardstick around its block to a
 * power that the fit finds (fit.h). Values are at the reference yardstick, which the profile has
 * beside them.
 *
 * What a yardstick's own noise leaves open is common to all costs: a machine that is 3 % slow is 3
 * % slow in each. So it enters the covariance as one factor with every cost's value as its loading,
 * beside what the jackknife finds.
 */
#include "validation/calibrate/estimate.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"
#include "validation/calibrate/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LIVES_LEAST = 20 }; /* fewer say nothing of their own scatter */

static const double PHASE_LEAST_NS = 1e4; /* a window with less of a phase says nothing of it */
static const double LACK_OF_FIT_P = 0.05;
static const double ELASTICITY_LEAST = 0.01, ELASTICITY_MOST = 2; /* a profile's range */
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

static double doublings(const struct calibrate_window *window) {
    return profile_doublings(window->working_set);
}

static double count_spread(const struct calibrate_window *window) {
    return (double)window->counts.writes * doublings(window);
}

/* After a long turn the loop finds its own code and data cold, once, however much it then reads. */
static double count_cold_turns(const struct calibrate_window *window) {
    double turns = (double)window->counts.turns;
    return turns > 0 ? turns * profile_doublings((double)window->counts.writes / turns) : 0;
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

static bool fit_phase(struct estimate *estimate, const struct windows *windows,
                      const int32_t *cells, enum estimate_phase phase) {
    struct estimate_fit *fit = &estimate->fits[phase];
    struct fit_window *rows = malloc((size_t)(windows->count + 1) * sizeof *rows);
    CHECK(rows != NULL);
    int32_t count = 0, terms_count = terms_of(phase);
    bool has_backlogs[FIT_BLOCKS_MAX] = {false};
    find_backlogs(windows, has_backlogs);
    for (int32_t i = 0; i < windows->count; i++) {
        const struct calibrate_window *window = &windows->items[i];
        if (!is_about(window, phase) || (phase == ESTIMATE_READ && has_backlogs[window->block]))
            continue;
        rows[count] =
            (struct fit_window){.ns = phase_ns(window, phase),
                                .whole_ns = busy_ns(window),
                                .log_speed = estimate->reliability * log(window->yardstick),
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
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++) {
        const struct estimate_fit *fit = &estimate->fits[phase];
        struct fit_rows rows = grouped(&fit->rows, grouping);
        fit_jackknife(&rows, &fit->fit, grouping->count, fitted);
        for (int32_t group = 0; group < grouping->count; group++)
            add_values(left_out + group * COST_COUNT, (enum estimate_phase)phase,
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
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++)
        for (int32_t k = 0; k < terms_of((enum estimate_phase)phase); k++) {
            double error = estimate->fits[phase].fit.standard_error[k];
            if (terms[phase][k].cost == cost && isfinite(error))
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

static struct grouping group_by_cell(const int32_t *cells, int32_t blocks_count) {
    struct grouping grouping = {.count = 0};
    for (int32_t block = 0; block < blocks_count; block++) {
        grouping.groups[block] = cells[block];
        grouping.count = cells[block] >= grouping.count ? cells[block] + 1 : grouping.count;
    }
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

static bool lacks_fit(const struct estimate *estimate) {
    bool lacks = false;
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++)
        lacks |= estimate->fits[phase].fit.lack_of_fit_p < LACK_OF_FIT_P;
    return lacks;
}

/* Where the model lacks something, blocks of a cell are off by the same, and their number makes no
 * cost surer: then whole cells are left out. Where gateways were started often enough, their lives
 * are left out as well: what one start's luck is worth. */
static void set_covariance(struct estimate *estimate, const struct windows *windows,
                           const int32_t *cells, int32_t blocks_count) {
    struct grouping blocks =
        lacks_fit(estimate) ? group_by_cell(cells, blocks_count) : group_by_block(blocks_count);
    struct grouping lives = group_by_life(windows);
    double drift = estimate->drift;
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++)
            estimate->covariance[i][j] = drift * drift * estimate->values[i] * estimate->values[j];
    add_covariance(estimate, &blocks);
    if (lives.count >= LIVES_LEAST)
        add_covariance(estimate, &lives);
    for (int32_t i = 0; i < COST_COUNT; i++)
        estimate->covariance[i][i] =
            fmax(estimate->covariance[i][i], scatter_variance(estimate, (enum cost)i));
}

/* --- typical turns ------------------------------------------------------------------------------
 */

/* What calibration is for is not each cost but what turns take, in which errors that trade against
 * each other cancel. Rooms of hundreds, written once for several publishes, and small ones. */
static const struct turn {
    double reads, publishes, writes, frames, bytes, doublings;
} typical_turns[] = {
    {.reads = 5,
     .publishes = 5,
     .writes = 1000,
     .frames = 5000,
     .bytes = 5000 * 132,
     .doublings = 3},
    {.reads = 10, .publishes = 10, .writes = 1000, .frames = 1000, .bytes = 132e3, .doublings = 3},
    {.reads = 4, .publishes = 4, .writes = 60, .frames = 60, .bytes = 60 * 132, .doublings = 4},
};

static void count_turn(const struct turn *turn, double counts[COST_COUNT]) {
    memset(counts, 0, COST_COUNT * sizeof *counts);
    counts[COST_turn] = 1;
    counts[COST_turn_spread] = profile_doublings(turn->writes);
    counts[COST_read] = turn->reads;
    counts[COST_read_spread] = turn->reads * turn->doublings;
    counts[COST_read_byte] = turn->publishes * 140;
    counts[COST_publish] = turn->publishes;
    counts[COST_write] = turn->writes;
    counts[COST_write_spread] = turn->writes * turn->doublings;
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
    double noise = noise_of(windows);
    *estimate = (struct estimate){.drift = isfinite(noise) ? noise : 0,
                                  .reliability = reliability_of(windows, noise),
                                  .cpu_accounted_share = accounted_share(windows)};
    count_windows(estimate, windows);
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++) {
        if (!fit_phase(estimate, windows, cells, (enum estimate_phase)phase)) {
            *why = reasons[phase];
            return false;
        }
        add_values(estimate->values, (enum estimate_phase)phase, estimate->fits[phase].fit.value);
    }
    set_covariance(estimate, windows, cells, blocks_count);
    estimate->turn_error = turn_error(estimate);
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

/* A cost follows the machine's speed as its phases do, each by its part of the cost. */
static void set_elasticity(const struct estimate *estimate, enum cost cost,
                           struct profile_entry *entry) {
    double parts = 0, elasticity = 0, error = 0;
    for (int32_t phase = 0; phase < ESTIMATE_PHASES; phase++)
        for (int32_t k = 0; k < terms_of((enum estimate_phase)phase); k++) {
            const struct fit *fit = &estimate->fits[phase].fit;
            double part = fmax(fit->value[k], 1e-9); /* a cost of nothing is in its phases alike */
            if (terms[phase][k].cost != cost)
                continue;
            parts += part;
            elasticity += part * fit->elasticity;
            error += part * fit->elasticity_error;
        }
    entry->elasticity = fmin(fmax(elasticity / parts, ELASTICITY_LEAST), ELASTICITY_MOST);
    entry->elasticity_error = error / parts;
}

void estimate_to_profile(const struct estimate *estimate, struct profile *profile,
                         struct arena *arena) {
    for (int32_t i = 0; i < COST_COUNT; i++) {
        if (!estimate_is_fitted((enum cost)i))
            continue;
        profile->costs[i] =
            (struct profile_entry){.value = estimate->values[i],
                                   .standard_error = sqrt(estimate->covariance[i][i]),
                                   .source = PROFILE_MEASURED,
                                   .note = arena_new_text(arena, note_of((enum cost)i))};
        set_elasticity(estimate, (enum cost)i, &profile->costs[i]);
    }
    set_correlations(estimate, profile);
    const struct fit *write = &estimate->fits[ESTIMATE_WRITE].fit;
    profile->windows = estimate->windows_used;
    profile->blocks = estimate->blocks_used;
    profile->condition_number = write->condition_number;
    profile->lack_of_fit_p = write->lack_of_fit_p;
    profile->cpu_accounted_share = estimate->cpu_accounted_share;
    profile->turn_error = estimate->turn_error;
}
