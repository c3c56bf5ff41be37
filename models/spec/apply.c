/* One generic walk over the tables for each of the four things in the header. Nothing here knows a
 * field. */
#include "models/spec/apply.h"

#include "models/spec/value.h"
#include "sim/base/check.h"

#include <string.h>

enum { FIELD_NAMES_MAX = 32 };

static void set_default(struct arena *arena, const struct table_row *row, void *base) {
    switch (row->kind) {
    case TABLE_FIELD:
    case TABLE_CHOICE:
        value_set_default(row, arena, table_member(row, base));
        return;
    case TABLE_OBJECT:
    case TABLE_OPTIONAL:
        apply_defaults(arena, row->table, table_member(row, base));
        return;
    case TABLE_MAP:
        table_set_entries(row, base, arena_new(arena, (size_t)row->entries_max, row->table->bytes));
        *table_entries_count(row, base) = 0;
        return;
    }
}

void apply_defaults(struct arena *arena, const struct table *table, void *base) {
    for (int32_t i = 0; i < table->count; i++)
        set_default(arena, &table->rows[i], base);
}

int32_t apply_names(const struct table *table, const char **names, int32_t names_max) {
    CHECK(table->count <= names_max);
    for (int32_t i = 0; i < table->count; i++)
        names[i] = table_key(&table->rows[i]);
    return table->count;
}

static void unknown_field(struct reading *reading, const struct table *table,
                          const struct json *member) {
    const char *names[FIELD_NAMES_MAX];
    int32_t count = apply_names(table, names, FIELD_NAMES_MAX);
    reading_error_at_key(reading, member, "%s is not a field here%s",
                         reading_quoted(member->key).text,
                         reading_hint(member->key, names, count, "expected ").text);
}

static bool is_object(struct reading *reading, const struct json *json) {
    if (json->kind == JSON_OBJECT)
        return true;
    reading_error(reading, json, "%s is not an object; expected fields in { }",
                  reading_found(json).text);
    return false;
}

static void apply_optional(struct reading *reading, const struct table_row *row,
                           const struct json *json, void *base) {
    bool *has = table_has(row, base);
    if (!*has || json->kind == JSON_NULL) { /* null takes away what a layer below brought */
        memset(table_member(row, base), 0, row->table->bytes);
        apply_defaults(reading->arena, row->table, table_member(row, base));
    }
    *has = json->kind != JSON_NULL;
    if (*has)
        apply_object(reading, row->table, json, table_member(row, base));
}

static char *find_entry(const struct table_row *row, const void *base, const char *name) {
    char *entries = table_entries(row, base);
    for (int32_t i = 0; i < table_entries_count_const(row, base); i++)
        if (strcmp(table_entry_name(entries + (size_t)i * row->table->bytes), name) == 0)
            return entries + (size_t)i * row->table->bytes;
    return NULL;
}

static void remove_entry(struct reading *reading, const struct table_row *row,
                         const struct json *member, void *base) {
    char *entry = find_entry(row, base, member->key);
    if (!entry) {
        reading_error(reading, member,
                      "null takes away what \"extends\" brought, and it brought no such entry");
        return;
    }
    int32_t *count = table_entries_count(row, base);
    char *end = table_entries(row, base) + (size_t)*count * row->table->bytes;
    memmove(entry, entry + row->table->bytes, (size_t)(end - entry) - row->table->bytes);
    (*count)--;
}

static char *new_entry(struct reading *reading, const struct table_row *row,
                       const struct json *member, void *base) {
    int32_t *count = table_entries_count(row, base);
    if (!value_is_name(member->key)) {
        reading_error_at_key(reading, member,
                             "%s is not a name; expected 1 to 64 letters, digits, "
                             "\"_\", \"-\" or \".\"",
                             reading_quoted(member->key).text);
        return NULL;
    }
    if (*count == row->entries_max) {
        reading_error_at_key(reading, member, "one entry too many; at most %d %s possible",
                             row->entries_max, row->entries_max == 1 ? "is" : "are");
        return NULL;
    }
    char *entry = table_entries(row, base) + (size_t)(*count)++ * row->table->bytes;
    memset(entry, 0, row->table->bytes);
    const char *name = arena_new_text(reading->arena, member->key);
    memcpy(entry, &name, sizeof name);
    apply_defaults(reading->arena, row->table, entry);
    return entry;
}

