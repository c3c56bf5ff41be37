/* Plain arrays, searched from the start; every list is short in these tests. */
#include "tests/oracle/reference.h"

#include "models/workload/admission.h"
#include "models/workload/plan.h"
#include "models/workload/protocol.h"
#include "models/workload/receiver.h"
#include "sim/base/check.h"
#include "tests/oracle/reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 4096, WORKERS_MAX = 4, BLOCKED_FOR_MAX_S = 60, PIECES_PER_WRITE = 64 };

enum event_kind { PUBLISH, TURN, TURN_OVER, HANDED_OVER, WRITABLE, DEADLINE, READ_AGAIN };

struct event {
    base_ns at_ns;
    uint64_t number; /* order of scheduling */
    enum event_kind kind;
    int32_t worker, index;
};

struct inbound { /* a publish on its way in, or handed over by another worker */
    base_ns due_ns;
    int32_t client, room, bytes, left_bytes;
    bool is_used;
};

struct gathered {
    base_ns due_ns;
    int32_t bytes;
};

struct worker {
    int32_t index;
    struct event ready[EVENTS_MAX]; /* kind PUBLISH: client `index` is to be read */
    int32_t ready_count;
    struct gathered *gathered; /* [rooms][gathered_max] */
    int32_t *gathered_count;   /* by room */
    bool *is_dirty;
    int32_t *dirty;
    int32_t dirty_count;
    bool is_busy;
    double write_ns;
};

enum { GATHERED_MAX = 1024, INBOUND_MAX = 16384 };

struct reference {
    const struct reference_options *options;
    struct reference_result *result;
    const struct roster *roster;
    const struct spec_node *node;
    const struct spec_send_queue *rules;
    const double *cost;
    struct arena arena;
    struct plan plan;
    struct plan_publish next;
    struct event events[EVENTS_MAX];
    int32_t events_count;
    uint64_t scheduled_count;
    base_ns clock_ns, horizon_ns, window_start_ns, end_ns, step_ns, offset_ns, within_ns, look_ns,
        lateness_ns;
    struct worker *workers;
    struct reader *readers; /* by client */
    bool *is_ready;         /* by client */
    struct inbound *inbound;
    int32_t inbound_count;
    uint8_t *published, *paused, *throttles; /* [client * rooms_count + room] */
    int64_t connections, blocked_count;
    double memory_fixed;
    base_ns paused_since_ns;
};

static int32_t workers_count(const struct reference *r) {
    return (int32_t)r->node->workers;
}

/* --- counting
 * -------------------------------------------------------------------------------------- */

static struct reference_step *step_of(struct reference *r, base_ns due_ns) {
    static struct reference_step nowhere;
    return due_ns < r->horizon_ns ? &r->result->steps[(due_ns + r->offset_ns) / r->step_ns]
                                  : &nowhere;
}

static void delivered(void *target, const struct reader_message *message, base_ns at_ns) {
    struct reference *r = target;
    at_ns += r->look_ns;
    if (at_ns > r->end_ns || message->due_ns >= r->horizon_ns)
        return;
    struct reference_step *step = step_of(r, message->due_ns);
    step->delivered++;
    step->on_time += at_ns - message->due_ns <= r->within_ns;
    if (step - r->result->steps >= r->result->steps_count - REFERENCE_WINDOW_STEPS)
        hist_add(&r->result->latency, at_ns - message->due_ns);
}

static bool is_in_window(const struct reference *r, base_ns now_ns) {
    return now_ns >= r->window_start_ns && now_ns < r->horizon_ns;
}

