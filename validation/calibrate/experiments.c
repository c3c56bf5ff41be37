/* Everything here is a mean of few values with the error of that mean; what is not exactly what the
 * entry's row says is written into its note. */
#include "validation/calibrate/experiments.h"

#include "models/workload/protocol.h"
#include "sim/base/stats.h"
#include "validation/calibrate/buffers.h"
#include "validation/calibrate/estimate.h"
#include "validation/calibrate/fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void experiments_set(struct experiments *experiments, enum cost cost, double value, double error,
                     const char *note) {
    double bounded = fmin(fmax(value, profile_cost_lowest(cost)), profile_cost_highest(cost));
    experiments->profile->costs[cost] =
        (struct profile_entry){.value = bounded,
                               .standard_error = isfinite(error) ? error : fabs(bounded),
                               .source = PROFILE_MEASURED,
                               .note = arena_new_text(experiments->arena, note)};
}

static bool fail(struct experiments *experiments, const char *why) {
    snprintf(experiments->why, sizeof experiments->why, "%s", why);
    return false;
}

/* --- memory -------------------------------------------------------------------------------------
 */

enum { MEMORY_POINTS = 4 };
static const int64_t memory_connections[MEMORY_POINTS] = {0, 2000, 4000, 8000};
#define MEMORY_SETTLE_NS (200 * BASE_NS_PER_MS)

/* The kernel counts what it keeps per processor in batches, and frees some things later. */
static struct server_memory settled_memory(const struct server *server) {
    nanosleep(&(struct timespec){.tv_nsec = MEMORY_SETTLE_NS}, NULL);
    return server_memory(server);
}

struct memory_line {
    double connections[MEMORY_POINTS], user[MEMORY_POINTS], kernel[MEMORY_POINTS];
};

static bool measure_memory(struct pair *pair, struct memory_line *line) {
    for (int32_t i = 0; i < MEMORY_POINTS; i++) {
        struct load_tally tally = {.connected = 0};
        if (memory_connections[i] > 0 && !pair_ramp(pair, memory_connections[i], &tally))
            return false;
        struct server_memory memory = settled_memory(&pair->server);
        line->connections[i] = (double)tally.connected;
        line->user[i] = memory.user_bytes;
        line->kernel[i] = memory.slab_bytes + memory.socket_pages_bytes;
    }
    return true;
}

static void set_memory(struct experiments *experiments, const struct memory_line *line) {
    struct stats_slope user = stats_slope_fit(line->connections, line->user, MEMORY_POINTS);
    struct stats_slope kernel = stats_slope_fit(line->connections, line->kernel, MEMORY_POINTS);
    if (isfinite(user.slope) && user.slope > 0)
        experiments_set(experiments, COST_connection_user, user.slope, user.slope_stderr,
                        "slope of PSS over 0 to 8,000 idle connections");
    if (isfinite(kernel.slope) && kernel.slope > 0)
        experiments_set(
            experiments, COST_connection_kernel, kernel.slope / 2, kernel.slope_stderr / 2,
            "half the slope of slab and TCP pages over 0 to 8,000 idle connections: both ends are "
            "on this machine; connection tracking is in it where it is on");
}

bool experiments_memory(struct experiments *experiments) {
    struct pair pair;
    struct memory_line line;
    if (!pair_start(&pair, BLOCKS_QUIET, experiments->options))
        return fail(experiments, pair.why);
    bool is_measured = measure_memory(&pair, &line);
    if (is_measured)
        set_memory(experiments, &line);
    pair_stop(&pair);
    return is_measured || fail(experiments, pair.why);
}

/* Entries are shared by few consumers in a room, so the bytes of a queue are nearly all its own. */
void experiments_queued(struct experiments *experiments, const struct server_memory *before,
                        const struct server_memory *full, double queued_bytes) {
    double per_byte = (full->user_bytes - before->user_bytes) / queued_bytes;
    if (isfinite(per_byte) && per_byte > 0)
        experiments_set(
            experiments, COST_queued_user, per_byte, 0.05 * per_byte,
            "PSS per byte queued, messages of 512 B, one consumer of each room standing still; a "
            "message is stored once for all of its room, so more of them waiting costs less each");
}

/* --- kernel buffers -----------------------------------------------------------------------------
 */

enum { SMALL_FRAME = 134, LARGE_FRAME = 1032, REPEATS = 4, TRIALS = 2 * REPEATS + 2 };

static const struct buffers_options at_default = {65536, 131072, SMALL_FRAME};

struct spread { /* of the figures of small and of large frames */
    struct stats small, large;
};

static void add_to(struct spread *spread, const struct buffers_trial *trial, double value) {
    if (isfinite(value))
        stats_add(trial->options.frame_bytes == SMALL_FRAME ? &spread->small : &spread->large,
                  value);
}

