/* An axis is a list, or a range of which a product takes equal steps. */
#include "study/sweep_axes.h"

#include "models/spec/reading.h"
#include "sim/base/check.h"

#include <math.h>
#include <string.h>

static bool is_given(const struct spec_value *value) {
    return value->text[0] != '\0';
}

/* "axes.<name>: " before what is wrong. */
static void complain(struct diag *diag, const struct sweep_axis *axis, struct diag_place place,
                     const char *what) {
    diag_error(diag, place, "axes.%s: %s", axis->name, what);
}

static struct sweep_quantity *quantities_of(const struct spec_value *values, int32_t count,
                                            struct arena *arena) {
    struct sweep_quantity *quantities = ARENA_NEW(arena, (size_t)count, struct sweep_quantity);
    for (int32_t i = 0; i < count; i++)
        quantities[i] = sweep_quantity_of(values[i].shown);
    return quantities;
}

static bool is_range(const struct sweep_axis *axis) {
    return axis->spec->values.count == 0;
}

static void set_value(struct sweep_axis *axis, int32_t index, double u, struct arena *arena) {
    const struct spec_axis *spec = axis->spec;
    struct sweep_quantity from = sweep_quantity_of(spec->from.shown),
                          to = sweep_quantity_of(spec->to.shown);
    struct text text;
    text_init(&text);
    sweep_quantity_between(&from, &to, u, spec->spacing == SPEC_LOG, &text);
    struct spec_value *value = &axis->values[index];
    value->text = arena_new_text(arena, text_bytes(&text));
    bool has_quotes = value->text[0] == '"';
    value->shown =
        has_quotes ? arena_new_text_n(arena, value->text + 1, text.length - 2) : value->text;
    value->place = spec->from.place;
    axis->quantities[index] = sweep_quantity_of(value->shown);
    text_fini(&text);
}

static void new_values(struct sweep_axis *axis, int32_t count, struct arena *arena) {
    axis->values = ARENA_NEW(arena, (size_t)count, struct spec_value);
    axis->quantities = ARENA_NEW(arena, (size_t)count, struct sweep_quantity);
}

int32_t sweep_axes_at(struct sweep_axis *axis, double u, struct arena *arena) {
    if (!is_range(axis)) {
        int32_t index = (int32_t)(u * axis->values_count);
        return index < axis->values_count ? index : axis->values_count - 1;
    }
    set_value(axis, axis->values_count, u, arena);
    return axis->values_count++;
}

/* Equal steps; where rounding makes two of them one (1 to 3 in 5 steps), the value stands once. */
static void step_range(struct sweep_axis *axis, struct arena *arena) {
    int32_t steps = (int32_t)axis->spec->steps;
    new_values(axis, steps, arena);
    for (int32_t i = 0; i < steps; i++) {
        set_value(axis, axis->values_count, (double)i / (steps - 1), arena);
        bool is_new = i == 0 || strcmp(axis->values[axis->values_count].text,
                                       axis->values[axis->values_count - 1].text) != 0;
        axis->values_count += is_new;
    }
}

/* What is wrong with the range; NULL: nothing. */
static const char *range_mistake(const struct spec_axis *spec) {
    struct sweep_quantity from = sweep_quantity_of(spec->from.shown),
                          to = sweep_quantity_of(spec->to.shown);
    if (from.is_word || from.is_endless || to.is_word || to.is_endless)
        return "the ends of a range are numbers or quantities, such as 10 or \"64KiB\"";
    if (!sweep_quantity_alike(&from, &to))
        return "\"from\" and \"to\" are of different kinds; expected the same unit kind at both";
    if (spec->spacing == SPEC_LOG && (from.number <= 0 || to.number <= 0))
        return "a range with equal ratios needs both ends above 0";
    return NULL;
}

static bool read_range(struct sweep *sweep, struct sweep_axis *axis, struct arena *arena,
                       struct diag *diag) {
    const struct spec_axis *spec = axis->spec;
    const char *mistake = range_mistake(spec);
    if (mistake) {
        complain(diag, axis, spec->from.place, mistake);
        return false;
    }
    if (sweep->study->design == SPEC_PRODUCT)
        step_range(axis, arena);
    else
        new_values(axis, (int32_t)sweep->study->points, arena);
    return true;
}

