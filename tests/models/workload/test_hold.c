/* Holding messages back: what a flush of them came to, and which room is due next. */
#include "models/workload/hold.h"

#include "tests/sim/suite.h"

static const struct spec_feed no_feed = {.above = SPEC_UNLIMITED};

START_TEST(a_batched_feed_goes_before_the_batch_and_has_no_bound_on_messages) {
    const struct spec_batch batch = {.for_ = 7, .messages = 3};
    const struct spec_feed feed = {.above = 100, .kind = SPEC_BATCHED, .every = 1000};
    struct hold_rule at_the_cap = hold_rule_of(&batch, &feed, 100);
    struct hold_rule above_it = hold_rule_of(&batch, &feed, 101);
    ck_assert_int_eq(at_the_cap.reason, HOLD_BATCH);
    ck_assert_int_eq(at_the_cap.for_ns, 7);
    ck_assert_int_eq(at_the_cap.messages_max, 3);
    ck_assert_int_eq(above_it.reason, HOLD_FEED);
    ck_assert_int_eq(above_it.for_ns, 1000);
    ck_assert_int_eq(above_it.messages_max, INT64_MAX);
}
END_TEST

START_TEST(a_hold_is_over_with_the_message_that_fills_it) {
    const struct hold_rule rule = {.for_ns = 50, .messages_max = 3};
    struct hold hold = {0};
    ck_assert(!hold_add(&hold, &rule, 66, 1000));
    ck_assert_int_eq(hold.until_ns, 1050);
    ck_assert(!hold_add(&hold, &rule, 66, 1020));
    ck_assert(hold_add(&hold, &rule, 66, 1021));
    ck_assert_int_eq(hold.until_ns, 1050); /* the first one's time, not the last one's */
}
END_TEST

/* By hand: held for 40, 20 and 19 ns. Three frames of 66 B are three packets alone and one
 * together; of 1,000 B they are three alone and ceil(3000 / 1448) = 3 together. */
START_TEST(a_flush_knows_how_long_its_messages_waited_and_which_packets_they_shared) {
    const struct hold_rule rule = {.for_ns = 50, .messages_max = INT64_MAX};
    static const struct { int64_t bytes, saved; } frames[] = {{66, 2}, {1000, 0}};
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        struct hold hold = {0};
        ck_assert(!hold_add(&hold, &rule, frames[i].bytes, 1000));
        ck_assert(!hold_add(&hold, &rule, frames[i].bytes, 1020));
        ck_assert(!hold_add(&hold, &rule, frames[i].bytes, 1021));
        struct hold_batch batch = hold_end(&hold, 3 * frames[i].bytes, 1040);
        ck_assert_int_eq(batch.messages, 3);
        ck_assert_int_eq(batch.delay_sum_ns, 40 + 20 + 19);
        ck_assert_int_eq(batch.longest_ns, 40);
        ck_assert_int_eq(batch.packets_saved, frames[i].saved);
        ck_assert(!hold_is_on(&hold));
    }
}
END_TEST

START_TEST(a_batched_feed_is_late_beyond_its_time_and_a_turn_and_a_batch_never_is) {
    const struct spec_feed feed = {.every = 1000};
    const struct spec_turn turn = {.flush_after = 20};
    struct hold_batch batch = {.reason = HOLD_FEED, .longest_ns = 1020};
    ck_assert(!hold_is_late(&batch, &feed, &turn));
    batch.longest_ns = 1021;
    ck_assert(hold_is_late(&batch, &feed, &turn));
    batch.reason = HOLD_BATCH;
    ck_assert(!hold_is_late(&batch, &feed, &turn));
}
END_TEST

START_TEST(without_a_time_nothing_is_held) {
    const struct spec_batch batch = {.for_ = 0, .messages = 3};
    ck_assert_int_eq(hold_rule_of(&batch, &no_feed, 1000000).for_ns, 0);
}
END_TEST

/* More than the first capacity, with pops in between, so that the ring wraps and grows wrapped. */
START_TEST(rooms_leave_the_queue_in_the_order_in_which_they_are_due) {
    struct hold_queue queue = {0};
    uint32_t added = 0, popped = 0;
    for (int round = 0; round < 7; round++) {
        for (int i = 0; i < 41; i++, added++)
            ck_assert(hold_queue_add(&queue, (struct hold_entry){3 * (base_ns)added, added}));
        for (int i = 0; i < 23; i++, popped++) {
            ck_assert_uint_eq(hold_queue_first(&queue)->room, popped);
            ck_assert_int_eq(hold_queue_first(&queue)->due_ns, 3 * (base_ns)popped);
            hold_queue_pop(&queue);
        }
    }
    for (; popped < added; popped++) {
        ck_assert_uint_eq(hold_queue_first(&queue)->room, popped);
        hold_queue_pop(&queue);
    }
    ck_assert_ptr_null(hold_queue_first(&queue));
    hold_queue_fini(&queue);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_batched_feed_goes_before_the_batch_and_has_no_bound_on_messages),
        TEST(a_hold_is_over_with_the_message_that_fills_it),
        TEST(a_flush_knows_how_long_its_messages_waited_and_which_packets_they_shared),
        TEST(a_batched_feed_is_late_beyond_its_time_and_a_turn_and_a_batch_never_is),
        TEST(without_a_time_nothing_is_held),
        TEST(rooms_leave_the_queue_in_the_order_in_which_they_are_due),
    };
    return suite_run("models/workload/hold", tests, COUNT_OF(tests));
}
