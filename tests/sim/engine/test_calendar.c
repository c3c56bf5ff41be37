#include "sim/engine/calendar.h"

#include "sim/base/rng.h"
#include "tests/sim/engine/heap.h"
#include "tests/sim/suite.h"

static struct calendar calendar;

static calendar_handle schedule(base_ns at_ns, uint64_t arg) {
    return calendar_schedule(&calendar, at_ns, NULL, NULL, arg);
}

/* Pops one event that must be (at_ns, arg). */
static void assert_pops(base_ns at_ns, uint64_t arg) {
    struct calendar_event event;
    ck_assert(calendar_pop(&calendar, BASE_NS_MAX, &event));
    ck_assert_int_eq(event.at_ns, at_ns);
    ck_assert_uint_eq(event.arg, arg);
}

START_TEST(events_come_in_the_order_of_their_time) {
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    schedule(BASE_NS_MAX - 1, 4);
    schedule(2385, 2);
    schedule(0, 1);
    schedule((base_ns)1 << 40, 3);
    ck_assert_int_eq(calendar_next_ns(&calendar), 0);
    assert_pops(0, 1);
    assert_pops(2385, 2);
    assert_pops((base_ns)1 << 40, 3);
    assert_pops(BASE_NS_MAX - 1, 4);
    ck_assert_int_eq(calendar_next_ns(&calendar), BASE_NS_MAX);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(events_of_one_instant_come_in_the_order_scheduled) {
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    for (uint64_t i = 0; i < 1000; i++)
        schedule(2385000, i);
    schedule(2384999, 5000);
    assert_pops(2384999, 5000); /* from here on the same day is filed lower */
    for (uint64_t i = 1000; i < 2000; i++)
        schedule(2385000, i);
    for (uint64_t i = 0; i < 2000; i++) {
        assert_pops(2385000, i);
        if (i < 100)
            schedule(2385000, 2000 + i); /* from within the instant: after all the others */
    }
    for (uint64_t i = 0; i < 100; i++)
        assert_pops(2385000, 2000 + i);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(nothing_is_popped_beyond_the_limit_and_earlier_events_may_still_come) {
    struct calendar_event event;
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    schedule(1000000, 2);
    schedule(1000001, 3);
    ck_assert(!calendar_pop(&calendar, 999999, &event));
    schedule(999999, 1);
    ck_assert(calendar_pop(&calendar, 999999, &event));
    ck_assert_uint_eq(event.arg, 1);
    ck_assert(!calendar_pop(&calendar, 999999, &event));
    ck_assert(calendar_pop(&calendar, 1000000, &event));
    ck_assert_uint_eq(event.arg, 2);
    ck_assert(!calendar_pop(&calendar, 1000000, &event));
    assert_pops(1000001, 3);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(a_cancelled_event_never_comes) {
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    calendar_handle first = schedule(500, 1), second = schedule(500, 2), third = schedule(500, 3);
    ck_assert(calendar_is_pending(&calendar, second));
    ck_assert(calendar_cancel(&calendar, second));
    ck_assert(!calendar_is_pending(&calendar, second));
    ck_assert(!calendar_cancel(&calendar, second));
    ck_assert(calendar_cancel(&calendar, third));
    assert_pops(500, 1);
    ck_assert(!calendar_cancel(&calendar, first));
    ck_assert_uint_eq(calendar.pending_count, 0);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(a_handle_does_not_fit_the_next_event_in_the_same_place) {
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    calendar_handle old = schedule(500, 1);
    ck_assert(calendar_cancel(&calendar, old));
    calendar_handle new = schedule(600, 2);
    ck_assert_uint_eq(old & CALENDAR_PENDING_MAX, new &CALENDAR_PENDING_MAX);
    ck_assert(!calendar_cancel(&calendar, old));
    ck_assert(!calendar_cancel(&calendar, 0));
    ck_assert(!calendar_cancel(&calendar, UINT64_MAX));
    assert_pops(600, 2);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(a_full_calendar_refuses_and_counts) {
    calendar_init(&calendar, 3);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_uint_ne(schedule(10, i), 0);
    ck_assert_uint_eq(calendar.refused_count, 0);
    ck_assert_uint_eq(schedule(10, 3), 0);
    ck_assert_uint_eq(calendar.refused_count, 1);
    assert_pops(10, 0);
    ck_assert_uint_ne(schedule(10, 4), 0);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(scheduling_in_the_past_is_our_bug) {
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    schedule(500, 1);
    assert_pops(500, 1);
    schedule(499, 2);
}
END_TEST

/* The oracle. Both lists get the same random operations and must answer the same, for times that
 * are smooth, skewed over twelve orders of magnitude, in bursts of one instant, or all of these. */

enum { HANDLES = 4096, OPERATIONS = 200000 };

struct pair {
    struct heap heap;
    struct rng rng;
    calendar_handle in_calendar[HANDLES], in_heap[HANDLES];
    uint64_t scheduled;
    int32_t differences; /* counted, not asserted one by one: an assertion of Check's is a system
                            call */
    base_ns now_ns;
};

static base_ns smooth_ns(struct rng *rng) {
    return (base_ns)rng_exponential(rng, 1e9);
}

static base_ns skewed_ns(struct rng *rng) {
    return (base_ns)(rng_u64(rng) >> (24 + rng_below(rng, 40)));
}

static base_ns burst_ns(struct rng *rng) {
    return (base_ns)rng_below(rng, 3) * 1000000;
}

static base_ns mixed_ns(struct rng *rng) {
    uint64_t kind = rng_below(rng, 3);
    return kind == 0 ? smooth_ns(rng) : kind == 1 ? skewed_ns(rng) : burst_ns(rng);
}

static base_ns (*const delays[])(struct rng *rng) = {smooth_ns, skewed_ns, burst_ns, mixed_ns};

static void schedule_both(struct pair *pair, base_ns after_ns) {
    uint64_t arg = pair->scheduled++, place = arg % HANDLES;
    base_ns at_ns = pair->now_ns + after_ns;
    pair->in_calendar[place] = schedule(at_ns, arg);
    pair->in_heap[place] = heap_schedule(&pair->heap, at_ns, NULL, NULL, arg);
}

static void cancel_both(struct pair *pair) {
    uint64_t place = rng_below(&pair->rng, HANDLES);
    bool was_pending = calendar_cancel(&calendar, pair->in_calendar[place]);
    pair->differences += was_pending != heap_cancel(&pair->heap, pair->in_heap[place]);
}

static void pop_both(struct pair *pair, base_ns limit_ns) {
    struct calendar_event a = {0}, b = {0};
    bool was_due = calendar_pop(&calendar, limit_ns, &a);
    pair->differences += was_due != heap_pop(&pair->heap, limit_ns, &b);
    pair->differences += a.at_ns != b.at_ns || a.arg != b.arg;
    if (was_due)
        pair->now_ns = a.at_ns;
    else if (limit_ns != BASE_NS_MAX)
        pair->now_ns = limit_ns;
}

/* Half of the steps schedule while the list is to grow, a third while it is to shrink. */
static void step_both(struct pair *pair, base_ns (*delay)(struct rng *rng), bool is_growing) {
    uint64_t dice = rng_below(&pair->rng, 12);
    if (dice < (is_growing ? 6u : 4u))
        schedule_both(pair, delay(&pair->rng));
    else if (dice < 7)
        cancel_both(pair);
    else if (dice < 8)
        pop_both(pair, pair->now_ns + delay(&pair->rng) / 4);
    else
        pop_both(pair, BASE_NS_MAX);
    pair->differences += calendar.pending_count != pair->heap.count;
}

START_TEST(the_calendar_does_exactly_what_a_heap_does) {
    static struct pair pair;
    pair = (struct pair){0};
    rng_init(&pair.rng, (struct rng_name){.seed = 1, .entity = (uint64_t)_i});
    heap_init(&pair.heap);
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    for (int32_t i = 0; i < OPERATIONS; i++) {
        step_both(&pair, delays[_i], i / 20000 % 2 == 0);
        if (i % 64 == 0)
            pair.differences += calendar_next_ns(&calendar) != heap_next_ns(&pair.heap);
    }
    while (pair.heap.count > 0)
        pop_both(&pair, BASE_NS_MAX);
    ck_assert_int_eq(pair.differences, 0);
    ck_assert_uint_eq(calendar.pending_count, 0);
    heap_fini(&pair.heap);
    calendar_fini(&calendar);
}
END_TEST

START_TEST(no_memory_is_taken_once_the_calendar_has_its_size) {
    struct calendar_event event;
    calendar_init(&calendar, CALENDAR_PENDING_MAX);
    for (uint64_t i = 0; i < 1000; i++)
        schedule((base_ns)i * 17, i);
    uint32_t capacity = calendar.nodes_capacity;
    for (uint64_t i = 0; i < 100000; i++) {
        ck_assert(calendar_pop(&calendar, BASE_NS_MAX, &event));
        schedule(event.at_ns + (base_ns)(i % 2385) * 1000, i);
    }
    ck_assert_uint_eq(calendar.nodes_capacity, capacity);
    calendar_fini(&calendar);
}
END_TEST

static const struct suite_test tests[] = {
    TEST(events_come_in_the_order_of_their_time),
    TEST(events_of_one_instant_come_in_the_order_scheduled),
    TEST(nothing_is_popped_beyond_the_limit_and_earlier_events_may_still_come),
    TEST(a_cancelled_event_never_comes),
    TEST(a_handle_does_not_fit_the_next_event_in_the_same_place),
    TEST(a_full_calendar_refuses_and_counts),
    TEST_OF_OUR_BUG(scheduling_in_the_past_is_our_bug),
    LOOP_TEST(the_calendar_does_exactly_what_a_heap_does, COUNT_OF(delays)),
    TEST(no_memory_is_taken_once_the_calendar_has_its_size),
};

int main(void) {
    return suite_run("calendar", tests, COUNT_OF(tests));
}
