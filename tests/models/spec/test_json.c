/* The reader of JSON: places, limits, and agreement with cJSON, an independent parser, on texts
 * made at random. */
#include "models/spec/json.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct diag diag;

static void set_up(void) {
    arena_init(&arena);
    diag_init(&diag);
}

static void tear_down(void) {
    diag_fini(&diag);
    arena_fini(&arena);
}

static struct json *read_text(const char *text) {
    struct reading reading;
    reading_init(&reading, &arena, &diag);
    return json_read(text, "t.json", &reading);
}

static void assert_place(struct diag_place place, int32_t line, int32_t column) {
    ck_assert_int_eq(place.line, line);
    ck_assert_int_eq(place.column, column);
}

START_TEST(every_key_and_value_knows_its_line_and_column) {
    set_up();
    const struct json *root = read_text("\xef\xbb\xbf// a mark, a comment\r\n"
                                        "{ /* one\n two */ \"a\" :\t[true,\n"
                                        "   \"\xc3\xa9\", -2.5e3],\r\n"
                                        "\"b\":{}}\n");
    ck_assert_ptr_nonnull(root);
    assert_place(json_place(root, &diag), 2, 1);
    const struct json *a = json_member(root, "a"), *b = json_member(root, "b");
    assert_place(json_key_place(a, &diag), 3, 9);
    assert_place(json_place(a, &diag), 3, 15);
    assert_place(json_place(a->first, &diag), 3, 16);
    assert_place(json_place(a->first->next, &diag), 4, 4);
    assert_place(json_place(a->first->next->next, &diag), 4,
                 10); /* columns count bytes: e acute has two */
    assert_place(json_key_place(b, &diag), 5, 1);
    assert_place(json_place(b, &diag), 5, 5);
    ck_assert_str_eq(json_place(b, &diag).line_text, "\"b\":{}}");
    tear_down();
}
END_TEST

START_TEST(numbers_stay_as_written_and_strings_are_decoded) {
    set_up();
    const struct json *root =
        read_text("{\"n\": 18446744073709551615, \"s\": "
                  "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"}");
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_member(root, "n")->text, "18446744073709551615");
    ck_assert_str_eq(json_member(root, "s")->text,
                     "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    tear_down();
}
END_TEST

START_TEST(of_a_key_given_twice_the_first_stands_and_both_places_are_said) {
    set_up();
    const struct json *root = read_text("{\"a\": 1,\n \"A\": 2, \"a\": 3}");
    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(root->count, 2);
    ck_assert_str_eq(json_member(root, "a")->text, "1");
    ck_assert_str_eq(json_member(root, "A")->text, "2");
    ck_assert_int_eq(diag.errors_count, 1);
    assert_place(diag.items[0].place, 2, 10);
    ck_assert_str_eq(diag.items[0].message,
                     "\"a\" is given twice; the first is in line 1, column 2");
    tear_down();
}
END_TEST

/* {"a":{"a": ... 1}} of `depth` objects */
static struct text nested_new(int depth) {
    struct text text;
    text_init(&text);
    for (int i = 0; i < depth; i++)
        text_add(&text, "{\"a\":");
    text_add(&text, "1");
    for (int i = 0; i < depth; i++)
        text_add(&text, "}");
    return text;
}

START_TEST(objects_nest_up_to_the_limit_and_no_deeper) {
    for (int over = 0; over <= 1; over++) {
        set_up();
        struct text text = nested_new(JSON_DEPTH_MAX + over);
        ck_assert_int_eq(read_text(text_bytes(&text)) != NULL, over == 0);
        if (over)
            ck_assert_str_eq(diag.items[0].message, "nested deeper than 32 lists and objects");
        text_fini(&text);
        tear_down();
    }
}
END_TEST

START_TEST(an_object_has_members_up_to_the_limit_and_no_more) {
    for (int over = 0; over <= 1; over++) {
        set_up();
        struct text text;
        text_init(&text);
        for (int i = 0; i < JSON_MEMBERS_MAX + over; i++)
            text_addf(&text, "%s\"k%d\":1", i ? "," : "{", i);
        text_add(&text, "}");
        ck_assert_int_eq(read_text(text_bytes(&text)) != NULL, over == 0);
        if (over)
            ck_assert_str_eq(diag.items[0].message, "an object of more than 1000 members");
        text_fini(&text);
        tear_down();
    }
}
END_TEST

