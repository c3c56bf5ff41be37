/* Who is present, as one replica knows it: an observed-remove set without tombstones (ORSWOT) in
 * its delta-state form. No clock, no socket; the simulated node and the gateway hold the same.
 *
 * Each change of a replica is a dot (actor, sequence number), the actor being one life of one
 * replica: an enter is an entry under its dot, an exit takes the entry away under a dot without
 * one. Sequence numbers are kept as spans: one where nothing is missing, which is a version vector,
 * and more where something was lost, which is its cloud of dots.
 *
 * A delta is some entries and its causal context: the spans that these and what they replaced come
 * from. Merging it removes what is held under its context and is not in it, and adds what is in it
 * under dots not known yet: S = (S1 n S2) + (S1 - C2) + (S2 - C1), C = C1 + C2. That is a join of a
 * semilattice, so the order of merges, their number and their grouping do not matter (Bieniusa et
 * al. 2012, An optimized conflict-free replicated set; Almeida, Shoker, Baquero 2018, Delta state
 * replicated data types). What was lost on the way does matter, and the context does not tell: a
 * delta in which a dot was replaced has that dot in its context, though what that dot itself
 * replaced may have been lost. So a second set of spans says whose own deltas have been heard; a
 * state is the join of exactly those, and anti-entropy compares these.
 *
 * Only its own replica writes under an actor, so two enters of one key on two nodes are two
 * entries, and the key is present while one of them is: a client that reconnected elsewhere does
 * not go when its old node notices at last.
 *
 * What is present is one thing, what members have been told another: each room lists the keys of
 * which the two may differ, which is how changes are debounced (presence_room_take). */
#ifndef HEADROOM_MODELS_WORKLOAD_PRESENCE_STATE_H
#define HEADROOM_MODELS_WORKLOAD_PRESENCE_STATE_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PRESENCE_NAME_MAX = 64, PRESENCE_STATE_MAX = 512 }; /* bytes of a room or key; of a state */

struct presence_text { /* not ended by NUL; borrowed */
    const char *bytes;
    size_t length;
};

struct presence_span { /* sequence numbers first .. last, from 1 on */
    uint64_t first, last;
};

struct presence_spans { /* ascending, neither overlapping nor adjacent */
    struct presence_span *items;
    int32_t count, max;
};

struct presence_item { /* an entry in a delta */
    uint64_t seq;
    struct presence_text room, key, state;
};

struct presence_part { /* of one actor */
    uint64_t actor;
    struct presence_spans heard;   /* changes that it tells of */
    struct presence_spans context; /* those, and what they replaced */
    struct presence_item *items;   /* ascending, within the context; texts borrowed */
    int32_t items_count, items_max;
};

/* What one replica tells another. A digest is one of which only `heard` is filled. */
struct presence_delta {
    struct presence_part *parts; /* ascending by actor */
    int32_t count, max;
};

void presence_delta_init(struct presence_delta *delta);
void presence_delta_fini(struct presence_delta *delta);
/* A new part behind the others, whose actor must be above theirs. */
struct presence_part *presence_delta_add(struct presence_delta *delta, uint64_t actor);
void presence_part_add(struct presence_part *part, const struct presence_item *item);
int64_t presence_delta_items(const struct presence_delta *delta);

/* spans + [first, last]; and whether all of `part` is in `whole`. */
void presence_spans_add(struct presence_spans *spans, uint64_t first, uint64_t last);
void presence_spans_add_all(struct presence_spans *spans, const struct presence_spans *others);
bool presence_spans_hold(const struct presence_spans *whole, const struct presence_spans *part);

struct presence_link { /* in a hash table */
    struct presence_link *next;
    uint64_t hash;
};
struct presence_table {
    struct presence_link **slots;
    size_t slots_count, count;
};

enum presence_actor_status {
    PRESENCE_UP,
    PRESENCE_DOWN, /* silent: its members are kept and count as gone */
    PRESENCE_GONE  /* silent for long: forgotten, and not heard about from others either */
};

struct presence_room;
struct presence_state;

/* A key in a room. There while somebody says it is present or members have yet to be told that it
 * is not. */
