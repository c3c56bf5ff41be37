/* The optimum of a non-negative least-squares problem is the ordinary solution on its support. With
 * at most eight terms all supports are tried, which is exact and has no tolerances to tune, where
 * the active-set method (Lawson and Hanson) has several. */
#include "validation/calibrate/fit.h"

#include "sim/base/check.h"
#include "sim/base/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <math.h>
#include <string.h>

enum { WINDOWS_LEAST = 3, COLLAPSE_ROUNDS = 6, SOLVE_ROUNDS = 25 };

static const double BISQUARE_LIMIT = 4.685; /* 95 % efficient where errors are normal */
static const double HUBER_LIMIT = 1.345;    /* likewise */
static const double MAD_TO_SIGMA = 1.4826;
static const double SPREAD_LEAST = 1e-4; /* a scale of zero would make every deviation wild */
static const double SETTLED = 1e-7;      /* relative change from one round to the next */
/* Before looking: what most calibrations found. It decides where the machine stood still. */
static const double ELASTICITY_EXPECTED = 0.8, ELASTICITY_UNSURE = 0.3;
static const double PIVOT_LEAST = 1e-9; /* of the scaled normal matrix: below it, a multiple */

static double predicted(const double *counts, const double *value, int32_t terms) {
    double sum = 0;
    for (int32_t i = 0; i < terms; i++)
        sum += counts[i] * value[i];
    return sum;
}

/* How much longer a row took than at the reference. */
static double slowness(const struct fit_row *row, double elasticity) {
    return exp(elasticity * row->log_speed);
}

/* --- weighted, non-negative solution ------------------------------------------------------------
 */

struct normal { /* normal equations, columns scaled to length one */
    double matrix[FIT_TERMS_MAX][FIT_TERMS_MAX];
    double right[FIT_TERMS_MAX];
    double length[FIT_TERMS_MAX]; /* 0: the term does not occur */
    int32_t terms;
    /* One column more, what a step of the elasticity adds to each row: its products with the terms,
     * with itself and with the times. It may have either sign, so it is eliminated. */
    double cross[FIT_TERMS_MAX], own, own_right;
};

/* Linearised about `fit`: a row's time at the reference is its counts' and, for each unit of
 * elasticity, ln(speed) times what is predicted. */
static void add_row(struct normal *normal, const struct fit_row *row, const struct fit *fit,
                    double weight) {
    double ns = row->ns / slowness(row, fit->elasticity);
    double step = row->log_speed * predicted(row->counts, fit->value, normal->terms);
    normal->own += weight * step * step;
    normal->own_right += weight * step * ns;
    for (int32_t i = 0; i < normal->terms; i++) {
        normal->cross[i] += weight * row->counts[i] * step;
        normal->right[i] += weight * row->counts[i] * ns;
        for (int32_t j = 0; j < normal->terms; j++)
            normal->matrix[i][j] += weight * row->counts[i] * row->counts[j];
    }
}

/* Normal equations of the terms alone, the elasticity being whatever is best for them. */
static void eliminate(struct normal *normal) {
    if (!(normal->own > 0))
        return;
    for (int32_t i = 0; i < normal->terms; i++) {
        normal->right[i] -= normal->cross[i] * normal->own_right / normal->own;
        for (int32_t j = 0; j < normal->terms; j++)
            normal->matrix[i][j] -= normal->cross[i] * normal->cross[j] / normal->own;
    }
}

static void scale(struct normal *normal) {
    for (int32_t i = 0; i < normal->terms; i++)
        normal->length[i] = sqrt(normal->matrix[i][i]);
    for (int32_t i = 0; i < normal->terms; i++) {
        if (normal->length[i] > 0)
            normal->right[i] /= normal->length[i];
        for (int32_t j = 0; j < normal->terms; j++)
            if (normal->length[i] > 0 && normal->length[j] > 0)
                normal->matrix[i][j] /= normal->length[i] * normal->length[j];
    }
}