static base_ns overlap_with_window(const struct reference *r, base_ns from_ns, base_ns to_ns) {
    from_ns = from_ns > r->window_start_ns ? from_ns : r->window_start_ns;
    to_ns = to_ns < r->horizon_ns ? to_ns : r->horizon_ns;
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* --- events
 * ---------------------------------------------------------------------------------------- */

static uint64_t schedule(struct reference *r, base_ns at_ns, enum event_kind kind, int32_t worker,
                         int32_t index) {
    if (at_ns == BASE_NS_MAX)
        return 0;
    CHECK(r->events_count < EVENTS_MAX && at_ns >= r->clock_ns);
    r->events[r->events_count++] = (struct event){at_ns, ++r->scheduled_count, kind, worker, index};
    return r->scheduled_count;
}

static void cancel(struct reference *r, uint64_t number) {
    for (int32_t i = 0; i < r->events_count; i++)
        if (r->events[i].number == number) {
            r->events[i] = r->events[--r->events_count];
            return;
        }
}

static bool next_event(struct reference *r, struct event *next) {
    int32_t first = -1;
    for (int32_t i = 0; i < r->events_count; i++) {
        const struct event *a = &r->events[i], *b = first < 0 ? NULL : &r->events[first];
        if (b == NULL || a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->number < b->number))
            first = i;
    }
    if (first < 0 || r->events[first].at_ns > r->end_ns)
        return false;
    *next = r->events[first];
    r->events[first] = r->events[--r->events_count];
    return true;
}

static void make_ready(struct reference *r, struct worker *worker, enum event_kind kind,
                       int32_t index) {
    CHECK(worker->ready_count < EVENTS_MAX);
    worker->ready[worker->ready_count++] = (struct event){.kind = kind, .index = index};
    if (worker->is_busy || r->result->is_dead)
        return;
    worker->is_busy = true;
    schedule(r, r->clock_ns + llround(r->cost[COST_wake_up]), TURN, worker->index, 0);
}

/* --- who is where
 * ---------------------------------------------------------------------------------- */

static struct worker *worker_of(struct reference *r, int32_t client) {
    return &r->workers[client % workers_count(r)];
}

static bool is_let_in(const struct reference *r, int32_t client) {
    return client < r->connections;
}

static const int32_t *members_of(const struct reference *r, int32_t room, int32_t *count) {
    *count = r->roster->rooms[room].members_count;
    return r->roster->members + r->roster->rooms[room].members_first;
}

static int64_t recipients(const struct reference *r, int32_t room, int32_t worker) {
    int32_t count;
    const int32_t *members = members_of(r, room, &count);
    int64_t found = 0;
    for (int32_t i = 0; i < count; i++)
        if (is_let_in(r, members[i]))
            found += worker < 0 || members[i] % workers_count(r) == worker;
    return found;
}

static int64_t pair(const struct reference *r, int32_t client, int32_t room) {
    return (int64_t)client * r->roster->rooms_count + room;
}

/* --- throttling
 * ------------------------------------------------------------------------------------ */

static bool is_paused(const struct reference *r, int32_t client) {
    for (int32_t room = 0; room < r->roster->rooms_count; room++)
        if (r->paused[pair(r, client, room)])
            return true;
    return false;
}

static bool is_anybody_paused(const struct reference *r) {
    for (int32_t client = 0; client < r->roster->clients_count; client++)
        if (is_paused(r, client))
            return true;
    return false;
}

static bool is_throttled(const struct reference *r, int32_t room) {
    for (int32_t client = 0; client < r->roster->clients_count; client++)
        if (r->throttles[pair(r, client, room)])
            return true;
    return false;
}

static void pause_sender(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    if (!is_anybody_paused(r))
        r->paused_since_ns = now_ns;
    r->paused[pair(r, client, room)] = 1;
}

static void resume_sender(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    if (!r->paused[pair(r, client, room)])
        return;
    r->paused[pair(r, client, room)] = 0;
    if (is_paused(r, client))
        return;
    if (!is_anybody_paused(r))
        r->result->paused_ns += overlap_with_window(r, r->paused_since_ns, now_ns);
    schedule(r, now_ns, READ_AGAIN, 0, client);
}

