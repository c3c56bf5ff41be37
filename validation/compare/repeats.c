/* The median and not the mean: one disturbed repeat must not move the figure. Where more than half
 * of the repeats ended without a number (a search that found no ceiling), that is the result. */
#include "validation/compare/repeats.h"

#include "sim/base/stats.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

void repeats_add(struct repeats *repeats, double value, const char *text) {
    if (repeats->count == REPEATS_MAX)
        return;
    repeats->values[repeats->count] = value;
    repeats->texts[repeats->count++] = text ? text : "";
}

/* Of the repeats that have a number, or of those that have none; the earliest wins a tie. */
static const char *most_frequent(const struct repeats *repeats, bool has_number) {
    const char *best = "";
    int32_t best_count = 0;
    for (int32_t i = 0; i < repeats->count; i++) {
        int32_t count = 0;
        if (isnan(repeats->values[i]) == has_number)
            continue;
        for (int32_t k = 0; k < repeats->count; k++)
            count += isnan(repeats->values[k]) != has_number &&
                     strcmp(repeats->texts[k], repeats->texts[i]) == 0;
        if (count > best_count) {
            best = repeats->texts[i];
            best_count = count;
        }
    }
    return best;
}

struct repeats_summary repeats_summarise(const struct repeats *repeats) {
    double numbers[REPEATS_MAX];
    size_t count = 0;
    for (int32_t i = 0; i < repeats->count; i++)
        if (!isnan(repeats->values[i]))
            numbers[count++] = repeats->values[i];
    bool has_number = count > 0 && 2 * count >= (size_t)repeats->count;
    struct repeats_summary summary = {.median = (double)NAN,
                                      .low = (double)NAN,
                                      .high = (double)NAN,
                                      .text = most_frequent(repeats, has_number)};
    if (has_number) {
        summary.median = stats_median(numbers, count); /* sorts them */
        summary.low = numbers[0];
        summary.high = numbers[count - 1];
    }
    return summary;
}
