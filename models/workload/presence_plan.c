/* A member is present and away in turns: present for an exponential time or always as long, away
 * for a time that is fixed. Everybody is present at the start. */
#include "models/workload/presence_plan.h"

#include "models/workload/draws.h"
#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void presence_client_key(int32_t client, char key[PRESENCE_KEY_BYTES + 1]) {
    snprintf(key, PRESENCE_KEY_BYTES + 1, "%08" PRIx32, (uint32_t)client);
}

bool presence_has_room(const struct spec_scenario *scenario, const struct roster *roster,
                       int32_t room) {
    const char *group = scenario->rooms[roster->rooms[room].group].name;
    const struct spec_names *rooms = &scenario->presence.rooms;
    for (int32_t i = 0; i < rooms->count; i++)
        if (strcmp(rooms->items[i], group) == 0)
            return true;
    return false;
}

static void add(struct presence_plan *plan, const struct presence_event *event) {
    if (plan->count == plan->max) {
        plan->max = plan->max > 0 ? 2 * plan->max : 256;
        plan->events = realloc(plan->events, (size_t)plan->max * sizeof *plan->events);
        CHECK(plan->events != NULL);
    }
    plan->events[plan->count++] = *event;
}

static void add_until(struct presence_plan *plan, struct presence_event *event,
                      enum presence_act act, base_ns due_ns, base_ns until_ns) {
    event->act = act;
    event->due_ns = due_ns;
    if (due_ns < until_ns)
        add(plan, event);
}

static struct rng stream_of(const struct roster *roster, uint64_t seed, int32_t client,
                            int32_t room, enum draws_purpose purpose) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed,
                                     .entity = roster_client_entity(roster, client),
                                     .purpose = purpose,
                                     .index = roster_room_entity(roster, room)});
    return rng;
}

static void add_stays(struct presence_plan *plan, struct presence_event event, uint64_t seed,
                      base_ns until_ns) {
    const struct spec_presence_churn *churn = &plan->roster->scenario->presence.churn;
    struct rng rng = stream_of(plan->roster, seed, event.client, event.room, DRAWS_PRESENCE);
    if (rng_uniform(&rng) >= churn->share)
        return;
    bool is_exponential = churn->stay == SPEC_STAY_EXPONENTIAL;
    double phase = is_exponential ? 1 : rng_uniform(&rng);
    for (base_ns at_ns = 0; at_ns < until_ns; at_ns += churn->away) {
        double present_ns = is_exponential ? rng_exponential(&rng, (double)churn->present)
                                           : phase * (double)churn->present;
        phase = 1;
        at_ns += llround(present_ns);
        add_until(plan, &event, PRESENCE_EXIT, at_ns, until_ns);
        add_until(plan, &event, PRESENCE_ENTER, at_ns + churn->away, until_ns);
    }
}

static void add_lists(struct presence_plan *plan, struct presence_event event, uint64_t seed,
                      base_ns until_ns) {
    double every_ns = (double)plan->roster->scenario->presence.list_every;
    struct rng rng = stream_of(plan->roster, seed, event.client, event.room, DRAWS_LIST);
    for (double at_ns = rng_exponential(&rng, every_ns); at_ns < (double)until_ns;
         at_ns += rng_exponential(&rng, every_ns))
        add_until(plan, &event, PRESENCE_LIST, llround(at_ns), until_ns);
}

static int by_due(const void *a, const void *b) {
    const struct presence_event *first = a, *second = b;
    if (first->due_ns != second->due_ns)
        return first->due_ns < second->due_ns ? -1 : 1;
    if (first->client != second->client)
        return first->client < second->client ? -1 : 1;
    if (first->room != second->room)
        return first->room < second->room ? -1 : 1;
    return (int)first->act - (int)second->act;
}

void presence_plan_init(struct presence_plan *plan, const struct roster *roster, uint64_t seed,
                        base_ns until_ns) {
    const struct spec_scenario *scenario = roster->scenario;
    *plan = (struct presence_plan){.roster = roster};
    for (int32_t room = 0; room < roster->rooms_count; room++) {
        const struct roster_room *members = &roster->rooms[room];
        for (int32_t i = 0; presence_has_room(scenario, roster, room) && i < members->members_count;
             i++) {
            struct presence_event event = {.client = roster->members[members->members_first + i],
                                           .room = room};
            if (scenario->presence.has_churn)
                add_stays(plan, event, seed, until_ns);
            if (scenario->presence.list_every != BASE_NS_MAX)
                add_lists(plan, event, seed, until_ns);
        }
    }
    if (plan->count > 0)
        qsort(plan->events, (size_t)plan->count, sizeof *plan->events, by_due);
}

void presence_plan_fini(struct presence_plan *plan) {
    free(plan->events);
}

bool presence_plan_next(struct presence_plan *plan, struct presence_event *event) {
    if (plan->next == plan->count)
        return false;
    *event = plan->events[plan->next++];
    return true;
}

/* --- what is said --- */

static const char *const words[] = {
    [PRESENCE_ENTER] = "enter", [PRESENCE_EXIT] = "exit", [PRESENCE_LIST] = "list"};

int64_t presence_said_bytes(enum presence_act act, const char *room, int64_t state_bytes) {
    int64_t bytes = (int64_t)strlen(words[act]) + 1 + (int64_t)strlen(room);
    if (act == PRESENCE_ENTER)
        bytes += 1 + PRESENCE_KEY_BYTES + 1 + state_bytes;
    return bytes + protocol_frame_header_bytes(bytes, true);
}

size_t presence_say(enum presence_act act, const char *room, int32_t client, int64_t state_bytes,
                    char out[PRESENCE_SAID_MAX]) {
    size_t length = (size_t)snprintf(out, PRESENCE_SAID_MAX, "%s %s", words[act], room);
    if (act != PRESENCE_ENTER)
        return length;
    char key[PRESENCE_KEY_BYTES + 1];
    presence_client_key(client, key);
    length += (size_t)snprintf(out + length, PRESENCE_SAID_MAX - length, "\n%s ", key);
    CHECK(length + (size_t)state_bytes <= PRESENCE_SAID_MAX);
    memset(out + length, '.', (size_t)state_bytes);
    return length + (size_t)state_bytes;
}