static void apply_entry(struct reading *reading, const struct table_row *row,
                        const struct json *member, void *base) {
    int32_t path = reading_enter(reading, member->key);
    if (member->kind == JSON_NULL) {
        remove_entry(reading, row, member, base);
    } else if (is_object(reading, member)) {
        char *entry = find_entry(row, base, member->key);
        if (!entry)
            entry = new_entry(reading, row, member, base);
        if (entry)
            apply_object(reading, row->table, member, entry);
    }
    reading_leave(reading, path);
}

static void apply_map(struct reading *reading, const struct table_row *row, const struct json *json,
                      void *base) {
    if (!is_object(reading, json))
        return;
    for (const struct json *member = json->first; member; member = member->next)
        apply_entry(reading, row, member, base);
}

static void apply_row(struct reading *reading, const struct table_row *row, const struct json *json,
                      void *base) {
    switch (row->kind) {
    case TABLE_FIELD:
    case TABLE_CHOICE:
        (void)value_parse(reading, row, json, table_member(row, base));
        return;
    case TABLE_OBJECT:
        apply_object(reading, row->table, json, table_member(row, base));
        return;
    case TABLE_OPTIONAL:
        apply_optional(reading, row, json, base);
        return;
    case TABLE_MAP:
        apply_map(reading, row, json, base);
        return;
    }
}

static bool is_of_the_file(const struct table *table, const char *key) {
    return (strcmp(key, "$schema") == 0 && (table == &table_scenario || table == &table_study)) ||
           (strcmp(key, "extends") == 0 && table == &table_scenario);
}

void apply_object(struct reading *reading, const struct table *table, const struct json *json,
                  void *base) {
    if (!is_object(reading, json))
        return;
    for (const struct json *member = json->first; member; member = member->next) {
        if (is_of_the_file(table, member->key))
            continue;
        const struct table_row *row = table_find(table, member->key);
        if (!row) {
            unknown_field(reading, table, member);
            continue;
        }
        int32_t path = reading_enter(reading, member->key);
        apply_row(reading, row, member, base);
        reading_leave(reading, path);
    }
}

/* `from` in the place of `to`, which keeps its link. */
static void replace(struct json *to, const struct json *from) {
    struct json *next = to->next;
    *to = *from;
    to->next = next;
}

static void merge_member(const struct table_row *row, struct json *old, struct json *member);

/* Entries of a MAP all have one table; `row` is the map's. */
static void merge_children(const struct table *table, const struct table_row *map,
                           struct json *merged, struct json *layer) {
    for (struct json *member = layer->first, *next; member; member = next) {
        next = member->next;
        struct json *old = json_member(merged, member->key);
        if (!old)
            json_append(merged, member);
        else if (map && old->kind == JSON_OBJECT && member->kind == JSON_OBJECT)
            merge_children(map->table, NULL, old, member);
        else if (map)
            replace(old, member);
        else
            merge_member(table_find(table, member->key), old, member);
    }
}

static void merge_member(const struct table_row *row, struct json *old, struct json *member) {
    bool is_nested = row && row->table && old->kind == JSON_OBJECT && member->kind == JSON_OBJECT;
    if (is_nested)
        merge_children(row->table, row->kind == TABLE_MAP ? row : NULL, old, member);
    else
        replace(old, member);
}

void apply_merge(const struct table *table, struct json *merged, struct json *layer) {
    merge_children(table, NULL, merged, layer);
}

static void missing_field(struct reading *reading, const struct table_row *row,
                          const struct json *object) {
    struct text expected = value_expected_new(row);
    reading_error_at_key(reading, object, "\"%s\" is missing; expected %s", table_key(row),
                         text_bytes(&expected));
    text_fini(&expected);
}

static void missing_in_entries(struct reading *reading, const struct table_row *row,
                               const struct json *map) {
    for (const struct json *entry = map->first; entry; entry = entry->next) {
        int32_t path = reading_enter(reading, entry->key);
        if (entry->kind == JSON_OBJECT)
            apply_find_missing(reading, row->table, entry);
        reading_leave(reading, path);
    }
}

void apply_find_missing(struct reading *reading, const struct table *table,
                        const struct json *merged) {
    for (int32_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        const struct json *member = json_member(merged, table_key(row));
        if (row->kind == TABLE_FIELD && !row->standard && !member)
            missing_field(reading, row, merged);
        if (!row->table || !member || member->kind != JSON_OBJECT)
            continue;
        int32_t path = reading_enter(reading, table_key(row));
        if (row->kind == TABLE_MAP)
            missing_in_entries(reading, row, member);
        else
            apply_find_missing(reading, row->table, member);
        reading_leave(reading, path);
    }
}