static void start_throttling(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    bool was_throttled = is_throttled(r, room);
    r->throttles[pair(r, client, room)] = 1;
    int32_t count;
    const int32_t *members = members_of(r, room, &count);
    for (int32_t i = 0; i < count && !was_throttled; i++)
        if (r->published[pair(r, members[i], room)])
            pause_sender(r, members[i], room, now_ns);
}

static void stop_throttling(struct reference *r, int32_t client, base_ns now_ns) {
    for (int32_t room = 0; room < r->roster->rooms_count; room++) {
        if (!r->throttles[pair(r, client, room)])
            continue;
        r->throttles[pair(r, client, room)] = 0;
        int32_t count;
        const int32_t *members = members_of(r, room, &count);
        for (int32_t i = 0; i < count && !is_throttled(r, room); i++)
            resume_sender(r, members[i], room, now_ns);
    }
}

static void has_published(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    if (r->rules->policy != SPEC_THROTTLE)
        return;
    r->published[pair(r, client, room)] = 1;
    if (is_throttled(r, room))
        pause_sender(r, client, room, now_ns);
}

/* --- publishes on their way in
 * --------------------------------------------------------------------- */

static struct inbound *first_inbound(struct reference *r, int32_t client) {
    for (int32_t i = 0; i < r->inbound_count; i++)
        if (r->inbound[i].is_used && r->inbound[i].client == client)
            return &r->inbound[i];
    return NULL;
}

static int32_t add_inbound(struct reference *r, struct inbound inbound) {
    CHECK(r->inbound_count < INBOUND_MAX);
    inbound.is_used = true;
    r->inbound[r->inbound_count] = inbound;
    return r->inbound_count++;
}

static void want_read(struct reference *r, int32_t client) {
    if (first_inbound(r, client) == NULL || r->is_ready[client] || is_paused(r, client))
        return;
    r->is_ready[client] = true;
    make_ready(r, worker_of(r, client), PUBLISH, client);
}

static void forget_inbound(struct reference *r, int32_t client) {
    struct inbound *inbound;
    while ((inbound = first_inbound(r, client)) != NULL) {
        step_of(r, inbound->due_ns)->lost += recipients(r, inbound->room, -1);
        inbound->is_used = false;
    }
}

static void next_publish(struct reference *r) {
    if (plan_next(&r->plan, &r->next) && r->next.due_ns < r->horizon_ns)
        schedule(r, r->next.due_ns + r->lateness_ns, PUBLISH, 0, 0);
}

static void publish_is_due(struct reference *r) {
    struct plan_publish publish = r->next;
    if (is_let_in(r, publish.client) && !r->readers[publish.client].is_closed) {
        step_of(r, publish.due_ns)->due += recipients(r, publish.room, -1);
        if (!r->result->is_dead) {
            int64_t wire = protocol_inbound_bytes(publish.bytes);
            add_inbound(r, (struct inbound){publish.due_ns, publish.client, publish.room,
                                            publish.bytes, (int32_t)wire, true});
            want_read(r, publish.client);
        }
    }
    next_publish(r);
}

/* --- one slow consumer
 * ----------------------------------------------------------------------------- */

static void queue_changed(struct reference *r, struct reader *reader, int64_t sent_bytes,
                          base_ns now_ns) {
    int64_t before = reader->queue.bytes;
    reader_count_queue(reader);
    slow_consumer_update(r->rules, &reader->queue, sent_bytes, now_ns);
    r->result->queued_bytes += reader->queue.bytes - before;
    if (r->result->queued_bytes > r->result->queued_bytes_max)
        r->result->queued_bytes_max = r->result->queued_bytes;
    if (reader->queue.bytes <= slow_consumer_resume_bytes(r->rules))
        stop_throttling(r, reader->client, now_ns);
    double memory =
        r->memory_fixed + r->cost[COST_queued_user] * (double)r->result->queued_bytes +
        r->cost[COST_queued_kernel] * (double)(r->blocked_count * reader->capacity_bytes);
    if (r->node->memory != SPEC_UNLIMITED && memory > (double)r->node->memory)
        r->result->is_dead = true;
}

