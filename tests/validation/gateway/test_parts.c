/* The gateway's small parts, each against a plain model of itself. */
#include "tests/sim/suite.h"
#include "sim/base/rng.h"
#include "validation/gateway/frames.h"
#include "validation/gateway/mailbox.h"
#include "validation/gateway/options.h"
#include "validation/gateway/queue.h"
#include "validation/gateway/room.h"
#include "validation/gateway/segment.h"
#include "validation/gateway/stats.h"
#include "validation/gateway/utf8.h"
#include "validation/gateway/wheel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(utf8_is_what_rfc_3629_says) {
    static const struct {
        const char *text;
        bool is_valid;
    } cases[] = {
        {"", true},
        {"plain and longer than sixteen bytes", true},
        {"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
         "\xf4\x8f\xbf\xbf",
         true},
        {"0123456789abcde\xe2\x82\xac", true},
        {"0123456789abcde\xe2\x82", false}, /* cut */
        {"\x80", false},                    /* a continuation alone */
        {"\xc0\xaf", false},                /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false}, /* a surrogate */
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xe2\x28\xa1", false},
        {"\xe2\x82\x28", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        ck_assert_msg(utf8_is_valid(cases[i].text, strlen(cases[i].text)) == cases[i].is_valid,
                      "case %zu", i);
}
END_TEST

START_TEST(a_frame_header_written_is_the_shortest_and_reads_back) {
    static const struct {
        uint64_t payload;
        size_t header;
    } cases[] = {{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}, {UINT64_C(1) << 40, 10}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t bytes[FRAMES_HEADER_MAX] = {0};
        ck_assert_uint_eq(frames_write_header(bytes, FRAMES_BINARY, cases[i].payload),
                          cases[i].header);
        bytes[1] |= 0x80;
        struct frames_frame frame;
        for (size_t length = 0; length < cases[i].header + 4; length++)
            ck_assert_int_eq(frames_read(bytes, length, UINT64_MAX, &frame), FRAMES_PARTIAL);
        ck_assert_int_eq(frames_read(bytes, cases[i].header + 4, UINT64_MAX, &frame), FRAMES_OK);
        ck_assert_uint_eq(frame.payload_bytes, cases[i].payload);
        ck_assert_uint_eq(frame.header_bytes, cases[i].header + 4);
    }
}
END_TEST

START_TEST(unmasking_is_the_rfcs_example_and_its_own_inverse) {
    uint8_t hello[] = {0x7f, 0x9f, 0x4d, 0x51, 0x58}; /* RFC 6455, 5.7 */
    const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    frames_unmask(hello, sizeof hello, mask);
    ck_assert_mem_eq(hello, "Hello", 5);
    uint8_t bytes[67], copy[67];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = copy[i] = (uint8_t)(i * 37);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        frames_unmask(bytes, length, mask);
        for (size_t i = 0; i < length; i++)
            ck_assert_uint_eq(bytes[i], copy[i] ^ mask[i % 4]);
        frames_unmask(bytes, length, mask);
    }
}
END_TEST

START_TEST(adding_a_frame_to_ten_thousand_recipients_copies_no_payload) {
    struct segment_pool pool = {0};
    struct segment *segment = segment_new(&pool);
    static char payload[1000];
    ck_assert(segment_append(segment, FRAMES_TEXT, payload, sizeof payload));
    ck_assert_uint_eq(segment->bytes_count, 1004);
    const uint8_t *bytes = segment->bytes;
    enum { RECIPIENTS = 10000 };
    static struct send_queue *queues[RECIPIENTS];
    for (int i = 0; i < RECIPIENTS; i++) {
        queues[i] = send_queue_new();
        ck_assert(send_queue_add(queues[i], segment, 0, segment->ends[0], 1, 0));
        struct iovec piece;
        ck_assert_int_eq(send_queue_gather(queues[i], &piece, 1), 1);
        ck_assert_ptr_eq(piece.iov_base, bytes); /* the same bytes, not a copy */
    }
    ck_assert_uint_eq(segment->references, RECIPIENTS + 1);
    for (int i = 0; i < RECIPIENTS; i++)
        send_queue_free(queues[i], &pool);
    ck_assert_uint_eq(segment->references, 1);
    segment_unref(&pool, segment);
    segment_pool_fini(&pool);
}
END_TEST

