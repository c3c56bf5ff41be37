/* Turns, one member and one message at a time, and the way from options to result. */
#include "tests/oracle/reference.h"

#include "models/workload/generator.h"
#include "models/workload/admission.h"
#include "models/workload/protocol.h"
#include "sim/base/check.h"
#include "tests/oracle/reference_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- a turn --- */

static void flush_room(struct reference *r, struct worker *worker, int32_t room, base_ns *now_ns) {
    int32_t count;
    const int32_t *members = reference_members_of(r, room, &count);
    if (worker->gathered_count[room] > 0)
        for (int32_t i = 0; i < count && !r->result->is_dead; i++)
            if (reference_is_let_in(r, members[i]) && reference_worker_of(r, members[i]) == worker)
                reference_write_client(r, worker, members[i], &room, 1, now_ns);
    worker->gathered_count[room] = 0;
}

/* All of the client's rooms that have gathered something, at most 64 to a write. */
static void write_all_rooms(struct reference *r, struct worker *worker, int32_t client,
                            base_ns *now_ns) {
    int32_t rooms[PIECES_PER_WRITE], count = 0;
    for (int32_t room = 0; room < r->roster->rooms_count; room++) {
        int32_t members_count;
        const int32_t *members = reference_members_of(r, room, &members_count);
        bool is_member = false;
        for (int32_t i = 0; i < members_count; i++)
            is_member |= members[i] == client;
        if (!is_member || worker->gathered_count[room] == 0)
            continue;
        rooms[count++] = room;
        if (count == PIECES_PER_WRITE) {
            reference_write_client(r, worker, client, rooms, count, now_ns);
            count = 0;
        }
    }
    if (count > 0)
        reference_write_client(r, worker, client, rooms, count, now_ns);
}

static void flush_all(struct reference *r, struct worker *worker, base_ns *now_ns) {
    bool *is_written = calloc((size_t)r->roster->clients_count, sizeof *is_written);
    CHECK(is_written != NULL);
    for (int32_t d = 0; d < worker->dirty_count; d++) {
        int32_t count;
        const int32_t *members = reference_members_of(r, worker->dirty[d], &count);
        if (worker->gathered_count[worker->dirty[d]] == 0)
            continue;
        for (int32_t i = 0; i < count && !r->result->is_dead; i++) {
            bool is_ours =
                reference_is_let_in(r, members[i]) && reference_worker_of(r, members[i]) == worker;
            if (!is_ours || is_written[members[i]])
                continue;
            is_written[members[i]] = true;
            write_all_rooms(r, worker, members[i], now_ns);
        }
    }
    for (int32_t d = 0; d < worker->dirty_count; d++) {
        worker->gathered_count[worker->dirty[d]] = 0;
        worker->is_dirty[worker->dirty[d]] = false;
    }
    worker->dirty_count = 0;
    free(is_written);
}

static void add_to_room(struct reference *r, struct worker *worker, const struct inbound *publish,
                        base_ns *now_ns) {
    int32_t room = publish->room;
    *now_ns += llround(r->cost[COST_publish]);
    if (publish->expires_ns > 0 && *now_ns > publish->expires_ns) {
        reference_expired(r, publish->due_ns, reference_recipients(r, room, worker->index));
        return;
    }
    CHECK(worker->gathered_count[room] < GATHERED_MAX);
    worker->gathered[(int64_t)room * GATHERED_MAX + worker->gathered_count[room]++] =
        (struct gathered){publish->due_ns, publish->expires_ns,
                          (int32_t)protocol_outbound_bytes(publish->bytes)};
    if (!worker->is_dirty[room]) {
        worker->is_dirty[room] = true;
        worker->dirty[worker->dirty_count++] = room;
    }
    int64_t bytes = 0;
    for (int32_t i = 0; i < worker->gathered_count[room]; i++)
        bytes += worker->gathered[(int64_t)room * GATHERED_MAX + i].bytes;
    if (r->node->fan_out == SPEC_WRITE_AT_ONCE || bytes >= r->node->turn.flush_bytes)
        flush_room(r, worker, room, now_ns);
}

static void publish(struct reference *r, struct worker *worker, struct inbound *from,
                    base_ns *now_ns) {
    struct inbound inbound = *from;
    from->is_used = false;
    add_to_room(r, worker, &inbound, now_ns);
    for (int32_t other = 0; other < reference_workers_count(r); other++) {
        if (other == worker->index || reference_recipients(r, inbound.room, other) == 0)
            continue;
        struct inbound copy = inbound;
        copy.client = -1;
        reference_schedule(r, *now_ns, HANDED_OVER, other, reference_add_inbound(r, copy));
    }
    reference_has_published(r, inbound.client, inbound.room, *now_ns);
}

