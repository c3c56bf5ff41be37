/* What the levers of fan-out cannot mean together, or probably do not mean as they stand. */
#include "models/spec/cross_check_inside.h"

#include "models/spec/table.h"
#include "sim/base/time.h"

#include <string.h>

struct lever { /* an object of a node's */
    struct reading *reading;
    const struct json *entry; /* the node's */
    const struct json *json;  /* its own; NULL: not written anywhere */
    int32_t path;             /* to leave by */
};

static struct lever enter_lever(struct reading *reading, const struct json *merged,
                                const struct spec_node *node, const char *key) {
    struct lever lever = {.reading = reading, .path = reading_enter(reading, "nodes")};
    (void)reading_enter(reading, node->name);
    (void)reading_enter(reading, key);
    const struct json *nodes = json_member(merged, "nodes");
    const struct json *entry = nodes ? json_member(nodes, node->name) : NULL;
    lever.entry = entry ? entry : merged;
    lever.json = entry && entry->kind == JSON_OBJECT ? json_member(entry, key) : NULL;
    return lever;
}

static void leave_lever(const struct lever *lever) {
    reading_leave(lever->reading, lever->path);
}

/* A field that is written down and does nothing would be believed. */
static void warn_where_written(const struct lever *lever, const char *key, const char *why) {
    const struct json *member = lever->json ? json_member(lever->json, key) : NULL;
    if (member)
        reading_warning(lever->reading, member, "\"%s\" has no effect %s", key, why);
}

static void check_batch(struct reading *reading, const struct spec_scenario *scenario,
                        const struct json *merged, const struct spec_node *node) {
    struct lever lever = enter_lever(reading, merged, node, "batch");
    base_ns within_ns = scenario->objectives.delivery.within;
    if (node->batch.for_ == 0)
        warn_where_written(&lever, "messages", "without \"for\": a turn writes all it gathered");
    if (lever.json && node->batch.for_ >= within_ns)
        reading_warning(reading, lever.json,
                        "messages are held for up to %.6g ms, and objectives.delivery.within is "
                        "%.6g ms",
                        base_ms(node->batch.for_), base_ms(within_ns));
    if (lever.json && node->batch.for_ > 0 && node->fan_out == SPEC_WRITE_AT_ONCE)
        reading_warning(reading, lever.json,
                        "a batch holds messages back that \"fan_out\": \"write_at_once\" would "
                        "write at once; the batch goes first");
    leave_lever(&lever);
}

static void check_feed(struct reading *reading, const struct json *merged,
                       const struct spec_node *node) {
    struct lever lever = enter_lever(reading, merged, node, "feed");
    static const char *const fields[] = {"kind", "share", "every"};
    bool has_cap = node->feed.above != SPEC_UNLIMITED;
    for (size_t i = 0; i < COUNT_OF(fields) && !has_cap; i++)
        warn_where_written(&lever, fields[i], "without \"above\": no room is a feed");
    if (has_cap && node->feed.kind != SPEC_SAMPLED)
        warn_where_written(&lever, "share", "on a feed that is not \"sampled\"");
    if (has_cap && node->feed.kind != SPEC_BATCHED)
        warn_where_written(&lever, "every", "on a feed that is not \"batched\"");
    leave_lever(&lever);
}

static bool is_same_feed(const struct spec_feed *a, const struct spec_feed *b) {
    return a->above == b->above && a->kind == b->kind && a->share == b->share &&
           a->every == b->every;
}

/* A room is one thing, whichever node its members are on. */
static void check_same_feed(struct reading *reading, const struct spec_scenario *scenario,
                            const struct json *merged, const struct spec_node *node) {
    if (is_same_feed(&node->feed, &scenario->nodes[0].feed))
        return;
    struct lever lever = enter_lever(reading, merged, node, "feed");
    reading_error(reading, lever.json ? lever.json : lever.entry,
                  "a room would be a feed on nodes.%s by another rule than on nodes.%s; expected "
                  "the same \"feed\" on all kinds of nodes",
                  node->name, scenario->nodes[0].name);
    leave_lever(&lever);
}

/* --- shards --- */

static bool is_sharded(const struct spec_room_group *group) {
    return group->shards != SPEC_UNLIMITED;
}

/* The cap of any kind of node: they are the same where there is no error. */
static int64_t cap_of(const struct spec_scenario *scenario) {
    return scenario->nodes_count > 0 ? scenario->nodes[0].feed.above : SPEC_UNLIMITED;
}

/* An earlier group of sharded rooms that clients of this one are in too; NULL: none. */
static const struct spec_room_group *earlier_owner(const struct spec_scenario *scenario,
                                                   const struct spec_room_group *group) {
    for (const struct spec_room_group *other = scenario->rooms; other != group; other++)
        for (int32_t i = 0; is_sharded(other) && i < group->members.count; i++)
            if (lists_name(&other->members, group->members.items[i]))
                return other;
    return NULL;
}

