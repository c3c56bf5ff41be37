/* Draws are the simulator's own, so both worlds see the same exits and enters at the same time
 * after the start. */
#include "validation/load/attend.h"

#include "validation/load/probe_state.h"

#include <string.h>

bool attend_say(struct outbox *outbox, const struct wire *wire, const struct roster *roster,
                const struct presence_event *event, uint32_t mask) {
    char room[ROSTER_ROOM_NAME_BYTES], said[PRESENCE_SAID_MAX];
    roster_room_name(event->room, room);
    size_t length =
        presence_say(event->act, room, event->client, roster->scenario->presence.state, said);
    uint8_t *out = outbox_reserve(outbox, length + WIRE_OVERHEAD_MAX);
    if (out == NULL)
        return false;
    outbox_commit(outbox, wire->write_control(out, WIRE_TEXT, said, length, mask));
    return true;
}

/* Whether the client has exited, by membership of the roster. */
static bool *is_away(struct clients *clients, int32_t client, int32_t room) {
    const struct roster *roster = clients->roster;
    int32_t i = roster->client_first[client];
    while (roster->client_rooms[i] != room)
        i++;
    return &clients->is_away[i];
}

static void say(struct probe *probe, const struct presence_event *event) {
    struct clients *clients = probe->clients;
    int32_t local = clients_local(clients, event->client);
    if (local < 0 || clients->client[local].fd < 0 ||
        !attend_say(&clients->outbox[local], clients->options.wire, clients->roster, event,
                    probe->mask))
        return;
    if (event->act != PRESENCE_LIST)
        *is_away(clients, event->client, event->room) = event->act == PRESENCE_EXIT;
    probe_touch(probe, local);
}

static void return_client(struct probe *probe, int32_t client) {
    const struct roster *roster = probe->clients->roster;
    for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++)
        if (probe->clients->is_away[i])
            say(probe, &(struct presence_event){.client = client,
                                                .room = roster->client_rooms[i],
                                                .act = PRESENCE_ENTER});
}

void attend_begin(struct probe *probe) {
    struct clients *clients = probe->clients;
    const struct source_options *source = &probe->options->source;
    if (clients->is_away == NULL)
        return;
    for (int32_t local = 0; local < clients->count; local++)
        return_client(probe, clients_roster_number(clients, local));
    presence_plan_init(&probe->attend.plan, clients->roster,
                       plan_seed_of(source->seed, source->replication),
                       probe->send_end_ns - probe->start_ns);
    probe->attend.has_next = presence_plan_next(&probe->attend.plan, &probe->attend.next);
}

void attend_end(struct probe *probe) {
    if (probe->clients->is_away != NULL)
        presence_plan_fini(&probe->attend.plan);
}

bool attend_is_due(const struct probe *probe) {
    return probe->attend.has_next && probe->start_ns + probe->attend.next.due_ns <= probe->now_ns;
}

void attend_speak(struct probe *probe) {
    while (attend_is_due(probe)) {
        say(probe, &probe->attend.next);
        probe->attend.has_next = presence_plan_next(&probe->attend.plan, &probe->attend.next);
    }
}
