/* The JSON Schema (2020-12) of a scenario file: for editors that complete and underline while
 * somebody types.
 *
 * One definition per table, one property per row, so it says what the parser says. It says less
 * where a schema cannot know: what two fields mean together, and units beyond their spelling (that
 * 1 us is below a lowest of 10 us). A file that `extends` another may leave anything out, so what
 * is required is required only of a file that does not. */
#include "models/spec/table.h"
#include "models/spec/value.h"

static void write_default(const struct table_row *row, struct text *out) {
    bool is_number =
        row->kind == TABLE_FIELD && !value_is_text(row) && json_is_number(row->standard);
    text_add(out, ", \"default\": ");
    if (is_number)
        text_add(out, row->standard);
    else
        text_add_json_string(out, row->standard);
}

/* The row's doc, and what else a reader should see on hovering over it. */
static void write_description(const struct table_row *row, struct text *out) {
    static const char *const audience[] = {[SPEC_BOTH] = "",
                                           [SPEC_SIM] = " [simulator only]",
                                           [SPEC_REAL] = " [real pair only]",
                                           [SPEC_PLAN] = " [plan and gate only]"};
    struct text description;
    text_init(&description);
    text_add(&description, row->doc);
    bool is_value = row->kind == TABLE_FIELD || row->kind == TABLE_CHOICE;
    if (is_value && row->lowest[0])
        text_addf(&description, " (%s to %s)", row->lowest, row->highest);
    if (is_value)
        text_add(&description, audience[row->used_by]);
    text_add(out, "\"description\": ");
    text_add_json_string(out, text_bytes(&description));
    text_fini(&description);
}

static void write_property(const struct table_row *row, struct text *out) {
    text_addf(out, "\"%s\": {", table_key(row));
    write_description(row, out);
    text_add(out, ", ");
    switch (row->kind) {
    case TABLE_FIELD:
    case TABLE_CHOICE:
        value_schema(row, out);
        if (row->standard)
            write_default(row, out);
        break;
    case TABLE_OBJECT:
        text_addf(out, "\"$ref\": \"#/$defs/%s\"", row->table->tag);
        break;
    case TABLE_OPTIONAL: /* null takes away what "extends" brought */
        text_addf(out, "\"anyOf\": [{\"$ref\": \"#/$defs/%s\"}, {\"type\": \"null\"}]",
                  row->table->tag);
        break;
    case TABLE_MAP:
        text_addf(out,
                  "\"type\": \"object\", \"maxProperties\": %d, \"propertyNames\": {\"pattern\": "
                  "\"^[A-Za-z0-9_.-]{1,64}$\"}, \"additionalProperties\": {\"anyOf\": "
                  "[{\"$ref\": \"#/$defs/%s\"}, {\"type\": \"null\"}]}",
                  row->entries_max, row->table->tag);
        break;
    }
    text_add(out, "}");
}

static void write_properties(const struct table *table, const char *indent, struct text *out) {
    for (int32_t i = 0; i < table->count; i++) {
        text_add(out, indent);
        write_property(&table->rows[i], out);
        text_add(out, i == table->count - 1 ? "\n" : ",\n");
    }
}

static bool is_required(const struct table_row *row) {
    bool is_value = row->kind == TABLE_FIELD || row->kind == TABLE_CHOICE;
    return is_value && !row->standard;
}

static bool requires_something(const struct table *table) {
    for (int32_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        if (is_required(row) || (row->table && requires_something(row->table)))
            return true;
    }
    return false;
}

static void write_required_names(const struct table *table, struct text *out) {
    bool is_first = true;
    text_add(out, "\"required\": [");
    for (int32_t i = 0; i < table->count; i++)
        if (is_required(&table->rows[i])) {
            text_addf(out, "%s\"%s\"", is_first ? "" : ", ", table_key(&table->rows[i]));
            is_first = false;
        }
    text_add(out, "]");
}

/* {"required": [...], "properties": {...}} of a table, as far down as anything is required. */
static void write_required_within(const struct table *table, struct text *out) {
    bool is_first = true;
    text_add(out, "{");
    write_required_names(table, out);
    text_add(out, ", \"properties\": {");
    for (int32_t i = 0; i < table->count; i++) {
        const struct table_row *row = &table->rows[i];
        if (!row->table || !requires_something(row->table))
            continue;
        text_addf(out, "%s\"%s\": ", is_first ? "" : ", ", table_key(row));
        text_add(out, row->kind == TABLE_MAP ? "{\"additionalProperties\": " : "");
        write_required_within(row->table, out);
        text_add(out, row->kind == TABLE_MAP ? "}" : "");
        is_first = false;
    }
    text_add(out, "}}");
}

/* The last of `tables` is the file itself. */
static void write_definitions(const struct table *const *tables, int32_t count, struct text *out) {
    text_add(out, "  \"$defs\": {\n");
    bool is_first = true;
    for (int32_t i = 0; i < count - 1; i++) {
        const struct table *table = tables[i];
        text_addf(out,
                  "%s    \"%s\": {\n      \"title\": \"%s\", \"type\": \"object\", "
                  "\"additionalProperties\": false,\n      \"properties\": {\n",
                  is_first ? "" : ",\n", table->tag, table->title);
        write_properties(table, "        ", out);
        text_add(out, "      }\n    }");
        is_first = false;
    }
    text_add(out, "\n  }\n");
}

static void write_head(const char *title, struct text *out) {
    text_addf(out,
              "{\n"
              "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
              "  \"title\": \"%s\",\n"
              "  \"type\": \"object\", \"additionalProperties\": false,\n"
              "  \"properties\": {\n"
              "    \"$schema\": {\"description\": \"for editors; ignored\", \"type\": "
              "\"string\"},\n",
              title);
}

void spec_write_schema(struct text *out) {
    write_head("a Headroom scenario", out);
    text_add(
        out,
        "    \"extends\": {\"description\": \"path of a scenario, from this file's folder, that "
        "this one changes\", \"type\": \"string\", \"minLength\": 1},\n");
    write_properties(&table_scenario, "    ", out);
    text_add(out, "  },\n  \"if\": {\"required\": [\"extends\"]},\n  \"else\": ");
    write_required_within(&table_scenario, out);
    text_add(out, ",\n");
    write_definitions(table_all, table_all_count, out);
    text_add(out, "}\n");
}

void spec_write_study_schema(struct text *out) {
    write_head("a Headroom study", out);
    write_properties(&table_study, "    ", out);
    text_add(out, "  },\n  \"allOf\": [");
    write_required_within(&table_study, out);
    text_add(out, "],\n");
    write_definitions(table_study_all, table_study_all_count, out);
    text_add(out, "}\n");
}
