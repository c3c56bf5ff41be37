/* From gathered publishes to written sockets.
 *
 * A burst writes a room's members in joining order. Between two tracked members everybody reads at
 * once and costs the same, so their deliveries are equally spaced: one range per publish, whatever
 * the number of members. A tracked member is written on its own, at its own place in the burst, and
 * may make the burst wait (policy `blocking`).
 *
 * Where a client may be in several rooms, it is written once per flush with what all of them
 * gathered. Who is in two dirty rooms is found by marking every member of each; the others are runs
 * again. Asking each client for its rooms instead costs three cache misses per delivery. */
#include "models/cluster/churn.h"

enum { ROOMS_PER_WRITE = 64 }; /* the gateway's own bound on the pieces of one write */
enum { DIRTY_NONE, DIRTY_ONE, DIRTY_MORE };

/* Of a run of writes that begins now, those that are over before the node dies or falls silent; the
 * others are lost. */
static int64_t cut_run(struct node_worker *worker, const struct node_room *room, int64_t count,
                       base_ns cost_ns, base_ns now_ns) {
    base_ns left_ns = worker->node->cut_ns - now_ns;
    int64_t written = left_ns < 0 ? 0 : cost_ns > 0 ? left_ns / cost_ns : count;
    for (int32_t i = 0; i < room->gathered_count; i++)
        loss_count(worker->cluster, room->gathered[i].due_ns, count - written, MEMBERSHIP_NODE);
    return written;
}

/* `count` members that read at once, one write of `cost_ns` after the other. */
static void write_run(struct node_worker *worker, const struct node_room *room, int64_t count,
                      base_ns cost_ns, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    bool is_cut_off = count > 0 && *now_ns + count * cost_ns > worker->node->cut_ns;
    int64_t arriving = is_cut_off ? cut_run(worker, room, count, cost_ns, *now_ns) : count;
    for (int32_t i = 0; i < room->gathered_count; i++)
        tally_range(&cluster->tally, room->gathered[i].due_ns, room->allowance_ns,
                    *now_ns + cost_ns + cluster->look_ns, cost_ns, arriving);
    base_ns start_ns = *now_ns;
    *now_ns += count * cost_ns;
    worker->sockets_written += count;
    worker->turn.touched += count;
    worker->turn.frames += count * room->gathered_count;
    bool is_cut = (start_ns < cluster->window_start_ns && *now_ns >= cluster->window_start_ns) ||
                  (start_ns < cluster->window_end_ns && *now_ns >= cluster->window_end_ns);
    if (!is_cut)
        worker_count_writes(worker, *now_ns, count, count * room->gathered_bytes);
    for (int64_t i = 1; is_cut && i <= count; i++) /* by an end of the window: twice in a run */
        worker_count_writes(worker, start_ns + i * cost_ns, 1, room->gathered_bytes);
}

/* What a member's write costs in the burst that begins now. Between two visits to a socket lies all
 * that was written since its room was last begun; the first visit finds it as cold as can be. */
static base_ns begin_burst(struct node_worker *worker, int32_t slot, base_ns now_ns) {
    const struct layout *layout = worker->cluster->layout;
    struct node_room *room = &worker->rooms[slot];
    struct costs_write write = {.frames = room->gathered_count,
                                .bytes = room->gathered_bytes,
                                .working_set = worker_working_set(worker, slot),
                                .scattered = layout_room(layout, worker->index, slot)->scattered};
    room->written_at = worker->sockets_written;
    return steal_paced(&worker->steal, costs_write(&worker->costs, &write), now_ns);
}

/* One message of the room, written at `written_ns` to a client that reads at once. */
static void deliver_one(struct node_worker *worker, const struct node_room *room, int32_t client,
                        base_ns due_ns, base_ns written_ns) {
    struct cluster *cluster = worker->cluster;
    if (cluster->joined_ns && cluster->joined_ns[client] > due_ns)
        return; /* it came later: nothing was due to it */
    if (written_ns > worker->node->cut_ns)
        loss_count(cluster, due_ns, 1, MEMBERSHIP_NODE);
    else
        tally_range(&cluster->tally, due_ns, room->allowance_ns, written_ns + cluster->look_ns, 0,
                    1);
}

/* What a room has gathered, to one client that reads at once and has not been there for all of it.
 */
