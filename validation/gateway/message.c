/* Bytes of an open connection: cut into frames, frames made into messages, messages obeyed.
 *
 * A whole frame is used where it was received, unmasked in place. Only what is left of a read, a
 * begun frame, is kept, and no larger than that frame. Fragmented messages and control frames take
 * the way through wslay (assembler.h). */
#include "validation/gateway/worker.h"

#include "models/workload/feed.h"
#include "models/workload/protocol.h"
#include "validation/gateway/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_LINE_MAX = 128, INPUT_FIRST_BYTES = 256 };

static void refuse_command(struct worker *worker, struct connection *connection, uint8_t opcode,
                           const char *reason, const char *message, size_t length) {
    const char *end = memchr(message, '\n', length);
    size_t line = end != NULL ? (size_t)(end - message) : length;
    if (line > ERROR_LINE_MAX) {
        line = ERROR_LINE_MAX;
        while (line > 0 && ((unsigned char)message[line] & 0xc0) == 0x80)
            line--; /* not inside a character */
    }
    char answer[2 * ERROR_LINE_MAX];
    int head = snprintf(answer, ERROR_LINE_MAX, "! %s\n", reason);
    memcpy(answer + head, message, line);
    gateway_count(&worker->stats->command_errors, 1);
    deliver_frame(worker, connection, opcode, answer, (size_t)head + line);
}

static const char *join(struct worker *worker, struct connection *connection,
                        const struct protocol_command *command) {
    struct room *room = room_find_or_add(&worker->rooms, command->room, command->room_length);
    if (room == NULL)
        return "no place for another room";
    gateway_level(&worker->stats->rooms, worker->rooms.count);
    if (connection_membership(connection, room->number) != NULL)
        return "already a member";
    fanout_flush_room(worker, room); /* what was published before the join is not for the joiner */
    if (connection_join(worker, connection, room)) {
        if (worker->attendance != NULL)
            attendance_joined(worker, connection, room);
        return NULL;
    }
    if (room->members_count == 0 && !room->is_listed)
        room_remove(&worker->rooms, room);
    return "too many rooms";
}

static const char *leave(struct worker *worker, struct connection *connection,
                         const struct protocol_command *command) {
    struct room *room = room_find(&worker->rooms, command->room, command->room_length);
    struct membership *membership =
        room != NULL ? connection_membership(connection, room->number) : NULL;
    if (membership == NULL)
        return "not a member";
    fanout_flush_room(worker, room); /* what was published before is still for who leaves */
    connection_leave(worker, connection, (uint32_t)(membership - connection->memberships));
    return NULL;
}

static const char *publish(struct worker *worker, struct connection *connection, uint8_t opcode,
                           const struct protocol_command *command) {
    struct room *room = room_find(&worker->rooms, command->room, command->room_length);
    struct membership *membership =
        room != NULL ? connection_membership(connection, room->number) : NULL;
    if (membership == NULL)
        return "not a member";
    gateway_count(&worker->stats->publishes, 1);
    throttle_published(worker, connection, membership, room);
    if (!feed_takes(&worker->options->feed, room->members_count, command->delivery,
                    command->delivery_length)) {
        gateway_count(&worker->stats->withheld, room->members_count);
        return NULL;
    }
    fanout_to_others(worker, MAIL_PUBLISH, room, opcode, command->delivery,
                     command->delivery_length);
    fanout_publish(worker, room, opcode, command->delivery, command->delivery_length);
    cluster_publish(worker, room, opcode, command->delivery, command->delivery_length);
    return NULL;
}

/* Enter, exit, list. */
static const char *attend(struct worker *worker, struct connection *connection,
                          const struct protocol_command *command) {
    if (worker->attendance == NULL)
        return "no presence here";
    struct room *room = room_find(&worker->rooms, command->room, command->room_length);
    struct membership *membership =
        room != NULL ? connection_membership(connection, room->number) : NULL;
    if (membership == NULL)
        return "not a member";
    if (command->verb == PROTOCOL_ENTER)
        return attendance_enter(worker, connection, membership, command);
    if (command->verb == PROTOCOL_EXIT)
        return attendance_exit(worker, connection, membership);
    attendance_list(worker, connection, room);
    return NULL;
}

