/* The node's place in its cluster: what the loop of worker 0 has to do with the backplane.
 *
 * One worker speaks for the node, and with several workers the others' publishes and rooms would
 * have to go through it; so far a node with a backplane has one worker (main.c refuses more).
 * validation/backplane keeps the connections, and knows of the gateway what this file tells it:
 * which rooms have members, and where a publish of another node goes. */
#include "validation/gateway/worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const char letters[] = CLUSTER_LETTERS;   /* its NUL stands for the newline behind it */
enum { LETTERS_NUMBER = 0, LETTERS_OPCODE = 2 }; /* rooms of clients are numbered from 1 on */
static const uint32_t LETTERS_SAID = UINT32_MAX; /* a cursor behind them and before the others */

static bool is_letter(const struct backplane_message *message) {
    return message->room_length == sizeof letters - 1 &&
           memcmp(message->room, letters, sizeof letters - 1) == 0;
}

static bool deliver_from_others(void *context, const struct backplane_message *message) {
    struct worker *worker = context;
    if (is_letter(message)) {
        if (worker->attendance != NULL)
            attendance_hear(worker, message->delivery + sizeof letters,
                            message->delivery_length - sizeof letters);
        return worker->attendance != NULL;
    }
    struct room *room = room_find(&worker->rooms, message->room, message->room_length);
    if (room == NULL || room->members_count == 0)
        return false;
    fanout_publish(worker, room, message->opcode, message->delivery, message->delivery_length);
    return true;
}

static bool next_room(void *context, uint32_t *cursor, struct backplane_room *out) {
    const struct worker *worker = context;
    if (*cursor == 0 && worker->attendance != NULL) {
        *cursor = LETTERS_SAID;
        *out = (struct backplane_room){letters, sizeof letters - 1, LETTERS_NUMBER};
        return true;
    }
    *cursor = *cursor == LETTERS_SAID ? 0 : *cursor;
    while (++*cursor < worker->rooms.numbers_used) {
        const struct room *room = worker->rooms.rooms[*cursor];
        if (room == NULL || room->members_count == 0)
            continue;
        *out = (struct backplane_room){room->name, room->name_length, room->number};
        return true;
    }
    return false;
}

static void say(void *context, const char *line) {
    const struct worker *worker = context;
    if (!worker->is_draining)
        fprintf(stderr, "headroom-gateway: %s\n", line);
}

bool cluster_open(struct worker *worker, const char **why) {
    const struct gateway_options *options = worker->options;
    if (options->backplane == SPEC_NO_BACKPLANE)
        return true;
    struct backplane_options own = {
        .kind = options->backplane,
        .addresses = options->backplane_at.items,
        .addresses_count = options->backplane_at.count,
        .bind = options->bind,
        .port = (int32_t)options->backplane_port,
        .token = options->token,
        .is_shared = options->backplane_channels == SPEC_ONE_CHANNEL,
        .buffer_bytes = (size_t)options->backplane_buffer,
        .deadline_ns = options->backplane_deadline,
        .epoll_fd = worker->epoll_fd,
        .tag_first = WORKER_TAG_BACKPLANE,
        .read_bytes = (size_t)options->turn.read,
    };
    *why = "no random number for the node";
    if (getrandom(&own.origin, sizeof own.origin, 0) != sizeof own.origin)
        return false;
    const struct backplane_host host = {worker, deliver_from_others, next_room, say};
    worker->backplane = backplane_new(&own, &host, worker->now_ns, why);
    return worker->backplane != NULL;
}

void cluster_close(struct worker *worker) {
    if (worker->backplane != NULL)
        backplane_free(worker->backplane);
    worker->backplane = NULL;
}

void cluster_hold(struct worker *worker, const struct room *room, bool holds) {
    const struct backplane_room held = {room->name, room->name_length, room->number};
    if (worker->backplane != NULL)
        backplane_hold(worker->backplane, &held, holds);
}

void cluster_publish(struct worker *worker, const struct room *room, uint8_t opcode,
                     const void *payload, size_t length) {
    if (worker->backplane == NULL)
        return;
    backplane_publish(worker->backplane, opcode, room->name, room->name_length, payload, length);
    if (worker->options->fan_out == SPEC_WRITE_AT_ONCE)
        cluster_flush(worker);
}

void cluster_tell(struct worker *worker, const char *letter, size_t length) {
    if (worker->backplane != NULL)
        backplane_publish(worker->backplane, LETTERS_OPCODE, letters, sizeof letters - 1, letter,
                          length);
}

void cluster_flush(struct worker *worker) {
    if (worker->backplane == NULL)
        return;
    enum phase before = worker_enter(worker, PHASE_WRITE);
    backplane_flush(worker->backplane, worker->now_ns);
    worker_enter(worker, before);
}

/* Levels and counters alike: the client keeps them, and the file shows them as they stand. */
void cluster_count(struct worker *worker) {
    if (worker->backplane == NULL)
        return;
    const struct backplane_counts *counts = backplane_counts(worker->backplane);
#define COUNTER(name, help) gateway_level(&worker->stats->name, counts->name);
#define GAUGE(name, help) gateway_level(&worker->stats->name, counts->name);
#include "validation/backplane/counts.def"
#undef COUNTER
#undef GAUGE
}
