#include "sim/base/arena.h"

#include "tests/sim/suite.h"

#include <stddef.h>
#include <string.h>

START_TEST(memory_is_zeroed_aligned_and_apart) {
    struct arena arena;
    arena_init(&arena);
    char *before = NULL;
    for (size_t size = 0; size < 700; size++) {
        char *memory = arena_new(&arena, 1, size);
        ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            ck_assert_int_eq(memory[i], 0);
        memset(memory, 0xa5, size);
        if (before)
            ck_assert_int_eq((unsigned char)*before, 0xa5);
        before = size > 0 ? memory : NULL;
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(a_million_small_pieces_take_some_twenty_blocks) {
    struct arena arena;
    arena_init(&arena);
    size_t reserved = 0;
    int32_t blocks = 0;
    for (int32_t i = 0; i < 1000000; i++) {
        (void)!arena_new(&arena, 1, 41); /* 48 with alignment */
        blocks += arena.reserved_bytes != reserved;
        reserved = arena.reserved_bytes;
    }
    ck_assert_uint_eq(arena.used_bytes, 48000000);
    ck_assert_int_le(blocks, 20);
    ck_assert_uint_le(arena.reserved_bytes, 2 * arena.used_bytes + 16384);
    arena_fini(&arena);
    ck_assert_uint_eq(arena.reserved_bytes, 0);
}
END_TEST

START_TEST(a_piece_larger_than_any_block_so_far_gets_its_own) {
    struct arena arena;
    arena_init(&arena);
    int32_t *numbers = ARENA_NEW(&arena, 2385001, int32_t);
    numbers[2385000] = 7;
    ck_assert_int_eq(numbers[0], 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(texts_are_copied_and_formatted) {
    struct arena arena;
    arena_init(&arena);
    char source[] = "gateway";
    char *copy = arena_new_text(&arena, source);
    char *part = arena_new_text_n(&arena, source, 4);
    source[0] = 'X';
    ck_assert_str_eq(copy, "gateway");
    ck_assert_str_eq(part, "gate");
    ck_assert_str_eq(arena_new_format(&arena, "%s[%d]", copy, 2385), "gateway[2385]");
    ck_assert_str_eq(arena_new_text(&arena, ""), "");
    arena_fini(&arena);
}
END_TEST

START_TEST(a_size_that_overflows_is_our_bug) {
    struct arena arena;
    arena_init(&arena);
    (void)!arena_new(&arena, SIZE_MAX / 2, 3);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(memory_is_zeroed_aligned_and_apart),
    TEST(a_million_small_pieces_take_some_twenty_blocks),
    TEST(a_piece_larger_than_any_block_so_far_gets_its_own),
    TEST(texts_are_copied_and_formatted),
    TEST_OF_OUR_BUG(a_size_that_overflows_is_our_bug),
};

int main(void) {
    return suite_run("arena", tests, COUNT_OF(tests));
}
