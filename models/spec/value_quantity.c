/* Numbers with and without a unit: COUNT, BYTES, TIME, BITRATE, SHARE and PRICE with their words
 * ("auto", "unlimited", "never").
 *
 * One description per type says all that differs. Ranges are compared as doubles, which hold every
 * bound of the rows exactly (they are below 2^53); the rows are held to that by a test. */
#include "models/spec/value.h"

#include "models/spec/json_text.h"
#include "models/spec/unit_guess.h"
#include "sim/base/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct quantity {
    enum units_kind units;
    const char *what, *example;
    const char *word; /* stands for `word_value`; NULL: none */
    int64_t word_value;
    bool is_double; /* stored as double, the word as INFINITY */
    bool is_whole;
};

static const struct quantity quantities[TABLE_TYPES_COUNT] = {
    [TABLE_COUNT] = {UNITS_NONE, "a whole number", "", NULL, 0, false, true},
    [TABLE_COUNT_OR_AUTO] = {UNITS_NONE, "a whole number", "", "auto", SPEC_AUTO, false, true},
    [TABLE_COUNT_OR_UNLIMITED] = {UNITS_NONE, "a whole number", "", "unlimited", SPEC_UNLIMITED,
                                  false, true},
    [TABLE_BYTES] = {UNITS_BYTES, "an amount of bytes", "64KiB", NULL, 0, false, true},
    [TABLE_BYTES_OR_UNLIMITED] = {UNITS_BYTES, "an amount of bytes", "64KiB", "unlimited",
                                  SPEC_UNLIMITED, false, true},
    [TABLE_TIME] = {UNITS_TIME, "a time", "10ms", NULL, 0, false, false},
    [TABLE_TIME_OR_AUTO] = {UNITS_TIME, "a time", "10ms", "auto", SPEC_AUTO, false, false},
    [TABLE_TIME_OR_NEVER] = {UNITS_TIME, "a time", "10ms", "never", BASE_NS_MAX, false, false},
    [TABLE_BITRATE_OR_UNLIMITED] = {UNITS_BITRATE, "a bit rate", "1Mbit/s", "unlimited", 0, true,
                                    false},
    [TABLE_SHARE] = {UNITS_NONE, "a share", "", NULL, 0, true, false},
    [TABLE_PRICE] = {UNITS_NONE, "a price", "", NULL, 0, true, false},
};

static const struct quantity *quantity_of(const struct table_row *row) {
    return &quantities[row->type];
}

/* A row's own bound. */
static double bound(const struct table_row *row, const char *text) {
    struct units_result result;
    CHECK(units_parse(quantity_of(row)->units, text, &result) && *result.rest == '\0');
    return result.value;
}

static void expected_range(const struct table_row *row, struct text *out) {
    const struct quantity *quantity = quantity_of(row);
    text_add(out, row->lowest);
    if (strcmp(row->lowest, row->highest) != 0)
        text_addf(out, " to %s", row->highest);
    if (quantity->word)
        text_addf(out, ", or \"%s\"", quantity->word);
}

static void quantity_expected(const struct table_row *row, struct text *out) {
    bool is_one = strcmp(row->lowest, row->highest) == 0;
    text_addf(out, "%s%s", quantity_of(row)->what, is_one ? ", " : " from ");
    expected_range(row, out);
}

static struct text range_new(const struct table_row *row) {
    struct text range;
    text_init(&range);
    expected_range(row, &range);
    return range;
}

static bool out_of_range(struct reading *reading, const struct table_row *row,
                         const struct json *json, double value) {
    struct text range = range_new(row);
    bool is_percentage = row->type == TABLE_SHARE && value > 1;
    reading_error(reading, json, "%s is out of range; expected %s%s", reading_found(json).text,
                  text_bytes(&range), is_percentage ? " (a share, not a percentage)" : "");
    text_fini(&range);
    return false;
}

static bool not_of_kind(struct reading *reading, const struct table_row *row,
                        const struct json *json) {
    struct text range = range_new(row);
    reading_error(reading, json, "%s is not %s; expected %s", reading_found(json).text,
                  quantity_of(row)->what, text_bytes(&range));
    text_fini(&range);
    return false;
}

/* such as "10ms", or "never"; the units are ns, us, ... */
static void add_example(const struct quantity *quantity, struct text *out) {
    text_addf(out, "such as \"%s\"", quantity->example);
    if (quantity->word)
        text_addf(out, ", or \"%s\"", quantity->word);
    text_addf(out, "; the units are %s", units_names(quantity->units));
}

