/* Plain means of waits are too noisy for half a percent: at rho 0.8 it would take 50 million jobs
 * each. What a queue does is driven by its draws, so most of the noise is explained by how far the
 * draws of a replication were from their means, weighted with the load that they met: sums of
 * phi(load found) * (draw - its mean). The load found is settled before the draw, so each such sum
 * is 0 on average, and a least-squares fit over the replications takes out what they explain. */
#include "tests/sim/engine/estimate.h"

#include "sim/base/stats.h"

#include <check.h>
#include <gsl/gsl_multifit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Wider than the 3.3 of the results, because a hundred controls are looked at: with 64 replications
 * one run in six would have one beyond 3.3 though all is well (the tandem has one at 3.9, which
 * other seeds do not confirm), and one in 300 beyond this. */
static const double CONTROL_Z_MAX = 4.5;

double golden(const char *prefix) {
    FILE *file = fopen(GOLDEN_FOLDER "/closed_form_golden.csv", "r");
    ck_assert_ptr_nonnull(file);
    char line[512];
    double value = NAN;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, prefix, strlen(prefix)) == 0)
            value = strtod(line + strlen(prefix), NULL);
    fclose(file);
    ck_assert_msg(value > 0, "no golden value for %s", prefix);
    return value;
}

/* value = intercept + sum of coefficients * controls: the intercept is the estimate at controls of
 * 0. */
static void fit(const struct sample *samples, size_t samples_count, size_t controls_count,
                struct estimate *estimate) {
    size_t terms = controls_count + 1;
    gsl_matrix *x = gsl_matrix_alloc(samples_count, terms),
               *covariance = gsl_matrix_alloc(terms, terms);
    gsl_vector *y = gsl_vector_alloc(samples_count), *coefficients = gsl_vector_alloc(terms);
    for (size_t i = 0; i < samples_count; i++) {
        gsl_vector_set(y, i, samples[i].value);
        gsl_matrix_set(x, i, 0, 1);
        for (size_t j = 0; j < controls_count; j++)
            gsl_matrix_set(x, i, j + 1, samples[i].controls[j]);
    }
    gsl_multifit_linear_workspace *workspace = gsl_multifit_linear_alloc(samples_count, terms);
    double residual_squares;
    gsl_multifit_linear(x, y, coefficients, covariance, &residual_squares, workspace);
    estimate->value = gsl_vector_get(coefficients, 0);
    estimate->stderr_value = sqrt(gsl_matrix_get(covariance, 0, 0));
    gsl_multifit_linear_free(workspace);
    gsl_matrix_free(x);
    gsl_matrix_free(covariance);
    gsl_vector_free(y);
    gsl_vector_free(coefficients);
}

static double control_z(const struct sample *samples, size_t samples_count, size_t control) {
    struct stats stats;
    stats_init(&stats);
    for (size_t i = 0; i < samples_count; i++)
        stats_add(&stats, samples[i].controls[control]);
    return fabs(stats.mean) / stats_stderr(&stats);
}

struct estimate estimate_of(const struct sample *samples, size_t samples_count,
                            size_t controls_count) {
    struct estimate estimate = {0};
    struct stats plain;
    stats_init(&plain);
    for (size_t i = 0; i < samples_count; i++)
        stats_add(&plain, samples[i].value);
    estimate.plain = plain.mean;
    estimate.plain_stderr = stats_stderr(&plain);
    fit(samples, samples_count, controls_count, &estimate);
    for (size_t j = 0; j < controls_count; j++)
        estimate.worst_control_z =
            fmax(estimate.worst_control_z, control_z(samples, samples_count, j));
    return estimate;
}

void assert_estimate(const char *name, double expected, const struct estimate *estimate) {
    double error = estimate->value / expected - 1;
    double z = (estimate->value - expected) / estimate->stderr_value;
    double plain_z = (estimate->plain - expected) / estimate->plain_stderr;
    printf("%-44s %12.6g  %+.3f %% (+- %.3f %%, z %+.2f)  plain %+.3f %% (+- %.3f %%)  controls z "
           "%.2f\n",
           name, expected, 100 * error, 100 * estimate->stderr_value / expected, z,
           100 * (estimate->plain / expected - 1), 100 * estimate->plain_stderr / expected,
           estimate->worst_control_z);
    fflush(stdout);
    ck_assert_msg(fabs(error) < 0.005, "%s: off by %g %%", name, 100 * error);
    ck_assert_msg(fabs(z) < 3.3, "%s: z = %g", name, z);
    ck_assert_msg(fabs(plain_z) < 3.3, "%s: without controls z = %g", name, plain_z);
    ck_assert_msg(estimate->worst_control_z < CONTROL_Z_MAX, "%s: a control has z = %g", name,
                  estimate->worst_control_z);
}