START_TEST(a_segment_from_the_pool_is_empty_and_keeps_its_memory) {
    struct segment_pool pool = {0};
    struct segment *first = segment_new(&pool);
    static char payload[100000];
    ck_assert(segment_append(first, FRAMES_BINARY, payload, sizeof payload));
    uint32_t capacity = first->bytes_capacity;
    segment_unref(&pool, first);
    struct segment *second = segment_new(&pool);
    ck_assert_ptr_eq(second, first);
    ck_assert_uint_eq(second->bytes_count, 0);
    ck_assert_uint_eq(second->frames_count, 0);
    ck_assert_uint_eq(second->bytes_capacity, capacity);
    segment_unref(&pool, second);
    segment_pool_fini(&pool);
}
END_TEST

/* A queue with four frames of 100 bytes: rooms 1, 2, 1, 3. */
static struct send_queue *four_frames(struct segment_pool *pool, uint32_t first_sent) {
    static const uint32_t rooms[] = {1, 2, 1, 3};
    struct send_queue *queue = send_queue_new();
    struct segment *segment = segment_new(pool);
    char payload[98] = {0};
    for (size_t i = 0; i < COUNT_OF(rooms); i++)
        ck_assert(segment_append(segment, FRAMES_TEXT, payload, sizeof payload));
    for (uint32_t i = 0; i < COUNT_OF(rooms); i++)
        ck_assert(send_queue_add(queue, segment, i * 100, segment->ends[i], rooms[i],
                                 i == 0 ? first_sent : 0));
    segment_unref(pool, segment);
    return queue;
}

START_TEST(a_frame_that_has_begun_is_never_dropped) {
    struct segment_pool pool = {0};
    struct send_queue *queue = four_frames(&pool, 33);
    ck_assert_int_eq(queue->level.bytes, 367);
    ck_assert_int_eq(send_queue_drop_oldest(queue, &pool), 100);
    int64_t bytes = 0;
    ck_assert_int_eq(send_queue_drop_room(queue, 1, &pool, &bytes),
                     1); /* the begun one is of room 1 too */
    ck_assert_int_eq(bytes, 100);
    ck_assert_int_eq(send_queue_drop_oldest(queue, &pool), 100);
    ck_assert_int_eq(send_queue_drop_oldest(queue, &pool), 0);
    ck_assert_int_eq(queue->level.bytes, 67);
    ck_assert_int_eq(queue->level.messages, 1);
    ck_assert_int_eq(send_queue_sent(queue, 67, &pool), 1);
    ck_assert_int_eq(queue->level.bytes, 0);
    ck_assert_int_eq(queue->level.head_sent_bytes, 0);
    send_queue_free(queue, &pool);
    segment_pool_fini(&pool);
}
END_TEST

START_TEST(neighbours_within_a_segment_are_written_as_one_piece) {
    struct segment_pool pool = {0};
    struct send_queue *queue = four_frames(&pool, 0);
    struct iovec pieces[4];
    ck_assert_int_eq(send_queue_gather(queue, pieces, 4), 1);
    ck_assert_uint_eq(pieces[0].iov_len, 400);
    int64_t bytes = 0;
    send_queue_drop_room(queue, 2, &pool, &bytes);
    ck_assert_int_eq(send_queue_gather(queue, pieces, 4), 2);
    ck_assert_uint_eq(pieces[0].iov_len, 100);
    ck_assert_uint_eq(pieces[1].iov_len, 200);
    ck_assert_int_eq(send_queue_sent(queue, 150, &pool), 1);
    ck_assert_int_eq(queue->level.head_sent_bytes, 50);
    send_queue_free(queue, &pool);
    segment_pool_fini(&pool);
}
END_TEST

START_TEST(the_ring_survives_growing_while_it_is_wound) {
    struct segment_pool pool = {0};
    struct segment *segment = segment_new(&pool);
    ck_assert(segment_append_raw(segment, "0123456789", 10));
    struct send_queue *queue = send_queue_new();
    int64_t expected = 0;
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 11});
    for (int i = 0; i < 5000; i++) {
        ck_assert(send_queue_add(queue, segment, 0, 10, 1, 0));
        expected += 10;
        if (rng_below(&rng, 3) == 0) {
            int64_t sent = (int64_t)rng_below(&rng, (uint64_t)expected + 1);
            send_queue_sent(queue, sent, &pool);
            expected -= sent;
        }
        ck_assert_int_eq(queue->level.bytes, expected);
        ck_assert_int_eq(queue->level.messages, (expected + 9) / 10);
    }
    send_queue_free(queue, &pool);
    ck_assert_uint_eq(segment->references, 1);
    segment_unref(&pool, segment);
    segment_pool_fini(&pool);
}
END_TEST

