/* SIZES, LENGTHS and DELAYS: {"constant": 100}, {"log_normal": {...}}, {"zipf": {...}},
 * {"empirical":
 * [[value, weight], ...]}.
 *
 * Values are whole and within the row's range; a length may also be written as a quantity ("8KiB"),
 * and a delay must be ("200us", which alone stands for a constant one).
 * The parameters of a kind are rows of a small table of their own, so that reading, writing and the
 * schema cannot disagree. */
#include "models/spec/value.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 10000 };

static const double sigma_lowest = 0.001, sigma_highest = 5, exponent_lowest = 0,
                    exponent_highest = 10;

/* What a number must be. `is_value`: a size or a length, in the row's unit and range. */
struct parameter {
    const char *key;
    double lowest, highest; /* when it is not a value of the row */
    bool is_value, is_whole, is_required;
    size_t offset;
};

static const struct parameter log_normal_parameters[] = {
    {"mean", 0, 0, true, false, true, offsetof(struct spec_dist, mean)},
    {"sigma", sigma_lowest, sigma_highest, false, false, true, offsetof(struct spec_dist, sigma)},
    {"lowest", 0, 0, true, true, false, offsetof(struct spec_dist, lowest)},
    {"highest", 0, 0, true, true, false, offsetof(struct spec_dist, highest)},
};
static const struct parameter zipf_parameters[] = {
    {"exponent", exponent_lowest, exponent_highest, false, false, true,
     offsetof(struct spec_dist, exponent)},
    {"lowest", 0, 0, true, true, false, offsetof(struct spec_dist, lowest)},
    {"highest", 0, 0, true, true, false, offsetof(struct spec_dist, highest)},
};
static const struct parameter constant_parameter = {
    "constant", 0, 0, true, true, true, offsetof(struct spec_dist, constant)};
static const struct parameter empirical_value = {"value", 0, 0, true, true, true, 0};
static const struct parameter empirical_weight = {"weight", 1e-12, 1e12, false, false, true, 0};

static const char *const kind_names[] = {
    [SPEC_DIST_CONSTANT] = "constant",
    [SPEC_DIST_LOG_NORMAL] = "log_normal",
    [SPEC_DIST_ZIPF] = "zipf",
    [SPEC_DIST_EMPIRICAL] = "empirical",
};

static enum units_kind units_of(const struct parameter *parameter, const struct table_row *row) {
    if (!parameter->is_value || row->type == TABLE_SIZES)
        return UNITS_NONE;
    return row->type == TABLE_DELAYS ? UNITS_TIME : UNITS_BYTES;
}

static double range_low(const struct parameter *parameter, const struct table_row *row) {
    return parameter->is_value ? strtod(row->lowest, NULL) : parameter->lowest;
}

static double range_high(const struct parameter *parameter, const struct table_row *row) {
    return parameter->is_value ? strtod(row->highest, NULL) : parameter->highest;
}

/* "a whole number from 1 to 10000000" */
static void describe(const struct parameter *parameter, const struct table_row *row,
                     struct text *out) {
    enum units_kind units = units_of(parameter, row);
    if (units == UNITS_TIME) {
        text_add(out, "a time from ");
        value_write_quantity(units, range_low(parameter, row), out);
        text_add(out, " to ");
        value_write_quantity(units, range_high(parameter, row), out);
        return;
    }
    text_add(out, parameter->is_whole ? "a whole number" : "a number");
    if (units == UNITS_BYTES)
        text_add(out, " of bytes");
    text_add(out, " from ");
    value_write_double(range_low(parameter, row), out);
    text_add(out, " to ");
    value_write_double(range_high(parameter, row), out);
}

static bool refuse(struct reading *reading, const struct parameter *parameter,
                   const struct table_row *row, const struct json *json) {
    struct text expected;
    text_init(&expected);
    describe(parameter, row, &expected);
    reading_error(reading, json, "%s does not fit; expected %s", reading_found(json).text,
                  text_bytes(&expected));
    text_fini(&expected);
    return false;
}

static bool number_parse(struct reading *reading, const struct parameter *parameter,
                         const struct table_row *row, const struct json *json, double *out) {
    struct units_result result;
    enum units_kind units = units_of(parameter, row);
    double value;
    if (json->kind == JSON_NUMBER && units != UNITS_TIME)
        value = strtod(json->text, NULL);
    else if (units != UNITS_NONE && json->kind == JSON_STRING &&
             units_parse(units, json->text, &result) && *result.rest == '\0')
        value = result.value;
    else
        return refuse(reading, parameter, row, json);
    bool is_whole = value == floor(value);
    bool is_inside = value >= range_low(parameter, row) && value <= range_high(parameter, row);
    if (!is_inside || (parameter->is_whole && !is_whole))
        return refuse(reading, parameter, row, json);
    *out = value;
    return true;
}