static void write_newcomer(struct node_worker *worker, const struct node_room *room, int32_t client,
                           base_ns cost_ns, base_ns *now_ns) {
    *now_ns += cost_ns;
    worker->sockets_written++;
    worker->turn.touched++;
    worker->turn.frames += room->gathered_count;
    worker_count_writes(worker, *now_ns, 1, room->gathered_bytes);
    for (int32_t i = 0; i < room->gathered_count; i++)
        deliver_one(worker, room, client, room->gathered[i].due_ns, *now_ns);
}

/* The members from one position to another, none of them tracked: those before `settled` have been
 * there for all that the room has gathered. */
static void write_between(struct node_worker *worker, int32_t slot, int32_t position, int32_t end,
                          int32_t settled, base_ns cost_ns, base_ns *now_ns) {
    const struct node_room *room = &worker->rooms[slot];
    int32_t run_end = end < settled ? end : settled;
    if (run_end > position)
        write_run(worker, room, run_end - position, cost_ns, now_ns);
    const struct layout_room *view = layout_room(worker->cluster->layout, worker->index, slot);
    for (int32_t i = run_end > position ? run_end : position; i < end; i++)
        write_newcomer(worker, room, view->members[i], cost_ns, now_ns);
}

static void burst(struct node_worker *worker, int32_t slot, base_ns *now_ns) {
    const struct node_room *room = &worker->rooms[slot];
    const struct layout_room *view = layout_room(worker->cluster->layout, worker->index, slot);
    base_ns cost_ns = begin_burst(worker, slot, *now_ns);
    int32_t settled = worker->cluster->churn ? loss_begin_burst(worker, slot) : view->members_count;
    int32_t position = 0;
    for (int32_t i = 0; i < view->tracked_count; i++) {
        write_between(worker, slot, position, view->tracked[i].position, settled, cost_ns, now_ns);
        slow_touch(worker, view->tracked[i].consumer);
        slow_write(worker, view->tracked[i].consumer, &slot, 1, cost_ns, now_ns);
        worker->sockets_written++;
        if (worker->node->is_dead)
            return;
        position = view->tracked[i].position + 1;
    }
    write_between(worker, slot, position, view->members_count, settled, cost_ns, now_ns);
    steal_paced_until(&worker->steal, *now_ns);
    if (room->watch >= 0 && settled > position && settled == view->members_count)
        for (int32_t i = 0; i < room->gathered_count; i++)
            tally_watch(&worker->cluster->tally, room->watch, room->gathered[i].due_ns,
                        *now_ns + worker->cluster->look_ns);
}

struct write {
    int32_t slots[ROOMS_PER_WRITE];
    int32_t slots_count;
    int64_t frames, bytes;
};

/* The next rooms of a client that have gathered something, from *next on (index into
 * layout->client_slots): as many as one write may carry. */
static struct write next_write(const struct node_worker *worker, int32_t *next, int32_t end) {
    struct write write = {.slots_count = 0};
    for (; *next < end && write.slots_count < ROOMS_PER_WRITE; ++*next) {
        int32_t index = worker->cluster->layout->client_slots[*next];
        const struct node_room *room = &worker->rooms[index];
        if (room->gathered_count == 0 || room->is_held)
            continue;
        write.slots[write.slots_count++] = index;
        write.frames += room->gathered_count;
        write.bytes += room->gathered_bytes;
    }
    return write;
}

static void deliver_at_once(struct node_worker *worker, const struct write *write, int32_t client,
                            base_ns written_ns) {
    for (int32_t r = 0; r < write->slots_count; r++) {
        const struct node_room *room = &worker->rooms[write->slots[r]];
        for (int32_t i = 0; i < room->gathered_count; i++)
            deliver_one(worker, room, client, room->gathered[i].due_ns, written_ns);
    }
}

static void write_member(struct node_worker *worker, int32_t client, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    const struct roster *roster = cluster->layout->roster;
    int32_t consumer = cluster->layout->consumer_of[client];
    int32_t next = roster->client_first[client], end = roster->client_first[client + 1];
    if (consumer >= 0)
        slow_touch(worker, consumer);
    else
        worker->turn.touched++;
    for (;;) {
        struct write write = next_write(worker, &next, end);
        if (write.slots_count == 0)
            return;
        base_ns cost_ns = costs_write(
            &worker->costs,
            &(struct costs_write){.frames = write.frames,
                                  .bytes = write.bytes,
                                  .working_set = cluster->layout->working_set[worker->index],
                                  .scattered = 1});
        worker->sockets_written++;
        if (consumer >= 0) {
            slow_write(worker, consumer, write.slots, write.slots_count, cost_ns, now_ns);
            continue;
        }
        *now_ns += cost_ns;
        deliver_at_once(worker, &write, client, *now_ns);
        worker->turn.frames += write.frames;
        worker_count_writes(worker, *now_ns, 1, write.bytes);
    }
}