static bool read_values(struct sweep *sweep, struct sweep_axis *axis, struct arena *arena,
                        struct diag *diag) {
    const struct spec_axis *spec = axis->spec;
    bool has_list = spec->values.count > 0, has_from = is_given(&spec->from),
         has_to = is_given(&spec->to);
    if (has_list && (has_from || has_to)) {
        complain(diag, axis, has_from ? spec->from.place : spec->to.place,
                 "\"values\" and a range exclude each other");
        return false;
    }
    if (!has_list && !(has_from && has_to)) {
        complain(diag, axis, spec->field.place,
                 "has no values; expected \"values\", or \"from\" and \"to\"");
        return false;
    }
    if (!has_list)
        return read_range(sweep, axis, arena, diag);
    axis->values = spec->values.items;
    axis->values_count = spec->values.count;
    axis->quantities = quantities_of(axis->values, axis->values_count, arena);
    return true;
}

static const struct sweep_axis *find_axis(const struct sweep *sweep, const char *name) {
    for (int32_t i = 0; i < sweep->axes_count; i++)
        if (strcmp(sweep->axes[i].name, name) == 0)
            return &sweep->axes[i];
    return NULL;
}

static void unknown_partner(const struct sweep *sweep, const struct sweep_axis *axis,
                            struct diag *diag) {
    const char *names[SWEEP_AXES_MAX];
    for (int32_t i = 0; i < sweep->axes_count; i++)
        names[i] = sweep->axes[i].name;
    const char *wrong = axis->spec->with.shown;
    diag_error(diag, axis->spec->with.place, "axes.%s.with: %s is no axis%s", axis->name,
               reading_quoted(wrong).text,
               reading_hint(wrong, names, sweep->axes_count, "expected ").text);
}

/* `axis` into the dimension of the one that it is joined with. */
static void join(const struct sweep *sweep, struct sweep_axis *axis, struct diag *diag) {
    const struct sweep_axis *leader = find_axis(sweep, axis->spec->with.shown);
    if (!leader) {
        unknown_partner(sweep, axis, diag);
        return;
    }
    if (leader == axis || is_given(&leader->spec->with)) {
        complain(diag, axis, axis->spec->with.place,
                 "\"with\" names an axis that is itself joined; name the one that stands alone");
        return;
    }
    axis->dimension = leader->dimension;
    bool is_counted =
        sweep->study->design == SPEC_PRODUCT || (!is_range(axis) && !is_range(leader));
    if (is_counted && axis->values_count != leader->values_count && axis->values_count > 0 &&
        leader->values_count > 0)
        diag_error(diag, axis->spec->with.place,
                   "axes.%s: has %d values and \"%s\" has %d; axes that are joined have as many",
                   axis->name, axis->values_count, leader->name, leader->values_count);
}

static void find_twins(const struct sweep *sweep, struct diag *diag) {
    for (int32_t i = 0; i < sweep->axes_count; i++)
        for (int32_t k = 0; k < i; k++)
            if (strcmp(sweep->axes[i].spec->field.shown, sweep->axes[k].spec->field.shown) == 0)
                diag_error(diag, sweep->axes[i].spec->field.place,
                           "axes.%s: varies the same field as \"%s\"", sweep->axes[i].name,
                           sweep->axes[k].name);
}

void sweep_axes_read(struct sweep *sweep, struct arena *arena, struct diag *diag) {
    const struct spec_study *study = sweep->study;
    CHECK(study->axes_count <= SWEEP_AXES_MAX);
    for (int32_t i = 0; i < study->axes_count; i++) {
        struct sweep_axis *axis = &sweep->axes[sweep->axes_count++];
        *axis = (struct sweep_axis){.name = study->axes[i].name, .spec = &study->axes[i]};
        bool is_read = read_values(sweep, axis, arena, diag);
        if (is_read && !is_given(&axis->spec->with))
            axis->dimension = sweep->dimensions_count++;
    }
    for (int32_t i = 0; i < sweep->axes_count; i++)
        if (is_given(&sweep->axes[i].spec->with))
            join(sweep, &sweep->axes[i], diag);
    find_twins(sweep, diag);
}
