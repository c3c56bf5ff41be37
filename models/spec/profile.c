/* What a profile says and how it is drawn; profile_read.c reads one.
 *
 * A draw is value + standard error * (L z), L the Cholesky factor of the correlations. Each cost
 * takes exactly one uniform number from the stream, turned into a normal by inversion, so that a
 * cost which becomes uncertain, or stops being so, moves no draw of those before it. A rejection
 * method would use up a different count each time.
 *
 * Correlations come pair by pair, from fits of different blocks, so together they may describe no
 * distribution at all. Then all of them are shrunk towards zero by the smallest factor that makes
 * them one: (1 - s) R + s I has the eigenvalues (1 - s) l + s. */
#include "models/spec/profile.h"

#include "models/spec/value.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

/* Below this an eigenvalue is taken for zero: rounding alone makes it negative. */
static const double EIGENVALUE_LOWEST = 1e-9;

static const struct {
    const char *name, *unit, *doc;
    double lowest, highest;
} rows[COST_COUNT] = {
#define COST(name_, unit_, lowest_, highest_, doc_)                                                \
    {.name = #name_, .unit = unit_, .doc = doc_, .lowest = lowest_, .highest = highest_},
#include "models/spec/rows/cost.def"
#undef COST
};

/* source PROFILE_MEASURED: nothing is assumed of it. */
static const struct profile_entry assumed[COST_COUNT] = {
#define COST(name, unit, lowest, highest, doc)
#define ASSUMED(name_, unit_, lowest_, highest_, value_, source_, note_, doc_)                     \
    [COST_##name_] = {.value = (value_), .source = PROFILE_##source_, .note = (note_)},
#include "models/spec/rows/cost.def"
#undef COST
};

static const char *const source_names[] = {[PROFILE_MEASURED] = "measured",
                                           [PROFILE_PUBLISHED] = "published",
                                           [PROFILE_ASSUMED] = "assumed"};

const struct profile_entry *profile_assumed(enum cost cost) {
    return assumed[cost].source == PROFILE_MEASURED ? NULL : &assumed[cost];
}

const char *profile_cost_name(enum cost cost) {
    return rows[cost].name;
}

const char *profile_cost_unit(enum cost cost) {
    return rows[cost].unit;
}

const char *profile_cost_doc(enum cost cost) {
    return rows[cost].doc;
}

double profile_cost_lowest(enum cost cost) {
    return rows[cost].lowest;
}

double profile_cost_highest(enum cost cost) {
    return rows[cost].highest;
}

const char *profile_source_name(enum profile_source source) {
    return source_names[source];
}

struct profile_costs profile_means(const struct profile *profile) {
    struct profile_costs costs;
    for (int32_t i = 0; i < COST_COUNT; i++)
        costs.value[i] = profile->costs[i].value;
    return costs;
}

/* Moves one cost; returns the standard error that the move adds, in its unit. */
static double move_entry(struct profile_entry *entry, double factor, double error) {
    double elasticity = entry->elasticity > 0 ? entry->elasticity : 1;
    double slower = pow(factor, elasticity);
    entry->value *= slower;
    entry->standard_error *= slower;
    return entry->value * hypot(log(factor) * entry->elasticity_error, elasticity * error);
}

double profile_evicted(double sockets) {
    const double held = 256; /* of 6 KiB each: some MiB of cache */
    return sockets > held ? 1 - held / sockets : 0;
}

/* What nobody measured here is of another machine, and how long the host is away with the processor
 * is not a matter of how fast that is. */
static bool moves_with_speed(enum cost cost) {
    return strcmp(rows[cost].unit, "ns") == 0 && cost != COST_steal && !profile_assumed(cost);
}

void profile_move(struct profile *profile, double factor, double error) {
    double added[COST_COUNT] = {0}, covariance[COST_COUNT][COST_COUNT];
    bool is_added = false;
    for (int32_t i = 0; i < COST_COUNT; i++)
        if (moves_with_speed((enum cost)i)) {
            added[i] = move_entry(&profile->costs[i], factor, error);
            is_added |= added[i] > 0;
        }
    if (!is_added)
        return;
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++)
            covariance[i][j] = profile->correlation[i][j] * profile->costs[i].standard_error *
                                   profile->costs[j].standard_error +
                               added[i] * added[j];
    for (int32_t i = 0; i < COST_COUNT; i++)
        profile->costs[i].standard_error = sqrt(covariance[i][i]);
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = 0; j < COST_COUNT; j++) {
            double scale = profile->costs[i].standard_error * profile->costs[j].standard_error;
            if (i != j && scale > 0)
                profile->correlation[i][j] = fmax(-1, fmin(1, covariance[i][j] / scale));
        }
}

