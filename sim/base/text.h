/* A growing string, and the nearest right name for a wrong one. */
#ifndef HEADROOM_SIM_BASE_TEXT_H
#define HEADROOM_SIM_BASE_TEXT_H

#include "sim/base/attributes.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;   /* always ends in NUL once anything was added; NULL before */
    size_t length; /* without the NUL */
    size_t capacity;
};

void text_init(struct text *text);
void text_fini(struct text *text);
void text_clear(struct text *text); /* keeps the memory */
void text_add(struct text *text, const char *bytes);
void text_add_n(struct text *text, const char *bytes, size_t length);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_addv(struct text *text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
/* A JSON string literal with its quotes; invalid UTF-8 becomes U+FFFD. */
void text_add_json_string(struct text *text, const char *bytes);
/* As text of HTML or XML, in an element or an attribute. */
void text_add_escaped(struct text *text, const char *bytes);
const char *text_bytes(const struct text *text); /* "" when empty */

/* As people read it: "1,234,567" / "12.3" / "0.00123": three significant digits below a thousand,
 * whole numbers above; "-" for NAN, "unlimited" for infinity. Cut where `size` ends. */
void text_say_number(double value, char *out, size_t size);

/* Damerau-Levenshtein (restricted) distance, letters compared without case; at most 64 bytes of
 * each are looked at. */
int32_t text_distance(const char *a, const char *b);

/* The name nearest to `wrong`, or NULL where none is near enough to be worth suggesting (distance
 * above a third of the longer one's length, rounded up). Ties go to the earlier name. */
const char *text_nearest(const char *wrong, const char *const *names, size_t names_count);

#endif
