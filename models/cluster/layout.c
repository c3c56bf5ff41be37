/* Two passes over the memberships, whatever the number of workers: one counts, one fills. */
#include "models/cluster/layout.h"

#include "models/cluster/limits.h"
#include "models/cluster/memory.h"
#include "models/workload/balancer.h"
#include "models/workload/sessions.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>

/* --- nodes and workers --- */

static void number_nodes(struct layout *layout, struct arena *arena) {
    const struct spec_scenario *scenario = layout->scenario;
    int64_t nodes_count = 0, workers_count = 0;
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++) {
        nodes_count += scenario->nodes[kind].count;
        workers_count += scenario->nodes[kind].count * scenario->nodes[kind].workers;
    }
    CHECK(nodes_count <= INT32_MAX && workers_count <= INT32_MAX);
    layout->nodes = ARENA_NEW(arena, (size_t)nodes_count, struct layout_node);
    layout->worker_node = ARENA_NEW(arena, (size_t)workers_count, int32_t);
    for (int32_t kind = 0; kind < scenario->nodes_count; kind++) {
        const struct spec_node *spec = &scenario->nodes[kind];
        for (int64_t i = 0; i < spec->count; i++) {
            struct layout_node *node = &layout->nodes[layout->nodes_count];
            *node = (struct layout_node){
                .spec = spec,
                .entity = (uint64_t)kind << 32 | (uint64_t)i,
                .name = spec->count > 1
                            ? arena_new_format(arena, "%s-%lld", spec->name, (long long)i + 1)
                            : spec->name,
                .workers_first = layout->workers_count,
                .workers_count = (int32_t)spec->workers};
            for (int32_t worker = 0; worker < node->workers_count; worker++)
                layout->worker_node[layout->workers_count++] = layout->nodes_count;
            layout->nodes_count++;
        }
    }
}

/* `accepted` gets each client's place in the order in which its worker accepted. */
static void deal_clients(struct layout *layout, int32_t *accepted, struct arena *arena) {
    int32_t clients_count = layout->roster->clients_count;
    layout->node_of = ARENA_NEW(arena, (size_t)clients_count, int32_t);
    layout->worker_of = ARENA_NEW(arena, (size_t)clients_count, int32_t);
    balancer_deal(layout->roster, layout->seed, layout->node_of);
    for (int32_t client = 0; client < clients_count; client++) {
        layout->worker_of[client] = -1;
        if (layout->node_of[client] < 0)
            continue;
        struct layout_node *node = &layout->nodes[layout->node_of[client]];
        int64_t most = limits_connections_max(layout->scenario, node->spec);
        if (node->connections_count >= most) {
            node->refused_count++;
            layout->refused_count++;
            continue;
        }
        int32_t place = (int32_t)node->connections_count++;
        layout->worker_of[client] = node->workers_first + roster_worker(place, node->workers_count);
        accepted[client] = place / node->workers_count;
        node->subscription_bytes += memory_subscriptions(layout->roster, node->spec, client);
        layout->connections_count++;
    }
}

static void find_consumers(struct layout *layout, struct arena *arena) {
    int32_t clients_count = layout->roster->clients_count;
    layout->consumer_of = ARENA_NEW(arena, (size_t)clients_count, int32_t);
    int32_t found = 0;
    for (int32_t client = 0; client < clients_count; client++) {
        struct receiver receiver = receiver_of(layout->roster, client, layout->seed);
        bool reads_at_once =
            isinf(receiver.bytes_per_s) && !receiver_stalls(&receiver) &&
            sessions_breaks_after(layout->roster, layout->seed, client, false) == BASE_NS_MAX;
        layout->consumer_of[client] = reads_at_once ? -1 : found++;
    }
    layout->consumers_count = found;
    layout->consumer_clients = ARENA_NEW(arena, (size_t)found, int32_t);
    for (int32_t client = 0; client < clients_count; client++)
        if (layout->consumer_of[client] >= 0)
            layout->consumer_clients[layout->consumer_of[client]] = client;
}

static void count_working_sets(struct layout *layout, struct arena *arena) {
    const struct roster *roster = layout->roster;
    layout->working_set = ARENA_NEW(arena, (size_t)layout->workers_count, double);
    for (int32_t client = 0; client < roster->clients_count; client++)
        if (layout->worker_of[client] >= 0)
            layout->working_set[layout->worker_of[client]] +=
                roster->client_first[client + 1] > roster->client_first[client];
}