const struct profile_yardstick *profile_find_yardstick(const struct profile *profile,
                                                       const char *name) {
    for (int32_t i = 0; i < profile->yardsticks_count; i++)
        if (strcmp(profile->yardsticks[i].name, name) == 0)
            return &profile->yardsticks[i];
    return NULL;
}

/* The correlations among uncertain costs; a cost without an error keeps to itself. */
static void fill_correlations(const struct profile *profile, gsl_matrix *matrix) {
    for (size_t i = 0; i < COST_COUNT; i++)
        for (size_t j = 0; j < COST_COUNT; j++) {
            bool counts =
                profile->costs[i].standard_error > 0 && profile->costs[j].standard_error > 0;
            double value = counts ? profile->correlation[i][j] : 0;
            gsl_matrix_set(matrix, i, j, i == j ? 1 : value);
        }
}

static double smallest_eigenvalue(const gsl_matrix *matrix) {
    double copy_bytes[COST_COUNT * COST_COUNT], values_bytes[COST_COUNT];
    gsl_matrix_view copy = gsl_matrix_view_array(copy_bytes, COST_COUNT, COST_COUNT);
    gsl_vector_view values = gsl_vector_view_array(values_bytes, COST_COUNT);
    gsl_eigen_symm_workspace *workspace = gsl_eigen_symm_alloc(COST_COUNT);
    gsl_matrix_memcpy(&copy.matrix, matrix);
    gsl_eigen_symm(&copy.matrix, &values.vector, workspace);
    gsl_eigen_symm_free(workspace);
    return gsl_vector_min(&values.vector);
}

static void shrink_to_positive(gsl_matrix *matrix) {
    double smallest = smallest_eigenvalue(matrix);
    if (smallest >= EIGENVALUE_LOWEST)
        return;
    /* Twice the lowest, so that the rounding of the next lines leaves it above zero. */
    double shrinkage = (2 * EIGENVALUE_LOWEST - smallest) / (1 - smallest);
    gsl_matrix_scale(matrix, 1 - shrinkage);
    for (size_t i = 0; i < COST_COUNT; i++)
        gsl_matrix_set(matrix, i, i, 1);
}

struct profile_costs profile_draw(const struct profile *profile, struct rng *rng) {
    double matrix_bytes[COST_COUNT * COST_COUNT], normals_bytes[COST_COUNT];
    gsl_matrix_view matrix = gsl_matrix_view_array(matrix_bytes, COST_COUNT, COST_COUNT);
    gsl_vector_view normals = gsl_vector_view_array(normals_bytes, COST_COUNT);
    fill_correlations(profile, &matrix.matrix);
    shrink_to_positive(&matrix.matrix);
    gsl_linalg_cholesky_decomp1(&matrix.matrix);
    for (size_t i = 0; i < COST_COUNT; i++)
        normals_bytes[i] = gsl_cdf_ugaussian_Pinv(rng_uniform(rng));
    gsl_blas_dtrmv(CblasLower, CblasNoTrans, CblasNonUnit, &matrix.matrix, &normals.vector);

    struct profile_costs costs = profile_means(profile);
    for (int32_t i = 0; i < COST_COUNT; i++) {
        double drawn = costs.value[i] + profile->costs[i].standard_error * normals_bytes[i];
        costs.value[i] = fmin(fmax(drawn, rows[i].lowest), rows[i].highest);
    }
    return costs;
}

/* ,\n<indent>"key": */
static void add_key(struct text *out, bool is_first, const char *indent, const char *key) {
    text_addf(out, "%s\n%s", is_first ? "" : ",", indent);
    text_add_json_string(out, key);
    text_add(out, ": ");
}

static void write_text(struct text *out, const char *key, const char *text) {
    add_key(out, false, "  ", key);
    text_add_json_string(out, text);
}