static void obey(struct worker *worker, struct connection *connection, uint8_t opcode,
                 const char *message, size_t length) {
    struct protocol_command command;
    const char *reason = NULL;
    if (!protocol_parse(message, length, &command, &reason)) {
        refuse_command(worker, connection, opcode, reason, message, length);
        return;
    }
    switch (command.verb) {
    case PROTOCOL_JOIN:
        reason = join(worker, connection, &command);
        break;
    case PROTOCOL_LEAVE:
        reason = leave(worker, connection, &command);
        break;
    case PROTOCOL_PUBLISH:
        reason = publish(worker, connection, opcode, &command);
        break;
    case PROTOCOL_ENTER:
    case PROTOCOL_EXIT:
    case PROTOCOL_LIST:
        reason = attend(worker, connection, &command);
        break;
    }
    if (reason != NULL)
        refuse_command(worker, connection, opcode, reason, message, length);
}

static void take_message(struct worker *worker, struct connection *connection, uint8_t opcode,
                         const uint8_t *message, size_t length) {
    gateway_count(&worker->stats->messages, 1);
    if (worker->options->echo)
        deliver_frame(worker, connection, opcode, message, length);
    else
        obey(worker, connection, opcode, (const char *)message, length);
}

struct target {
    struct worker *worker;
    struct connection *connection;
};

static void take_assembled(void *target, uint8_t opcode, const uint8_t *message, size_t length) {
    struct target *to = target;
    take_message(to->worker, to->connection, opcode, message, length);
}

static struct assembler *take_assembler(struct worker *worker) {
    struct assembler *assembler = worker->assemblers;
    if (assembler == NULL)
        return assembler_new();
    worker->assemblers = assembler->next_free;
    worker->assemblers_count--;
    return assembler;
}

static void give_assembler(struct worker *worker, struct assembler *assembler) {
    if (worker->assemblers_count == ASSEMBLERS_KEPT_MAX) {
        assembler_free(assembler);
        return;
    }
    assembler->next_free = worker->assemblers;
    worker->assemblers = assembler;
    worker->assemblers_count++;
}

static struct input *need_input(struct worker *worker, struct connection *connection) {
    if (connection->input == NULL)
        connection->input = calloc(1, sizeof *connection->input);
    if (connection->input == NULL)
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
    return connection->input;
}

void message_forget(struct worker *worker, struct connection *connection) {
    (void)worker;
    struct input *input = connection->input;
    if (input->assembler != NULL)
        assembler_free(input->assembler); /* in the middle of something: not for another's use */
    free(input->bytes);
    free(input);
    connection->input = NULL;
}

static void give_back_input(struct worker *worker, struct connection *connection) {
    const struct input *input = connection->input;
    if (input != NULL && input->length == 0 && input->assembler == NULL)
        message_forget(worker, connection);
}

static void end_by_protocol(struct worker *worker, struct connection *connection,
                            enum gateway_close reason) {
    if (reason != GATEWAY_CLOSE_NORMAL)
        gateway_count(&worker->stats->protocol_errors, 1);
    connection_doom(worker, connection, reason);
}

/* A fragment or a control frame. */
static void assemble(struct worker *worker, struct connection *connection,
                     const struct frames_frame *frame, const uint8_t *bytes) {
    struct input *input = need_input(worker, connection);
    if (input == NULL)
        return;
    struct assembler *assembler =
        input->assembler != NULL ? input->assembler : take_assembler(worker);
    input->assembler = assembler;
    if (assembler == NULL) {
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
        return;
    }
    enum gateway_close reason = GATEWAY_CLOSE_PROTOCOL;
    assembler->on_message = take_assembled;
    assembler->target = &(struct target){worker, connection};
    enum assembler_result result = assembler_feed(assembler, frame, bytes, &reason);
    assembler->target = NULL;
    if (assembler->out_length > 0)
        deliver_raw(worker, connection, assembler->out, assembler->out_length);
    if (result == ASSEMBLER_CLOSED) {
        connection->has_close_frame = true;
        end_by_protocol(worker, connection, reason);
    } else if (result == ASSEMBLER_BETWEEN_MESSAGES) {
        give_assembler(worker, assembler);
        input->assembler = NULL;
    }
}

