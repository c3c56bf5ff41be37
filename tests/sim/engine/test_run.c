#include "sim/engine/run.h"

#include "tests/sim/suite.h"

static struct run run;

struct log {
    int32_t count;
    base_ns at_ns[64];
    uint64_t arg[64];
};

static struct log log_of_run;

static void note(void *target, uint64_t arg, base_ns now_ns) {
    struct log *entry = target;
    entry->at_ns[entry->count] = now_ns;
    entry->arg[entry->count++] = arg;
}

static void note_and_stop(void *target, uint64_t arg, base_ns now_ns) {
    note(target, arg, now_ns);
    run_stop(&run);
}

static void repeat(void *target, uint64_t arg, base_ns now_ns) {
    (void)now_ns;
    (void)run_after(&run, (base_ns)arg, repeat, target, arg);
}

static void start(struct run_options options) {
    log_of_run = (struct log){0};
    run_init(&run, &options);
}

START_TEST(a_run_does_what_is_due_by_its_end_and_can_go_on) {
    start((struct run_options){.seed = 1});
    (void)run_after(&run, 2385, note, &log_of_run, 1);
    (void)run_at(&run, 2386, note, &log_of_run, 2);
    ck_assert_int_eq(run_until(&run, 2385), RUN_REACHED_END);
    ck_assert_int_eq(log_of_run.count, 1);
    ck_assert_int_eq(run.now_ns, 2385);
    (void)run_after(&run, 0, note, &log_of_run, 3); /* earlier than what is pending */
    ck_assert_int_eq(run_until(&run, 5000), RUN_REACHED_END);
    ck_assert_int_eq(log_of_run.count, 3);
    ck_assert_uint_eq(log_of_run.arg[1], 3);
    ck_assert_int_eq(log_of_run.at_ns[2], 2386);
    ck_assert_int_eq(run.now_ns, 5000);
    ck_assert_uint_eq(run.events_count, 3);
    run_fini(&run);
}
END_TEST

static void note_three(void *target, uint64_t arg, base_ns now_ns) {
    for (uint64_t i = 0; i < 3; i++) {
        if (i > 0)
            run_next_of_group(&run);
        note(target, arg + i, now_ns);
    }
}

START_TEST(an_event_for_a_group_counts_and_hashes_as_that_many) {
    start((struct run_options){.seed = 1});
    for (uint64_t i = 0; i < 3; i++)
        (void)run_at(&run, 2385, note, &log_of_run, i);
    (void)run_at(&run, 2386, note, &log_of_run, 3);
    ck_assert_int_eq(run_until(&run, 5000), RUN_REACHED_END);
    uint64_t of_each = fingerprint_value(&run.fingerprint);
    run_fini(&run);
    start((struct run_options){.seed = 1});
    (void)run_at(&run, 2385, note_three, &log_of_run, 0);
    (void)run_at(&run, 2386, note, &log_of_run, 3);
    ck_assert_int_eq(run_until(&run, 5000), RUN_REACHED_END);
    ck_assert_uint_eq(fingerprint_value(&run.fingerprint), of_each);
    ck_assert_uint_eq(run.events_count, 4);
    run_fini(&run);
}
END_TEST

START_TEST(a_run_stops_when_told_and_can_go_on) {
    start((struct run_options){.seed = 1});
    (void)run_after(&run, 10, note_and_stop, &log_of_run, 1);
    (void)run_after(&run, 10, note, &log_of_run, 2);
    ck_assert_int_eq(run_until(&run, 100), RUN_STOPPED);
    ck_assert_int_eq(run.now_ns, 10);
    ck_assert_int_eq(log_of_run.count, 1);
    ck_assert_int_eq(run_until(&run, 100), RUN_REACHED_END);
    ck_assert_int_eq(log_of_run.count, 2);
    run_fini(&run);
}
END_TEST

START_TEST(reaching_the_bound_on_events_is_an_outcome) {
    for (uint64_t bound = 9; bound <= 11; bound++) {
        start((struct run_options){.seed = 1, .events_max = bound});
        (void)run_after(&run, 7, repeat, NULL, 7); /* the 10th is due at 70 ns */
        ck_assert_int_eq(run_until(&run, 70), bound < 10 ? RUN_EVENTS_MAX : RUN_REACHED_END);
        ck_assert_uint_eq(run.events_count, bound < 10 ? bound : 10);
        run_fini(&run);
    }
}
END_TEST

static void schedule_two(void *target, uint64_t arg, base_ns now_ns) {
    (void)now_ns;
    (void)run_after(&run, 5, schedule_two, target, arg);
    (void)run_after(&run, 6, schedule_two, target, arg);
}

