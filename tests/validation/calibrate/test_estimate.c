/* Windows as the gateway would count them if its costs were known exactly, over the calibration's
 * own cells: what comes out must be what was put in, with errors that say how sure that is. */
#include "tests/sim/suite.h"

#include "sim/base/rng.h"
#include "validation/calibrate/estimate.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

enum { PER_BLOCK = 8 };

static const double true_costs[COST_COUNT] = {
    [COST_turn] = 1210,     [COST_turn_cold] = 2300, [COST_read] = 1475,
    [COST_read_cold] = 143, [COST_read_byte] = 0.83, [COST_publish] = 317,
    [COST_write] = 1843,    [COST_write_cold] = 118, [COST_write_scatter] = 81.5,
    [COST_frame] = 23.5,    [COST_byte] = 0.217,     [COST_enqueue] = 92,
    [COST_writable] = 905};
/* How much of a cost with a part in two phases the first of them has. */
static const double in_loop = 0.4;

struct moods {
    double loop, read, write;
};

static void fill_counts(struct gateway_stats *counts, const struct blocks_cell *cell,
                        struct rng *rng) {
    double turns = 400 + 200 * rng_uniform(rng);
    double reads_each = cell->is_burst ? 1 : 1 + 5 * cell->busy;
    double publishes_each = cell->is_burst ? cell->publishes : 1;
    counts->turns = (uint64_t)turns;
    counts->reads = counts->ready_events = (uint64_t)(turns * reads_each);
    counts->publishes = (uint64_t)((double)counts->reads * publishes_each);
    counts->read_bytes = counts->publishes * (uint64_t)(cell->bytes + 16);
    bool is_at_once = cell->setting == BLOCKS_AT_ONCE;
    counts->flushes = is_at_once ? counts->publishes : counts->reads;
    counts->writes = counts->flushes * (uint64_t)cell->members;
    counts->frames_written = counts->publishes * (uint64_t)cell->members;
    if (blocks_may_block(cell->setting)) {
        counts->enqueued = counts->frames_written / 2;
        counts->frames_written -= counts->enqueued;
        counts->writes /= 2;
        counts->writable_events = (uint64_t)(10 + 300 * rng_uniform(rng));
        counts->writes += counts->writable_events;
    }
    counts->written_bytes = counts->frames_written * (uint64_t)(cell->bytes + 4);
}

static void fill_times(struct calibrate_window *window, struct moods moods) {
    struct gateway_stats *counts = &window->counts;
    const double *cost = true_costs;
    double turns = (double)counts->turns, reads = (double)counts->reads;
    double turn = cost[COST_turn] +
                  cost[COST_turn_cold] * fmax(0, 1 - 256 / ((double)counts->writes / turns));
    double evicted = fmax(0, 1 - 256 / window->working_set);
    counts->poll_ns =
        (uint64_t)(moods.loop * in_loop *
                   (turn * turns + (cost[COST_read] + cost[COST_read_cold] * evicted) * reads));
    counts->read_ns =
        (uint64_t)(moods.read *
                   ((1 - in_loop) * (turn * turns +
                                     (cost[COST_read] + cost[COST_read_cold] * evicted) * reads) +
                    cost[COST_read_byte] * (double)counts->read_bytes +
                    0.7 * cost[COST_publish] * (double)counts->publishes));
    counts->write_ns =
        (uint64_t)(moods.write *
                   (0.3 * cost[COST_publish] * (double)counts->flushes +
                    (cost[COST_write] +
                     (cost[COST_write_cold] + cost[COST_write_scatter] * window->scattered) *
                         evicted) *
                        (double)counts->writes +
                    cost[COST_frame] * (double)counts->frames_written +
                    cost[COST_byte] * (double)counts->written_bytes +
                    cost[COST_enqueue] * (double)counts->enqueued +
                    cost[COST_writable] * (double)counts->writable_events));
    counts->cpu_ns =
        (uint64_t)(1.01 * (double)(counts->poll_ns + counts->read_ns + counts->write_ns));
}

