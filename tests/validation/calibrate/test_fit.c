/* The fit on windows whose costs are known, because they were made up here. Costs are of the size
 * that such machines have: 1,843 ns a write, 61.5 ns a frame, 0.217 ns a byte. */
#include "tests/sim/suite.h"

#include "sim/base/rng.h"
#include "validation/calibrate/fit.h"

#include <gsl/gsl_randist.h>
#include <math.h>

enum { TERMS = 4, CELLS = 8, VISITS = 3, BLOCKS = CELLS * VISITS, WINDOWS = 12 };

static const double TRUE_COSTS[TERMS] = {1843, 61.5, 0.217, 118};

/* Writes per window, frames and bytes per write, and a fourth count. */
static const double DESIGN[CELLS][4] = {
    {50000, 1, 130, 0}, {40000, 20, 2600, 0}, {45000, 1, 2564, 0}, {30000, 5, 5140, 3},
    {48000, 1, 130, 5}, {35000, 5, 650, 3},   {20000, 1, 8204, 3}, {25000, 20, 20640, 5}};

struct noise {
    double cell, block, window; /* relative, standard deviations */
    double wild_share;          /* of the windows take two to six times as long */
};

static void make_window(struct fit_window *window, int32_t cell, double factor) {
    const double *design = DESIGN[cell];
    const double counts[TERMS] = {design[0], design[0] * design[1], design[0] * design[2],
                                  design[0] * design[3]};
    *window = (struct fit_window){.ns = 0};
    for (int32_t i = 0; i < TERMS; i++) {
        window->counts[i] = counts[i];
        window->ns += counts[i] * TRUE_COSTS[i] * factor;
    }
    window->whole_ns = window->ns;
}

static int32_t make_windows(struct fit_window *windows, int32_t *cells, const struct noise *noise,
                            uint64_t seed) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed});
    gsl_rng gsl = rng_as_gsl(&rng);
    int32_t count = 0;
    double own[CELLS];
    for (int32_t cell = 0; cell < CELLS; cell++)
        own[cell] = 1 + gsl_ran_gaussian(&gsl, noise->cell);
    for (int32_t block = 0; block < BLOCKS; block++) {
        cells[block] = block % CELLS;
        double mood = own[cells[block]] * (1 + gsl_ran_gaussian(&gsl, noise->block));
        for (int32_t i = 0; i < WINDOWS; i++) {
            double factor = mood * (1 + gsl_ran_gaussian(&gsl, noise->window));
            if (rng_uniform(&rng) < noise->wild_share)
                factor *= 2 + 4 * rng_uniform(&rng);
            make_window(&windows[count], cells[block], factor);
            windows[count++].block = block;
        }
    }
    return count;
}

static void fit_made_up(struct fit *fit, struct fit_rows *rows, const struct noise *noise,
                        uint64_t seed) {
    static struct fit_window windows[BLOCKS * WINDOWS];
    int32_t cells[BLOCKS];
    int32_t count = make_windows(windows, cells, noise, seed);
    fit_collapse(rows, windows, count, cells, TERMS);
    ck_assert(fit_solve(fit, rows, -1));
}

START_TEST(without_noise_the_costs_come_back_exactly) {
    struct fit fit;
    struct fit_rows rows;
    fit_made_up(&fit, &rows, &(struct noise){0}, 1);
    for (int32_t i = 0; i < TERMS; i++)
        ck_assert_double_eq_tol(fit.value[i], TRUE_COSTS[i], 1e-6 * TRUE_COSTS[i]);
    ck_assert_int_eq(rows.count, BLOCKS);
    ck_assert_int_eq(rows.windows_wild, 0);
}
END_TEST

