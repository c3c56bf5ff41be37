/* The decision about a slow consumer, and the limit on connections: below, at and above each bound.
 */
#include "models/workload/admission.h"
#include "models/workload/slow_consumer.h"

#include "tests/sim/suite.h"

static struct spec_send_queue rules_of(enum spec_policy policy) {
    return (struct spec_send_queue){.policy = policy,
                                    .limit = 1000,
                                    .messages = 10,
                                    .soft_limit = 600,
                                    .soft_for = 50,
                                    .write_deadline = 200};
}

static struct slow_consumer_queue queue_of(int64_t bytes, int64_t messages) {
    struct slow_consumer_queue queue;
    slow_consumer_queue_init(&queue);
    queue.bytes = bytes;
    queue.messages = messages;
    return queue;
}

static struct slow_consumer_message message_of(int64_t bytes) {
    return (struct slow_consumer_message){.bytes = bytes};
}

static void expect(enum spec_policy policy, struct slow_consumer_queue queue, int64_t bytes,
                   enum slow_consumer_action action, enum slow_consumer_reason reason) {
    struct spec_send_queue rules = rules_of(policy);
    struct slow_consumer_verdict verdict =
        slow_consumer_decide(&rules, &queue, message_of(bytes), 7);
    ck_assert_int_eq(verdict.action, action);
    ck_assert_int_eq(verdict.reason, reason);
}

static const struct {
    enum spec_policy policy;
    enum slow_consumer_action over;
} policies[] = {
    {SPEC_CLOSE, SLOW_CLOSE},
    {SPEC_DROP_NEWEST, SLOW_DROP_NEWEST},
    {SPEC_DROP_OLDEST, SLOW_DROP_OLDEST},
    {SPEC_CONFLATE, SLOW_CONFLATE},
    {SPEC_THROTTLE, SLOW_THROTTLE},
};

START_TEST(a_queue_may_end_exactly_at_its_limits) {
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        enum spec_policy policy = policies[i].policy;
        expect(policy, queue_of(870, 3), 129, SLOW_QUEUE, SLOW_REASON_NONE);
        expect(policy, queue_of(871, 3), 129, SLOW_QUEUE, SLOW_REASON_NONE);
        expect(policy, queue_of(500, 9), 129, SLOW_QUEUE, SLOW_REASON_NONE);
    }
}
END_TEST

START_TEST(above_a_limit_the_policy_speaks) {
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        enum spec_policy policy = policies[i].policy;
        expect(policy, queue_of(872, 3), 129, policies[i].over, SLOW_REASON_BYTES);
        expect(policy, queue_of(500, 10), 129, policies[i].over, SLOW_REASON_MESSAGES);
    }
}
END_TEST

START_TEST(the_two_mistakes_know_no_limit) {
    expect(SPEC_UNBOUNDED, queue_of(1000000, 1000), 129, SLOW_QUEUE, SLOW_REASON_NONE);
    expect(SPEC_BLOCKING, queue_of(0, 0), 129, SLOW_BLOCK, SLOW_REASON_NONE);
    expect(SPEC_BLOCKING, queue_of(1000000, 1000), 129, SLOW_BLOCK, SLOW_REASON_NONE);
}
END_TEST

START_TEST(drop_oldest_drops_the_newest_where_nothing_else_helps) {
    struct slow_consumer_queue begun = queue_of(900, 1);
    begun.head_sent_bytes = 100;
    expect(SPEC_DROP_OLDEST, begun, 129, SLOW_DROP_NEWEST, SLOW_REASON_BYTES);
    begun.messages = 2;
    expect(SPEC_DROP_OLDEST, begun, 129, SLOW_DROP_OLDEST, SLOW_REASON_BYTES);
    expect(SPEC_DROP_OLDEST, queue_of(0, 0), 1001, SLOW_DROP_NEWEST, SLOW_REASON_BYTES);
    expect(SPEC_DROP_OLDEST, queue_of(900, 5), 1001, SLOW_DROP_NEWEST, SLOW_REASON_BYTES);
}
END_TEST

