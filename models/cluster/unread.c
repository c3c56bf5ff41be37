/* A count is due to whoever it is written to from the first message that it stands for, and late
 * where it takes longer than `every` and the objective together. */
#include "models/cluster/unread.h"

#include "models/workload/protocol.h"

#include <math.h>
#include <string.h>

struct unread_slot {
    base_ns since_ns; /* the first message that nobody was told of was due then */
    int64_t messages; /* since; 0: none */
};

struct unread {
    int32_t *room_of;           /* by room */
    struct unread_slot **slots; /* by worker, by slot */
    int64_t counts, told;       /* written, and the messages that they stood for; in the window */
};

static const struct spec_room_group *group_of(const struct cluster *cluster, int32_t room) {
    const struct roster *roster = cluster->layout->roster;
    return &roster->scenario->rooms[roster->rooms[room].group];
}

base_ns unread_every_max_ns(const struct spec_scenario *scenario) {
    base_ns longest_ns = 0;
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        if (scenario->rooms[i].has_unread && scenario->rooms[i].unread.every > longest_ns)
            longest_ns = scenario->rooms[i].unread.every;
    return longest_ns;
}

/* --- set-up --- */

static int32_t group_named(const struct spec_scenario *scenario, const char *name) {
    int32_t group = 0;
    while (strcmp(scenario->rooms[group].name, name) != 0)
        group++;
    return group;
}

/* Room by room, as far as both groups go. */
static void pair_rooms(const struct roster *roster, int32_t group, int32_t *room_of) {
    const struct spec_scenario *scenario = roster->scenario;
    int32_t other = group_named(scenario, scenario->rooms[group].unread.of);
    const int32_t *first = roster->group_first_room;
    for (int32_t i = 0; first[group] + i < first[group + 1] && first[other] + i < first[other + 1];
         i++)
        room_of[first[other] + i] = first[group] + i;
}

static void init_worker(struct cluster *cluster, struct unread *unread, int32_t index) {
    int32_t slots_count = layout_slots_count(cluster->layout, index);
    unread->slots[index] = ARENA_NEW(&cluster->run->arena, (size_t)slots_count, struct unread_slot);
    for (int32_t slot = 0; slot < slots_count; slot++) {
        int32_t room = layout_room(cluster->layout, index, slot)->room;
        const struct spec_room_group *group = group_of(cluster, room);
        if (group->has_unread)
            cluster->workers[index].rooms[slot].allowance_ns = group->unread.every;
    }
}

void unread_init(struct cluster *cluster) {
    const struct layout *layout = cluster->layout;
    struct arena *arena = &cluster->run->arena;
    cluster->unread = NULL;
    if (unread_every_max_ns(layout->scenario) == 0)
        return;
    struct unread *unread = ARENA_NEW(arena, 1, struct unread);
    unread->room_of = ARENA_NEW(arena, (size_t)layout->roster->rooms_count, int32_t);
    unread->slots = ARENA_NEW(arena, (size_t)layout->workers_count, struct unread_slot *);
    for (int32_t room = 0; room < layout->roster->rooms_count; room++)
        unread->room_of[room] = -1;
    for (int32_t group = 0; group < layout->scenario->rooms_count; group++)
        if (layout->scenario->rooms[group].has_unread)
            pair_rooms(layout->roster, group, unread->room_of);
    for (int32_t worker = 0; worker < layout->workers_count; worker++)
        init_worker(cluster, unread, worker);
    cluster->unread = unread;
}

int32_t unread_room(const struct cluster *cluster, int32_t room) {
    return cluster->unread->room_of[room];
}

/* --- counting --- */

static void due(void *target, uint64_t slot, base_ns now_ns) {
    (void)now_ns;
    worker_make_ready(target, (struct node_ready){NODE_READY_UNREAD, (int32_t)slot});
}

void unread_note(struct node_worker *worker, const struct node_inbound *publish, base_ns now_ns) {
    struct cluster *cluster = worker->cluster;
    int32_t room = unread_room(cluster, publish->room);
    int32_t slot = room >= 0 ? layout_slot(cluster->layout, worker->index, room) : -1;
    if (slot < 0)
        return;
    struct unread_slot *waiting = &cluster->unread->slots[worker->index][slot];
    if (waiting->messages++ > 0)
        return;
    waiting->since_ns = publish->due_ns;
    tally_due(&cluster->tally, publish->due_ns,
              layout_room(cluster->layout, worker->index, slot)->members_count);
    run_at(cluster->run, now_ns + group_of(cluster, room)->unread.every, due, worker,
           (uint64_t)slot);
}

struct node_gathered unread_tell(struct node_worker *worker, int32_t slot, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    struct unread *unread = cluster->unread;
    struct unread_slot *waiting = &unread->slots[worker->index][slot];
    const struct layout_room *view = layout_room(cluster->layout, worker->index, slot);
    if (cluster_within_window(cluster, waiting->since_ns, waiting->since_ns + 1) > 0) {
        unread->counts += view->members_count;
        unread->told += waiting->messages * view->members_count;
    }
    waiting->messages = 0;
    int64_t bytes = group_of(cluster, view->room)->unread.bytes;
    *now_ns += costs_publish(&worker->costs) + costs_pack(&worker->costs, bytes);
    bytes = protocol_outbound_bytes(costs_packed_bytes(&worker->costs, bytes));
    return (struct node_gathered){.due_ns = waiting->since_ns, .frame_bytes = (int32_t)bytes};
}

void unread_report(const struct cluster *cluster, struct outcome *outcome) {
    if (cluster->unread == NULL)
        return;
    double counts = (double)cluster->unread->counts;
    outcome->metric[OUTCOME_unread_counts] = counts;
    outcome->metric[OUTCOME_unread_messages] =
        counts > 0 ? (double)cluster->unread->told / counts : NAN;
}