static void read_client(struct reference *r, struct worker *worker, int32_t client,
                        base_ns *now_ns) {
    r->is_ready[client] = false;
    if (reference_first_inbound(r, client) == NULL || reference_is_paused(r, client))
        return;
    int64_t waiting = 0;
    for (int32_t i = 0; i < r->inbound_count; i++)
        if (r->inbound[i].is_used && r->inbound[i].client == client)
            waiting += r->inbound[i].left_bytes;
    int64_t left = waiting < r->node->turn.read ? waiting : r->node->turn.read;
    *now_ns += llround(r->cost[COST_read] + r->cost[COST_read_byte] * (double)left);
    struct inbound *inbound;
    while (left > 0 && (inbound = reference_first_inbound(r, client)) != NULL) {
        for (; left > 0 && inbound->left_bytes > 0; left--)
            inbound->left_bytes--;
        if (inbound->left_bytes == 0)
            publish(r, worker, inbound, now_ns);
    }
    reference_want_read(r, client);
}

static void handle(struct reference *r, struct worker *worker, struct event ready,
                   base_ns *now_ns) {
    switch (ready.kind) {
    case PUBLISH:
        read_client(r, worker, ready.index, now_ns);
        break;
    case HANDED_OVER: {
        struct inbound inbound = r->inbound[ready.index];
        r->inbound[ready.index].is_used = false;
        add_to_room(r, worker, &inbound, now_ns);
        break;
    }
    case WRITABLE:
        reference_resume(r, worker, &r->readers[ready.index], now_ns);
        break;
    case DEADLINE:
        reference_check_deadline(r, &r->readers[ready.index], now_ns);
        break;
    case TURN:
    case TURN_OVER:
    case READ_AGAIN:
        CHECK(false && "not something to be ready");
    }
}

static void turn(struct reference *r, struct worker *worker, base_ns start_ns) {
    base_ns now_ns = start_ns + llround(r->cost[COST_turn]), flushed_ns = start_ns;
    int64_t most =
        worker->ready_count < r->node->turn.events ? worker->ready_count : r->node->turn.events;
    for (int64_t i = 0; i < most && !r->result->is_dead; i++) {
        struct event ready = worker->ready[0];
        memmove(worker->ready, worker->ready + 1,
                (size_t)--worker->ready_count * sizeof *worker->ready);
        handle(r, worker, ready, &now_ns);
        if (now_ns - flushed_ns >= r->node->turn.flush_after) {
            flush_all(r, worker, &now_ns);
            flushed_ns = now_ns;
        }
    }
    flush_all(r, worker, &now_ns);
    base_ns counted_ns = reference_overlap_with_window(r, start_ns, now_ns);
    r->result->busy_ns += counted_ns;
    r->result->turns += counted_ns > 0;
    reference_schedule(r, now_ns, TURN_OVER, worker->index, 0);
}

static void run_event(struct reference *r, struct event event) {
    struct worker *worker = &r->workers[event.worker];
    switch (event.kind) {
    case PUBLISH:
        reference_publish_is_due(r);
        break;
    case TURN:
        turn(r, worker, event.at_ns);
        break;
    case TURN_OVER:
        if (worker->ready_count > 0 && !r->result->is_dead)
            turn(r, worker, event.at_ns);
        else
            worker->is_busy = r->result->is_dead;
        break;
    case HANDED_OVER:
    case WRITABLE:
    case DEADLINE:
        reference_make_ready(r, worker, event.kind, event.index);
        break;
    case READ_AGAIN:
        reference_want_read(r, event.index);
        break;
    }
}

/* --- from options to result --- */

static void init_reader(struct reference *r, int32_t client) {
    const struct spec_receive *receive =
        &r->roster->scenario->populations[r->roster->population[client]].receive;
    double receive_bytes = round(r->cost[COST_receive_capacity] * (double)receive->buffer);
    double send_bytes = round(r->cost[COST_send_capacity] * (double)r->node->send_buffer);
    double hysteresis = round(fmax(r->cost[COST_window_share] * receive_bytes,
                                   r->cost[COST_writable_share] * send_bytes));
    hysteresis = fmin(fmax(hysteresis, 1), receive_bytes + send_bytes);
    struct reader *reader = &r->readers[client];
    *reader = (struct reader){.client = client,
                              .receiver = receiver_of(r->roster, client, r->options->seed),
                              .capacity_bytes = (int64_t)(receive_bytes + send_bytes),
                              .delivered = reference_delivered,
                              .target = r};
    reader->writable_bytes = reader->capacity_bytes - (int64_t)hysteresis;
    reader->is_prompt =
        isinf(reader->receiver.bytes_per_s) && reader->receiver.stall_first_ns == BASE_NS_MAX;
    slow_consumer_queue_init(&reader->queue);
}

