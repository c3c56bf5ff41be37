/* Presence as a set: its laws on random histories, with fixed seeds, and its rules one by one. The
 * oracle of a history is the plainest set there is: one bit per actor, room and key. */
#include "models/workload/presence_state.h"

#include "sim/base/rng.h"
#include "tests/sim/suite.h"

#include <stdio.h>
#include <string.h>

enum { ACTORS = 3, ROOMS = 2, KEYS = 4, DELTAS_MAX = 24 };

static struct presence_text text(const char *bytes) {
    return (struct presence_text){bytes, strlen(bytes)};
}

static const char *const rooms[ROOMS] = {"r0", "r1"};
static const char *const keys[KEYS] = {"ann", "bob", "cem", "dee"};

static struct rng seeded(int round) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = 2385, .entity = (uint64_t)round});
    return rng;
}

static void init(struct presence_state *state, uint64_t self) {
    presence_state_init(state, &(struct presence_options){.self = self});
}

/* --- random histories: each actor's deltas, whose texts live in their states --- */

struct history {
    struct presence_state writers[ACTORS];
    struct presence_delta deltas[DELTAS_MAX];
    struct presence_state readers[4];
    bool truth[ACTORS][ROOMS][KEYS];
    char texts[DELTAS_MAX * 64][PRESENCE_NAME_MAX]; /* of the deltas, which borrow */
    int32_t texts_count, deltas_count;
};

static struct presence_text keep(struct history *history, struct presence_text text_) {
    char *copy = history->texts[history->texts_count++];
    memcpy(copy, text_.bytes, text_.length);
    return (struct presence_text){copy, text_.length};
}

static void keep_texts(struct history *history, struct presence_delta *delta) {
    for (int32_t p = 0; p < delta->count; p++)
        for (int32_t i = 0; i < delta->parts[p].items_count; i++) {
            struct presence_item *item = &delta->parts[p].items[i];
            item->room = keep(history, item->room);
            item->key = keep(history, item->key);
            item->state = keep(history, item->state);
        }
}

static void act(struct history *history, struct rng *rng, int32_t actor) {
    uint64_t room = rng_below(rng, ROOMS), key = rng_below(rng, KEYS);
    bool enters = rng_below(rng, 2) == 0;
    struct presence_state *writer = &history->writers[actor];
    char shown[16];
    int length = snprintf(shown, sizeof shown, "s%d", (int)rng_below(rng, 100));
    bool *truth = &history->truth[actor][room][key];
    if (enters)
        presence_enter(writer, text(rooms[room]), text(keys[key]),
                       (struct presence_text){shown, (size_t)length});
    else
        ck_assert(presence_exit(writer, text(rooms[room]), text(keys[key])) == *truth);
    *truth = enters;
}

static void history_init(struct history *history, struct rng *rng) {
    *history = (struct history){0};
    for (uint64_t i = 0; i < ACTORS; i++)
        init(&history->writers[i], 11 + i);
    for (int32_t i = 0; i < 4; i++)
        init(&history->readers[i], 101 + (uint64_t)i);
    while (history->deltas_count < DELTAS_MAX) {
        int32_t actor = (int32_t)rng_below(rng, ACTORS);
        for (uint64_t changes = 1 + rng_below(rng, 3); changes > 0; changes--)
            act(history, rng, actor);
        struct presence_delta *delta = &history->deltas[history->deltas_count];
        presence_delta_init(delta);
        presence_take_delta(&history->writers[actor], delta);
        keep_texts(history, delta);
        history->deltas_count += delta->count > 0;
    }
}

static void history_fini(struct history *history) {
    for (int32_t i = 0; i < history->deltas_count; i++)
        presence_delta_fini(&history->deltas[i]);
    for (int32_t i = 0; i < ACTORS; i++)
        presence_state_fini(&history->writers[i]);
    for (int32_t i = 0; i < 4; i++)
        presence_state_fini(&history->readers[i]);
}

static void assert_same_text(struct presence_text a, struct presence_text b) {
    ck_assert_uint_eq(a.length, b.length);
    ck_assert_mem_eq(a.bytes, b.bytes, a.length);
}

static void assert_same_spans(const struct presence_spans *a, const struct presence_spans *b) {
    ck_assert_int_eq(a->count, b->count);
    for (int32_t i = 0; i < a->count; i++) {
        ck_assert_uint_eq(a->items[i].first, b->items[i].first);
        ck_assert_uint_eq(a->items[i].last, b->items[i].last);
    }
}