static int32_t make_windows(struct windows *windows, int32_t *cells, double noise, uint64_t seed) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed});
    gsl_rng gsl = rng_as_gsl(&rng);
    int32_t order[BLOCKS_MAX], count = blocks_shuffle(&rng, order);
    double scattered[BLOCKS_MAX];
    blocks_scatter(seed, scattered);
    windows_init(windows);
    for (int32_t block = 0; block < count; block++) {
        const struct blocks_cell *cell = &blocks_cells[order[block]];
        cells[block] = order[block];
        struct moods moods = {1 + gsl_ran_gaussian(&gsl, noise), 1 + gsl_ran_gaussian(&gsl, noise),
                              1 + gsl_ran_gaussian(&gsl, noise)};
        for (int32_t i = 0; i < PER_BLOCK; i++) {
            struct calibrate_window window = {.block = block,
                                              .working_set = cell->working_set,
                                              .scattered = scattered[order[block]],
                                              .length_ns = BASE_NS_PER_MS,
                                              .yardstick = 1};
            fill_counts(&window.counts, cell, &rng);
            fill_times(&window, moods);
            windows_add(windows, &window);
        }
    }
    return count;
}

static void estimate_made_up(struct estimate *estimate, double noise, uint64_t seed) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, noise, seed);
    ck_assert_msg(estimate_costs(estimate, &windows, cells, count, &why), "%s", why);
    windows_fini(&windows);
}

/* A publish is one flush in a room that is hot once per turn and several elsewhere, so its parts in
 * the two phases add up only where each publish is a flush: 0.7 + 0.3. */
START_TEST(the_costs_of_all_phases_come_back) {
    struct estimate estimate;
    estimate_made_up(&estimate, 0, 1);
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (true_costs[i] > 0)
            ck_assert_double_eq_tol(estimate.values[i], true_costs[i], 0.005 * true_costs[i]);
    ck_assert_double_eq_tol(estimate.cpu_accounted_share, 1 / 1.01, 1e-4);
    ck_assert_double_lt(estimate.fits[PHASE_WRITE].fit.condition_number, 60);
    /* most blocks have one read a turn: only those with many tell a turn from a cold read */
    ck_assert_double_lt(estimate.fits[PHASE_READ].fit.condition_number, 200);
}
END_TEST

START_TEST(blocks_that_differ_by_two_percent_leave_errors_that_say_so) {
    enum { CALIBRATIONS = 30 };
    int32_t inside = 0, all = 0;
    double write_error = 0;
    for (uint64_t seed = 0; seed < CALIBRATIONS; seed++) {
        struct estimate estimate;
        estimate_made_up(&estimate, 0.02, 100 + seed);
        for (int32_t i = 0; i < COST_COUNT; i++) {
            if (true_costs[i] == 0)
                continue;
            double error = sqrt(estimate.covariance[i][i]);
            inside += fabs(estimate.values[i] - true_costs[i]) < 2.09 * error;
            all++;
        }
        write_error += sqrt(estimate.covariance[COST_write][COST_write]) / CALIBRATIONS;
    }
    ck_assert_int_gt(inside, 9 * all / 10);
    ck_assert_double_lt(write_error, 0.06 * true_costs[COST_write]); /* and are not merely wide */
}
END_TEST

