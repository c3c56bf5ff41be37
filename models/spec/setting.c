/* Resolving a path. A name of an entry may hold dots ("eu.west"), so an entry is found as the
 * longest name that the rest of the path starts with. An entry that is not there is made only by a
 * whole object (`--set populations.new={...}`): a path into it (`--set
 * populations.playrs.connections=5`) is a slip of the pen. */
#include "models/spec/setting.h"

#include "models/spec/apply.h"
#include "models/spec/value.h"
#include "sim/base/check.h"

#include <string.h>

enum { NAMES_MAX = 32, SEGMENTS_MAX = 16 };

/* A step on the way down the path. */
struct walk {
    struct reading *reading;
    struct json_source *source;
    struct diag_place path_place;
    const char *rest; /* of the path, not yet resolved */
    const struct table *table;
    const void *base;            /* the struct that `table` describes; NULL: not there yet */
    const struct table_row *map; /* set when the next segment is an entry's name */
    const struct table_row *row; /* where the path ends; NULL: at an entry */
    struct json *root, *branch;  /* the tree that is made, and its open end */
};

/* One object deeper, under `key`. */
static void deepen(struct walk *walk, const char *key) {
    struct json *child = json_new(walk->reading->arena, JSON_OBJECT, NULL, walk->source);
    child->key = key;
    json_append(walk->branch, child);
    walk->branch = child;
    (void)reading_enter(walk->reading, key);
}

static const char *take_segment(struct walk *walk) {
    size_t length = strcspn(walk->rest, ".");
    const char *segment = arena_new_text_n(walk->reading->arena, walk->rest, length);
    walk->rest += length + (walk->rest[length] == '.');
    return segment;
}

static bool unknown_segment(struct walk *walk, const char *segment, const char *what,
                            const char *const *names, int32_t count) {
    reading_error_at(walk->reading, walk->path_place, "%s is not %s%s",
                     reading_quoted(segment).text, what,
                     reading_hint(segment, names, count, "expected ").text);
    return false;
}

static bool is_distribution(const struct table_row *row) {
    return row->kind == TABLE_FIELD && (row->type == TABLE_SIZES || row->type == TABLE_LENGTHS ||
                                        row->type == TABLE_DELAYS || row->type == TABLE_PACE);
}

/* rooms.lobbies.size.log_normal.mean: what follows a distribution's field goes into its JSON. */
static bool descend_into_value(struct walk *walk) {
    if (*walk->rest == '\0')
        return true;
    if (!is_distribution(walk->row)) {
        reading_error_at(walk->reading, walk->path_place,
                         "has no fields of its own; found %s behind it",
                         reading_quoted(walk->rest).text);
        return false;
    }
    while (*walk->rest)
        deepen(walk, take_segment(walk));
    return true;
}

static bool step_field(struct walk *walk) {
    const char *segment = take_segment(walk);
    const struct table_row *row = table_find(walk->table, segment);
    if (!row) {
        const char *names[NAMES_MAX];
        int32_t count = apply_names(walk->table, names, NAMES_MAX);
        return unknown_segment(walk, segment, "a field here", names, count);
    }
    deepen(walk, segment);
    walk->row = row;
    if (!row->table)
        return descend_into_value(walk);
    walk->map = row->kind == TABLE_MAP ? row : NULL;
    if (row->kind != TABLE_MAP) {
        walk->table = row->table;
        walk->base = table_member_const(row, walk->base);
    }
    return true;
}

static bool starts_with_name(const char *rest, const char *name) {
    size_t length = strlen(name);
    return strncmp(rest, name, length) == 0 && (rest[length] == '\0' || rest[length] == '.');
}

/* Entries of the map at hand: their names, and which one `rest` starts with (-1: none). */
static int32_t match_entry(const struct walk *walk, const char **names, int32_t *count) {
    const char *entries = table_entries(walk->map, walk->base);
    int32_t found = -1;
    *count = table_entries_count_const(walk->map, walk->base);
    CHECK(*count <= NAMES_MAX);
    for (int32_t i = 0; i < *count; i++) {
        names[i] = table_entry_name(entries + (size_t)i * walk->map->table->bytes);
        bool is_longer = found < 0 || strlen(names[i]) > strlen(names[found]);
        if (is_longer && starts_with_name(walk->rest, names[i]))
            found = i;
    }
    return found;
}