/* The solution on `support`, by Cholesky; false when its terms are multiples of each other. */
static bool solve_on(const struct normal *normal, const int32_t *support, int32_t size,
                     double *solution) {
    double lower[FIT_TERMS_MAX][FIT_TERMS_MAX] = {{0}};
    for (int32_t i = 0; i < size; i++)
        for (int32_t j = 0; j <= i; j++) {
            double sum = normal->matrix[support[i]][support[j]];
            for (int32_t k = 0; k < j; k++)
                sum -= lower[i][k] * lower[j][k];
            if (i == j && sum < PIVOT_LEAST)
                return false;
            lower[i][j] = i == j ? sqrt(sum) : sum / lower[j][j];
        }
    for (int32_t i = 0; i < size; i++) {
        double sum = normal->right[support[i]];
        for (int32_t k = 0; k < i; k++)
            sum -= lower[i][k] * solution[k];
        solution[i] = sum / lower[i][i];
    }
    for (int32_t i = size; i-- > 0;) {
        double sum = solution[i];
        for (int32_t k = i + 1; k < size; k++)
            sum -= lower[k][i] * solution[k];
        solution[i] = sum / lower[i][i];
    }
    return true;
}

static bool is_positive(const double *solution, int32_t size) {
    for (int32_t i = 0; i < size; i++)
        if (solution[i] < 0)
            return false;
    return true;
}

static int32_t support_of(uint32_t mask, const struct normal *normal, int32_t *support) {
    int32_t size = 0;
    for (int32_t i = 0; i < normal->terms; i++)
        if ((mask >> i & 1) != 0)
            support[size++] = i;
    return size;
}

/* How much a solution takes off the sum of squares: right' solution. */
static double gain_of(const struct normal *normal, const int32_t *support, int32_t size,
                      const double *solution) {
    double gain = 0;
    for (int32_t i = 0; i < size; i++)
        gain += normal->right[support[i]] * solution[i];
    return gain;
}