START_TEST(the_profile_gets_values_errors_and_correlations) {
    struct arena arena;
    struct estimate estimate;
    struct profile *profile = calloc(1, sizeof *profile);
    arena_init(&arena);
    estimate_made_up(&estimate, 0.02, 5);
    estimate_to_profile(&estimate, profile, &arena);
    const struct profile_entry *write = &profile->costs[COST_write];
    ck_assert_double_eq(write->value, estimate.values[COST_write]);
    ck_assert_double_eq_tol(write->standard_error * write->standard_error,
                            estimate.covariance[COST_write][COST_write], 1e-6);
    ck_assert_int_eq(write->source, PROFILE_MEASURED);
    ck_assert(strstr(write->note, "loopback") != NULL);
    ck_assert_double_eq(profile->correlation[COST_write][COST_write], 1);
    ck_assert_double_eq(profile->correlation[COST_write][COST_byte],
                        profile->correlation[COST_byte][COST_write]);
    /* What a dearer write explains, a cheaper byte need not. */
    ck_assert_double_ne(profile->correlation[COST_write][COST_byte], 0);
    ck_assert_double_eq(profile->correlation[COST_write][COST_connection_user], 0);
    ck_assert_double_eq(profile->windows, estimate.windows_used);
    arena_fini(&arena);
    free(profile);
}
END_TEST

/* Every third block finds the machine slower, and so does its yardstick; how much of that a phase
 * feels is its elasticity. */
static void slow_down(struct windows *windows, double by, const struct moods *elasticity) {
    for (int32_t i = 0; i < windows->count; i++) {
        struct calibrate_window *window = &windows->items[i];
        double slower = window->block % 3 == 0 ? 1 + by : 1;
        struct gateway_stats *counts = &window->counts;
        window->yardstick = slower;
        counts->poll_ns = (uint64_t)((double)counts->poll_ns * pow(slower, elasticity->loop));
        counts->read_ns = (uint64_t)((double)counts->read_ns * pow(slower, elasticity->read));
        counts->write_ns = (uint64_t)((double)counts->write_ns * pow(slower, elasticity->write));
    }
}

/* Half as slow again, as such machines are for minutes, and each phase in its own way. */
START_TEST(costs_of_a_machine_that_was_slow_at_times_are_those_of_its_quiet_hours) {
    static const struct moods elasticity = {.loop = 0.4, .read = 0.55, .write = 0.87};
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    slow_down(&windows, 0.55, &elasticity);
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    windows_fini(&windows);
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (true_costs[i] > 0)
            ck_assert_double_eq_tol(estimate.values[i], true_costs[i], 0.005 * true_costs[i]);
    ck_assert_double_eq_tol(estimate.fits[PHASE_WRITE].fit.elasticity, 0.87, 0.005);
    ck_assert_double_eq_tol(estimate.fits[PHASE_READ].fit.elasticity, 0.55, 0.005);
    ck_assert_double_eq_tol(estimate.fits[PHASE_LOOP].fit.elasticity, 0.4, 0.005);
}
END_TEST

/* The windows fit exactly, but the yardsticks around each block differ by 4 %: then each cost is
 * uncertain by half of that, and all of them together. */
START_TEST(a_yardsticks_noise_is_common_to_all_costs) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    for (int32_t i = 0; i < windows.count; i++) {
        windows.items[i].yard_before_ns = 1700;
        windows.items[i].yard_after_ns = 1700 * exp(windows.items[i].block % 2 == 0 ? 0.04 : -0.04);
    }
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    windows_fini(&windows);
    ck_assert_double_eq_tol(estimate.drift, 0.02, 1e-9);
    double write = sqrt(estimate.covariance[COST_write][COST_write]);
    double byte = sqrt(estimate.covariance[COST_byte][COST_byte]);
    ck_assert_double_eq_tol(write / estimate.values[COST_write], 0.02, 0.001);
    ck_assert_double_gt(estimate.covariance[COST_write][COST_byte] / write / byte, 0.9);
    ck_assert_double_eq_tol(estimate.turn_error, 1.96 * 0.02, 0.002);
}
END_TEST

