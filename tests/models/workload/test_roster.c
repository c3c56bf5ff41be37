#include "models/workload/roster.h"

#include "tests/models/workload/scenario.h"
#include "tests/sim/suite.h"

#include <stdio.h>
#include <string.h>

/* A scenario of populations and rooms only; nobody has anything to say. */
static void init(struct scenario *scenario, const char *populations, const char *rooms) {
    char text[2048];
    snprintf(text, sizeof text,
             "{\"name\": \"t\", \"populations\": {%s}, \"rooms\": {%s}, \"nodes\": {\"n\": "
             "{\"open_files\": 100000}}, \"traffic\": {}}",
             populations, rooms);
    scenario_init(scenario, text);
}

static bool has_member(const struct roster *roster, int32_t room, int32_t client) {
    const struct roster_room *r = &roster->rooms[room];
    for (int32_t i = 0; i < r->members_count; i++)
        if (roster->members[r->members_first + i] == client)
            return true;
    return false;
}

/* Both lists say the same, every room holds a client at most once, and contiguous means it. */
static void check_consistency(const struct roster *roster) {
    int32_t memberships = 0;
    for (int32_t room = 0; room < roster->rooms_count; room++) {
        const struct roster_room *r = &roster->rooms[room];
        const int32_t *members = roster->members + r->members_first;
        bool is_contiguous = true;
        ck_assert_int_eq(r->members_first, memberships);
        memberships += r->members_count;
        for (int32_t i = 0; i < r->members_count; i++) {
            for (int32_t k = 0; k < i; k++)
                ck_assert_int_ne(members[i], members[k]);
            is_contiguous &= i == 0 || members[i] == members[i - 1] + 1;
        }
        ck_assert_int_eq(r->is_contiguous, is_contiguous);
    }
    ck_assert_int_eq(memberships, roster->memberships_count);
    ck_assert_int_eq(roster->client_first[roster->clients_count], memberships);
    for (int32_t client = 0; client < roster->clients_count; client++)
        for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++) {
            ck_assert(has_member(roster, roster->client_rooms[i], client));
            ck_assert(i == roster->client_first[client] ||
                      roster->client_rooms[i] > roster->client_rooms[i - 1]);
        }
}

/* Client i of a population of n stands at (i + 1/2)/n of the whole: of 404 clients, number k of the
 * rare ones comes after (k + 1/2)/4 of the 400, and after the k rare ones before it. */
START_TEST(populations_are_mixed_evenly_from_the_start_on) {
    struct scenario scenario;
    init(&scenario, "\"many\": {\"connections\": 400}, \"rare\": {\"connections\": 4}",
         "\"all\": {\"size\": {\"constant\": 404}, \"members\": [\"many\", \"rare\"]}");
    const struct roster *roster = &scenario.roster;
    const int32_t expected[] = {50, 151, 252, 353};
    int32_t found = 0;
    for (int32_t client = 0; client < roster->clients_count; client++) {
        if (roster->population[client] == 0)
            continue;
        ck_assert_int_eq(client, expected[found]);
        ck_assert_int_eq(roster->ordinal[client], found++);
    }
    ck_assert_int_eq(found, 4);
    ck_assert_int_eq(roster->ordinal[403], 399);
    scenario_fini(&scenario);
}
END_TEST

START_TEST(the_last_room_takes_who_is_left) {
    struct scenario scenario;
    init(&scenario, "\"p\": {\"connections\": 23}",
         "\"g\": {\"size\": {\"constant\": 7}, \"members\": [\"p\"]}");
    const struct roster *roster = &scenario.roster;
    check_consistency(roster);
    ck_assert_int_eq(roster->rooms_count, 4); /* 7 + 7 + 7 + 2 */
    ck_assert_int_eq(roster->rooms[2].members_count, 7);
    ck_assert_int_eq(roster->rooms[3].members_count, 2);
    ck_assert_int_eq(roster->members[roster->rooms[3].members_first], 21);
    for (int32_t client = 0; client < 23; client++)
        ck_assert_int_eq(roster->client_first[client + 1] - roster->client_first[client], 1);
    scenario_fini(&scenario);
}
END_TEST

