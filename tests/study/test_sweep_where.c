/* Constraints: what holds, and what is refused with which words. */
#include "study/sweep_where.h"

#include "tests/sim/suite.h"

static const char *const names[] = {"size", "limit", "policy", "big-room", "rate"};

/* size 100, limit 64KiB, policy close, big-room 2.385, rate 2/s per room; "?" before a message. */
static const char *judged(const char *expression) {
    static struct sweep_where_error error;
    struct sweep_quantity size = sweep_quantity_of("100"), limit = sweep_quantity_of("64KiB"),
                          policy = sweep_quantity_of("close"), big = sweep_quantity_of("2.385"),
                          rate = sweep_quantity_of("2/s per room");
    const struct sweep_quantity *const values[] = {&size, &limit, &policy, &big, &rate};
    struct arena arena;
    arena_init(&arena);
    const struct sweep_where *where =
        sweep_where_new(expression, names, COUNT_OF(names), &arena, &error);
    bool is_wrong = true;
    bool holds = where && sweep_where_holds(where, values, &is_wrong, &error);
    arena_fini(&arena);
    return is_wrong ? error.text : holds ? "yes" : "no";
}

static const struct {
    const char *expression, *judged;
} rows[] = {
    {"size = 100", "yes"},
    {"size == 100 and size != 101", "yes"},
    {"size < 100", "no"},
    {"size <= 100", "yes"},
    {"size > 100 or size >= 100", "yes"},
    {"not size > 100", "yes"},
    {"not (size > 99 and size < 101)", "no"},
    {"size > 1 and size > 200 or size > 50", "yes"}, /* and before or */
    {"size > 1 and (size > 200 or size > 150)", "no"},
    {"2 + 3 * 4 = 14", "yes"},
    {"100 - 10 - 1 = 89", "yes"}, /* from the left */
    {"-size + 101 = 1", "yes"},
    {"size / 3 > 33.3", "yes"},
    {"1e2 = size", "yes"},
    {"limit = 65536B", "yes"},
    {"limit < 0.1MiB", "yes"},
    {"limit * 2 <= 128KiB", "yes"},
    {"limit / 1KiB = 64", "yes"},
    {"limit < 'unlimited'", "yes"},
    {"limit + 1KiB = 65KiB", "yes"},
    {"policy = 'close'", "yes"},
    {"policy != \"drop_oldest\"", "yes"},
    {"policy = 3", "no"},
    {"big-room < 3", "yes"}, /* one name */
    {"size - big-room > 97", "yes"},
    {"rate = '2/s per room'", "yes"},
    {"rate <= '120/min per room'", "yes"},
    {"1h30min = 90min", "yes"},
    {"2/s = 120/min", "yes"},
    {"limit < 10ms", "\"<\" does not go between an amount of bytes and a time"},
    {"rate < 3/s", "\"<\" does not go between a pace and a rate"},
    {"limit * limit > 1", "\"*\" does not go between an amount of bytes and an amount of bytes"},
    {"policy < 'd'", "\"<\" does not go between a word and a word"},
    {"size", "is a plain number; expected a comparison"},
    {"size and 3 < 4", "\"and\" does not go between a plain number and a comparison"},
    {"1 < size < 3",
     "expected a comparison, and, or, or the end, at character 10 of \"1 < size < 3\""},
    {"(1 < size) + 1 > 3", "\"+\" does not go between a comparison and a plain number"},
    {"not size", "\"not\" does not go before a plain number"},
    {"-policy = 3", "\"-\" does not go before a word"},
    {"sise < 3",
     "\"sise\" is no axis (a word stands in ' '); did you mean \"size\"?, at character 1 "
     "of \"sise < 3\""},
    {"size < 10xs", "\"10xs\" is no number and no quantity, at character 8 of \"size < 10xs\""},
    {"size <", "expected an axis, a number, a word in ' ' or \"(\", at character 7 of \"size <\""},
    {"(size < 3", "expected \")\", at character 10 of \"(size < 3\""},
    {"policy = 'close", "the quotes are not closed, at character 10 of \"policy = 'close\""},
    {"", "expected an axis, a number, a word in ' ' or \"(\", at character 1 of \"\""},
};

START_TEST(a_constraint_is_judged_as_its_row_says) {
    ck_assert_msg(strcmp(judged(rows[_i].expression), rows[_i].judged) == 0, "%s: %s, not %s",
                  rows[_i].expression, judged(rows[_i].expression), rows[_i].judged);
}
END_TEST

START_TEST(what_is_nested_too_deeply_or_too_long_is_refused) {
    char deep[300];
    memset(deep, '(', 200);
    strcpy(deep + 200, "1 < 2");
    ck_assert_ptr_nonnull(strstr(judged(deep), "nested too deeply"));
    memset(deep, '-', 200);
    ck_assert_ptr_nonnull(strstr(judged(deep), "nested too deeply"));
    char longest[5001];
    for (size_t i = 0; i + 4 < sizeof longest; i += 4)
        memcpy(longest + i, "not ", 5);
    ck_assert_ptr_nonnull(strstr(judged(longest), "more than 4096 bytes"));
    longest[4000] = '\0';
    ck_assert_ptr_nonnull(strstr(judged(longest), "nested too deeply"));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(a_constraint_is_judged_as_its_row_says, COUNT_OF(rows)),
        TEST(what_is_nested_too_deeply_or_too_long_is_refused),
    };
    return suite_run("study/sweep_where", tests, COUNT_OF(tests));
}
