/* Publishing on time.
 *
 * What is due is framed into its sender's outbox first and sent afterwards, one send() per sender,
 * so that publishes of one instant arrive as one piece. A sender whose connection is closed, or
 * whose outbox is full because the server does not read, makes the publish unsent: it is counted,
 * and the deliveries that would have come of it are due to nobody. */
#include "validation/load/probe_state.h"

#include "sim/base/check.h"

#include <errno.h>
#include <sys/socket.h>

enum { FLUSHES_PER_TURN = 128 };

static void advance(struct probe *probe) {
    probe->has_next = source_next(&probe->source, &probe->next);
    probe->next.due_ns += probe->start_ns;
    if (probe->has_next && probe->next.due_ns >= probe->send_end_ns)
        probe->has_next = false;
}

void probe_first_publish(struct probe *probe) {
    advance(probe);
}

void probe_touch(struct probe *probe, int32_t local) {
    struct client *client = &probe->clients->client[local];
    if (client->is_touched)
        return;
    client->is_touched = true;
    probe->touched[probe->touched_count++] = local;
}

static bool frame_publish(struct probe *probe, int32_t local, const struct plan_publish *publish) {
    struct outbox *outbox = &probe->clients->outbox[local];
    uint8_t *out = outbox_reserve(outbox, (size_t)publish->bytes + WIRE_OVERHEAD_MAX);
    if (!out)
        return false;
    char room[ROSTER_ROOM_NAME_BYTES];
    roster_room_name(publish->room, room);
    struct protocol_stamp stamp = {publish->due_ns, (uint32_t)publish->number};
    probe->mask = probe->mask * 2654435761U + 1; /* differs from frame to frame; no secret */
    outbox_commit(outbox, probe->clients->options.wire->write_publish(
                              out, room, stamp, (size_t)publish->bytes, probe->mask));
    outbox_mark(outbox, publish->due_ns, publish->number);
    return true;
}

static void make_publish(struct probe *probe, const struct plan_publish *publish) {
    struct load_generator *generator = &probe->report->generator;
    int32_t local = clients_local(probe->clients, publish->client);
    if (local < 0)
        return;
    if (probe->clients->client[local].fd >= 0 && frame_publish(probe, local, publish)) {
        probe_touch(probe, local);
    } else {
        unsent_add(probe->options->unsent, publish->number);
        generator->publishes_unsent++;
    }
}

static void drop_outbox(struct probe *probe, int32_t local) {
    struct outbox *outbox = &probe->clients->outbox[local];
    struct outbox_mark mark;
    while (outbox_pop(outbox, &mark)) {
        if (mark.due_ns < probe->start_ns)
            continue; /* an earlier probe's */
        unsent_add(probe->options->unsent, mark.number);
        probe->report->generator.publishes_unsent++;
    }
    outbox_clear(outbox);
}

static void count_sent(struct probe *probe, int32_t local) {
    struct load_generator *generator = &probe->report->generator;
    bool was_blocked = probe->clients->client[local].is_blocked;
    struct outbox_mark mark;
    while (outbox_pop_sent(&probe->clients->outbox[local], &mark)) {
        generator->publishes_sent++;
        generator->publishes_blocked += was_blocked;
        if (probe_in_window(probe, mark.due_ns))
            hist_add(&generator->lateness, probe->now_ns - mark.due_ns);
    }
}

/* True when nothing is left to send. */
static bool flush(struct probe *probe, int32_t local) {
    struct client *client = &probe->clients->client[local];
    struct outbox *outbox = &probe->clients->outbox[local];
    if (client->fd < 0) {
        drop_outbox(probe, local);
        return true;
    }
    size_t waiting = outbox_waiting(outbox);
    ssize_t sent =
        send(client->fd, outbox->bytes + outbox->start, waiting, MSG_DONTWAIT | MSG_NOSIGNAL);
    probe_tick(probe);
    if (sent < 0) {
        if (errno == EAGAIN) {
            client->is_blocked = true;
            return false;
        }
        drop_outbox(probe, local); /* why it ended is read in look.c */
        return true;
    }
    probe->costs.sends++;
    probe->costs.sent_bytes += sent;
    outbox_took(outbox, (size_t)sent);
    count_sent(probe, local);
    client->is_blocked = (size_t)sent < waiting;
    return !client->is_blocked;
}

/* Each touched client once, and no more than so many: blocked ones must not hold up the rest. */
static void flush_touched(struct probe *probe) {
    int32_t todo =
        probe->touched_count < FLUSHES_PER_TURN ? probe->touched_count : FLUSHES_PER_TURN;
    while (todo-- > 0) {
        if (probe->touched_next >= probe->touched_count)
            probe->touched_next = 0;
        int32_t local = probe->touched[probe->touched_next];
        if (flush(probe, local)) {
            probe->clients->client[local].is_touched = false;
            probe->touched[probe->touched_next] = probe->touched[--probe->touched_count];
        } else {
            probe->touched_next++;
        }
    }
}

void probe_send(struct probe *probe) {
    bool is_due = probe->has_next && probe->next.due_ns <= probe->now_ns;
    if (!is_due && !attend_is_due(probe) && probe->touched_count == 0)
        return;
    base_ns began_ns = probe->now_ns, last_due_ns = 0;
    attend_speak(probe);
    for (int32_t taken = 0; probe->has_next && probe->next.due_ns <= began_ns &&
                            (taken < PROBE_PUBLISHES_PER_TURN || probe->next.due_ns == last_due_ns);
         taken++) {
        last_due_ns = probe->next.due_ns;
        make_publish(probe, &probe->next);
        advance(probe);
    }
    flush_touched(probe);
    probe_tick(probe);
    probe->costs.send_ns += probe->now_ns - began_ns;
}

void probe_give_up_unsent(struct probe *probe) {
    for (int32_t i = 0; i < probe->touched_count; i++) {
        int32_t local = probe->touched[i];
        probe->clients->client[local].is_touched = false;
        if (probe->clients->client[local].fd < 0)
            drop_outbox(probe, local);
    }
}
