/* Cells are made one by one and kept when no constraint is broken. */
#include "study/sweep.h"

#include "sim/base/check.h"
#include "sim/base/rng.h"
#include "study/sweep_axes.h"
#include "study/sweep_where.h"

#include <gsl/gsl_qrng.h>
#include <stdlib.h>
#include <string.h>

enum draw_purpose { DRAW_ORDER = 1, DRAW_PLACE };

struct constraint {
    const struct spec_value *written;
    const struct sweep_where *where;
    bool is_wrong; /* said once */
};

struct making {
    struct sweep *sweep;
    struct arena *arena;
    struct diag *diag;
    struct constraint *constraints;
    int32_t constraints_count, cells_max;
};

static void read_constraint(struct making *making, const struct spec_value *written) {
    const char *names[SWEEP_AXES_MAX];
    for (int32_t i = 0; i < making->sweep->axes_count; i++)
        names[i] = making->sweep->axes[i].name;
    struct sweep_where_error error;
    struct constraint *constraint = &making->constraints[making->constraints_count];
    *constraint = (struct constraint){.written = written};
    constraint->where =
        sweep_where_new(written->shown, names, making->sweep->axes_count, making->arena, &error);
    if (constraint->where)
        making->constraints_count++;
    else
        diag_error(making->diag, written->place, "where: %s", error.text);
}

static void read_constraints(struct making *making, const struct spec_values *more) {
    const struct spec_values *own = &making->sweep->study->where;
    CHECK(own->count <= SWEEP_WHERE_MAX && more->count <= SWEEP_WHERE_MAX);
    making->constraints =
        ARENA_NEW(making->arena, (size_t)(own->count + more->count), struct constraint);
    for (int32_t i = 0; i < own->count; i++)
        read_constraint(making, &own->items[i]);
    for (int32_t i = 0; i < more->count; i++)
        read_constraint(making, &more->items[i]);
}

static bool is_allowed(struct making *making, const int32_t *choice) {
    const struct sweep *sweep = making->sweep;
    const struct sweep_quantity *values[SWEEP_AXES_MAX];
    for (int32_t a = 0; a < sweep->axes_count; a++)
        values[a] = &sweep->axes[a].quantities[choice[a]];
    bool is_kept = true;
    for (int32_t i = 0; i < making->constraints_count; i++) {
        struct constraint *constraint = &making->constraints[i];
        struct sweep_where_error error;
        bool is_wrong;
        is_kept &= sweep_where_holds(constraint->where, values, &is_wrong, &error);
        if (is_wrong && !constraint->is_wrong)
            diag_error(making->diag, constraint->written->place, "where: %s, in \"%s\"", error.text,
                       constraint->written->shown);
        constraint->is_wrong |= is_wrong;
    }
    return is_kept;
}

static void keep(struct making *making, const int32_t *choice) {
    struct sweep *sweep = making->sweep;
    if (!is_allowed(making, choice)) {
        sweep->left_out_count++;
        return;
    }
    size_t axes = (size_t)sweep->axes_count;
    if (sweep->cells_count == making->cells_max) {
        int32_t cells_max = making->cells_max * 2 + 64;
        int32_t *larger = ARENA_NEW(making->arena, (size_t)cells_max * axes, int32_t);
        if (axes * (size_t)sweep->cells_count > 0)
            memcpy(larger, sweep->choices, (size_t)sweep->cells_count * axes * sizeof *larger);
        making->cells_max = cells_max;
        sweep->choices = larger;
    }
    if (axes > 0)
        memcpy(sweep->choices + (size_t)sweep->cells_count * axes, choice, axes * sizeof *choice);
    sweep->cells_count++;
}

/* ---- every combination */

static int32_t dimension_count(const struct sweep *sweep, int32_t dimension) {
    for (int32_t a = 0; a < sweep->axes_count; a++)
        if (sweep->axes[a].dimension == dimension)
            return sweep->axes[a].values_count;
    return 1;
}

/* Like an odometer. False: it has gone round. */
static bool advance(const struct sweep *sweep, int32_t *position) {
    for (int32_t d = sweep->dimensions_count - 1; d >= 0; d--) {
        if (++position[d] < dimension_count(sweep, d))
            return true;
        position[d] = 0;
    }
    return false;
}

static bool is_too_large(const struct making *making) {
    double combinations = 1;
    for (int32_t d = 0; d < making->sweep->dimensions_count; d++)
        combinations *= dimension_count(making->sweep, d);
    if (combinations <= SWEEP_CELLS_MAX)
        return false;
    diag_error(making->diag,
               (struct diag_place){.file = making->sweep->axes[0].spec->field.place.file},
               "axes: their product has %.0f cells; at most %d are possible", combinations,
               SWEEP_CELLS_MAX);
    return true;
}