static void assert_same_part(const struct presence_part *a, const struct presence_part *b) {
    ck_assert_uint_eq(a->actor, b->actor);
    assert_same_spans(&a->heard, &b->heard);
    assert_same_spans(&a->context, &b->context);
    ck_assert_int_eq(a->items_count, b->items_count);
    for (int32_t i = 0; i < a->items_count; i++) {
        ck_assert_uint_eq(a->items[i].seq, b->items[i].seq);
        assert_same_text(a->items[i].room, b->items[i].room);
        assert_same_text(a->items[i].key, b->items[i].key);
        assert_same_text(a->items[i].state, b->items[i].state);
    }
}

/* Everything that is known and everything that is held, down to the dot. */
static void assert_same(const struct presence_state *a, const struct presence_state *b) {
    struct presence_delta nothing, of_a, of_b;
    presence_delta_init(&nothing);
    presence_delta_init(&of_a);
    presence_delta_init(&of_b);
    presence_missing(a, &nothing, &of_a);
    presence_missing(b, &nothing, &of_b);
    ck_assert_int_eq(of_a.count, of_b.count);
    for (int32_t i = 0; i < of_a.count; i++)
        assert_same_part(&of_a.parts[i], &of_b.parts[i]);
    ck_assert_int_eq(a->entries_count, b->entries_count);
    presence_delta_fini(&of_a);
    presence_delta_fini(&of_b);
}

static void assert_true_to(const struct presence_state *state, const struct history *history) {
    for (int32_t room = 0; room < ROOMS; room++) {
        int32_t present_count = 0;
        for (int32_t key = 0; key < KEYS; key++) {
            bool is_present = false;
            for (int32_t actor = 0; actor < ACTORS; actor++)
                is_present |= history->truth[actor][room][key];
            ck_assert(presence_is_present(state, text(rooms[room]), text(keys[key])) == is_present);
            present_count += is_present;
        }
        const struct presence_room *found = presence_room_find(state, text(rooms[room]));
        ck_assert_int_eq(found != NULL ? found->present_count : 0, present_count);
    }
}

