/* Inside the cross checks: where they stand in the file. */
#ifndef HEADROOM_MODELS_SPEC_CROSS_CHECK_INSIDE_H
#define HEADROOM_MODELS_SPEC_CROSS_CHECK_INSIDE_H

#include "models/spec/cross_check.h"

#include <string.h>

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

static inline bool lists_name(const struct spec_names *names, const char *name) {
    for (int32_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* Of the populations that the group's members come from; INFINITY where that is not known. */
double cross_check_clients(const struct spec_scenario *scenario,
                           const struct spec_room_group *group);

/* Batches, feeds, shards and the other levers of fan-out. */
void cross_check_levers(struct check *check);
/* Whether all members of any room are on one node: no publish has to get anywhere else. */
bool cross_check_has_owners(const struct spec_scenario *scenario);

/* Connections that come and go, and faults. */
void cross_check_connections(struct check *check);
/* Mean time on the way to a member on another node, when nothing waits anywhere. */
double cross_check_way_ns(const struct spec_backplane *backplane);

/* Rates over time, and signals. */
void cross_check_traffic(struct check *check);
/* What carries publishes between nodes. */
void cross_check_backplane(struct check *check);
/* Compression. */
void cross_check_transport(struct check *check);
/* Presence. */
void cross_check_presence(struct check *check);

#endif