/* False when all terms that occur together have no solution. */
static bool solve_non_negative(const struct normal *normal, double *value) {
    uint32_t occurring = 0;
    for (int32_t i = 0; i < normal->terms; i++)
        occurring |= normal->length[i] > 0 ? UINT32_C(1) << i : 0;
    double best = -1;
    for (uint32_t mask = occurring; mask > 0; mask = (mask - 1) & occurring) {
        int32_t support[FIT_TERMS_MAX];
        double solution[FIT_TERMS_MAX];
        int32_t size = support_of(mask, normal, support);
        if (!solve_on(normal, support, size, solution)) {
            if (mask == occurring)
                return false;
            continue;
        }
        double gain = gain_of(normal, support, size, solution);
        if (!is_positive(solution, size) || gain <= best)
            continue;
        best = gain;
        memset(value, 0, FIT_TERMS_MAX * sizeof *value);
        for (int32_t i = 0; i < size; i++)
            value[support[i]] = solution[i] / normal->length[support[i]];
        if (mask == occurring)
            break; /* no smaller support can be better */
    }
    return best >= 0;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static double deviation_scale(const double *deviations, int32_t count) {
    double sizes[FIT_BLOCKS_MAX];
    for (int32_t i = 0; i < count; i++)
        sizes[i] = fabs(deviations[i]);
    return fmax(MAD_TO_SIGMA * stats_median(sizes, (size_t)count), SPREAD_LEAST);
}

/* Time beyond the prediction, as a share of the whole. */
static double residual_of(const struct fit_row *row, const struct fit *fit, int32_t terms) {
    CHECK(row->whole_ns > 0);
    double expected_ns = predicted(row->counts, fit->value, terms) * slowness(row, fit->elasticity);
    return (row->ns - expected_ns) / row->whole_ns;
}

/* Of the rows that take part; returns how many. */
static int32_t residuals_of(const struct fit_rows *rows, const struct fit *fit, int32_t left_out,
                            double *residuals) {
    int32_t count = 0;
    for (int32_t i = 0; i < rows->count; i++)
        if (rows->rows[i].block != left_out)
            residuals[count++] = residual_of(&rows->rows[i], fit, rows->terms);
    return count;
}

static double huber(double deviation) {
    return fabs(deviation) <= HUBER_LIMIT ? 1 : HUBER_LIMIT / fabs(deviation);
}

/* Weighted normal equations, neither eliminated nor scaled. The expected elasticity is one more
 * observation, in units of the residuals' scale. */
static void weigh_rows(const struct fit_rows *rows, const struct fit *fit, int32_t left_out,
                       bool is_first, struct normal *normal) {
    double residuals[FIT_BLOCKS_MAX];
    int32_t count = residuals_of(rows, fit, left_out, residuals), used = 0;
    double sigma = is_first ? INFINITY : deviation_scale(residuals, count);
    double precision = is_first ? 0 : sigma * sigma / (ELASTICITY_UNSURE * ELASTICITY_UNSURE);
    *normal = (struct normal){.terms = rows->terms,
                              .own = precision,
                              .own_right = precision * (ELASTICITY_EXPECTED - fit->elasticity)};
    for (int32_t i = 0; i < rows->count; i++) {
        const struct fit_row *row = &rows->rows[i];
        double whole_ns = row->whole_ns / slowness(row, fit->elasticity);
        if (row->block != left_out)
            add_row(normal, row, fit, huber(residuals[used++] / sigma) / (whole_ns * whole_ns));
    }
}

/* The step of the elasticity that goes with the terms' new values. */
static void move_elasticity(struct fit *fit, const struct normal *normal) {
    if (!(normal->own > 0))
        return;
    double explained = predicted(normal->cross, fit->value, normal->terms);
    fit->elasticity += (normal->own_right - explained) / normal->own;
}

static double condition_number(const struct normal *normal) {
    double matrix[FIT_TERMS_MAX * FIT_TERMS_MAX], eigenvalues[FIT_TERMS_MAX];
    size_t size = 0;
    int32_t occurring[FIT_TERMS_MAX];
    for (int32_t i = 0; i < normal->terms; i++)
        if (normal->length[i] > 0)
            occurring[size++] = i;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            matrix[i * size + j] = normal->matrix[occurring[i]][occurring[j]];
    gsl_matrix_view view = gsl_matrix_view_array(matrix, size, size);
    gsl_vector_view values = gsl_vector_view_array(eigenvalues, size);
    gsl_eigen_symm_workspace *workspace = gsl_eigen_symm_alloc(size);
    gsl_eigen_symm(&view.matrix, &values.vector, workspace);
    gsl_eigen_symm_free(workspace);
    double smallest = fmax(gsl_vector_min(&values.vector), 1e-300);
    return sqrt(gsl_vector_max(&values.vector) / smallest);
}

/* F-test of the cells' mean residuals against the scatter of replicates (Draper and Smith, ch. 2),
 * and by the same sums the variance of the cells' own effect (Searle, Casella and McCulloch,
 * Variance Components, 1992, ch. 3). */
static void test_cells(struct fit *fit, const struct fit_rows *rows, const double *residuals,
                       int32_t terms) {
    double cell_sum[FIT_BLOCKS_MAX] = {0};
    int32_t cell_count[FIT_BLOCKS_MAX] = {0};
    for (int32_t i = 0; i < rows->count; i++) {
        cell_sum[rows->rows[i].cell] += residuals[i];
        cell_count[rows->rows[i].cell]++;
    }
    double pure = 0, lack = 0, squares = 0;
    int32_t cells = 0;
    for (int32_t cell = 0; cell < FIT_BLOCKS_MAX; cell++) {
        cells += cell_count[cell] > 0;
        squares += (double)cell_count[cell] * cell_count[cell];
    }
    for (int32_t i = 0; i < rows->count; i++) {
        int32_t cell = rows->rows[i].cell;
        double mean = cell_sum[cell] / cell_count[cell];
        pure += (residuals[i] - mean) * (residuals[i] - mean);
        lack += mean * mean;
    }
    int32_t pure_freedom = rows->count - cells, lack_freedom = cells - terms;
    if (pure_freedom < 1 || lack_freedom < 1)
        return;
    double between = lack / lack_freedom, within = fmax(pure / pure_freedom, 1e-30);
    double replicates = (rows->count - squares / rows->count) / (cells - 1);
    fit->lack_of_fit_p = gsl_cdf_fdist_Q(between / within, lack_freedom, pure_freedom);
    fit->cell_variance = fmax(0, (between - within) / replicates);
}

/* spread^2 times the inverse of the normal matrix, a unit vector at a time. */
static void set_standard_errors(struct fit *fit, const struct normal *normal) {
    int32_t support[FIT_TERMS_MAX], size = 0;
    for (int32_t i = 0; i < normal->terms; i++)
        if (normal->length[i] > 0)
            support[size++] = i;
    for (int32_t i = 0; i < size; i++) {
        struct normal unit = *normal;
        memset(unit.right, 0, sizeof unit.right);
        unit.right[support[i]] = 1;
        double column[FIT_TERMS_MAX];
        if (solve_on(&unit, support, size, column))
            fit->standard_error[support[i]] =
                fit->spread * sqrt(column[i]) / normal->length[support[i]];
    }
}

/* Of the elasticity, the terms being whatever is best for it; `raw`: before it was eliminated. By
 * the residuals' standard deviation: their median size is that of the rows in which the phase is
 * next to nothing. */
static double elasticity_error(const struct fit *fit, const struct normal *raw) {
    double solution[FIT_TERMS_MAX], left = raw->own;
    int32_t support[FIT_TERMS_MAX] = {0}, size = 0;
    struct normal normal = *raw;
    memcpy(normal.right, raw->cross, sizeof normal.right);
    scale(&normal);
    for (int32_t i = 0; i < normal.terms; i++)
        if (fit->value[i] > 0)
            support[size++] = i;
    if (solve_on(&normal, support, size, solution))
        left -= gain_of(&normal, support, size, solution);
    return left > 0 ? fmin(fit->spread / sqrt(left), ELASTICITY_UNSURE) : ELASTICITY_UNSURE;
}

static void describe(struct fit *fit, const struct fit_rows *rows, const struct normal *normal) {
    double residuals[FIT_BLOCKS_MAX], squares = 0;
    int32_t count = residuals_of(rows, fit, -1, residuals), terms = 0;
    for (int32_t i = 0; i < count; i++)
        squares += residuals[i] * residuals[i];
    for (int32_t i = 0; i < rows->terms; i++)
        terms += fit->value[i] > 0;
    fit->spread = count > terms ? sqrt(squares / (count - terms)) : NAN;
    fit->condition_number = condition_number(normal);
    test_cells(fit, rows, residuals, terms);
    set_standard_errors(fit, normal);
}

static bool has_settled(const struct fit *before, const struct fit *after, int32_t terms) {
    for (int32_t i = 0; i < terms; i++)
        if (fabs(after->value[i] - before->value[i]) > SETTLED * fabs(after->value[i]))
            return false;
    return fabs(after->elasticity - before->elasticity) <= SETTLED;
}

bool fit_solve(struct fit *fit, const struct fit_rows *rows, int32_t left_out) {
    *fit = (struct fit){.elasticity = ELASTICITY_EXPECTED,
                        .elasticity_error = ELASTICITY_UNSURE,
                        .spread = NAN,
                        .condition_number = NAN,
                        .lack_of_fit_p = NAN,
                        .cell_variance = 0};
    for (int32_t i = 0; i < FIT_TERMS_MAX; i++)
        fit->standard_error[i] = NAN;
    struct normal raw, normal;
    for (int32_t round = 0; round < SOLVE_ROUNDS; round++) {
        struct fit before = *fit;
        weigh_rows(rows, fit, left_out, round == 0, &raw);
        normal = raw;
        eliminate(&normal);
        scale(&normal);
        if (!solve_non_negative(&normal, fit->value))
            return false;
        move_elasticity(fit, &raw);
        if (round > 0 && has_settled(&before, fit, rows->terms))
            break;
    }
    if (left_out < 0) {
        describe(fit, rows, &normal);
        fit->elasticity_error = elasticity_error(fit, &raw);
    }
    return true;
}

/* --- windows into rows --------------------------------------------------------------------------
 */

static int32_t block_end(const struct fit_window *windows, int32_t count, int32_t begin) {
    int32_t end = begin;
    while (end < count && windows[end].block == windows[begin].block)
        end++;
    return end;
}

/* Each window's share of what its block spends per predicted nanosecond, less one. */
static void deviations_in_block(const struct fit_window *windows, int32_t count,
                                const double *value, int32_t terms, double *deviations) {
    double ratios[FIT_BLOCK_WINDOWS_MAX];
    for (int32_t i = 0; i < count; i++)
        ratios[i] = deviations[i] =
            windows[i].ns / fmax(predicted(windows[i].counts, value, terms), 1e-9);
    double median = stats_median(ratios, (size_t)count);
    for (int32_t i = 0; i < count; i++)
        deviations[i] = deviations[i] / median - 1;
}

static double bisquare(double deviation) {
    double u = deviation / BISQUARE_LIMIT;
    return fabs(u) >= 1 ? 0 : (1 - u * u) * (1 - u * u);
}

static double block_scale(const double *deviations, int32_t count) {
    double sizes[FIT_BLOCK_WINDOWS_MAX];
    for (int32_t i = 0; i < count; i++)
        sizes[i] = fabs(deviations[i]);
    return fmax(MAD_TO_SIGMA * stats_median(sizes, (size_t)count), SPREAD_LEAST);
}

static void add_block(struct fit_rows *rows, const struct fit_window *windows, int32_t count,
                      const double *value, int32_t cell) {
    double deviations[FIT_BLOCK_WINDOWS_MAX], weights = 0;
    deviations_in_block(windows, count, value, rows->terms, deviations);
    double sigma = block_scale(deviations, count);
    struct fit_row row = {.block = windows->block, .cell = cell, .log_speed = windows->log_speed};
    for (int32_t i = 0; i < count; i++) {
        double weight = bisquare(deviations[i] / sigma);
        rows->windows_wild += weight < 0.5;
        weights += weight;
        row.ns += weight * windows[i].ns;
        row.whole_ns += weight * windows[i].whole_ns;
        for (int32_t k = 0; k < rows->terms; k++)
            row.counts[k] += weight * windows[i].counts[k];
    }
    row.ns /= weights;
    row.whole_ns /= weights;
    for (int32_t k = 0; k < rows->terms; k++)
        row.counts[k] /= weights;
    rows->rows[rows->count++] = row;
}

static void collapse_by(struct fit_rows *rows, const struct fit_window *windows, int32_t count,
                        const int32_t *cells, const double *value) {
    rows->count = rows->windows_wild = 0;
    for (int32_t begin = 0, end; begin < count; begin = end) {
        end = block_end(windows, count, begin);
        int32_t used = end - begin < FIT_BLOCK_WINDOWS_MAX ? end - begin : FIT_BLOCK_WINDOWS_MAX;
        if (used >= WINDOWS_LEAST && rows->count < FIT_BLOCKS_MAX)
            add_block(rows, windows + begin, used, value, cells[windows[begin].block]);
    }
}

/* What a window is expected to take depends on the costs, and those on the weights: a few rounds.
 */
void fit_collapse(struct fit_rows *rows, const struct fit_window *windows, int32_t windows_count,
                  const int32_t *cells, int32_t terms) {
    CHECK(terms >= 1 && terms <= FIT_TERMS_MAX);
    *rows = (struct fit_rows){.terms = terms};
    struct fit fit = {.spread = NAN};
    for (int32_t i = 0; i < terms; i++)
        fit.value[i] = 1;
    for (int32_t round = 0; round < COLLAPSE_ROUNDS; round++) {
        collapse_by(rows, windows, windows_count, cells, fit.value);
        struct fit next;
        if (!fit_solve(&next, rows, -1))
            return;
        fit = next;
    }
}

/* --- errors by block ----------------------------------------------------------------------------
 */

int32_t fit_jackknife(const struct fit_rows *rows, const struct fit *whole, int32_t blocks_count,
                      double *values) {
    int32_t fits = 0;
    for (int32_t block = 0; block < blocks_count; block++) {
        bool has_row = false;
        for (int32_t i = 0; i < rows->count; i++)
            has_row |= rows->rows[i].block == block;
        struct fit fit;
        bool is_new = has_row && fit_solve(&fit, rows, block);
        fits += is_new;
        memcpy(values + block * FIT_TERMS_MAX, is_new ? fit.value : whole->value,
               sizeof whole->value);
    }
    return fits;
}

double fit_jackknife_covariance(const double *a, const double *b, int32_t blocks_count,
                                int32_t stride) {
    double mean_a = 0, mean_b = 0, sum = 0;
    for (int32_t i = 0; i < blocks_count; i++) {
        mean_a += a[i * stride] / blocks_count;
        mean_b += b[i * stride] / blocks_count;
    }
    for (int32_t i = 0; i < blocks_count; i++)
        sum += (a[i * stride] - mean_a) * (b[i * stride] - mean_b);
    return sum * (blocks_count - 1) / blocks_count;
}
