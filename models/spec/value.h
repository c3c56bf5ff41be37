/* One field's value: read from JSON, written back, described. One row of operations per FIELD type
 * (value.c).
 *
 * Whatever is read is checked against its row's range; a mistake is a complaint at the value's
 * place, with what was found and what is expected. What is written parses back to the same bits. */
#ifndef HEADROOM_MODELS_SPEC_VALUE_H
#define HEADROOM_MODELS_SPEC_VALUE_H

#include "models/spec/json.h"
#include "models/spec/reading.h"
#include "models/spec/table.h"

#include "sim/base/units.h"

#include <stdbool.h>

/* `out` is the member of the row's struct; left alone after a mistake. Rows of kind FIELD and
 * CHOICE only. */
bool value_parse(struct reading *reading, const struct table_row *row, const struct json *json,
                 void *out);
/* The row's default through the same parser; a required one leaves zeros. A default that does not
 * parse is our bug. */
void value_set_default(const struct table_row *row, struct arena *arena, void *out);
void value_write(const struct table_row *row, const void *value, struct text *out);
/* A JSON Schema for the value, without braces: "type": "integer", "minimum": 1. */
void value_schema(const struct table_row *row, struct text *out);
/* What a file may hold there, for people: a whole number, 1 to 64. */
void value_expected(const struct table_row *row, struct text *out);
/* Whether a bare word on a command line is taken as text for it. */
bool value_is_text(const struct table_row *row);

struct value_ops {
    bool (*parse)(struct reading *reading, const struct table_row *row, const struct json *json,
                  void *out);
    void (*write)(const struct table_row *row, const void *value, struct text *out);
    void (*schema)(const struct table_row *row, struct text *out);
    void (*expected)(const struct table_row *row, struct text *out);
};
extern const struct value_ops
    value_quantity_ops; /* value_quantity.c: numbers with and without a unit */
extern const struct value_ops value_dist_ops; /* value_dist.c: SIZES, LENGTHS, DELAYS */
extern const struct value_ops value_pace_ops; /* value_pace.c */
extern const struct value_ops value_value_ops, value_values_ops, value_texts_ops,
    value_seeds_ops; /* value_list.c */

/* Digits alone, below 2^64. */
bool value_seed_of(const char *text, uint64_t *seed);
/* As a number while other readers' doubles hold it, else in quotes. */
void value_write_seed(uint64_t seed, struct text *out);

/* For the makers of ops. "; expected a whole number, 1 to 64" is value_expected behind "; expected
 * ". */
struct text value_expected_new(const struct table_row *row);
/* A double so that it parses back to the same bits, in the fewest digits. */
void value_write_double(double value, struct text *out);
/* A quantity in its shortest form that parses back to the same bits. */
void value_write_quantity(enum units_kind kind, double value, struct text *out);
/* The regular expression (JSON Schema's dialect) of a number with one of the kind's units. */
void value_unit_pattern(enum units_kind kind, struct text *out);
bool value_is_name(const char *text); /* as NAME: letters, digits, '_', '-', '.', 1 to 64 bytes */

#endif
