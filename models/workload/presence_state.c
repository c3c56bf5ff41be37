/* Three tables: rooms and keys by their bytes, and per actor its entries by sequence number, so
 * that a merge looks at what a delta speaks of and at nothing else. A span that is longer than the
 * table (the whole past of an actor) is walked the other way round. */
#include "models/workload/presence_table.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

struct presence_entry {
    struct presence_link link; /* among its actor's */
    uint64_t actor, seq;
    struct presence_key *key;
    struct presence_entry *next; /* of the same key */
    bool is_visible;
    uint16_t length;
    char state[];
};

struct presence_actor {
    uint64_t id;
    enum presence_actor_status status;
    struct presence_spans heard, context;
    struct presence_table entries;
};

static struct presence_text text_of(const char *bytes, size_t length) {
    return (struct presence_text){bytes, length};
}

/* --- actors --- */

static int32_t actor_place(const struct presence_state *state, uint64_t id) {
    int32_t low = 0, high = state->actors_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (state->actors[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct presence_actor *find_actor(const struct presence_state *state, uint64_t id) {
    int32_t at = actor_place(state, id);
    return at < state->actors_count && state->actors[at].id == id ? &state->actors[at] : NULL;
}

/* Moves actors: pointers to them last until the next one is added. */
static struct presence_actor *need_actor(struct presence_state *state, uint64_t id) {
    struct presence_actor *found = find_actor(state, id);
    if (found != NULL)
        return found;
    if (state->actors_count == state->actors_max) {
        state->actors_max = state->actors_max > 0 ? 2 * state->actors_max : 4;
        state->actors = realloc(state->actors, (size_t)state->actors_max * sizeof *state->actors);
        CHECK(state->actors != NULL && state->actors_max > 0);
    }
    int32_t at = actor_place(state, id);
    memmove(&state->actors[at + 1], &state->actors[at],
            (size_t)(state->actors_count - at) * sizeof *state->actors);
    state->actors_count++;
    state->actors[at] = (struct presence_actor){.id = id};
    return &state->actors[at];
}

/* --- rooms and keys --- */

static uint64_t room_hash(struct presence_text room) {
    return presence_hash(0, room.bytes, room.length);
}

static uint64_t key_hash(struct presence_text room, struct presence_text key) {
    return presence_hash(room_hash(room), key.bytes, key.length);
}

struct presence_room *presence_room_find(const struct presence_state *state,
                                         struct presence_text name) {
    struct presence_link *link = presence_table_first(&state->rooms, room_hash(name));
    for (; link != NULL; link = link->next) {
        struct presence_room *room = (struct presence_room *)(void *)link;
        if (room->length == name.length && memcmp(room->bytes, name.bytes, name.length) == 0)
            return room;
    }
    return NULL;
}

static struct presence_key *find_key(const struct presence_state *state, struct presence_text room,
                                     struct presence_text name) {
    struct presence_link *link = presence_table_first(&state->keys, key_hash(room, name));
    for (; link != NULL; link = link->next) {
        struct presence_key *key = (struct presence_key *)(void *)link;
        if (key->length == name.length && key->room->length == room.length &&
            memcmp(key->bytes, name.bytes, name.length) == 0 &&
            memcmp(key->room->bytes, room.bytes, room.length) == 0)
            return key;
    }
    return NULL;
}

static void *new_named(size_t size, struct presence_text name) {
    CHECK(name.length > 0 && name.length <= PRESENCE_NAME_MAX);
    char *made = calloc(1, size + name.length);
    CHECK(made != NULL);
    memcpy(made + size, name.bytes, name.length);
    return made;
}

static struct presence_room *need_room(struct presence_state *state, struct presence_text name) {
    struct presence_room *room = presence_room_find(state, name);
    if (room != NULL)
        return room;
    room = new_named(offsetof(struct presence_room, bytes), name);
    room->length = (uint8_t)name.length;
    room->link.hash = room_hash(name);
    presence_table_add(&state->rooms, &room->link);
    return room;
}

static struct presence_key *need_key(struct presence_state *state, struct presence_text room_name,
                                     struct presence_text name) {
    struct presence_key *key = find_key(state, room_name, name);
    if (key != NULL)
        return key;
    struct presence_room *room = need_room(state, room_name);
    key = new_named(offsetof(struct presence_key, bytes), name);
    key->length = (uint8_t)name.length;
    key->room = room;
    key->link.hash = key_hash(room_name, name);
    key->after = room->keys;
    if (room->keys != NULL)
        room->keys->before = key;
    room->keys = key;
    presence_table_add(&state->keys, &key->link);
    return key;
}

static void free_key(struct presence_state *state, struct presence_key *key) {
    struct presence_room *room = key->room;
    if (key->before != NULL)
        key->before->after = key->after;
    else
        room->keys = key->after;
    if (key->after != NULL)
        key->after->before = key->before;
    presence_table_remove(&state->keys, &key->link);
    free(key);
    if (room->keys != NULL)
        return;
    presence_table_remove(&state->rooms, &room->link);
    free(room);
}

/* A key that nobody speaks of and that members know to be gone is not kept, nor its empty room. */
static void free_if_idle(struct presence_state *state, struct presence_key *key) {
    if (key->entries == NULL && !key->is_told && !key->is_listed)
        free_key(state, key);
}

static void list_changed(struct presence_state *state, struct presence_key *key) {
    struct presence_room *room = key->room;
    if (key->is_listed)
        return;
    bool is_first = room->changed == NULL;
    key->is_listed = true;
    key->next_changed = room->changed;
    room->changed = key;
    if (is_first && state->options.on_change != NULL)
        state->options.on_change(state->options.target, room);
}

/* --- entries --- */

static struct presence_entry *shown_entry(const struct presence_key *key) {
    struct presence_entry *lowest = NULL;
    for (struct presence_entry *entry = key->entries; entry != NULL; entry = entry->next) {
        bool is_lower = lowest == NULL || entry->actor < lowest->actor ||
                        (entry->actor == lowest->actor && entry->seq < lowest->seq);
        if (entry->is_visible && is_lower)
            lowest = entry;
    }
    return lowest;
}

struct seen { /* of a key, before a change */
    bool is_present;
    uint64_t state_hash;
};

static struct seen seen_of(const struct presence_entry *shown) {
    return shown == NULL ? (struct seen){false, 0}
                         : (struct seen){true, presence_hash(1, shown->state, shown->length)};
}

/* Around every change of a key's entries: what its room counts is taken out and put in again. */
static struct seen begin_change(struct presence_key *key) {
    const struct presence_entry *shown = shown_entry(key);
    if (shown != NULL) {
        key->room->present_count--;
        key->room->present_bytes -= key->length + shown->length;
    }
    return seen_of(shown);
}

static void end_change(struct presence_state *state, struct presence_key *key, struct seen before) {
    const struct presence_entry *shown = shown_entry(key);
    struct seen now = seen_of(shown);
    if (shown != NULL) {
        key->room->present_count++;
        key->room->present_bytes += key->length + shown->length;
    }
    bool is_renewed = before.is_present && now.is_present && before.state_hash != now.state_hash;
    key->is_renewed |= is_renewed;
    if (before.is_present != now.is_present || is_renewed)
        list_changed(state, key);
    free_if_idle(state, key);
}

static uint64_t seq_hash(uint64_t seq) {
    return seq * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static struct presence_entry *find_entry(const struct presence_actor *actor, uint64_t seq) {
    struct presence_link *link = presence_table_first(&actor->entries, seq_hash(seq));
    for (; link != NULL; link = link->next) {
        struct presence_entry *entry = (struct presence_entry *)(void *)link;
        if (entry->seq == seq)
            return entry;
    }
    return NULL;
}

static void add_entry(struct presence_state *state, struct presence_actor *actor,
                      const struct presence_item *item) {
    CHECK(item->state.length <= PRESENCE_STATE_MAX);
    struct presence_key *key = need_key(state, item->room, item->key);
    struct presence_entry *entry = malloc(sizeof *entry + item->state.length);
    CHECK(entry != NULL);
    *entry = (struct presence_entry){.link.hash = seq_hash(item->seq),
                                     .actor = actor->id,
                                     .seq = item->seq,
                                     .key = key,
                                     .is_visible = actor->status == PRESENCE_UP,
                                     .length = (uint16_t)item->state.length};
    if (item->state.length > 0)
        memcpy(entry->state, item->state.bytes, item->state.length);
    struct seen before = begin_change(key);
    entry->next = key->entries;
    key->entries = entry;
    key->visible_count += entry->is_visible;
    end_change(state, key, before);
    presence_table_add(&actor->entries, &entry->link);
    state->entries_count++;
}

static void remove_entry(struct presence_state *state, struct presence_actor *actor,
                         struct presence_entry *entry) {
    struct presence_key *key = entry->key;
    struct seen before = begin_change(key);
    struct presence_entry **at = &key->entries;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    key->visible_count -= entry->is_visible;
    end_change(state, key, before);
    presence_table_remove(&actor->entries, &entry->link);
    state->entries_count--;
    free(entry);
}

/* Calls `visit` for each entry of the actor under the span; it may remove that one. */
static void each_entry(struct presence_actor *actor, struct presence_span span,
                       void (*visit)(void *target, struct presence_entry *entry), void *target) {
    if (span.last - span.first < actor->entries.count) {
        for (uint64_t seq = span.first; seq <= span.last; seq++) {
            struct presence_entry *entry = find_entry(actor, seq);
            if (entry != NULL)
                visit(target, entry);
        }
        return;
    }
    for (size_t i = 0; i < actor->entries.slots_count; i++)
        for (struct presence_link *link = actor->entries.slots[i], *next; link; link = next) {
            next = link->next;
            struct presence_entry *entry = (struct presence_entry *)(void *)link;
            if (entry->seq >= span.first && entry->seq <= span.last)
                visit(target, entry);
        }
}

/* --- the replica --- */

void presence_state_init(struct presence_state *state, const struct presence_options *options) {
    CHECK(options->self != 0);
    *state = (struct presence_state){.options = *options};
    need_actor(state, options->self);
}

static void free_all(struct presence_table *table) {
    for (struct presence_link *link; (link = presence_table_any(table)) != NULL;) {
        presence_table_remove(table, link);
        free(link);
    }
    presence_table_fini(table);
}

void presence_state_fini(struct presence_state *state) {
    for (int32_t i = 0; i < state->actors_count; i++) {
        free_all(&state->actors[i].entries);
        free(state->actors[i].heard.items);
        free(state->actors[i].context.items);
    }
    free_all(&state->keys);
    free_all(&state->rooms);
    free(state->actors);
    free(state->unsent.items);
    free(state->unsent_context.items);
}

/* The next dot of this replica, which it knows and has to tell. */
static uint64_t next_seq(struct presence_state *state, struct presence_actor *self) {
    uint64_t seq = self->heard.count > 0 ? self->heard.items[0].last + 1 : 1;
    presence_spans_add(&self->heard, seq, seq);
    presence_spans_add(&self->context, seq, seq);
    presence_spans_add(&state->unsent, seq, seq);
    presence_spans_add(&state->unsent_context, seq, seq);
    return seq;
}

/* What this replica says of a key. */
static struct presence_entry *own_entry(const struct presence_state *state,
                                        const struct presence_key *key) {
    struct presence_entry *entry = key != NULL ? key->entries : NULL;
    while (entry != NULL && entry->actor != state->options.self)
        entry = entry->next;
    return entry;
}

static void withdraw(struct presence_state *state, struct presence_actor *self,
                     struct presence_entry *entry) {
    presence_spans_add(&state->unsent_context, entry->seq, entry->seq);
    remove_entry(state, self, entry);
}

void presence_enter(struct presence_state *state, struct presence_text room,
                    struct presence_text key, struct presence_text shown) {
    struct presence_actor *self = find_actor(state, state->options.self);
    struct presence_item item = {
        .seq = next_seq(state, self), .room = room, .key = key, .state = shown};
    struct presence_entry *before = own_entry(state, find_key(state, room, key));
    add_entry(state, self, &item); /* first, so that the key is present throughout */
    if (before != NULL)
        withdraw(state, self, before);
}

bool presence_exit(struct presence_state *state, struct presence_text room,
                   struct presence_text key) {
    struct presence_actor *self = find_actor(state, state->options.self);
    struct presence_entry *entry = own_entry(state, find_key(state, room, key));
    if (entry == NULL)
        return false;
    withdraw(state, self, entry);
    next_seq(state, self);
    return true;
}

bool presence_is_own(const struct presence_state *state, struct presence_text room,
                     struct presence_text key) {
    return own_entry(state, find_key(state, room, key)) != NULL;
}

/* --- between replicas --- */

static struct presence_item item_of(const struct presence_entry *entry) {
    const struct presence_key *key = entry->key;
    return (struct presence_item){.seq = entry->seq,
                                  .room = text_of(key->room->bytes, key->room->length),
                                  .key = text_of(key->bytes, key->length),
                                  .state = text_of(entry->state, entry->length)};
}

static void add_item(void *part, struct presence_entry *entry) {
    struct presence_item item = item_of(entry);
    presence_part_add(part, &item);
}

static int by_seq(const void *a, const void *b) {
    uint64_t first = ((const struct presence_item *)a)->seq;
    uint64_t second = ((const struct presence_item *)b)->seq;
    return (first > second) - (first < second);
}

static void extract(struct presence_actor *actor, const struct presence_spans *heard,
                    const struct presence_spans *context, struct presence_delta *delta) {
    struct presence_part *part = presence_delta_add(delta, actor->id);
    presence_spans_add_all(&part->heard, heard);
    presence_spans_add_all(&part->context, context);
    for (int32_t i = 0; i < context->count; i++)
        each_entry(actor, context->items[i], add_item, part);
    if (part->items_count > 0)
        qsort(part->items, (size_t)part->items_count, sizeof *part->items, by_seq);
}

bool presence_has_unsent(const struct presence_state *state) {
    return state->unsent.count > 0;
}

void presence_take_delta(struct presence_state *state, struct presence_delta *delta) {
    if (!presence_has_unsent(state))
        return;
    extract(find_actor(state, state->options.self), &state->unsent, &state->unsent_context, delta);
    state->unsent.count = state->unsent_context.count = 0;
}

static bool may_tell_of(const struct presence_actor *actor) {
    return actor->status != PRESENCE_GONE && actor->heard.count > 0;
}

void presence_digest(const struct presence_state *state, struct presence_delta *digest) {
    for (int32_t i = 0; i < state->actors_count; i++)
        if (may_tell_of(&state->actors[i]))
            presence_spans_add_all(&presence_delta_add(digest, state->actors[i].id)->heard,
                                   &state->actors[i].heard);
}

static const struct presence_part *part_of(const struct presence_delta *delta, uint64_t actor) {
    for (int32_t i = 0; i < delta->count; i++)
        if (delta->parts[i].actor == actor)
            return &delta->parts[i];
    return NULL;
}

void presence_missing(const struct presence_state *state, const struct presence_delta *digest,
                      struct presence_delta *delta) {
    for (int32_t i = 0; i < state->actors_count; i++) {
        struct presence_actor *actor = &state->actors[i];
        const struct presence_part *part = part_of(digest, actor->id);
        bool is_heard = part != NULL && presence_spans_hold(&part->heard, &actor->heard);
        if (may_tell_of(actor) && !is_heard)
            extract(actor, &actor->heard, &actor->context, delta);
    }
}

bool presence_is_behind(const struct presence_state *state, const struct presence_delta *digest) {
    for (int32_t i = 0; i < digest->count; i++) {
        const struct presence_part *part = &digest->parts[i];
        const struct presence_actor *actor = find_actor(state, part->actor);
        if (actor != NULL && actor->status == PRESENCE_GONE)
            continue;
        if (actor == NULL || !presence_spans_hold(&actor->heard, &part->heard))
            return true;
    }
    return false;
}

struct removal {
    struct presence_state *state;
    struct presence_actor *actor;
    const struct presence_part *part;
};

static bool has_item(const struct presence_part *part, uint64_t seq) {
    struct presence_item wanted = {.seq = seq};
    return part->items_count > 0 &&
           bsearch(&wanted, part->items, (size_t)part->items_count, sizeof wanted, by_seq) != NULL;
}

static void remove_unless_in_part(void *target, struct presence_entry *entry) {
    struct removal *removal = target;
    if (removal->part == NULL || !has_item(removal->part, entry->seq))
        remove_entry(removal->state, removal->actor, entry);
}

static bool knows(const struct presence_actor *actor, uint64_t seq) {
    struct presence_span span = {seq, seq};
    return presence_spans_hold(&actor->context,
                               &(struct presence_spans){.items = &span, .count = 1});
}

void presence_merge(struct presence_state *state, const struct presence_delta *delta) {
    for (int32_t p = 0; p < delta->count; p++) {
        const struct presence_part *part = &delta->parts[p];
        struct presence_actor *actor = need_actor(state, part->actor);
        if (actor->status == PRESENCE_GONE || part->actor == state->options.self)
            continue;
        for (int32_t i = 0; i < part->items_count; i++)
            if (!knows(actor, part->items[i].seq))
                add_entry(state, actor, &part->items[i]);
        struct removal removal = {state, actor, part};
        for (int32_t i = 0; i < part->context.count; i++)
            each_entry(actor, part->context.items[i], remove_unless_in_part, &removal);
        presence_spans_add_all(&actor->context, &part->context);
        presence_spans_add_all(&actor->heard, &part->heard);
    }
}

static void set_visible(struct presence_state *state, struct presence_actor *actor,
                        bool is_visible) {
    for (size_t i = 0; i < actor->entries.slots_count; i++)
        for (struct presence_link *link = actor->entries.slots[i]; link; link = link->next) {
            struct presence_entry *entry = (struct presence_entry *)(void *)link;
            struct seen before = begin_change(entry->key);
            entry->key->visible_count += (int32_t)is_visible - (int32_t)entry->is_visible;
            entry->is_visible = is_visible;
            end_change(state, entry->key, before);
        }
}

void presence_set_status(struct presence_state *state, uint64_t id,
                         enum presence_actor_status status) {
    struct presence_actor *actor = need_actor(state, id);
    if (actor->status == status)
        return;
    CHECK(id != state->options.self);
    actor->status = status;
    if (status == PRESENCE_GONE) {
        struct removal removal = {state, actor, NULL};
        each_entry(actor, (struct presence_span){1, UINT64_MAX}, remove_unless_in_part, &removal);
        actor->heard.count = actor->context.count = 0;
    } else {
        set_visible(state, actor, status == PRESENCE_UP);
    }
}

/* --- what members see --- */

bool presence_is_present(const struct presence_state *state, struct presence_text room,
                         struct presence_text name) {
    const struct presence_key *key = find_key(state, room, name);
    return key != NULL && presence_key_is_present(key);
}

bool presence_is_told(const struct presence_state *state, struct presence_text room,
                      struct presence_text name) {
    const struct presence_key *key = find_key(state, room, name);
    return key != NULL && key->is_told;
}

struct presence_text presence_key_state(const struct presence_key *key) {
    const struct presence_entry *entry = shown_entry(key);
    CHECK(entry != NULL);
    return text_of(entry->state, entry->length);
}

struct presence_key *presence_room_take(struct presence_room *room) {
    struct presence_key *taken = room->changed;
    room->changed = NULL;
    return taken;
}

void presence_room_told(struct presence_state *state, struct presence_room *room,
                        struct presence_key *taken) {
    for (struct presence_key *key = taken, *next; key != NULL; key = next) {
        next = key->next_changed;
        bool is_present = presence_key_is_present(key);
        room->told_count += (int32_t)is_present - (int32_t)key->is_told;
        key->is_told = is_present;
        key->is_listed = key->is_renewed = false;
        key->next_changed = NULL;
        free_if_idle(state, key); /* the last one takes the room with it */
    }
}
