/* Cells as a random effect. With x the rows' counts as shares of the whole, the least-squares
 * solution is (X'X)^-1 X'y. A cell's own deviation u is in all of its rows, so it moves X'y by u
 * times the sum of the cell's rows, and the solution's covariance is that of independent u of one
 * variance. Huber's weights, near one for nearly all rows, are left out. */
#include "sim/base/check.h"
#include "validation/calibrate/fit.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

struct design {
    double sums[FIT_BLOCKS_MAX][FIT_TERMS_MAX]; /* of a cell's rows */
    double length[FIT_TERMS_MAX];               /* of a column */
    int32_t support[FIT_TERMS_MAX], size;       /* terms that have a value */
};

/* A row's count of a term, as the whole of its time per nanosecond of cost. */
static double share(const struct fit_row *row, const struct fit *fit, int32_t term) {
    return row->counts[term] * exp(fit->elasticity * row->log_speed) / row->whole_ns;
}

static void set_design(struct design *design, const struct fit_rows *rows, const struct fit *fit) {
    memset(design, 0, sizeof *design);
    for (int32_t i = 0; i < rows->terms; i++) {
        for (int32_t row = 0; row < rows->count; row++) {
            double x = share(&rows->rows[row], fit, i);
            design->sums[rows->rows[row].cell][i] += x;
            design->length[i] += x * x;
        }
        design->length[i] = sqrt(design->length[i]);
        if (fit->value[i] > 0 && design->length[i] > 0)
            design->support[design->size++] = i;
    }
}

/* X'X of the support, columns of length one; false when its terms are multiples of each other. */
static bool invert(gsl_matrix *matrix, const struct design *design, const struct fit_rows *rows,
                   const struct fit *fit) {
    for (int32_t i = 0; i < design->size; i++)
        for (int32_t j = 0; j < design->size; j++) {
            int32_t a = design->support[i], b = design->support[j];
            double sum = 0;
            for (int32_t row = 0; row < rows->count; row++)
                sum += share(&rows->rows[row], fit, a) * share(&rows->rows[row], fit, b);
            gsl_matrix_set(matrix, (size_t)i, (size_t)j,
                           sum / design->length[a] / design->length[b]);
        }
    gsl_error_handler_t *before = gsl_set_error_handler_off();
    bool is_inverted =
        gsl_linalg_cholesky_decomp1(matrix) == 0 && gsl_linalg_cholesky_invert(matrix) == 0;
    gsl_set_error_handler(before);
    return is_inverted;
}

/* By how much a deviation of one in a cell moves each term. */
static void move_of_cell(const gsl_matrix *inverse, const struct design *design, int32_t cell,
                         double move[FIT_TERMS_MAX]) {
    for (int32_t i = 0; i < design->size; i++) {
        move[i] = 0;
        for (int32_t j = 0; j < design->size; j++) {
            int32_t term = design->support[j];
            move[i] += gsl_matrix_get(inverse, (size_t)i, (size_t)j) * design->sums[cell][term] /
                       design->length[term];
        }
        move[i] /= design->length[design->support[i]];
    }
}

void fit_cells_covariance(const struct fit_rows *rows, const struct fit *fit,
                          double covariance[FIT_TERMS_MAX][FIT_TERMS_MAX]) {
    memset(covariance, 0, FIT_TERMS_MAX * sizeof *covariance);
    struct design design;
    set_design(&design, rows, fit);
    if (design.size == 0 || !(fit->cell_variance > 0))
        return;
    gsl_matrix *matrix = gsl_matrix_alloc((size_t)design.size, (size_t)design.size);
    CHECK(matrix != NULL);
    bool is_inverted = invert(matrix, &design, rows, fit);
    for (int32_t cell = 0; is_inverted && cell < FIT_BLOCKS_MAX; cell++) {
        double move[FIT_TERMS_MAX];
        move_of_cell(matrix, &design, cell, move);
        for (int32_t i = 0; i < design.size; i++)
            for (int32_t j = 0; j < design.size; j++)
                covariance[design.support[i]][design.support[j]] +=
                    fit->cell_variance * move[i] * move[j];
    }
    gsl_matrix_free(matrix);
}
