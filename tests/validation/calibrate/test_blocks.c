/* The experiments as text: what the generator reads and is asked must be what the cells say. */
#include "tests/sim/suite.h"

#include "models/spec/range.h"
#include "models/workload/protocol.h"
#include "models/workload/roster.h"
#include "sim/base/diag.h"
#include "validation/calibrate/blocks.h"
#include "validation/load/command.h"

#include <math.h>
#include <string.h>

static void parse(enum blocks_setting setting, struct spec_scenario *scenario,
                  struct arena *arena) {
    struct text text, messages;
    struct diag diag;
    text_init(&text);
    text_init(&messages);
    diag_init(&diag);
    blocks_write_scenario(setting, UINT64_C(18446744073709551557), &text);
    bool is_good = spec_parse(scenario, text_bytes(&text), &(struct spec_options){.file = "block"},
                              arena, &diag) &&
                   spec_check_real(scenario, "block", &diag);
    diag_format(&diag, &messages);
    ck_assert_msg(is_good, "%s", text_bytes(&messages));
    diag_fini(&diag);
    text_fini(&messages);
    text_fini(&text);
}

START_TEST(every_setting_is_a_scenario_that_the_real_pair_takes) {
    struct arena arena;
    struct spec_scenario scenario;
    arena_init(&arena);
    parse((enum blocks_setting)_i, &scenario, &arena);
    ck_assert_uint_eq(scenario.seed, UINT64_C(18446744073709551557));
    ck_assert_int_eq(scenario.nodes[0].workers, 1);
    ck_assert_int_eq(scenario.nodes[0].fan_out,
                     _i == BLOCKS_AT_ONCE ? SPEC_WRITE_AT_ONCE : SPEC_COALESCE);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_burst_goes_to_rooms_of_the_size_that_its_cell_says) {
    const struct blocks_cell *cell = &blocks_cells[_i];
    struct arena arena;
    struct spec_scenario scenario;
    struct roster roster;
    arena_init(&arena);
    parse(cell->setting, &scenario, &arena);
    roster_init(&roster, &scenario, scenario.seed, &arena);
    ck_assert_int_le(cell->room + cell->rooms_count, roster.rooms_count);
    double members = 0;
    for (int32_t room = cell->room; room < cell->room + cell->rooms_count; room++) {
        members += roster.rooms[room].members_count;
        if (cell->is_burst)
            ck_assert_int_eq(roster.rooms[room].members_count, cell->members);
    }
    ck_assert_double_eq(members, cell->working_set);
    ck_assert_double_eq_tol(members / cell->rooms_count, cell->members, 1e-9);
    arena_fini(&arena);
}
END_TEST

START_TEST(standing_readers_are_one_of_each_room) {
    struct arena arena;
    struct spec_scenario scenario;
    struct roster roster;
    arena_init(&arena);
    parse(BLOCKS_STANDING, &scenario, &arena);
    roster_init(&roster, &scenario, scenario.seed, &arena);
    ck_assert_int_eq(roster.rooms_count, 20);
    for (int32_t room = 0; room < roster.rooms_count; room++) {
        int32_t slow = 0;
        for (int32_t i = 0; i < roster.rooms[room].members_count; i++)
            slow += roster.population[roster.members[roster.rooms[room].members_first + i]] == 1;
        ck_assert_int_eq(slow, 1);
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(the_generator_understands_what_it_is_asked) {
    const struct blocks_cell *cell = &blocks_cells[_i];
    struct blocks_times times = {.start_ns = 123456789012345,
                                 .warm_up_ns = 120 * BASE_NS_PER_MS,
                                 .measure_ns = 800 * BASE_NS_PER_MS};
    struct blocks_speed speed = {.factor = 1.375};
    struct text text, why;
    struct command command;
    text_init(&text);
    text_init(&why);
    blocks_write_command(cell, speed, &times, &text);
    ck_assert_msg(command_parse(&command, text_bytes(&text), &(struct spec_window){0}, &why),
                  "%s: %s", text_bytes(&text), text_bytes(&why));
    ck_assert_int_eq(command.verb, cell->is_burst ? COMMAND_BURST : COMMAND_PROBE);
    ck_assert_int_eq(command.start_ns, times.start_ns);
    ck_assert_int_eq(command.warm_up_ns, times.warm_up_ns);
    ck_assert_int_eq(command.measure_ns, times.measure_ns);
    double expected_ns = (double)blocks_expected_ns(cell, speed);
    if (cell->is_burst) {
        ck_assert_int_eq(command.room, cell->room);
        ck_assert_int_eq(command.rooms, cell->rooms_count);
        ck_assert_int_eq(command.publishes, cell->publishes);
        ck_assert_int_eq(command.bytes, cell->bytes);
        ck_assert_double_eq_tol((double)command.every_ns, expected_ns / cell->busy, 2);
    } else {
        /* One publish a second in each room at scale 1. */
        double per_s = command.scale * cell->rooms_count;
        ck_assert_double_eq_tol(per_s * expected_ns * 1e-9, cell->busy, 1e-4);
    }
    text_fini(&why);
    text_fini(&text);
}
END_TEST

START_TEST(a_slower_machine_is_asked_less_often) {
    const struct blocks_cell *cell = &blocks_cells[0];
    double as_laid_out_ns = (double)blocks_expected_ns(cell, (struct blocks_speed){1});
    double slower_ns = (double)blocks_expected_ns(cell, (struct blocks_speed){2.5});
    ck_assert_double_eq_tol(slower_ns, 2.5 * as_laid_out_ns, 3); /* each rounded once */
}
END_TEST

static int32_t shuffled(uint64_t seed, int32_t order[BLOCKS_MAX]) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed});
    return blocks_shuffle(&rng, order);
}