/* A whole frame; `bytes` begins with its header. */
static void take_frame(struct worker *worker, struct connection *connection,
                       const struct frames_frame *frame, uint8_t *bytes) {
    bool is_inside_message = connection->input != NULL && connection->input->assembler != NULL;
    bool is_whole_message = frame->is_final && !is_inside_message &&
                            (frame->opcode == FRAMES_TEXT || frame->opcode == FRAMES_BINARY);
    if (!is_whole_message) {
        assemble(worker, connection, frame, bytes);
        return;
    }
    uint8_t *payload = bytes + frame->header_bytes;
    size_t length = (size_t)frame->payload_bytes;
    frames_unmask(payload, length, frame->mask);
    if (frame->opcode == FRAMES_TEXT && !utf8_is_valid((const char *)payload, length))
        end_by_protocol(worker, connection, GATEWAY_CLOSE_BAD_TEXT);
    else
        take_message(worker, connection, frame->opcode, payload, length);
}

/* Takes the whole frames from the front; returns the bytes used. `needed`: how long the begun frame
 * is, as far as is known. */
static size_t take_frames(struct worker *worker, struct connection *connection, uint8_t *bytes,
                          size_t length, size_t *needed) {
    size_t used = 0;
    *needed = 0;
    while (used < length && !connection->is_doomed) {
        struct frames_frame frame;
        enum frames_result result =
            frames_read(bytes + used, length - used, PROTOCOL_MESSAGE_MAX, &frame);
        if (result == FRAMES_VIOLATION || result == FRAMES_TOO_BIG) {
            end_by_protocol(worker, connection,
                            result == FRAMES_TOO_BIG ? GATEWAY_CLOSE_TOO_BIG
                                                     : GATEWAY_CLOSE_PROTOCOL);
            return length;
        }
        if (result == FRAMES_PARTIAL) {
            *needed = FRAMES_HEADER_MAX;
            return used;
        }
        size_t whole = frame.header_bytes + (size_t)frame.payload_bytes;
        if (length - used < whole) {
            *needed = whole;
            return used;
        }
        take_frame(worker, connection, &frame, bytes + used);
        used += whole;
    }
    return connection->is_doomed ? length : used;
}

static bool reserve(struct input *input, size_t needed) {
    if (needed <= input->capacity)
        return true;
    size_t capacity = input->capacity == 0 ? INPUT_FIRST_BYTES : input->capacity;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *bytes = realloc(input->bytes, capacity);
    if (bytes == NULL)
        return false;
    input->bytes = bytes;
    input->capacity = (uint32_t)capacity;
    return true;
}

static void keep(struct worker *worker, struct connection *connection, const uint8_t *bytes,
                 size_t length) {
    struct input *input = need_input(worker, connection);
    if (input == NULL)
        return;
    if (!reserve(input, input->length + length)) {
        connection_doom(worker, connection, GATEWAY_CLOSE_NO_MEMORY);
        return;
    }
    memcpy(input->bytes + input->length, bytes, length);
    input->length += (uint32_t)length;
}

/* Fills the kept frame from what has come, byte for byte up to its end: never a second frame behind
 * it. Returns the bytes used. */
static size_t complete_kept(struct worker *worker, struct connection *connection,
                            const uint8_t *bytes, size_t length) {
    struct input *input = connection->input;
    size_t used = 0;
    while (used < length && input->length > 0 && !connection->is_doomed) {
        size_t needed = 0;
        size_t taken = take_frames(worker, connection, input->bytes, input->length, &needed);
        if (connection->is_doomed)
            return length;
        if (taken > 0) {
            input->length = 0;
            break;
        }
        size_t missing = needed == FRAMES_HEADER_MAX ? 1 : needed - input->length;
        size_t step = missing < length - used ? missing : length - used;
        keep(worker, connection, bytes + used, step);
        used += step;
    }
    return used;
}

void message_bytes(struct worker *worker, struct connection *connection, uint8_t *bytes,
                   size_t length) {
    size_t used = 0;
    size_t needed = 0;
    if (connection->input != NULL && connection->input->length > 0) {
        used = complete_kept(worker, connection, bytes, length);
        if (!connection->is_doomed && connection->input->length > 0 &&
            take_frames(worker, connection, connection->input->bytes, connection->input->length,
                        &needed) > 0)
            connection->input->length = 0;
    }
    if (used < length && !connection->is_doomed)
        used += take_frames(worker, connection, bytes + used, length - used, &needed);
    if (used < length && !connection->is_doomed)
        keep(worker, connection, bytes + used, length - used);
    give_back_input(worker, connection);
}
