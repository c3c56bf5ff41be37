/* Quantities as people write them.
 *
 * A unit is one row: its name and how many of the kind's base unit it is. The arithmetic is in
 * `long double`, so that 2.385 s is 2385000000 ns and not a half more: with 64 bits of mantissa the
 * product rounds to the right 53. */
#include "sim/base/units.h"

#include "sim/base/check.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LENGTH_MAX = 60, EXACT_DIGITS_MAX = 6 };

struct unit {
    const char *name;
    long double factor;
    bool is_printed; /* "8Mbit/s", never "1MB/s": one quantity, one way to print it */
};

static const struct unit time_units[] = {
    {"ns", 1, true},      {"us", 1e3L, true},   {"ms", 1e6L, true},    {"s", 1e9L, true},
    {"min", 60e9L, true}, {"h", 3600e9L, true}, {"d", 86400e9L, true},
};
static const struct unit byte_units[] = {
    {"B", 1, true},      {"kB", 1e3L, true},     {"MB", 1e6L, true},        {"GB", 1e9L, true},
    {"KiB", 1024, true}, {"MiB", 1048576, true}, {"GiB", 1073741824, true},
};
static const struct unit bitrate_units[] = {
    {"bit/s", 1, true},
    {"kbit/s", 1e3L, true},
    {"Mbit/s", 1e6L, true},
    {"Gbit/s", 1e9L, true},
    {"B/s", 8, false},
    {"kB/s", 8e3L, false},
    {"MB/s", 8e6L, false},
    {"GB/s", 8e9L, false},
    {"KiB/s", 8 * 1024.0L, false},
    {"MiB/s", 8 * 1048576.0L, false},
    {"GiB/s", 8 * 1073741824.0L, false},
};
static const struct unit rate_units[] = {
    {"/h", 1 / 3600.0L, true},
    {"/min", 1 / 60.0L, true},
    {"/s", 1, true},
};

static const struct kind {
    const struct unit *units;
    size_t count;
    const char *names;
} kinds[] = {
    [UNITS_NONE] = {NULL, 0, ""},
    [UNITS_TIME] = {time_units, COUNT_OF(time_units), "ns, us, ms, s, min, h, d"},
    [UNITS_BYTES] = {byte_units, COUNT_OF(byte_units), "B, kB, MB, GB, KiB, MiB, GiB"},
    [UNITS_BITRATE] = {bitrate_units, COUNT_OF(bitrate_units),
                       "bit/s, kbit/s, Mbit/s, Gbit/s, B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s"},
    [UNITS_RATE] = {rate_units, COUNT_OF(rate_units), "/s, /min, /h"},
};

const char *units_names(enum units_kind kind) {
    return kinds[kind].names;
}

static size_t digits_length(const char *input) {
    return strspn(input, "0123456789");
}

/* -12.5e+3 and no more: strtod alone would also take hexadecimal, "inf" and "nan". 0: no number. */
static size_t number_length(const char *input) {
    size_t length = input[0] == '-';
    size_t whole = digits_length(input + length);
    length += whole;
    size_t fraction = 0;
    if (input[length] == '.') {
        fraction = digits_length(input + length + 1);
        length += fraction ? fraction + 1 : 0;
    }
    if (whole + fraction == 0)
        return 0;
    if (input[length] == 'e' || input[length] == 'E') {
        size_t sign = input[length + 1] == '-' || input[length + 1] == '+';
        size_t exponent = digits_length(input + length + 1 + sign);
        length += exponent ? 1 + sign + exponent : 0;
    }
    return length;
}

/* Length of the number at the start of `input`, copied for strtold, or 0. */
static size_t copy_number(const char *input, char number[NUMBER_LENGTH_MAX + 1]) {
    size_t length = number_length(input);
    if (length > NUMBER_LENGTH_MAX)
        return 0;
    memcpy(number, input, length);
    number[length] = '\0';
    return length;
}

static size_t unit_length(const char *input) {
    size_t length = 0;
    while (isalpha((unsigned char)input[length]) || input[length] == '/')
        length++;
    return length;
}

static const struct unit *find_unit(enum units_kind kind, const char *name, size_t length) {
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct unit *unit = &kinds[kind].units[i];
        if (strlen(unit->name) == length && memcmp(unit->name, name, length) == 0)
            return unit;
    }
    return NULL;
}