START_TEST(reaching_the_bound_on_pending_events_is_an_outcome) {
    start((struct run_options){.seed = 1, .pending_max = 100});
    (void)run_after(&run, 5, schedule_two, NULL, 0);
    ck_assert_int_eq(run_until(&run, BASE_NS_PER_S), RUN_PENDING_MAX);
    ck_assert_uint_eq(run.calendar.pending_count, 100);
    run_fini(&run);
}
END_TEST

START_TEST(never_is_not_scheduled) {
    start((struct run_options){.seed = 1});
    ck_assert_int_eq(run_until(&run, 100), RUN_REACHED_END);
    ck_assert_uint_eq(run_after(&run, BASE_NS_MAX, note, &log_of_run, 1), 0);
    ck_assert_uint_eq(run_after(&run, BASE_NS_MAX - 100, note, &log_of_run, 1), 0);
    ck_assert_uint_eq(run_at(&run, BASE_NS_MAX, note, &log_of_run, 1), 0);
    ck_assert_uint_ne(run_after(&run, BASE_NS_MAX - 101, note, &log_of_run, 1), 0);
    ck_assert_int_eq(run_until(&run, BASE_NS_MAX), RUN_REACHED_END);
    ck_assert_int_eq(log_of_run.count, 1);
    run_fini(&run);
}
END_TEST

START_TEST(a_cancelled_event_does_not_run) {
    start((struct run_options){.seed = 1});
    calendar_handle handle = run_after(&run, 10, note, &log_of_run, 1);
    ck_assert(run_cancel(&run, handle));
    ck_assert(!run_cancel(&run, handle));
    ck_assert_int_eq(run_until(&run, 100), RUN_REACHED_END);
    ck_assert_int_eq(log_of_run.count, 0);
    run_fini(&run);
}
END_TEST

static uint64_t fingerprint_with(uint64_t seed, base_ns shift_ns) {
    start((struct run_options){.seed = seed});
    struct rng rng = run_stream(&run, 17, 3, 0);
    for (int32_t i = 0; i < 50; i++)
        (void)run_after(&run, shift_ns + (base_ns)rng_below(&rng, 1000), note, &log_of_run, 0);
    ck_assert_int_eq(run_until(&run, 5000), RUN_REACHED_END);
    uint64_t value = fingerprint_value(&run.fingerprint);
    run_fini(&run);
    return value;
}

START_TEST(the_fingerprint_is_a_function_of_seed_and_events) {
    ck_assert_uint_eq(fingerprint_with(1, 0), fingerprint_with(1, 0));
    ck_assert_uint_ne(fingerprint_with(1, 0), fingerprint_with(2, 0));
    ck_assert_uint_ne(fingerprint_with(1, 0), fingerprint_with(1, 1));
}
END_TEST

START_TEST(streams_depend_on_the_runs_seed_and_their_own_name) {
    start((struct run_options){.seed = 2385});
    struct rng from_run = run_stream(&run, 17, 3, 5), by_name, other = run_stream(&run, 18, 3, 5);
    rng_init(&by_name, (struct rng_name){.seed = 2385, .entity = 17, .purpose = 3, .index = 5});
    uint64_t number = rng_u64(&from_run);
    ck_assert_uint_eq(number, rng_u64(&by_name));
    ck_assert_uint_ne(number, rng_u64(&other));
    run_fini(&run);
}
END_TEST

START_TEST(an_end_before_now_is_our_bug) {
    start((struct run_options){.seed = 1});
    (void)run_until(&run, 100);
    (void)run_until(&run, 99);
}
END_TEST

START_TEST(every_outcome_has_a_name) {
    ck_assert_str_eq(run_outcome_name(RUN_REACHED_END), "reached the end");
    ck_assert_str_eq(run_outcome_name(RUN_EVENTS_MAX), "stopped at the bound on events");
}
END_TEST

static const struct suite_test tests[] = {
    TEST(a_run_does_what_is_due_by_its_end_and_can_go_on),
    TEST(an_event_for_a_group_counts_and_hashes_as_that_many),
    TEST(a_run_stops_when_told_and_can_go_on),
    TEST(reaching_the_bound_on_events_is_an_outcome),
    TEST(reaching_the_bound_on_pending_events_is_an_outcome),
    TEST(never_is_not_scheduled),
    TEST(a_cancelled_event_does_not_run),
    TEST(the_fingerprint_is_a_function_of_seed_and_events),
    TEST(streams_depend_on_the_runs_seed_and_their_own_name),
    TEST_OF_OUR_BUG(an_end_before_now_is_our_bug),
    TEST(every_outcome_has_a_name),
};

int main(void) {
    return suite_run("run", tests, COUNT_OF(tests));
}
