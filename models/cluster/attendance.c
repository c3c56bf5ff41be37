/* Members and what they are told.
 *
 * A change opens a window for its room on every node that hears of it, and when the window is over
 * the workers with members get one notice each, which they write like a publish that is due to
 * nobody. Building a notice costs by its entries, once per node. */
#include "models/cluster/attendance_state.h"

#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct presence_text attendance_room_name(int32_t room, char name[ROSTER_ROOM_NAME_BYTES]) {
    roster_room_name(room, name);
    return (struct presence_text){name, strlen(name)};
}

static int32_t room_number(const struct presence_room *room) {
    char digits[ROSTER_ROOM_NAME_BYTES] = {0};
    memcpy(digits, room->bytes + 1, room->length - 1U); /* "r17" */
    return (int32_t)strtol(digits, NULL, 10);
}

static void changed(void *target, struct presence_room *room) {
    struct attendance_node *node = target;
    if (node->changed_count == node->changed_max) {
        node->changed_max = node->changed_max > 0 ? 2 * node->changed_max : 16;
        node->changed = realloc(node->changed, (size_t)node->changed_max * sizeof *node->changed);
        CHECK(node->changed != NULL && node->changed_max > 0);
    }
    node->changed[node->changed_count++] = room_number(room);
}

void attendance_apply(struct attendance_node *node, int32_t client, int32_t room,
                      enum presence_act act) {
    char shown[PRESENCE_STATE_MAX];
    memset(shown, '.', sizeof shown);
    char key[PRESENCE_KEY_BYTES + 1], name[ROSTER_ROOM_NAME_BYTES];
    presence_client_key(client, key);
    struct presence_text key_text = {key, PRESENCE_KEY_BYTES};
    struct presence_text room_name = attendance_room_name(room, name);
    struct presence_text state = {shown, (size_t)node->attendance->spec->state};
    if (act == PRESENCE_ENTER)
        presence_enter(&node->replica.state, room_name, key_text, state);
    else
        (void)presence_exit(&node->replica.state, room_name, key_text);
}

/* --- notices --- */

static void handed_over(void *target, uint64_t inbound, base_ns now_ns) {
    (void)now_ns;
    const struct node_worker *worker = target;
    if (worker->node->is_dead)
        worker_free_inbound(worker->cluster, (int32_t)inbound);
    else
        worker_make_ready(target, (struct node_ready){NODE_READY_HANDED_OVER, (int32_t)inbound});
}

/* The entries are paid for by the first of the node's workers that has members. */
static void post_notice(struct attendance_node *node, int32_t room, int64_t bytes, int64_t entries,
                        base_ns now_ns) {
    struct cluster *cluster = node->attendance->cluster;
    const struct layout *layout = cluster->layout;
    for (int64_t i = layout->room_first[room]; i < layout->room_first[room + 1]; i++) {
        int32_t worker = layout->room_at[i].worker;
        if (layout->worker_node[worker] != node->index ||
            layout_room(layout, worker, layout->room_at[i].slot)->members_count == 0)
            continue;
        struct node_inbound notice = {.kind = NODE_NOTICE,
                                      .due_ns = TALLY_UNCOUNTED,
                                      .room = room,
                                      .origin = node->index,
                                      .bytes = (int32_t)bytes,
                                      .number = (uint32_t)entries};
        run_at(cluster->run, now_ns, handed_over, &cluster->workers[worker],
               (uint64_t)worker_new_inbound(cluster, notice));
        entries = 0;
    }
}

static int64_t entries_of(enum spec_presence_mode mode, const struct presence_room *room,
                          const struct presence_key *taken) {
    int64_t count = mode == SPEC_PRESENCE_FULL ? room->present_count : 0;
    for (; taken != NULL && mode != SPEC_PRESENCE_FULL; taken = taken->next_changed)
        count++;
    return count;
}

