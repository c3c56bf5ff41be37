/* The study file: what it may hold, and the whole message of each slip. */
#include "models/spec/table.h"
#include "models/spec/value.h"
#include "tests/models/spec/fixture.h"

struct read {
    struct arena arena;
    struct diag diag;
    struct spec_study study;
    struct text messages;
    bool is_good;
};

static void read_init(struct read *read, const char *text) {
    arena_init(&read->arena);
    diag_init(&read->diag);
    text_init(&read->messages);
    read->is_good = spec_parse_study(&read->study, text, "study.json", &read->arena, &read->diag);
    for (int32_t i = 0; i < read->diag.items_count; i++) {
        const struct diag_item *item = &read->diag.items[i];
        text_addf(&read->messages, "%d:%d: %s\n", item->place.line, item->place.column,
                  item->message);
    }
}

static void read_fini(struct read *read) {
    text_fini(&read->messages);
    diag_fini(&read->diag);
    arena_fini(&read->arena);
}

START_TEST(every_field_of_a_study_is_read) {
    struct read read;
    read_init(&read,
              "{ \"$schema\": \"x\", \"name\": \"caps\", \"scenario\": \"lobby.json\",\n"
              "  \"axes\": { \"size\": { \"field\": \"rooms.r.size.constant\", \"values\": "
              "[5, 10.50, {\"b\": [true, null, false]}] },\n"
              "    \"limit\": { \"field\": \"l\", \"from\": \"1KiB\", \"to\": 7, \"steps\": 9, "
              "\"spacing\": \"log\", \"with\": \"size\" } },\n"
              "  \"where\": \"size < 3\", \"seeds\": [1, \"18446744073709551615\"],\n"
              "  \"repeat\": 4, \"design\": \"sobol\", \"points\": 17, \"draw\": 2385 }");
    ck_assert_msg(read.is_good, "%s", text_bytes(&read.messages));
    const struct spec_axis *size = &read.study.axes[0], *limit = &read.study.axes[1];
    ck_assert_int_eq(size->values.count, 3);
    ck_assert_str_eq(size->values.items[1].text, "10.50"); /* as written */
    ck_assert_str_eq(size->values.items[2].text, "{\"b\": [true, null, false]}");
    ck_assert_int_eq(size->values.items[1].place.line, 2);
    ck_assert_int_eq(size->values.items[1].place.column, 71);
    ck_assert_str_eq(limit->from.text, "\"1KiB\"");
    ck_assert_str_eq(limit->from.shown, "1KiB");
    ck_assert_int_eq(limit->steps, 9);
    ck_assert_int_eq(limit->spacing, SPEC_LOG);
    ck_assert_str_eq(read.study.where.items[0].shown, "size < 3");
    ck_assert_int_eq(read.study.seeds.count, 2);
    ck_assert(read.study.seeds.items[1] == UINT64_MAX);
    ck_assert_int_eq(read.study.repeat, 4);
    ck_assert_int_eq(read.study.design, SPEC_SOBOL);
    ck_assert_int_eq(read.study.points, 17);
    ck_assert_int_eq((int)read.study.draw, 2385);
    read_fini(&read);
}
END_TEST

START_TEST(what_is_left_out_has_its_default) {
    struct read read;
    read_init(&read, "{ \"name\": \"caps\", \"scenario\": \"lobby.json\" }");
    ck_assert(read.is_good);
    ck_assert_int_eq(read.study.axes_count, 0);
    ck_assert_int_eq(read.study.where.count, 0);
    ck_assert_int_eq(read.study.seeds.count, 0);
    ck_assert_int_eq(read.study.repeat, 1);
    ck_assert_int_eq(read.study.design, SPEC_PRODUCT);
    read_fini(&read);
}
END_TEST

START_TEST(every_mistake_in_a_study_has_its_place_and_the_nearest_name) {
    struct read read;
    read_init(&read, "{ \"name\": \"caps\", \"scenaro\": \"lobby.json\",\n"
                     "  \"axes\": { \"size\": { \"values\": [], \"spacing\": \"lg\" } },\n"
                     "  \"where\": [\"\", 3], \"seeds\": [-1], \"repeat\": 0 }");
    ck_assert(!read.is_good);
    ck_assert_str_eq(
        text_bytes(&read.messages),
        "1:19: \"scenaro\" is not a field here; did you mean \"scenario\"?\n"
        "2:33: axes.size.values: a list is not possible here; expected a list of 1 to 1000 values "
        "in [ ]\n"
        "2:48: axes.size.spacing: \"lg\" is not possible here; did you mean \"log\"?\n"
        "3:13: where[0]: \"\" is not possible here; expected text in double quotes, or a list of "
        "such in [ ]\n"
        "3:17: where[1]: 3 is not possible here; expected text in double quotes, or a list of such "
        "in [ ]\n"
        "3:31: seeds[0]: -1 is not a seed; expected a whole number from 0 to 18446744073709551615, "
        "as a number or in quotes\n"
        "3:46: repeat: 0 is out of range; expected 1 to 100000\n"
        "1:1: \"scenario\" is missing; expected text in double quotes\n"
        "2:13: axes.size: \"field\" is missing; expected a --set path: a number, or text in double "
        "quotes\n");
    read_fini(&read);
}
END_TEST

