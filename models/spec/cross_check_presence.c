/* Presence: rooms that exist, modes that mean something where they stand. */
#include "models/spec/cross_check_inside.h"

#include "models/spec/table.h"
#include "sim/base/time.h"

#include <string.h>

enum { ROOM_GROUPS_MAX = 16 };

/* What stands there; where it is not written, the object. */
static const struct json *member(const struct json *json, const char *key) {
    return is_written(json, key) ? json_member(json, key) : json;
}

static void check_rooms(struct check *check, const struct json *rooms) {
    const struct spec_scenario *scenario = check->scenario;
    const char *names[ROOM_GROUPS_MAX];
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        names[i] = scenario->rooms[i].name;
    const struct json *item = rooms->kind == JSON_ARRAY ? rooms->first : NULL;
    for (int32_t i = 0; i < scenario->presence.rooms.count; i++) {
        const char *name = scenario->presence.rooms.items[i];
        bool is_known = scenario->rooms_count == 0; /* that has been said */
        for (int32_t k = 0; k < scenario->rooms_count; k++)
            is_known |= strcmp(names[k], name) == 0;
        if (!is_known)
            reading_error(check->reading, item ? item : rooms, "there are no rooms %s%s",
                          reading_quoted(name).text,
                          reading_hint(name, names, scenario->rooms_count, "there are ").text);
        item = item ? item->next : NULL;
    }
}

static int64_t nodes_count(const struct spec_scenario *scenario) {
    int64_t count = 0;
    for (int32_t i = 0; i < scenario->nodes_count; i++)
        count += scenario->nodes[i].count;
    return count;
}

/* Nobody is asked again who was gone: a change that lacks one word lacks it for ever. */
static void check_exact(struct check *check, const struct json *json) {
    const struct json *mode = member(json, "mode");
    if (nodes_count(check->scenario) == 1)
        reading_warning(check->reading, mode,
                        "one node has nobody to agree with: exact costs no more than deltas");
    if (is_written(json, "debounce"))
        reading_warning(check->reading, json_member(json, "debounce"),
                        "\"debounce\" has no effect on an exact presence: each change is told");
    if (check->scenario->faults_count > 0)
        reading_error(check->reading, mode,
                      "\"exact\" waits for a word from every node, and here some are gone or cut "
                      "off at times; it is not simulated with faults");
}

static void check_mode(struct check *check, const struct json *json) {
    const struct spec_presence *presence = &check->scenario->presence;
    if (presence->mode == SPEC_PRESENCE_ON_DEMAND && presence->list_every == BASE_NS_MAX)
        reading_warning(check->reading, member(json, "mode"),
                        "on demand, and nobody asks; say \"list_every\"");
    if (presence->mode == SPEC_PRESENCE_EXACT)
        check_exact(check, json);
}

static void check_nodes(struct check *check, const struct json *json) {
    const struct spec_presence *presence = &check->scenario->presence;
    if (nodes_count(check->scenario) > 1 && check->scenario->backplane.kind == SPEC_NO_BACKPLANE)
        reading_warning(check->reading, json,
                        "without a backplane nodes do not hear of each other's members");
    base_ns down_ns = presence->down == SPEC_AUTO
                          ? 2 * presence->broadcast * presence->silent_periods
                          : presence->down;
    if (down_ns < presence->broadcast * presence->silent_periods)
        reading_error(
            check->reading, member(json, "down"),
            "\"down\" is shorter than the silence of a node that is well (%.6g s: broadcast times "
            "silent_periods)",
            base_seconds(presence->broadcast * presence->silent_periods));
    else if (presence->permdown <= down_ns)
        reading_error(check->reading, member(json, "permdown"),
                      "\"permdown\" forgets a node before it is down (%.6g s)",
                      base_seconds(down_ns));
}

void cross_check_presence(struct check *check) {
    if (!check->scenario->has_presence || !is_written(check->merged, "presence"))
        return;
    const struct json *json = enter(check, check->merged, "presence");
    if (json->kind == JSON_OBJECT) {
        check_mode(check, json);
        check_nodes(check, json);
        check_rooms(check, enter(check, json, "rooms"));
    }
    leave(check);
}
