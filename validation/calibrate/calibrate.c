/* The course of a calibration: what needs a machine to itself first, then all settings up and the
 * blocks in random order with a yardstick between any two, then the verdict, then the fit. */
#include "validation/calibrate/calibrate.h"

#include "sim/base/check.h"
#include "validation/calibrate/backplanes.h"
#include "validation/calibrate/blocks.h"
#include "validation/calibrate/estimate.h"
#include "validation/calibrate/experiments.h"
#include "validation/calibrate/judge.h"
#include "validation/calibrate/pairs.h"
#include "validation/calibrate/windows.h"
#include "validation/measure/loopback.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Drawn with the calibration's seed; the only draw outside the scenarios. */
enum { CALIBRATE_ORDER_STREAM = 1 };

enum {
    REPEATS_MAX = 16, /* blocks of a round that were disturbed */
    ROUNDS_MAX = 8,
    BLOCKS_AND_DRAINS_MAX = ROUNDS_MAX * (BLOCKS_MAX + 2 * REPEATS_MAX + 8),
};
_Static_assert((int)BLOCKS_AND_DRAINS_MAX <= (int)WINDOWS_BLOCKS_MAX, "every block has its row");

static const struct mode {
    const char *name;
    int32_t rounds, seconds;
    double watched_s; /* per round, for slow spells */
} modes[] = {
    [CALIBRATE_QUICK] = {"quick", 1, 85, 10},
    [CALIBRATE_FULL] = {"full", ROUNDS_MAX, 600, 5},
};

#define WARM_UP_NS (120 * BASE_NS_PER_MS)
#define MEASURE_NS (800 * BASE_NS_PER_MS)
#define PILOT_NS (300 * BASE_NS_PER_MS)
#define QUIET_NS (2500 * BASE_NS_PER_MS)

static const double WRITE_LAID_OUT_NS = 1800; /* blocks_speed's unit */

struct calibration {
    struct calibrate_options options;
    struct profile *profile;
    struct arena *arena;
    char *why; /* [CALIBRATE_WHY_BYTES] */
    struct experiments experiments;
    struct pair pairs[BLOCKS_SETTINGS];
    struct windows *windows;              /* the caller's */
    int32_t cells[BLOCKS_AND_DRAINS_MAX]; /* by block */
    int32_t blocks_count;
    int32_t round;
    struct experiments_accepts accepts;
    struct experiments_generator generators[ROUNDS_MAX * (BLOCKS_MAX + REPEATS_MAX)];
    int32_t generators_count;
    struct judge_yards yards;
    struct yardstick_spells spells;
    struct blocks_speed speed;
    double scattered[BLOCKS_MAX]; /* by cell */
    struct load_report quiet;
    base_ns began_ns;
};

static base_ns clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * BASE_NS_PER_S + now.tv_nsec;
}

static bool fail(struct calibration *calibration, const char *why) {
    snprintf(calibration->why, CALIBRATE_WHY_BYTES, "%s", why);
    return false;
}

static bool is_stopped(struct calibration *calibration) {
    if (calibration->options.stop == NULL || *calibration->options.stop == 0)
        return false;
    fail(calibration, "stopped");
    return true;
}

static void tell(const struct calibration *calibration, const char *what) {
    if (calibration->options.progress == NULL)
        return;
    int done = (int)((clock_ns() - calibration->began_ns) / BASE_NS_PER_S);
    int expected = modes[calibration->options.mode].seconds;
    calibration->options.progress(calibration->options.progress_context, what, done,
                                  done < expected ? expected : done);
}

static void tell_word(void *calibration, const char *what) {
    tell(calibration, what);
}

/* --- before the blocks --------------------------------------------------------------------------
 */

static bool take_yardstick(struct calibration *calibration, enum yardstick_kind kind) {
    const struct calibrate_options *options = &calibration->options;
    if (is_stopped(calibration))
        return false;
    if (judge_take(&calibration->yards, kind, options->gateway_cpu, options->load_cpu))
        return true;
    snprintf(calibration->why, CALIBRATE_WHY_BYTES, "yardstick %s: %s", yardstick_name(kind),
             strerror(errno));
    return false;
}

