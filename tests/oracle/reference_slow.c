/* What becomes of each message for a consumer, one after the other. */
#include "tests/oracle/reference_inside.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- one slow consumer --- */

static void queue_changed(struct reference *r, struct reader *reader, int64_t sent_bytes,
                          base_ns now_ns) {
    int64_t before = reader->queue.bytes;
    reader_count_queue(reader);
    slow_consumer_update(r->rules, &reader->queue, sent_bytes, now_ns);
    r->result->queued_bytes += reader->queue.bytes - before;
    if (r->result->queued_bytes > r->result->queued_bytes_max)
        r->result->queued_bytes_max = r->result->queued_bytes;
    if (reader->queue.bytes <= slow_consumer_resume_bytes(r->rules))
        reference_stop_throttling(r, reader->client, now_ns);
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
    reference_cancel(r, reader->writable_event);
    reader->writable_event = 0;
    if (reader->is_blocked)
        reader->writable_event = reference_schedule(
            r, reader_when_at_most(reader, reader->writable_bytes, now_ns, r->end_ns), WRITABLE,
            reader->client % reference_workers_count(r), reader->client);
}

static void set_deadline(struct reference *r, struct reader *reader, base_ns now_ns) {
    reference_cancel(r, reader->deadline_event);
    reader->deadline_event = 0;
    base_ns at_ns = slow_consumer_deadline(r->rules, &reader->queue);
    if (!reader->is_closed)
        reader->deadline_event =
            reference_schedule(r, at_ns > now_ns ? at_ns : now_ns, DEADLINE,
                               reader->client % reference_workers_count(r), reader->client);
}

static void close_reader(struct reference *r, struct reader *reader,
                         enum slow_consumer_reason reason, base_ns now_ns) {
    set_blocked(r, reader, false);
    for (int32_t i = reader->messages_count - 1; i >= 0; i--)
        if (reader->messages[i].taken < reader->messages[i].bytes) {
            reference_step_of(r, reader->messages[i].due_ns)->lost++;
            reader_remove(reader, i);
        }
    reader->is_closed = true;
    r->result->closed_by_reason[reason]++;
    queue_changed(r, reader, 0, now_ns);
    reference_forget_inbound(r, reader->client);
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
            if (*now_ns <= r->end_ns)
                close_reader(r, reader, SLOW_REASON_WRITE_DEADLINE, *now_ns);
            return;
        }
        int64_t taken = reader_take(reader, INT64_MAX);
        queue_changed(r, reader, taken, *now_ns);
    }
    set_blocked(r, reader, false);
}

static void lose(struct reference *r, base_ns due_ns, bool by_conflation) {
    struct reference_step *step = reference_step_of(r, due_ns);
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

static void drop_signal(struct reference *r, struct reader *reader, base_ns now_ns) {
    for (int32_t i = 0; i < reader->messages_count; i++) {
        const struct reader_message *message = &reader->messages[i];
        if (message->taken > 0 || message->expires_ns == 0)
            continue;
        struct reference_step *step = reference_step_of(r, message->due_ns);
        step->due--;
        if (now_ns > message->expires_ns)
            step->expired++;
        else
            step->shed++;
        reader_remove(reader, i);
        queue_changed(r, reader, 0, now_ns);
        return;
    }
    CHECK(false && "the decision asked to drop a signal, and there is none");
}

static void drop_expired(struct reference *r, struct reader *reader, base_ns now_ns) {
    for (int32_t i = 0; i < reader->messages_count;) {
        const struct reader_message *message = &reader->messages[i];
        if (message->taken > 0 || message->expires_ns == 0 || now_ns <= message->expires_ns) {
            i++;
            continue;
        }
        reference_expired(r, message->due_ns, 1);
        reader_remove(reader, i);
    }
}

/* Carries the verdict out for a message that is `appended` already (a part of it is out) or not. */
static void judge(struct reference *r, struct reader *reader, const struct reader_message *message,
                  int64_t taken, base_ns *now_ns) {
    struct slow_consumer_verdict verdict;
    struct slow_consumer_message asked = {message->bytes - taken, message->expires_ns > 0};
    while (verdict = slow_consumer_decide(r->rules, &reader->queue, asked, *now_ns),
           taken == 0 &&
               (verdict.action == SLOW_DROP_OLDEST || verdict.action == SLOW_DROP_SIGNAL)) {
        if (verdict.action == SLOW_DROP_OLDEST)
            drop_oldest(r, reader, *now_ns);
        else
            drop_signal(r, reader, *now_ns);
    }
    if (verdict.action == SLOW_CLOSE) {
        if (taken == 0)
            reference_step_of(r, message->due_ns)->lost++;
        close_reader(r, reader, verdict.reason, *now_ns);
        return;
    }
    if (taken == 0 && verdict.action == SLOW_CONFLATE) {
        conflate(r, reader, message, *now_ns);
        return;
    }
    if (taken == 0 && verdict.action == SLOW_DROP_NEWEST && asked.is_signal) {
        reference_step_of(r, message->due_ns)->due--;
        reference_step_of(r, message->due_ns)->shed++;
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
        reference_start_throttling(r, reader->client, message->room, *now_ns);
    if (verdict.action == SLOW_BLOCK)
        block(r, reader, now_ns);
}

static void offer(struct reference *r, struct reader *reader, const struct reader_message *message,
                  base_ns *now_ns) {
    if (reader->is_closed) {
        reference_step_of(r, message->due_ns)->lost++;
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
    if (!reference_is_in_window(r, now_ns))
        return;
    r->result->writes += writes;
    r->result->written_bytes += bytes;
}

/* One write to one client with everything that `rooms` have gathered. */
void reference_write_client(struct reference *r, struct worker *worker, int32_t client,
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
            struct reader_message message = {.due_ns = g->due_ns,
                                             .bytes = g->bytes,
                                             .room = rooms[k],
                                             .expires_ns = g->expires_ns};
            if (reader->is_prompt)
                reference_delivered(r, &message, *now_ns);
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

void reference_resume(struct reference *r, struct worker *worker, struct reader *reader,
                      base_ns *now_ns) {
    reader->writable_event = 0;
    if (reader->is_closed || !reader->is_blocked)
        return;
    *now_ns += llround(r->cost[COST_writable]);
    reader_advance(reader, *now_ns);
    drop_expired(r, reader, *now_ns);
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

void reference_check_deadline(struct reference *r, struct reader *reader, base_ns *now_ns) {
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
