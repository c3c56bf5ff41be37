/* A scenario as canonical JSON: every field, in the order of the rows. Two scenarios that mean the
 * same give the same bytes, so what the store hashes is the meaning and not the spelling. */
#include "models/spec/spec.h"

#include "models/spec/table.h"
#include "models/spec/value.h"

static void write_object(const struct table *table, const void *base, int depth, struct text *out);

static void indent(int depth, struct text *out) {
    for (int i = 0; i < depth; i++)
        text_add(out, "  ");
}

static void write_map(const struct table_row *row, const void *base, int depth, struct text *out) {
    const char *entries = table_entries(row, base);
    int32_t count = table_entries_count_const(row, base);
    text_add(out, "{");
    for (int32_t i = 0; i < count; i++) {
        const char *entry = entries + (size_t)i * row->table->bytes;
        text_add(out, i ? ",\n" : "\n");
        indent(depth + 1, out);
        text_add_json_string(out, table_entry_name(entry));
        text_add(out, ": ");
        write_object(row->table, entry, depth + 1, out);
    }
    if (count > 0) {
        text_add(out, "\n");
        indent(depth, out);
    }
    text_add(out, "}");
}

static void write_row(const struct table_row *row, const void *base, int depth, struct text *out) {
    const void *member = table_member_const(row, base);
    switch (row->kind) {
    case TABLE_FIELD:
    case TABLE_CHOICE:
        value_write(row, member, out);
        return;
    case TABLE_OBJECT:
    case TABLE_OPTIONAL:
        write_object(row->table, member, depth, out);
        return;
    case TABLE_MAP:
        write_map(row, base, depth, out);
        return;
    }
}

static void write_object(const struct table *table, const void *base, int depth, struct text *out) {
    const char *between = "\n";
    text_add(out, "{");
    for (int32_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        if (row->kind == TABLE_OPTIONAL && !table_has_const(row, base))
            continue;
        text_add(out, between);
        between = ",\n";
        indent(depth + 1, out);
        text_addf(out, "\"%s\": ", table_key(row));
        write_row(row, base, depth + 1, out);
    }
    text_add(out, "\n");
    indent(depth, out);
    text_add(out, "}");
}

void spec_write(const struct spec_scenario *scenario, struct text *out) {
    write_object(&table_scenario, scenario, 0, out);
    text_add(out, "\n");
}
