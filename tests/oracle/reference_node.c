/* Plain arrays, searched from the start; every list is short in these tests. */
#include "tests/oracle/reference_inside.h"

#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- counting --- */

struct reference_step *reference_step_of(struct reference *r, base_ns due_ns) {
    static struct reference_step nowhere;
    return due_ns < r->horizon_ns ? &r->result->steps[(due_ns + r->offset_ns) / r->step_ns]
                                  : &nowhere;
}

void reference_expired(struct reference *r, base_ns due_ns, int64_t deliveries) {
    reference_step_of(r, due_ns)->due -= deliveries;
    reference_step_of(r, due_ns)->expired += deliveries;
}

void reference_delivered(void *target, const struct reader_message *message, base_ns at_ns) {
    struct reference *r = target;
    at_ns += r->look_ns;
    if (at_ns > r->end_ns || message->due_ns >= r->horizon_ns)
        return;
    struct reference_step *step = reference_step_of(r, message->due_ns);
    step->delivered++;
    step->on_time += at_ns - message->due_ns <= r->within_ns;
    if (step - r->result->steps >= r->result->steps_count - REFERENCE_WINDOW_STEPS)
        hist_add(&r->result->latency, at_ns - message->due_ns);
}

bool reference_is_in_window(const struct reference *r, base_ns now_ns) {
    return now_ns >= r->window_start_ns && now_ns < r->horizon_ns;
}