static bool take_slow_yardsticks(struct calibration *calibration) {
    tell(calibration, "yardsticks");
    return take_yardstick(calibration, YARDSTICK_MEMORY) &&
           take_yardstick(calibration, YARDSTICK_WAKE_UP);
}

/* With no pair up: what is seen is the machine's own. */
static bool watch_spells(struct calibration *calibration) {
    const struct calibrate_options *options = &calibration->options;
    struct yardstick_options where = {.cpu = options->gateway_cpu, .other_cpu = options->load_cpu};
    tell(calibration, "slow spells");
    if (is_stopped(calibration))
        return false;
    if (yardstick_watch_spells(&where, modes[options->mode].watched_s, &calibration->spells))
        return true;
    snprintf(calibration->why, CALIBRATE_WHY_BYTES, "slow spells: %s", strerror(errno));
    return false;
}

static bool run_alone(struct calibration *calibration) {
    struct experiments *experiments = &calibration->experiments;
    tell(calibration, "memory per connection");
    if (is_stopped(calibration))
        return false;
    if (!experiments_memory(experiments))
        return fail(calibration, experiments->why);
    tell(calibration, "kernel buffers");
    if (is_stopped(calibration))
        return false;
    return experiments_buffers(experiments) || fail(calibration, experiments->why);
}

/* Other rosters and another order in each round. */
static uint64_t seed_of_round(const struct calibration *calibration) {
    return calibration->options.seed + (uint64_t)calibration->round;
}

static void stop_pairs(struct calibration *calibration) {
    for (int32_t setting = 0; setting < BLOCKS_SETTINGS; setting++)
        pair_stop(&calibration->pairs[setting]);
}

static bool start_pairs(struct calibration *calibration) {
    struct calibrate_options options = calibration->options;
    options.seed = seed_of_round(calibration);
    tell(calibration, "connecting");
    for (int32_t setting = 0; setting < BLOCKS_SETTINGS; setting++) {
        struct pair *pair = &calibration->pairs[setting];
        if (is_stopped(calibration))
            return false;
        if (!pair_start(pair, (enum blocks_setting)setting, &options) ||
            !experiments_connect(pair, &calibration->accepts))
            return fail(calibration, pair->why);
    }
    return true;
}

/* --- blocks -------------------------------------------------------------------------------------
 */

static int32_t new_block(struct calibration *calibration, int32_t cell) {
    CHECK(calibration->blocks_count < BLOCKS_AND_DRAINS_MAX);
    int32_t block = calibration->blocks_count++;
    calibration->cells[block] = cell;
    return block;
}

static bool run_load(struct calibration *calibration, struct windows *windows,
                     const struct windows_block *block, struct load_report *report) {
    struct pair *pair = &calibration->pairs[block->cell->setting];
    return windows_run(windows, pair, block, report) || fail(calibration, pair->why);
}

/* What a write costs here, before anything is known: the room of 1,000 at a leisurely pace. */
static bool run_pilot(struct calibration *calibration) {
    struct windows windows;
    struct load_report report;
    struct windows_block block = {.cell = &blocks_pilot,
                                  .speed = {8},
                                  .warm_up_ns = WARM_UP_NS,
                                  .measure_ns = PILOT_NS,
                                  .drain_number = -1,
                                  .stop = calibration->options.stop};
    windows_init(&windows);
    load_report_init(&report);
    tell(calibration, "pilot");
    bool is_run = run_load(calibration, &windows, &block, &report);
    double ns = 0, writes = 0;
    for (int32_t i = 0; i < windows.count; i++) {
        ns += (double)windows.items[i].counts.write_ns;
        writes += (double)windows.items[i].counts.writes;
    }
    load_report_fini(&report);
    windows_fini(&windows);
    calibration->speed.factor = ns / writes / WRITE_LAID_OUT_NS;
    return is_run && (writes > 0 || fail(calibration, "nothing was written in the pilot block"));
}