/* `is_whole`: the setting's value is an object, which may make an entry. */
static bool step_entry(struct walk *walk, bool is_whole) {
    const char *names[NAMES_MAX];
    int32_t count, found = match_entry(walk, names, &count);
    if (found >= 0) {
        walk->rest += strlen(names[found]);
        walk->rest += *walk->rest == '.';
        walk->base = table_entries(walk->map, walk->base) + (size_t)found * walk->map->table->bytes;
        deepen(walk, names[found]);
    } else if (is_whole && strchr(walk->rest, '.') == NULL) {
        walk->base = NULL;
        deepen(walk, take_segment(walk));
    } else {
        return unknown_segment(walk, take_segment(walk), "an entry here", names, count);
    }
    walk->table = walk->map->table;
    walk->map = NULL;
    walk->row = NULL;
    return true;
}

static int32_t segments_count(const char *path) {
    int32_t count = 1;
    for (; *path; path++)
        count += *path == '.';
    return count;
}

static bool walk_path(struct walk *walk, bool is_whole) {
    if (segments_count(walk->rest) > SEGMENTS_MAX) {
        reading_error_at(walk->reading, walk->path_place, "a path of more than %d names",
                         SEGMENTS_MAX);
        return false;
    }
    while (*walk->rest) {
        bool is_good = walk->map ? step_entry(walk, is_whole) : step_field(walk);
        if (!is_good)
            return false;
    }
    if (walk->branch != walk->root)
        return true;
    reading_error_at(walk->reading, walk->path_place,
                     "a path without a name; expected name.name...=value");
    return false;
}

/* JSON where it looks like JSON, else a bare word. */
static struct json *read_value(const struct walk *walk, const char *value) {
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};
    struct arena *arena = walk->reading->arena;
    bool is_text = walk->row && value_is_text(walk->row);
    bool is_json = value[0] == '"' || (!is_text && (value[0] == '{' || value[0] == '['));
    if (is_json) {
        struct reading apart;
        reading_init(&apart, arena, walk->reading->diag);
        return json_read_setting(arena_new_text(arena, value), walk->source->place, &apart);
    }
    for (size_t i = 0; i < COUNT_OF(words) && !is_text; i++)
        if (strcmp(value, words[i].word) == 0)
            return json_new(arena, words[i].kind, NULL, walk->source);
    bool is_number = !is_text && json_is_number(value);
    return json_new(arena, is_number ? JSON_NUMBER : JSON_STRING, arena_new_text(arena, value),
                    walk->source);
}

/* The other parameters of a distribution of which one is set: {"log_normal": {"mean": <new>}} keeps
 * its sigma. */
static void inherit(struct arena *arena, const struct json *old, struct json *fresh,
                    bool is_inside) {
    if (!old || old->kind != JSON_OBJECT || fresh->kind != JSON_OBJECT)
        return;
    for (struct json *child = fresh->first; child; child = child->next)
        inherit(arena, json_member(old, child->key), child, true);
    for (const struct json *child = old->first; child && is_inside; child = child->next) {
        if (json_member(fresh, child->key))
            continue;
        struct json *copy = ARENA_NEW(arena, 1, struct json);
        *copy = *child;
        json_append(fresh, copy);
    }
}

static const struct json *find_field(const struct json *merged, const struct json *branch) {
    return branch && merged ? json_member(merged, branch->key) : NULL;
}

/* Down the single branch to the distribution's field, in both trees. */
static void inherit_parameters(struct walk *walk, const struct json *merged) {
    struct json *branch = walk->root->first;
    const struct json *old = find_field(merged, branch);
    for (int32_t i = 0; branch && i < 2; i++) { /* rooms, lobbies, size */
        branch = branch->first;
        old = find_field(old, branch);
    }
    if (branch && old)
        inherit(walk->reading->arena, old, branch, false);
}

/* The value takes the place of the branch's last object. */
static void graft(struct json *end, const struct json *value) {
    const char *key = end->key;
    struct json *next = end->next;
    *end = *value;
    end->key = key;
    end->next = next;
}

struct json *setting_read(struct reading *reading, const struct spec_setting *setting,
                          struct spec_setting_place place, const struct spec_scenario *scenario,
                          const struct json *merged) {
    struct json_source *source = ARENA_NEW(reading->arena, 1, struct json_source);
    *source = (struct json_source){.is_setting = true, .place = place.value};
    struct walk walk = {.reading = reading,
                        .source = source,
                        .path_place = place.path,
                        .rest = arena_new_text(reading->arena, setting->path),
                        .table = &table_scenario,
                        .base = scenario};
    walk.root = walk.branch = json_new(reading->arena, JSON_OBJECT, NULL, source);
    bool is_whole = setting->value[0] == '{';
    bool is_found = walk_path(&walk, is_whole);
    reading_leave(reading, 0);
    struct json *value = is_found ? read_value(&walk, setting->value) : NULL;
    if (!value)
        return NULL;
    graft(walk.branch, value);
    if (walk.row && is_distribution(walk.row))
        inherit_parameters(&walk, merged);
    return walk.root;
}