static bool all_in_one_room_at_most(const struct roster *roster) {
    for (int32_t client = 0; client < roster->clients_count; client++)
        if (roster->client_first[client + 1] - roster->client_first[client] > 1)
            return false;
    return true;
}

/* --- rooms --- */

struct room_workers { /* of one room at a time */
    int32_t *workers; /* that have members of it, ascending */
    int32_t workers_count;
    int32_t *counts; /* by worker: its members; all 0 between two rooms */
};

static int compare_workers(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static const int32_t *members_of(const struct roster *roster, int32_t room, int32_t *count) {
    *count = roster->rooms[room].members_count;
    return roster->members + roster->rooms[room].members_first;
}

/* Returns the number of members that are connected. */
static int32_t find_workers(const struct layout *layout, int32_t room, struct room_workers *found) {
    int32_t count;
    const int32_t *members = members_of(layout->roster, room, &count);
    for (int32_t i = 0; i < found->workers_count; i++)
        found->counts[found->workers[i]] = 0;
    found->workers_count = 0;
    int32_t connected = 0;
    for (int32_t i = 0; i < count; i++) {
        int32_t worker = layout->worker_of[members[i]];
        connected += worker >= 0;
        if (worker >= 0 && found->counts[worker]++ == 0)
            found->workers[found->workers_count++] = worker;
    }
    qsort(found->workers, (size_t)found->workers_count, sizeof *found->workers, compare_workers);
    return connected;
}

static void count_rooms(struct layout *layout, struct room_workers *found, struct arena *arena) {
    int32_t rooms_count = layout->roster->rooms_count;
    layout->worker_first = ARENA_NEW(arena, (size_t)layout->workers_count + 1, int64_t);
    layout->room_first = ARENA_NEW(arena, (size_t)rooms_count + 1, int64_t);
    layout->members_counts = ARENA_NEW(arena, (size_t)rooms_count, int32_t);
    for (int32_t room = 0; room < rooms_count; room++) {
        layout->members_counts[room] = find_workers(layout, room, found);
        layout->room_first[room + 1] = layout->room_first[room] + found->workers_count;
        for (int32_t i = 0; i < found->workers_count; i++)
            layout->worker_first[found->workers[i] + 1]++;
    }
    for (int32_t worker = 0; worker < layout->workers_count; worker++)
        layout->worker_first[worker + 1] += layout->worker_first[worker];
}

static void list_tracked(const struct layout *layout, struct layout_room *room,
                         struct arena *arena) {
    int32_t count = 0;
    for (int32_t i = 0; i < room->members_count; i++)
        count += layout->consumer_of[room->members[i]] >= 0;
    struct layout_tracked *tracked = ARENA_NEW(arena, (size_t)count, struct layout_tracked);
    for (int32_t i = 0; i < room->members_count; i++) {
        int32_t consumer = layout->consumer_of[room->members[i]];
        if (consumer >= 0)
            tracked[room->tracked_count++] = (struct layout_tracked){i, consumer};
    }
    room->tracked = tracked;
}

struct filling {
    int32_t *accepted;     /* by client */
    int32_t *slots_filled; /* by worker */
    int32_t *rooms_filled; /* by client: of its client_slots */
    int32_t *members;      /* a list per worker that has members of the room, one after the other */
    int32_t *places;       /* in the worker's order of accepting, of one list */
    int32_t **ends;        /* by worker: where its list goes on */
    int32_t *client_slots;
};

/* The lists of one room: split by worker, each in the order in which its members joined. */
static void split_members(struct layout *layout, int32_t room, const struct room_workers *found,
                          struct filling *filling) {
    int32_t count;
    const int32_t *members = members_of(layout->roster, room, &count);
    for (int32_t i = 0; i < found->workers_count; i++) {
        int32_t worker = found->workers[i], slot = filling->slots_filled[worker]++;
        struct layout_room *view = &layout->rooms[layout->worker_first[worker] + slot];
        *view = (struct layout_room){
            .members = filling->members, .members_count = found->counts[worker], .room = room};
        layout->room_at[layout->room_first[room] + i] = (struct layout_place){worker, slot};
        filling->ends[worker] = filling->members;
        filling->members += found->counts[worker];
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t client = members[i], worker = layout->worker_of[client];
        int32_t index = layout->roster->client_first[client] + filling->rooms_filled[client]++;
        if (worker < 0)
            continue;
        *filling->ends[worker]++ = client;
        filling->client_slots[index] = filling->slots_filled[worker] - 1;
    }
}

static void describe_rooms(struct layout *layout, int32_t room, const struct filling *filling,
                           struct arena *arena) {
    for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++) {
        struct layout_place at = layout->room_at[i];
        struct layout_room *view = &layout->rooms[layout->worker_first[at.worker] + at.slot];
        for (int32_t k = 0; k < view->members_count; k++)
            filling->places[k] = filling->accepted[view->members[k]];
        view->scattered = roster_scattered(filling->places, view->members_count, 1);
        list_tracked(layout, view, arena);
    }
}

