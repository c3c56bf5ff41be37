/* Least squares by the normal equations of at most four counts, each scaled to a mean square of
 * one. A simulated turn costs exactly what its counts say, so nothing finer is needed; what is
 * needed is that counts which always move together do no harm, and elimination in the order of the
 * terms leaves out whatever has nothing of its own left. */
#include "validation/compare/turns_price.h"

#include <math.h>

static const double OWN_MIN = 1e-9; /* share of a count's mean square that the others do not say */

static void count(enum turns_phase phase, const struct turn *turn, double counts[TURNS_TERMS]) {
    bool is_reading = phase == TURNS_PHASE_READING;
    counts[0] = is_reading ? 1 : (double)turn->writes;
    counts[1] = (double)(is_reading ? turn->reads : turn->frames);
    counts[2] = (double)(is_reading ? turn->publishes : turn->bytes);
    counts[3] = (double)(is_reading ? turn->read_bytes : turn->enqueued);
}

double turns_phase_ns(enum turns_phase phase, const struct turn *turn) {
    return (double)(phase == TURNS_PHASE_READING ? turn->loop_ns + turn->read_ns : turn->write_ns);
}

struct equations {
    double of[TURNS_TERMS][TURNS_TERMS + 1]; /* the last column: the right-hand side */
    double scale[TURNS_TERMS];
    bool is_out[TURNS_TERMS];
};

static void add_turn(struct equations *equations, const double *counts, double ns) {
    for (int i = 0; i < TURNS_TERMS; i++) {
        for (int j = 0; j < TURNS_TERMS; j++)
            equations->of[i][j] += counts[i] * counts[j];
        equations->of[i][TURNS_TERMS] += counts[i] * ns;
    }
}

static void scale(struct equations *equations) {
    for (int i = 0; i < TURNS_TERMS; i++)
        equations->scale[i] = equations->of[i][i] > 0 ? 1 / sqrt(equations->of[i][i]) : 0;
    for (int i = 0; i < TURNS_TERMS; i++) {
        for (int j = 0; j < TURNS_TERMS; j++)
            equations->of[i][j] *= equations->scale[i] * equations->scale[j];
        equations->of[i][TURNS_TERMS] *= equations->scale[i];
    }
}

/* Gauss-Jordan: a pivot is what the term has of its own. */
static void eliminate(struct equations *equations) {
    for (int pivot = 0; pivot < TURNS_TERMS; pivot++) {
        equations->is_out[pivot] = equations->of[pivot][pivot] < OWN_MIN;
        if (equations->is_out[pivot])
            continue;
        for (int row = 0; row < TURNS_TERMS; row++) {
            double factor = equations->of[row][pivot] / equations->of[pivot][pivot];
            for (int column = 0; row != pivot && column <= TURNS_TERMS; column++)
                equations->of[row][column] -= factor * equations->of[pivot][column];
        }
    }
}

struct turns_price turns_price_fit(const struct turn *const *turns, int64_t turns_count,
                                   enum turns_phase phase) {
    struct equations equations = {0};
    for (int64_t i = 0; i < turns_count; i++) {
        double counts[TURNS_TERMS];
        count(phase, turns[i], counts);
        add_turn(&equations, counts, turns_phase_ns(phase, turns[i]));
    }
    scale(&equations);
    eliminate(&equations);
    struct turns_price price = {{0}};
    for (int i = 0; i < TURNS_TERMS; i++)
        if (!equations.is_out[i])
            price.ns[i] = equations.of[i][TURNS_TERMS] / equations.of[i][i] * equations.scale[i];
    return price;
}

double turns_price_of(const struct turns_price *price, enum turns_phase phase,
                      const struct turn *turn) {
    double counts[TURNS_TERMS], ns = 0;
    count(phase, turn, counts);
    for (int i = 0; i < TURNS_TERMS; i++)
        ns += price->ns[i] * counts[i];
    return ns;
}
