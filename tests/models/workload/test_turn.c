/* The flight recorder's format: what goes in comes out, the newest stay, and what is no recording
 * is refused. */
#include "models/workload/turn.h"

#include "tests/sim/suite.h"

#include <string.h>

enum { MAX = 8, WORKERS = 3 };

static struct turn_file *new_file(void) {
    size_t bytes = turn_file_bytes(WORKERS, MAX);
    void *memory = aligned_alloc(_Alignof(struct turn_file), bytes);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 0, bytes);
    return turn_file_init(memory, WORKERS, MAX);
}

/* Every column another value, told from worker, turn and column. */
static struct turn turn_of(int worker, int i) {
    struct turn turn;
    for (int column = 0; column < TURN_COLUMNS; column++)
        ((int64_t *)(void *)&turn)[column] = 1000000 * worker + 100 * i + column;
    return turn;
}

static void record(struct turn_file *file, int worker, int turns) {
    struct turn_log log = turn_log_of(file, worker);
    for (int i = 0; i < turns; i++) {
        struct turn turn = turn_of(worker, i);
        turn_log_add(&log, &turn);
    }
}

START_TEST(what_is_recorded_is_read_back_worker_by_worker) {
    struct turn_file *file = new_file();
    record(file, 2, 5);
    record(file, 0, 3);
    const char *why;
    ck_assert(turn_file_check(file, turn_file_bytes(WORKERS, MAX), &why));
    ck_assert_int_eq(turn_file_count(file, 0), 3);
    ck_assert_int_eq(turn_file_count(file, 1), 0);
    ck_assert_int_eq(turn_file_count(file, 2), 5);
    for (int i = 0; i < 5; i++) {
        struct turn expected = turn_of(2, i);
        ck_assert_mem_eq(turn_file_at(file, 2, i), &expected, sizeof expected);
    }
    ck_assert_int_eq(turn_value(turn_file_at(file, 0, 1), TURN_writes), 100 + TURN_writes);
    ck_assert_int_eq(turn_file_at(file, 0, 1)->writes, 100 + TURN_writes);
    free(file);
}
END_TEST

START_TEST(a_full_ring_keeps_the_newest_and_says_how_many_went) {
    static const int recorded[] = {MAX - 1, MAX, MAX + 1, 5 * MAX + 3};
    static const int lost[] = {0, 0, 1, 4 * MAX + 3};
    for (size_t c = 0; c < COUNT_OF(recorded); c++) {
        struct turn_file *file = new_file();
        record(file, 1, recorded[c]);
        int kept = recorded[c] - lost[c];
        ck_assert_int_eq(turn_file_count(file, 1), kept);
        ck_assert_int_eq(turn_file_lost(file, 1), lost[c]);
        for (int i = 0; i < kept; i++)
            ck_assert_int_eq(turn_file_at(file, 1, i)->start_ns, 1000000 + 100 * (lost[c] + i));
        ck_assert_int_eq(turn_file_count(file, 0) + turn_file_count(file, 2), 0);
        free(file);
    }
}
END_TEST

START_TEST(any_number_of_workers_fits_into_the_bound) {
    for (int32_t workers = 1; workers <= TURN_WORKERS_MAX; workers++) {
        uint32_t max = turn_file_turns_max(workers);
        ck_assert_uint_eq(max & (max - 1), 0);
        ck_assert_uint_le(max * (uint32_t)workers, TURNS_MAX);
        ck_assert_uint_gt(2 * max * (uint32_t)workers, TURNS_MAX); /* and not less than needed */
        ck_assert_uint_lt(turn_file_bytes(workers, max), (33u << 20));
    }
    ck_assert_uint_eq(turn_file_turns_max(1), TURNS_MAX);
}
END_TEST

START_TEST(what_is_no_recording_is_refused_with_its_reason) {
    size_t bytes = turn_file_bytes(WORKERS, MAX);
    static const struct {
        const char *why;
        uint32_t version, columns, workers, max;
        int64_t window_end_ns;
        size_t missing;
        uint64_t magic;
    } cases[] = {
        {NULL, TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, MAX, 0, 0, TURN_FILE_MAGIC},
        {"the recording is cut short", TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, MAX, 0, 1,
         TURN_FILE_MAGIC},
        {"the recording is cut short", TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, MAX, 0,
         sizeof(struct turn) * WORKERS * MAX + 64 * (1 + WORKERS) - 63, TURN_FILE_MAGIC},
        {"no recording of turns", TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, MAX, 0, 0,
         TURN_FILE_MAGIC + 1},
        {"a recording of another version", TURN_FILE_VERSION + 1, TURN_COLUMNS, WORKERS, MAX, 0, 0,
         TURN_FILE_MAGIC},
        {"a recording of another version", TURN_FILE_VERSION, TURN_COLUMNS + 1, WORKERS, MAX, 0, 0,
         TURN_FILE_MAGIC},
        {"a recording whose head is damaged", TURN_FILE_VERSION, TURN_COLUMNS, 0, MAX, 0, 0,
         TURN_FILE_MAGIC},
        {"a recording whose head is damaged", TURN_FILE_VERSION, TURN_COLUMNS, TURN_WORKERS_MAX + 1,
         MAX, 0, 0, TURN_FILE_MAGIC},
        {"a recording whose head is damaged", TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, MAX + 1, 0,
         0, TURN_FILE_MAGIC},
        {"a recording whose head is damaged", TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, TURNS_MAX,
         0, 0, TURN_FILE_MAGIC},
        {"a recording whose head is damaged", TURN_FILE_VERSION, TURN_COLUMNS, WORKERS, MAX, -1, 0,
         TURN_FILE_MAGIC},
    };
    struct turn_file *file = new_file();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        file->magic = cases[i].magic;
        file->version = cases[i].version;
        file->columns_count = cases[i].columns;
        file->workers_count = cases[i].workers;
        file->turns_max = cases[i].max;
        file->window_end_ns = cases[i].window_end_ns;
        const char *why;
        ck_assert(turn_file_check(file, bytes - cases[i].missing, &why) == (cases[i].why == NULL));
        ck_assert_pstr_eq(why, cases[i].why);
    }
    free(file);
}
END_TEST

START_TEST(a_window_takes_the_turns_that_begin_in_it) {
    struct turn_file *file = new_file();
    struct turn turn = {.start_ns = 2385};
    ck_assert(turn_file_is_in_window(file, &turn)); /* no window: all */
    static const struct {
        int64_t from, to;
        bool is_in;
    } windows[] = {{2385, 2386, true}, {2384, 2385, false}, {2386, 9999, false}, {0, 2386, true}};
    for (size_t i = 0; i < COUNT_OF(windows); i++) {
        file->window_start_ns = windows[i].from;
        file->window_end_ns = windows[i].to;
        ck_assert(turn_file_is_in_window(file, &turn) == windows[i].is_in);
    }
    free(file);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(what_is_recorded_is_read_back_worker_by_worker),
        TEST(a_full_ring_keeps_the_newest_and_says_how_many_went),
        TEST(any_number_of_workers_fits_into_the_bound),
        TEST(what_is_no_recording_is_refused_with_its_reason),
        TEST(a_window_takes_the_turns_that_begin_in_it),
    };
    return suite_run("models/workload: turn", tests, COUNT_OF(tests));
}