static void fill_rooms(struct layout *layout, struct room_workers *found, int32_t *accepted,
                       struct arena *scratch, struct arena *arena) {
    const struct roster *roster = layout->roster;
    size_t memberships = (size_t)roster->memberships_count;
    struct filling filling = {
        .accepted = accepted,
        .slots_filled = ARENA_NEW(scratch, (size_t)layout->workers_count, int32_t),
        .rooms_filled = ARENA_NEW(scratch, (size_t)roster->clients_count, int32_t),
        .members = ARENA_NEW(arena, memberships, int32_t),
        .places = ARENA_NEW(scratch, (size_t)roster->clients_count, int32_t),
        .ends = ARENA_NEW(scratch, (size_t)layout->workers_count, int32_t *),
        .client_slots = ARENA_NEW(arena, memberships, int32_t)};
    layout->client_slots = filling.client_slots;
    layout->room_at =
        ARENA_NEW(arena, (size_t)layout->room_first[roster->rooms_count], struct layout_place);
    layout->rooms =
        ARENA_NEW(arena, (size_t)layout->worker_first[layout->workers_count], struct layout_room);
    for (int32_t room = 0; room < roster->rooms_count; room++) {
        find_workers(layout, room, found);
        split_members(layout, room, found, &filling);
        describe_rooms(layout, room, &filling, arena);
    }
}

int64_t layout_members_elsewhere(const struct layout *layout, int32_t node, int32_t room) {
    int64_t count = 0;
    for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++) {
        struct layout_place at = layout->room_at[i];
        if (layout->worker_node[at.worker] != node)
            count += layout_room(layout, at.worker, at.slot)->members_count;
    }
    return count;
}

/* Into room_at[]: the first place of the room on `worker` or one after it. Where the room has
 * members on all workers, which is common with few of them, no search is needed. */
static int64_t place_from(const struct layout *layout, int32_t room, int32_t worker) {
    int64_t low = layout->room_first[room], high = layout->room_first[room + 1];
    if (worker < high - low && layout->room_at[low + worker].worker == worker)
        return low + worker;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (layout->room_at[middle].worker < worker)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t layout_slot(const struct layout *layout, int32_t worker, int32_t room) {
    int64_t place = place_from(layout, room, worker);
    bool is_there = place < layout->room_first[room + 1] && layout->room_at[place].worker == worker;
    return is_there ? layout->room_at[place].slot : -1;
}

struct layout_places layout_places(const struct layout *layout, int32_t node, int32_t room) {
    const struct layout_node *place = &layout->nodes[node];
    struct layout_places places;
    places.first = place_from(layout, room, place->workers_first);
    places.end = place_from(layout, room, place->workers_first + place->workers_count);
    return places;
}

void layout_init(struct layout *layout, const struct roster *roster, uint64_t seed,
                 struct arena *arena) {
    *layout = (struct layout){.scenario = roster->scenario,
                              .roster = roster,
                              .seed = seed,
                              .has_single_rooms = all_in_one_room_at_most(roster)};
    struct arena scratch;
    arena_init(&scratch);
    int32_t *accepted = ARENA_NEW(&scratch, (size_t)roster->clients_count, int32_t);
    number_nodes(layout, arena);
    deal_clients(layout, accepted, arena);
    find_consumers(layout, arena);
    count_working_sets(layout, arena);
    struct room_workers found = {
        .workers = ARENA_NEW(&scratch, (size_t)layout->workers_count, int32_t),
        .counts = ARENA_NEW(&scratch, (size_t)layout->workers_count, int32_t)};
    count_rooms(layout, &found, arena);
    fill_rooms(layout, &found, accepted, &scratch, arena);
    arena_fini(&scratch);
}
