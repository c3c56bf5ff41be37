/* Clients are numbered by merging the populations at equal pace; rooms are dealt from a list of
 * candidates, in order or shuffled.
 *
 * The mix is the merge of the fractions (i + 1/2)/n: forty clients among four thousand land a
 * hundred apart, so that a small population is in as many rooms as it can be. A shuffle sorts by a
 * draw of each client's own: with Fisher-Yates on one stream, one more client would deal all the
 * others anew. */
#include "models/workload/roster.h"

#include "models/workload/draws.h"
#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void number_clients(struct roster *roster, struct arena *arena) {
    const struct spec_scenario *scenario = roster->scenario;
    int64_t total = 0;
    for (int32_t p = 0; p < scenario->populations_count; p++)
        total += scenario->populations[p].connections;
    CHECK(total <= INT32_MAX);
    roster->clients_count = (int32_t)total;
    roster->population = ARENA_NEW(arena, (size_t)total, uint8_t);
    roster->ordinal = ARENA_NEW(arena, (size_t)total, int32_t);
    int64_t *taken = ARENA_NEW(arena, (size_t)scenario->populations_count, int64_t);
    for (int64_t client = 0; client < total; client++) {
        int32_t next = -1;
        double next_at = 2;
        for (int32_t p = 0; p < scenario->populations_count; p++) {
            double n = (double)scenario->populations[p].connections;
            double at = ((double)taken[p] + 0.5) / n;
            if (taken[p] < scenario->populations[p].connections && at < next_at) {
                next_at = at;
                next = p;
            }
        }
        roster->population[client] = (uint8_t)next;
        roster->ordinal[client] = (int32_t)taken[next]++;
    }
}

static bool group_takes(const struct spec_scenario *scenario, const struct spec_room_group *group,
                        uint8_t population) {
    for (int32_t i = 0; i < group->members.count; i++)
        if (strcmp(group->members.items[i], scenario->populations[population].name) == 0)
            return true;
    return false;
}

struct candidate {
    uint64_t key;
    int32_t client;
};

static int compare_candidates(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->client > y->client) - (x->client < y->client);
}

static void scatter(const struct roster *roster, int32_t group, uint64_t seed, int32_t *clients,
                    int32_t count) {
    struct arena scratch;
    arena_init(&scratch);
    struct candidate *candidates = ARENA_NEW(&scratch, (size_t)count, struct candidate);
    for (int32_t i = 0; i < count; i++) {
        struct rng rng;
        rng_init(&rng, (struct rng_name){.seed = seed,
                                         .entity = roster_client_entity(roster, clients[i]),
                                         .purpose = DRAWS_PLACEMENT,
                                         .index = (uint64_t)group});
        candidates[i] = (struct candidate){rng_u64(&rng), clients[i]};
    }
    qsort(candidates, (size_t)count, sizeof *candidates, compare_candidates);
    for (int32_t i = 0; i < count; i++)
        clients[i] = candidates[i].client;
    arena_fini(&scratch);
}

/* The clients that may be in the group's rooms, in the order in which they are dealt out. */
static int32_t *candidates_of(const struct roster *roster, int32_t group_index, uint64_t seed,
                              struct arena *arena, int32_t *count) {
    const struct spec_room_group *group = &roster->scenario->rooms[group_index];
    int32_t *list = ARENA_NEW(arena, (size_t)roster->clients_count, int32_t);
    int32_t n = 0;
    for (int32_t client = 0; client < roster->clients_count; client++)
        if (group_takes(roster->scenario, group, roster->population[client]))
            list[n++] = client;
    if (group->placement == SPEC_SCATTERED)
        scatter(roster, group_index, seed, list, n);
    *count = n;
    return list;
}

static int64_t room_size(const struct roster *roster, int32_t group, int64_t room_in_group,
                         uint64_t seed) {
    struct rng rng;
    rng_init(&rng, (struct rng_name){.seed = seed,
                                     .entity = (uint64_t)group,
                                     .purpose = DRAWS_ROOM_SIZE,
                                     .index = (uint64_t)room_in_group});
    int64_t size = draws_from(&roster->scenario->rooms[group].size, &rng);
    return size < 1 ? 1 : size;
}

/* --- rooms --- */

static int32_t candidates_count_of(const struct roster *roster, int32_t group) {
    const struct spec_scenario *scenario = roster->scenario;
    int64_t count = 0;
    for (int32_t p = 0; p < scenario->populations_count; p++)
        if (group_takes(scenario, &scenario->rooms[group], (uint8_t)p))
            count += scenario->populations[p].connections;
    return (int32_t)count;
}

struct deal { /* of a group's clients to its rooms */
    int32_t group, candidates_count;
    int64_t rooms_count, members_count; /* so far, over all rounds */
};

/* Members of the next room; 0: there is none. The last room takes who is left; no room holds a
 * client twice. */