/* The members of a log-normal or a zipf. */
struct parameters {
    const struct parameter *items;
    int32_t count;
};

static const struct parameter *find_parameter(struct parameters parameters, const char *key) {
    for (int32_t i = 0; i < parameters.count; i++)
        if (strcmp(parameters.items[i].key, key) == 0)
            return &parameters.items[i];
    return NULL;
}

static bool unknown_parameter(struct reading *reading, struct parameters parameters,
                              const struct json *member) {
    const char *names[8];
    for (int32_t i = 0; i < parameters.count; i++)
        names[i] = parameters.items[i].key;
    reading_error_at_key(reading, member, "%s is not a field here%s",
                         reading_quoted(member->key).text,
                         reading_hint(member->key, names, parameters.count, "expected ").text);
    return false;
}

static bool members_parse(struct reading *reading, struct parameters parameters,
                          const struct table_row *row, const struct json *json,
                          struct spec_dist *dist) {
    bool is_good = true;
    for (const struct json *member = json->first; member; member = member->next) {
        const struct parameter *parameter = find_parameter(parameters, member->key);
        if (!parameter) {
            is_good = unknown_parameter(reading, parameters, member);
            continue;
        }
        int32_t path = reading_enter(reading, member->key);
        double *out = (double *)(void *)((char *)dist + parameter->offset);
        is_good &= number_parse(reading, parameter, row, member, out);
        reading_leave(reading, path);
    }
    for (int32_t i = 0; i < parameters.count; i++) {
        const struct parameter *parameter = &parameters.items[i];
        if (parameter->is_required && !json_member(json, parameter->key)) {
            reading_error_at_key(reading, json, "\"%s\" is missing", parameter->key);
            is_good = false;
        }
    }
    return is_good;
}

static bool bounds_fit(struct reading *reading, const struct json *json,
                       const struct spec_dist *dist) {
    if (dist->lowest > dist->highest) {
        reading_error(reading, json, "\"lowest\" (%.0f) is above \"highest\" (%.0f)", dist->lowest,
                      dist->highest);
        return false;
    }
    bool is_outside = dist->kind == SPEC_DIST_LOG_NORMAL &&
                      (dist->mean < dist->lowest || dist->mean > dist->highest);
    if (is_outside)
        reading_error(reading, json,
                      "\"mean\" (%g) is outside \"lowest\" to \"highest\" (%.0f to %.0f)",
                      dist->mean, dist->lowest, dist->highest);
    return !is_outside;
}

static bool parametric_parse(struct reading *reading, const struct table_row *row,
                             const struct json *json, struct spec_dist *dist) {
    struct parameters parameters = {zipf_parameters, COUNT_OF(zipf_parameters)};
    if (dist->kind == SPEC_DIST_LOG_NORMAL)
        parameters = (struct parameters){log_normal_parameters, COUNT_OF(log_normal_parameters)};
    if (json->kind != JSON_OBJECT) {
        reading_error(reading, json, "%s is not an object; expected {\"%s\": ..., ...}",
                      reading_found(json).text, parameters.items[0].key);
        return false;
    }
    dist->lowest = strtod(row->lowest, NULL);
    dist->highest = strtod(row->highest, NULL);
    return members_parse(reading, parameters, row, json, dist) && bounds_fit(reading, json, dist);
}

static bool point_parse(struct reading *reading, const struct table_row *row,
                        const struct json *json, struct spec_dist *dist) {
    if (json->kind != JSON_ARRAY || json->count != 2) {
        reading_error(reading, json, "%s is not a pair; expected [value, weight]",
                      reading_found(json).text);
        return false;
    }
    int32_t at = dist->points_count++;
    const struct json *value = json->first, *weight = value->next;
    /* Both are read, so that both may be wrong. */
    bool has_value = number_parse(reading, &empirical_value, row, value, &dist->values[at]);
    bool has_weight = number_parse(reading, &empirical_weight, row, weight, &dist->weights[at]);
    return has_value && has_weight;
}