static bool no_unit(struct reading *reading, const struct table_row *row, const struct json *json) {
    struct text example;
    text_init(&example);
    add_example(quantity_of(row), &example);
    reading_error(reading, json, "%s has no unit; expected %s %s", reading_found(json).text,
                  quantity_of(row)->what, text_bytes(&example));
    text_fini(&example);
    return false;
}

static bool other_kind(struct reading *reading, const struct table_row *row,
                       const struct json *json, const char *is_what) {
    struct text example;
    text_init(&example);
    add_example(quantity_of(row), &example);
    reading_error(reading, json, "%s is %s, not %s; expected one %s", reading_found(json).text,
                  is_what, quantity_of(row)->what, text_bytes(&example));
    text_fini(&example);
    return false;
}

/* What was probably meant by `text`, which is no quantity: with another unit, or the type's word.
 * "" when there is no telling. */
static void guess_meant(const struct quantity *quantity, const char *text,
                        char meant[READING_FOUND_BYTES]) {
    char names[UNIT_GUESS_BYTES];
    size_t number = json_text_number(text);
    const char *wrong = text + number + strspn(text + number, " ");
    const char *unit = number > 0 && number < 24 ? unit_guess(quantity->units, wrong, names) : NULL;
    meant[0] = '\0';
    if (unit)
        (void)snprintf(meant, READING_FOUND_BYTES, "%.*s%s", (int)number, text, unit);
    else if (quantity->word && text_nearest(text, &quantity->word, 1))
        (void)snprintf(meant, READING_FOUND_BYTES, "%s", quantity->word);
}

/* Text that is no quantity of this kind: say what would be, and what was probably meant. */
static bool not_a_quantity(struct reading *reading, const struct table_row *row,
                           const struct json *json) {
    const struct quantity *quantity = quantity_of(row);
    if (json_is_number(json->text))
        return no_unit(reading, row, json);
    const char *is_what = unit_guess_kind(json->text);
    if (is_what)
        return other_kind(reading, row, json, is_what);
    char meant[READING_FOUND_BYTES];
    guess_meant(quantity, json->text, meant);
    if (meant[0] &&
        strcmp(meant, json->text) == 0) /* all is right but that no number can hold it */
        return out_of_range(reading, row, json, INFINITY);
    struct text example;
    text_init(&example);
    add_example(quantity, &example);
    if (meant[0])
        reading_error(reading, json, "%s is not %s; did you mean \"%s\"? The units are %s",
                      reading_found(json).text, quantity->what, meant,
                      units_names(quantity->units));
    else
        reading_error(reading, json, "%s is not %s; expected one %s", reading_found(json).text,
                      quantity->what, text_bytes(&example));
    text_fini(&example);
    return false;
}

static bool number_in_quotes(struct reading *reading, const struct json *json) {
    reading_error(reading, json, "%s is text, not a number; write %s without the quotes",
                  reading_found(json).text, json->text);
    return false;
}

static bool read_number(struct reading *reading, const struct table_row *row,
                        const struct json *json, double *value) {
    const struct quantity *quantity = quantity_of(row);
    if (quantity->units != UNITS_NONE) {
        if (json->kind == JSON_NUMBER)
            return no_unit(reading, row, json);
        struct units_result result;
        if (json->kind != JSON_STRING)
            return not_of_kind(reading, row, json);
        if (!units_parse(quantity->units, json->text, &result) || *result.rest != '\0')
            return not_a_quantity(reading, row, json);
        *value = result.value;
        return true;
    }
    if (json->kind == JSON_STRING && strlen(json->text) < 20 && json_is_number(json->text))
        return number_in_quotes(reading, json);
    if (json->kind == JSON_STRING && quantity->word &&
        text_nearest(json->text, &quantity->word, 1)) {
        reading_error(reading, json, "%s is not %s; did you mean \"%s\"?", reading_found(json).text,
                      quantity->what, quantity->word);
        return false;
    }
    if (json->kind != JSON_NUMBER)
        return not_of_kind(reading, row, json);
    *value = strtod(json->text, NULL);
    return true;
}

static void store(const struct quantity *quantity, bool is_word, double value, void *out) {
    if (quantity->is_double) {
        double stored = is_word ? INFINITY : value;
        memcpy(out, &stored, sizeof stored);
    } else {
        int64_t stored = is_word ? quantity->word_value : (int64_t)llround(value);
        memcpy(out, &stored, sizeof stored);
    }
}