START_TEST(every_visit_is_made_once_in_an_order_of_the_seed) {
    int32_t order[BLOCKS_MAX], again[BLOCKS_MAX], other[BLOCKS_MAX], expected = 0;
    int32_t count = shuffled(7, order);
    for (int32_t cell = 0; cell < blocks_cells_count; cell++) {
        int32_t visits = 0;
        for (int32_t i = 0; i < count; i++)
            visits += order[i] == cell;
        ck_assert_int_eq(visits, blocks_cells[cell].visits);
        expected += visits;
    }
    ck_assert_int_eq(count, expected);
    ck_assert_int_eq(shuffled(7, again), count);
    ck_assert_mem_eq(order, again, (size_t)count * sizeof *order);
    shuffled(8, other);
    ck_assert_mem_ne(order, other, (size_t)count * sizeof *order);
}
END_TEST

/* Where a write has as many bytes in one frame as in twenty, only the frames differ. */
START_TEST(frames_and_bytes_are_told_apart_by_pairs_of_equal_bytes) {
    int32_t pairs = 0;
    for (int32_t a = 0; a < blocks_cells_count; a++)
        for (int32_t b = a + 1; b < blocks_cells_count; b++) {
            const struct blocks_cell *one = &blocks_cells[a], *two = &blocks_cells[b];
            int32_t difference = one->publishes * one->bytes - two->publishes * two->bytes;
            pairs += one->members == 1000 && two->members == 1000 &&
                     one->publishes != two->publishes && difference >= -2 && difference <= 2 &&
                     one->setting == two->setting;
        }
    ck_assert_int_ge(pairs, 3);
}
END_TEST

/* One read takes 16 KiB, the default, so a longer burst comes as several writes. */
static double messages_per_write(const struct blocks_cell *cell) {
    double fit = floor(16384.0 / (double)protocol_inbound_bytes(cell->bytes));
    return cell->setting == BLOCKS_AT_ONCE ? 1 : fmin(cell->publishes, fmax(fit, 1));
}

static void widen(double *highest, double value) {
    *highest = fmax(*highest, value);
}

START_TEST(the_ranges_that_explain_warns_by_are_those_of_the_blocks) {
    double highest[RANGE_COUNT] = {0}, least_bytes = INFINITY, least_members = INFINITY;
    for (int32_t i = 0; i < blocks_cells_count; i++) {
        const struct blocks_cell *cell = &blocks_cells[i];
        widen(&highest[RANGE_room_members], cell->members);
        widen(&highest[RANGE_working_set], cell->working_set);
        widen(&highest[RANGE_message_bytes], cell->bytes);
        widen(&highest[RANGE_messages_per_write], messages_per_write(cell));
        least_bytes = fmin(least_bytes, cell->bytes);
        least_members = fmin(least_members, cell->members);
    }
    for (int i = RANGE_room_members; i <= RANGE_messages_per_write; i++)
        ck_assert_double_eq(highest[i], range_of((enum range_axis)i)->highest);
    ck_assert_double_eq(least_bytes, range_of(RANGE_message_bytes)->lowest);
    ck_assert_double_eq(least_members, range_of(RANGE_room_members)->lowest);
    /* The stalled settings have the small buffers, all others the defaults. */
    ck_assert_double_eq(range_of(RANGE_send_buffer)->lowest, 8 * 1024);
    ck_assert_double_eq(range_of(RANGE_send_buffer)->highest, 64 * 1024);
    ck_assert_double_eq(range_of(RANGE_receive_buffer)->highest, 128 * 1024);
}
END_TEST

int main(void) {
    struct suite_test tests[] = {
        LOOP_TEST(every_setting_is_a_scenario_that_the_real_pair_takes, BLOCKS_SETTINGS),
        LOOP_TEST(a_burst_goes_to_rooms_of_the_size_that_its_cell_says, blocks_cells_count),
        TEST(standing_readers_are_one_of_each_room),
        LOOP_TEST(the_generator_understands_what_it_is_asked, blocks_cells_count),
        TEST(a_slower_machine_is_asked_less_often),
        TEST(every_visit_is_made_once_in_an_order_of_the_seed),
        TEST(frames_and_bytes_are_told_apart_by_pairs_of_equal_bytes),
        TEST(the_ranges_that_explain_warns_by_are_those_of_the_blocks),
    };
    return suite_run("calibrate/blocks", tests, COUNT_OF(tests));
}
