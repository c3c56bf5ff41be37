/* The table of operations by FIELD type, and the types that are neither quantity, distribution nor
 * pace: words, names, text, seeds. */
#include "models/spec/value.h"

#include "sim/base/check.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, NAMES_MAX = 16 };

struct text value_expected_new(const struct table_row *row) {
    struct text expected;
    text_init(&expected);
    value_expected(row, &expected);
    return expected;
}

static bool not_expected(struct reading *reading, const struct table_row *row,
                         const struct json *json, const char *what) {
    struct text expected = value_expected_new(row);
    reading_error(reading, json, "%s is not %s; expected %s", reading_found(json).text, what,
                  text_bytes(&expected));
    text_fini(&expected);
    return false;
}

/* ---- SEED: all of 64 bits, which no double holds */

/* Digits alone; strtoull would take blanks and a sign. */
bool value_seed_of(const char *text, uint64_t *seed) {
    if (!isdigit((unsigned char)text[0]) || text[strspn(text, "0123456789")] != '\0')
        return false;
    errno = 0;
    *seed = strtoull(text, NULL, 10);
    return errno == 0;
}

static bool seed_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, void *out) {
    uint64_t seed;
    bool may_be = json->kind == JSON_NUMBER || json->kind == JSON_STRING;
    if (!may_be || !value_seed_of(json->text, &seed))
        return not_expected(reading, row, json, "a seed");
    memcpy(out, &seed, sizeof seed);
    return true;
}

void value_write_seed(uint64_t seed, struct text *out) {
    bool is_exact_in_double = seed <= (UINT64_C(1) << 53); /* for whoever else reads the file */
    text_addf(out, is_exact_in_double ? "%" PRIu64 : "\"%" PRIu64 "\"", seed);
}

static void seed_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    uint64_t seed;
    memcpy(&seed, value, sizeof seed);
    value_write_seed(seed, out);
}

static void seed_schema(const struct table_row *row, struct text *out) {
    text_addf(out,
              "\"anyOf\": [{\"type\": \"integer\", \"minimum\": %s, \"maximum\": %s}, "
              "{\"type\": \"string\", \"pattern\": \"^[0-9]{1,20}$\"}]",
              row->lowest, row->highest);
}

static void seed_expected(const struct table_row *row, struct text *out) {
    text_addf(out, "a whole number from %s to %s, as a number or in quotes", row->lowest,
              row->highest);
}

/* ---- NAME and TEXT */

bool value_is_name(const char *text) {
    size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return length > 0 && length <= NAME_BYTES_MAX && text[length] == '\0';
}

/* For a name anywhere: a field's, a list's item, an entry of a map. */
static const char name_rule[] = "1 to 64 letters, digits, \"_\", \"-\" or \".\"";

static bool name_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, void *out) {
    (void)row;
    if (json->kind != JSON_STRING || !value_is_name(json->text)) {
        reading_error(reading, json, "%s is not a name; expected %s", reading_found(json).text,
                      name_rule);
        return false;
    }
    const char *name = arena_new_text(reading->arena, json->text);
    memcpy(out, &name, sizeof name);
    return true;
}

static void name_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_add(out, "\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_.-]{1,64}$\"");
}

static void name_expected(const struct table_row *row, struct text *out) {
    (void)row;
    text_addf(out, "a name of %s", name_rule);
}

static bool text_parse(struct reading *reading, const struct table_row *row,
                       const struct json *json, void *out) {
    if (json->kind != JSON_STRING)
        return not_expected(reading, row, json, "text");
    const char *text = arena_new_text(reading->arena, json->text);
    memcpy(out, &text, sizeof text);
    return true;
}

static void text_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    const char *text;
    memcpy(&text, value, sizeof text);
    text_add_json_string(out, text ? text : "");
}

static void text_schema(const struct table_row *row, struct text *out) {
    (void)row;
    text_add(out, "\"type\": \"string\"");
}

