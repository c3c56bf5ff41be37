#include "models/spec/json.h"
#include "models/spec/profile.h"
#include "models/spec/table.h"

#include "tests/sim/suite.h"

#include <string.h>

static struct arena arena;
static struct diag diag;
static struct text text;

static void set_up(void) {
    arena_init(&arena);
    diag_init(&diag);
    text_init(&text);
}

static void tear_down(void) {
    text_fini(&text);
    diag_fini(&diag);
    arena_fini(&arena);
}

static const struct json *read_schema(void) {
    struct reading reading;
    reading_init(&reading, &arena, &diag);
    spec_write_schema(&text);
    const struct json *schema = json_read(text_bytes(&text), "schema", &reading);
    ck_assert_msg(schema != NULL && diag.errors_count == 0, "%s", text_bytes(&text));
    return schema;
}

static const struct json *member(const struct json *object, const char *key) {
    const struct json *found = json_member(object, key);
    ck_assert_msg(found != NULL, "%s is not in the schema", key);
    return found;
}

static const struct json *properties_of(const struct json *schema, const struct table *table) {
    const struct json *object = schema;
    if (table != &table_scenario)
        object = member(member(schema, "$defs"), table->tag);
    ck_assert_int_eq(member(object, "additionalProperties")->kind, JSON_FALSE);
    return member(object, "properties");
}

START_TEST(every_field_is_in_the_schema_with_its_default_and_its_description) {
    set_up();
    const struct json *schema = read_schema();
    for (int32_t t = 0; t < table_all_count; t++) {
        const struct table *table = table_all[t];
        const struct json *properties = properties_of(schema, table);
        int32_t own = table == &table_scenario ? 2 : 0; /* $schema, extends */
        ck_assert_int_eq(properties->count, table->count + own);
        for (int32_t i = 0; i < table->count; i++) {
            const struct table_row *row = &table->rows[i];
            const struct json *property = member(properties, table_key(row));
            ck_assert_ptr_eq(strstr(member(property, "description")->text, row->doc),
                             member(property, "description")->text);
            if (row->standard)
                ck_assert_str_eq(member(property, "default")->text, row->standard);
        }
    }
    tear_down();
}
END_TEST

START_TEST(what_is_required_is_required_only_of_a_file_that_extends_no_other) {
    set_up();
    const struct json *schema = read_schema();
    ck_assert_str_eq(member(member(schema, "if"), "required")->first->text, "extends");
    const struct json *otherwise = member(schema, "else");
    ck_assert_str_eq(member(otherwise, "required")->first->text, "name");
    const struct json *population =
        member(member(member(otherwise, "properties"), "populations"), "additionalProperties");
    ck_assert_str_eq(member(population, "required")->first->text, "connections");
    ck_assert_ptr_null(json_member(schema, "required"));
    tear_down();
}
END_TEST

START_TEST(every_field_and_every_word_is_on_the_reference_page) {
    set_up();
    spec_write_reference(&text);
    for (int32_t t = 0; t < table_all_count; t++)
        for (int32_t i = 0; i < table_all[t]->count; i++) {
            const struct table_row *row = &table_all[t]->rows[i];
            const char *cell = arena_new_format(&arena, "| `%s` |", table_key(row));
            ck_assert_msg(strstr(text_bytes(&text), cell), "%s", cell);
            ck_assert_msg(strstr(text_bytes(&text), row->doc), "%s", row->doc);
            for (int32_t w = 0; row->choices && w < row->choices->count; w++) {
                cell = arena_new_format(&arena, "| `%s` | %s |", row->choices->items[w].word,
                                        row->choices->items[w].doc);
                ck_assert_msg(strstr(text_bytes(&text), cell), "%s", cell);
            }
        }
    tear_down();
}
END_TEST

START_TEST(every_cost_is_on_the_profile_s_page_with_unit_and_range) {
    set_up();
    profile_write_reference(&text);
    for (int32_t i = 0; i < COST_COUNT; i++) {
        enum cost cost = (enum cost)i;
        const struct profile_entry *entry = profile_assumed(cost);
        const char *assumed =
            entry ? arena_new_format(&arena, "%g, %s: %s |", entry->value,
                                     profile_source_name(entry->source), entry->note)
                  : " |";
        const char *row =
            arena_new_format(&arena, "| `%s` | %s | %g to %g | %s | %s\n", profile_cost_name(cost),
                             profile_cost_unit(cost), profile_cost_lowest(cost),
                             profile_cost_highest(cost), profile_cost_doc(cost), assumed);
        ck_assert_msg(strstr(text_bytes(&text), row), "%s", row);
    }
    tear_down();
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_field_is_in_the_schema_with_its_default_and_its_description),
        TEST(what_is_required_is_required_only_of_a_file_that_extends_no_other),
        TEST(every_field_and_every_word_is_on_the_reference_page),
        TEST(every_cost_is_on_the_profile_s_page_with_unit_and_range),
    };
    return suite_run("models/spec/docs", tests, COUNT_OF(tests));
}