START_TEST(a_file_has_bytes_up_to_the_limit_and_no_more) {
    for (int over = 0; over <= 1; over++) {
        set_up();
        size_t length = JSON_BYTES_MAX + (size_t)over;
        char *text = malloc(length + 1);
        ck_assert_ptr_nonnull(text);
        memset(text, ' ', length);
        memcpy(text, "{}", 2);
        text[length] = '\0';
        ck_assert_int_eq(read_text(text) != NULL, over == 0);
        if (over)
            ck_assert_str_eq(diag.items[0].message,
                             "the file has 1048577 bytes; at most 1048576 are read");
        free(text);
        tear_down();
    }
}
END_TEST

START_TEST(a_megabyte_of_mistakes_is_answered_at_once) {
    set_up();
    struct text text; /* every member of every object twice: the dearest search there is */
    text_init(&text);
    text_add(&text, "{");
    for (int object = 0; text.length < JSON_BYTES_MAX - 20000; object++) {
        text_addf(&text, "%s\"o%d\":{", object ? "," : "", object);
        for (int i = 0; i < JSON_MEMBERS_MAX; i++)
            text_addf(&text, "%s\"k%d\":1", i ? "," : "", i / 2);
        text_add(&text, "}");
    }
    text_add(&text, "}");
    ck_assert_ptr_nonnull(
        read_text(text_bytes(&text))); /* the test's time limit is the assertion */
    ck_assert_int_eq(diag.items_count, DIAG_MAX);
    ck_assert_int_gt(diag.errors_count, 40000);
    text_fini(&text);
    tear_down();
}
END_TEST

START_TEST(the_value_of_a_setting_has_no_line_and_says_the_character) {
    const struct diag_place place = {.file = "--set"};
    set_up();
    struct reading reading;
    reading_init(&reading, &arena, &diag);
    ck_assert_ptr_null(json_read_setting("{\"a\": 1,}", place, &reading));
    ck_assert_int_eq(diag.items[0].place.line, 0);
    ck_assert_str_eq(diag.items[0].place.file, "--set");
    ck_assert_str_eq(
        diag.items[0].message,
        "a comma after the last value; remove it, at character 8 of \"{\\\"a\\\": 1,}\"");
    tear_down();
}
END_TEST

/* ---- cJSON as an oracle */

