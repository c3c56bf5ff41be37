/* Below the grammar: see the header. Everything here looks at bytes until a NUL, which ends the
 * text and fits nowhere inside it, so nothing needs a length to stay inside. */
#include "models/spec/json_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The second byte decides about overlong forms, surrogates and what lies above U+10FFFF. */
static bool fits_second(unsigned char lead, unsigned char second) {
    unsigned char low = lead == 0xe0 ? 0xa0 : (lead == 0xf0 ? 0x90 : 0x80);
    unsigned char high = lead == 0xed ? 0x9f : (lead == 0xf4 ? 0x8f : 0xbf);
    return second >= low && second <= high;
}

size_t json_text_character(const char *bytes) {
    unsigned char lead = (unsigned char)bytes[0];
    if (lead < 0x80)
        return lead != 0;
    size_t length = lead >= 0xf0 ? 4 : (lead >= 0xe0 ? 3 : 2);
    if (lead < 0xc2 || lead > 0xf4 || !fits_second(lead, (unsigned char)bytes[1]))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!is_continuation(bytes[i]))
            return 0;
    return length;
}

static size_t digits(const char *bytes) {
    return strspn(bytes, "0123456789");
}

size_t json_text_number(const char *bytes) {
    size_t length = bytes[0] == '-';
    size_t whole = digits(bytes + length);
    if (whole == 0 || (whole > 1 && bytes[length] == '0'))
        return 0;
    length += whole;
    if (bytes[length] == '.') {
        size_t fraction = digits(bytes + length + 1);
        if (fraction == 0)
            return 0;
        length += 1 + fraction;
    }
    if (bytes[length] == 'e' || bytes[length] == 'E') {
        size_t sign = bytes[length + 1] == '-' || bytes[length + 1] == '+';
        size_t exponent = digits(bytes + length + 1 + sign);
        if (exponent == 0)
            return 0;
        length += 1 + sign + exponent;
    }
    return length;
}

/* Four hex digits, or -1. */
static int32_t hex4(const char *bytes) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = bytes[i];
        if (!isxdigit((unsigned char)c))
            return -1;
        int32_t digit = isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
        value = value * 16 + digit;
    }
    return value;
}

static void add_utf8(struct text *out, int32_t code) {
    char bytes[4];
    size_t length = 0;
    if (code < 0x80) {
        bytes[length++] = (char)code;
    } else if (code < 0x800) {
        bytes[length++] = (char)(0xc0 | (code >> 6));
    } else if (code < 0x10000) {
        bytes[length++] = (char)(0xe0 | (code >> 12));
        bytes[length++] = (char)(0x80 | ((code >> 6) & 0x3f));
    } else {
        bytes[length++] = (char)(0xf0 | (code >> 18));
        bytes[length++] = (char)(0x80 | ((code >> 12) & 0x3f));
        bytes[length++] = (char)(0x80 | ((code >> 6) & 0x3f));
    }
    if (code >= 0x80)
        bytes[length++] = (char)(0x80 | (code & 0x3f));
    text_add_n(out, bytes, length);
}

static size_t unicode_escape(const char *at, struct text *out, const char **problem) {
    int32_t code = hex4(at + 2);
    size_t length = 6;
    if (code < 0) {
        *problem = "expected four hexadecimal digits after \\u";
        return 0;
    }
    if (code == 0) {
        *problem = "\\u0000 cannot stand in a string here";
        return 0;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
        int32_t low = code < 0xdc00 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            *problem =
                "half of a surrogate pair: characters above \\uffff are two \\u escapes, the "
                "first from \\ud800 to \\udbff, the second from \\udc00 to \\udfff";
            return 0;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        length = 12;
    }
    add_utf8(out, code);
    return length;
}

size_t json_text_escape(const char *at, struct text *out, const char **problem) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (at[1] == 'u')
        return unicode_escape(at, out, problem);
    const char *found = at[1] ? strchr(letters, at[1]) : NULL;
    if (!found) {
        *problem = "no such escape; expected \\\", \\\\, \\/, \\b, \\f, \\n, \\r, \\t or \\u and "
                   "four digits";
        return 0;
    }
    text_add_n(out, &meant[found - letters], 1);
    return 2;
}

size_t json_text_word(const char *bytes) {
    size_t length = 0;
    for (;; length++) {
        char c = bytes[length];
        bool is_comment = c == '/' && (bytes[length + 1] == '/' || bytes[length + 1] == '*');
        if (!isalnum((unsigned char)c) && (is_comment || c == '\0' || !strchr("_.+-/%", c)))
            return length;
    }
}

struct reading_found json_text_shown(const char *bytes) {
    enum { SHOWN_MAX = 32 };
    struct reading_found found;
    size_t length = json_text_word(bytes);
    if (*bytes == '"' || *bytes == '\'') {
        size_t inside = strcspn(bytes + 1, *bytes == '"' ? "\"\\\r\n\t" : "'\\\r\n\t");
        length = bytes[1 + inside] == *bytes ? inside + 2 : 0; /* 0: not a plain, closed string */
    }
    bool is_cut = length > SHOWN_MAX;
    if (is_cut)
        length = SHOWN_MAX;
    else if (length == 0)
        length = json_text_character(bytes);
    while (is_cut && is_continuation(bytes[length]))
        length--;
    (void)snprintf(found.text, sizeof found.text, "%.*s%s", (int)length, bytes,
                   is_cut ? "..." : "");
    for (char *c = found.text; *c; c++)
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    return found;
}

const char *json_text_number_hint(const char *word, size_t number_length) {
    const char *digits = word + (word[0] == '-');
    if (digits[0] == '0' && isdigit((unsigned char)digits[1]))
        return ": it starts with a zero";
    if (digits[0] == '0' && (digits[1] | 0x20) == 'x')
        return "; expected decimal digits";
    if (number_length > 0 && word[number_length] == '_')
        return "; expected digits without separators";
    if (number_length > 0 &&
        (isalpha((unsigned char)word[number_length]) || strchr("/%", word[number_length])))
        return "; a quantity with a unit stands in double quotes";
    return "; expected digits, then perhaps a point and more digits";
}

struct json_text_position json_text_position(const char *bytes, size_t length, size_t at) {
    struct json_text_position position = {.line = 1};
    for (const char *newline = bytes;
         (newline = memchr(newline, '\n', (size_t)(bytes + at - newline))) != NULL; newline++) {
        position.line++;
        position.line_start = (size_t)(newline - bytes) + 1;
    }
    position.column = (int32_t)(at - position.line_start) + 1;
    const char *end = memchr(bytes + at, '\n', length - at);
    position.line_end = end ? (size_t)(end - bytes) : length;
    return position;
}

char *json_text_shown_line(struct arena *arena, const char *line, size_t length) {
    if (length > 0 && line[length - 1] == '\r')
        length--;
    char *shown = arena_new_text_n(arena, line, length);
    for (size_t i = 0; i < length;) {
        size_t character = json_text_character(shown + i);
        bool is_control = character == 1 && shown[i] != '\t' &&
                          ((unsigned char)shown[i] < 0x20 || shown[i] == 0x7f);
        if (character == 0 || is_control)
            shown[i] = '?';
        i += character ? character : 1;
    }
    return shown;
}