static bool is_in_several(const struct spec_scenario *scenario,
                          const struct spec_room_group *group) {
    return group->count != SPEC_AUTO && (double)group->count * spec_dist_mean(&group->size) >
                                            cross_check_clients(scenario, group);
}

/* The largest room that is no feed has as many members as the cap. */
static void check_cap(struct check *check, const struct spec_room_group *group,
                      const struct json *place) {
    const struct spec_scenario *scenario = check->scenario;
    int64_t cap = cap_of(scenario);
    if (cap < group->shards)
        reading_error(check->reading, place,
                      "a room of %lld members, the cap (nodes.%s.feed.above), does not fill its "
                      "%lld shards; expected at most as many shards as members",
                      (long long)cap, scenario->nodes[0].name, (long long)group->shards);
    else if (spec_dist_highest(&group->size) < (double)group->shards)
        reading_warning(check->reading, place,
                        "rooms of %.6g members at most do not fill %lld shards",
                        spec_dist_highest(&group->size), (long long)group->shards);
}

static void check_shards(struct check *check, const struct spec_room_group *group) {
    const struct json *entry = enter(check, enter(check, check->merged, "rooms"), group->name);
    const struct json *place = enter(check, entry, "shards");
    int64_t nodes = spec_nodes_count(check->scenario);
    const struct spec_room_group *owner = earlier_owner(check->scenario, group);
    if (is_sharded(group)) {
        check_cap(check, group, place);
        if (nodes == 1)
            reading_warning(check->reading, place, "\"shards\" has no effect with one node");
        else if (group->shards > nodes)
            reading_warning(check->reading, place, "%lld shards on %lld nodes: a node has several",
                            (long long)group->shards, (long long)nodes);
        if (owner)
            reading_warning(check->reading, place,
                            "who is in a room of rooms.%s too is where that room has them",
                            owner->name);
        else if (is_in_several(check->scenario, group))
            reading_warning(check->reading, place,
                            "clients are in several of these rooms; each goes by the first");
    }
    leave(check);
}

bool cross_check_has_owners(const struct spec_scenario *scenario) {
    for (int32_t i = 0; i < scenario->rooms_count; i++) {
        const struct spec_room_group *group = &scenario->rooms[i];
        if (group->shards != 1 || earlier_owner(scenario, group) || is_in_several(scenario, group))
            return false;
    }
    return scenario->rooms_count > 0;
}

/* --- unread counts --- */

static bool comes_and_goes(const struct spec_scenario *scenario) {
    for (int32_t i = 0; i < scenario->populations_count; i++) {
        const struct spec_population *population = &scenario->populations[i];
        if (population->has_arrival || population->has_session || population->has_flap)
            return true;
    }
    return scenario->faults_count > 0;
}

static const struct spec_room_group *find_group(const struct spec_scenario *scenario,
                                                const char *name) {
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        if (name && strcmp(scenario->rooms[i].name, name) == 0)
            return &scenario->rooms[i];
    return NULL;
}

static void check_unread(struct check *check, const struct spec_room_group *group) {
    const struct spec_scenario *scenario = check->scenario;
    const struct json *entry = enter(check, enter(check, check->merged, "rooms"), group->name);
    const struct json *place = enter(check, entry, "unread");
    const struct spec_room_group *counted = find_group(scenario, group->unread.of);
    const char *names[NAMES_MAX];
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        names[i] = scenario->rooms[i].name;
    if (group->unread.of && !counted)
        reading_error(
            check->reading, place, "there are no rooms %s%s", reading_quoted(group->unread.of).text,
            reading_hint(group->unread.of, names, scenario->rooms_count, "there are ").text);
    if (counted && counted->has_unread)
        reading_error(check->reading, place,
                      "nobody publishes in rooms.%s, which gets counts itself; expected rooms "
                      "with messages",
                      counted->name);
    if (comes_and_goes(scenario))
        reading_error(check->reading, place,
                      "counts of unread messages together with connections that come and go, or "
                      "faults, are not in the model");
    for (int32_t i = 0; i < scenario->traffic_count; i++)
        if (scenario->traffic[i].to && strcmp(scenario->traffic[i].to, group->name) == 0)
            reading_error(check->reading, place,
                          "traffic.%s goes to rooms whose members get counts of other rooms alone",
                          scenario->traffic[i].name);
    leave(check);
}

void cross_check_levers(struct check *check) {
    const struct spec_scenario *scenario = check->scenario;
    for (int32_t i = 0; i < scenario->nodes_count; i++) {
        check_batch(check->reading, scenario, check->merged, &scenario->nodes[i]);
        check_feed(check->reading, check->merged, &scenario->nodes[i]);
        check_same_feed(check->reading, scenario, check->merged, &scenario->nodes[i]);
    }
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        check_shards(check, &scenario->rooms[i]);
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        if (scenario->rooms[i].has_unread)
            check_unread(check, &scenario->rooms[i]);
}