static void set_blocked(struct reference *r, struct reader *reader, bool is_blocked) {
    r->blocked_count += (int64_t)is_blocked - (int64_t)reader->is_blocked;
    reader->is_blocked = is_blocked;
}

static void set_writable(struct reference *r, struct reader *reader, base_ns now_ns) {
    cancel(r, reader->writable_event);
    reader->writable_event = 0;
    if (reader->is_blocked)
        reader->writable_event =
            schedule(r, reader_when_at_most(reader, reader->writable_bytes, now_ns, r->end_ns),
                     WRITABLE, reader->client % workers_count(r), reader->client);
}

static void set_deadline(struct reference *r, struct reader *reader, base_ns now_ns) {
    cancel(r, reader->deadline_event);
    reader->deadline_event = 0;
    base_ns at_ns = slow_consumer_deadline(r->rules, &reader->queue);
    if (!reader->is_closed)
        reader->deadline_event = schedule(r, at_ns > now_ns ? at_ns : now_ns, DEADLINE,
                                          reader->client % workers_count(r), reader->client);
}

static void close_reader(struct reference *r, struct reader *reader,
                         enum slow_consumer_reason reason, base_ns now_ns) {
    set_blocked(r, reader, false);
    for (int32_t i = reader->messages_count - 1; i >= 0; i--)
        if (reader->messages[i].taken < reader->messages[i].bytes) {
            step_of(r, reader->messages[i].due_ns)->lost++;
            reader_remove(reader, i);
        }
    reader->is_closed = true;
    r->result->closed_by_reason[reason]++;
    queue_changed(r, reader, 0, now_ns);
    forget_inbound(r, reader->client);
    set_writable(r, reader, now_ns);
    set_deadline(r, reader, now_ns);
}

static void block(struct reference *r, struct reader *reader, base_ns *now_ns) {
    base_ns give_up_ns = *now_ns + BLOCKED_FOR_MAX_S * BASE_NS_PER_S;
    while (reader_waiting(reader) > 0) {
        int64_t waiting = reader_waiting(reader);
        int64_t wanted = waiting < reader->capacity_bytes ? waiting : 1;
        base_ns at_ns =
            reader_when_at_most(reader, reader->capacity_bytes - wanted, *now_ns, give_up_ns);
        *now_ns = at_ns < give_up_ns ? at_ns : give_up_ns;
        reader_advance(reader, *now_ns);
        if (at_ns > give_up_ns) {
            close_reader(r, reader, SLOW_REASON_WRITE_DEADLINE, *now_ns);
            return;
        }
        int64_t taken = reader_take(reader, INT64_MAX);
        queue_changed(r, reader, taken, *now_ns);
    }
    set_blocked(r, reader, false);
}

static void lose(struct reference *r, base_ns due_ns, bool by_conflation) {
    struct reference_step *step = step_of(r, due_ns);
    step->lost++;
    if (by_conflation)
        step->conflated++;
    else
        step->dropped++;
}

static void drop_oldest(struct reference *r, struct reader *reader, base_ns now_ns) {
    for (int32_t i = 0; i < reader->messages_count; i++)
        if (reader->messages[i].taken == 0) {
            lose(r, reader->messages[i].due_ns, false);
            reader_remove(reader, i);
            queue_changed(r, reader, 0, now_ns);
            return;
        }
    CHECK(false && "the decision asked to drop what is not there");
}

static void conflate(struct reference *r, struct reader *reader,
                     const struct reader_message *message, base_ns now_ns) {
    int32_t replaced = 0;
    for (int32_t i = 0; i < reader->messages_count;) {
        if (reader->messages[i].taken > 0 || reader->messages[i].room != message->room) {
            i++;
            continue;
        }
        lose(r, reader->messages[i].due_ns, true);
        reader_remove(reader, i);
        replaced++;
    }
    if (replaced == 0) {
        lose(r, message->due_ns, false);
        return;
    }
    reader_append(reader, message);
    queue_changed(r, reader, 0, now_ns);
}