static void text_expected(const struct table_row *row, struct text *out) {
    (void)row;
    text_add(out, "text in double quotes");
}

/* ---- NAMES */

static bool is_listed(const struct spec_names *names, const char *name) {
    for (int32_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static bool name_item(struct reading *reading, const struct json *item, struct spec_names *names) {
    if (item->kind != JSON_STRING || !value_is_name(item->text)) {
        reading_error(reading, item, "%s is not a name; expected %s", reading_found(item).text,
                      name_rule);
        return false;
    }
    if (is_listed(names, item->text)) {
        reading_error(reading, item, "%s is listed twice", reading_found(item).text);
        return false;
    }
    names->items[names->count++] = arena_new_text(reading->arena, item->text);
    return true;
}

static bool names_parse(struct reading *reading, const struct table_row *row,
                        const struct json *json, void *out) {
    if (json->kind != JSON_ARRAY)
        return not_expected(reading, row, json, "a list");
    int32_t lowest = atoi(row->lowest), highest = atoi(row->highest);
    CHECK(highest <= NAMES_MAX);
    if (json->count < lowest || json->count > highest) {
        reading_error(reading, json, "a list of %d is out of range; expected %d to %d names",
                      json->count, lowest, highest);
        return false;
    }
    struct spec_names names = {.items =
                                   ARENA_NEW(reading->arena, (size_t)json->count, const char *)};
    bool is_good = true;
    int32_t index = 0;
    for (const struct json *item = json->first; item; item = item->next) {
        int32_t path = reading_enter_index(reading, index++);
        is_good &= name_item(reading, item, &names);
        reading_leave(reading, path);
    }
    if (is_good)
        memcpy(out, &names, sizeof names);
    return is_good;
}

static void names_write(const struct table_row *row, const void *value, struct text *out) {
    (void)row;
    struct spec_names names;
    memcpy(&names, value, sizeof names);
    text_add(out, "[");
    for (int32_t i = 0; i < names.count; i++) {
        text_add(out, i ? ", " : "");
        text_add_json_string(out, names.items[i]);
    }
    text_add(out, "]");
}

static void names_schema(const struct table_row *row, struct text *out) {
    text_addf(out,
              "\"type\": \"array\", \"minItems\": %s, \"maxItems\": %s, \"uniqueItems\": true, "
              "\"items\": {\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_.-]{1,64}$\"}",
              row->lowest, row->highest);
}

static void names_expected(const struct table_row *row, struct text *out) {
    text_addf(out, "a list of %s to %s names in [ ]", row->lowest, row->highest);
}

/* ---- a word of a CHOICE */

static bool choice_parse(struct reading *reading, const struct table_row *row,
                         const struct json *json, void *out) {
    const struct table_choices *choices = row->choices;
    const char *words[16];
    CHECK(choices->count <= (int32_t)COUNT_OF(words));
    for (int32_t i = 0; i < choices->count; i++) {
        words[i] = choices->items[i].word;
        if (json->kind == JSON_STRING && strcmp(json->text, words[i]) == 0) {
            memcpy(out, &i, sizeof i); /* an enum of ints: asserted below */
            return true;
        }
    }
    const char *wrong = json->kind == JSON_STRING ? json->text : "";
    reading_error(reading, json, "%s is not possible here%s", reading_found(json).text,
                  reading_hint(wrong, words, choices->count, "expected ").text);
    return false;
}

_Static_assert(sizeof(enum spec_policy) == sizeof(int32_t), "choices are stored as int32_t");

static void choice_write(const struct table_row *row, const void *value, struct text *out) {
    int32_t index;
    memcpy(&index, value, sizeof index);
    text_addf(out, "\"%s\"", row->choices->items[index].word);
}

static void choice_schema(const struct table_row *row, struct text *out) {
    text_add(out, "\"enum\": [");
    for (int32_t i = 0; i < row->choices->count; i++)
        text_addf(out, "%s\"%s\"", i ? ", " : "", row->choices->items[i].word);
    text_add(out, "]");
}

static void choice_expected(const struct table_row *row, struct text *out) {
    for (int32_t i = 0; i < row->choices->count; i++)
        text_addf(out, "%s\"%s\"", i == 0 ? "" : (i == row->choices->count - 1 ? " or " : ", "),
                  row->choices->items[i].word);
}

static const struct value_ops seed_ops = {seed_parse, seed_write, seed_schema, seed_expected};
static const struct value_ops name_ops = {name_parse, text_write, name_schema, name_expected};
static const struct value_ops text_ops = {text_parse, text_write, text_schema, text_expected};
static const struct value_ops names_ops = {names_parse, names_write, names_schema, names_expected};
static const struct value_ops choice_ops = {choice_parse, choice_write, choice_schema,
                                            choice_expected};

static const struct value_ops *const ops_by_type[TABLE_TYPES_COUNT] = {
    [TABLE_COUNT] = &value_quantity_ops,
    [TABLE_COUNT_OR_AUTO] = &value_quantity_ops,
    [TABLE_COUNT_OR_UNLIMITED] = &value_quantity_ops,
    [TABLE_BYTES] = &value_quantity_ops,
    [TABLE_BYTES_OR_UNLIMITED] = &value_quantity_ops,
    [TABLE_TIME] = &value_quantity_ops,
    [TABLE_TIME_OR_AUTO] = &value_quantity_ops,
    [TABLE_TIME_OR_NEVER] = &value_quantity_ops,
    [TABLE_BITRATE_OR_UNLIMITED] = &value_quantity_ops,
    [TABLE_SHARE] = &value_quantity_ops,
    [TABLE_PRICE] = &value_quantity_ops,
    [TABLE_SEED] = &seed_ops,
    [TABLE_NAME] = &name_ops,
    [TABLE_TEXT] = &text_ops,
    [TABLE_NAMES] = &names_ops,
    [TABLE_SIZES] = &value_dist_ops,
    [TABLE_LENGTHS] = &value_dist_ops,
    [TABLE_DELAYS] = &value_dist_ops,
    [TABLE_PACE] = &value_pace_ops,
    [TABLE_VALUE] = &value_value_ops,
    [TABLE_VALUES] = &value_values_ops,
    [TABLE_TEXTS] = &value_texts_ops,
    [TABLE_SEEDS] = &value_seeds_ops,
};

static const struct value_ops *ops_of(const struct table_row *row) {
    return row->kind == TABLE_CHOICE ? &choice_ops : ops_by_type[row->type];
}

bool value_parse(struct reading *reading, const struct table_row *row, const struct json *json,
                 void *out) {
    return ops_of(row)->parse(reading, row, json, out);
}

void value_write(const struct table_row *row, const void *value, struct text *out) {
    ops_of(row)->write(row, value, out);
}

void value_schema(const struct table_row *row, struct text *out) {
    ops_of(row)->schema(row, out);
}

void value_expected(const struct table_row *row, struct text *out) {
    ops_of(row)->expected(row, out);
}

bool value_is_text(const struct table_row *row) {
    return row->kind == TABLE_FIELD && (row->type == TABLE_NAME || row->type == TABLE_TEXT);
}

void value_set_default(const struct table_row *row, struct arena *arena, void *out) {
    if (!row->standard)
        return;
    struct json_source nowhere = {.file = row->name};
    bool is_number = !value_is_text(row) && json_is_number(row->standard);
    const struct json *json =
        json_new(arena, is_number ? JSON_NUMBER : JSON_STRING, row->standard, &nowhere);
    struct diag diag;
    diag_init(&diag);
    struct reading reading;
    reading_init(&reading, arena, &diag);
    CHECK(value_parse(&reading, row, json, out));
    diag_fini(&diag);
}