START_TEST(rooms_are_found_by_name_through_thousands_of_comings_and_goings) {
    enum { NAMES = 3000 };
    static bool is_there[NAMES];
    memset(is_there, 0, sizeof is_there);
    struct room_table table;
    ck_assert(room_table_init(&table));
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 7});
    uint32_t count = 0;
    for (int i = 0; i < 60000; i++) {
        uint64_t which = rng_below(&rng, NAMES);
        char name[16];
        size_t length = (size_t)snprintf(name, sizeof name, "room-%lu", (unsigned long)which);
        struct room *room = room_find(&table, name, length);
        ck_assert(is_there[which] == (room != NULL));
        if (room != NULL && rng_below(&rng, 2) == 0) {
            room_remove(&table, room);
            is_there[which] = false;
            count--;
        } else if (room == NULL) {
            room = room_find_or_add(&table, name, length);
            ck_assert_ptr_nonnull(room);
            is_there[which] = true;
            count++;
        }
        ck_assert_uint_eq(table.count, count);
    }
    room_table_fini(&table);
}
END_TEST

START_TEST(the_last_member_takes_the_place_of_the_one_that_leaves) {
    struct room_table table;
    ck_assert(room_table_init(&table));
    struct room *room = room_find_or_add(&table, "r", 1);
    for (uint32_t i = 0; i < 5; i++)
        ck_assert(room_add_member(room, (struct room_member){10 + i, i}));
    ck_assert_uint_eq(room_remove_member(room, 1).connection, 14);
    ck_assert_uint_eq(room->members[1].connection, 14);
    ck_assert_uint_eq(room->members[1].membership, 4);
    ck_assert_uint_eq(room_remove_member(room, 3).connection, UINT32_MAX);
    ck_assert_uint_eq(room->members_count, 3);
    room_table_fini(&table);
}
END_TEST

START_TEST(timers_fire_once_at_most_a_tick_late_and_never_early_within_reach) {
    enum { NODES = 500 };
    static struct wheel wheel;
    static struct wheel_node nodes[NODES];
    static base_ns due_ns[NODES];
    wheel_init(&wheel, 12345678901);
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 3});
    base_ns now_ns = 12345678901;
    for (int i = 0; i < NODES; i++) {
        nodes[i].slot = WHEEL_NONE;
        due_ns[i] =
            now_ns + (base_ns)rng_below(&rng, 8000) * BASE_NS_PER_MS; /* the wheel reaches 8.18 s */
        wheel_set(&wheel, &nodes[i], due_ns[i]);
    }
    int fired = 0;
    for (; fired < NODES && now_ns < 12345678901 + 9 * BASE_NS_PER_S; now_ns += 777777) {
        for (struct wheel_node *node; (node = wheel_pop(&wheel, now_ns)) != NULL; fired++) {
            base_ns due = due_ns[node - nodes];
            ck_assert_int_le(due, now_ns);
            ck_assert_int_lt(now_ns, due + WHEEL_TICK_NS + 777777);
            ck_assert_int_eq(node->slot, WHEEL_NONE);
        }
    }
    ck_assert_int_eq(fired, NODES);
    ck_assert_int_eq(wheel_next(&wheel), BASE_NS_MAX);
}
END_TEST

START_TEST(a_timer_beyond_the_rim_fires_at_the_rim) {
    static struct wheel wheel;
    struct wheel_node node = {.slot = WHEEL_NONE};
    wheel_init(&wheel, 0);
    wheel_set(&wheel, &node, 3600 * BASE_NS_PER_S);
    ck_assert_int_eq(wheel_next(&wheel), (WHEEL_SLOTS - 1) * WHEEL_TICK_NS);
    ck_assert(!wheel_is_late(&wheel, &node, 3600 * BASE_NS_PER_S));
    ck_assert(wheel_is_late(&wheel, &node, BASE_NS_PER_S));
    wheel_set(&wheel, &node, BASE_NS_PER_S);
    ck_assert_int_eq(wheel_next(&wheel), BASE_NS_PER_S);
    wheel_unset(&wheel, &node);
    ck_assert_ptr_null(wheel_pop(&wheel, 7200 * BASE_NS_PER_S));
}
END_TEST

