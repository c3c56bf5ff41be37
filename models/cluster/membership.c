/* Members are moved up when one leaves: a list in order of joining is what makes a newcomer cheap
 * to skip. In rooms of a million that is the cost of a departure; swapping the last one in instead
 * would lose the order. */
#include "models/cluster/membership.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>

static const base_ns FLIGHT_MAX_NS =
    60 * BASE_NS_PER_S; /* what has been on its way for longer than that counts as late */

struct membership_gone {
    base_ns joined_ns, left_ns;
    enum membership_cause cause;
};

struct membership_place {
    int32_t *members; /* the layout's room points to these */
    struct layout_tracked *tracked;
    int32_t members_max, tracked_max;
    struct membership_gone *log; /* in order of leaving */
    int32_t log_count, log_max;
};

static void *grown(void *items, int32_t *max, size_t size) {
    *max = *max ? *max * 2 : 4;
    CHECK(*max > 0);
    items = realloc(items, (size_t)*max * size);
    CHECK(items != NULL);
    return items;
}

/* --- set-up --- */

static void *copy(struct arena *arena, const void *items, int64_t count, size_t size) {
    void *into = arena_new(arena, (size_t)count, size);
    if (count > 0)
        memcpy(into, items, (size_t)count * size);
    return into;
}

static void add_member(struct membership *membership, int64_t index, int32_t client) {
    struct layout_room *room = &membership->layout.rooms[index];
    struct membership_place *place = &membership->places[index];
    if (room->members_count == place->members_max)
        room->members = place->members =
            grown(place->members, &place->members_max, sizeof *place->members);
    int32_t consumer = membership->layout.consumer_of[client];
    if (consumer >= 0) {
        if (room->tracked_count == place->tracked_max)
            room->tracked = place->tracked =
                grown(place->tracked, &place->tracked_max, sizeof *place->tracked);
        place->tracked[room->tracked_count++] =
            (struct layout_tracked){room->members_count, consumer};
    }
    place->members[room->members_count++] = client;
}

static void fill_places(struct membership *membership, const struct layout *from,
                        struct arena *arena) {
    struct layout *layout = &membership->layout;
    int64_t rooms_count = from->roster->rooms_count, workers_count = from->workers_count;
    layout->worker_first = ARENA_NEW(arena, (size_t)workers_count + 1, int64_t);
    layout->room_first = ARENA_NEW(arena, (size_t)rooms_count + 1, int64_t);
    layout->room_at = ARENA_NEW(arena, (size_t)(rooms_count * workers_count), struct layout_place);
    layout->rooms = ARENA_NEW(arena, (size_t)(rooms_count * workers_count), struct layout_room);
    membership->places =
        ARENA_NEW(arena, (size_t)(rooms_count * workers_count), struct membership_place);
    for (int64_t worker = 0; worker <= workers_count; worker++)
        layout->worker_first[worker] = worker * rooms_count;
    for (int64_t room = 0; room <= rooms_count; room++)
        layout->room_first[room] = room * workers_count;
    for (int32_t worker = 0; worker < workers_count; worker++)
        for (int32_t room = 0; room < rooms_count; room++) {
            int64_t index = worker * rooms_count + room;
            layout->room_at[room * workers_count + worker] = (struct layout_place){worker, room};
            layout->rooms[index] = (struct layout_room){.room = room};
            int32_t slot = layout_slot(from, worker, room);
            const struct layout_room *before = slot < 0 ? NULL : layout_room(from, worker, slot);
            for (int32_t i = 0; before && i < before->members_count; i++)
                add_member(membership, index, before->members[i]);
            layout->rooms[index].scattered = before ? before->scattered : 0;
        }
}

bool membership_init(struct membership *membership, const struct layout *layout,
                     struct arena *arena) {
    int64_t clients_count = layout->roster->clients_count;
    *membership = (struct membership){.layout = *layout};
    if ((int64_t)layout->roster->rooms_count * layout->workers_count > MEMBERSHIP_PLACES_MAX)
        return false;
    struct layout *own = &membership->layout;
    own->nodes = copy(arena, layout->nodes, layout->nodes_count, sizeof *own->nodes);
    own->node_of = copy(arena, layout->node_of, clients_count, sizeof *own->node_of);
    own->worker_of = copy(arena, layout->worker_of, clients_count, sizeof *own->worker_of);
    own->working_set =
        copy(arena, layout->working_set, layout->workers_count, sizeof *own->working_set);
    own->client_slots = layout->roster->client_rooms;
    own->members_counts = NULL;
    membership->joined_ns = ARENA_NEW(arena, (size_t)clients_count, base_ns);
    fill_places(membership, layout, arena);
    return true;
}

