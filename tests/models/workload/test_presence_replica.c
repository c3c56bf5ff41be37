/* Replicas that talk through a network which loses, repeats and reorders what they say, as bytes:
 * they agree again once it lets something through, and within how many periods. Fixed seeds. */
#include "models/workload/presence_replica.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <stdlib.h>
#include <string.h>

enum { NODES = 4, KEYS = 6, MAIL_MAX = 4096, SCHEDULES_PER_ROUND = 20 };

#define PERIOD_NS ((base_ns)1500 * BASE_NS_PER_MS)

static const struct presence_timing timing = {
    .broadcast_ns = PERIOD_NS,
    .silent_periods = 10,
    .down_ns = 30 * BASE_NS_PER_S,
    .permdown_ns = 1200 * BASE_NS_PER_S,
};

static struct presence_text text(const char *bytes) {
    return (struct presence_text){bytes, strlen(bytes)};
}

struct mail {
    struct text bytes;
    int32_t to;
};

struct network {
    struct presence_replica nodes[NODES];
    bool is_dead[NODES];
    bool truth[NODES][KEYS];
    struct mail mail[MAIL_MAX];
    int32_t mail_count;
    base_ns now_ns;
    struct rng rng;
    double loss, repeats;
    bool is_split; /* nodes 0 and 1 on one side */
};

static const char *const keys[KEYS] = {"ann", "bob", "cem", "dee", "eve", "fay"};

static void network_init(struct network *network, int schedule) {
    *network = (struct network){.loss = 0};
    rng_init(&network->rng, (struct rng_name){.seed = 727, .entity = (uint64_t)schedule});
    for (uint64_t i = 0; i < NODES; i++)
        presence_replica_init(&network->nodes[i], &timing,
                              &(struct presence_options){.self = 1 + i});
}

static void network_fini(struct network *network) {
    for (int32_t i = 0; i < network->mail_count; i++)
        text_fini(&network->mail[i].bytes);
    for (int32_t i = 0; i < NODES; i++)
        presence_replica_fini(&network->nodes[i]);
}

static bool chance(struct network *network, double share) {
    return rng_uniform(&network->rng) < share;
}

static void post(struct network *network, int32_t from, int32_t to,
                 const struct presence_message *message) {
    bool is_cut = network->is_split && (from < 2) != (to < 2);
    if (is_cut || chance(network, network->loss))
        return;
    for (int32_t copies = 1 + chance(network, network->repeats); copies > 0; copies--) {
        ck_assert_int_lt(network->mail_count, MAIL_MAX);
        struct mail *mail = &network->mail[network->mail_count++];
        mail->to = to;
        text_init(&mail->bytes);
        presence_encode(message, &mail->bytes);
    }
}

static void tick(struct network *network, int32_t node) {
    struct presence_message message;
    presence_message_init(&message);
    if (presence_replica_tick(&network->nodes[node], network->now_ns, &message))
        for (int32_t to = 0; to < NODES; to++)
            if (to != node)
                post(network, node, to, &message);
    presence_message_fini(&message);
}

/* Any letter, whichever was posted first. */
static void deliver_one(struct network *network) {
    int32_t at = (int32_t)rng_below(&network->rng, (uint64_t)network->mail_count);
    struct mail mail = network->mail[at];
    network->mail[at] = network->mail[--network->mail_count];
    struct presence_message message, answer;
    presence_message_init(&answer);
    ck_assert(presence_decode(&message, mail.bytes.bytes, mail.bytes.length));
    if (!network->is_dead[mail.to] &&
        presence_replica_receive(&network->nodes[mail.to], network->now_ns, &message, &answer))
        post(network, mail.to, (int32_t)message.from - 1, &answer);
    presence_message_fini(&answer);
    presence_message_fini(&message);
    text_fini(&mail.bytes);
}

static void act(struct network *network) {
    int32_t node = (int32_t)rng_below(&network->rng, NODES);
    uint64_t key = rng_below(&network->rng, KEYS);
    struct presence_state *state = &network->nodes[node].state;
    if (network->is_dead[node])
        return;
    network->truth[node][key] = chance(network, 0.6);
    if (network->truth[node][key])
        presence_enter(state, text("r0"), text(keys[key]), text("x"));
    else
        (void)presence_exit(state, text("r0"), text(keys[key]));
}

