/* One pass over the memberships per worker; with one worker and nobody refused the members are the
 * roster's own list. */
#include "models/cluster/layout.h"

#include "models/workload/admission.h"
#include "sim/base/check.h"

#include <math.h>

static void find_consumers(struct layout *layout, struct arena *arena) {
    int32_t clients_count = layout->roster->clients_count;
    layout->consumer_of = ARENA_NEW(arena, (size_t)clients_count, int32_t);
    int32_t found = 0;
    for (int32_t client = 0; client < clients_count; client++) {
        struct receiver receiver = receiver_of(layout->roster, client, layout->seed);
        bool reads_at_once = isinf(receiver.bytes_per_s) && receiver.stall_first_ns == BASE_NS_MAX;
        layout->consumer_of[client] = reads_at_once ? -1 : found++;
    }
    layout->consumers_count = found;
    layout->consumer_clients = ARENA_NEW(arena, (size_t)found, int32_t);
    for (int32_t client = 0; client < clients_count; client++)
        if (layout->consumer_of[client] >= 0)
            layout->consumer_clients[layout->consumer_of[client]] = client;
}

static bool is_ours(const struct layout *layout, int32_t worker, int32_t client) {
    return client < layout->connections_count &&
           roster_worker(client, layout->workers_count) == worker;
}

static void list_members(const struct layout *layout, int32_t worker,
                         const struct roster_room *from, struct layout_room *room,
                         struct arena *arena) {
    const int32_t *all = layout->roster->members + from->members_first;
    if (layout->workers_count == 1 && layout->refused_count == 0) {
        room->members = all;
        room->members_count = from->members_count;
        return;
    }
    int32_t *members = ARENA_NEW(arena, (size_t)from->members_count, int32_t);
    for (int32_t i = 0; i < from->members_count; i++)
        if (is_ours(layout, worker, all[i]))
            members[room->members_count++] = all[i];
    room->members = members;
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

static double count_working_set(const struct layout *layout, int32_t worker) {
    int64_t count = 0;
    for (int32_t client = 0; client < layout->roster->clients_count; client++)
        if (is_ours(layout, worker, client))
            count +=
                layout->roster->client_first[client + 1] > layout->roster->client_first[client];
    return (double)count;
}

static bool all_in_one_room_at_most(const struct roster *roster) {
    for (int32_t client = 0; client < roster->clients_count; client++)
        if (roster->client_first[client + 1] - roster->client_first[client] > 1)
            return false;
    return true;
}

void layout_init(struct layout *layout, const struct roster *roster, uint64_t seed,
                 struct arena *arena) {
    const struct spec_node *node = &roster->scenario->nodes[0];
    *layout = (struct layout){.scenario = roster->scenario,
                              .node = node,
                              .roster = roster,
                              .seed = seed,
                              .workers_count = (int32_t)node->workers,
                              .has_single_rooms = all_in_one_room_at_most(roster)};
    int64_t most = admission_connections_max(node->open_files, node->workers);
    layout->connections_count = roster->clients_count < most ? roster->clients_count : most;
    layout->refused_count = roster->clients_count - layout->connections_count;
    find_consumers(layout, arena);
    layout->rooms = ARENA_NEW(arena, (size_t)layout->workers_count * (size_t)roster->rooms_count,
                              struct layout_room);
    layout->working_set = ARENA_NEW(arena, (size_t)layout->workers_count, double);
    for (int32_t worker = 0; worker < layout->workers_count; worker++) {
        layout->working_set[worker] = count_working_set(layout, worker);
        for (int32_t room = 0; room < roster->rooms_count; room++) {
            struct layout_room *view = &layout->rooms[(int64_t)worker * roster->rooms_count + room];
            list_members(layout, worker, &roster->rooms[room], view, arena);
            view->scattered =
                roster_scattered(view->members, view->members_count, layout->workers_count);
            list_tracked(layout, view, arena);
        }
    }
}
