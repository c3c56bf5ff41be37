/* The words are part of the JSON answers: they do not change. */
#include "cli/input_source.h"

const char *input_source_name(enum input_source source) {
    static const char *const names[INPUT_SOURCES] = {
        [INPUT_MEASURED] = "measured", [INPUT_PUBLISHED] = "published",
        [INPUT_ASSUMED] = "assumed",   [INPUT_DEFAULT] = "default",
        [INPUT_STATED] = "stated",     [INPUT_DECLARED] = "declared"};
    return names[source];
}

enum input_source input_source_of(enum profile_source source) {
    switch (source) {
    case PROFILE_MEASURED:
        return INPUT_MEASURED;
    case PROFILE_PUBLISHED:
        return INPUT_PUBLISHED;
    case PROFILE_ASSUMED:
        return INPUT_ASSUMED;
    }
    return INPUT_ASSUMED;
}