static void tell(struct attendance_node *node, int32_t number, base_ns now_ns) {
    struct attendance *attendance = node->attendance;
    enum spec_presence_mode mode = attendance->spec->mode;
    char name[ROSTER_ROOM_NAME_BYTES];
    struct presence_room *room =
        presence_room_find(&node->replica.state, attendance_room_name(number, name));
    CHECK(room != NULL && room->changed != NULL);
    struct presence_key *taken = presence_room_take(room);
    int64_t bytes = presence_notice(mode, room, taken, NULL);
    if (bytes > 0)
        post_notice(node, number, bytes, entries_of(mode, room, taken), now_ns);
    attendance_truth_told(node, number, room, taken, now_ns);
    presence_room_told(&node->replica.state, room, taken);
}

static void window_over(void *target, uint64_t what, base_ns now_ns) {
    struct attendance_node *node = target;
    if (node->life == what >> 32)
        tell(node, (int32_t)(uint32_t)what, now_ns);
}

void attendance_settle(struct attendance_node *node, base_ns now_ns) {
    const struct spec_presence *spec = node->attendance->spec;
    base_ns window_ns = spec->mode == SPEC_PRESENCE_EXACT ? 0 : spec->debounce;
    for (int32_t i = 0; i < node->changed_count; i++) {
        int32_t room = node->changed[i];
        if (window_ns == 0 || attendance_view_of(node->attendance, node->index, room) == NULL)
            tell(node, room, now_ns);
        else
            run_at(node->attendance->cluster->run, now_ns + window_ns, window_over, node,
                   (uint64_t)node->life << 32 | (uint32_t)room);
    }
    node->changed_count = 0;
}

static base_ns entries_ns(const struct node_worker *worker, int64_t entries) {
    return llround(worker->costs.raw.value[COST_presence_entry] * (double)entries);
}

static void count_messages(struct attendance *attendance, int64_t messages, int64_t payload_bytes,
                           base_ns now_ns) {
    if (cluster_within_window(attendance->cluster, now_ns, now_ns + 1) == 0)
        return;
    attendance->counts.messages += messages;
    attendance->counts.bytes += messages * protocol_outbound_bytes(payload_bytes);
}

void attendance_notice(struct node_worker *worker, const struct node_inbound *notice,
                       base_ns *now_ns) {
    const struct layout *layout = worker->cluster->layout;
    int32_t slot = layout_slot(layout, worker->index, notice->room);
    *now_ns += entries_ns(worker, notice->number);
    count_messages(worker->cluster->attendance,
                   layout_room(layout, worker->index, slot)->members_count, notice->bytes, *now_ns);
}

/* --- what clients say --- */

/* One write, to one socket that is as cold as can be. */
static void answer_list(struct node_worker *worker, const struct attendance_node *node,
                        int32_t room, base_ns *now_ns) {
    const struct attendance *attendance = node->attendance;
    char name[ROSTER_ROOM_NAME_BYTES];
    struct presence_text room_name = attendance_room_name(room, name);
    const struct presence_room *found = presence_room_find(&node->replica.state, room_name);
    int64_t payload_bytes = presence_notice_all(attendance->spec->mode, room_name, found, NULL);
    int64_t bytes = protocol_outbound_bytes(payload_bytes);
    if (attendance->spec->mode != SPEC_PRESENCE_COUNTS && found != NULL)
        *now_ns += entries_ns(worker, found->present_count);
    *now_ns += costs_write(
        &worker->costs,
        &(struct costs_write){.frames = 1,
                              .bytes = bytes,
                              .working_set = worker->cluster->layout->working_set[worker->index],
                              .scattered = 1});
    worker->sockets_written++;
    worker->turn.touched++;
    worker->turn.frames++;
    worker_count_writes(worker, *now_ns, 1, bytes);
    count_messages(node->attendance, 1, payload_bytes, *now_ns);
}

