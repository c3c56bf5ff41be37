/* Presence for real: the core of models/workload/presence_* decides, this is its clock and its way
 * to the members and to the other nodes.
 *
 * All windows are equally long, so those that are open are a queue in the order in which they end,
 * and the loop asks for its head only. Which key a member entered under lies in a table of its own:
 * a membership is in every connection, a key only in those that enter.
 *
 * Other nodes are spoken to through whatever carries publishes, in a room that no client can name:
 * LETTERS, a newline, the node that is meant (8 bytes; 0: everybody), a message of presence_wire.
 * What is lost on the way is asked for again; a replica does not care who carries it, how often or
 * in which order. */
#include "validation/gateway/worker.h"

#include "models/workload/presence_notice.h"
#include "models/workload/presence_replica.h"
#include "models/workload/presence_table.h"
#include "sim/base/check.h"
#include "validation/gateway/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TO_BYTES = 8, TO_ALL = 0 };

struct entrant { /* a member that is present */
    struct presence_link link;
    uint32_t connection, room;
    uint8_t key_length;
    char key[];
};

struct window {
    base_ns due_ns;
    uint8_t name_length;
    char name[PRESENCE_NAME_MAX];
};

struct attendance {
    struct worker *worker; /* borrowed */
    struct presence_replica replica;
    base_ns tick_ns; /* of the next broadcast; BASE_NS_MAX: this node is alone */
    struct presence_table entrants;
    struct window *windows; /* a ring */
    size_t windows_first, windows_count, windows_max;
    struct text notice, letter;
};

static struct presence_text name_of(const struct room *room) {
    return (struct presence_text){room->name, room->name_length};
}

/* --- windows --- */

static void grow_windows(struct attendance *attendance) {
    size_t max = attendance->windows_max > 0 ? 2 * attendance->windows_max : 64;
    struct window *windows = malloc(max * sizeof *windows);
    CHECK(windows != NULL);
    for (size_t i = 0; i < attendance->windows_count; i++)
        windows[i] =
            attendance->windows[(attendance->windows_first + i) & (attendance->windows_max - 1)];
    free(attendance->windows);
    attendance->windows = windows;
    attendance->windows_first = 0;
    attendance->windows_max = max;
}

static void open_window(void *target, struct presence_room *room) {
    struct attendance *attendance = target;
    const struct worker *worker = attendance->worker;
    if (attendance->windows_count == attendance->windows_max)
        grow_windows(attendance);
    struct window *window =
        &attendance->windows[(attendance->windows_first + attendance->windows_count++) &
                             (attendance->windows_max - 1)];
    window->due_ns = worker->now_ns + worker->options->presence_debounce;
    window->name_length = room->length;
    memcpy(window->name, room->bytes, room->length);
}

static void tell(struct attendance *attendance, struct presence_text name) {
    struct worker *worker = attendance->worker;
    struct presence_room *present = presence_room_find(&attendance->replica.state, name);
    CHECK(present != NULL);
    struct presence_key *taken = presence_room_take(present);
    struct room *room = room_find(&worker->rooms, name.bytes, name.length);
    text_clear(&attendance->notice);
    if (room != NULL && room->members_count > 0 &&
        presence_notice(worker->options->presence_mode, present, taken, &attendance->notice) > 0) {
        gateway_count(&worker->stats->presence_messages, room->members_count);
        gateway_count(&worker->stats->presence_bytes,
                      room->members_count *
                          (uint64_t)protocol_outbound_bytes((int64_t)attendance->notice.length));
        fanout_publish(worker, room, FRAMES_TEXT, attendance->notice.bytes,
                       attendance->notice.length);
    }
    presence_room_told(&attendance->replica.state, present, taken);
}

static base_ns window_end_ns(const struct attendance *attendance) {
    return attendance->windows_count > 0 ? attendance->windows[attendance->windows_first].due_ns
                                         : BASE_NS_MAX;
}

base_ns attendance_due_ns(const struct worker *worker) {
    const struct attendance *attendance = worker->attendance;
    if (attendance == NULL)
        return BASE_NS_MAX;
    base_ns window_ns = window_end_ns(attendance);
    return window_ns < attendance->tick_ns ? window_ns : attendance->tick_ns;
}

/* Windows that are over by now. */
static void tell_all(struct worker *worker) {
    struct attendance *attendance = worker->attendance;
    while (window_end_ns(attendance) <= worker->now_ns) {
        struct window window = attendance->windows[attendance->windows_first];
        attendance->windows_first = (attendance->windows_first + 1) & (attendance->windows_max - 1);
        attendance->windows_count--;
        tell(attendance, (struct presence_text){window.name, window.name_length});
    }
}