/* Midway between small and large frames. How long a scenario's messages are is not the profile's to
 * know, so half of the way between them is the error. */
static void set_spread(struct experiments *experiments, enum cost cost, const struct spread *spread,
                       const char *note) {
    double small = spread->small.mean, large = spread->large.mean;
    char text[320];
    snprintf(text, sizeof text, "%s; %.3g with frames of %d B, %.3g with %d B", note, small,
             SMALL_FRAME, large, LARGE_FRAME);
    experiments_set(experiments, cost, (small + large) / 2,
                    fmax(fabs(small - large) / 2, stats_stderr(&spread->small)), text);
}

static void set_buffers(struct experiments *experiments, const struct buffers_trial *trials) {
    struct spread send, receive, window, writable, memory;
    struct spread *all[] = {&send, &receive, &window, &writable, &memory};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        stats_init(&all[i]->small);
        stats_init(&all[i]->large);
    }
    for (int32_t i = 0; i < 2 * REPEATS; i++) {
        const struct buffers_trial *trial = &trials[i];
        double sender = (double)trial->sender_bytes, receiver = (double)trial->receiver_bytes;
        add_to(&send, trial, sender / trial->options.send_buffer);
        add_to(&receive, trial, receiver / trial->options.receive_buffer);
        add_to(&window, trial, (double)trial->window_bytes / receiver);
        add_to(&writable, trial, (double)trial->writable_bytes / sender);
        add_to(&memory, trial, (double)trial->sender_memory / sender);
    }
    char note[160];
    const struct buffers_trial *half = &trials[2 * REPEATS];
    snprintf(note, sizeof note,
             "socket pair, SO_SNDBUF 64 KiB; with 32 KiB %.3g at %d B and %.3g at %d B",
             (double)half[0].sender_bytes / half[0].options.send_buffer, SMALL_FRAME,
             (double)half[1].sender_bytes / half[1].options.send_buffer, LARGE_FRAME);
    set_spread(experiments, COST_send_capacity, &send, note);
    snprintf(note, sizeof note,
             "socket pair, SO_RCVBUF 128 KiB; with 64 KiB %.3g at %d B and %.3g at %d B",
             (double)half[0].receiver_bytes / half[0].options.receive_buffer, SMALL_FRAME,
             (double)half[1].receiver_bytes / half[1].options.receive_buffer, LARGE_FRAME);
    set_spread(experiments, COST_receive_capacity, &receive, note);
    set_spread(experiments, COST_window_share, &window,
               "socket pair; read until the first byte left the send buffer");
    set_spread(experiments, COST_writable_share, &writable,
               "socket pair; read until POLLOUT, as a share of what the send buffer held");
    set_spread(experiments, COST_queued_kernel, &memory, "socket pair; SK_MEMINFO_WMEM_QUEUED");
}

bool experiments_buffers(struct experiments *experiments) {
    struct buffers_trial trials[TRIALS] = {0};
    for (int32_t i = 0; i < TRIALS; i++) {
        bool is_half = i >= 2 * REPEATS;
        trials[i].options = at_default;
        trials[i].options.send_buffer /= is_half ? 2 : 1;
        trials[i].options.receive_buffer /= is_half ? 2 : 1;
        trials[i].options.frame_bytes = i % 2 == 0 ? SMALL_FRAME : LARGE_FRAME;
    }
    if (!buffers_run(trials, TRIALS, PAIRS_CONGESTION, experiments->why,
                     (int32_t)sizeof experiments->why))
        return false;
    set_buffers(experiments, trials);
    return true;
}

/* --- connecting ---------------------------------------------------------------------------------
 */

/* Nothing else happens meanwhile, so all that the worker did was connecting. */
bool experiments_connect(struct pair *pair, struct experiments_accepts *accepts) {
    struct gateway_stats before, after;
    struct load_tally tally;
    gateway_stats_read_all(&pair->server.stats, &before);
    if (!pair_connect(pair, &tally))
        return false;
    gateway_stats_read_all(&pair->server.stats, &after);
    struct gateway_stats counts = gateway_stats_since(&before, &after);
    double ns = (double)(counts.accept_ns + counts.read_ns + counts.write_ns + counts.poll_ns +
                         counts.timers_ns + counts.other_ns);
    if (counts.upgraded >= 1000 && accepts->count < EXPERIMENTS_CONNECTS_MAX)
        accepts->ns[accepts->count++] = ns / (double)counts.upgraded;
    return true;
}

void experiments_accept(struct experiments *experiments,
                        const struct experiments_accepts *accepts) {
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < accepts->count; i++)
        stats_add(&stats, accepts->ns[i]);
    experiments_set(
        experiments, COST_accept, stats.mean, fmax(stats_stderr(&stats), 0.03 * stats.mean),
        "all phases per connection while some thousand clients connect and join a room each, up to "
        "64 at a time; loopback");
}

