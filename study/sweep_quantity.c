/* Kinds are tried one after the other; what a unit belongs to is never a matter of order, but a bit
 * rate in bytes per second begins like an amount of bytes, so all of the text must be read. */
#include "study/sweep_quantity.h"

#include "models/spec/json.h"
#include "models/spec/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_possible_rest(enum units_kind units, const char *rest) {
    static const char *const paces[] = {"per room", "per user", "in all"};
    for (size_t i = 0; i < COUNT_OF(paces) && units == UNITS_RATE; i++)
        if (strcmp(rest, paces[i]) == 0)
            return true;
    return rest[0] == '\0';
}

struct sweep_quantity sweep_quantity_of(const char *text) {
    static const enum units_kind kinds[] = {UNITS_TIME, UNITS_BYTES, UNITS_BITRATE, UNITS_RATE};
    struct sweep_quantity quantity = {.units = UNITS_NONE, .rest = "", .text = text};
    if (json_is_number(text)) {
        quantity.number = strtod(text, NULL);
        return quantity;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct units_result result;
        if (!units_parse(kinds[i], text, &result) || !is_possible_rest(kinds[i], result.rest))
            continue;
        quantity.units = kinds[i];
        quantity.number = result.value;
        quantity.rest = result.rest;
        return quantity;
    }
    quantity.is_endless = strcmp(text, "unlimited") == 0 || strcmp(text, "never") == 0;
    quantity.is_word = !quantity.is_endless;
    quantity.number = (double)INFINITY;
    return quantity;
}

bool sweep_quantity_alike(const struct sweep_quantity *a, const struct sweep_quantity *b) {
    if (a->is_word || b->is_word)
        return false;
    return a->is_endless || b->is_endless ||
           (a->units == b->units && strcmp(a->rest, b->rest) == 0);
}

const char *sweep_quantity_kind(const struct sweep_quantity *quantity) {
    static const char *const kinds[] = {[UNITS_NONE] = "a plain number",
                                        [UNITS_TIME] = "a time",
                                        [UNITS_BYTES] = "an amount of bytes",
                                        [UNITS_BITRATE] = "a bit rate",
                                        [UNITS_RATE] = "a rate"};
    if (quantity->is_word)
        return "a word";
    if (quantity->rest[0])
        return "a pace";
    return quantity->is_endless ? "without an end" : kinds[quantity->units];
}

static bool is_whole(const struct sweep_quantity *end) {
    return end->units == UNITS_TIME || end->units == UNITS_BYTES ||
           (end->units == UNITS_NONE && strpbrk(end->text, ".eE") == NULL);
}

static double rounded(double number, bool to_whole) {
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%.6g", number);
    double short_form = strtod(digits, NULL);
    return to_whole ? round(fabs(number) < 1e6 ? number : short_form) : short_form;
}

void sweep_quantity_write(const struct sweep_quantity *like, double number, struct text *out) {
    if (like->units == UNITS_NONE) {
        value_write_double(number, out);
        return;
    }
    struct text quantity;
    text_init(&quantity);
    value_write_quantity(like->units, number, &quantity);
    text_addf(&quantity, "%s%s", like->rest[0] ? " " : "", like->rest);
    text_add_json_string(out, text_bytes(&quantity));
    text_fini(&quantity);
}

void sweep_quantity_between(const struct sweep_quantity *from, const struct sweep_quantity *to,
                            double u, bool is_log, struct text *out) {
    double number = is_log ? from->number * pow(to->number / from->number, u)
                           : from->number + (to->number - from->number) * u;
    if (u <= 0 || u >= 1) /* the ends are as they were written */
        number = u <= 0 ? from->number : to->number;
    else
        number = rounded(number, is_whole(from) && is_whole(to));
    sweep_quantity_write(from, number, out);
}
