/* Inside the cross checks: where they stand in the file. */
#ifndef HEADROOM_MODELS_SPEC_CROSS_CHECK_INSIDE_H
#define HEADROOM_MODELS_SPEC_CROSS_CHECK_INSIDE_H

#include "models/spec/cross_check.h"

enum { NAMES_MAX = 16 }; /* of a map */

struct check {
    struct reading *reading;
    const struct spec_scenario *scenario;
    const struct json *merged;
};

/* Down to a value: (check, merged.traffic, "chat"). The reading's path follows; `leave` undoes all.
 */
static inline const struct json *enter(struct check *check, const struct json *json,
                                       const char *key) {
    (void)reading_enter(check->reading, key);
    const struct json *member = json ? json_member(json, key) : NULL;
    return member ? member : json;
}

static inline void leave(struct check *check) {
    reading_leave(check->reading, 0);
}

/* Whether a layer wrote it; where it did not, a default stands there. */
static inline bool is_written(const struct json *json, const char *key) {
    return json && json_member(json, key) != NULL;
}

/* Connections that come and go, and faults. */
void cross_check_connections(struct check *check);

#endif