/* --- other nodes --- */

static void send_letter(struct attendance *attendance, uint64_t to,
                        const struct presence_message *message) {
    struct worker *worker = attendance->worker;
    uint8_t head[TO_BYTES];
    backplane_put_u64(head, to);
    text_clear(&attendance->letter);
    text_addf(&attendance->letter, "%s\n", CLUSTER_LETTERS);
    text_add_n(&attendance->letter, (const char *)head, sizeof head);
    presence_encode(message, &attendance->letter);
    if (attendance->letter.length > PROTOCOL_MESSAGE_MAX) {
        gateway_count(&worker->stats->presence_unsent, 1);
        return;
    }
    gateway_count(&worker->stats->presence_letters, 1);
    gateway_count(&worker->stats->presence_letter_bytes, attendance->letter.length);
    cluster_tell(worker, attendance->letter.bytes, attendance->letter.length);
}

static void broadcast(struct attendance *attendance) {
    struct worker *worker = attendance->worker;
    struct presence_message message;
    presence_message_init(&message);
    if (presence_replica_tick(&attendance->replica, worker->now_ns, &message))
        send_letter(attendance, TO_ALL, &message);
    presence_message_fini(&message);
    attendance->tick_ns = worker->now_ns + worker->options->presence_broadcast;
}

void attendance_hear(struct worker *worker, const char *letter, size_t length) {
    struct attendance *attendance = worker->attendance;
    struct presence_message message, answer;
    if (length < TO_BYTES || !presence_decode(&message, letter + TO_BYTES, length - TO_BYTES)) {
        gateway_count(&worker->stats->presence_refused, 1);
        return;
    }
    uint64_t to = backplane_get_u64((const uint8_t *)letter);
    presence_message_init(&answer);
    if ((to == TO_ALL || to == attendance->replica.state.options.self) &&
        presence_replica_receive(&attendance->replica, worker->now_ns, &message, &answer))
        send_letter(attendance, message.from, &answer);
    presence_message_fini(&answer);
    presence_message_fini(&message);
}

void attendance_tick(struct worker *worker) {
    worker_enter(worker, PHASE_TIMERS);
    if (worker->attendance->tick_ns <= worker->now_ns)
        broadcast(worker->attendance);
    tell_all(worker);
    cluster_flush(worker);
    fanout_flush(worker);
    connection_end_doomed(worker);
}

/* With a window of 0 a change is told before the next one is read. */
static void changed(struct worker *worker) {
    gateway_count(&worker->stats->presence_changes, 1);
    if (worker->options->presence_debounce == 0)
        tell_all(worker);
}

/* --- who entered --- */

static uint64_t entrant_hash(uint32_t connection, uint32_t room) {
    return presence_hash(connection, &room, sizeof room);
}

static struct entrant *find_entrant(const struct attendance *attendance, uint32_t connection,
                                    uint32_t room) {
    struct presence_link *link =
        presence_table_first(&attendance->entrants, entrant_hash(connection, room));
    for (; link != NULL; link = link->next) {
        struct entrant *entrant = (struct entrant *)(void *)link;
        if (entrant->connection == connection && entrant->room == room)
            return entrant;
    }
    return NULL;
}

static void add_entrant(struct attendance *attendance, uint32_t connection, uint32_t room,
                        const char *key, size_t key_length) {
    struct entrant *entrant = malloc(sizeof *entrant + key_length);
    CHECK(entrant != NULL && key_length <= PRESENCE_NAME_MAX);
    *entrant = (struct entrant){.link.hash = entrant_hash(connection, room),
                                .connection = connection,
                                .room = room,
                                .key_length = (uint8_t)key_length};
    memcpy(entrant->key, key, key_length);
    presence_table_add(&attendance->entrants, &entrant->link);
}

static bool is_under(const struct entrant *entrant, const struct protocol_command *command) {
    return entrant->key_length == command->key_length &&
           memcmp(entrant->key, command->key, command->key_length) == 0;
}