static bool is_dirty(const struct node_worker *worker, int32_t d) {
    const struct node_room *room = &worker->rooms[worker->dirty[d]];
    return room->gathered_count > 0 && !room->is_held;
}

/* Notes for each member of the dirty rooms whether it is in one of them or in more. */
static void mark_members(struct node_worker *worker) {
    uint8_t *dirty_rooms = worker->cluster->dirty_rooms;
    for (int32_t d = 0; d < worker->dirty_count; d++) {
        const struct layout_room *view =
            layout_room(worker->cluster->layout, worker->index, worker->dirty[d]);
        for (int32_t i = 0; is_dirty(worker, d) && i < view->members_count; i++) {
            uint8_t *rooms = &dirty_rooms[view->members[i]];
            *rooms = *rooms == 0 ? DIRTY_ONE : DIRTY_MORE;
        }
    }
}

/* The members of a dirty room that have not been written in this flush. Those that are in no other
 * dirty room and read at once are a run, whoever was skipped between them. */
static void write_unwritten(struct node_worker *worker, int32_t slot, base_ns *now_ns) {
    struct cluster *cluster = worker->cluster;
    const struct node_room *room = &worker->rooms[slot];
    const struct layout_room *view = layout_room(cluster->layout, worker->index, slot);
    base_ns cost_ns = begin_burst(worker, slot, *now_ns);
    int32_t settled = cluster->churn ? loss_begin_burst(worker, slot) : view->members_count;
    int64_t run = 0;
    for (int32_t i = 0, t = 0; i < view->members_count; i++) {
        bool is_tracked = t < view->tracked_count && view->tracked[t].position == i;
        t += is_tracked;
        uint8_t *rooms = &cluster->dirty_rooms[view->members[i]];
        uint8_t in = *rooms;
        *rooms = DIRTY_NONE;
        if (in == DIRTY_NONE || (in == DIRTY_ONE && !is_tracked && i < settled)) {
            run += in;
            continue;
        }
        write_run(worker, room, run, cost_ns, now_ns);
        run = 0;
        write_member(worker, view->members[i], now_ns);
        if (worker->node->is_dead)
            return;
    }
    write_run(worker, room, run, cost_ns, now_ns);
    steal_paced_until(&worker->steal, *now_ns);
}

/* Everything dirty, where clients may be in several rooms: each touched client once. */
static void write_members_once(struct node_worker *worker, base_ns *now_ns) {
    int32_t dirty = 0, last = -1;
    for (int32_t d = 0; d < worker->dirty_count; d++)
        if (is_dirty(worker, d)) {
            dirty++;
            last = worker->dirty[d];
        }
    if (dirty == 1) { /* nobody can be in two of them */
        burst(worker, last, now_ns);
        return;
    }
    mark_members(worker);
    for (int32_t d = 0; d < worker->dirty_count && !worker->node->is_dead; d++)
        if (is_dirty(worker, d)) {
            write_unwritten(worker, worker->dirty[d], now_ns);
            *now_ns = steal_work(&worker->steal, *now_ns);
        }
}

static void clear(struct node_room *room) {
    room->gathered_count = 0;
    room->gathered_bytes = 0;
}

void fan_out_room(struct node_worker *worker, int32_t slot, base_ns *now_ns) {
    if (worker->rooms[slot].gathered_count > 0 && !worker->node->is_dead)
        burst(worker, slot, now_ns);
    clear(&worker->rooms[slot]);
    *now_ns = steal_work(&worker->steal, *now_ns);
}

void fan_out_all(struct node_worker *worker, base_ns *now_ns) {
    if (worker->cluster->layout->has_single_rooms) {
        for (int32_t i = 0; i < worker->dirty_count; i++)
            if (!worker->rooms[worker->dirty[i]].is_held)
                fan_out_room(worker, worker->dirty[i], now_ns);
    } else if (!worker->node->is_dead) {
        write_members_once(worker, now_ns);
    }
    for (int32_t i = 0; i < worker->dirty_count; i++) {
        struct node_room *room = &worker->rooms[worker->dirty[i]];
        if (!room->is_held) /* written in the middle of the turn, it may hold something new */
            clear(room);
        room->is_dirty = false;
    }
    worker->dirty_count = 0;
}