/* --- the generator ------------------------------------------------------------------------------
 */

/* What sending, receiving and sweeping leave of its time. */
static double walking_share(const struct load_generator *generator) {
    double sweeping_s = (double)generator->bulk.empty * generator->bulk.empty_ns * 1e-9;
    return 1 - (generator->busy_s + sweeping_s) / generator->elapsed_s;
}

struct experiments_generator experiments_read_generator(const struct load_report *report,
                                                        const struct blocks_cell *cell) {
    const struct load_generator *generator = &report->generator;
    double walking = walking_share(generator);
    return (struct experiments_generator){
        .sample = generator->sample,
        .bulk = generator->bulk,
        .sends = generator->sends,
        .send_ns = generator->send_ns,
        .lateness_ns = walking * (double)hist_quantile(&generator->lateness, 0.5),
        .look_ns = walking * (double)hist_quantile(&generator->sample_look, 0.5) / 2,
        .stolen_count = (double)generator->stolen.total,
        .stolen_ns = (double)generator->stolen.total * hist_mean(&generator->stolen),
        .elapsed_s = generator->elapsed_s,
        .is_one_by_one = !cell->is_burst,
        .is_moderate = !cell->is_burst && cell->busy > 0 && cell->busy <= 0.5,
    };
}

static void add_look(struct fit_rows *rows, const struct load_looks *looks, bool is_in_full,
                     int32_t block) {
    if (looks->found < 100 || !(looks->found_ns > 0) || rows->count == FIT_BLOCKS_MAX)
        return;
    rows->rows[rows->count++] = (struct fit_row){
        .counts = {1, is_in_full ? (double)looks->bytes / (double)looks->found : 0},
        .ns = looks->found_ns,
        .whole_ns = looks->found_ns,
        .block = block,
        .cell = block};
}

/* A recv() with data, and the bytes of those that are read in full: sampled clients' are, the
 * others' are thrown away in the kernel. */
static bool set_looks(struct experiments *experiments,
                      const struct experiments_generator *generators, int32_t count) {
    struct fit_rows rows = {.terms = 2};
    struct fit fit;
    struct stats sweep;
    stats_init(&sweep);
    for (int32_t i = 0; i < count; i++) {
        add_look(&rows, &generators[i].bulk, false, i);
        add_look(&rows, &generators[i].sample, true, i);
        if (generators[i].sample.empty > 1000 && generators[i].sample.empty_ns > 0)
            stats_add(&sweep, generators[i].sample.empty_ns);
    }
    if (!fit_solve(&fit, &rows, -1) || sweep.count < 2)
        return fail(experiments, "the generator's reports do not tell its own costs");
    experiments_set(experiments, COST_load_read, fit.value[0], fit.standard_error[0],
                    "the generator's own clock, over all blocks");
    experiments_set(experiments, COST_load_byte, fit.value[1], fit.standard_error[1],
                    "the generator's own clock, over all blocks; parsing is in it");
    experiments_set(experiments, COST_load_sweep, sweep.mean, stats_stderr(&sweep),
                    "the generator's own clock, over all blocks");
    return true;
}

/* Of the blocks' means the median: one pause of the machine in one of them is ten times the rest.
 */
struct delays {
    double ns[FIT_BLOCKS_MAX];
    int32_t count;
};

static void set_delay(struct experiments *experiments, enum cost cost, struct delays *delays,
                      const char *note) {
    struct stats stats;
    stats_init(&stats);
    for (int32_t i = 0; i < delays->count; i++)
        stats_add(&stats, delays->ns[i]);
    double median = stats_median(delays->ns, (size_t)delays->count);
    double error = fmin(stats_stderr(&stats), median); /* NAN of one: the median */
    experiments_set(experiments, cost, median, fmax(error, 0.1 * median), note);
}

/* The generator never sleeps, so it sees when its processor is taken away; the gateway's is on the
 * same host. */
static void set_steal(struct experiments *experiments,
                      const struct experiments_generator *generators, int32_t count) {
    double gaps = 0, stolen_ns = 0, elapsed_s = 0;
    for (int32_t i = 0; i < count; i++) {
        gaps += generators[i].stolen_count;
        stolen_ns += generators[i].stolen_count > 0 ? generators[i].stolen_ns : 0;
        elapsed_s += generators[i].elapsed_s;
    }
    const char *note = "gaps of 500 us and more between two readings of the generator's clock, all "
                       "blocks; the error is twice that of a Poisson count";
    double share = gaps > 0 ? 2 / sqrt(gaps) : 0;
    experiments_set(experiments, COST_steals, gaps / elapsed_s, share * gaps / elapsed_s, note);
    experiments_set(experiments, COST_steal, gaps > 0 ? stolen_ns / gaps : 0,
                    gaps > 0 ? share * stolen_ns / gaps : 0, note);
}