const char *attendance_enter(struct worker *worker, struct connection *connection,
                             struct membership *membership,
                             const struct protocol_command *command) {
    struct attendance *attendance = worker->attendance;
    if (!utf8_is_valid(command->state, command->state_length))
        return "state is not UTF-8";
    const struct room *room = worker->rooms.rooms[membership->room];
    struct presence_text key = {command->key, command->key_length};
    const struct entrant *before = find_entrant(attendance, connection->number, room->number);
    if (before != NULL && !is_under(before, command))
        return "present under another key";
    if (before == NULL && presence_is_own(&attendance->replica.state, name_of(room), key))
        return "somebody else is present under that key";
    if (before == NULL)
        add_entrant(attendance, connection->number, room->number, key.bytes, key.length);
    membership->flags |= MEMBERSHIP_PRESENT;
    presence_enter(&attendance->replica.state, name_of(room), key,
                   (struct presence_text){command->state, command->state_length});
    changed(worker);
    return NULL;
}

const char *attendance_exit(struct worker *worker, const struct connection *connection,
                            struct membership *membership) {
    struct attendance *attendance = worker->attendance;
    if ((membership->flags & MEMBERSHIP_PRESENT) == 0)
        return "not present";
    attendance_left(worker, connection, membership);
    if (attendance->worker->options->presence_debounce == 0)
        tell_all(worker);
    return NULL;
}

void attendance_left(struct worker *worker, const struct connection *connection,
                     struct membership *membership) {
    struct attendance *attendance = worker->attendance;
    const struct room *room = worker->rooms.rooms[membership->room];
    struct entrant *entrant = find_entrant(attendance, connection->number, room->number);
    CHECK(entrant != NULL);
    membership->flags &= (uint8_t)~MEMBERSHIP_PRESENT;
    CHECK(presence_exit(&attendance->replica.state, name_of(room),
                        (struct presence_text){entrant->key, entrant->key_length}));
    presence_table_remove(&attendance->entrants, &entrant->link);
    free(entrant);
    gateway_count(&worker->stats->presence_changes, 1);
}

/* --- what one client is told --- */

static void answer(struct worker *worker, struct connection *connection, struct presence_text name,
                   const struct presence_room *present) {
    struct attendance *attendance = worker->attendance;
    text_clear(&attendance->notice);
    int64_t length =
        presence_notice_all(worker->options->presence_mode, name, present, &attendance->notice);
    gateway_count(&worker->stats->presence_messages, 1);
    gateway_count(&worker->stats->presence_bytes, (uint64_t)protocol_outbound_bytes(length));
    deliver_frame(worker, connection, FRAMES_TEXT, attendance->notice.bytes,
                  attendance->notice.length);
}

void attendance_list(struct worker *worker, struct connection *connection,
                     const struct room *room) {
    struct presence_text name = name_of(room);
    answer(worker, connection, name, presence_room_find(&worker->attendance->replica.state, name));
}

void attendance_joined(struct worker *worker, struct connection *connection,
                       const struct room *room) {
    struct presence_text name = name_of(room);
    const struct presence_room *present =
        presence_room_find(&worker->attendance->replica.state, name);
    bool is_told = worker->options->presence_mode != SPEC_PRESENCE_ON_DEMAND;
    if (is_told && present != NULL && present->present_count > 0)
        answer(worker, connection, name, present);
}

/* --- life --- */

void attendance_open(struct worker *worker) {
    const struct gateway_options *options = worker->options;
    if (!options->presence)
        return;
    struct attendance *attendance = calloc(1, sizeof *attendance);
    uint64_t self = 0;
    CHECK(attendance != NULL && getrandom(&self, sizeof self, 0) == sizeof self);
    attendance->worker = worker;
    text_init(&attendance->notice);
    text_init(&attendance->letter);
    struct presence_timing timing = {.broadcast_ns = options->presence_broadcast,
                                     .silent_periods = options->presence_silent,
                                     .down_ns = options->presence_down,
                                     .permdown_ns = options->presence_permdown};
    presence_replica_init(&attendance->replica, &timing,
                          &(struct presence_options){.self = self != 0 ? self : 1,
                                                     .on_change = open_window,
                                                     .target = attendance});
    bool is_alone = options->backplane == SPEC_NO_BACKPLANE;
    attendance->tick_ns = is_alone ? BASE_NS_MAX : worker->now_ns + options->presence_broadcast;
    worker->attendance = attendance;
}

void attendance_close(struct worker *worker) {
    struct attendance *attendance = worker->attendance;
    if (attendance == NULL)
        return;
    CHECK(attendance->entrants.count == 0);
    presence_table_fini(&attendance->entrants);
    presence_replica_fini(&attendance->replica);
    text_fini(&attendance->notice);
    text_fini(&attendance->letter);
    free(attendance->windows);
    free(attendance);
    worker->attendance = NULL;
}