START_TEST(one_window_in_twenty_may_be_wild) {
    struct fit fit;
    struct fit_rows rows;
    fit_made_up(&fit, &rows, &(struct noise){.window = 0.01, .wild_share = 0.05}, 2);
    /* 288 windows of 1 % each, 24 of them per cell: a write's cost is good to far better than 1 %.
     */
    ck_assert_double_eq_tol(fit.value[0], TRUE_COSTS[0], 0.01 * TRUE_COSTS[0]);
    ck_assert_double_eq_tol(fit.value[2], TRUE_COSTS[2], 0.03 * TRUE_COSTS[2]);
    ck_assert_int_ge(rows.windows_wild, 8); /* 14.4 expected, 3.7 is the standard deviation */
}
END_TEST

START_TEST(a_cost_is_never_negative) {
    /* A term whose true cost is nothing, counted where the others are a little too dear. */
    struct fit_window windows[BLOCKS * 3];
    int32_t cells[BLOCKS], count = 0;
    for (int32_t block = 0; block < BLOCKS; block++) {
        cells[block] = block % CELLS;
        double disturbed = DESIGN[cells[block]][1] > 10 ? 0.97 : 1;
        for (int32_t i = 0; i < 3; i++, count++) {
            double n = DESIGN[cells[block]][0];
            windows[count] = (struct fit_window){.counts = {n, n * DESIGN[cells[block]][1]},
                                                 .ns = n * TRUE_COSTS[0] * disturbed,
                                                 .whole_ns = n * TRUE_COSTS[0] * disturbed,
                                                 .block = block};
        }
    }
    struct fit_rows rows;
    struct fit fit;
    fit_collapse(&rows, windows, count, cells, 2);
    ck_assert(fit_solve(&fit, &rows, -1));
    ck_assert_double_eq(fit.value[1], 0);
    ck_assert_double_eq_tol(fit.value[0], TRUE_COSTS[0], 0.03 * TRUE_COSTS[0]);
    ck_assert(fit.standard_error[1] > 0); /* nothing is known to be exactly nothing */
}
END_TEST

START_TEST(terms_that_are_multiples_of_each_other_are_refused) {
    struct fit_window windows[9];
    int32_t cells[3] = {0, 1, 2};
    for (int32_t i = 0; i < 9; i++)
        windows[i] = (struct fit_window){.counts = {10.0 + i / 3, 2 * (10.0 + i / 3)},
                                         .ns = 500,
                                         .whole_ns = 500,
                                         .block = i / 3};
    struct fit_rows rows;
    struct fit fit;
    fit_collapse(&rows, windows, 9, cells, 2);
    ck_assert(!fit_solve(&fit, &rows, -1));
}
END_TEST

START_TEST(a_term_that_nothing_counts_costs_nothing) {
    struct fit_window windows[9];
    int32_t cells[3] = {0, 1, 2};
    for (int32_t i = 0; i < 9; i++)
        windows[i] = (struct fit_window){.counts = {10.0 + i / 3, 0},
                                         .ns = 7.25 * (10.0 + i / 3),
                                         .whole_ns = 7.25 * (10.0 + i / 3),
                                         .block = i / 3};
    struct fit_rows rows;
    struct fit fit;
    fit_collapse(&rows, windows, 9, cells, 2);
    ck_assert(fit_solve(&fit, &rows, -1));
    ck_assert_double_eq_tol(fit.value[0], 7.25, 1e-9);
    ck_assert_double_eq(fit.value[1], 0);
}
END_TEST

START_TEST(a_block_of_two_windows_gives_no_row) {
    struct fit_window windows[8];
    int32_t cells[3] = {0, 1, 2};
    for (int32_t i = 0; i < 8; i++)
        windows[i] = (struct fit_window){.counts = {5},
                                         .ns = 35,
                                         .whole_ns = 35,
                                         .block = i < 3   ? 0
                                                  : i < 5 ? 1
                                                          : 2};
    struct fit_rows rows;
    fit_collapse(&rows, windows, 8, cells, 1);
    ck_assert_int_eq(rows.count, 2);
    ck_assert_int_eq(rows.rows[1].block, 2);
}
END_TEST

