/* What a study's file holds beside words and counts: values for `--set`, and lists of values, texts
 * and seeds.
 *
 * A value is kept as text and not as a number, because only the field that it is laid over knows
 * what it means; it is checked there, with the place that is kept here. Text without characters is
 * no value: the default of what may be left out. */
#include "models/spec/value.h"

#include <string.h>

enum { VALUES_MAX = 1000 }; /* as JSON_MEMBERS_MAX, said in the field's own words */

static bool wrong(struct reading *reading, const struct table_row *row, const struct json *json) {
    struct text expected = value_expected_new(row);
    reading_error(reading, json, "%s is not possible here; expected %s", reading_found(json).text,
                  text_bytes(&expected));
    text_fini(&expected);
    return false;
}

static bool is_absent(const struct json *json) {
    return json->kind == JSON_STRING && json->text[0] == '\0';
}

/* The place's texts are the list of mistakes' own: copied, because a study outlives that list. */
static struct diag_place kept_place(struct reading *reading, const struct json *json) {
    struct diag_place place = json_place(json, reading->diag);
    place.file = arena_new_text(reading->arena, place.file);
    if (place.line_text)
        place.line_text = arena_new_text(reading->arena, place.line_text);
    return place;
}

static struct spec_value value_of(struct reading *reading, const struct json *json) {
    struct text text;
    text_init(&text);
    json_write(json, &text);
    struct spec_value value = {.text = arena_new_text(reading->arena, text_bytes(&text)),
                               .place = kept_place(reading, json)};
    value.shown =
        json->kind == JSON_STRING ? arena_new_text(reading->arena, json->text) : value.text;
    text_fini(&text);
    return value;
}

static void add_value(const struct spec_value *value, struct text *out) {
    text_add(out, value->text[0] ? value->text : "\"\"");
}

/* ---- VALUE */

static bool value_value_parse(struct reading *reading, const struct table_row *row,
                              const struct json *json, void *out) {
    struct spec_value value = {.text = "", .shown = ""};
    if (json->kind != JSON_STRING && json->kind != JSON_NUMBER)
        return wrong(reading, row, json);
    if (!is_absent(json))
        value = value_of(reading, json);
    memcpy(out, &value, sizeof value);
    return true;
}

static void value_value_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    struct spec_value kept;
    memcpy(&kept, value, sizeof kept);
    add_value(&kept, out);
}

static void value_value_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_add(out, "\"type\": [\"number\", \"string\"]");
}

static void value_value_expected(const struct table_row *row, struct text *out) {
    text_addf(out, "%s%sa number, or text in double quotes", row->unit, row->unit[0] ? ": " : "");
}

/* ---- VALUES and TEXTS */

static bool put_items(struct reading *reading, const struct table_row *row, const struct json *json,
                      bool is_of_texts, void *out) {
    struct spec_values values = {
        .items = ARENA_NEW(reading->arena, (size_t)json->count, struct spec_value)};
    bool is_good = true;
    for (const struct json *item = json->first; item; item = item->next) {
        int32_t path = reading_enter_index(reading, values.count);
        if (is_of_texts && (item->kind != JSON_STRING || is_absent(item)))
            is_good = wrong(reading, row, item);
        values.items[values.count++] = value_of(reading, item);
        reading_leave(reading, path);
    }
    if (is_good)
        memcpy(out, &values, sizeof values);
    return is_good;
}

static bool put_none(void *out) {
    const struct spec_values none = {0};
    memcpy(out, &none, sizeof none);
    return true;
}

static bool value_values_parse(struct reading *reading, const struct table_row *row,
                               const struct json *json, void *out) {
    if (is_absent(json))
        return put_none(out);
    if (json->kind != JSON_ARRAY || json->count < 1 || json->count > VALUES_MAX)
        return wrong(reading, row, json);
    return put_items(reading, row, json, false, out);
}