START_TEST(a_full_mailbox_refuses_and_loses_nothing_it_took) {
    struct mailbox box;
    ck_assert(mailbox_init(&box));
    struct parcel *parcel = parcel_new(1, "r\nx", 3, 1, MAILBOX_MAX + 1);
    struct mail mail = {.kind = MAIL_PUBLISH, .fd = -1, .parcel = parcel};
    for (int i = 0; i < MAILBOX_MAX; i++)
        ck_assert(mailbox_post(&box, mail));
    ck_assert(!mailbox_post(&box, mail));
    struct mail mails[MAILBOX_BATCH];
    int taken = 0;
    for (int32_t count; taken < MAILBOX_MAX / 2; taken += count) {
        count = mailbox_take(&box, mails);
        ck_assert_int_eq(count, MAILBOX_BATCH);
        for (int i = 0; i < count; i++)
            parcel_unref(mails[i].parcel);
    }
    mailbox_fini(&box); /* gives back the rest */
    ck_assert_uint_eq(parcel->references, 1);
    parcel_unref(parcel);
}
END_TEST

START_TEST(options_written_are_options_read) {
    struct arena arena;
    arena_init(&arena);
    struct gateway_options options, again;
    gateway_options_init(&options);
    options.port = 8080;
    options.send_queue = (struct spec_send_queue){.policy = SPEC_DROP_OLDEST,
                                                  .limit = 12345,
                                                  .messages = SPEC_UNLIMITED,
                                                  .soft_limit = 999,
                                                  .soft_for = 1234567,
                                                  .write_deadline = BASE_NS_MAX};
    options.fan_out = SPEC_WRITE_AT_ONCE;
    options.turn.flush_after = 0;
    options.token = "s3cret";
    options.origins = (struct gateway_list){.items = {"https://a", "https://b"}, .count = 2};
    options.echo = true;
    char *words[GATEWAY_WORDS_MAX];
    int32_t count = gateway_options_write(&options, "gateway", &arena, words);
    ck_assert_ptr_null(words[count]);
    gateway_options_init(&again);
    gateway_options_parse(&again, count, words, &arena);
    char *words_again[GATEWAY_WORDS_MAX];
    ck_assert_int_eq(gateway_options_write(&again, "gateway", &arena, words_again), count);
    for (int32_t i = 0; i < count; i++)
        ck_assert_str_eq(words_again[i], words[i]);
    ck_assert_int_eq(again.send_queue.limit, 12345);
    ck_assert_int_eq(again.send_queue.soft_for, 1234567);
    ck_assert_str_eq(again.origins.items[1], "https://b");
    arena_fini(&arena);
}
END_TEST

static void expect_refused(const char *name, const char *text, const char *expected) {
    struct arena arena;
    arena_init(&arena);
    struct gateway_options options;
    gateway_options_init(&options);
    const char *why = "";
    ck_assert(!gateway_options_set(&options, name, text, &arena, &why));
    ck_assert_str_eq(why, expected);
    arena_fini(&arena);
}

START_TEST(wrong_options_are_told_what_was_expected) {
    expect_refused("nonsense", "1", "unknown option --nonsense");
    expect_refused("workers", "0", "--workers=0: expected a number from 1 to 64");
    expect_refused("workers", "65", "--workers=65: expected a number from 1 to 64");
    expect_refused("turn-read", "16384",
                   "--turn-read=16384: expected a quantity from 512B to 1MiB in one of B, kB, MB, "
                   "GB, KiB, MiB, GiB");
    expect_refused("queue-limit", "-1B",
                   "--queue-limit=-1B: expected a quantity from 0B in one of B, kB, MB, GB, KiB, "
                   "MiB, GiB, or \"unlimited\"");
    expect_refused("queue-policy", "drop",
                   "--queue-policy=drop: close, drop_newest, drop_oldest, conflate, throttle, "
                   "unbounded or blocking");
}
END_TEST