static bool quantity_parse(struct reading *reading, const struct table_row *row,
                           const struct json *json, void *out) {
    const struct quantity *quantity = quantity_of(row);
    if (json->kind == JSON_STRING && quantity->word && strcmp(json->text, quantity->word) == 0) {
        store(quantity, true, 0, out);
        return true;
    }
    double value = 0;
    if (!read_number(reading, row, json, &value))
        return false;
    bool is_inside = value >= bound(row, row->lowest) && value <= bound(row, row->highest);
    if (quantity->is_whole && isfinite(value) && value != floor(value)) {
        if (quantity->units == UNITS_NONE)
            return not_of_kind(reading, row, json);
        reading_error(reading, json, "%s is not a whole number of bytes", reading_found(json).text);
        return false;
    }
    if (!is_inside)
        return out_of_range(reading, row, json, value);
    store(quantity, false, value, out);
    return true;
}

static bool is_word_value(const struct quantity *quantity, const void *value) {
    if (quantity->is_double) {
        double stored;
        memcpy(&stored, value, sizeof stored);
        return quantity->word && isinf(stored);
    }
    int64_t stored;
    memcpy(&stored, value, sizeof stored);
    return quantity->word && stored == quantity->word_value;
}

static double number_of(const struct quantity *quantity, const void *value) {
    double real;
    int64_t whole;
    memcpy(&real, value, sizeof real);
    memcpy(&whole, value, sizeof whole);
    return quantity->is_double ? real : (double)whole;
}

static void quantity_write(const struct table_row *row, const void *value, struct text *out) {
    const struct quantity *quantity = quantity_of(row);
    if (is_word_value(quantity, value)) {
        text_addf(out, "\"%s\"", quantity->word);
    } else if (quantity->units == UNITS_NONE) {
        value_write_double(number_of(quantity, value), out);
    } else {
        text_add(out, "\"");
        value_write_quantity(quantity->units, number_of(quantity, value), out);
        text_add(out, "\"");
    }
}

static void unit_schema(const struct quantity *quantity, struct text *out) {
    struct text pattern;
    text_init(&pattern);
    text_add(&pattern, "^(");
    if (quantity->word)
        text_addf(&pattern, "%s|", quantity->word);
    value_unit_pattern(quantity->units, &pattern);
    text_add(&pattern, ")$");
    text_add(out, "\"type\": \"string\", \"pattern\": ");
    text_add_json_string(out, text_bytes(&pattern));
    text_fini(&pattern);
}

static void quantity_schema(const struct table_row *row, struct text *out) {
    const struct quantity *quantity = quantity_of(row);
    if (quantity->units != UNITS_NONE) {
        unit_schema(quantity, out);
        return;
    }
    if (quantity->word)
        text_add(out, "\"anyOf\": [{");
    text_addf(out, "\"type\": \"%s\", \"minimum\": %s, \"maximum\": %s",
              quantity->is_whole ? "integer" : "number", row->lowest, row->highest);
    if (quantity->word)
        text_addf(out, "}, {\"const\": \"%s\"}]", quantity->word);
}

const struct value_ops value_quantity_ops = {quantity_parse, quantity_write, quantity_schema,
                                             quantity_expected};

void value_write_double(double value, struct text *out) {
    char bytes[32];
    if (value == floor(value) && fabs(value) < 9007199254740992.0) {
        text_addf(out, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(bytes, sizeof bytes, "%.*g", digits, value);
        if (strtod(bytes, NULL) == value)
            break;
    }
    text_add(out, bytes);
}

void value_write_quantity(enum units_kind kind, double value, struct text *out) {
    static const char *const base[] = {[UNITS_NONE] = "",
                                       [UNITS_TIME] = "ns",
                                       [UNITS_BYTES] = "B",
                                       [UNITS_BITRATE] = "bit/s",
                                       [UNITS_RATE] = "/s"};
    struct text shortest;
    text_init(&shortest);
    units_format(&shortest, kind, value);
    struct units_result back;
    bool is_exact = units_parse(kind, text_bytes(&shortest), &back) && back.value == value;
    if (is_exact) {
        text_add(out, text_bytes(&shortest));
    } else {
        value_write_double(value, out);
        text_add(out, base[kind]);
    }
    text_fini(&shortest);
}

void value_unit_pattern(enum units_kind kind, struct text *out) {
    text_add(out, "(([0-9]*\\.)?[0-9]+([eE][-+]?[0-9]+)?(");
    for (const char *names = units_names(kind); *names;) {
        size_t length = strcspn(names, ",");
        text_add_n(out, names, length);
        names += length + strspn(names + length, ", ");
        text_add(out, *names ? "|" : "))");
    }
    text_add(out, kind == UNITS_TIME ? "+" : "");
}