static bool empirical_parse(struct reading *reading, const struct table_row *row,
                            const struct json *json, struct spec_dist *dist) {
    if (json->kind != JSON_ARRAY || json->count == 0 || json->count > POINTS_MAX) {
        reading_error(reading, json, "expected a list of 1 to %d pairs [value, weight], found %s",
                      POINTS_MAX,
                      json->kind == JSON_ARRAY && json->count == 0 ? "an empty list"
                      : json->kind == JSON_ARRAY                   ? "more"
                                                                   : reading_found(json).text);
        return false;
    }
    dist->values = ARENA_NEW(reading->arena, (size_t)json->count, double);
    dist->weights = ARENA_NEW(reading->arena, (size_t)json->count, double);
    bool is_good = true;
    int32_t index = 0;
    for (const struct json *point = json->first; point; point = point->next) {
        int32_t path = reading_enter_index(reading, index++);
        is_good &= point_parse(reading, row, point, dist);
        reading_leave(reading, path);
    }
    return is_good;
}

static bool is_possible(const struct table_row *row, size_t kind) {
    return kind != SPEC_DIST_ZIPF || row->type != TABLE_DELAYS;
}

static bool kind_of(struct reading *reading, const struct table_row *row, const struct json *member,
                    struct spec_dist *dist) {
    for (size_t i = 0; i < COUNT_OF(kind_names); i++) {
        if (strcmp(member->key, kind_names[i]) == 0 && is_possible(row, i)) {
            dist->kind = (enum spec_dist_kind)i;
            return true;
        }
    }
    if (strcmp(member->key, kind_names[SPEC_DIST_ZIPF]) == 0) {
        reading_error_at_key(reading, member,
                             "a zipf is not for times; expected constant, log_normal or empirical");
        return false;
    }
    reading_error_at_key(
        reading, member, "%s is not a distribution%s", reading_quoted(member->key).text,
        reading_hint(member->key, kind_names, COUNT_OF(kind_names), "expected ").text);
    return false;
}

static bool body_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, struct spec_dist *dist) {
    switch (dist->kind) {
    case SPEC_DIST_CONSTANT:
        return number_parse(reading, &constant_parameter, row, json, &dist->constant);
    case SPEC_DIST_LOG_NORMAL:
    case SPEC_DIST_ZIPF:
        return parametric_parse(reading, row, json, dist);
    case SPEC_DIST_EMPIRICAL:
        return empirical_parse(reading, row, json, dist);
    }
    return false;
}

static bool dist_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, void *out) {
    if (row->type == TABLE_DELAYS && json->kind == JSON_STRING) {
        struct spec_dist constant = {.kind = SPEC_DIST_CONSTANT};
        bool is_good = number_parse(reading, &constant_parameter, row, json, &constant.constant);
        if (is_good)
            memcpy(out, &constant, sizeof constant);
        return is_good;
    }
    if (json->kind != JSON_OBJECT || json->count != 1) {
        bool is_number = json->kind == JSON_NUMBER && strlen(json->text) < 20;
        bool is_object = json->kind == JSON_OBJECT;
        reading_error(reading, json,
                      "%s is not a distribution; expected {\"constant\": %s} or one of "
                      "log_normal, zipf, empirical in its place",
                      !is_object         ? reading_found(json).text
                      : json->count == 0 ? "an empty object"
                                         : "an object of several kinds",
                      is_number ? json->text : "100");
        return false;
    }
    struct spec_dist dist = {0};
    if (!kind_of(reading, row, json->first, &dist))
        return false;
    int32_t path = reading_enter(reading, json->first->key);
    bool is_good = body_parse(reading, row, json->first, &dist);
    reading_leave(reading, path);
    if (is_good)
        memcpy(out, &dist, sizeof dist);
    return is_good;
}

static void number_write(const struct parameter *parameter, const struct table_row *row,
                         double value, struct text *out) {
    if (units_of(parameter, row) != UNITS_TIME) {
        value_write_double(value, out);
        return;
    }
    text_add(out, "\"");
    value_write_quantity(UNITS_TIME, value, out);
    text_add(out, "\"");
}

static void members_write(struct parameters parameters, const struct table_row *row,
                          const struct spec_dist *dist, struct text *out) {
    text_add(out, "{");
    for (int32_t i = 0; i < parameters.count; i++) {
        double value;
        memcpy(&value, (const char *)dist + parameters.items[i].offset, sizeof value);
        text_addf(out, "%s\"%s\": ", i ? ", " : "", parameters.items[i].key);
        number_write(&parameters.items[i], row, value, out);
    }
    text_add(out, "}");
}

static void points_write(const struct table_row *row, const struct spec_dist *dist,
                         struct text *out) {
    text_add(out, "[");
    for (int32_t i = 0; i < dist->points_count; i++) {
        text_add(out, i ? ", [" : "[");
        number_write(&empirical_value, row, dist->values[i], out);
        text_add(out, ", ");
        value_write_double(dist->weights[i], out);
        text_add(out, "]");
    }
    text_add(out, "]");
}

