/* From gathered publishes to written sockets.
 *
 * A burst writes a room's members in joining order. Between two tracked members everybody reads at
 * once and costs the same, so their deliveries are equally spaced: one range per publish, whatever
 * the number of members. A tracked member is written on its own, at its own place in the burst, and
 * may make the burst wait (policy `blocking`). Where a client may be in several rooms, it is
 * written once per flush with what all of them gathered. */
#include "models/cluster/node.h"

enum { ROOMS_PER_WRITE = 64 }; /* the gateway's own bound on the pieces of one write */

/* `count` members that read at once, one write of `cost_ns` after the other. */
static void write_run(struct node_worker *worker, const struct node_room *room, int64_t count,
                      base_ns cost_ns, base_ns *now_ns) {
    struct node *node = worker->node;
    for (int32_t i = 0; i < room->gathered_count; i++)
        tally_range(&node->tally, room->gathered[i].due_ns, *now_ns + cost_ns + node->look_ns,
                    cost_ns, count);
    base_ns start_ns = *now_ns;
    *now_ns += count * cost_ns;
    bool is_cut = (start_ns < node->window_start_ns && *now_ns >= node->window_start_ns) ||
                  (start_ns < node->window_end_ns && *now_ns >= node->window_end_ns);
    if (!is_cut)
        worker_count_writes(worker, *now_ns, count, count * room->gathered_bytes);
    for (int64_t i = 1; is_cut && i <= count; i++) /* by an end of the window: twice in a run */
        worker_count_writes(worker, start_ns + i * cost_ns, 1, room->gathered_bytes);
}

static void burst(struct node_worker *worker, int32_t room_index, base_ns *now_ns) {
    const struct node_room *room = &worker->rooms[room_index];
    const struct layout_room *view = layout_room(worker->node->layout, worker->index, room_index);
    base_ns cost_ns = costs_write(&worker->costs, room->gathered_count, room->gathered_bytes);
    int32_t position = 0;
    for (int32_t i = 0; i < view->tracked_count; i++) {
        write_run(worker, room, view->tracked[i].position - position, cost_ns, now_ns);
        slow_write(worker, view->tracked[i].consumer, &room_index, 1, cost_ns, now_ns);
        if (worker->node->is_dead)
            return;
        position = view->tracked[i].position + 1;
    }
    write_run(worker, room, view->members_count - position, cost_ns, now_ns);
    if (room->watch >= 0 && view->members_count > position)
        for (int32_t i = 0; i < room->gathered_count; i++)
            tally_watch(&worker->node->tally, room->watch, room->gathered[i].due_ns,
                        *now_ns + worker->node->look_ns);
}

struct write {
    int32_t rooms[ROOMS_PER_WRITE];
    int32_t rooms_count;
    int64_t frames, bytes;
};

/* The next rooms of a client that have gathered something, from *next on (index into
 * roster->client_rooms): as many as one write may carry. */
static struct write next_write(const struct node_worker *worker, int32_t *next, int32_t end) {
    struct write write = {.rooms_count = 0};
    for (; *next < end && write.rooms_count < ROOMS_PER_WRITE; ++*next) {
        int32_t index = worker->node->layout->roster->client_rooms[*next];
        const struct node_room *room = &worker->rooms[index];
        if (room->gathered_count == 0)
            continue;
        write.rooms[write.rooms_count++] = index;
        write.frames += room->gathered_count;
        write.bytes += room->gathered_bytes;
    }
    return write;
}

static void deliver_at_once(struct node_worker *worker, const struct write *write,
                            base_ns arrived_ns) {
    for (int32_t r = 0; r < write->rooms_count; r++) {
        const struct node_room *room = &worker->rooms[write->rooms[r]];
        for (int32_t i = 0; i < room->gathered_count; i++)
            tally_range(&worker->node->tally, room->gathered[i].due_ns, arrived_ns, 0, 1);
    }
}

static void write_member(struct node_worker *worker, int32_t client, base_ns *now_ns) {
    struct node *node = worker->node;
    const struct roster *roster = node->layout->roster;
    int32_t consumer = node->layout->consumer_of[client];
    int32_t next = roster->client_first[client], end = roster->client_first[client + 1];
    for (;;) {
        struct write write = next_write(worker, &next, end);
        if (write.rooms_count == 0)
            return;
        base_ns cost_ns = costs_write(&worker->costs, write.frames, write.bytes);
        if (consumer >= 0) {
            slow_write(worker, consumer, write.rooms, write.rooms_count, cost_ns, now_ns);
            continue;
        }
        *now_ns += cost_ns;
        deliver_at_once(worker, &write, *now_ns + node->look_ns);
        worker_count_writes(worker, *now_ns, 1, write.bytes);
    }
}

/* Everything dirty, where clients may be in several rooms: each touched client once. */
static void write_members_once(struct node_worker *worker, base_ns *now_ns) {
    struct node *node = worker->node;
    int32_t flush = ++worker->flush_number;
    for (int32_t d = 0; d < worker->dirty_count; d++) {
        if (worker->rooms[worker->dirty[d]].gathered_count == 0)
            continue;
        const struct layout_room *view = layout_room(node->layout, worker->index, worker->dirty[d]);
        for (int32_t i = 0; i < view->members_count && !node->is_dead; i++) {
            int32_t client = view->members[i];
            if (node->touched_flush[client] == flush)
                continue;
            node->touched_flush[client] = flush;
            write_member(worker, client, now_ns);
        }
    }
}

static void clear(struct node_room *room) {
    room->gathered_count = 0;
    room->gathered_bytes = 0;
}

void fan_out_room(struct node_worker *worker, int32_t room, base_ns *now_ns) {
    if (worker->rooms[room].gathered_count > 0 && !worker->node->is_dead)
        burst(worker, room, now_ns);
    clear(&worker->rooms[room]);
}

void fan_out_all(struct node_worker *worker, base_ns *now_ns) {
    if (worker->node->layout->has_single_rooms) {
        for (int32_t i = 0; i < worker->dirty_count; i++)
            fan_out_room(worker, worker->dirty[i], now_ns);
    } else if (!worker->node->is_dead) {
        write_members_once(worker, now_ns);
    }
    for (int32_t i = 0; i < worker->dirty_count; i++) {
        clear(&worker->rooms[worker->dirty[i]]);
        worker->rooms[worker->dirty[i]].is_dirty = false;
    }
    worker->dirty_count = 0;
}
