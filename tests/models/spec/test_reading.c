/* What a message shows of a file: short, safe for a terminal, and never half a character. */
#include "models/spec/json.h"
#include "models/spec/reading.h"

#include "tests/sim/suite.h"

#include <string.h>

static struct arena arena;
static struct diag diag;
static struct reading reading;

static void set_up(void) {
    arena_init(&arena);
    diag_init(&diag);
    reading_init(&reading, &arena, &diag);
}

static void tear_down(void) {
    diag_fini(&diag);
    arena_fini(&arena);
}

/* True when no character is cut in two: a NUL-terminated text of whole two-byte characters and
 * ASCII. */
static bool is_whole(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text == 0xc3 && ((unsigned char)text[1] & 0xc0) == 0x80)
            text++;
        else if ((unsigned char)*text >= 0x80)
            return false;
    }
    return true;
}

START_TEST(a_path_goes_down_and_up_again) {
    set_up();
    int32_t top = reading_enter(&reading, "nodes");
    int32_t node = reading_enter(&reading, "gateway");
    int32_t item = reading_enter_index(&reading, 2);
    ck_assert_str_eq(reading.path, "nodes.gateway[2]");
    reading_leave(&reading, item);
    ck_assert_str_eq(reading.path, "nodes.gateway");
    reading_leave(&reading, node);
    reading_leave(&reading, top);
    ck_assert_str_eq(reading.path, "");
    tear_down();
}
END_TEST

START_TEST(a_path_is_cut_between_characters_wherever_its_end_falls) {
    for (int shift = 0; shift < 4; shift++) {
        set_up();
        if (shift >= 2)
            (void)reading_enter(&reading, "xy"); /* moves the end by an odd number of bytes */
        for (int i = 0; i < 8; i++)
            (void)reading_enter(&reading, &"abc\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
                                           "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
                                           "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
                                           "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"[shift]);
        ck_assert_msg(is_whole(reading.path), "%s", reading.path);
        ck_assert_int_ge(reading.path_length, READING_PATH_BYTES - 3);
        ck_assert_int_eq(reading.path_length, (int32_t)strlen(reading.path));
        tear_down();
    }
}
END_TEST

START_TEST(a_long_key_is_cut_in_the_path) {
    set_up();
    char key[200];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    (void)reading_enter(&reading, key);
    ck_assert_int_eq(reading.path_length, 73); /* 70 and "..." */
    ck_assert_str_eq(reading.path + 70, "...");
    tear_down();
}
END_TEST

START_TEST(a_path_obeys_no_terminal) {
    set_up();
    (void)reading_enter(&reading, "\x1b[31m\n");
    ck_assert_str_eq(reading.path, "?[31m?");
    tear_down();
}
END_TEST

START_TEST(what_was_found_is_cut_between_characters_and_closes_its_quotes) {
    for (int shift = 0; shift < 2; shift++) {
        char text[200] = "a";
        for (int i = 0; i < 90; i++)
            memcpy(text + shift + (size_t)i * 2, "\xc3\xa9", 2);
        struct reading_found found = reading_quoted(text);
        ck_assert_msg(is_whole(found.text), "%s", found.text);
        size_t length = strlen(found.text);
        ck_assert_int_lt((int)length, READING_FOUND_BYTES);
        ck_assert_str_eq(found.text + length - 4, "...\"");
    }
}
END_TEST

START_TEST(a_hint_is_the_nearest_name_or_all_of_them) {
    static const char *const names[] = {"workers", "count", "turn"};
    ck_assert_str_eq(reading_hint("worker", names, 3, "expected ").text,
                     "; did you mean \"workers\"?");
    ck_assert_str_eq(reading_hint("colour", names, 3, "expected ").text,
                     "; expected workers, count or turn");
    ck_assert_str_eq(reading_hint("colour", names, 1, "there are ").text, "; there are workers");
    ck_assert_str_eq(reading_hint("colour", names, 0, "expected ").text, "");
}
END_TEST

START_TEST(a_hint_of_very_many_names_ends_at_its_size) {
    static const char name[] = "a_name_that_is_rather_long_and_of_which_there_are_many";
    const char *names[64];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = name;
    struct reading_hint hint = reading_hint("x", names, COUNT_OF(names), "expected ");
    ck_assert_int_eq((int)strlen(hint.text), READING_HINT_BYTES - 1);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_path_goes_down_and_up_again),
        TEST(a_path_is_cut_between_characters_wherever_its_end_falls),
        TEST(a_long_key_is_cut_in_the_path),
        TEST(a_path_obeys_no_terminal),
        TEST(what_was_found_is_cut_between_characters_and_closes_its_quotes),
        TEST(a_hint_is_the_nearest_name_or_all_of_them),
        TEST(a_hint_of_very_many_names_ends_at_its_size),
    };
    return suite_run("models/spec/reading", tests, COUNT_OF(tests));
}