START_TEST(rooms_dealt_together_are_contiguous_and_scattered_ones_are_not) {
    struct scenario scenario;
    init(&scenario, "\"p\": {\"connections\": 300}",
         "\"a\": {\"size\": {\"constant\": 30}, \"members\": [\"p\"]}, "
         "\"b\": {\"size\": {\"constant\": 30}, \"members\": [\"p\"], \"placement\": "
         "\"scattered\"}");
    const struct roster *roster = &scenario.roster;
    check_consistency(roster);
    ck_assert_int_eq(roster->rooms_count, 20);
    ck_assert_int_eq(roster->group_first_room[1], 10);
    int32_t contiguous = 0;
    for (int32_t room = 0; room < 20; room++)
        contiguous += roster->rooms[room].is_contiguous;
    ck_assert_int_eq(contiguous, 10);
    for (int32_t client = 0; client < 300; client++) /* one room of each group */
        ck_assert_int_eq(roster->client_first[client + 1] - roster->client_first[client], 2);
    scenario_fini(&scenario);
}
END_TEST

/* 299 steps, half of them up with a standard deviation of sqrt(300/12) = 5; and Spearman's
 * footrule, mean (n^2 - 1)/3 and variance (n + 1)(2 n^2 + 7)/45 (Diaconis and Graham 1977): per
 * client 100 with 3.65. */
START_TEST(a_scattered_order_looks_like_a_shuffle) {
    struct scenario scenario;
    init(&scenario, "\"p\": {\"connections\": 300}",
         "\"b\": {\"size\": {\"constant\": 300}, \"members\": [\"p\"], \"placement\": "
         "\"scattered\"}");
    const int32_t *members = scenario.roster.members;
    int32_t rises = 0, distance = 0;
    for (int32_t i = 0; i < 300; i++) {
        rises += i > 0 && members[i] > members[i - 1];
        distance += abs(members[i] - i);
    }
    ck_assert_int_ge(rises, 150 - 17);
    ck_assert_int_le(rises, 150 + 17);
    ck_assert_double_eq_tol(distance / 300.0, 100, 12);
    scenario_fini(&scenario);
}
END_TEST

START_TEST(a_count_of_rooms_is_filled_round_and_round_and_no_room_holds_a_client_twice) {
    struct scenario scenario;
    init(&scenario, "\"p\": {\"connections\": 10}",
         "\"g\": {\"size\": {\"constant\": 7}, \"members\": [\"p\"], \"count\": 3}, "
         "\"h\": {\"size\": {\"constant\": 2}, \"members\": [\"p\"], \"count\": 3}");
    const struct roster *roster = &scenario.roster;
    check_consistency(roster);
    ck_assert_int_eq(roster->rooms_count, 6);
    /* 0-6, 7-9 with 0-3, 4-9 with 0 */
    ck_assert(has_member(roster, 1, 9) && has_member(roster, 1, 3) && !has_member(roster, 1, 4));
    ck_assert(has_member(roster, 2, 4) && has_member(roster, 2, 0) && !has_member(roster, 2, 1));
    ck_assert(!roster->rooms[1].is_contiguous);
    int32_t of_h = 0; /* clients 6 to 9 are in no room of h */
    for (int32_t client = 6; client < 10; client++)
        for (int32_t room = 3; room < 6; room++)
            of_h += has_member(roster, room, client);
    ck_assert_int_eq(of_h, 0);
    scenario_fini(&scenario);
}
END_TEST

START_TEST(only_the_populations_named_are_in_a_room) {
    struct scenario scenario;
    init(&scenario, "\"a\": {\"connections\": 20}, \"b\": {\"connections\": 9}",
         "\"g\": {\"size\": {\"constant\": 4}, \"members\": [\"b\"]}");
    const struct roster *roster = &scenario.roster;
    check_consistency(roster);
    ck_assert_int_eq(roster->memberships_count, 9);
    for (int32_t i = 0; i < 9; i++)
        ck_assert_int_eq(roster->population[roster->members[i]], 1);
    scenario_fini(&scenario);
}
END_TEST