/* Blocks 3 % apart, windows 1 %: what the jackknife says of its error must be the error that it
 * makes, over 300 calibrations. A 95 % interval of a jackknife over 24 blocks with 4 terms covers a
 * little less than 95 %; one over windows would cover about 40 %. */
START_TEST(the_error_by_blocks_is_the_error_that_is_made) {
    enum { CALIBRATIONS = 300 };
    int32_t inside[TERMS] = {0}, inside_if_windows = 0;
    for (uint64_t seed = 0; seed < CALIBRATIONS; seed++) {
        struct fit fit;
        struct fit_rows rows;
        fit_made_up(&fit, &rows, &(struct noise){.block = 0.03, .window = 0.01, .wild_share = 0.05},
                    1000 + seed);
        double values[BLOCKS * FIT_TERMS_MAX];
        ck_assert_int_eq(fit_jackknife(&rows, &fit, BLOCKS, values), BLOCKS);
        for (int32_t i = 0; i < TERMS; i++) {
            double error =
                sqrt(fit_jackknife_covariance(values + i, values + i, BLOCKS, FIT_TERMS_MAX));
            inside[i] += fabs(fit.value[i] - TRUE_COSTS[i]) < 2.09 * error; /* t, 20 degrees */
            if (i == 0)
                inside_if_windows +=
                    fabs(fit.value[0] - TRUE_COSTS[0]) < 2.09 * error / sqrt(WINDOWS);
        }
    }
    for (int32_t i = 0; i < TERMS; i++)
        ck_assert_msg(inside[i] > 0.88 * CALIBRATIONS, "term %d: %d of %d", i, inside[i],
                      CALIBRATIONS);
    ck_assert_int_lt(inside_if_windows, 0.6 * CALIBRATIONS);
}
END_TEST

/* Cells 3 % apart of which the model knows nothing, replicates that agree to 0.3 %: what is said of
 * the errors must be the errors that are made, over 400 calibrations. The mean of 400 squares of a
 * normal deviate is known to 7 %, and Huber's weights cost a little more. */
START_TEST(the_error_by_cells_is_the_error_that_is_made) {
    enum { CALIBRATIONS = 400 };
    double made[TERMS] = {0}, said[TERMS] = {0}, cells_variance = 0;
    for (uint64_t seed = 0; seed < CALIBRATIONS; seed++) {
        struct fit fit;
        struct fit_rows rows;
        double covariance[FIT_TERMS_MAX][FIT_TERMS_MAX];
        fit_made_up(&fit, &rows, &(struct noise){.cell = 0.03, .block = 0.003, .window = 0.003},
                    5000 + seed);
        fit_cells_covariance(&rows, &fit, covariance);
        for (int32_t i = 0; i < TERMS; i++) {
            made[i] += (fit.value[i] - TRUE_COSTS[i]) * (fit.value[i] - TRUE_COSTS[i]);
            said[i] += covariance[i][i];
        }
        cells_variance += fit.cell_variance / CALIBRATIONS;
    }
    for (int32_t i = 0; i < TERMS; i++)
        ck_assert_msg(fabs(said[i] / made[i] - 1) < 0.3, "term %d: %g said, %g made", i,
                      sqrt(said[i] / CALIBRATIONS), sqrt(made[i] / CALIBRATIONS));
    ck_assert_double_eq_tol(cells_variance, 0.03 * 0.03, 0.1 * 0.03 * 0.03);
}
END_TEST

START_TEST(cells_that_do_not_deviate_add_no_error) {
    struct fit fit;
    struct fit_rows rows;
    double covariance[FIT_TERMS_MAX][FIT_TERMS_MAX];
    fit_made_up(&fit, &rows, &(struct noise){0}, 1);
    fit_cells_covariance(&rows, &fit, covariance);
    for (int32_t i = 0; i < TERMS; i++)
        ck_assert_double_lt(sqrt(covariance[i][i]), 1e-6 * TRUE_COSTS[i]);
}
END_TEST