static bool same(const struct json *ours, const cJSON *theirs) {
    if (ours->key && strcmp(ours->key, theirs->string) != 0)
        return false;
    switch (ours->kind) {
    case JSON_NULL:
        return cJSON_IsNull(theirs);
    case JSON_FALSE:
        return cJSON_IsFalse(theirs);
    case JSON_TRUE:
        return cJSON_IsTrue(theirs);
    case JSON_NUMBER:
        return cJSON_IsNumber(theirs) && strtod(ours->text, NULL) == theirs->valuedouble;
    case JSON_STRING:
        return cJSON_IsString(theirs) && strcmp(ours->text, theirs->valuestring) == 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    if (!(ours->kind == JSON_ARRAY ? cJSON_IsArray(theirs) : cJSON_IsObject(theirs)))
        return false;
    const cJSON *their_child = theirs->child;
    for (const struct json *child = ours->first; child; child = child->next) {
        if (!their_child || !same(child, their_child))
            return false;
        their_child = their_child->next;
    }
    return their_child == NULL;
}

static void add_random_string(struct rng *rng, struct text *text) {
    static const char *const pieces[] = {
        "a",   "Z",       " ",       "\\n",      "\\\"",           "\\\\",
        "\\/", "\\u0041", "\\u20ac", "\xc3\xa9", "\\ud83d\\ude00", "{",
        "//",  "]"};
    text_add(text, "\"");
    for (uint64_t i = rng_below(rng, 6); i > 0; i--)
        text_add(text, pieces[rng_below(rng, COUNT_OF(pieces))]);
    text_add(text, "\"");
}

static void add_random_value(struct rng *rng, int depth, struct text *text);

static void add_random_children(struct rng *rng, int depth, bool is_object, struct text *text) {
    static const char *const blanks[] = {"", " ", "\n", "\t", "\r\n"};
    uint64_t count = rng_below(rng, 5);
    text_add(text, is_object ? "{" : "[");
    for (uint64_t i = 0; i < count; i++) {
        text_addf(text, "%s%s", i ? "," : "", blanks[rng_below(rng, COUNT_OF(blanks))]);
        if (is_object)
            text_addf(text, "\"k%d%d\"%s:", (int)i, (int)rng_below(rng, 9),
                      blanks[rng_below(rng, 5)]);
        add_random_value(rng, depth + 1, text);
        text_add(text, blanks[rng_below(rng, COUNT_OF(blanks))]);
    }
    text_add(text, is_object ? "}" : "]");
}

static void add_random_value(struct rng *rng, int depth, struct text *text) {
    static const char *const scalars[] = {"null", "true",  "false",  "0",
                                          "-1",   "2.385", "1e3",    "1E-2",
                                          "-0",   "1e+2",  "9.75e0", "12345678901234567890"};
    uint64_t kind = depth == 0 ? 0 : rng_below(rng, depth < 5 ? 4 : 2) + (depth < 5 ? 0 : 2);
    if (kind < 2)
        add_random_children(rng, depth, kind == 0, text);
    else if (kind == 2)
        text_add(text, scalars[rng_below(rng, COUNT_OF(scalars))]);
    else
        add_random_string(rng, text);
}

START_TEST(cjson_reads_the_same_from_ten_thousand_texts) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 2385});
    for (int round = 0; round < 10000; round++) {
        struct text text;
        text_init(&text);
        add_random_value(&rng, 0, &text);
        set_up();
        const struct json *ours = read_text(text_bytes(&text));
        cJSON *theirs = cJSON_ParseWithOpts(text_bytes(&text), NULL, 1);
        bool is_same = ours && theirs && same(ours, theirs);
        if (!is_same)
            ck_abort_msg("%s", text_bytes(&text));
        cJSON_Delete(theirs);
        tear_down();
        text_fini(&text);
    }
}
END_TEST

/* cJSON forgives more than RFC 8259 does, so of broken texts it is asked one way only: what it
 * refuses is refused here. */
START_TEST(what_cjson_refuses_is_refused_here) {
    static const char letters[] = "{}[],:\"\\0-1.e+utrfn /*x\xc3\n";
    struct rng rng;
    int refused = 0;
    rng_init(&rng, (struct rng_name){.seed = 1919});
    for (int round = 0; round < 20000; round++) {
        struct text text;
        text_init(&text);
        add_random_value(&rng, 0, &text);
        for (uint64_t i = rng_below(&rng, 2) + 1; i > 0; i--)
            text.bytes[rng_below(&rng, text.length)] = letters[rng_below(&rng, sizeof letters - 1)];
        bool has_comment = strstr(text_bytes(&text), "//") || strstr(text_bytes(&text), "/*");
        set_up();
        const struct json *ours = read_text(text_bytes(&text));
        cJSON *theirs = cJSON_ParseWithOpts(text_bytes(&text), NULL, 1);
        if (ours && !theirs && !has_comment)
            ck_abort_msg("%s", text_bytes(&text));
        if (ours && theirs && diag.errors_count == 0 && !has_comment && !same(ours, theirs))
            ck_abort_msg("read differently: %s", text_bytes(&text));
        ck_assert_int_eq(ours == NULL && diag.errors_count == 0, 0);
        refused += theirs == NULL;
        cJSON_Delete(theirs);
        tear_down();
        text_fini(&text);
    }
    ck_assert_int_gt(refused, 5000); /* the texts were broken */
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_key_and_value_knows_its_line_and_column),
        TEST(numbers_stay_as_written_and_strings_are_decoded),
        TEST(of_a_key_given_twice_the_first_stands_and_both_places_are_said),
        TEST(objects_nest_up_to_the_limit_and_no_deeper),
        TEST(an_object_has_members_up_to_the_limit_and_no_more),
        TEST(a_file_has_bytes_up_to_the_limit_and_no_more),
        TEST(a_megabyte_of_mistakes_is_answered_at_once),
        TEST(the_value_of_a_setting_has_no_line_and_says_the_character),
        TEST(cjson_reads_the_same_from_ten_thousand_texts),
        TEST(what_cjson_refuses_is_refused_here),
    };
    return suite_run("models/spec/json", tests, COUNT_OF(tests));
}
