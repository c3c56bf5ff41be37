/* What a store has to say about one scenario, in the order in which somebody would ask.
 *
 * A report is a list of parts. Each has a sentence that says what is to be seen, a table of
 * numbers, the command that makes them again and, where a picture helps, a Vega-Lite specification
 * without data: the data is the table beside it, so that a picture cannot show what the table does
 * not say. A part that the store has nothing for stays in its place and says which command fills
 * it; nothing is made up.
 *
 * No HTML here and no file: whoever writes one (cli/page.h) escapes everything, since names and
 * texts are a user's. Not a template with places for numbers either: which parts there are, and how
 * many axes a sweep has, is only known from the store. */
#ifndef HEADROOM_STUDY_REPORT_H
#define HEADROOM_STUDY_REPORT_H

#include "sim/base/arena.h"
#include "sim/base/attributes.h"
#include "sim/base/text.h"
#include "sim/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPORT_COLUMNS_MAX = 12, REPORT_PARTS_MAX = 24 };

struct report_column {
    const char *field; /* what the chart calls it */
    const char *title; /* what a reader calls it */
    const char *unit;  /* "" for none */
    bool is_number;
    bool is_hidden; /* only the chart needs it: in its data, not in the table */
};

/* NAN: not known. `text` is of columns of words, and of a number that is better said in words
 * ("unlimited"). */
struct report_value {
    double number;
    const char *text; /* NULL: the number */
};

struct report_table {
    struct arena *arena; /* borrowed */
    struct report_column columns[REPORT_COLUMNS_MAX];
    int32_t columns_count;
    struct report_value *values; /* [rows_count * columns_count] */
    int32_t rows_count, rows_max;
};

struct report_part {
    const char *id; /* letters and '-': a link's target */
    const char *title;
    const char *says;    /* one or two sentences, made of the numbers */
    const char *note;    /* what it does not show; "" for nothing */
    const char *chart;   /* Vega-Lite as JSON without "data"; NULL: a table only */
    const char *command; /* lines for a shell; "" for none */
    const char *missing; /* why there is nothing, and what fills it; NULL: there is something */
    struct report_table table;
};

enum report_answer { REPORT_GOOD, REPORT_BAD, REPORT_UNSURE, REPORT_UNASKED };

struct report {
    struct arena *arena; /* borrowed: everything lives there */
    const char *scenario, *about;
    uint64_t scenario_hash;
    enum report_answer answer;
    const char *verdict;  /* a few words */
    const char *sentence; /* why, with the numbers */
    const char *facts;    /* what it was made from */
    struct report_part parts[REPORT_PARTS_MAX];
    int32_t parts_count;
};

/* The scenario that a report is about: `name`, or (NULL) the one of the newest run that answers
 * something. STORE_MISSING: no run of such a scenario has ended. */
enum store_found report_begin(struct report *report, struct store *store, const char *name,
                              struct arena *arena) MUST_USE;
/* The parts that the store alone has, and (last on the page) what the answers rest on. False: the
 * store failed. */
bool report_compose(struct report *report, struct store *store) MUST_USE;
bool report_compose_inputs(struct report *report, struct store *store) MUST_USE;

/* An empty part at the end (its table has the report's arena), to be filled. */
struct report_part *report_add(struct report *report, const char *id, const char *title);

struct report_table report_table_of(struct arena *arena);
void report_add_column(struct report_table *table, const char *field, const char *title,
                       const char *unit, bool is_number);
/* A column that only the chart needs. */
void report_add_hidden(struct report_table *table, const char *field, bool is_number);
/* One value per column, in their order; words are copied. */
void report_add_row(struct report_table *table, const struct report_value *values);
#define REPORT_ADD_ROW(table, ...)                                                                 \
    report_add_row((table), (const struct report_value[]){__VA_ARGS__})
struct report_value report_number(double number);
struct report_value report_words(const char *text);

/* One word of a shell, quoted where it must be. */
const char *report_shell_word(struct arena *arena, const char *word);

/* The chart with its data, as JSON that Vega-Lite draws; `part->chart` is not NULL. */
void report_write_chart(const struct report_part *part, struct text *out);
/* The table's rows as JSON objects by field; infinities and NAN are null. */
void report_write_rows(const struct report_table *table, struct text *out);

#endif