struct presence_key {
    struct presence_link link;
    struct presence_room *room;
    struct presence_key *before, *after; /* in the room, in no order */
    struct presence_key *next_changed;
    struct presence_entry *entries;
    int32_t visible_count; /* entries of actors that are up: present where above 0 */
    bool is_told;          /* members have been told that it is present ... */
    bool is_listed;        /* ... and this may be out of date */
    bool is_renewed;       /* its state is another one than they were told */
    uint8_t length;
    char bytes[];
};

struct presence_room {
    struct presence_link link;
    struct presence_key *keys, *changed;
    int32_t present_count, told_count;
    int64_t present_bytes; /* keys and states of those present */
    void *owner;           /* of whoever debounces it; NULL at first */
    uint8_t length;
    char bytes[];
};

struct presence_actor;

struct presence_options {
    uint64_t self; /* drawn anew for each life of a replica; never 0 */
    /* A room got its first difference between what is and what members were told. */
    void (*on_change)(void *target, struct presence_room *room);
    void *target;
};

struct presence_state {
    struct presence_options options;
    struct presence_actor *actors; /* ascending by id */
    int32_t actors_count, actors_max;
    struct presence_table rooms, keys;
    struct presence_spans unsent, unsent_context; /* of self: what the next delta tells */
    int64_t entries_count;
};

void presence_state_init(struct presence_state *state, const struct presence_options *options);
void presence_state_fini(struct presence_state *state);

/* A client of this node is present in a room from now on, shown as `state`; again: with another
 * state. Texts are copied; lengths are within the enum's bounds, names not empty (CHECK). */
void presence_enter(struct presence_state *state, struct presence_text room,
                    struct presence_text key, struct presence_text shown);
/* False where this node has no such member. */
bool presence_exit(struct presence_state *state, struct presence_text room,
                   struct presence_text key);

/* Whether a client of this node is present under the key. */
bool presence_is_own(const struct presence_state *state, struct presence_text room,
                     struct presence_text key);

/* --- between replicas --- */

bool presence_has_unsent(const struct presence_state *state);
/* What this replica did since the last call. Texts borrowed until the state changes. */
void presence_take_delta(struct presence_state *state, struct presence_delta *delta);
void presence_merge(struct presence_state *state, const struct presence_delta *delta);
/* What this replica has heard. */
void presence_digest(const struct presence_state *state, struct presence_delta *digest);
/* Whole parts of the actors of whom this replica has heard something that the digest lacks. */
void presence_missing(const struct presence_state *state, const struct presence_delta *digest,
                      struct presence_delta *delta);
/* Whether the digest lists something that this replica has not heard: its sender may be asked. */
bool presence_is_behind(const struct presence_state *state, const struct presence_delta *digest);
/* Members of an actor that is not up do not count. GONE forgets them; UP after GONE starts from
 * nothing. */
void presence_set_status(struct presence_state *state, uint64_t actor,
                         enum presence_actor_status status);

/* --- what members see --- */

struct presence_room *presence_room_find(const struct presence_state *state,
                                         struct presence_text room);
bool presence_is_present(const struct presence_state *state, struct presence_text room,
                         struct presence_text key);
static inline bool presence_key_is_present(const struct presence_key *key) {
    return key->visible_count > 0;
}
/* Whether members have been told that it is. */
bool presence_is_told(const struct presence_state *state, struct presence_text room,
                      struct presence_text key);
/* Of a key that is present: the state shown, of the entry with the lowest (actor, seq). */
struct presence_text presence_key_state(const struct presence_key *key);
/* Whether there is something to tell of a listed key: not where its changes cancelled out. */
static inline bool presence_key_has_news(const struct presence_key *key) {
    bool is_present = presence_key_is_present(key);
    return is_present != key->is_told || (is_present && key->is_renewed);
}
/* The listed keys, linked by next_changed, latest first. Then presence_room_told. */
struct presence_key *presence_room_take(struct presence_room *room);
/* They have been told: the list is spent, and with it keys and a room that nobody speaks of. */
void presence_room_told(struct presence_state *state, struct presence_room *room,
                        struct presence_key *taken);

#endif