void attendance_obey(struct node_worker *worker, int32_t client, const struct node_inbound *inbound,
                     base_ns *now_ns) {
    struct attendance *attendance = worker->cluster->attendance;
    struct attendance_node *node =
        &attendance->nodes[worker->cluster->layout->worker_node[worker->index]];
    enum presence_act act = (enum presence_act)inbound->number;
    if (act == PRESENCE_LIST) {
        answer_list(worker, node, inbound->room, now_ns);
    } else if (attendance->spec->mode == SPEC_PRESENCE_EXACT) {
        attendance_ask(node, client, inbound->room, act, *now_ns);
    } else {
        attendance_apply(node, client, inbound->room, act);
        attendance_settle(node, *now_ns);
    }
}

/* False: it has no connection to say it on. */
static bool say(struct attendance *attendance, int32_t client, int32_t room,
                enum presence_act act) {
    char name[ROSTER_ROOM_NAME_BYTES];
    roster_room_name(room, name);
    struct node_inbound inbound = {
        .kind = NODE_ATTENDANCE,
        .due_ns = TALLY_UNCOUNTED,
        .room = room,
        .origin = -1,
        .left_bytes = (int32_t)presence_said_bytes(act, name, attendance->spec->state),
        .number = (uint32_t)act};
    if (!worker_receive(attendance->cluster, client, inbound))
        return false;
    if (act != PRESENCE_LIST)
        attendance_member(attendance, client, room)->is_entered = act == PRESENCE_ENTER;
    return true;
}

static void carry_out(struct attendance *attendance, const struct presence_event *event) {
    bool is_said = say(attendance, event->client, event->room, event->act);
    if (event->act == PRESENCE_LIST)
        return;
    bool is_wanting = event->act == PRESENCE_ENTER;
    attendance_member(attendance, event->client, event->room)->is_wanting = is_wanting;
    if (is_said && attendance->is_reachable[event->client])
        attendance_truth_changed(attendance, event->client, event->room, is_wanting, event->due_ns);
}

static void wait_for_next(struct attendance *attendance);

static void event_due(void *target, uint64_t unused, base_ns now_ns) {
    (void)unused;
    (void)now_ns;
    struct attendance *attendance = target;
    carry_out(attendance, &attendance->next);
    wait_for_next(attendance);
}

static void wait_for_next(struct attendance *attendance) {
    if (presence_plan_next(&attendance->plan, &attendance->next))
        run_at(attendance->cluster->run, attendance->next.due_ns, event_due, attendance, 0);
}

/* --- connections --- */

/* The client's first membership from index `i` on whose room has presence; where there is none,
 * the end of them. */
static int32_t next_room(const struct cluster *cluster, int32_t client, int32_t i) {
    const struct roster *roster = cluster->layout->roster;
    while (i < roster->client_first[client + 1] &&
           !presence_has_room(roster->scenario, roster, roster->client_rooms[i]))
        i++;
    return i;
}

void attendance_came(struct cluster *cluster, int32_t client) {
    struct attendance *attendance = cluster->attendance;
    if (attendance == NULL)
        return;
    const struct roster *roster = cluster->layout->roster;
    int32_t end = roster->client_first[client + 1];
    for (int32_t i = next_room(cluster, client, roster->client_first[client]); i < end;
         i = next_room(cluster, client, i + 1)) {
        int32_t room = roster->client_rooms[i];
        if (attendance->members[i].is_wanting)
            (void)say(attendance, client, room, PRESENCE_ENTER);
        if (attendance->spec->mode != SPEC_PRESENCE_ON_DEMAND)
            (void)say(attendance, client, room, PRESENCE_LIST);
    }
}