START_TEST(a_mistake_in_a_setting_of_a_study_stands_where_the_study_wrote_it) {
    static const struct spec_setting settings[] = {{"nodes.gateway.workers", "\"0\""},
                                                   {"nodes.gatway.workers", "2"},
                                                   {"rooms.halls.size.constant", "500"}};
    static const struct spec_setting_place places[] = {
        {{.file = "s.json", .line = 3, .column = 4}, {.file = "s.json", .line = 3, .column = 9}},
        {{.file = "s.json", .line = 5, .column = 6}, {.file = "s.json", .line = 5, .column = 8}},
        {{.file = "s.json", .line = 7, .column = 1}, {.file = "s.json", .line = 7, .column = 2}}};
    struct parsed parsed;
    parsed_init_with(&parsed, DEMO,
                     &(struct spec_options){.file = "demo.json",
                                            .settings = settings,
                                            .settings_places = places,
                                            .settings_count = 3});
    ck_assert_str_eq(
        text_bytes(&parsed.messages),
        "s.json:3:9: nodes.gateway.workers: \"0\" is text, not a number; write 0 without the "
        "quotes\n"
        "s.json:5:6: nodes: \"gatway\" is not an entry here; did you mean \"gateway\"?\n"
        "s.json:7:2: rooms.halls.size: a room of 500 members (the mean) is larger than the "
        "100 clients of its members\n");
    parsed_fini(&parsed);
}
END_TEST

static void check_written(const struct table *table, const char *key, const void *member,
                          const char *expected) {
    struct text text;
    text_init(&text);
    value_write(table_find(table, key), member, &text);
    ck_assert_str_eq(text_bytes(&text), expected);
    text_fini(&text);
}

START_TEST(what_is_written_of_a_study_s_lists_parses_back) {
    struct read read;
    read_init(&read,
              "{ \"name\": \"n\", \"scenario\": \"s\", \"where\": [\"a<b\", \"c\"], \"seeds\": "
              "[3, \"9007199254740993\"], \"axes\": {\"x\": {\"field\": \"f\", \"values\": "
              "[\"1s\", 2]}} }");
    ck_assert(read.is_good);
    check_written(&table_study, "where", &read.study.where, "[\"a<b\", \"c\"]");
    check_written(&table_study, "seeds", &read.study.seeds, "[3, \"9007199254740993\"]");
    const struct table *axis = table_study_all[0];
    check_written(axis, "values", &read.study.axes[0].values, "[\"1s\", 2]");
    check_written(axis, "field", &read.study.axes[0].field, "\"f\"");
    check_written(axis, "from", &read.study.axes[0].from, "\"\"");
    read_fini(&read);
}
END_TEST

START_TEST(the_study_s_schema_and_page_have_every_field) {
    struct arena arena;
    struct diag diag;
    struct text schema, page;
    struct reading reading;
    arena_init(&arena);
    diag_init(&diag);
    text_init(&schema);
    text_init(&page);
    spec_write_study_schema(&schema);
    spec_write_study_reference(&page);
    reading_init(&reading, &arena, &diag);
    const struct json *json = json_read(text_bytes(&schema), "schema", &reading);
    ck_assert(json != NULL && diag.errors_count == 0);
    const struct json *own = json_member(json, "properties");
    const struct json *axis =
        json_member(json_member(json_member(json, "$defs"), "axis"), "properties");
    ck_assert_int_eq(own->count, table_study.count + 1); /* $schema */
    for (int32_t t = 0; t < table_study_all_count; t++)
        for (int32_t i = 0; i < table_study_all[t]->count; i++) {
            const struct table_row *row = &table_study_all[t]->rows[i];
            ck_assert_ptr_nonnull(
                json_member(table_study_all[t] == &table_study ? own : axis, table_key(row)));
            ck_assert_ptr_nonnull(strstr(text_bytes(&page), row->doc));
        }
    ck_assert_ptr_null(strstr(text_bytes(&page), "used by"));
    text_fini(&page);
    text_fini(&schema);
    diag_fini(&diag);
    arena_fini(&arena);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_field_of_a_study_is_read),
        TEST(what_is_left_out_has_its_default),
        TEST(every_mistake_in_a_study_has_its_place_and_the_nearest_name),
        TEST(a_mistake_in_a_setting_of_a_study_stands_where_the_study_wrote_it),
        TEST(what_is_written_of_a_study_s_lists_parses_back),
        TEST(the_study_s_schema_and_page_have_every_field),
    };
    return suite_run("models/spec/study", tests, COUNT_OF(tests));
}
