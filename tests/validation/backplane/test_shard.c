/* Rooms over instances: equal shares, and little moves when one is added. */
#include "validation/backplane/shard.h"

#include "tests/sim/suite.h"

#include <stdio.h>

enum { ROOMS = 20000 };

static int32_t shard_of_number(int room, int32_t count) {
    char name[16];
    int length = snprintf(name, sizeof name, "r%d", room);
    return shard_of(name, (size_t)length, count);
}

/* Shares of 1/5: a binomial's standard deviation is 57 here, so 300 is more than five of them. */
START_TEST(every_instance_gets_its_share) {
    int held[5] = {0};
    for (int room = 0; room < ROOMS; room++)
        held[shard_of_number(room, 5)]++;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_gt(held[i], ROOMS / 5 - 300);
        ck_assert_int_lt(held[i], ROOMS / 5 + 300);
    }
}
END_TEST

START_TEST(an_instance_more_takes_its_share_and_nothing_else_moves) {
    int moved = 0;
    for (int room = 0; room < ROOMS; room++) {
        int32_t before = shard_of_number(room, 6), after = shard_of_number(room, 7);
        ck_assert(before == after || after == 6);
        moved += before != after;
    }
    ck_assert_int_gt(moved, ROOMS / 7 - 300); /* sd 49 */
    ck_assert_int_lt(moved, ROOMS / 7 + 300);
}
END_TEST

START_TEST(one_instance_has_all_of_them) {
    ck_assert_int_eq(shard_of("lobby", 5, 1), 0);
    ck_assert_int_eq(shard_of("", 0, 1), 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(every_instance_gets_its_share),
        TEST(an_instance_more_takes_its_share_and_nothing_else_moves),
        TEST(one_instance_has_all_of_them),
    };
    return suite_run("backplane shard", tests, COUNT_OF(tests));
}
