/* What is so, against what the members of each room on each node have been told.
 *
 * So is that somebody is there who wants to be and has a connection that works. Told is a node's
 * members together: who comes is told the list, which they have heard or are about to.
 * A view is wrong while there is a key of which truth and told differ; of counts, while the two
 * numbers differ. Every flip of either changes the number of wrong keys by one, so nothing is ever
 * compared whole. */
#include "models/cluster/attendance_state.h"

#include "models/cluster/churn.h"
#include "sim/base/check.h"

#include <stdlib.h>

struct attendance_view *attendance_view_of(const struct attendance *attendance, int32_t node,
                                           int32_t room) {
    const struct layout *layout = attendance->cluster->layout;
    if (attendance->cluster->churn) /* every worker has a place for every room */
        return &attendance->views[layout->room_first[room] + layout->nodes[node].workers_first];
    for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++)
        if (layout->worker_node[layout->room_at[i].worker] == node)
            return &attendance->views[i];
    return NULL;
}

struct attendance_member *attendance_member(const struct attendance *attendance, int32_t client,
                                            int32_t room) {
    const struct roster *roster = attendance->cluster->layout->roster;
    int32_t i = roster->client_first[client];
    while (roster->client_rooms[i] != room)
        CHECK(++i < roster->client_first[client + 1]);
    return &attendance->members[i];
}

void attendance_truth_init(struct attendance *attendance) {
    const struct layout *layout = attendance->cluster->layout;
    const struct roster *roster = layout->roster;
    struct arena *arena = &attendance->cluster->run->arena;
    attendance->views =
        ARENA_NEW(arena, (size_t)layout->room_first[roster->rooms_count], struct attendance_view);
    attendance->members =
        ARENA_NEW(arena, (size_t)roster->memberships_count, struct attendance_member);
    attendance->is_reachable = ARENA_NEW(arena, (size_t)roster->clients_count, bool);
    attendance->true_count = ARENA_NEW(arena, (size_t)roster->rooms_count, int32_t);
}

static void end_period(struct attendance *attendance, const struct attendance_view *view,
                       base_ns now_ns) {
    const struct cluster *cluster = attendance->cluster;
    base_ns within_ns = cluster_within_window(cluster, view->stale_since_ns, now_ns);
    attendance->counts.stale_ns += within_ns;
    attendance->counts.stale_periods += within_ns > 0;
}

static void look(struct attendance *attendance, struct attendance_view *view, int32_t room,
                 base_ns now_ns) {
    bool is_wrong = attendance->spec->mode == SPEC_PRESENCE_COUNTS
                        ? view->told_count != attendance->true_count[room]
                        : view->wrong_count > 0;
    bool is_stale = is_wrong && view->members_count > 0;
    if (is_stale == view->is_stale)
        return;
    if (view->is_stale)
        end_period(attendance, view, now_ns);
    view->is_stale = is_stale;
    view->stale_since_ns = now_ns;
}

static void start_view(struct attendance *attendance, struct attendance_node *node, int32_t room) {
    struct attendance_view *view = attendance_view_of(attendance, node->index, room);
    char name[ROSTER_ROOM_NAME_BYTES];
    const struct presence_room *known =
        presence_room_find(&node->replica.state, attendance_room_name(room, name));
    if (view == NULL)
        return;
    view->told_count = known ? known->present_count : 0;
    view->wrong_count = attendance->true_count[room] - view->told_count;
    look(attendance, view, room, 0);
}

void attendance_truth_start(struct attendance *attendance) {
    const struct layout *layout = attendance->cluster->layout;
    for (int32_t room = 0; room < layout->roster->rooms_count; room++)
        for (int32_t node = 0; node < layout->nodes_count; node++)
            if (presence_has_room(layout->scenario, layout->roster, room))
                start_view(attendance, &attendance->nodes[node], room);
}

void attendance_truth_changed(struct attendance *attendance, int32_t client, int32_t room,
                              bool is_present, base_ns now_ns) {
    const struct cluster *cluster = attendance->cluster;
    struct attendance_member *member = attendance_member(attendance, client, room);
    if (member->is_true == is_present)
        return;
    member->is_true = is_present;
    attendance->true_count[room] += is_present ? 1 : -1;
    attendance->counts.changes += cluster_within_window(cluster, now_ns, now_ns + 1) > 0;
    char key[PRESENCE_KEY_BYTES + 1], name[ROSTER_ROOM_NAME_BYTES];
    presence_client_key(client, key);
    struct presence_text room_name = attendance_room_name(room, name);
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++) {
        struct attendance_view *view = attendance_view_of(attendance, i, room);
        if (view == NULL)
            continue;
        bool is_told =
            presence_is_told(&attendance->nodes[i].replica.state, room_name,
                             (struct presence_text){.bytes = key, .length = PRESENCE_KEY_BYTES});
        view->wrong_count += is_told == is_present ? -1 : 1;
        look(attendance, view, room, now_ns);
    }
}

void attendance_truth_told(struct attendance_node *node, int32_t room,
                           const struct presence_room *told, const struct presence_key *taken,
                           base_ns now_ns) {
    struct attendance *attendance = node->attendance;
    struct attendance_view *view = attendance_view_of(attendance, node->index, room);
    for (const struct presence_key *key = taken; key != NULL; key = key->next_changed) {
        bool is_present = presence_key_is_present(key);
        if (is_present == key->is_told)
            continue;
        char name[PRESENCE_KEY_BYTES + 1] = {0};
        for (int i = 0; i < PRESENCE_KEY_BYTES; i++)
            name[i] = key->bytes[i];
        int32_t client = (int32_t)strtoul(name, NULL, 16);
        bool truth = attendance_member(attendance, client, room)->is_true;
        if (view != NULL)
            view->wrong_count += is_present == truth ? -1 : 1;
    }
    if (view == NULL)
        return;
    view->told_count = told->present_count;
    look(attendance, view, room, now_ns);
}

static void end_watch(struct attendance *attendance, const struct attendance_view *view,
                      base_ns now_ns) {
    attendance->counts.watched_ns +=
        cluster_within_window(attendance->cluster, view->watched_since_ns, now_ns);
}

void attendance_truth_watched(struct attendance *attendance, int32_t node, int32_t room, int32_t by,
                              base_ns now_ns) {
    struct attendance_view *view = attendance_view_of(attendance, node, room);
    if (view->members_count == 0)
        view->watched_since_ns = now_ns;
    view->members_count += by;
    if (view->members_count == 0)
        end_watch(attendance, view, now_ns);
    look(attendance, view, room, now_ns);
}

void attendance_truth_forgotten(struct attendance *attendance, int32_t node) {
    for (int32_t room = 0; room < attendance->cluster->layout->roster->rooms_count; room++) {
        struct attendance_view *view = attendance_view_of(attendance, node, room);
        CHECK(view->members_count == 0);
        view->wrong_count = attendance->true_count[room];
        view->told_count = 0;
    }
}

void attendance_truth_finish(struct attendance *attendance, base_ns now_ns) {
    const struct layout *layout = attendance->cluster->layout;
    for (int64_t i = 0; i < layout->room_first[layout->roster->rooms_count]; i++) {
        const struct attendance_view *view = &attendance->views[i];
        if (view->members_count > 0)
            end_watch(attendance, view, now_ns);
        if (view->is_stale)
            end_period(attendance, view, now_ns);
    }
}