/* A period in which `changes` happen, some letters are read and the others stay under way. */
static void period(struct network *network, int32_t changes) {
    for (int32_t i = 0; i < changes; i++)
        act(network);
    for (int32_t node = 0; node < NODES; node++)
        if (!network->is_dead[node])
            tick(network, node);
    while (network->mail_count > 0 && chance(network, 0.9))
        deliver_one(network);
    network->now_ns += PERIOD_NS;
}

static void heal(struct network *network) {
    network->loss = network->repeats = 0;
    network->is_split = false;
    while (network->mail_count > 0)
        deliver_one(network);
}

static bool is_true(const struct network *network, int32_t node) {
    for (int32_t key = 0; key < KEYS; key++) {
        bool is_present = false;
        for (int32_t other = 0; other < NODES; other++)
            is_present |= network->truth[other][key] && !network->is_dead[other];
        if (presence_is_present(&network->nodes[node].state, text("r0"), text(keys[key])) !=
            is_present)
            return false;
    }
    return true;
}

static bool all_agree(const struct network *network) {
    for (int32_t node = 0; node < NODES; node++)
        if (!network->is_dead[node] && !is_true(network, node))
            return false;
    return true;
}

/* Two broadcasts that find a node behind, each at most a heartbeat after the other, and the way
 * there and back. */
static int32_t periods_until_agreed(struct network *network) {
    for (int32_t periods = 0; periods <= 2 * 10 + 2; periods++) {
        if (all_agree(network))
            return periods;
        period(network, 0);
        heal(network);
    }
    return -1;
}

START_TEST(replicas_agree_after_any_loss_repetition_and_reordering) {
    for (int32_t schedule = 0; schedule < SCHEDULES_PER_ROUND; schedule++) {
        static struct network network;
        network_init(&network, _i * SCHEDULES_PER_ROUND + schedule);
        network.loss = 0.7 * rng_uniform(&network.rng);
        network.repeats = 0.5 * rng_uniform(&network.rng);
        for (int32_t i = 0; i < 15; i++)
            period(&network, (int32_t)rng_below(&network.rng, 5));
        heal(&network);
        ck_assert_int_ge(periods_until_agreed(&network), 0);
        network_fini(&network);
    }
}
END_TEST

START_TEST(both_sides_of_a_partition_agree_when_it_heals) {
    static struct network network;
    network_init(&network, _i);
    network.is_split = true;
    for (int32_t i = 0; i < 60; i++) /* three times as long as it takes to be down */
        period(&network, 2);
    for (int32_t peer = 0; peer < network.nodes[0].peers_count; peer++) {
        const struct presence_peer *other = &network.nodes[0].peers[peer];
        ck_assert_int_eq(other->status, other->actor == 2 ? PRESENCE_UP : PRESENCE_DOWN);
    }
    heal(&network);
    ck_assert_int_ge(periods_until_agreed(&network), 0);
    network_fini(&network);
}
END_TEST

/* 30 s without a word and the rest of a period: Phoenix.Tracker's down_period. */
START_TEST(a_dead_nodes_members_expire_after_thirty_seconds) {
    static struct network network;
    network_init(&network, 0);
    presence_enter(&network.nodes[3].state, text("r0"), text("ann"), text("x"));
    network.truth[3][0] = true;
    period(&network, 0);
    heal(&network);
    ck_assert(all_agree(&network));
    base_ns died_ns = network.now_ns - PERIOD_NS; /* its last word */
    while (presence_is_present(&network.nodes[0].state, text("r0"), text("ann"))) {
        network.is_dead[3] = true;
        period(&network, 0);
        heal(&network);
    }
    base_ns silent_ns = network.now_ns - PERIOD_NS - died_ns;
    ck_assert_int_gt(silent_ns, timing.down_ns);
    ck_assert_int_le(silent_ns, timing.down_ns + PERIOD_NS);
    ck_assert_int_eq(network.nodes[0].state.entries_count, 1); /* should it come back */
    while (network.now_ns <= died_ns + timing.permdown_ns + 2 * PERIOD_NS) {
        period(&network, 0);
        heal(&network);
    }
    ck_assert_int_eq(network.nodes[0].state.entries_count, 0);
    network_fini(&network);
}
END_TEST

