/* A table of words, as aligned text or as Markdown. Internal to validation/compare. */
#ifndef HEADROOM_VALIDATION_COMPARE_TABLE_H
#define HEADROOM_VALIDATION_COMPARE_TABLE_H

#include "sim/base/arena.h"
#include "sim/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { TABLE_COLUMNS_MAX = 12 };

struct table {
    struct arena arena;
    const char *const *titles; /* borrowed */
    int32_t columns_count;
    const char **cells; /* [rows_count * columns_count] */
    int32_t rows_count, rows_max;
};

void table_init(struct table *table, const char *const *titles, int32_t columns_count,
                int32_t rows_max);
void table_fini(struct table *table);
void table_add(struct table *table, const char *const *cells); /* borrowed; CHECKs rows_max */
/* Formatted into the table's own memory. */
const char *table_text(struct table *table, const char *format, ...) PRINTF_LIKE(2, 3);
/* A figure as people read it: whole above 1000, else three digits; "-" for NAN. */
const char *table_number(struct table *table, double value);
/* A share with its sign, "+12.3 %"; "" for NAN. */
const char *table_percent(struct table *table, double share);
/* "value [low, high]", or without the interval where there is none; without a value `text`, or
 * "none". */
const char *table_interval(struct table *table, double value, double low, double high,
                           const char *text);
void table_write(const struct table *table, bool is_markdown, struct text *out);

#endif
