/* When members exit, enter again and ask for the list, whatever the server does: the churn of
 * presence that comes without a change of connections.
 *
 * All that is due up to an instant, worked out at once and sorted: there are far fewer of these
 * than publishes. Draws are streams of the client's own, one per room. */
#ifndef HEADROOM_MODELS_WORKLOAD_PRESENCE_PLAN_H
#define HEADROOM_MODELS_WORKLOAD_PRESENCE_PLAN_H

#include "models/workload/presence_state.h"
#include "models/workload/roster.h"
#include "sim/base/arena.h"
#include "sim/base/time.h"

enum presence_act { PRESENCE_ENTER, PRESENCE_EXIT, PRESENCE_LIST };

struct presence_event {
    base_ns due_ns;
    int32_t client, room;
    enum presence_act act;
};

struct presence_plan {
    const struct roster *roster;   /* borrowed */
    struct presence_event *events; /* malloc'ed; in order of (due, client, room) */
    int64_t count, max, next;
};

enum { PRESENCE_KEY_BYTES = 8 };
/* The key a client is present under: its number in hexadecimal. */
void presence_client_key(int32_t client, char key[PRESENCE_KEY_BYTES + 1]);

/* For a scenario with presence: whether the members of a room enter. */
bool presence_has_room(const struct spec_scenario *scenario, const struct roster *roster,
                       int32_t room);

/* `seed` as the plan of publishes has it. */
void presence_plan_init(struct presence_plan *plan, const struct roster *roster, uint64_t seed,
                        base_ns until_ns);
void presence_plan_fini(struct presence_plan *plan);
/* False: there is no more. */
bool presence_plan_next(struct presence_plan *plan, struct presence_event *event);

/* Bytes on the wire of what a client says, framing included. */
int64_t presence_said_bytes(enum presence_act act, const char *room, int64_t state_bytes);
/* Writes it: "enter ROOM\nKEY STATE", "exit ROOM" or "list ROOM". `out` holds
 * PRESENCE_SAID_MAX; returns the length. */
enum { PRESENCE_SAID_MAX = 2 * PRESENCE_NAME_MAX + PRESENCE_STATE_MAX + 16 };
size_t presence_say(enum presence_act act, const char *room, int32_t client, int64_t state_bytes,
                    char out[PRESENCE_SAID_MAX]);

#endif