static bool run_block(struct calibration *calibration, int32_t cell_index) {
    const struct blocks_cell *cell = &blocks_cells[cell_index];
    bool drains = cell->drains_as != NULL;
    struct windows_block block = {.cell = cell,
                                  .scattered = calibration->scattered[cell_index],
                                  .speed = calibration->speed,
                                  .number = new_block(calibration, cell_index),
                                  .life =
                                      calibration->round * BLOCKS_SETTINGS + (int32_t)cell->setting,
                                  .drain_number = -1,
                                  .warm_up_ns = WARM_UP_NS,
                                  .measure_ns = MEASURE_NS,
                                  .stop = calibration->options.stop};
    if (drains)
        block.drain_number = new_block(calibration, blocks_cells_count + cell_index);
    struct load_report report;
    load_report_init(&report);
    bool is_run = run_load(calibration, calibration->windows, &block, &report);
    if (is_run && !drains)
        calibration->generators[calibration->generators_count++] =
            experiments_read_generator(&report, cell);
    load_report_fini(&report);
    return is_run;
}

/* A block in its yardsticks. */
static bool visit(struct calibration *calibration, int32_t cell) {
    int32_t first = calibration->windows->count;
    tell(calibration, blocks_cells[cell].name);
    if (is_stopped(calibration) || !run_block(calibration, cell) ||
        !take_yardstick(calibration, YARDSTICK_SEND))
        return false;
    judge_bracket(calibration->windows, first, &calibration->yards);
    return true;
}

/* What a mood of the machine's made useless is visited once more, by the yardsticks around it and
 * not by what came out. */
static bool repeat_disturbed(struct calibration *calibration, int32_t first) {
    int32_t cells[REPEATS_MAX], count = 0;
    const struct windows *windows = calibration->windows;
    for (int32_t i = first; i < windows->count && count < REPEATS_MAX; i++) {
        const struct calibrate_window *window = &windows->items[i];
        bool is_first = i == first || window->block != windows->items[i - 1].block;
        if (is_first && calibration->cells[window->block] < blocks_cells_count &&
            judge_is_off(window))
            cells[count++] = calibration->cells[window->block];
    }
    for (int32_t i = 0; i < count; i++)
        if (!visit(calibration, cells[i]))
            return false;
    return true;
}

static bool run_blocks(struct calibration *calibration) {
    struct rng rng;
    int32_t order[BLOCKS_MAX], first = calibration->windows->count;
    uint64_t seed = seed_of_round(calibration);
    rng_init(&rng, (struct rng_name){.seed = seed, .purpose = CALIBRATE_ORDER_STREAM});
    int32_t count = blocks_shuffle(&rng, order);
    blocks_scatter(seed, calibration->scattered);
    if (!take_yardstick(calibration, YARDSTICK_SEND))
        return false;
    for (int32_t i = 0; i < count; i++)
        if (!visit(calibration, order[i]))
            return false;
    return repeat_disturbed(calibration, first);
}

/* Where readers stand still, what waits for them when the load ends is weighed. */
static bool run_standing(struct calibration *calibration) {
    struct windows windows;
    struct load_report report;
    struct server_memory full, before = server_memory(&calibration->pairs[BLOCKS_STANDING].server);
    struct windows_block block = {.cell = &blocks_standing,
                                  .speed = calibration->speed,
                                  .warm_up_ns = WARM_UP_NS,
                                  .measure_ns = MEASURE_NS,
                                  .drain_number = -1,
                                  .memory_at_end = &full,
                                  .stop = calibration->options.stop};
    windows_init(&windows);
    load_report_init(&report);
    tell(calibration, "memory per byte waiting");
    bool is_run = run_load(calibration, &windows, &block, &report);
    if (is_run && windows.count > 0)
        experiments_queued(&calibration->experiments, &before, &full,
                           (double)windows.items[windows.count - 1].counts.queued_bytes);
    load_report_fini(&report);
    windows_fini(&windows);
    return is_run;
}