/* Two of five are signals; 872 + 129 is one too many. */
START_TEST(signals_go_before_a_policy_speaks) {
    struct slow_consumer_message signal = {129, true};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct spec_send_queue rules = rules_of(policies[i].policy);
        struct slow_consumer_queue queue = queue_of(872, 5);
        queue.signals = 2;
        expect(policies[i].policy, queue, 129, SLOW_DROP_SIGNAL, SLOW_REASON_BYTES);
        ck_assert_int_eq(slow_consumer_decide(&rules, &queue, signal, 7).action, SLOW_DROP_SIGNAL);
        queue.bytes = 871;
        ck_assert_int_eq(slow_consumer_decide(&rules, &queue, signal, 7).action, SLOW_QUEUE);
        queue.messages = 10;
        expect(policies[i].policy, queue, 129, SLOW_DROP_SIGNAL, SLOW_REASON_MESSAGES);
        queue.signals = 0; /* none left, or the last of them has begun to go out */
        expect(policies[i].policy, queue, 129, policies[i].over, SLOW_REASON_MESSAGES);
        ck_assert_int_eq(slow_consumer_decide(&rules, &queue, signal, 7).action, SLOW_DROP_NEWEST);
    }
}
END_TEST

/* What is larger than the limit is not made to fit by dropping others. */
START_TEST(signals_stay_where_dropping_them_would_not_help) {
    struct slow_consumer_queue queue = queue_of(500, 5);
    queue.signals = 5;
    expect(SPEC_CLOSE, queue, 1001, SLOW_CLOSE, SLOW_REASON_BYTES);
    expect(SPEC_DROP_OLDEST, queue, 1001, SLOW_DROP_NEWEST, SLOW_REASON_BYTES);
    expect(SPEC_UNBOUNDED, queue, 1001, SLOW_QUEUE, SLOW_REASON_NONE);
    expect(SPEC_BLOCKING, queue, 1001, SLOW_BLOCK, SLOW_REASON_NONE);
}
END_TEST

START_TEST(an_unlimited_queue_does_not_overflow_its_sum) {
    struct spec_send_queue rules = {.policy = SPEC_CLOSE,
                                    .limit = SPEC_UNLIMITED,
                                    .messages = SPEC_UNLIMITED,
                                    .soft_limit = SPEC_UNLIMITED,
                                    .soft_for = BASE_NS_MAX,
                                    .write_deadline = BASE_NS_MAX};
    struct slow_consumer_queue queue = queue_of(INT64_MAX - 5, 1);
    ck_assert_int_eq(slow_consumer_decide(&rules, &queue, message_of(100), 0).action, SLOW_CLOSE);
    queue = queue_of(1 << 30, 1 << 20);
    ck_assert_int_eq(slow_consumer_decide(&rules, &queue, message_of(100), 0).action, SLOW_QUEUE);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), BASE_NS_MAX);
}
END_TEST

START_TEST(the_write_deadline_counts_from_the_last_byte_that_was_taken) {
    struct spec_send_queue rules = rules_of(SPEC_DROP_NEWEST);
    struct slow_consumer_queue queue = queue_of(300, 3);
    slow_consumer_update(&rules, &queue, 0, 1000);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), 1200);
    queue.bytes = 400;
    slow_consumer_update(&rules, &queue, 0, 1100); /* adding moves nothing */
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), 1200);
    queue.bytes = 350;
    slow_consumer_update(&rules, &queue, 50, 1150);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), 1350);
    ck_assert_int_eq(slow_consumer_expired(&rules, &queue, 1349).action, SLOW_QUEUE);
    struct slow_consumer_verdict verdict = slow_consumer_expired(&rules, &queue, 1350);
    ck_assert_int_eq(verdict.action, SLOW_CLOSE);
    ck_assert_int_eq(verdict.reason, SLOW_REASON_WRITE_DEADLINE);
    queue.bytes = 0;
    slow_consumer_update(&rules, &queue, 350, 1300);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), BASE_NS_MAX);
}
END_TEST