static void init_worker(struct reference *r, int32_t index) {
    struct worker *worker = &r->workers[index];
    size_t rooms = (size_t)r->roster->rooms_count;
    worker->index = index;
    worker->gathered = ARENA_NEW(&r->arena, rooms * GATHERED_MAX, struct gathered);
    worker->gathered_count = ARENA_NEW(&r->arena, rooms, int32_t);
    worker->is_dirty = ARENA_NEW(&r->arena, rooms, bool);
    worker->dirty = ARENA_NEW(&r->arena, rooms, int32_t);
    worker->write_ns = r->cost[COST_write]; /* the working set of these tests is below 128 */
}

static void init_clock(struct reference *r) {
    r->step_ns = r->options->measure_ns / REFERENCE_WINDOW_STEPS;
    int64_t warm_up_steps = 0;
    while (warm_up_steps * r->step_ns < r->options->warm_up_ns)
        warm_up_steps++;
    r->offset_ns = warm_up_steps * r->step_ns - r->options->warm_up_ns;
    r->window_start_ns = r->options->warm_up_ns;
    r->horizon_ns = r->window_start_ns + REFERENCE_WINDOW_STEPS * r->step_ns;
    r->within_ns = r->roster->scenario->objectives.delivery.within;
    r->end_ns = r->horizon_ns + r->within_ns;
    r->result->steps_count = (int32_t)warm_up_steps + REFERENCE_WINDOW_STEPS;
    CHECK(r->result->steps_count <= REFERENCE_STEPS_MAX);
    if (r->options->has_generator) {
        /* their own formula has a test of its own (tests/models/workload/test_generator.c) */
        struct generator_delays delays =
            generator_delays(r->roster, r->options->costs, r->options->scale);
        r->lateness_ns = llround(delays.lateness_ns);
        r->look_ns = llround(delays.look_ns);
    }
}

static void init(struct reference *r, const struct reference_options *options,
                 struct reference_result *result) {
    *r = (struct reference){.options = options,
                            .result = result,
                            .roster = options->roster,
                            .node = &options->roster->scenario->nodes[0],
                            .rules = &options->roster->scenario->nodes[0].send_queue,
                            .cost = options->costs->value};
    *result = (struct reference_result){0};
    hist_init(&result->latency);
    arena_init(&r->arena);
    init_clock(r);
    size_t clients = (size_t)r->roster->clients_count;
    size_t pairs = clients * (size_t)r->roster->rooms_count;
    int64_t most = admission_connections_max(r->node->open_files, r->node->workers);
    r->connections = r->roster->clients_count < most ? r->roster->clients_count : most;
    double user =
        (r->cost[COST_connection_user] + (double)r->node->session) * (double)r->connections;
    for (int32_t client = 0; client < r->connections; client++) /* 16 bytes per further room */
        for (int32_t i = r->roster->client_first[client] + 1;
             i < r->roster->client_first[client + 1]; i++)
            user += 16;
    r->memory_fixed = round(user + r->cost[COST_connection_kernel] * (double)r->connections);
    r->is_ready = ARENA_NEW(&r->arena, clients, bool);
    r->published = ARENA_NEW(&r->arena, pairs, uint8_t);
    r->paused = ARENA_NEW(&r->arena, pairs, uint8_t);
    r->throttles = ARENA_NEW(&r->arena, pairs, uint8_t);
    r->inbound = ARENA_NEW(&r->arena, INBOUND_MAX, struct inbound);
    r->readers = ARENA_NEW(&r->arena, clients, struct reader);
    for (int32_t client = 0; client < r->roster->clients_count; client++)
        init_reader(r, client);
    CHECK(reference_workers_count(r) <= WORKERS_MAX);
    r->workers = ARENA_NEW(&r->arena, WORKERS_MAX, struct worker);
    for (int32_t worker = 0; worker < reference_workers_count(r); worker++)
        init_worker(r, worker);
    plan_init(&r->plan, r->roster,
              &(struct plan_options){.seed = options->plan_seed, .scale = options->scale},
              &r->arena);
}

void reference_run(const struct reference_options *options, struct reference_result *result) {
    struct reference *r = malloc(sizeof *r);
    CHECK(r != NULL);
    init(r, options, result);
    reference_next_publish(r);
    struct event event;
    while (reference_next_event(r, &event)) {
        r->clock_ns = event.at_ns;
        run_event(r, event);
    }
    for (int32_t client = 0; client < r->roster->clients_count; client++) {
        reader_advance(&r->readers[client], r->end_ns);
        reader_fini(&r->readers[client]);
    }
    if (reference_is_anybody_paused(r))
        result->paused_ns += reference_overlap_with_window(r, r->paused_since_ns, r->end_ns);
    arena_fini(&r->arena);
    free(r);
}

void reference_result_fini(struct reference_result *result) {
    hist_fini(&result->latency);
}