START_TEST(merging_does_not_depend_on_the_order) {
    struct rng rng = seeded(_i);
    static struct history history;
    history_init(&history, &rng);
    int32_t order[DELTAS_MAX];
    for (int32_t i = 0; i < DELTAS_MAX; i++) {
        int32_t at = (int32_t)rng_below(&rng, (uint64_t)i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (int32_t i = 0; i < DELTAS_MAX; i++) {
        presence_merge(&history.readers[0], &history.deltas[i]);
        presence_merge(&history.readers[1], &history.deltas[order[i]]);
    }
    assert_same(&history.readers[0], &history.readers[1]);
    assert_true_to(&history.readers[1], &history);
    history_fini(&history);
}
END_TEST

START_TEST(merging_twice_changes_nothing) {
    struct rng rng = seeded(_i);
    static struct history history;
    history_init(&history, &rng);
    for (int32_t i = 0; i < DELTAS_MAX; i++) {
        presence_merge(&history.readers[0], &history.deltas[i]);
        for (int32_t again = 0; again < 2; again++)
            presence_merge(&history.readers[1],
                           &history.deltas[again ? (int32_t)rng_below(&rng, (uint64_t)i + 1) : i]);
    }
    assert_same(&history.readers[0], &history.readers[1]);
    history_fini(&history);
}
END_TEST

static void merge_state(struct presence_state *into, const struct presence_state *from) {
    struct presence_delta nothing, whole;
    presence_delta_init(&nothing);
    presence_delta_init(&whole);
    presence_missing(from, &nothing, &whole);
    presence_merge(into, &whole);
    presence_delta_fini(&whole);
}

/* (a + b) + c = a + (b + c), of states that have each seen their own random part of the deltas. */
START_TEST(merging_does_not_depend_on_the_grouping) {
    struct rng rng = seeded(_i);
    static struct history history;
    history_init(&history, &rng);
    struct presence_state *reader = history.readers;
    for (int32_t i = 0; i < DELTAS_MAX; i++)
        for (int32_t r = 0; r < 3; r++)
            if (rng_below(&rng, 2) == 0) {
                presence_merge(&reader[r], &history.deltas[i]);
                if (r == 0) /* another a, since merging changes it */
                    presence_merge(&reader[3], &history.deltas[i]);
            }
    merge_state(&reader[0], &reader[1]); /* (a + b) */
    merge_state(&reader[0], &reader[2]);
    merge_state(&reader[1], &reader[2]); /* (b + c) */
    merge_state(&reader[3], &reader[1]);
    assert_same(&reader[0], &reader[3]);
    history_fini(&history);
}
END_TEST

/* Nothing is kept of what is over: as many entries as bits that are set. */
START_TEST(nothing_is_left_of_who_has_gone) {
    struct rng rng = seeded(_i);
    static struct history history;
    history_init(&history, &rng);
    int64_t present = 0;
    for (int32_t actor = 0; actor < ACTORS; actor++)
        for (int32_t room = 0; room < ROOMS; room++)
            for (int32_t key = 0; key < KEYS; key++)
                present += history.truth[actor][room][key];
    for (int32_t i = DELTAS_MAX - 1; i >= 0; i--)
        presence_merge(&history.readers[0], &history.deltas[i]);
    ck_assert_int_eq(history.readers[0].entries_count, present);
    history_fini(&history);
}
END_TEST

/* --- one by one --- */

/* Of three deltas the second, in which the first one's entry was replaced, is lost: the third has
 * the second's dot in its context, and the first one's entry stays. That something is missing must
 * show, and the whole must mend it. */
START_TEST(a_lost_replacement_shows_and_is_mended) {
    struct presence_state writer, reader;
    struct presence_delta deltas[3], digest, whole;
    init(&writer, 7);
    init(&reader, 8);
    for (int32_t i = 0; i < 3; i++) {
        if (i < 2)
            presence_enter(&writer, text("r0"), text("ann"), text("x"));
        else
            ck_assert(presence_exit(&writer, text("r0"), text("ann")));
        presence_delta_init(&deltas[i]);
        presence_take_delta(&writer, &deltas[i]);
        if (i != 1)
            presence_merge(&reader, &deltas[i]);
    }
    ck_assert(presence_is_present(&reader, text("r0"), text("ann")));
    presence_delta_init(&digest);
    presence_delta_init(&whole);
    presence_digest(&writer, &digest);
    ck_assert(presence_is_behind(&reader, &digest));
    presence_missing(&writer, &(struct presence_delta){0}, &whole);
    presence_merge(&reader, &whole);
    ck_assert(!presence_is_present(&reader, text("r0"), text("ann")));
    ck_assert(!presence_is_behind(&reader, &digest));
    for (int32_t i = 0; i < 3; i++)
        presence_delta_fini(&deltas[i]);
    presence_delta_fini(&digest);
    presence_delta_fini(&whole);
    presence_state_fini(&writer);
    presence_state_fini(&reader);
}
END_TEST

START_TEST(a_key_stays_while_one_node_holds_it) {
    struct presence_state old_node, new_node;
    struct presence_delta enter, exit;
    init(&old_node, 7);
    init(&new_node, 8);
    presence_delta_init(&enter);
    presence_delta_init(&exit);
    presence_enter(&old_node, text("r0"), text("ann"), text("here"));
    presence_take_delta(&old_node, &enter);
    presence_merge(&new_node, &enter);
    presence_enter(&new_node, text("r0"), text("ann"), text("there")); /* it reconnected */
    ck_assert_int_eq(presence_room_find(&new_node, text("r0"))->present_count, 1);
    ck_assert(presence_exit(&old_node, text("r0"), text("ann"))); /* noticed at last */
    presence_take_delta(&old_node, &exit);
    presence_merge(&new_node, &exit);
    ck_assert(presence_is_present(&new_node, text("r0"), text("ann")));
    ck_assert(!presence_exit(&old_node, text("r0"), text("ann")));
    presence_delta_fini(&enter);
    presence_delta_fini(&exit);
    presence_state_fini(&old_node);
    presence_state_fini(&new_node);
}
END_TEST

START_TEST(a_silent_nodes_members_go_and_come_back_with_it) {
    struct presence_state state, other;
    struct presence_delta delta;
    init(&state, 7);
    init(&other, 8);
    presence_delta_init(&delta);
    presence_enter(&other, text("r0"), text("ann"), text(""));
    presence_take_delta(&other, &delta);
    presence_merge(&state, &delta);
    presence_set_status(&state, 8, PRESENCE_DOWN);
    ck_assert(!presence_is_present(&state, text("r0"), text("ann")));
    ck_assert_int_eq(state.entries_count, 1);
    presence_set_status(&state, 8, PRESENCE_UP);
    ck_assert(presence_is_present(&state, text("r0"), text("ann")));
    presence_set_status(&state, 8, PRESENCE_GONE);
    ck_assert_int_eq(state.entries_count, 0);
    presence_merge(&state, &delta); /* what a third node still tells of it */
    ck_assert_int_eq(state.entries_count, 0);
    presence_set_status(&state, 8, PRESENCE_UP);
    presence_merge(&state, &delta); /* what it tells itself */
    ck_assert(presence_is_present(&state, text("r0"), text("ann")));
    presence_delta_fini(&delta);
    presence_state_fini(&state);
    presence_state_fini(&other);
}
END_TEST

static int32_t windows;
static struct presence_room *window_room;

static void window(void *target UNUSED, struct presence_room *room) {
    windows++;
    window_room = room;
}

static int32_t news_of(const struct presence_key *taken) {
    int32_t count = 0;
    for (const struct presence_key *key = taken; key != NULL; key = key->next_changed)
        count += presence_key_has_news(key);
    return count;
}

START_TEST(what_cancels_out_is_not_news) {
    struct presence_state state;
    presence_state_init(&state, &(struct presence_options){.self = 7, .on_change = window});
    presence_enter(&state, text("r0"), text("ann"), text("x"));
    presence_enter(&state, text("r0"), text("bob"), text("x"));
    presence_exit(&state, text("r0"), text("bob"));
    ck_assert_int_eq(windows, 1);
    struct presence_key *taken = presence_room_take(window_room);
    ck_assert_int_eq(news_of(taken), 1);
    presence_room_told(&state, window_room, taken);
    ck_assert_int_eq(presence_room_find(&state, text("r0"))->told_count, 1);

    presence_exit(&state, text("r0"), text("ann")); /* a flap */
    presence_enter(&state, text("r0"), text("ann"), text("x"));
    ck_assert_int_eq(windows, 2);
    taken = presence_room_take(window_room);
    ck_assert_int_eq(news_of(taken), 0);
    presence_room_told(&state, window_room, taken);

    presence_enter(&state, text("r0"), text("ann"), text("y")); /* another state is news */
    ck_assert_int_eq(windows, 3);
    ck_assert_int_eq(news_of(presence_room_find(&state, text("r0"))->changed), 1);
    presence_state_fini(&state);
}
END_TEST

START_TEST(an_empty_room_is_forgotten_once_told) {
    struct presence_state state;
    init(&state, 7);
    presence_enter(&state, text("r0"), text("ann"), text("x"));
    presence_exit(&state, text("r0"), text("ann"));
    struct presence_room *room = presence_room_find(&state, text("r0"));
    ck_assert_ptr_nonnull(room);
    presence_room_told(&state, room, presence_room_take(room));
    ck_assert_ptr_null(presence_room_find(&state, text("r0")));
    ck_assert_uint_eq(state.rooms.count + state.keys.count, 0);
    presence_state_fini(&state);
}
END_TEST

/* Against a bit per number. */
START_TEST(spans_are_a_set_of_numbers) {
    struct rng rng = seeded(_i);
    struct presence_spans spans = {0};
    bool holds[66] = {false};
    for (int32_t step = 0; step < 30; step++) {
        uint64_t first = 1 + rng_below(&rng, 60), last = first + rng_below(&rng, 4);
        presence_spans_add(&spans, first, last);
        for (uint64_t i = first; i <= last; i++)
            holds[i] = true;
        for (uint64_t i = 1; i < 65; i++) {
            struct presence_span one = {i, i}, two = {i, i + 1};
            struct presence_spans single = {.items = &one, .count = 1};
            struct presence_spans pair = {.items = &two, .count = 1};
            ck_assert(presence_spans_hold(&spans, &single) == holds[i]);
            ck_assert(presence_spans_hold(&spans, &pair) == (holds[i] && holds[i + 1]));
        }
        for (int32_t i = 1; i < spans.count; i++)
            ck_assert(spans.items[i].first > spans.items[i - 1].last + 1);
    }
    free(spans.items);
}
END_TEST

int main(void) {
    static const struct suite_test tests[] = {
        LOOP_TEST(merging_does_not_depend_on_the_order, 300),
        LOOP_TEST(merging_twice_changes_nothing, 300),
        LOOP_TEST(merging_does_not_depend_on_the_grouping, 300),
        LOOP_TEST(nothing_is_left_of_who_has_gone, 100),
        LOOP_TEST(spans_are_a_set_of_numbers, 30),
        TEST(a_lost_replacement_shows_and_is_mended),
        TEST(a_key_stays_while_one_node_holds_it),
        TEST(a_silent_nodes_members_go_and_come_back_with_it),
        TEST(what_cancels_out_is_not_news),
        TEST(an_empty_room_is_forgotten_once_told),
    };
    return suite_run("presence_state", tests, COUNT_OF(tests));
}