void membership_fini(struct membership *membership) {
    int64_t count =
        (int64_t)membership->layout.roster->rooms_count * membership->layout.workers_count;
    for (int64_t i = 0; membership->places && i < count; i++) {
        free(membership->places[i].members);
        free(membership->places[i].tracked);
        free(membership->places[i].log);
    }
}

/* --- coming --- */

void membership_join(struct membership *membership, int32_t client, int32_t worker,
                     base_ns now_ns) {
    struct layout *layout = &membership->layout;
    const struct roster *roster = layout->roster;
    membership->joined_ns[client] = now_ns;
    int32_t first = roster->client_first[client], end = roster->client_first[client + 1];
    for (int32_t i = first; i < end; i++) {
        int64_t index = layout->worker_first[worker] + roster->client_rooms[i];
        add_member(membership, index, client);
        struct layout_room *room = &layout->rooms[index]; /* nobody was accepted next to it */
        room->scattered += (1 - room->scattered) / room->members_count;
    }
    layout->working_set[worker] += end > first;
}

/* --- going --- */

static void prune(struct membership_place *place, base_ns now_ns) {
    int32_t kept = 0;
    for (int32_t i = 0; i < place->log_count; i++)
        if (place->log[i].left_ns > now_ns - FLIGHT_MAX_NS)
            place->log[kept++] = place->log[i];
    place->log_count = kept;
}

static void note(struct membership_place *place, struct membership_gone gone) {
    if (place->log_count == place->log_max)
        prune(place, gone.left_ns);
    if (2 * place->log_count >= place->log_max)
        place->log = grown(place->log, &place->log_max, sizeof *place->log);
    place->log[place->log_count++] = gone;
}

static void remove_tracked(struct layout_room *room, struct membership_place *place,
                           int32_t position) {
    int32_t kept = 0;
    for (int32_t i = 0; i < room->tracked_count; i++) {
        struct layout_tracked tracked = place->tracked[i];
        if (tracked.position == position)
            continue;
        tracked.position -= tracked.position > position;
        place->tracked[kept++] = tracked;
    }
    room->tracked_count = kept;
}

static void remove_member(struct layout_room *room, struct membership_place *place,
                          int32_t client) {
    int32_t position = 0;
    while (place->members[position] != client)
        position++;
    room->members_count--;
    memmove(&place->members[position], &place->members[position + 1],
            (size_t)(room->members_count - position) * sizeof *place->members);
    if (room->tracked_count > 0)
        remove_tracked(room, place, position);
}

void membership_leave(struct membership *membership, int32_t client, base_ns now_ns,
                      enum membership_cause cause) {
    struct layout *layout = &membership->layout;
    const struct roster *roster = layout->roster;
    int32_t worker = layout->worker_of[client];
    int32_t first = roster->client_first[client], end = roster->client_first[client + 1];
    for (int32_t i = first; i < end; i++) {
        int64_t index = layout->worker_first[worker] + roster->client_rooms[i];
        remove_member(&layout->rooms[index], &membership->places[index], client);
        note(&membership->places[index],
             (struct membership_gone){membership->joined_ns[client], now_ns, cause});
    }
    layout->working_set[worker] -= end > first;
}

/* --- who was there --- */

int32_t membership_heard(const struct membership *membership, int32_t worker, int32_t slot,
                         base_ns due_ns) {
    const struct layout_room *room = layout_room(&membership->layout, worker, slot);
    int32_t heard = room->members_count;
    while (heard > 0 && membership->joined_ns[room->members[heard - 1]] > due_ns)
        heard--;
    return heard;
}

void membership_gone(const struct membership *membership, int32_t worker, int32_t slot,
                     base_ns due_ns, int64_t gone[MEMBERSHIP_CAUSES]) {
    const struct membership_place *place =
        &membership->places[membership->layout.worker_first[worker] + slot];
    for (int32_t i = place->log_count; i > 0 && place->log[i - 1].left_ns > due_ns; i--)
        gone[place->log[i - 1].cause] += place->log[i - 1].joined_ns <= due_ns;
}