START_TEST(a_missing_mechanism_is_found_by_the_replicates) {
    int32_t found = 0, found_without = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct fit_window windows[BLOCKS * WINDOWS];
        int32_t cells[BLOCKS];
        int32_t count =
            make_windows(windows, cells, &(struct noise){.block = 0.01, .window = 0.01}, seed);
        struct fit_rows rows;
        struct fit fit;
        fit_collapse(&rows, windows, count, cells, TERMS);
        ck_assert(fit_solve(&fit, &rows, -1));
        found_without += fit.lack_of_fit_p < 0.01;
        fit_collapse(&rows, windows, count, cells, 1); /* a write alone, no frames, no bytes */
        ck_assert(fit_solve(&fit, &rows, -1));
        found += fit.lack_of_fit_p < 0.01;
    }
    ck_assert_int_eq(found, 40);
    ck_assert_int_le(found_without, 3); /* 0.4 expected where nothing is missing */
}
END_TEST

/* A turn costs 2 us, but 15 us where it comes after milliseconds of writing, which it is one part
 * in two thousand of there. The cost is that of the turns that matter. */
START_TEST(an_error_counts_by_its_share_of_the_whole) {
    struct fit_window windows[12];
    int32_t cells[4] = {0, 1, 2, 3};
    for (int32_t i = 0; i < 12; i++) {
        bool is_long = i >= 6;
        windows[i] = (struct fit_window){.counts = {is_long ? 17 : 4000},
                                         .ns = is_long ? 17 * 15000 : 4000 * 2000,
                                         .whole_ns = is_long ? 17 * 30e6 : 4000 * 9000,
                                         .block = i / 3};
    }
    struct fit_rows rows;
    struct fit fit;
    fit_collapse(&rows, windows, 12, cells, 1);
    ck_assert(fit_solve(&fit, &rows, -1));
    ck_assert_double_eq_tol(fit.value[0], 2000, 10);
}
END_TEST

/* Two columns of length one at an angle whose cosine is c have the condition
 * number sqrt((1 + c) / (1 - c)). */
START_TEST(the_condition_number_is_that_of_two_columns) {
    struct fit_window windows[9];
    int32_t cells[3] = {0, 1, 2};
    const double a[3] = {1, 2, 4}, b[3] = {3, 1, 2};
    for (int32_t i = 0; i < 9; i++)
        windows[i] = (struct fit_window){.counts = {a[i / 3], b[i / 3]},
                                         .ns = a[i / 3] + b[i / 3],
                                         .whole_ns = a[i / 3] + b[i / 3],
                                         .block = i / 3};
    struct fit_rows rows;
    struct fit fit;
    fit_collapse(&rows, windows, 9, cells, 2);
    ck_assert(fit_solve(&fit, &rows, -1));
    double ab = 0, aa = 0, bb = 0;
    for (int32_t i = 0; i < 3; i++) {
        double y = a[i] + b[i];
        ab += a[i] * b[i] / (y * y);
        aa += a[i] * a[i] / (y * y);
        bb += b[i] * b[i] / (y * y);
    }
    double c = ab / sqrt(aa * bb);
    ck_assert_double_eq_tol(fit.condition_number, sqrt((1 + c) / (1 - c)), 1e-6);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(without_noise_the_costs_come_back_exactly),
        TEST(one_window_in_twenty_may_be_wild),
        TEST(a_cost_is_never_negative),
        TEST(terms_that_are_multiples_of_each_other_are_refused),
        TEST(a_term_that_nothing_counts_costs_nothing),
        TEST(a_block_of_two_windows_gives_no_row),
        TEST(the_error_by_blocks_is_the_error_that_is_made),
        TEST(the_error_by_cells_is_the_error_that_is_made),
        TEST(cells_that_do_not_deviate_add_no_error),
        TEST(a_missing_mechanism_is_found_by_the_replicates),
        TEST(an_error_counts_by_its_share_of_the_whole),
        TEST(the_condition_number_is_that_of_two_columns),
    };
    return suite_run("calibrate/fit", tests, COUNT_OF(tests));
}