/* Yardsticks that scatter by nothing but their own noise move no cost. */
START_TEST(a_noisy_yardstick_on_a_steady_machine_changes_nothing) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    for (int32_t i = 0; i < windows.count; i++) {
        double off = 0.05 * ((windows.items[i].block * 7) % 5 - 2) / 2;
        windows.items[i].yardstick = exp(off);
        windows.items[i].yard_before_ns = 1700 * exp(off - 0.05);
        windows.items[i].yard_after_ns = 1700 * exp(off + 0.05);
    }
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    windows_fini(&windows);
    ck_assert_double_eq(estimate.reliability, 0);
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (true_costs[i] > 0)
            ck_assert_double_eq_tol(estimate.values[i], true_costs[i], 0.005 * true_costs[i]);
}
END_TEST

/* Every window of a cell is off by the same: repeats agree, so the scatter of blocks knows nothing
 * of it, and only the scatter of cells does. */
START_TEST(a_mechanism_that_the_model_lacks_is_in_the_errors) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0.002, 9);
    for (int32_t i = 0; i < windows.count; i++)
        if (cells[windows.items[i].block] % 2 == 0)
            windows.items[i].counts.write_ns = windows.items[i].counts.write_ns * 11 / 10;
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    ck_assert_double_lt(estimate.fits[PHASE_WRITE].fit.lack_of_fit_p, 0.001);
    double write = sqrt(estimate.covariance[COST_write][COST_write]);
    ck_assert_double_gt(write, 0.02 * true_costs[COST_write]);
    /* What is to be predicted deviates as the cells do: all of it, and its parts further, which
     * deviations of cells trade against each other (2.2 times as far without that). */
    double deviation = sqrt(estimate.fits[PHASE_WRITE].fit.cell_variance);
    double frame = sqrt(estimate.covariance[COST_frame][COST_frame]);
    ck_assert_double_gt(estimate.turn_error, 1.96 * deviation);
    ck_assert_double_gt(frame / true_costs[COST_frame], 2.7 * deviation);
    /* Were each block a cell, there would be no repeats, and no lack of fit to be seen. */
    for (int32_t block = 0; block < count; block++)
        cells[block] = block;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    ck_assert_double_lt(sqrt(estimate.covariance[COST_write][COST_write]), write);
    windows_fini(&windows);
}
END_TEST

static bool has_backlog(const struct calibrate_window *window) {
    return window->counts.enqueued > 0 || window->counts.writable_events > 0;
}

/* A gateway that idles between backlogs pays more for each write there, as real ones do. */
START_TEST(writes_that_are_dear_beside_a_backlog_make_no_other_write_dear) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    for (int32_t i = 0; i < windows.count; i++) {
        struct gateway_stats *counts = &windows.items[i].counts;
        double backlog = true_costs[COST_enqueue] * (double)counts->enqueued +
                         true_costs[COST_writable] * (double)counts->writable_events;
        if (has_backlog(&windows.items[i]))
            counts->write_ns += (uint64_t)(0.15 * ((double)counts->write_ns - backlog));
    }
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    windows_fini(&windows);
    static const enum cost costs[] = {COST_write, COST_write_cold, COST_frame,
                                      COST_byte,  COST_enqueue,    COST_writable};
    for (size_t i = 0; i < COUNT_OF(costs); i++)
        ck_assert_double_eq_tol(estimate.values[costs[i]], true_costs[costs[i]],
                                0.005 * true_costs[costs[i]]);
    ck_assert_double_eq_tol(estimate.fits[PHASE_BACKLOG].fit.value[0], 1.15, 0.002);
}
END_TEST

/* Writable events that come in nearly the same number for each write cannot be told from them. */
START_TEST(a_backlogs_costs_are_no_less_sure_than_a_write_is_dear) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0.02, 9);
    for (int32_t i = 0; i < windows.count; i++) {
        struct gateway_stats *counts = &windows.items[i].counts;
        if (has_backlog(&windows.items[i]))
            counts->writable_events = counts->writes / 50 + (uint64_t)(windows.items[i].block % 3);
    }
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    windows_fini(&windows);
    double error = sqrt(estimate.covariance[COST_writable][COST_writable]);
    ck_assert_double_eq_tol(error, estimate.values[COST_write], 1e-6);
}
END_TEST

