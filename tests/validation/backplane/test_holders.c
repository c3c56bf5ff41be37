/* The registry against a plain table, over joins, leaves and nodes that go. */
#include "validation/backplane/holders.h"

#include "tests/sim/suite.h"

#include <stdio.h>
#include <string.h>

enum { ROOMS = 300, PLACES = 70, STEPS = 60000 };

static uint32_t next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t name_of(uint32_t room, char name[16]) {
    return (size_t)snprintf(name, 16, "room-%u", room);
}

static void compare(const struct holders *holders, bool held[ROOMS][PLACES]) {
    uint32_t rooms = 0, differences = 0;
    for (uint32_t room = 0; room < ROOMS; room++) {
        char name[16];
        uint64_t set[HOLDERS_WORDS];
        holders_of(holders, name, name_of(room, name), set);
        bool is_any = false;
        for (int place = 0; place < PLACES; place++) {
            differences += (set[place / 64] >> (place % 64) & 1) != held[room][place];
            is_any = is_any || held[room][place];
        }
        rooms += is_any;
    }
    ck_assert_uint_eq(differences, 0);
    ck_assert_uint_eq(holders->count, rooms); /* what nobody holds takes no memory */
}

START_TEST(a_registry_knows_what_each_node_has_said) {
    static bool held[ROOMS][PLACES];
    struct holders holders = {0};
    uint32_t state = 17;
    for (int step = 0; step < STEPS; step++) {
        uint32_t room = next(&state) % ROOMS, place = next(&state) % PLACES;
        char name[16];
        size_t length = name_of(room, name);
        switch (next(&state) % 100) {
        case 0:
            holders_forget(&holders, (int32_t)place);
            for (int i = 0; i < ROOMS; i++)
                held[i][place] = false;
            break;
        case 1 ... 45:
            ck_assert(holders_add(&holders, name, length, (int32_t)place));
            held[room][place] = true;
            break;
        default:
            holders_remove(&holders, name, length, (int32_t)place);
            held[room][place] = false;
            break;
        }
        if (step % 1000 == 0)
            compare(&holders, held);
    }
    compare(&holders, held);
    holders_fini(&holders);
}
END_TEST

START_TEST(an_empty_registry_holds_nothing) {
    struct holders holders = {0};
    uint64_t set[HOLDERS_WORDS] = {7, 7};
    holders_of(&holders, "lobby", 5, set);
    ck_assert(set[0] == 0 && set[1] == 0);
    holders_remove(&holders, "lobby", 5, 3);
    holders_forget(&holders, 3);
    holders_fini(&holders);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_registry_knows_what_each_node_has_said),
        TEST(an_empty_registry_holds_nothing),
    };
    return suite_run("backplane holders", tests, COUNT_OF(tests));
}
