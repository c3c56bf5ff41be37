/* A walk over the tables, as write.c's, that keeps the path. A default is told by its canonical
 * text: a field that was written out as what it would be anyway is one. */
#include "models/spec/inputs.h"

#include "models/spec/table.h"
#include "models/spec/value.h"
#include "sim/base/check.h"

#include <string.h>

struct listing {
    struct arena *arena;
    struct spec_input *inputs;
    int32_t count, max;
};

static void list_object(struct listing *listing, const struct table *table, const void *base,
                        const char *path);

static const char *below(struct listing *listing, const char *path, const char *key) {
    return *path ? arena_new_format(listing->arena, "%s.%s", path, key)
                 : arena_new_text(listing->arena, key);
}

static const char *written(struct listing *listing, const struct table_row *row,
                           const void *member) {
    struct text text;
    text_init(&text);
    value_write(row, member, &text);
    const char *bytes = text_bytes(&text);
    size_t length = strlen(bytes);
    bool is_quoted = length >= 2 && bytes[0] == '"' && strchr(bytes, '\\') == NULL;
    const char *copy = is_quoted ? arena_new_text_n(listing->arena, bytes + 1, length - 2)
                                 : arena_new_text(listing->arena, bytes);
    text_fini(&text);
    return copy;
}

static bool is_default(struct listing *listing, const struct table *table,
                       const struct table_row *row, const char *value) {
    if (row->standard == NULL)
        return false;
    void *member = table_member(row, arena_new(listing->arena, 1, table->bytes));
    value_set_default(row, listing->arena, member);
    return strcmp(written(listing, row, member), value) == 0;
}

static void add(struct listing *listing, const struct table *table, const struct table_row *row,
                const void *base, const char *path) {
    if (listing->count == listing->max) {
        listing->max = listing->max == 0 ? 64 : 2 * listing->max;
        struct spec_input *larger =
            ARENA_NEW(listing->arena, (size_t)listing->max, struct spec_input);
        if (listing->count > 0)
            memcpy(larger, listing->inputs, (size_t)listing->count * sizeof *larger);
        listing->inputs = larger;
    }
    const char *value = written(listing, row, table_member_const(row, base));
    listing->inputs[listing->count++] =
        (struct spec_input){.path = path,
                            .value = value,
                            .doc = row->doc,
                            .is_default = is_default(listing, table, row, value)};
}

static void list_row(struct listing *listing, const struct table *table,
                     const struct table_row *row, const void *base, const char *path) {
    const char *entries;
    switch (row->kind) {
    case TABLE_FIELD:
    case TABLE_CHOICE:
        add(listing, table, row, base, path);
        return;
    case TABLE_OBJECT:
        list_object(listing, row->table, table_member_const(row, base), path);
        return;
    case TABLE_OPTIONAL:
        if (table_has_const(row, base))
            list_object(listing, row->table, table_member_const(row, base), path);
        return;
    case TABLE_MAP:
        entries = table_entries(row, base);
        for (int32_t i = 0; i < table_entries_count_const(row, base); i++) {
            const char *entry = entries + (size_t)i * row->table->bytes;
            list_object(listing, row->table, entry, below(listing, path, table_entry_name(entry)));
        }
        return;
    }
}

static void list_object(struct listing *listing, const struct table *table, const void *base,
                        const char *path) {
    for (int32_t i = 0; i < table->count; i++)
        list_row(listing, table, &table->rows[i], base,
                 below(listing, path, table_key(&table->rows[i])));
}

void spec_list_inputs(const struct spec_scenario *scenario, struct arena *arena,
                      struct spec_input **inputs, int32_t *count) {
    struct listing listing = {.arena = arena};
    list_object(&listing, &table_scenario, scenario, "");
    *inputs = listing.inputs;
    *count = listing.count;
}
