/* Not the nearest by letters: "Mbps" is nearest to "MB/s" and eight times off, "64M" is as near to
 * MB as to MiB. In this order: the same letters in another case; the only unit that starts so
 * ("Mbit"); the longest that it starts with
 * ("seconds"). Where two would do, none is suggested. */
#include "models/spec/unit_guess.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { UNITS_MAX = 16 };

const char *unit_guess_kind(const char *text) {
    static const struct {
        enum units_kind kind;
        const char *what;
    } kinds[] = {{UNITS_TIME, "a time"},
                 {UNITS_BYTES, "an amount of bytes"},
                 {UNITS_BITRATE, "a bit rate"},
                 {UNITS_RATE, "a rate"}};
    struct units_result result;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (units_parse(kinds[i].kind, text, &result) && *result.rest == '\0')
            return kinds[i].what;
    return NULL;
}

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static const char *meant_unit(const char *const *units, size_t count, const char *wrong) {
    const char *begun = NULL, *within = NULL;
    int32_t begun_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(units[i], wrong) == 0)
            return units[i];
        if (wrong[0] && starts_with(units[i], wrong)) {
            begun = units[i];
            begun_count++;
        }
        if (starts_with(wrong, units[i]) && (!within || strlen(units[i]) > strlen(within)))
            within = units[i];
    }
    return begun_count == 1 ? begun : (begun_count == 0 ? within : NULL);
}

static const char *meant_bit_rate(const char *const *units, size_t count, const char *wrong) {
    for (size_t i = 0; i < count; i++)
        if (strstr(units[i], "bit/s") && (units[i][0] | 0x20) == (wrong[0] | 0x20))
            return units[i];
    return NULL;
}

const char *unit_guess(enum units_kind kind, const char *wrong, char names[UNIT_GUESS_BYTES]) {
    (void)snprintf(names, UNIT_GUESS_BYTES, "%s", units_names(kind));
    const char *units[UNITS_MAX];
    size_t count = 0, length = strlen(wrong);
    char *rest = NULL;
    for (char *name = strtok_r(names, ", ", &rest); name && count < UNITS_MAX;
         name = strtok_r(NULL, ", ", &rest))
        units[count++] = name;
    bool is_bps = kind == UNITS_BITRATE && length >= 3 && strcmp(wrong + length - 3, "bps") == 0;
    if (is_bps)
        return meant_bit_rate(units, count, wrong);
    bool is_word =
        wrong[strspn(wrong, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/")] == '\0';
    return is_word ? meant_unit(units, count, wrong) : NULL;
}