static void dist_write(const struct table_row *row, const void *value, struct text *out) {
    struct spec_dist dist;
    memcpy(&dist, value, sizeof dist);
    text_addf(out, "{\"%s\": ", kind_names[dist.kind]);
    switch (dist.kind) {
    case SPEC_DIST_CONSTANT:
        number_write(&constant_parameter, row, dist.constant, out);
        break;
    case SPEC_DIST_LOG_NORMAL:
        members_write((struct parameters){log_normal_parameters, COUNT_OF(log_normal_parameters)},
                      row, &dist, out);
        break;
    case SPEC_DIST_ZIPF:
        members_write((struct parameters){zipf_parameters, COUNT_OF(zipf_parameters)}, row, &dist,
                      out);
        break;
    case SPEC_DIST_EMPIRICAL:
        points_write(row, &dist, out);
        break;
    }
    text_add(out, "}");
}

static void quantity_schema(enum units_kind units, struct text *out) {
    struct text pattern;
    text_init(&pattern);
    text_add(&pattern, "^");
    value_unit_pattern(units, &pattern);
    text_add(&pattern, "$");
    text_add(out, "{\"type\": \"string\", \"pattern\": ");
    text_add_json_string(out, text_bytes(&pattern));
    text_add(out, "}");
    text_fini(&pattern);
}

static void number_schema(const struct parameter *parameter, const struct table_row *row,
                          struct text *out) {
    enum units_kind units = units_of(parameter, row);
    if (units == UNITS_TIME) {
        quantity_schema(units, out);
        return;
    }
    text_add(out, units == UNITS_BYTES ? "{\"anyOf\": [{" : "{");
    text_addf(out, "\"type\": \"%s\", \"minimum\": ", parameter->is_whole ? "integer" : "number");
    value_write_double(range_low(parameter, row), out);
    text_add(out, ", \"maximum\": ");
    value_write_double(range_high(parameter, row), out);
    text_add(out, "}");
    if (units == UNITS_BYTES) {
        text_add(out, ", ");
        quantity_schema(units, out);
        text_add(out, "]}");
    }
}

static void parametric_schema(struct parameters parameters, const struct table_row *row,
                              struct text *out) {
    text_add(out, "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {");
    for (int32_t i = 0; i < parameters.count; i++) {
        text_addf(out, "%s\"%s\": ", i ? ", " : "", parameters.items[i].key);
        number_schema(&parameters.items[i], row, out);
    }
    text_add(out, "}, \"required\": [");
    for (int32_t i = 0; i < parameters.count && parameters.items[i].is_required; i++)
        text_addf(out, "%s\"%s\"", i ? ", " : "", parameters.items[i].key);
    text_add(out, "]}");
}

static void kinds_schema(const struct table_row *row, struct text *out) {
    text_add(out, "\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 1, "
                  "\"additionalProperties\": false, \"properties\": {\"constant\": ");
    number_schema(&constant_parameter, row, out);
    text_add(out, ", \"log_normal\": ");
    parametric_schema((struct parameters){log_normal_parameters, COUNT_OF(log_normal_parameters)},
                      row, out);
    if (is_possible(row, SPEC_DIST_ZIPF)) {
        text_add(out, ", \"zipf\": ");
        parametric_schema((struct parameters){zipf_parameters, COUNT_OF(zipf_parameters)}, row,
                          out);
    }
    text_addf(out,
              ", \"empirical\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": %d, "
              "\"items\": {\"type\": \"array\", \"minItems\": 2, \"maxItems\": 2, "
              "\"prefixItems\": [",
              POINTS_MAX);
    number_schema(&empirical_value, row, out);
    text_add(out, ", ");
    number_schema(&empirical_weight, row, out);
    text_add(out, "]}}}");
}

static void dist_schema(const struct table_row *row, struct text *out) {
    if (row->type != TABLE_DELAYS) {
        kinds_schema(row, out);
        return;
    }
    text_add(out, "\"anyOf\": [");
    quantity_schema(UNITS_TIME, out);
    text_add(out, ", {");
    kinds_schema(row, out);
    text_add(out, "}]");
}

static void dist_expected(const struct table_row *row, struct text *out) {
    if (row->type == TABLE_DELAYS) {
        text_add(out, "a time such as \"200us\", or a distribution of times such as "
                      "{\"log_normal\": {\"mean\": \"200us\", \"sigma\": 0.5}}");
        return;
    }
    text_addf(out, "a distribution such as {\"constant\": 100}, values from %s to %s", row->lowest,
              row->highest);
}

const struct value_ops value_dist_ops = {dist_parse, dist_write, dist_schema, dist_expected};
