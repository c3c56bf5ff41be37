#include "sim/base/fingerprint.h"

#include "tests/sim/suite.h"

static uint64_t of_two(uint64_t first, uint64_t second) {
    struct fingerprint fingerprint;
    fingerprint_init(&fingerprint);
    fingerprint_u64(&fingerprint, first);
    fingerprint_u64(&fingerprint, second);
    return fingerprint_value(&fingerprint);
}

START_TEST(the_order_of_what_happened_counts) {
    ck_assert_uint_eq(of_two(2385, 17), of_two(2385, 17));
    ck_assert_uint_ne(of_two(2385, 17), of_two(17, 2385));
    ck_assert_uint_ne(of_two(0, 0), of_two(0, 1));
}
END_TEST

START_TEST(the_borders_between_pieces_count) {
    struct fingerprint a, b;
    fingerprint_init(&a);
    fingerprint_init(&b);
    fingerprint_bytes(&a, "ab", 2);
    fingerprint_bytes(&a, "c", 1);
    fingerprint_bytes(&b, "a", 1);
    fingerprint_bytes(&b, "bc", 2);
    ck_assert_uint_ne(fingerprint_value(&a), fingerprint_value(&b));
}
END_TEST

START_TEST(text_is_hashed_as_everybody_hashes_it) {
    /* XXH3's published value for no bytes at seed 0 */
    ck_assert_uint_eq(fingerprint_of("", 0), 0x2d06800538d394c2u);
}
END_TEST

START_TEST(it_is_printed_with_leading_zeros) {
    char out[17];
    fingerprint_format(0x2385, out);
    ck_assert_str_eq(out, "0000000000002385");
    fingerprint_format(UINT64_MAX, out);
    ck_assert_str_eq(out, "ffffffffffffffff");
}
END_TEST

static const struct suite_test tests[] = {
    TEST(the_order_of_what_happened_counts),
    TEST(the_borders_between_pieces_count),
    TEST(text_is_hashed_as_everybody_hashes_it),
    TEST(it_is_printed_with_leading_zeros),
};

int main(void) {
    return suite_run("fingerprint", tests, COUNT_OF(tests));
}
