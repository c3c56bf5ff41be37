/* Recordings made by hand, in which the first difference is known. */
#include "tests/sim/suite.h"
#include "validation/compare/turns.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* What a made-up server costs and is asked for. */
struct world {
    int32_t turns;
    double write_ns, large_write_ns; /* a write; in turns of 1,024 sockets and more */
    double read_ns;                  /* a socket read, with its publish */
    int64_t frame_bytes;
    int64_t publishes_more; /* that a turn gathers */
    double noise;           /* of every time, as a share of it */
};

static const struct world usual = {
    .turns = 400, .write_ns = 4385, .large_write_ns = 4385, .read_ns = 1770, .frame_bytes = 132};

static uint64_t random_state;

static double uniform(void) { /* Knuth's MMIX generator, upper bits */
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(random_state >> 11) * 0x1p-53;
}

/* Rooms of 10 to 5,000 sockets, about evenly over the powers of two; one to four publishes. */
static struct turn turn_of(const struct world *world) {
    struct turn turn = {.publishes = 1 + (int64_t)(4 * uniform()) + world->publishes_more,
                        .touched = (int64_t)(10 * pow(500, uniform()))};
    turn.ready_events = turn.reads = turn.publishes;
    turn.read_bytes = 144 * turn.reads;
    turn.writes = turn.touched;
    turn.frames = turn.touched * turn.publishes;
    turn.bytes = turn.frames * world->frame_bytes;
    double write_ns = turn.touched >= 1024 ? world->large_write_ns : world->write_ns;
    double noise = 1 + world->noise * (2 * uniform() - 1);
    turn.loop_ns = 5400;
    turn.read_ns = llround(noise * world->read_ns * (double)turn.reads);
    turn.write_ns = llround(noise * (write_ns * (double)turn.writes + 61 * (double)turn.frames +
                                     0.35 * (double)turn.bytes));
    turn.took_ns = turn.loop_ns + turn.read_ns + turn.write_ns;
    return turn;
}

/* One every 60 ms, which is longer than any. */
static struct turn_file *record(struct world world) {
    enum { MAX = 512 };
    size_t bytes = turn_file_bytes(1, MAX);
    void *memory = aligned_alloc(_Alignof(struct turn_file), bytes);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0, bytes);
    struct turn_file *file = turn_file_init(memory, 1, MAX);
    struct turn_log log = turn_log_of(file, 0);
    random_state = 2385;
    for (int32_t i = 0; i < world.turns; i++) {
        struct turn turn = turn_of(&world);
        turn.start_ns = INT64_C(60000000) * (i + 1);
        turn.idle_ns = 60000000 - turn.took_ns;
        turn_log_add(&log, &turn);
    }
    return file;
}

static void compare(struct world simulated, struct world measured,
                    struct turns_comparison *comparison) {
    struct turn_file *files[] = {record(simulated), record(measured)};
    turns_compare(files[0], files[1], comparison);
    free(files[0]);
    free(files[1]);
}

static void expect_first(const struct turns_comparison *comparison, enum turns_figure figure,
                         int64_t low) {
    ck_assert_int_eq(comparison->verdict, TURNS_PART);
    ck_assert_str_eq(turns_figure_name(comparison->first), turns_figure_name(figure));
    if (low < 0)
        ck_assert_int_eq(comparison->first_size, -1);
    else
        ck_assert_int_eq(comparison->sizes[comparison->first_size].low, low);
}

START_TEST(equal_worlds_part_nowhere) {
    struct turns_comparison comparison;
    compare(usual, usual, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_AGREE);
    for (int figure = 0; figure < TURNS_FIGURES; figure++)
        ck_assert(!comparison.rows[figure].parts);
    struct world noisy = usual;
    noisy.noise = 0.1;
    compare(usual, noisy, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_AGREE);
    ck_assert_double_eq_tol(comparison.rows[TURNS_writing].ratio, 1, 0.02);
}
END_TEST

START_TEST(writes_that_are_dearer_in_large_turns_are_found_there) {
    struct world measured = usual;
    measured.large_write_ns = 1.4 * usual.write_ns;
    measured.noise = 0.05;
    struct turns_comparison comparison;
    compare(usual, measured, &comparison);
    expect_first(&comparison, TURNS_writing, 1024);
    for (int32_t i = 0; i < comparison.first_size; i++)
        ck_assert(!comparison.sizes[i].cost[TURNS_writing].parts);
    ck_assert(comparison.rows[TURNS_took_ns_per_turn].parts); /* which comes of it */
    const struct turns_row *row = &comparison.sizes[comparison.first_size].cost[TURNS_writing];
    /* 1 to 4 frames of 61 + 0.35 * 132 ns, 2.5 on average, behind 4,385 ns of which 1.4: */
    double rest = 2.5 * (61 + 0.35 * 132), expected = (1.4 * 4385 + rest) / (4385 + rest);
    ck_assert_double_eq_tol(row->ratio, expected, 0.02);
    ck_assert_double_lt(row->ratio_error, 0.02);
}
END_TEST

START_TEST(longer_turns_at_the_same_prices_are_a_result_and_no_cost) {
    struct world measured = usual;
    measured.publishes_more = 3;
    struct turns_comparison comparison;
    compare(usual, measured, &comparison);
    /* A write costs more, since it carries more; the same work does not. */
    const struct turns_size *last = &comparison.sizes[comparison.sizes_count - 1];
    ck_assert_double_gt(last->ns_per_write[TURNS_MEASURED],
                        1.05 * last->ns_per_write[TURNS_SIMULATED]);
    ck_assert_double_eq_tol(comparison.rows[TURNS_writing].ratio, 1, 1e-6);
    ck_assert_double_eq_tol(comparison.rows[TURNS_reading].ratio, 1, 1e-6);
    /* Publishes per second differ too, and are looked at first where the server has time to rest:
     * here the load itself is another. */
    expect_first(&comparison, TURNS_publishes_per_s, -1);
    ck_assert(comparison.rows[TURNS_publishes_per_turn].parts);
}
END_TEST