static bool run_quiet(struct calibration *calibration) {
    struct windows windows;
    struct windows_block block = {.cell = &blocks_quiet,
                                  .speed = calibration->speed,
                                  .warm_up_ns = WARM_UP_NS,
                                  .measure_ns = QUIET_NS,
                                  .drain_number = -1,
                                  .stop = calibration->options.stop};
    windows_init(&windows);
    tell(calibration, "waking up");
    bool is_run = run_load(calibration, &windows, &block, &calibration->quiet);
    windows_fini(&windows);
    return is_run;
}

/* --- the answer ---------------------------------------------------------------------------------
 */

static void add_pin(struct calibration *calibration, const char *name, const char *text) {
    struct profile *profile = calibration->profile;
    CHECK(profile->pinned_count < PROFILE_FACTS_MAX);
    profile->pinned[profile->pinned_count++] =
        (struct profile_fact){name, arena_new_text(calibration->arena, text)};
}

static void add_pinned_number(struct calibration *calibration, const char *name, int64_t number) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    add_pin(calibration, name, text);
}

static void describe(struct calibration *calibration) {
    struct profile *profile = calibration->profile;
    machine_describe(profile, calibration->arena);
    profile->pinned_count = 0;
    add_pin(calibration, "network", "loopback, IPv4");
    add_pin(calibration, "acknowledgements", loopback_acknowledgements());
    add_pin(calibration, "congestion_control", PAIRS_CONGESTION);
    add_pin(calibration, "tcp_nodelay", "on");
    add_pin(calibration, "send_buffer", "64 KiB asked for");
    add_pin(calibration, "receive_buffer", "128 KiB asked for");
    add_pin(calibration, "reader", "polls, on its own processor");
    add_pinned_number(calibration, "gateway_cpu", calibration->options.gateway_cpu);
    add_pinned_number(calibration, "load_cpu", calibration->options.load_cpu);
    add_pinned_number(calibration, "seed", (int64_t)calibration->options.seed);
}