START_TEST(the_soft_limit_counts_from_when_it_was_passed) {
    struct spec_send_queue rules = rules_of(SPEC_DROP_OLDEST);
    struct slow_consumer_queue queue = queue_of(600, 5);
    slow_consumer_update(&rules, &queue, 0, 1000); /* at it: within */
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), 1200);
    queue.bytes = 601;
    slow_consumer_update(&rules, &queue, 0, 1010);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), 1060);
    queue.bytes = 900;
    slow_consumer_update(&rules, &queue, 0, 1040);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue), 1060);
    struct slow_consumer_verdict verdict =
        slow_consumer_decide(&rules, &queue, message_of(10), 1060);
    ck_assert_int_eq(verdict.action, SLOW_CLOSE);
    ck_assert_int_eq(verdict.reason, SLOW_REASON_SOFT_LIMIT);
    queue.bytes = 600;
    slow_consumer_update(&rules, &queue, 300, 1050);
    ck_assert_int_eq(slow_consumer_deadline(&rules, &queue),
                     1250); /* only the write deadline is left */
}
END_TEST

START_TEST(bounds_in_time_close_whatever_the_policy) {
    for (int policy = 0; policy < (int)SPEC_policy_COUNT; policy++) {
        struct spec_send_queue rules = rules_of((enum spec_policy)policy);
        struct slow_consumer_queue queue = queue_of(100, 1);
        slow_consumer_update(&rules, &queue, 0, 0);
        ck_assert_int_eq(slow_consumer_decide(&rules, &queue, message_of(10), 200).action,
                         SLOW_CLOSE);
    }
}
END_TEST

START_TEST(a_throttled_room_resumes_at_half_the_limit) {
    struct spec_send_queue rules = rules_of(SPEC_THROTTLE);
    ck_assert_int_eq(slow_consumer_resume_bytes(&rules), 500);
    rules.limit = SPEC_UNLIMITED; /* bounded in messages only */
    ck_assert_int_eq(slow_consumer_resume_bytes(&rules), 0);
}
END_TEST

START_TEST(reasons_have_names) {
    static const char *const names[] = {"none", "bytes", "messages", "soft_limit",
                                        "write_deadline"};
    for (int i = 0; i < SLOW_REASON_COUNT; i++)
        ck_assert_str_eq(slow_consumer_reason_name((enum slow_consumer_reason)i), names[i]);
}
END_TEST

START_TEST(connections_are_what_the_descriptors_leave) {
    /* 20,000 less 32 of the process and 4 of each worker */
    ck_assert_int_eq(admission_connections_max(20000, 1), 19964);
    ck_assert_int_eq(admission_connections_max(20000, 8), 19936);
    ck_assert_int_eq(admission_connections_max(37, 1), 1);
    ck_assert_int_eq(admission_connections_max(36, 1), 0);
    ck_assert_int_eq(admission_connections_max(3, 1), 0);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(a_queue_may_end_exactly_at_its_limits),
        TEST(above_a_limit_the_policy_speaks),
        TEST(the_two_mistakes_know_no_limit),
        TEST(drop_oldest_drops_the_newest_where_nothing_else_helps),
        TEST(signals_go_before_a_policy_speaks),
        TEST(signals_stay_where_dropping_them_would_not_help),
        TEST(an_unlimited_queue_does_not_overflow_its_sum),
        TEST(the_write_deadline_counts_from_the_last_byte_that_was_taken),
        TEST(the_soft_limit_counts_from_when_it_was_passed),
        TEST(bounds_in_time_close_whatever_the_policy),
        TEST(a_throttled_room_resumes_at_half_the_limit),
        TEST(reasons_have_names),
        TEST(connections_are_what_the_descriptors_leave),
    };
    return suite_run("models/workload: slow consumer, admission", tests, COUNT_OF(tests));
}