/* Carries the verdict out for a message that is `appended` already (a part of it is out) or not. */
static void judge(struct reference *r, struct reader *reader, const struct reader_message *message,
                  int64_t taken, base_ns *now_ns) {
    struct slow_consumer_verdict verdict;
    while (verdict =
               slow_consumer_decide(r->rules, &reader->queue, message->bytes - taken, *now_ns),
           taken == 0 && verdict.action == SLOW_DROP_OLDEST)
        drop_oldest(r, reader, *now_ns);
    if (verdict.action == SLOW_CLOSE) {
        if (taken == 0)
            step_of(r, message->due_ns)->lost++;
        close_reader(r, reader, verdict.reason, *now_ns);
        return;
    }
    if (taken == 0 && verdict.action == SLOW_CONFLATE) {
        conflate(r, reader, message, *now_ns);
        return;
    }
    if (taken == 0 && verdict.action == SLOW_DROP_NEWEST) {
        lose(r, message->due_ns, false);
        return;
    }
    if (taken == 0)
        reader_append(reader, message);
    queue_changed(r, reader, taken, *now_ns);
    if (verdict.action == SLOW_THROTTLE)
        start_throttling(r, reader->client, message->room, *now_ns);
    if (verdict.action == SLOW_BLOCK)
        block(r, reader, now_ns);
}

static void offer(struct reference *r, struct reader *reader, const struct reader_message *message,
                  base_ns *now_ns) {
    if (reader->is_closed) {
        step_of(r, message->due_ns)->lost++;
        return;
    }
    int64_t taken = 0;
    if (!reader->is_blocked && reader_level(reader) < reader->capacity_bytes) {
        reader_append(reader, message);
        taken = reader_take(reader, INT64_MAX);
        if (taken == message->bytes)
            return;
    }
    set_blocked(r, reader, true);
    *now_ns += llround(r->cost[COST_enqueue]);
    judge(r, reader, message, taken, now_ns);
}

static base_ns write_cost(const struct reference *r, const struct worker *worker, int64_t frames,
                          int64_t bytes) {
    return llround(worker->write_ns + r->cost[COST_frame] * (double)frames +
                   r->cost[COST_byte] * (double)bytes);
}

static void count_writes(struct reference *r, base_ns now_ns, int64_t writes, int64_t bytes) {
    if (!is_in_window(r, now_ns))
        return;
    r->result->writes += writes;
    r->result->written_bytes += bytes;
}

/* One write to one client with everything that `rooms` have gathered. */
static void write_client(struct reference *r, struct worker *worker, int32_t client,
                         const int32_t *rooms, int32_t rooms_count, base_ns *now_ns) {
    struct reader *reader = &r->readers[client];
    int64_t frames = 0, bytes = 0, before = reader->taken_bytes;
    for (int32_t k = 0; k < rooms_count; k++)
        for (int32_t i = 0; i < worker->gathered_count[rooms[k]]; i++) {
            frames++;
            bytes += worker->gathered[(int64_t)rooms[k] * GATHERED_MAX + i].bytes;
        }
    bool is_written = !reader->is_closed && !reader->is_blocked;
    if (is_written)
        *now_ns += write_cost(r, worker, frames, bytes);
    reader_advance(reader, *now_ns);
    for (int32_t k = 0; k < rooms_count; k++)
        for (int32_t i = 0; i < worker->gathered_count[rooms[k]] && !r->result->is_dead; i++) {
            const struct gathered *g = &worker->gathered[(int64_t)rooms[k] * GATHERED_MAX + i];
            struct reader_message message = {
                .due_ns = g->due_ns, .bytes = g->bytes, .room = rooms[k]};
            if (reader->is_prompt)
                delivered(r, &message, *now_ns);
            else
                offer(r, reader, &message, now_ns);
        }
    if (reader->is_prompt) {
        count_writes(r, *now_ns, 1, bytes);
        return;
    }
    reader_advance(reader, *now_ns);
    count_writes(r, *now_ns, is_written, reader->taken_bytes - before);
    if (reader->is_blocked && reader->writable_event == 0)
        set_writable(r, reader, *now_ns);
    set_deadline(r, reader, *now_ns);
}

