/* The rows (rows/ *.def) as data: what the parser, the writer, the schema, the reference page and
 * `--set` walk over.
 *
 * The same rows that spec.h expands into struct members are expanded here into tables with the
 * members' offsets, so a field cannot be in one and not in the other. */
#ifndef HEADROOM_MODELS_SPEC_TABLE_H
#define HEADROOM_MODELS_SPEC_TABLE_H

#include "models/spec/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_type {
    TABLE_COUNT,
    TABLE_COUNT_OR_AUTO,
    TABLE_COUNT_OR_UNLIMITED,
    TABLE_BYTES,
    TABLE_BYTES_OR_UNLIMITED,
    TABLE_TIME,
    TABLE_TIME_OR_AUTO,
    TABLE_TIME_OR_NEVER,
    TABLE_BITRATE_OR_UNLIMITED,
    TABLE_SHARE,
    TABLE_PRICE,
    TABLE_SEED,
    TABLE_NAME,
    TABLE_TEXT,
    TABLE_NAMES,
    TABLE_SIZES,
    TABLE_LENGTHS,
    TABLE_DELAYS,
    TABLE_PACE,
    TABLE_VALUE,
    TABLE_VALUES,
    TABLE_TEXTS,
    TABLE_SEEDS,
    TABLE_TYPES_COUNT
};

enum table_row_kind { TABLE_FIELD, TABLE_CHOICE, TABLE_OBJECT, TABLE_OPTIONAL, TABLE_MAP };

struct table_choice {
    const char *word, *doc;
};

struct table_choices {
    const char *tag;
    const struct table_choice *items; /* [count], in the enum's order */
    int32_t count;
};

struct table_row {
    enum table_row_kind kind;
    enum table_type type;    /* of a FIELD */
    const char *name;        /* of the member; its key is table_key() */
    size_t offset;           /* of the member */
    size_t companion_offset; /* has_<name> of an OPTIONAL, <name>_count of a MAP */
    const char *unit;
    const char *standard;         /* as written in a file; NULL: required */
    const char *lowest, *highest; /* "" for none */
    enum spec_used_by used_by;
    const char *doc;
    const struct table *table;           /* what is nested */
    const struct table_choices *choices; /* of a CHOICE */
    int32_t entries_max;                 /* of a MAP */
};

struct table {
    const char *tag;
    const char *title;            /* for a reader: "a population" */
    const struct table_row *rows; /* [count] */
    int32_t count;
    size_t bytes; /* of the struct */
};

extern const struct table table_scenario;

/* All tables, each before those that nest it; for what describes them one after the other. */
extern const struct table *const table_all[];
extern const int32_t table_all_count;

/* The study file's, likewise. */
extern const struct table table_study;
extern const struct table *const table_study_all[];
extern const int32_t table_study_all_count;

const char *table_key(const struct table_row *row);
/* NULL: no field of that name; letters count with their case. */
const struct table_row *table_find(const struct table *table, const char *key);
const struct table_choices *table_choices_of(const char *tag); /* NULL: none */

/* Members of the struct at `base`. */
void *table_member(const struct table_row *row, void *base);
const void *table_member_const(const struct table_row *row, const void *base);
bool *table_has(const struct table_row *row, void *base);
int32_t *table_entries_count(const struct table_row *row, void *base);
bool table_has_const(const struct table_row *row, const void *base);
int32_t table_entries_count_const(const struct table_row *row, const void *base);
/* The entries of a MAP: an array with stride row->table->bytes, each beginning with its name. */
char *table_entries(const struct table_row *row, const void *base);
void table_set_entries(const struct table_row *row, void *base, void *entries);
const char *table_entry_name(const void *entry);

#endif