static bool value_texts_parse(struct reading *reading, const struct table_row *row,
                              const struct json *json, void *out) {
    if (is_absent(json))
        return put_none(out);
    if (json->kind == JSON_ARRAY && json->count <= VALUES_MAX)
        return put_items(reading, row, json, true, out);
    if (json->kind != JSON_STRING)
        return wrong(reading, row, json);
    struct spec_values one = {.items = ARENA_NEW(reading->arena, 1, struct spec_value), .count = 1};
    one.items[0] = value_of(reading, json);
    memcpy(out, &one, sizeof one);
    return true;
}

static void values_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    struct spec_values values;
    memcpy(&values, value, sizeof values);
    if (values.count == 0) {
        text_add(out, "\"\"");
        return;
    }
    text_add(out, "[");
    for (int32_t i = 0; i < values.count; i++) {
        text_add(out, i ? ", " : "");
        add_value(&values.items[i], out);
    }
    text_add(out, "]");
}

static void value_values_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_addf(out, "\"type\": \"array\", \"minItems\": 1, \"maxItems\": %d", VALUES_MAX);
}

static void value_texts_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_addf(out,
              "\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"maxItems\": %d, "
              "\"items\": {\"type\": \"string\", \"minLength\": 1}}]",
              VALUES_MAX);
}

static void value_values_expected(const struct table_row *row, struct text *out) {
    (void)row;
    text_addf(out, "a list of 1 to %d values in [ ]", VALUES_MAX);
}

static void value_texts_expected(const struct table_row *row, struct text *out) {
    (void)row;
    text_add(out, "text in double quotes, or a list of such in [ ]");
}

/* ---- SEEDS */

static bool value_seeds_parse(struct reading *reading, const struct table_row *row,
                              const struct json *json, void *out) {
    struct spec_seeds seeds = {0};
    if (!is_absent(json)) {
        if (json->kind != JSON_ARRAY || json->count < 1 || json->count > VALUES_MAX)
            return wrong(reading, row, json);
        seeds.items = ARENA_NEW(reading->arena, (size_t)json->count, uint64_t);
    }
    bool is_good = true;
    for (const struct json *item = json->first; item; item = item->next) {
        int32_t path = reading_enter_index(reading, seeds.count);
        bool may_be = item->kind == JSON_NUMBER || item->kind == JSON_STRING;
        if (!may_be || !value_seed_of(item->text, &seeds.items[seeds.count++])) {
            reading_error(reading, item,
                          "%s is not a seed; expected a whole number from 0 to "
                          "18446744073709551615, as a number or in quotes",
                          reading_found(item).text);
            is_good = false;
        }
        reading_leave(reading, path);
    }
    if (is_good)
        memcpy(out, &seeds, sizeof seeds);
    return is_good;
}

static void value_seeds_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    struct spec_seeds seeds;
    memcpy(&seeds, value, sizeof seeds);
    text_add(out, seeds.count > 0 ? "[" : "\"\"");
    for (int32_t i = 0; i < seeds.count; i++) {
        text_add(out, i ? ", " : "");
        value_write_seed(seeds.items[i], out);
    }
    text_add(out, seeds.count > 0 ? "]" : "");
}

static void value_seeds_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_addf(out,
              "\"type\": \"array\", \"minItems\": 1, \"maxItems\": %d, \"items\": {\"anyOf\": "
              "[{\"type\": \"integer\", \"minimum\": 0}, {\"type\": \"string\", \"pattern\": "
              "\"^[0-9]{1,20}$\"}]}",
              VALUES_MAX);
}

static void value_seeds_expected(const struct table_row *row, struct text *out) {
    (void)row;
    text_addf(out, "a list of 1 to %d seeds in [ ]", VALUES_MAX);
}

const struct value_ops value_value_ops = {value_value_parse, value_value_write, value_value_schema,
                                          value_value_expected};
const struct value_ops value_values_ops = {value_values_parse, values_write, value_values_schema,
                                           value_values_expected};
const struct value_ops value_texts_ops = {value_texts_parse, values_write, value_texts_schema,
                                          value_texts_expected};
const struct value_ops value_seeds_ops = {value_seeds_parse, value_seeds_write, value_seeds_schema,
                                          value_seeds_expected};