static void make_product(struct making *making) {
    const struct sweep *sweep = making->sweep;
    int32_t position[SWEEP_AXES_MAX] = {0}, choice[SWEEP_AXES_MAX] = {0};
    if (is_too_large(making))
        return;
    do {
        for (int32_t a = 0; a < sweep->axes_count; a++)
            choice[a] = position[sweep->axes[a].dimension];
        keep(making, choice);
    } while (advance(sweep, position));
}

/* ---- designs: one number per dimension and point */

static void keep_point(struct making *making, const double *u) {
    struct sweep *sweep = making->sweep;
    int32_t choice[SWEEP_AXES_MAX] = {0};
    for (int32_t a = 0; a < sweep->axes_count; a++)
        choice[a] = sweep_axes_at(&sweep->axes[a], u[sweep->axes[a].dimension], making->arena);
    keep(making, choice);
}

/* Which of the `points` parts each point has in a dimension: Fisher and Yates. */
static int32_t *shuffled(struct making *making, int32_t dimension, int32_t points) {
    int32_t *order = ARENA_NEW(making->arena, (size_t)points, int32_t);
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = making->sweep->study->draw,
                                     .entity = (uint64_t)dimension,
                                     .purpose = DRAW_ORDER});
    for (int32_t i = 0; i < points; i++) {
        int32_t k = (int32_t)rng_below(&rng, (uint64_t)i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    return order;
}

static void make_latin_hypercube(struct making *making) {
    struct sweep *sweep = making->sweep;
    int32_t points = (int32_t)sweep->study->points;
    int32_t *order[SWEEP_AXES_MAX];
    for (int32_t d = 0; d < sweep->dimensions_count; d++)
        order[d] = shuffled(making, d, points);
    for (int32_t i = 0; i < points; i++) {
        double u[SWEEP_AXES_MAX];
        for (int32_t d = 0; d < sweep->dimensions_count; d++) {
            struct rng rng;
            rng_init(&rng, (struct rng_name){.seed = sweep->study->draw,
                                             .entity = (uint64_t)d,
                                             .purpose = DRAW_PLACE,
                                             .index = (uint64_t)i});
            u[d] = (order[d][i] + rng_uniform(&rng)) / points;
        }
        keep_point(making, u);
    }
}

static void make_sobol(struct making *making) {
    struct sweep *sweep = making->sweep;
    unsigned dimensions = sweep->dimensions_count > 0 ? (unsigned)sweep->dimensions_count : 1;
    gsl_qrng *sequence = gsl_qrng_alloc(gsl_qrng_sobol, dimensions);
    CHECK(sequence != NULL);
    for (int64_t i = 0; i < sweep->study->points; i++) {
        double u[SWEEP_AXES_MAX];
        (void)gsl_qrng_get(sequence, u);
        keep_point(making, u);
    }
    gsl_qrng_free(sequence);
}

bool sweep_init(struct sweep *sweep, const struct spec_study *study,
                const struct spec_values *more_where, struct arena *arena, struct diag *diag) {
    static void (*const make[])(struct making *) = {
        [SPEC_PRODUCT] = make_product,
        [SPEC_LATIN_HYPERCUBE] = make_latin_hypercube,
        [SPEC_SOBOL] = make_sobol,
    };
    int32_t errors_before = diag->errors_count;
    *sweep = (struct sweep){.study = study};
    struct making making = {.sweep = sweep, .arena = arena, .diag = diag};
    sweep_axes_read(sweep, arena, diag);
    read_constraints(&making, more_where);
    if (diag->errors_count == errors_before)
        make[study->design](&making);
    return diag->errors_count == errors_before;
}

const struct spec_value *sweep_value(const struct sweep *sweep, int32_t cell, int32_t axis) {
    CHECK(cell >= 0 && cell < sweep->cells_count && axis >= 0 && axis < sweep->axes_count);
    size_t at = (size_t)cell * (size_t)sweep->axes_count + (size_t)axis;
    return &sweep->axes[axis].values[sweep->choices[at]];
}

void sweep_write_cell(const struct sweep *sweep, int32_t cell, struct text *out) {
    for (int32_t a = 0; a < sweep->axes_count; a++)
        text_addf(out, "%s%s=%s", a ? " " : "", sweep->axes[a].name,
                  sweep_value(sweep, cell, a)->shown);
    if (sweep->axes_count == 0)
        text_add(out, "as it is");
}

void sweep_settings(const struct sweep *sweep, int32_t cell,
                    struct spec_setting settings[SWEEP_AXES_MAX],
                    struct spec_setting_place places[SWEEP_AXES_MAX]) {
    for (int32_t a = 0; a < sweep->axes_count; a++) {
        const struct spec_value *value = sweep_value(sweep, cell, a);
        settings[a] = (struct spec_setting){sweep->axes[a].spec->field.shown, value->text};
        places[a] = (struct spec_setting_place){sweep->axes[a].spec->field.place, value->place};
    }
}