static void write_facts(struct text *out, const char *key, const struct profile_fact *facts,
                        int32_t count) {
    add_key(out, false, "  ", key);
    text_add(out, "{");
    for (int32_t i = 0; i < count; i++) {
        add_key(out, i == 0, "    ", facts[i].name);
        text_add_json_string(out, facts[i].text);
    }
    text_add(out, count > 0 ? "\n  }" : "}");
}

static void write_yardsticks(struct text *out, const struct profile *profile) {
    add_key(out, false, "  ", "yardsticks");
    text_add(out, "{");
    for (int32_t i = 0; i < profile->yardsticks_count; i++) {
        const struct profile_yardstick *yardstick = &profile->yardsticks[i];
        add_key(out, i == 0, "    ", yardstick->name);
        text_add(out, "{\"value\": ");
        value_write_double(yardstick->value, out);
        text_add(out, ", \"spread\": ");
        value_write_double(yardstick->spread, out);
        text_add(out, ", \"unit\": ");
        text_add_json_string(out, yardstick->unit);
        text_add(out, "}");
    }
    text_add(out, profile->yardsticks_count > 0 ? "\n  }" : "}");
}

static void write_entry(struct text *out, const struct profile_entry *entry, const char *unit) {
    text_add(out, "{\"value\": ");
    value_write_double(entry->value, out);
    text_add(out, ", \"stderr\": ");
    value_write_double(entry->standard_error, out);
    text_addf(out, ", \"unit\": \"%s\", \"source\": \"%s\"", unit, source_names[entry->source]);
    if (entry->elasticity > 0) {
        text_add(out, ", \"elasticity\": ");
        value_write_double(entry->elasticity, out);
        text_add(out, ", \"elasticity_stderr\": ");
        value_write_double(entry->elasticity_error, out);
    }
    if (entry->note[0]) {
        text_add(out, ", \"note\": ");
        text_add_json_string(out, entry->note);
    }
    text_add(out, "}");
}

static void write_costs(struct text *out, const struct profile *profile) {
    add_key(out, false, "  ", "costs");
    text_add(out, "{");
    for (int32_t i = 0; i < COST_COUNT; i++) {
        add_key(out, i == 0, "    ", rows[i].name);
        write_entry(out, &profile->costs[i], rows[i].unit);
    }
    text_add(out, "\n  }");
}

static void write_correlations(struct text *out, const struct profile *profile) {
    bool is_first = true;
    add_key(out, false, "  ", "correlation");
    text_add(out, "[");
    for (int32_t i = 0; i < COST_COUNT; i++)
        for (int32_t j = i + 1; j < COST_COUNT; j++) {
            if (profile->correlation[i][j] == 0)
                continue;
            text_addf(out, "%s\n    [\"%s\", \"%s\", ", is_first ? "" : ",", rows[i].name,
                      rows[j].name);
            value_write_double(profile->correlation[i][j], out);
            text_add(out, "]");
            is_first = false;
        }
    text_add(out, is_first ? "]" : "\n  ]");
}

static void write_fit(struct text *out, const struct profile *profile) {
    const struct {
        const char *key;
        double value;
    } figures[] = {{"windows", profile->windows},
                   {"blocks", profile->blocks},
                   {"condition_number", profile->condition_number},
                   {"lack_of_fit_p", profile->lack_of_fit_p},
                   {"cpu_accounted_share", profile->cpu_accounted_share},
                   {"turn_error", profile->turn_error}};
    bool is_first = true;
    add_key(out, false, "  ", "fit");
    text_add(out, "{");
    for (size_t i = 0; i < COUNT_OF(figures); i++) {
        if (isnan(figures[i].value))
            continue;
        add_key(out, is_first, "    ", figures[i].key);
        value_write_double(figures[i].value, out);
        is_first = false;
    }
    text_add(out, is_first ? "}" : "\n  }");
}

void profile_write(const struct profile *profile, struct text *out) {
    text_addf(out, "{\n  \"schema_version\": %d", PROFILE_SCHEMA_VERSION);
    write_text(out, "name", profile->name);
    write_text(out, "made_at", profile->made_at);
    write_text(out, "mode", profile->mode);
    write_facts(out, "machine", profile->machine, profile->machine_count);
    write_facts(out, "pinned", profile->pinned, profile->pinned_count);
    write_yardsticks(out, profile);
    write_costs(out, profile);
    write_correlations(out, profile);
    write_fit(out, profile);
    text_add(out, "\n}\n");
}