/* A value ends where the input does or at a space; `rest` is what follows. */
static bool finish(const char *end, double value, struct units_result *result) {
    if ((*end != '\0' && *end != ' ') || !isfinite(value))
        return false;
    *result = (struct units_result){.value = value, .rest = end + strspn(end, " ")};
    return true;
}

bool units_parse(enum units_kind kind, const char *input, struct units_result *result) {
    char number[NUMBER_LENGTH_MAX + 1];
    if (kind == UNITS_NONE) {
        size_t length = copy_number(input, number);
        return length > 0 && finish(input + length, strtod(number, NULL), result);
    }
    long double value = 0, smallest = LDBL_MAX;
    const char *at = input;
    do {
        size_t length = copy_number(at, number);
        size_t name_length = unit_length(at + length);
        const struct unit *unit = find_unit(kind, at + length, name_length);
        bool is_compound = at != input;
        if (length == 0 || !unit || unit->factor >= smallest || (is_compound && number[0] == '-'))
            return false;
        long double part = strtold(number, NULL) * unit->factor;
        value += input[0] == '-' && is_compound ? -part : part;
        smallest = unit->factor;
        at += length + name_length;
    } while (kind == UNITS_TIME && *at != '\0' && *at != ' ');
    return finish(at, (double)value, result);
}

/* `amount` in the fewest digits that are exact, at most EXACT_DIGITS_MAX, without an exponent.
 * False: there are none. */
static bool format_exact(long double amount, const char *unit_name, long double factor,
                         double value, char out[64]) {
    for (int digits = 1; digits <= EXACT_DIGITS_MAX; digits++) {
        (void)snprintf(out, 64, "%.*Lg", digits, amount);
        if (strchr(out, 'e') == NULL && (double)(strtold(out, NULL) * factor) == value) {
            (void)strncat(out, unit_name, 63 - strlen(out));
            return true;
        }
    }
    return false;
}

static void format_plain(struct text *out, double value) {
    char exact[64];
    if (value == floor(value) && fabs(value) < 1e15)
        text_addf(out, "%.0f", value);
    else if (format_exact((long double)value, "", 1, value, exact))
        text_add(out, exact);
    else
        text_addf(out, "%.3g", value);
}

/* The unit in which `value` is at least 1 and the number shortest; of equally short ones the larger
 * unit: those that are printed stand in ascending order. */
static bool format_shortest(enum units_kind kind, double value, char shortest[64]) {
    bool is_found = false;
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct unit *unit = &kinds[kind].units[i];
        long double amount = (long double)value / unit->factor;
        char candidate[64];
        if (!unit->is_printed || amount < 1)
            continue;
        if (!format_exact(amount, unit->name, unit->factor, value, candidate))
            continue;
        if (!is_found || strlen(candidate) <= strlen(shortest))
            memcpy(shortest, candidate, sizeof candidate);
        is_found = true;
    }
    return is_found;
}

static const struct unit *largest_not_above(enum units_kind kind, double value) {
    const struct unit *best = NULL, *smallest = NULL;
    for (size_t i = 0; i < kinds[kind].count; i++) {
        const struct unit *unit = &kinds[kind].units[i];
        if (!unit->is_printed)
            continue;
        if (!smallest || unit->factor < smallest->factor)
            smallest = unit;
        if (unit->factor <= (long double)value && (!best || unit->factor > best->factor))
            best = unit;
    }
    return best ? best : smallest;
}

/* "%.3g" without its exponent: what is below a thousandth or above a thousand of its unit is
 * written out. */
static void format_three_digits(struct text *out, long double amount) {
    int before_point = amount > 0 ? (int)floorl(log10l(amount)) + 1 : 1;
    int decimals = before_point < 3 ? 3 - before_point : 0;
    text_addf(out, "%.*Lf", decimals, amount);
}

void units_format(struct text *out, enum units_kind kind, double value) {
    char shortest[64];
    if (kind == UNITS_NONE || !isfinite(value)) {
        format_plain(out, value);
        return;
    }
    if (value < 0) {
        text_add(out, "-");
        value = -value;
    }
    if (format_shortest(kind, value, shortest)) {
        text_add(out, shortest);
        return;
    }
    const struct unit *unit = largest_not_above(kind, value);
    if (format_exact((long double)value / unit->factor, unit->name, unit->factor, value,
                     shortest)) {
        text_add(out, shortest);
        return;
    }
    format_three_digits(out, (long double)value / unit->factor);
    text_add(out, unit->name);
}
