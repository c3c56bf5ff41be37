#include "sim/base/text.h"

#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

START_TEST(a_text_grows_and_is_always_terminated) {
    struct text text;
    text_init(&text);
    ck_assert_str_eq(text_bytes(&text), "");
    for (int32_t i = 0; i < 10000; i++) {
        text_addf(&text, "%d,", i);
        ck_assert_uint_eq(strlen(text.bytes), text.length);
    }
    ck_assert_str_eq(text.bytes + text.length - 10, "9998,9999,");
    text_clear(&text);
    ck_assert_str_eq(text_bytes(&text), "");
    text_add_n(&text, "abcdef", 3);
    text_add(&text, "!");
    ck_assert_str_eq(text_bytes(&text), "abc!");
    text_fini(&text);
    ck_assert_str_eq(text_bytes(&text), "");
}
END_TEST

static void assert_json(const char *bytes, const char *expected) {
    struct text text;
    text_init(&text);
    text_add_json_string(&text, bytes);
    ck_assert_str_eq(text_bytes(&text), expected);
    text_fini(&text);
}

START_TEST(json_strings_are_escaped) {
    assert_json("", "\"\"");
    assert_json("a \"b\" \\ /\n\t\r\b\f", "\"a \\\"b\\\" \\\\ /\\n\\t\\r\\b\\f\"");
    assert_json("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
    assert_json("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
                "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
}
END_TEST

START_TEST(text_of_a_page_cannot_become_markup) {
    struct text text;
    text_init(&text);
    text_add_escaped(&text, "");
    text_add_escaped(&text, "a<b>&\"c' ");
    text_add_escaped(&text, "&");
    ck_assert_str_eq(text_bytes(&text), "a&lt;b&gt;&amp;&quot;c&#39; &amp;");
    text_fini(&text);
}
END_TEST

#define REPLACED "\xef\xbf\xbd"

START_TEST(invalid_utf8_becomes_the_replacement_character) {
    assert_json("a\xff", "\"a" REPLACED "\"");
    assert_json("\xc3", "\"" REPLACED "\"");                           /* cut short */
    assert_json("\xc0\xaf", "\"" REPLACED REPLACED "\"");              /* overlong '/' */
    assert_json("\xe0\x80\xaf", "\"" REPLACED REPLACED REPLACED "\""); /* overlong '/' */
    assert_json("\xed\xa0\x80", "\"" REPLACED REPLACED REPLACED "\""); /* a surrogate */
    assert_json("\xf4\x90\x80\x80", "\"" REPLACED REPLACED REPLACED REPLACED "\""); /* U+110000 */
    assert_json("\xe2\x82x", "\"" REPLACED REPLACED "x\"");
}
END_TEST

START_TEST(the_distance_counts_edits_and_swaps_without_case) {
    ck_assert_int_eq(text_distance("", ""), 0);
    ck_assert_int_eq(text_distance("", "rate"), 4);
    ck_assert_int_eq(text_distance("rate", "RATE"), 0);
    ck_assert_int_eq(text_distance("raet", "rate"), 1);
    ck_assert_int_eq(text_distance("kitten", "sitting"), 3); /* the classic example */
    ck_assert_int_eq(text_distance("ca", "abc"),
                     3); /* restricted: 2 if a swap could be edited again */
    ck_assert_int_eq(text_distance("conections", "connections"), 1);
}
END_TEST

START_TEST(only_64_bytes_are_looked_at) {
    char a[200], b[200];
    memset(a, 'a', 199);
    memset(b, 'a', 199);
    a[199] = b[199] = '\0';
    b[63] = 'b';
    ck_assert_int_eq(text_distance(a, b), 1);
    b[63] = 'a';
    b[64] = 'b';
    ck_assert_int_eq(text_distance(a, b), 0);
}
END_TEST

START_TEST(the_nearest_name_is_suggested_if_it_is_near) {
    const char *const names[] = {"workers", "count", "open_files", "send_queue", "mount"};
    ck_assert_str_eq(text_nearest("wokers", names, COUNT_OF(names)), "workers");
    ck_assert_str_eq(text_nearest("openfiles", names, COUNT_OF(names)), "open_files");
    ck_assert_str_eq(text_nearest("dount", names, COUNT_OF(names)),
                     "count"); /* a tie: the earlier */
    ck_assert_ptr_null(text_nearest("latency", names, COUNT_OF(names)));
    ck_assert_ptr_null(text_nearest("x", names, 0));
    const char *const six[] = {"abcdef"}; /* a third of six is two */
    ck_assert_ptr_nonnull(text_nearest("abcdxx", six, 1));
    ck_assert_ptr_null(text_nearest("abcxxx", six, 1));
}
END_TEST

START_TEST(a_number_is_said_as_people_read_it) {
    static const struct {
        double value;
        const char *said;
    } cases[] = {{1234567.4, "1,234,567"}, {1000, "1,000"},
                 {999.7, "1e+03"},         {12.34, "12.3"},
                 {0.001234, "0.00123"},    {0, "0"},
                 {-1234, "-1,234"},        {NAN, "-"},
                 {INFINITY, "unlimited"},  {-INFINITY, "-unlimited"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[48];
        text_say_number(cases[i].value, text, sizeof text);
        ck_assert_str_eq(text, cases[i].said);
    }
    char small[6];
    text_say_number(1e300, small, sizeof small); /* cut, never beyond the end */
    ck_assert_uint_lt(strlen(small), sizeof small);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(a_text_grows_and_is_always_terminated),
    TEST(json_strings_are_escaped),
    TEST(text_of_a_page_cannot_become_markup),
    TEST(invalid_utf8_becomes_the_replacement_character),
    TEST(the_distance_counts_edits_and_swaps_without_case),
    TEST(only_64_bytes_are_looked_at),
    TEST(the_nearest_name_is_suggested_if_it_is_near),
    TEST(a_number_is_said_as_people_read_it),
};

int main(void) {
    return suite_run("text", tests, COUNT_OF(tests));
}