START_TEST(each_cause_is_named_before_what_it_causes) {
    struct turns_comparison comparison;
    struct world measured = usual;
    measured.frame_bytes = 264;
    measured.write_ns *= 2;
    compare(usual, measured, &comparison);
    expect_first(&comparison, TURNS_bytes_per_frame, -1);
    ck_assert_double_eq_tol(comparison.rows[TURNS_bytes_per_frame].ratio, 2, 1e-12);
    measured = usual;
    measured.read_ns *= 3; /* of some 0.1 % of the time */
    measured.large_write_ns *= 1.5;
    compare(usual, measured, &comparison);
    expect_first(&comparison, TURNS_writing, 1024);
    measured.read_ns *= 100;
    compare(usual, measured, &comparison);
    expect_first(&comparison, TURNS_reading, 8); /* the smallest that there are: 10 to 15 */
    ck_assert_str_eq(turns_figure_name(comparison.most), "writing");
}
END_TEST

START_TEST(what_is_within_a_twentieth_is_let_go) {
    struct turns_comparison comparison;
    struct world measured = usual;
    measured.write_ns = measured.large_write_ns = 1.04 * usual.write_ns;
    compare(usual, measured, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_AGREE);
    measured.write_ns = measured.large_write_ns = 1.07 * usual.write_ns; /* 6.6 % of a write */
    compare(usual, measured, &comparison);
    /* all alike; the smallest that have a fiftieth of the time: half of it is above 2,500 */
    expect_first(&comparison, TURNS_writing, 128);
}
END_TEST

START_TEST(few_turns_or_restless_ones_tell_nothing) {
    struct turns_comparison comparison;
    struct world measured = usual;
    measured.turns = TURNS_LEAST - 1;
    measured.write_ns *= 3;
    compare(usual, measured, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_CANNOT_TELL);
    measured = usual;
    measured.turns = 15;
    measured.noise = 0.9;
    compare(usual, measured, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_CANNOT_TELL);
    measured.turns = 0;
    compare(measured, measured, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_CANNOT_TELL);
    ck_assert_int_eq(comparison.sizes_count, 0);
}
END_TEST

START_TEST(only_turns_of_the_window_count) {
    struct turn_file *simulated = record(usual);
    struct world measured = usual;
    measured.write_ns *= 2;
    struct turn_file *mixed = record(measured), *good = record(usual);
    for (int i = 0; i < 200; i++) /* the first half is dear, the second is not */
        ((struct turn *)(uintptr_t)turn_file_at(mixed, 0, 200 + i))[0] =
            *turn_file_at(good, 0, 200 + i);
    struct turns_comparison comparison;
    turns_compare(simulated, mixed, &comparison);
    ck_assert_int_eq(comparison.verdict, TURNS_PART);
    mixed->window_start_ns = simulated->window_start_ns = INT64_C(60000000) * 201;
    mixed->window_end_ns = simulated->window_end_ns = INT64_C(60000000) * 401;
    turns_compare(simulated, mixed, &comparison);
    ck_assert_int_eq(comparison.turns[TURNS_MEASURED], 200);
    ck_assert_int_eq(comparison.verdict, TURNS_AGREE);
    free(simulated);
    free(mixed);
    free(good);
}
END_TEST

START_TEST(the_last_line_says_where_and_json_says_the_same) {
    struct world measured = usual;
    measured.large_write_ns *= 2;
    struct turns_comparison comparison;
    compare(usual, measured, &comparison);
    struct text out;
    text_init(&out);
    turns_write_text(&comparison, &out);
    static const char start[] =
        "\nthey part first at writing (time of writing, for the same writes, frames and bytes) in "
        "turns that touch 1024 to 2047 sockets: measured is 1.9";
    ck_assert_msg(strstr(text_bytes(&out), start) != NULL, "%s", text_bytes(&out));
    text_clear(&out);
    turns_write_json(&comparison, &out);
    cJSON *json = cJSON_Parse(text_bytes(&out));
    ck_assert_ptr_nonnull(json);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "verdict")->valuestring, "part");
    const cJSON *first = cJSON_GetObjectItem(json, "first");
    ck_assert_str_eq(cJSON_GetObjectItem(first, "name")->valuestring, "writing");
    ck_assert_int_eq(cJSON_GetObjectItem(first, "low")->valueint, 1024);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "columns")), TURN_COLUMNS - 1);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "figures")), TURNS_FIGURES);
    cJSON_Delete(json);
    text_fini(&out);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(equal_worlds_part_nowhere),
        TEST(writes_that_are_dearer_in_large_turns_are_found_there),
        TEST(longer_turns_at_the_same_prices_are_a_result_and_no_cost),
        TEST(each_cause_is_named_before_what_it_causes),
        TEST(what_is_within_a_twentieth_is_let_go),
        TEST(few_turns_or_restless_ones_tell_nothing),
        TEST(only_turns_of_the_window_count),
        TEST(the_last_line_says_where_and_json_says_the_same),
    };
    return suite_run("validation/compare: turns", tests, COUNT_OF(tests));
}