static int64_t next_size(const struct roster *roster, struct deal *deal, uint64_t seed) {
    const struct spec_room_group *group = &roster->scenario->rooms[deal->group];
    bool is_auto = group->count == SPEC_AUTO;
    int64_t left = deal->candidates_count - (is_auto ? deal->members_count : 0);
    if (left <= 0 || (!is_auto && deal->rooms_count >= group->count))
        return 0;
    int64_t size = room_size(roster, deal->group, deal->rooms_count++, seed);
    size = size < left ? size : left;
    deal->members_count += size;
    return size;
}

/* How many rooms and members there will be: sizes are functions of their names, so that drawing
 * them twice costs less than growing arrays of millions does. */
static void count_rooms(const struct roster *roster, uint64_t seed, int64_t *rooms,
                        int64_t *memberships) {
    *rooms = *memberships = 0;
    for (int32_t group = 0; group < roster->scenario->rooms_count; group++) {
        struct deal deal = {.group = group, .candidates_count = candidates_count_of(roster, group)};
        while (next_size(roster, &deal, seed) > 0)
            ;
        *rooms += deal.rooms_count;
        *memberships += deal.members_count;
    }
    CHECK(*rooms <= INT32_MAX && *memberships <= INT32_MAX);
}

static struct roster_room *add_room(struct roster *roster, int32_t group, int64_t size) {
    struct roster_room *room = &roster->rooms[roster->rooms_count++];
    *room = (struct roster_room){.group = group,
                                 .members_first = roster->memberships_count,
                                 .members_count = (int32_t)size,
                                 .is_contiguous = true};
    roster->memberships_count += (int32_t)size;
    return room;
}

static void deal_group(struct roster *roster, int32_t group, uint64_t seed, struct arena *scratch) {
    struct deal deal = {.group = group};
    int32_t *candidates = candidates_of(roster, group, seed, scratch, &deal.candidates_count);
    int64_t size, first = 0;
    for (; (size = next_size(roster, &deal, seed)) > 0; first += size) {
        struct roster_room *room = add_room(roster, group, size);
        for (int64_t k = 0; k < size; k++) {
            int32_t client = candidates[(first + k) % deal.candidates_count];
            roster->members[room->members_first + k] = client;
            if (k > 0 && client != roster->members[room->members_first + k - 1] + 1)
                room->is_contiguous = false;
        }
    }
}

static void deal_groups(struct roster *roster, uint64_t seed, struct arena *arena,
                        struct arena *scratch) {
    const struct spec_scenario *scenario = roster->scenario;
    int64_t rooms, memberships;
    count_rooms(roster, seed, &rooms, &memberships);
    roster->rooms = ARENA_NEW(arena, (size_t)rooms, struct roster_room);
    roster->members = ARENA_NEW(arena, (size_t)memberships, int32_t);
    roster->group_first_room = ARENA_NEW(arena, (size_t)scenario->rooms_count + 1, int32_t);
    for (int32_t group = 0; group < scenario->rooms_count; group++) {
        roster->group_first_room[group] = roster->rooms_count;
        deal_group(roster, group, seed, scratch);
    }
    roster->group_first_room[scenario->rooms_count] = roster->rooms_count;
}

/* The same memberships by client: count, prefix sums, fill in room order. */
static void index_by_client(struct roster *roster, struct arena *arena, struct arena *scratch) {
    roster->client_first = ARENA_NEW(arena, (size_t)roster->clients_count + 1, int32_t);
    roster->client_rooms = ARENA_NEW(arena, (size_t)roster->memberships_count, int32_t);
    for (int32_t i = 0; i < roster->memberships_count; i++)
        roster->client_first[roster->members[i] + 1]++;
    for (int32_t client = 0; client < roster->clients_count; client++)
        roster->client_first[client + 1] += roster->client_first[client];
    int32_t *filled = ARENA_NEW(scratch, (size_t)roster->clients_count, int32_t);
    for (int32_t room = 0; room < roster->rooms_count; room++) {
        const struct roster_room *r = &roster->rooms[room];
        for (int32_t k = 0; k < r->members_count; k++) {
            int32_t client = roster->members[r->members_first + k];
            roster->client_rooms[roster->client_first[client] + filled[client]++] = room;
        }
    }
}

void roster_init(struct roster *roster, const struct spec_scenario *scenario, uint64_t seed,
                 struct arena *arena) {
    *roster = (struct roster){.scenario = scenario};
    struct arena scratch;
    arena_init(&scratch);
    number_clients(roster, arena);
    deal_groups(roster, seed, arena, &scratch);
    index_by_client(roster, arena, &scratch);
    arena_fini(&scratch);
}

void roster_room_name(int32_t room, char name[ROSTER_ROOM_NAME_BYTES]) {
    snprintf(name, ROSTER_ROOM_NAME_BYTES, "r%d", room);
}

int32_t roster_worker(int32_t client, int32_t workers_count) {
    return client % workers_count;
}

double roster_scattered(const int32_t *members, int32_t members_count, int32_t workers_count) {
    double sum = members_count > 0;
    for (int32_t i = 1; i < members_count; i++) {
        int32_t apart = abs(members[i] - members[i - 1]);
        sum += apart > workers_count ? 1 - (double)workers_count / apart : 0;
    }
    return members_count > 0 ? sum / members_count : 0;
}