base_ns reference_overlap_with_window(const struct reference *r, base_ns from_ns, base_ns to_ns) {
    from_ns = from_ns > r->window_start_ns ? from_ns : r->window_start_ns;
    to_ns = to_ns < r->horizon_ns ? to_ns : r->horizon_ns;
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* --- events --- */

uint64_t reference_schedule(struct reference *r, base_ns at_ns, enum event_kind kind,
                            int32_t worker, int32_t index) {
    if (at_ns == BASE_NS_MAX)
        return 0;
    CHECK(r->events_count < EVENTS_MAX && at_ns >= r->clock_ns);
    r->events[r->events_count++] = (struct event){at_ns, ++r->scheduled_count, kind, worker, index};
    return r->scheduled_count;
}

void reference_cancel(struct reference *r, uint64_t number) {
    for (int32_t i = 0; i < r->events_count; i++)
        if (r->events[i].number == number) {
            r->events[i] = r->events[--r->events_count];
            return;
        }
}

bool reference_next_event(struct reference *r, struct event *next) {
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

void reference_make_ready(struct reference *r, struct worker *worker, enum event_kind kind,
                          int32_t index) {
    CHECK(worker->ready_count < EVENTS_MAX);
    worker->ready[worker->ready_count++] = (struct event){.kind = kind, .index = index};
    if (worker->is_busy || r->result->is_dead)
        return;
    worker->is_busy = true;
    reference_schedule(r, r->clock_ns + llround(r->cost[COST_wake_up]), TURN, worker->index, 0);
}

/* --- who is where --- */

struct worker *reference_worker_of(struct reference *r, int32_t client) {
    return &r->workers[client % reference_workers_count(r)];
}

bool reference_is_let_in(const struct reference *r, int32_t client) {
    return client < r->connections;
}

const int32_t *reference_members_of(const struct reference *r, int32_t room, int32_t *count) {
    *count = r->roster->rooms[room].members_count;
    return r->roster->members + r->roster->rooms[room].members_first;
}

int64_t reference_recipients(const struct reference *r, int32_t room, int32_t worker) {
    int32_t count;
    const int32_t *members = reference_members_of(r, room, &count);
    int64_t found = 0;
    for (int32_t i = 0; i < count; i++)
        if (reference_is_let_in(r, members[i]))
            found += worker < 0 || members[i] % reference_workers_count(r) == worker;
    return found;
}

static int64_t pair(const struct reference *r, int32_t client, int32_t room) {
    return (int64_t)client * r->roster->rooms_count + room;
}

/* --- throttling --- */

bool reference_is_paused(const struct reference *r, int32_t client) {
    for (int32_t room = 0; room < r->roster->rooms_count; room++)
        if (r->paused[pair(r, client, room)])
            return true;
    return false;
}

bool reference_is_anybody_paused(const struct reference *r) {
    for (int32_t client = 0; client < r->roster->clients_count; client++)
        if (reference_is_paused(r, client))
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
    if (!reference_is_anybody_paused(r))
        r->paused_since_ns = now_ns;
    r->paused[pair(r, client, room)] = 1;
}

static void resume_sender(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    if (!r->paused[pair(r, client, room)])
        return;
    r->paused[pair(r, client, room)] = 0;
    if (reference_is_paused(r, client))
        return;
    if (!reference_is_anybody_paused(r))
        r->result->paused_ns += reference_overlap_with_window(r, r->paused_since_ns, now_ns);
    reference_schedule(r, now_ns, READ_AGAIN, 0, client);
}

void reference_start_throttling(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    bool was_throttled = is_throttled(r, room);
    r->throttles[pair(r, client, room)] = 1;
    int32_t count;
    const int32_t *members = reference_members_of(r, room, &count);
    for (int32_t i = 0; i < count && !was_throttled; i++)
        if (r->published[pair(r, members[i], room)])
            pause_sender(r, members[i], room, now_ns);
}

void reference_stop_throttling(struct reference *r, int32_t client, base_ns now_ns) {
    for (int32_t room = 0; room < r->roster->rooms_count; room++) {
        if (!r->throttles[pair(r, client, room)])
            continue;
        r->throttles[pair(r, client, room)] = 0;
        int32_t count;
        const int32_t *members = reference_members_of(r, room, &count);
        for (int32_t i = 0; i < count && !is_throttled(r, room); i++)
            resume_sender(r, members[i], room, now_ns);
    }
}

void reference_has_published(struct reference *r, int32_t client, int32_t room, base_ns now_ns) {
    if (r->rules->policy != SPEC_THROTTLE)
        return;
    r->published[pair(r, client, room)] = 1;
    if (is_throttled(r, room))
        pause_sender(r, client, room, now_ns);
}

/* --- publishes on their way in --- */

struct inbound *reference_first_inbound(struct reference *r, int32_t client) {
    for (int32_t i = 0; i < r->inbound_count; i++)
        if (r->inbound[i].is_used && r->inbound[i].client == client)
            return &r->inbound[i];
    return NULL;
}

int32_t reference_add_inbound(struct reference *r, struct inbound inbound) {
    CHECK(r->inbound_count < INBOUND_MAX);
    inbound.is_used = true;
    r->inbound[r->inbound_count] = inbound;
    return r->inbound_count++;
}

void reference_want_read(struct reference *r, int32_t client) {
    if (reference_first_inbound(r, client) == NULL || r->is_ready[client] ||
        reference_is_paused(r, client))
        return;
    r->is_ready[client] = true;
    reference_make_ready(r, reference_worker_of(r, client), PUBLISH, client);
}

void reference_forget_inbound(struct reference *r, int32_t client) {
    struct inbound *inbound;
    while ((inbound = reference_first_inbound(r, client)) != NULL) {
        reference_step_of(r, inbound->due_ns)->lost += reference_recipients(r, inbound->room, -1);
        inbound->is_used = false;
    }
}

void reference_next_publish(struct reference *r) {
    if (plan_next(&r->plan, &r->next) && r->next.due_ns < r->horizon_ns)
        reference_schedule(r, r->next.due_ns + r->lateness_ns, PUBLISH, 0, 0);
}

static base_ns expires_of(const struct reference *r, const struct plan_publish *publish) {
    const struct spec_traffic *traffic = &r->roster->scenario->traffic[publish->traffic];
    return traffic->has_ephemeral ? publish->due_ns + traffic->ephemeral.expires : 0;
}

void reference_publish_is_due(struct reference *r) {
    struct plan_publish publish = r->next;
    if (reference_is_let_in(r, publish.client) && !r->readers[publish.client].is_closed) {
        reference_step_of(r, publish.due_ns)->due += reference_recipients(r, publish.room, -1);
        if (!r->result->is_dead) {
            int64_t wire = protocol_inbound_bytes(publish.bytes);
            reference_add_inbound(r, (struct inbound){.due_ns = publish.due_ns,
                                                      .client = publish.client,
                                                      .room = publish.room,
                                                      .bytes = publish.bytes,
                                                      .left_bytes = (int32_t)wire,
                                                      .expires_ns = expires_of(r, &publish)});
            reference_want_read(r, publish.client);
        }
    }
    reference_next_publish(r);
}
