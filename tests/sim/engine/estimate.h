/* What a closed form is compared with: a golden value read from its file, and an estimate from
 * replications with control variates. */
#ifndef HEADROOM_TESTS_SIM_ENGINE_ESTIMATE_H
#define HEADROOM_TESTS_SIM_ENGINE_ESTIMATE_H

#include <stddef.h>

enum { ESTIMATE_CONTROLS_MAX = 16, ESTIMATE_REPLICATIONS_MAX = 128 };

/* The value on the line of closed_form_golden.csv that starts with `prefix` ("case,params,"). */
double golden(const char *prefix);

/* One replication: what was measured, and numbers that are 0 on average whatever the model does. */
struct sample {
    double value;
    double controls[ESTIMATE_CONTROLS_MAX];
};

struct estimate {
    double value, stderr_value; /* with the controls regressed out (Lavenberg and Welch 1981) */
    double plain, plain_stderr; /* without */
    double worst_control_z;     /* a control whose mean is not 0 is a wrong draw */
};

struct estimate estimate_of(const struct sample *samples, size_t samples_count,
                            size_t controls_count);

/* Fails unless the estimate is within 0.5 % and 3.3 standard errors of `expected`, the plain mean
 * within 3.3 of its own, and every control within 4.5 of 0. Prints a line that says how far off it
 * is. */
void assert_estimate(const char *name, double expected, const struct estimate *estimate);

#endif
