#include "sim/engine/meter.h"

#include "tests/sim/suite.h"

static struct arena arena;
static struct meter meter;

static void start(void) {
    arena_init(&arena);
    meter_init(&meter, &arena);
}

static void stop(void) {
    meter_fini(&meter);
    arena_fini(&arena);
}

START_TEST(entries_are_listed_in_the_order_made_and_found_by_name) {
    start();
    struct meter_counter *drops = meter_new_counter(&meter, "drops", "messages");
    struct hist *latency = meter_new_hist(&meter, "latency", "ns");
    (void)meter_new_level(&meter, "queue", "bytes", 0, 0);
    drops->count += 17;
    hist_add(latency, 2385);
    ck_assert_int_eq(meter.entries_count, 3);
    ck_assert_str_eq(meter.entries[1]->name, "latency");
    ck_assert_int_eq(meter.entries[1]->kind, METER_HIST);
    ck_assert_uint_eq(meter.entries[1]->hist.hist.total, 1);
    ck_assert_uint_eq(meter_find(&meter, "drops")->counter.count, 17);
    ck_assert_str_eq(meter_find(&meter, "queue")->unit, "bytes");
    ck_assert_ptr_null(meter_find(&meter, "Drops"));
    stop();
}
END_TEST

START_TEST(a_level_moves_by_what_is_added) {
    start();
    struct meter_level *queue = meter_new_level(&meter, "queue", "bytes", 100, 10);
    meter_level_add(queue, 110, 2.5);
    meter_level_add(queue, 130, -12.5);
    meter_level_set(queue, 150, 7);
    ck_assert_double_eq_tol(meter_level_mean(queue, 160), (100 + 250 + 0 + 70) / 60.0, 1e-12);
    ck_assert_double_eq(queue->level.max, 12.5);
    stop();
}
END_TEST

static void assert_window(const struct meter_series *series, int64_t window, uint64_t count,
                          double sum, double max) {
    const struct meter_window *found = meter_series_window(series, window);
    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(found->count, count);
    ck_assert_double_eq(found->sum, sum);
    ck_assert_double_eq(found->max, max);
}

START_TEST(a_series_sums_by_windows_and_has_empty_ones_between) {
    start();
    struct meter_series *series = meter_new_series(&meter, "deliveries", "1", 1000, 8);
    ck_assert_ptr_null(meter_series_window(series, 0));
    meter_series_add(series, 0, 2.5);
    meter_series_add(series, 999, -4);
    meter_series_add(series, 1000, -3);
    meter_series_add(series, 4385, 7);
    assert_window(series, 0, 2, -1.5, 2.5);
    assert_window(series, 1, 1, -3, -3);
    assert_window(series, 2, 0, 0, 0);
    assert_window(series, 4, 1, 7, 7);
    ck_assert_ptr_null(meter_series_window(series, 5));
    ck_assert_ptr_null(meter_series_window(series, -1));
    ck_assert_uint_eq(series->lost_count, 0);
    stop();
}
END_TEST

START_TEST(a_full_series_loses_its_oldest_windows_and_counts_them) {
    start();
    struct meter_series *series = meter_new_series(&meter, "deliveries", "1", 10, 4);
    for (int64_t window = 0; window < 4; window++)
        meter_series_add(series, window * 10, (double)window);
    ck_assert_uint_eq(series->lost_count, 0);
    assert_window(series, 0, 1, 0, 0);
    meter_series_add(series, 49, 4);
    ck_assert_uint_eq(series->lost_count, 1);
    ck_assert_ptr_null(meter_series_window(series, 0));
    assert_window(series, 1, 1, 1, 1);
    assert_window(series, 4, 1, 4, 4);
    meter_series_add(series, 5, 1); /* window 0 is gone */
    ck_assert_uint_eq(series->lost_count, 2);
    meter_series_add(series, 10, 5); /* window 1 is not */
    assert_window(series, 1, 2, 6, 5);
    stop();
}
END_TEST

START_TEST(a_jump_far_ahead_leaves_empty_windows) {
    start();
    struct meter_series *series = meter_new_series(&meter, "deliveries", "1", 10, 4);
    meter_series_add(series, 0, 1);
    meter_series_add(series, 3600 * BASE_NS_PER_S, 2);
    int64_t last = 360 * BASE_NS_PER_S;
    for (int64_t window = last - 3; window < last; window++)
        assert_window(series, window, 0, 0, 0);
    assert_window(series, last, 1, 2, 2);
    ck_assert_ptr_null(meter_series_window(series, last - 4));
    stop();
}
END_TEST

START_TEST(after_a_restart_counts_begin_anew_and_levels_stand) {
    start();
    struct meter_counter *drops = meter_new_counter(&meter, "drops", "messages");
    struct hist *latency = meter_new_hist(&meter, "latency", "ns");
    struct meter_level *queue = meter_new_level(&meter, "queue", "bytes", 0, 0);
    struct meter_series *series = meter_new_series(&meter, "deliveries", "1", 10, 4);
    drops->count = 17;
    hist_add(latency, 2385);
    meter_level_set(queue, 50, 64);
    meter_series_add(series, 50, 1);
    meter_restart(&meter, 100);
    ck_assert_uint_eq(drops->count, 0);
    ck_assert_uint_eq(latency->total, 0);
    ck_assert_double_eq(meter_level_mean(queue, 200), 64);
    assert_window(series, 5, 1, 1, 1);
    stop();
}
END_TEST

START_TEST(a_name_used_twice_is_our_bug) {
    start();
    (void)meter_new_counter(&meter, "drops", "messages");
    (void)meter_new_hist(&meter, "drops", "ns");
}
END_TEST

static void fill(int32_t count) {
    start();
    for (int32_t i = 0; i < count; i++)
        (void)meter_new_counter(&meter, arena_new_format(&arena, "counter %d", i), "1");
}

START_TEST(as_many_entries_as_the_maximum_fit) {
    fill(METER_ENTRIES_MAX);
    ck_assert_int_eq(meter.entries_count, METER_ENTRIES_MAX);
    stop();
}
END_TEST

START_TEST(one_entry_more_is_our_bug) {
    fill(METER_ENTRIES_MAX + 1);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(entries_are_listed_in_the_order_made_and_found_by_name),
    TEST(a_level_moves_by_what_is_added),
    TEST(a_series_sums_by_windows_and_has_empty_ones_between),
    TEST(a_full_series_loses_its_oldest_windows_and_counts_them),
    TEST(a_jump_far_ahead_leaves_empty_windows),
    TEST(after_a_restart_counts_begin_anew_and_levels_stand),
    TEST_OF_OUR_BUG(a_name_used_twice_is_our_bug),
    TEST(as_many_entries_as_the_maximum_fit),
    TEST_OF_OUR_BUG(one_entry_more_is_our_bug),
};

int main(void) {
    return suite_run("meter", tests, COUNT_OF(tests));
}