START_TEST(a_nodes_settings_become_the_gateways) {
    struct spec_node node = {
        .workers = 3,
        .open_files = 4321,
        .fan_out = SPEC_WRITE_AT_ONCE,
        .turn = {.events = 7, .read = 777, .flush_bytes = 7777, .flush_after = 77},
        .send_buffer = 5555,
        .session = 66,
        .send_queue = {.policy = SPEC_THROTTLE, .limit = 88}};
    struct gateway_options options;
    gateway_options_init(&options);
    gateway_options_from_node(&options, &node);
    ck_assert_int_eq(options.workers, 3);
    ck_assert_int_eq(options.open_files, 4321);
    ck_assert_int_eq(options.turn.read, 777);
    ck_assert_int_eq(options.send_queue.limit, 88);
    ck_assert_int_eq(options.idle_timeout, BASE_NS_MAX);
}
END_TEST

START_TEST(statistics_are_read_from_a_file_and_anything_else_is_refused) {
    char path[64];
    snprintf(path, sizeof path, "test-parts-%d.stats", getpid());
    struct gateway_stats_reader reader;
    const char *why = NULL;
    ck_assert(!gateway_stats_open(&reader, path, &why));
    ck_assert_str_eq(why, "statistics file cannot be opened");
    struct gateway_stats_file *file = gateway_stats_create(path, 2, 5);
    ck_assert_ptr_nonnull(file);
    gateway_count(&file->workers[1].turns, 41);
    gateway_count(&file->workers[0].turns, 1);
    gateway_count(&file->workers[1].closed[GATEWAY_CLOSE_SLOW_BYTES], 3);
    ck_assert(gateway_stats_open(&reader, path, &why));
    struct gateway_stats stats, earlier = {.turns = 2};
    gateway_stats_read_all(&reader, &stats);
    ck_assert_uint_eq(stats.turns, 42);
    ck_assert_uint_eq(stats.closed[GATEWAY_CLOSE_SLOW_BYTES], 3);
    ck_assert_uint_eq(gateway_stats_since(&earlier, &stats).turns, 40);
    gateway_stats_close(&reader);
    file->words++;
    ck_assert(!gateway_stats_open(&reader, path, &why));
    ck_assert_str_eq(why, "statistics of another version of the gateway");
    file->magic++;
    ck_assert(!gateway_stats_open(&reader, path, &why));
    ck_assert_str_eq(why, "not a gateway's statistics");
    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert(!gateway_stats_open(&reader, path, &why));
    ck_assert_str_eq(why, "statistics file is cut short");
    unlink(path);
}
END_TEST

START_TEST(reasons_of_slowness_map_both_ways) {
    for (int i = SLOW_REASON_BYTES; i < SLOW_REASON_COUNT; i++) {
        enum gateway_close reason = gateway_close_of_slow((enum slow_consumer_reason)i);
        ck_assert_int_eq(gateway_close_slow_reason(reason), i);
        ck_assert_uint_eq(gateway_close_code(reason), 1008);
    }
    ck_assert_int_eq(gateway_close_slow_reason(GATEWAY_CLOSE_IDLE), SLOW_REASON_NONE);
}
END_TEST

int main(void) {
    const struct suite_test tests[] = {
        TEST(utf8_is_what_rfc_3629_says),
        TEST(a_frame_header_written_is_the_shortest_and_reads_back),
        TEST(unmasking_is_the_rfcs_example_and_its_own_inverse),
        TEST(adding_a_frame_to_ten_thousand_recipients_copies_no_payload),
        TEST(a_segment_from_the_pool_is_empty_and_keeps_its_memory),
        TEST(a_frame_that_has_begun_is_never_dropped),
        TEST(neighbours_within_a_segment_are_written_as_one_piece),
        TEST(the_ring_survives_growing_while_it_is_wound),
        TEST(rooms_are_found_by_name_through_thousands_of_comings_and_goings),
        TEST(the_last_member_takes_the_place_of_the_one_that_leaves),
        TEST(timers_fire_once_at_most_a_tick_late_and_never_early_within_reach),
        TEST(a_timer_beyond_the_rim_fires_at_the_rim),
        TEST(a_full_mailbox_refuses_and_loses_nothing_it_took),
        TEST(options_written_are_options_read),
        TEST(wrong_options_are_told_what_was_expected),
        TEST(a_nodes_settings_become_the_gateways),
        TEST(statistics_are_read_from_a_file_and_anything_else_is_refused),
        TEST(reasons_of_slowness_map_both_ways),
    };
    return suite_run("gateway: parts", tests, COUNT_OF(tests));
}