/* The order in which a population's clients are scattered, by ordinal. */
static int32_t scattered_order(const struct roster *roster, uint8_t population, int32_t below,
                               int32_t *ordinals) {
    int32_t count = 0;
    for (int32_t i = 0; i < roster->memberships_count; i++) {
        int32_t client = roster->members[i];
        if (roster->population[client] == population && roster->ordinal[client] < below)
            ordinals[count++] = roster->ordinal[client];
    }
    return count;
}

START_TEST(more_clients_or_another_population_change_no_draw_of_the_others) {
    static const char *const populations[] = {
        "\"a\": {\"connections\": 200}", "\"a\": {\"connections\": 203}",
        "\"a\": {\"connections\": 200}, \"b\": {\"connections\": 57}"};
    int32_t first[256], other[256], sizes[8];
    for (int32_t i = 0; i < 3; i++) {
        struct scenario scenario;
        char rooms[512];
        snprintf(rooms, sizeof rooms,
                 "\"g\": {\"size\": {\"log_normal\": {\"mean\": 20, \"sigma\": 1.1}}, \"members\": "
                 "[\"a\"%s], \"placement\": \"scattered\"}",
                 i == 2 ? ", \"b\"" : "");
        init(&scenario, populations[i], rooms);
        check_consistency(&scenario.roster);
        ck_assert_int_eq(scattered_order(&scenario.roster, 0, 200, i == 0 ? first : other), 200);
        if (i > 0)
            ck_assert_mem_eq(first, other, 200 * sizeof *first);
        for (int32_t room = 0; room < 6; room++) {
            if (i == 0)
                sizes[room] = scenario.roster.rooms[room].members_count;
            ck_assert_int_eq(scenario.roster.rooms[room].members_count, sizes[room]);
        }
        scenario_fini(&scenario);
    }
    ck_assert_int_ne(first[0], 0);
}
END_TEST

START_TEST(connections_are_dealt_to_workers_in_turn_and_rooms_are_named_by_number) {
    char name[ROSTER_ROOM_NAME_BYTES];
    roster_room_name(17, name);
    ck_assert_str_eq(name, "r17");
    roster_room_name(INT32_MAX, name);
    ck_assert_str_eq(name, "r2147483647");
    ck_assert_int_eq(roster_worker(7, 3), 1);
    ck_assert_int_eq(roster_worker(9, 3), 0);
}
END_TEST

START_TEST(how_scattered_members_are_is_the_mean_of_what_lies_between_neighbours) {
    static const int32_t row[] = {7, 8, 9, 10}, strided[] = {3, 9, 15, 9}, mixed[] = {5, 6, 26};
    ck_assert_double_eq(roster_scattered(row, 4, 1), 0.25); /* the first of them counts as far */
    ck_assert_double_eq_tol(roster_scattered(strided, 4, 1), (1 + 3 * (1 - 1.0 / 6)) / 4, 1e-12);
    ck_assert_double_eq_tol(roster_scattered(mixed, 3, 1), (1 + 0 + 1 - 1.0 / 20) / 3, 1e-12);
    /* a worker of three gets every third connection */
    ck_assert_double_eq_tol(roster_scattered(strided, 4, 3), (1 + 3 * (1 - 3.0 / 6)) / 4, 1e-12);
    ck_assert_double_eq(roster_scattered(row, 0, 1), 0);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(populations_are_mixed_evenly_from_the_start_on),
        TEST(the_last_room_takes_who_is_left),
        TEST(rooms_dealt_together_are_contiguous_and_scattered_ones_are_not),
        TEST(a_scattered_order_looks_like_a_shuffle),
        TEST(a_count_of_rooms_is_filled_round_and_round_and_no_room_holds_a_client_twice),
        TEST(only_the_populations_named_are_in_a_room),
        TEST(more_clients_or_another_population_change_no_draw_of_the_others),
        TEST(connections_are_dealt_to_workers_in_turn_and_rooms_are_named_by_number),
        TEST(how_scattered_members_are_is_the_mean_of_what_lies_between_neighbours),
    };
    return suite_run("workload/roster", tests, COUNT_OF(tests));
}
