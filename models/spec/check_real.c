/* What the real pair cannot honour: a SIM field that differs from its default, and a cluster
 * that one machine with one processor for all nodes is not. Compared as canonical text, in which
 * two values are equal exactly when they are written the same. */
#include "models/spec/spec.h"

#include "models/spec/apply.h"
#include "models/spec/reading.h"
#include "models/spec/table.h"
#include "models/spec/value.h"

#include <string.h>

struct walk {
    struct reading reading;
    struct diag_place place;
    bool is_good;
};

static void check_object(struct walk *walk, const struct table *table, const void *base,
                         const void *standard);

static void check_value(struct walk *walk, const struct table_row *row, const void *base,
                        const void *standard) {
    struct text is, by_default;
    text_init(&is);
    text_init(&by_default);
    value_write(row, table_member_const(row, base), &is);
    value_write(row, table_member_const(row, standard), &by_default);
    if (strcmp(text_bytes(&is), text_bytes(&by_default)) != 0) {
        walk->is_good = false;
        reading_error_at(
            &walk->reading, walk->place,
            "%s is for the simulator only; the real pair cannot be held to it (the default is %s)",
            text_bytes(&is), text_bytes(&by_default));
    }
    text_fini(&is);
    text_fini(&by_default);
}

static void check_entries(struct walk *walk, const struct table_row *row, const void *base) {
    void *standard = arena_new(walk->reading.arena, 1, row->table->bytes);
    apply_defaults(walk->reading.arena, row->table, standard);
    const char *entries = table_entries(row, base);
    for (int32_t i = 0; i < table_entries_count_const(row, base); i++) {
        const char *entry = entries + (size_t)i * row->table->bytes;
        int32_t path = reading_enter(&walk->reading, table_entry_name(entry));
        check_object(walk, row->table, entry, standard);
        reading_leave(&walk->reading, path);
    }
}

static void check_row(struct walk *walk, const struct table_row *row, const void *base,
                      const void *standard) {
    switch (row->kind) {
    case TABLE_FIELD:
    case TABLE_CHOICE:
        if (row->used_by == SPEC_SIM)
            check_value(walk, row, base, standard);
        return;
    case TABLE_OPTIONAL:
        if (!table_has_const(row, base))
            return;
        check_object(walk, row->table, table_member_const(row, base),
                     table_member_const(row, standard));
        return;
    case TABLE_OBJECT:
        check_object(walk, row->table, table_member_const(row, base),
                     table_member_const(row, standard));
        return;
    case TABLE_MAP:
        check_entries(walk, row, base);
        return;
    }
}

static void check_object(struct walk *walk, const struct table *table, const void *base,
                         const void *standard) {
    for (int32_t i = 0; i < table->count; i++) {
        int32_t path = reading_enter(&walk->reading, table_key(&table->rows[i]));
        check_row(walk, &table->rows[i], base, standard);
        reading_leave(&walk->reading, path);
    }
}

static void refuse(struct walk *walk, const char *object, const char *key, const char *why) {
    walk->is_good = false;
    int32_t outer = reading_enter(&walk->reading, object);
    int32_t inner = reading_enter(&walk->reading, key);
    reading_error_at(&walk->reading, walk->place, "%s", why);
    reading_leave(&walk->reading, inner);
    reading_leave(&walk->reading, outer);
}

static bool has_workers(const struct spec_scenario *scenario) {
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++)
        if (scenario->nodes[kind].workers > 1)
            return true;
    return false;
}

/* Nodes of the real pair stand on one machine, with one processor for all of them. */
static void check_cluster(struct walk *walk, const struct spec_scenario *scenario) {
    const struct spec_backplane *backplane = &scenario->backplane;
    if (spec_nodes_count(scenario) > 1 && scenario->machine.processors != SPEC_SHARED_PROCESSOR)
        refuse(walk, "machine", "processors",
               "several nodes of the real pair share a processor; say \"shared\", so that the "
               "simulator has them share one too");
    if (backplane->kind == SPEC_NO_BACKPLANE)
        return;
    if (backplane->kind == SPEC_KAFKA || backplane->kind == SPEC_REDIS_CLUSTER)
        refuse(walk, "backplane", "kind",
               "the real pair has no client for it; it has broadcast, registry, redis, "
               "redis_sharded and nats");
    if (backplane->latency.kind != SPEC_DIST_CONSTANT || backplane->latency.constant != 0)
        refuse(walk, "backplane", "latency",
               "the hops of the real pair take what the loopback takes; say \"0s\"");
    if (has_workers(scenario))
        refuse(walk, "backplane", "kind",
               "a node of the real pair that has a backplane has one worker");
}

/* Whatever its fields say. */
static void refuse_object(struct walk *walk, const char *object, const char *why) {
    walk->is_good = false;
    int32_t path = reading_enter(&walk->reading, object);
    reading_error_at(&walk->reading, walk->place, "%s", why);
    reading_leave(&walk->reading, path);
}

/* A worker of the real pair knows how many members a room has with it, not how many it has. */
static void check_feed(struct walk *walk, const struct spec_scenario *scenario) {
    if (scenario->nodes_count == 0 || scenario->nodes[0].feed.above == SPEC_UNLIMITED ||
        (spec_nodes_count(scenario) == 1 && !has_workers(scenario)))
        return;
    walk->is_good = false;
    int32_t path = reading_enter(&walk->reading, "nodes");
    (void)reading_enter(&walk->reading, scenario->nodes[0].name);
    (void)reading_enter(&walk->reading, "feed");
    reading_error_at(&walk->reading, walk->place,
                     "a feed over several nodes or workers is for the simulator only; the real "
                     "pair has feeds on one node with one worker");
    reading_leave(&walk->reading, path);
}

static void check_presence(struct walk *walk, const struct spec_scenario *scenario) {
    if (!scenario->has_presence)
        return;
    if (scenario->presence.mode == SPEC_PRESENCE_EXACT)
        refuse(walk, "presence", "mode",
               "\"exact\" is for the simulator only; the real gateway has no coordinator");
    if (has_workers(scenario))
        refuse_object(walk, "presence", "a node of the real pair with presence has one worker");
}

bool spec_check_real(const struct spec_scenario *scenario, const char *file, struct diag *diag) {
    struct arena arena;
    arena_init(&arena);
    struct walk walk = {.place = {.file = arena_new_text(&diag->arena, file)}, .is_good = true};
    reading_init(&walk.reading, &arena, diag);
    struct spec_scenario standard = {0};
    apply_defaults(&arena, &table_scenario, &standard);
    check_object(&walk, &table_scenario, scenario, &standard);
    check_cluster(&walk, scenario);
    if (scenario->faults_count > 0)
        refuse_object(&walk, "faults",
                      "faults are for the simulator only; the real pair does not fail on purpose");
    check_feed(&walk, scenario);
    check_presence(&walk, scenario);
    arena_fini(&arena);
    return walk.is_good;
}