/* The documentation of Phoenix.Tracker: a heartbeat every 10 periods of 1.5 s, 15 s. */
START_TEST(a_silent_node_says_so_every_fifteen_seconds) {
    struct presence_replica replica;
    presence_replica_init(&replica, &timing, &(struct presence_options){.self = 1});
    int32_t sent_count = 0;
    base_ns sent_ns[3];
    for (base_ns now_ns = 0; sent_count < 3; now_ns += PERIOD_NS) {
        struct presence_message message;
        presence_message_init(&message);
        if (presence_replica_tick(&replica, now_ns, &message))
            sent_ns[sent_count++] = now_ns;
        presence_message_fini(&message);
    }
    ck_assert_int_eq(sent_ns[0], 0);
    ck_assert_int_eq(sent_ns[1], 15 * BASE_NS_PER_S);
    ck_assert_int_eq(sent_ns[2], 30 * BASE_NS_PER_S);
    ck_assert_int_eq(presence_down_ns(timing.broadcast_ns, timing.silent_periods), timing.down_ns);
    presence_replica_fini(&replica);
}
END_TEST

/* --- bytes --- */

static void write_message(struct text *out) {
    struct presence_replica replica;
    struct presence_message message;
    presence_replica_init(&replica, &timing, &(struct presence_options){.self = 300});
    presence_message_init(&message);
    presence_enter(&replica.state, text("r0"), text("ann"), text("on the phone"));
    presence_enter(&replica.state, text("r0"), text("bob"), text(""));
    presence_exit(&replica.state, text("r0"), text("bob"));
    ck_assert(presence_replica_tick(&replica, 0, &message));
    presence_encode(&message, out);
    presence_message_fini(&message);
    presence_replica_fini(&replica);
}

START_TEST(no_part_of_a_message_is_one) {
    struct text bytes;
    struct presence_message message;
    text_init(&bytes);
    write_message(&bytes);
    for (size_t length = 0; length < bytes.length; length++)
        ck_assert(!presence_decode(&message, bytes.bytes, length));
    ck_assert(presence_decode(&message, bytes.bytes, bytes.length));
    ck_assert_int_eq(presence_delta_items(&message.delta), 1);
    presence_message_fini(&message);
    text_add_n(&bytes, "", 1);
    ck_assert(!presence_decode(&message, bytes.bytes, bytes.length));
    text_fini(&bytes);
}
END_TEST

/* What is accepted is written again as the same bytes: there is one form of everything. */
START_TEST(any_byte_changed_is_refused_or_means_what_it_says) {
    struct text bytes, again;
    struct presence_message message;
    text_init(&bytes);
    text_init(&again);
    write_message(&bytes);
    for (size_t at = 0; at < bytes.length; at++)
        for (int value = 0; value < 256; value++) {
            char before = bytes.bytes[at];
            bytes.bytes[at] = (char)value;
            if (presence_decode(&message, bytes.bytes, bytes.length)) {
                text_clear(&again);
                presence_encode(&message, &again);
                ck_assert_uint_eq(again.length, bytes.length);
                ck_assert_mem_eq(again.bytes, bytes.bytes, bytes.length);
                presence_message_fini(&message);
            }
            bytes.bytes[at] = before;
        }
    text_fini(&bytes);
    text_fini(&again);
}
END_TEST

START_TEST(a_state_has_no_control_characters) {
    ck_assert(presence_is_state("away, back at 5", 15));
    ck_assert(presence_is_state("", 0));
    ck_assert(!presence_is_state("a\nb", 3));
    ck_assert(!presence_is_state("a\x7f", 2));
    char longest[PRESENCE_STATE_MAX + 1];
    memset(longest, 'a', sizeof longest);
    ck_assert(presence_is_state(longest, PRESENCE_STATE_MAX));
    ck_assert(!presence_is_state(longest, PRESENCE_STATE_MAX + 1));
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(replicas_agree_after_any_loss_repetition_and_reordering, 150),
        LOOP_TEST(both_sides_of_a_partition_agree_when_it_heals, 20),
        TEST(a_dead_nodes_members_expire_after_thirty_seconds),
        TEST(a_silent_node_says_so_every_fifteen_seconds),
        TEST(no_part_of_a_message_is_one),
        TEST(any_byte_changed_is_refused_or_means_what_it_says),
        TEST(a_state_has_no_control_characters),
    };
    return suite_run("presence_replica", tests, COUNT_OF(tests));
}
