/* A growing string, and the nearest right name for a wrong one.
 *
 * The string doubles and is always terminated, so it can be handed to any C interface at any
 * moment. */
#include "sim/base/text.h"

#include "sim/base/check.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64, DISTANCE_LENGTH_MAX = 64 };

void text_init(struct text *text) {
    *text = (struct text){0};
}

void text_fini(struct text *text) {
    free(text->bytes);
    text_init(text);
}

void text_clear(struct text *text) {
    text->length = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

/* Room for `more` bytes and the NUL. */
static void reserve(struct text *text, size_t more) {
    CHECK(more < SIZE_MAX / 4 && text->length < SIZE_MAX / 4);
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity * 2 : FIRST_CAPACITY;
    if (capacity < needed)
        capacity = needed;
    text->bytes = realloc(text->bytes, capacity);
    CHECK(text->bytes);
    text->capacity = capacity;
}

void text_add_n(struct text *text, const char *bytes, size_t length) {
    reserve(text, length);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *bytes) {
    text_add_n(text, bytes, strlen(bytes));
}

void text_addv(struct text *text, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    CHECK(length >= 0);
    reserve(text, (size_t)length);
    (void)vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
    text->length += (size_t)length;
}

void text_addf(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    text_addv(text, format, arguments);
    va_end(arguments);
}

void text_add_escaped(struct text *text, const char *bytes) {
    static const char special[] = "&<>\"'";
    static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    while (*bytes) {
        size_t plain = strcspn(bytes, special);
        text_add_n(text, bytes, plain);
        bytes += plain;
        if (*bytes)
            text_add(text, escapes[strchr(special, *bytes++) - special]);
    }
}

const char *text_bytes(const struct text *text) {
    return text->bytes ? text->bytes : "";
}

static void group_digits(double value, char *out, size_t size) {
    char digits[320]; /* DBL_MAX has 309 */
    snprintf(digits, sizeof digits, "%.0f", fabs(value));
    size_t length = strlen(digits), written = 0;
    if (value < 0)
        out[written++] = '-';
    for (size_t i = 0; i < length && written + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[written++] = ',';
        out[written++] = digits[i];
    }
    out[written] = '\0';
}

void text_say_number(double value, char *out, size_t size) {
    CHECK(size >= 4);
    if (isnan(value))
        snprintf(out, size, "-");
    else if (isinf(value))
        snprintf(out, size, value > 0 ? "unlimited" : "-unlimited");
    else if (fabs(value) >= 1000 || value == floor(value))
        group_digits(value, out, size);
    else
        snprintf(out, size, "%.3g", value);
}

/* Length of the UTF-8 sequence that a lead byte announces, and the range of its second byte
 * (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). Length 0: not
 * a lead byte. */
struct utf8_lead {
    int32_t length;
    unsigned char second_low, second_high;
};

static struct utf8_lead utf8_lead_of(unsigned char lead) {
    if (lead < 0x80)
        return (struct utf8_lead){1, 0, 0};
    if (lead >= 0xc2 && lead <= 0xdf)
        return (struct utf8_lead){2, 0x80, 0xbf};
    if (lead >= 0xe0 && lead <= 0xef)
        return (struct utf8_lead){3, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf};
    if (lead >= 0xf0 && lead <= 0xf4)
        return (struct utf8_lead){4, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf};
    return (struct utf8_lead){0, 0, 0};
}

/* Bytes of the valid sequence that `bytes` starts with, or 0. Stops at the NUL, which is never a
 * continuation byte. */
static size_t utf8_length(const char *bytes) {
    const unsigned char *at = (const unsigned char *)bytes;
    struct utf8_lead lead = utf8_lead_of(at[0]);
    if (lead.length >= 2 && (at[1] < lead.second_low || at[1] > lead.second_high))
        return 0;
    for (int32_t i = 2; i < lead.length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return (size_t)lead.length;
}

static void add_json_ascii(struct text *text, char c) {
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = strchr(escaped, c);
    if (found)
        text_addf(text, "\\%c", letters[found - escaped]);
    else if ((unsigned char)c < 0x20 || c == 0x7f)
        text_addf(text, "\\u%04x", (unsigned)(unsigned char)c);
    else
        text_add_n(text, &c, 1);
}

void text_add_json_string(struct text *text, const char *bytes) {
    text_add(text, "\"");
    while (*bytes) {
        size_t length = utf8_length(bytes);
        if (length == 1)
            add_json_ascii(text, *bytes);
        else if (length == 0)
            text_add(text, "\xef\xbf\xbd"); /* U+FFFD, one for each byte that does not fit */
        else
            text_add_n(text, bytes, length);
        bytes += length ? length : 1;
    }
    text_add(text, "\"");
}

static bool same_letter(char a, char b) {
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Three rows of the usual table: a transposition looks back two. */
int32_t text_distance(const char *a, const char *b) {
    int32_t a_length = (int32_t)strnlen(a, DISTANCE_LENGTH_MAX);
    int32_t b_length = (int32_t)strnlen(b, DISTANCE_LENGTH_MAX);
    int32_t rows[3][DISTANCE_LENGTH_MAX + 1];
    for (int32_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int32_t i = 1; i <= a_length; i++) {
        int32_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (int32_t j = 1; j <= b_length; j++) {
            int32_t replaced = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            bool is_swap = i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                           same_letter(a[i - 2], b[j - 1]);
            if (is_swap)
                row[j] = smaller(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

static int32_t suggestible_distance(const char *a, const char *b) {
    size_t longer = strlen(a) > strlen(b) ? strlen(a) : strlen(b);
    return (int32_t)((smaller((int32_t)longer, DISTANCE_LENGTH_MAX) + 2) / 3);
}

const char *text_nearest(const char *wrong, const char *const *names, size_t names_count) {
    const char *nearest = NULL;
    int32_t nearest_distance = INT32_MAX;
    for (size_t i = 0; i < names_count; i++) {
        int32_t distance = text_distance(wrong, names[i]);
        if (distance < nearest_distance && distance <= suggestible_distance(wrong, names[i])) {
            nearest = names[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