void attendance_reach(struct cluster *cluster, int32_t client, bool is_reachable, base_ns now_ns) {
    struct attendance *attendance = cluster->attendance;
    if (attendance == NULL || attendance->is_reachable[client] == is_reachable)
        return;
    attendance->is_reachable[client] = is_reachable;
    const struct roster *roster = cluster->layout->roster;
    int32_t end = roster->client_first[client + 1], by = is_reachable ? 1 : -1;
    for (int32_t i = next_room(cluster, client, roster->client_first[client]); i < end;
         i = next_room(cluster, client, i + 1)) {
        int32_t room = roster->client_rooms[i];
        attendance_truth_changed(attendance, client, room,
                                 is_reachable && attendance->members[i].is_wanting, now_ns);
        attendance_truth_watched(attendance, cluster->layout->node_of[client], room, by, now_ns);
    }
}

void attendance_left(struct cluster *cluster, int32_t client, base_ns now_ns) {
    struct attendance *attendance = cluster->attendance;
    if (attendance == NULL)
        return;
    attendance_reach(cluster, client, false, now_ns);
    const struct roster *roster = cluster->layout->roster;
    int32_t node_index = cluster->layout->node_of[client];
    struct attendance_node *node = &attendance->nodes[node_index];
    int32_t end = roster->client_first[client + 1];
    for (int32_t i = next_room(cluster, client, roster->client_first[client]); i < end;
         i = next_room(cluster, client, i + 1)) {
        bool was_entered = attendance->members[i].is_entered;
        attendance->members[i].is_entered = false;
        if (!was_entered || cluster->nodes[node_index].is_dead)
            continue;
        if (attendance->spec->mode == SPEC_PRESENCE_EXACT)
            attendance_ask(node, client, roster->client_rooms[i], PRESENCE_EXIT, now_ns);
        else
            attendance_apply(node, client, roster->client_rooms[i], PRESENCE_EXIT);
    }
    if (!cluster->nodes[node_index].is_dead)
        attendance_settle(node, now_ns);
}

static void start_replica(struct attendance_node *node);

void attendance_node_lost(struct cluster *cluster, int32_t node) {
    struct attendance *attendance = cluster->attendance;
    if (attendance == NULL)
        return;
    struct attendance_node *lost = &attendance->nodes[node];
    presence_replica_fini(&lost->replica);
    lost->life++;
    lost->changed_count = 0;
    start_replica(lost);
    attendance_truth_forgotten(attendance, node);
}

/* --- set-up --- */

/* An actor is one life of one node. */
static void start_replica(struct attendance_node *node) {
    const struct spec_presence *spec = node->attendance->spec;
    struct presence_timing timing = {
        .broadcast_ns = spec->broadcast,
        .silent_periods = spec->silent_periods,
        .down_ns = spec->down == SPEC_AUTO ? presence_down_ns(spec->broadcast, spec->silent_periods)
                                           : spec->down,
        .permdown_ns = spec->permdown};
    presence_replica_init(
        &node->replica, &timing,
        &(struct presence_options){.self = (uint64_t)node->life << 32 | (uint64_t)(node->index + 1),
                                   .on_change = changed,
                                   .target = node});
}

static void init_replicas(struct attendance *attendance) {
    struct cluster *cluster = attendance->cluster;
    attendance->nodes = ARENA_NEW(&cluster->run->arena, (size_t)cluster->layout->nodes_count,
                                  struct attendance_node);
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++) {
        attendance->nodes[i] = (struct attendance_node){.attendance = attendance, .index = i};
        start_replica(&attendance->nodes[i]);
    }
}

static void enter_first(struct attendance *attendance, int32_t client, int32_t room) {
    const struct layout *layout = attendance->cluster->layout;
    struct attendance_member *member = attendance_member(attendance, client, room);
    *member = (struct attendance_member){.is_wanting = true, .is_entered = true, .is_true = true};
    attendance->true_count[room]++;
    for (int32_t node = 0; node < layout->nodes_count; node++)
        if (attendance->spec->mode == SPEC_PRESENCE_EXACT || node == layout->node_of[client])
            attendance_apply(&attendance->nodes[node], client, room, PRESENCE_ENTER);
    attendance_truth_watched(attendance, layout->node_of[client], room, 1, 0);
}