bool experiments_generator(struct experiments *experiments,
                           const struct experiments_generator *generators, int32_t count) {
    struct delays lateness = {.count = 0}, look = {.count = 0};
    struct stats send;
    stats_init(&send);
    for (int32_t i = 0; i < count; i++) {
        if (generators[i].is_one_by_one && generators[i].sends > 100)
            stats_add(&send, generators[i].send_ns);
        if (!generators[i].is_moderate || look.count == FIT_BLOCKS_MAX)
            continue;
        lateness.ns[lateness.count++] = generators[i].lateness_ns;
        look.ns[look.count++] = generators[i].look_ns;
    }
    if (send.count == 0 || lateness.count == 0)
        return fail(experiments, "too few of the generator's reports are left");
    experiments_set(experiments, COST_load_publish, send.mean,
                    fmax(stats_stderr(&send), 0.03 * send.mean),
                    "the generator's own clock; independent publishers of 128 B, framing included");
    set_steal(experiments, generators, count);
    set_delay(
        experiments, COST_load_lateness, &lateness,
        "2,400 connections at half load, to when the kernel had the message: median, times the "
        "share of its time that sending, receiving and sweeping left");
    set_delay(
        experiments, COST_load_sample, &look,
        "256 sampled of 2,400 connections at half load: half of the median interval between two "
        "looks, likewise");
    return set_looks(experiments, generators, count);
}

void experiments_spells(struct experiments *experiments, const struct yardstick_spells *spells) {
    const char *note = "a bare send loop in windows of 10 ms: runs of windows 20 % above the lower "
                       "quartile, up to 1 s; the error is twice that of a Poisson count";
    if (spells->begun == 0)
        return; /* none, as the row assumes */
    double share = 2 / sqrt((double)spells->begun);
    double per_s = (double)spells->begun / spells->quiet_s;
    double length_ns = spells->slow_s / (double)spells->begun * 1e9;
    double slowdown = spells->excess_s / (spells->slow_s - spells->excess_s);
    experiments_set(experiments, COST_spells, per_s, share * per_s, note);
    experiments_set(experiments, COST_spell, length_ns, share * length_ns, note);
    experiments_set(experiments, COST_spell_slowdown, slowdown, share * slowdown, note);
}

/* Of elapsed time, how much the spells have made it longer. */
static double spells_share(const struct profile_entry *costs) {
    double slow = costs[COST_spells].value * costs[COST_spell].value * 1e-9;
    double slowdown = costs[COST_spell_slowdown].value;
    return slow / (1 + slow) * slowdown / (1 + slowdown);
}

void experiments_net_of_steal(struct profile *profile) {
    struct profile_entry *costs = profile->costs;
    double share = costs[COST_steals].value * costs[COST_steal].value * 1e-9 + spells_share(costs);
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (estimate_is_fitted((enum cost)i)) {
            costs[i].value *= 1 - share;
            costs[i].standard_error *= 1 - share;
        }
}

/* --- waking up ----------------------------------------------------------------------------------
 */

double experiments_quiet_turn_ns(const struct profile *profile) {
    const struct profile_costs costs = profile_means(profile);
    const double *value = costs.value;
    double members = blocks_quiet.members, bytes = blocks_quiet.bytes;
    double in_bytes = (double)protocol_inbound_bytes(blocks_quiet.bytes);
    double out_bytes = (double)protocol_outbound_bytes((int64_t)bytes);
    return value[COST_turn] + value[COST_read] + value[COST_read_byte] * in_bytes +
           value[COST_publish] +
           (members + 1) / 2 *
               (value[COST_write] + value[COST_frame] + value[COST_byte] * out_bytes);
}

/* What lies between intention and the median delivery, less all that has an entry of its own: the
 * generator's lateness and look (medians likewise), and the turn that the publish makes, up to the
 * middle of its room. */
void experiments_wake_up(struct experiments *experiments, const struct load_report *report) {
    double turn_ns = experiments_quiet_turn_ns(experiments->profile);
    double generator_ns = (double)hist_quantile(&report->generator.lateness, 0.5) +
                          (double)hist_quantile(&report->generator.sample_look, 0.5) / 2;
    double median_ns = (double)hist_quantile(&report->latency, 0.5);
    double wake_up_ns = median_ns - turn_ns - generator_ns;
    char note[200];
    snprintf(note, sizeof note,
             "one publish at a time, 50/s into a room of ten: median latency %.1f us, less the "
             "turn's processor costs and %.1f us of the generator's, medians too",
             median_ns / 1e3, generator_ns / 1e3);
    experiments_set(experiments, COST_wake_up, wake_up_ns,
                    fmax(0.1 * median_ns, 0.1 * fabs(wake_up_ns)), note);
}
