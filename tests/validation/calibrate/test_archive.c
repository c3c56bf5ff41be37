/* Windows into a store and out again. */
#include "tests/sim/suite.h"

#include "validation/calibrate/archive.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void set_up(void) {
    snprintf(path, sizeof path, "test_archive_%d.db", (int)getpid());
    remove(path);
}

static void tear_down(void) {
    remove(path);
}

static void make_up(struct windows *windows) {
    static const char *const cells[] = {"a room", "another", "a room"};
    windows_init(windows);
    for (int32_t i = 0; i < 7; i++) {
        struct calibrate_window window = {.block = i / 3,
                                          .cell = cells[i / 3],
                                          .working_set = 2385 + i,
                                          .scattered = 0.385,
                                          .start_ns = INT64_C(8385123456789) + i,
                                          .length_ns = 100 * BASE_NS_PER_MS,
                                          .yard_before_ns = 1701.5,
                                          .yard_after_ns = 1699.25 - i,
                                          .yardstick = 1,
                                          .exclusion = i == 4 ? CALIBRATE_SHARED : CALIBRATE_USED};
        window.counts.writes = 12345 + (uint64_t)i;
        window.counts.write_ns = UINT64_C(4503599627370497) + (uint64_t)i; /* 2^52 + 1 */
        window.counts.session_bytes = 7 * (uint64_t)i;
        windows_add(windows, &window);
    }
}

static int64_t begin(struct store *store) {
    int64_t id;
    ck_assert_msg(store_open(store, path, STORE_WRITE), "%s", store->error);
    ck_assert(store_begin_run(
        store,
        &(struct store_run_options){.kind = STORE_MEASURED, .command = "calibrate", .is_fit = true},
        &id));
    return id;
}

START_TEST(windows_come_out_of_the_store_as_they_went_in) {
    struct store store;
    struct arena arena;
    struct windows in, out;
    int64_t run = begin(&store);
    arena_init(&arena);
    make_up(&in);
    windows_init(&out);
    ck_assert_msg(archive_put(&store, run, &in), "%s", store.error);
    ck_assert(store_finish_run(&store, run, &(struct store_finish){.state = STORE_DONE}));
    ck_assert_int_eq(archive_get(&store, run, &arena, &out), STORE_FOUND);
    ck_assert_int_eq(out.count, in.count);
    for (int32_t i = 0; i < in.count; i++) {
        const struct calibrate_window *a = &in.items[i], *b = &out.items[i];
        ck_assert_str_eq(a->cell, b->cell);
        ck_assert_int_eq(a->block, b->block);
        ck_assert_double_eq(a->working_set, b->working_set);
        ck_assert_double_eq(a->scattered, b->scattered);
        ck_assert_int_eq(a->start_ns, b->start_ns);
        ck_assert_int_eq(a->length_ns, b->length_ns);
        ck_assert_double_eq(a->yard_before_ns, b->yard_before_ns);
        ck_assert_double_eq(a->yard_after_ns, b->yard_after_ns);
        ck_assert_int_eq(a->exclusion, b->exclusion);
        ck_assert_int_eq(memcmp(&a->counts, &b->counts, sizeof a->counts), 0);
    }
    windows_fini(&in);
    windows_fini(&out);
    store_close(&store);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_run_without_windows_has_none_to_give) {
    struct store store;
    struct arena arena;
    struct windows out;
    int64_t run = begin(&store);
    arena_init(&arena);
    windows_init(&out);
    ck_assert_int_eq(archive_get(&store, run, &arena, &out), STORE_MISSING);
    ck_assert_int_eq(out.count, 0);
    windows_fini(&out);
    store_close(&store);
    arena_fini(&arena);
}
END_TEST

/* Numbers of an exclusion that this program does not know, and columns of unequal length. */
START_TEST(windows_of_another_make_are_as_good_as_none) {
    struct store store;
    struct arena arena;
    struct windows in, out;
    int64_t run = begin(&store);
    const double wrong[] = {0, 0, 0, CALIBRATE_EXCLUSIONS, 0, 0, 0}, few[] = {1, 2};
    arena_init(&arena);
    make_up(&in);
    windows_init(&out);
    ck_assert(archive_put(&store, run, &in));
    ck_assert(
        store_put_series(&store, run,
                         &(struct store_series){
                             .name = "window.exclusion", .unit = "", .count = 7, .values = wrong}));
    ck_assert_int_eq(archive_get(&store, run, &arena, &out), STORE_MISSING);
    ck_assert(archive_put(&store, run, &in));
    ck_assert(store_put_series(
        &store, run,
        &(struct store_series){.name = "window.writes", .unit = "", .count = 2, .values = few}));
    windows_fini(&out);
    ck_assert_int_eq(archive_get(&store, run, &arena, &out), STORE_MISSING);
    windows_fini(&in);
    windows_fini(&out);
    store_close(&store);
    arena_fini(&arena);
}
END_TEST

START_TEST(blocks_of_one_name_are_visits_to_one_cell) {
    struct windows windows;
    int32_t cells[WINDOWS_BLOCKS_MAX];
    make_up(&windows);
    ck_assert_int_eq(windows_cells(&windows, cells), 3);
    ck_assert_int_eq(cells[0], 0);
    ck_assert_int_eq(cells[1], 1);
    ck_assert_int_eq(cells[2], 0);
    windows_fini(&windows);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(windows_come_out_of_the_store_as_they_went_in),
        TEST(a_run_without_windows_has_none_to_give),
        TEST(windows_of_another_make_are_as_good_as_none),
        TEST(blocks_of_one_name_are_visits_to_one_cell),
    };
    return suite_run_with("calibrate/archive", tests, COUNT_OF(tests), set_up, tear_down);
}