START_TEST(a_calibration_without_a_backlog_says_so) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    for (int32_t i = 0; i < windows.count; i++)
        if (has_backlog(&windows.items[i]))
            windows.items[i].exclusion = CALIBRATE_SHARED;
    struct estimate estimate;
    ck_assert(!estimate_costs(&estimate, &windows, cells, count, &why));
    ck_assert_str_eq(why, "the blocks that are left do not tell what a backlog costs");
    windows_fini(&windows);
}
END_TEST

/* Twenty-four starts of a gateway, each with its own luck of 5 %, and blocks that agree otherwise.
 */
START_TEST(the_luck_of_a_start_is_in_the_errors_where_there_were_many) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    struct estimate estimate;
    for (int32_t i = 0; i < windows.count; i++) {
        struct calibrate_window *window = &windows.items[i];
        window->life = window->block % 24;
        if (window->life % 2 == 0)
            window->counts.write_ns = window->counts.write_ns * 21 / 20;
    }
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    double with_lives = estimate.covariance[COST_write][COST_write];
    for (int32_t i = 0; i < windows.count; i++)
        windows.items[i].life = 0;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    ck_assert_double_gt(with_lives, 1.3 * estimate.covariance[COST_write][COST_write]);
    windows_fini(&windows);
}
END_TEST

START_TEST(excluded_windows_do_not_count) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    for (int32_t i = 0; i < windows.count; i += 3) {
        windows.items[i].exclusion = CALIBRATE_STOLEN;
        windows.items[i].counts.write_ns *= 3;
    }
    struct estimate estimate;
    ck_assert(estimate_costs(&estimate, &windows, cells, count, &why));
    ck_assert_double_eq_tol(estimate.values[COST_write], true_costs[COST_write], 10);
    ck_assert_int_eq(estimate.windows_used + estimate.windows_excluded, windows.count);
    ck_assert_int_eq(estimate.windows_excluded, (windows.count + 2) / 3);
    windows_fini(&windows);
}
END_TEST

START_TEST(blocks_of_one_kind_tell_nothing_apart) {
    struct windows windows;
    int32_t cells[BLOCKS_MAX];
    const char *why = "";
    int32_t count = make_windows(&windows, cells, 0, 9);
    for (int32_t i = 0; i < windows.count; i++)
        if (cells[windows.items[i].block] != 0)
            windows.items[i].exclusion = CALIBRATE_SHARED;
    struct estimate estimate;
    ck_assert(!estimate_costs(&estimate, &windows, cells, count, &why));
    ck_assert_str_eq(why, "the blocks that are left do not tell a turn from a read");
    windows_fini(&windows);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(the_costs_of_all_phases_come_back),
        TEST(blocks_that_differ_by_two_percent_leave_errors_that_say_so),
        TEST(the_profile_gets_values_errors_and_correlations),
        TEST(costs_of_a_machine_that_was_slow_at_times_are_those_of_its_quiet_hours),
        TEST(a_yardsticks_noise_is_common_to_all_costs),
        TEST(a_noisy_yardstick_on_a_steady_machine_changes_nothing),
        TEST(a_mechanism_that_the_model_lacks_is_in_the_errors),
        TEST(writes_that_are_dear_beside_a_backlog_make_no_other_write_dear),
        TEST(a_backlogs_costs_are_no_less_sure_than_a_write_is_dear),
        TEST(a_calibration_without_a_backlog_says_so),
        TEST(the_luck_of_a_start_is_in_the_errors_where_there_were_many),
        TEST(excluded_windows_do_not_count),
        TEST(blocks_of_one_kind_tell_nothing_apart),
    };
    return suite_run("calibrate/estimate", tests, COUNT_OF(tests));
}