static void name_profile(struct calibration *calibration) {
    char made_at[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(made_at, sizeof made_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    calibration->profile->name = "this-machine";
    calibration->profile->made_at = arena_new_text(calibration->arena, made_at);
    calibration->profile->mode = modes[calibration->options.mode].name;
}

/* Entries start as what nothing measured, or as what their row assumes; an experiment that could
 * not run leaves its entry so. */
static void clear_profile(struct profile *profile) {
    *profile = (struct profile){.windows = NAN,
                                .blocks = NAN,
                                .condition_number = NAN,
                                .lack_of_fit_p = NAN,
                                .cpu_accounted_share = NAN,
                                .turn_error = NAN};
    for (int32_t i = 0; i < COST_COUNT; i++) {
        const struct profile_entry unmeasured = {.value = profile_cost_lowest((enum cost)i),
                                                 .source = PROFILE_ASSUMED,
                                                 .note = "could not be measured on this machine"};
        const struct profile_entry *assumed = profile_assumed((enum cost)i);
        profile->costs[i] = assumed ? *assumed : unmeasured;
        profile->correlation[i][i] = 1;
    }
}

/* The quiet block's rest is the wake-up and its turn: what the turn costs decides how much of it is
 * left. */
static void move_wake_up(struct profile *profile, double turn_before_ns) {
    struct profile_entry *wake_up = &profile->costs[COST_wake_up];
    if (wake_up->source == PROFILE_MEASURED)
        wake_up->value = fmax(wake_up->value + turn_before_ns - experiments_quiet_turn_ns(profile),
                              profile_cost_lowest(COST_wake_up));
}

enum calibrate_outcome calibrate_fit(struct profile *profile, struct windows *windows,
                                     struct arena *arena, char why[CALIBRATE_WHY_BYTES]) {
    struct estimate estimate;
    const char *reason = "";
    int32_t cells[WINDOWS_BLOCKS_MAX], blocks_count = windows_cells(windows, cells);
    judge_windows(windows);
    judge_reference_to_profile(windows, profile);
    if (!estimate_costs(&estimate, windows, cells, blocks_count, &reason)) {
        snprintf(why, CALIBRATE_WHY_BYTES, "%s", reason);
        return CALIBRATE_REFUSED;
    }
    if (judge_refuses(windows, estimate.turn_error, why))
        return CALIBRATE_REFUSED;
    double turn_before_ns = experiments_quiet_turn_ns(profile);
    estimate_to_profile(&estimate, profile, arena);
    experiments_net_of_steal(profile);
    move_wake_up(profile, turn_before_ns);
    return CALIBRATE_DONE;
}

/* All that needs no fit comes first, so that it is there when the fit is refused. */
static enum calibrate_outcome answer(struct calibration *calibration) {
    describe(calibration);
    name_profile(calibration);
    experiments_accept(&calibration->experiments, &calibration->accepts);
    judge_reference_to_profile(calibration->windows, calibration->profile);
    judge_to_profile(&calibration->yards, calibration->profile);
    experiments_wake_up(&calibration->experiments, &calibration->quiet);
    experiments_spells(&calibration->experiments, &calibration->spells);
    if (!experiments_generator(&calibration->experiments, calibration->generators,
                               calibration->generators_count)) {
        fail(calibration, calibration->experiments.why);
        return CALIBRATE_REFUSED;
    }
    return calibrate_fit(calibration->profile, calibration->windows, calibration->arena,
                         calibration->why);
}

/* Programs that have just been started, each block in random order, and in the last round what one
 * visit is enough for. Where sockets come to lie in memory is the luck of a start: rounds share
 * none of it. */
static bool run_round(struct calibration *calibration) {
    bool is_last = calibration->round + 1 == modes[calibration->options.mode].rounds;
    bool is_run = start_pairs(calibration) && run_pilot(calibration) && run_blocks(calibration) &&
                  (!is_last || (run_standing(calibration) && run_quiet(calibration)));
    stop_pairs(calibration);
    return is_run && watch_spells(calibration);
}

static bool run(struct calibration *calibration) {
    bool is_run = run_alone(calibration) && take_slow_yardsticks(calibration);
    for (; is_run && calibration->round < modes[calibration->options.mode].rounds;
         calibration->round++)
        is_run = run_round(calibration);
    return is_run && take_slow_yardsticks(calibration);
}

/* This process looks at counters ten times a second: beside the generator, not beside the gateway.
 */
static void move_to(int32_t cpu, cpu_set_t *before) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_getaffinity(0, sizeof *before, before) == 0)
        sched_setaffinity(0, sizeof set, &set);
}

enum calibrate_outcome calibrate(struct profile *profile, struct windows *windows,
                                 const struct calibrate_options *options, struct arena *arena,
                                 char why[CALIBRATE_WHY_BYTES]) {
    struct calibration calibration = {.options = *options,
                                      .profile = profile,
                                      .windows = windows,
                                      .arena = arena,
                                      .why = why,
                                      .began_ns = clock_ns()};
    calibration.experiments =
        (struct experiments){.options = &calibration.options, .profile = profile, .arena = arena};
    cpu_set_t before;
    char shared[LOOPBACK_WHY_BYTES];
    if (!loopback_enter(shared))
        tell(&calibration, shared);
    why[0] = '\0';
    clear_profile(profile);
    load_report_init(&calibration.quiet);
    move_to(options->load_cpu, &before);
    bool is_run = run(&calibration);
    enum calibrate_outcome outcome = is_run ? answer(&calibration) : CALIBRATE_FAILED;
    if (outcome == CALIBRATE_DONE && !is_stopped(&calibration)) {
        tell(&calibration, "backplanes");
        backplanes_calibrate(&calibration.experiments, tell_word, &calibration);
    }
    sched_setaffinity(0, sizeof before, &before);
    load_report_fini(&calibration.quiet);
    return outcome;
}