static void resume(struct reference *r, struct worker *worker, struct reader *reader,
                   base_ns *now_ns) {
    reader->writable_event = 0;
    if (reader->is_closed || !reader->is_blocked)
        return;
    *now_ns += llround(r->cost[COST_writable]);
    reader_advance(reader, *now_ns);
    int64_t space = reader->capacity_bytes - reader_level(reader), frames = 0, bytes = 0;
    for (int32_t i = 0; i < reader->messages_count && bytes < space; i++) {
        int64_t left = reader->messages[i].bytes - reader->messages[i].taken;
        frames += left > 0 && left <= space - bytes;
        bytes += left <= space - bytes ? left : space - bytes;
    }
    if (bytes > 0) {
        *now_ns += write_cost(r, worker, frames, bytes);
        reader_advance(reader, *now_ns);
        reader_take(reader, bytes);
        count_writes(r, *now_ns, 1, bytes);
    }
    queue_changed(r, reader, bytes, *now_ns);
    if (reader_waiting(reader) == 0)
        set_blocked(r, reader, false);
    set_writable(r, reader, *now_ns);
    set_deadline(r, reader, *now_ns);
}

static void check_deadline(struct reference *r, struct reader *reader, base_ns *now_ns) {
    if (reader->is_closed)
        return;
    struct slow_consumer_verdict verdict = slow_consumer_expired(r->rules, &reader->queue, *now_ns);
    if (verdict.action != SLOW_CLOSE) {
        set_deadline(r, reader, *now_ns);
        return;
    }
    reader_advance(reader, *now_ns);
    close_reader(r, reader, verdict.reason, *now_ns);
}

/* --- a turn
 * ---------------------------------------------------------------------------------------- */

static void flush_room(struct reference *r, struct worker *worker, int32_t room, base_ns *now_ns) {
    int32_t count;
    const int32_t *members = members_of(r, room, &count);
    if (worker->gathered_count[room] > 0)
        for (int32_t i = 0; i < count && !r->result->is_dead; i++)
            if (is_let_in(r, members[i]) && worker_of(r, members[i]) == worker)
                write_client(r, worker, members[i], &room, 1, now_ns);
    worker->gathered_count[room] = 0;
}

/* All of the client's rooms that have gathered something, at most 64 to a write. */
static void write_all_rooms(struct reference *r, struct worker *worker, int32_t client,
                            base_ns *now_ns) {
    int32_t rooms[PIECES_PER_WRITE], count = 0;
    for (int32_t room = 0; room < r->roster->rooms_count; room++) {
        int32_t members_count;
        const int32_t *members = members_of(r, room, &members_count);
        bool is_member = false;
        for (int32_t i = 0; i < members_count; i++)
            is_member |= members[i] == client;
        if (!is_member || worker->gathered_count[room] == 0)
            continue;
        rooms[count++] = room;
        if (count == PIECES_PER_WRITE) {
            write_client(r, worker, client, rooms, count, now_ns);
            count = 0;
        }
    }
    if (count > 0)
        write_client(r, worker, client, rooms, count, now_ns);
}

