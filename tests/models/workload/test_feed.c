/* The cap, and which messages of a feed reach its members. */
#include "models/workload/feed.h"

#include "tests/sim/suite.h"

#include <math.h>
#include <string.h>

static const struct spec_feed sampled = {.above = 100, .kind = SPEC_SAMPLED, .share = 0.3};
static const struct spec_feed batched = {
    .above = 100, .kind = SPEC_BATCHED, .share = 0.3, .every = 9};

static struct protocol_stamp stamp_of(uint32_t number) {
    return (struct protocol_stamp){.due_ns = 1000 + 977 * (base_ns)number, .number = number};
}

static int64_t taken_of(const struct spec_feed *feed, int64_t members, uint32_t messages) {
    int64_t taken = 0;
    for (uint32_t i = 0; i < messages; i++)
        taken += feed_takes_publish(feed, members, 17, stamp_of(i), 128);
    return taken;
}

START_TEST(a_room_at_the_cap_is_a_room_and_above_it_a_feed) {
    ck_assert(!feed_is(&sampled, 100));
    ck_assert(feed_is(&sampled, 101));
    ck_assert_int_eq(taken_of(&sampled, 100, 500), 500);
    ck_assert_int_eq(taken_of(&batched, 101, 500), 500);
    ck_assert_double_eq(feed_share(&sampled, 101), 0.3);
    ck_assert_double_eq(feed_share(&sampled, 100), 1);
    ck_assert_double_eq(feed_share(&batched, 101), 1);
    ck_assert_int_eq(feed_allowance_ns(&batched, 101), 9);
    ck_assert_int_eq(feed_allowance_ns(&batched, 100), 0);
    ck_assert_int_eq(feed_allowance_ns(&sampled, 101), 0);
}
END_TEST

/* Binomial: standard deviation sqrt(n p (1 - p)) = 145 of 100,000; four of them. */
START_TEST(a_sampled_feed_delivers_its_share) {
    const uint32_t n = 100000;
    static const double shares[] = {0, 0.01, 0.3, 0.97, 1};
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        struct spec_feed feed = sampled;
        feed.share = shares[i];
        double expected = n * shares[i], spread = sqrt(n * shares[i] * (1 - shares[i]));
        ck_assert_double_le(fabs((double)taken_of(&feed, 101, n) - expected), 4 * spread);
    }
}
END_TEST

/* Neighbours must not come in runs: of pairs (k, k + 1) the share p^2 is taken whole. Standard
 * deviation of that share over 100,000 pairs below 0.0016 (dependence of neighbours included). */
START_TEST(a_message_is_sampled_whatever_became_of_the_one_before) {
    int64_t both = 0;
    const uint32_t n = 100000;
    for (uint32_t i = 0; i < n; i++)
        both += feed_takes_publish(&sampled, 101, 17, stamp_of(i), 128) &&
                feed_takes_publish(&sampled, 101, 17, stamp_of(i + 1), 128);
    ck_assert_double_eq_tol((double)both / n, 0.09, 4 * 0.0016);
}
END_TEST

/* The generator knows stamp and length, the gateway the bytes; both must come to the same. */
START_TEST(the_bytes_of_a_message_and_its_stamp_give_the_same_answer) {
    static const int64_t lengths[] = {48, 49, 128, 4000};
    char message[4096];
    for (uint32_t i = 0; i < 2000; i++) {
        int64_t bytes = lengths[i % COUNT_OF(lengths)];
        size_t written = protocol_write_publish(message, "r17", stamp_of(i), (size_t)bytes);
        const char *delivered = message + (written - (size_t)bytes);
        ck_assert_int_eq(feed_takes(&sampled, 101, delivered, (size_t)bytes),
                         feed_takes_publish(&sampled, 101, 17, stamp_of(i), bytes));
    }
}
END_TEST

START_TEST(a_larger_share_takes_what_a_smaller_one_took) {
    struct spec_feed more = sampled;
    more.share = 0.5;
    for (uint32_t i = 0; i < 5000; i++)
        if (feed_takes_publish(&sampled, 101, 17, stamp_of(i), 128))
            ck_assert(feed_takes_publish(&more, 101, 17, stamp_of(i), 128));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        TEST(a_room_at_the_cap_is_a_room_and_above_it_a_feed),
        TEST(a_sampled_feed_delivers_its_share),
        TEST(a_message_is_sampled_whatever_became_of_the_one_before),
        TEST(the_bytes_of_a_message_and_its_stamp_give_the_same_answer),
        TEST(a_larger_share_takes_what_a_smaller_one_took),
    };
    return suite_run("models/workload/feed", tests, COUNT_OF(tests));
}