/* Whoever is connected is there and everybody knows: a client's node says so, and exact, every
 * node. The others want to be there. */
static void enter_all(struct attendance *attendance) {
    const struct cluster *cluster = attendance->cluster;
    const struct roster *roster = cluster->layout->roster;
    for (int32_t client = 0; client < roster->clients_count; client++) {
        bool is_connected = cluster->layout->worker_of[client] >= 0;
        attendance->is_reachable[client] = is_connected;
        for (int32_t i = next_room(cluster, client, roster->client_first[client]);
             i < roster->client_first[client + 1]; i = next_room(cluster, client, i + 1)) {
            attendance->members[i].is_wanting = true;
            if (is_connected)
                enter_first(attendance, client, roster->client_rooms[i]);
        }
    }
}

static void tell_all(struct attendance *attendance) {
    for (int32_t i = 0; i < attendance->cluster->layout->nodes_count; i++) {
        struct attendance_node *node = &attendance->nodes[i];
        struct presence_state *state = &node->replica.state;
        for (int32_t k = 0; k < node->changed_count; k++) {
            char name[ROSTER_ROOM_NAME_BYTES];
            struct presence_room *room =
                presence_room_find(state, attendance_room_name(node->changed[k], name));
            presence_room_told(state, room, presence_room_take(room));
        }
        node->changed_count = 0;
    }
}

void attendance_init(struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    if (!layout->scenario->has_presence)
        return;
    struct attendance *attendance = ARENA_NEW(&cluster->run->arena, 1, struct attendance);
    *attendance = (struct attendance){
        .cluster = cluster, .spec = &layout->scenario->presence, .letters_free = -1};
    cluster->attendance = attendance;
    presence_plan_init(&attendance->plan, layout->roster, cluster->plan.seed,
                       cluster->tally.horizon_ns);
    attendance_truth_init(attendance);
    init_replicas(attendance);
    enter_all(attendance);
    attendance_nodes_init(attendance);
    tell_all(attendance);
    attendance_truth_start(attendance);
    wait_for_next(attendance);
}

void attendance_fini(struct cluster *cluster) {
    struct attendance *attendance = cluster->attendance;
    if (attendance == NULL)
        return;
    attendance_nodes_fini(attendance);
    for (int32_t i = 0; i < cluster->layout->nodes_count; i++) {
        presence_replica_fini(&attendance->nodes[i].replica);
        free(attendance->nodes[i].changed);
    }
    presence_plan_fini(&attendance->plan);
}

void attendance_report(struct cluster *cluster, struct outcome *outcome) {
    struct attendance *attendance = cluster->attendance;
    if (attendance == NULL)
        return;
    attendance_truth_finish(attendance, cluster->run->now_ns);
    const struct attendance_counts *counts = &attendance->counts;
    double *metric = outcome->metric;
    double window_s = base_seconds(cluster->window_end_ns - cluster->window_start_ns);
    metric[OUTCOME_presence_changes_per_s] = (double)counts->changes / window_s;
    metric[OUTCOME_presence_messages_per_s] = (double)counts->messages / window_s;
    metric[OUTCOME_presence_bytes_per_s] = (double)counts->bytes / window_s;
    metric[OUTCOME_presence_letters_per_s] = (double)counts->letters / window_s;
    metric[OUTCOME_presence_letter_bytes_per_s] = (double)counts->letter_bytes / window_s;
    if (attendance->spec->mode == SPEC_PRESENCE_ON_DEMAND)
        return; /* nobody is told, so nobody is told wrong */
    metric[OUTCOME_presence_stale_share] =
        counts->watched_ns > 0 ? (double)counts->stale_ns / (double)counts->watched_ns : 0;
    metric[OUTCOME_presence_stale_ms] =
        counts->stale_periods > 0 ? base_ms(counts->stale_ns) / (double)counts->stale_periods : 0;
}