static void flush_all(struct reference *r, struct worker *worker, base_ns *now_ns) {
    bool *is_written = calloc((size_t)r->roster->clients_count, sizeof *is_written);
    CHECK(is_written != NULL);
    for (int32_t d = 0; d < worker->dirty_count; d++) {
        int32_t count;
        const int32_t *members = members_of(r, worker->dirty[d], &count);
        if (worker->gathered_count[worker->dirty[d]] == 0)
            continue;
        for (int32_t i = 0; i < count && !r->result->is_dead; i++) {
            bool is_ours = is_let_in(r, members[i]) && worker_of(r, members[i]) == worker;
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
    CHECK(worker->gathered_count[room] < GATHERED_MAX);
    worker->gathered[(int64_t)room * GATHERED_MAX + worker->gathered_count[room]++] =
        (struct gathered){publish->due_ns, (int32_t)protocol_outbound_bytes(publish->bytes)};
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
    for (int32_t other = 0; other < workers_count(r); other++) {
        if (other == worker->index || recipients(r, inbound.room, other) == 0)
            continue;
        struct inbound copy = inbound;
        copy.client = -1;
        schedule(r, *now_ns, HANDED_OVER, other, add_inbound(r, copy));
    }
    has_published(r, inbound.client, inbound.room, *now_ns);
}

static void read_client(struct reference *r, struct worker *worker, int32_t client,
                        base_ns *now_ns) {
    r->is_ready[client] = false;
    if (first_inbound(r, client) == NULL || is_paused(r, client))
        return;
    int64_t waiting = 0;
    for (int32_t i = 0; i < r->inbound_count; i++)
        if (r->inbound[i].is_used && r->inbound[i].client == client)
            waiting += r->inbound[i].left_bytes;
    int64_t left = waiting < r->node->turn.read ? waiting : r->node->turn.read;
    *now_ns += llround(r->cost[COST_read] + r->cost[COST_read_byte] * (double)left);
    struct inbound *inbound;
    while (left > 0 && (inbound = first_inbound(r, client)) != NULL) {
        for (; left > 0 && inbound->left_bytes > 0; left--)
            inbound->left_bytes--;
        if (inbound->left_bytes == 0)
            publish(r, worker, inbound, now_ns);
    }
    want_read(r, client);
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
        resume(r, worker, &r->readers[ready.index], now_ns);
        break;
    case DEADLINE:
        check_deadline(r, &r->readers[ready.index], now_ns);
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
    base_ns counted_ns = overlap_with_window(r, start_ns, now_ns);
    r->result->busy_ns += counted_ns;
    r->result->turns += counted_ns > 0;
    schedule(r, now_ns, TURN_OVER, worker->index, 0);
}

static void run_event(struct reference *r, struct event event) {
    struct worker *worker = &r->workers[event.worker];
    switch (event.kind) {
    case PUBLISH:
        publish_is_due(r);
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
        make_ready(r, worker, event.kind, event.index);
        break;
    case READ_AGAIN:
        want_read(r, event.index);
        break;
    }
}

/* --- from options to result
 * ------------------------------------------------------------------------ */

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
                              .delivered = delivered,
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
        r->lateness_ns = llround(r->cost[COST_load_lateness]);
        r->look_ns = llround(r->cost[COST_load_sample] / 2);
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
    CHECK(workers_count(r) <= WORKERS_MAX);
    r->workers = ARENA_NEW(&r->arena, WORKERS_MAX, struct worker);
    for (int32_t worker = 0; worker < workers_count(r); worker++)
        init_worker(r, worker);
    plan_init(&r->plan, r->roster,
              &(struct plan_options){.seed = options->plan_seed, .scale = options->scale},
              &r->arena);
}

void reference_run(const struct reference_options *options, struct reference_result *result) {
    struct reference *r = malloc(sizeof *r);
    CHECK(r != NULL);
    init(r, options, result);
    next_publish(r);
    struct event event;
    while (next_event(r, &event)) {
        r->clock_ns = event.at_ns;
        run_event(r, event);
    }
    for (int32_t client = 0; client < r->roster->clients_count; client++) {
        reader_advance(&r->readers[client], r->end_ns);
        reader_fini(&r->readers[client]);
    }
    if (is_anybody_paused(r))
        result->paused_ns += overlap_with_window(r, r->paused_since_ns, r->end_ns);
    arena_fini(&r->arena);
    free(r);
}

void reference_result_fini(struct reference_result *result) {
    hist_fini(&result->latency);
}
