/* The page around a report: nothing that a user wrote may become markup. */
#include "cli/page.h"

#include "tests/sim/suite.h"

#include <string.h>

#define EVIL "</script><b>\"&'<!--"
#define PAGE "<title>" PAGE_TITLE "</title><body>" PAGE_BODY "<script>1</script></body>"

static struct arena arena;

static void setup(void) {
    arena_init(&arena);
}
static void teardown(void) {
    arena_fini(&arena);
}

static struct report evil(void) {
    struct report report = {.arena = &arena,
                            .scenario = EVIL,
                            .about = EVIL,
                            .verdict = EVIL,
                            .sentence = EVIL,
                            .facts = EVIL};
    struct report_part *part = report_add(&report, "one", EVIL);
    part->says = part->note = part->command = EVIL;
    report_add_column(&part->table, "name", EVIL, EVIL, false);
    REPORT_ADD_ROW(&part->table, report_words(EVIL));
    part->chart = "{\"mark\":\"bar\"}";
    report_add(&report, "two", EVIL)->missing = EVIL;
    return report;
}

static int count_of(const char *text, const char *what) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

START_TEST(no_word_of_a_user_becomes_markup_or_ends_a_script) {
    struct report report = evil();
    struct text text;
    text_init(&text);
    ck_assert(page_write(&report, PAGE, &text));
    const char *page = text_bytes(&text);
    ck_assert_ptr_null(strstr(page, "<b>"));
    ck_assert_ptr_null(strstr(page, "<!--"));
    /* the page's own script, and the chart's data block */
    ck_assert_int_eq(count_of(page, "</script>"), 2);
    ck_assert_int_eq(count_of(page, "<script"), 2);
    ck_assert_ptr_nonnull(strstr(page, "<h1>&lt;/script&gt;&lt;b&gt;&quot;&amp;&#39;&lt;!--</h1>"));
    ck_assert_ptr_nonnull(strstr(page, "\"name\":\"\\u003c/script>\\u003cb>\\\"&'\\u003c!--\""));
    text_fini(&text);
}
END_TEST

START_TEST(a_part_with_nothing_in_it_is_named_at_the_end) {
    struct report report = evil();
    struct text text;
    text_init(&text);
    ck_assert(page_write(&report, PAGE, &text));
    ck_assert_ptr_null(strstr(text_bytes(&text), "id=\"two\""));
    ck_assert(strstr(text_bytes(&text), "Not in this file") >
              strstr(text_bytes(&text), "id=\"one\""));
    text_fini(&text);
}
END_TEST

START_TEST(a_page_without_its_markers_or_with_two_is_refused) {
    static const char *const pages[] = {"",
                                        PAGE_TITLE,
                                        PAGE_BODY,
                                        PAGE_BODY PAGE_TITLE,
                                        PAGE_TITLE PAGE_BODY PAGE_BODY,
                                        PAGE_TITLE PAGE_TITLE PAGE_BODY};
    struct report report = evil();
    struct text text;
    text_init(&text);
    ck_assert(!page_write(&report, pages[_i], &text));
    text_fini(&text);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(no_word_of_a_user_becomes_markup_or_ends_a_script),
        TEST(a_part_with_nothing_in_it_is_named_at_the_end),
        LOOP_TEST(a_page_without_its_markers_or_with_two_is_refused, 6),
    };
    return suite_run_with("page", tests, COUNT_OF(tests), setup, teardown);
}
