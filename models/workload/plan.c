/* A heap of streams by their next due time.
 *
 * The heap is four-ary and holds (due, stream) only: replacing its top touches one cache line per
 * level, and a million users are ten levels. A merged Poisson process with a random owner per point
 * would be faster and would break the rule that a client's draws are its own. */
#include "models/workload/plan.h"

#include "models/workload/draws.h"
#include "models/workload/feed.h"
#include "models/workload/pace.h"
#include "models/workload/protocol.h"
#include "sim/base/check.h"

#include <math.h>
#include <string.h>

struct plan_stream {
    uint64_t arrivals_drawn; /* the position of its stream of arrivals */
    struct pace_position position;
    int32_t traffic;
    int32_t source;  /* a room, a client, or 0 for traffic in all */
    uint64_t entity; /* of its draws: who the source is, whatever its number */
    uint64_t drawn_count;
};

struct plan_rooms {
    uint8_t from; /* population */
    int32_t group;
    int32_t *items; /* rooms of the group with at least one member of that population */
    int32_t count;
};

/* --- who may publish where --- */

static int32_t find_population(const struct spec_scenario *scenario, const char *name) {
    for (int32_t i = 0; i < scenario->populations_count; i++)
        if (strcmp(scenario->populations[i].name, name) == 0)
            return i;
    CHECK(false && "a population that the parser let through");
    return -1;
}

static int32_t find_group(const struct spec_scenario *scenario, const char *name) {
    for (int32_t i = 0; i < scenario->rooms_count; i++)
        if (strcmp(scenario->rooms[i].name, name) == 0)
            return i;
    CHECK(false && "a room group that the parser let through");
    return -1;
}

/* The member at or after position `start` (around the end) that is of the population; -1: none. */
static int32_t sender_from(const struct roster *roster, int32_t room_index, uint8_t population,
                           int32_t start) {
    const struct roster_room *room = &roster->rooms[room_index];
    for (int32_t i = 0; i < room->members_count; i++) {
        int32_t client = roster->members[room->members_first + (start + i) % room->members_count];
        if (roster->population[client] == population)
            return client;
    }
    return -1;
}

static struct plan_rooms rooms_of(const struct roster *roster, const struct spec_traffic *traffic,
                                  struct arena *arena) {
    struct plan_rooms rooms = {.from = (uint8_t)find_population(roster->scenario, traffic->from),
                               .group = find_group(roster->scenario, traffic->to)};
    int32_t first = roster->group_first_room[rooms.group],
            end = roster->group_first_room[rooms.group + 1];
    rooms.items = ARENA_NEW(arena, (size_t)(end - first), int32_t);
    for (int32_t room = first; room < end; room++)
        if (sender_from(roster, room, rooms.from, 0) >= 0)
            rooms.items[rooms.count++] = room;
    return rooms;
}

static int32_t rooms_of_client(const struct roster *roster, int32_t client, int32_t group,
                               int32_t *first) {
    int32_t count = 0;
    for (int32_t i = roster->client_first[client]; i < roster->client_first[client + 1]; i++)
        if (roster->rooms[roster->client_rooms[i]].group == group) {
            if (count == 0)
                *first = i;
            count++; /* a client's rooms ascend, so those of one group stand together */
        }
    return count;
}

static bool publishes(const struct roster *roster, const struct plan_rooms *rooms, int32_t client) {
    int32_t first;
    return roster->population[client] == rooms->from &&
           rooms_of_client(roster, client, rooms->group, &first) > 0;
}

/* Calls for every source of a traffic: each room, each client that publishes, or one for all. */
static int32_t sources_count(const struct roster *roster, const struct spec_traffic *traffic,
                             const struct plan_rooms *rooms) {
    switch (traffic->rate.per) {
    case SPEC_PER_ROOM:
        return rooms->count;
    case SPEC_IN_ALL:
        return rooms->count > 0 ? 1 : 0;
    case SPEC_PER_USER:
        break;
    }
    int32_t count = 0;
    for (int32_t client = 0; client < roster->clients_count; client++)
        count += publishes(roster, rooms, client);
    return count;
}

/* --- when --- */

uint64_t plan_seed_of(uint64_t seed, uint64_t replication) {
    struct rng rng;
    rng_init(&rng,
             (struct rng_name){.seed = seed, .purpose = DRAWS_REPLICATION, .index = replication});
    return rng_u64(&rng);
}

/* When a sender may send again that has just done so, at scale 1 or closer together. */
static base_ns throttled_until(const struct plan *plan, const struct spec_traffic *traffic,
                               base_ns sent_ns) {
    return traffic->throttle == 0
               ? 0
               : sent_ns + base_ns_from_seconds(base_seconds(traffic->throttle) / plan->scale);
}

/* `sent_ns`: the stream's latest message; -1: it had none. */
static base_ns next_due(struct plan *plan, struct plan_stream *stream, base_ns sent_ns) {
    const struct spec_traffic *traffic = &plan->roster->scenario->traffic[stream->traffic];
    struct rng arrivals;
    rng_init_at(&arrivals,
                (struct rng_name){.seed = plan->seed,
                                  .entity = stream->entity,
                                  .purpose = DRAWS_ARRIVAL,
                                  .index = (uint64_t)stream->traffic},
                stream->arrivals_drawn);
    base_ns due_ns = pace_next(&traffic->rate, plan->scale,
                               sent_ns < 0 ? 0 : throttled_until(plan, traffic, sent_ns),
                               &stream->position, &arrivals);
    stream->arrivals_drawn = rng_position(&arrivals);
    return due_ns;
}

/* --- the heap --- */

static bool is_before(struct plan_entry a, struct plan_entry b) {
    return a.due_ns != b.due_ns ? a.due_ns < b.due_ns : a.stream < b.stream;
}

static void sift_down(struct plan *plan, int32_t hole, struct plan_entry entry) {
    for (;;) {
        int32_t child = 4 * hole + 1, least = child;
        if (child >= plan->heap_count)
            break;
        for (int32_t k = child + 1; k < child + 4 && k < plan->heap_count; k++)
            if (is_before(plan->heap[k], plan->heap[least]))
                least = k;
        if (!is_before(plan->heap[least], entry))
            break;
        plan->heap[hole] = plan->heap[least];
        hole = least;
    }
    plan->heap[hole] = entry;
}

static void add_stream(struct plan *plan, int32_t traffic, int32_t source, uint64_t entity) {
    int32_t index = plan->streams_count++;
    struct plan_stream *stream = &plan->streams[index];
    *stream = (struct plan_stream){.traffic = traffic, .source = source, .entity = entity};
    base_ns due_ns = next_due(plan, stream, -1);
    if (due_ns < BASE_NS_MAX)
        plan->heap[plan->heap_count++] = (struct plan_entry){due_ns, index};
}

static void add_streams(struct plan *plan, int32_t traffic_index) {
    const struct spec_traffic *traffic = &plan->roster->scenario->traffic[traffic_index];
    const struct plan_rooms *rooms = &plan->rooms[traffic_index];
    switch (traffic->rate.per) {
    case SPEC_PER_ROOM:
        for (int32_t i = 0; i < rooms->count; i++)
            add_stream(plan, traffic_index, rooms->items[i],
                       roster_room_entity(plan->roster, rooms->items[i]));
        break;
    case SPEC_IN_ALL:
        if (rooms->count > 0)
            add_stream(plan, traffic_index, 0, 0);
        break;
    case SPEC_PER_USER:
        for (int32_t client = 0; client < plan->roster->clients_count; client++)
            if (publishes(plan->roster, rooms, client))
                add_stream(plan, traffic_index, client, roster_client_entity(plan->roster, client));
        break;
    }
}

void plan_init(struct plan *plan, const struct roster *roster, const struct plan_options *options,
               struct arena *arena) {
    CHECK(options->scale > 0);
    const struct spec_scenario *scenario = roster->scenario;
    *plan = (struct plan){.roster = roster, .scale = options->scale, .seed = options->seed};
    plan->rooms = ARENA_NEW(arena, (size_t)scenario->traffic_count, struct plan_rooms);
    int32_t streams_max = 0;
    for (int32_t i = 0; i < scenario->traffic_count; i++) {
        plan->rooms[i] = rooms_of(roster, &scenario->traffic[i], arena);
        streams_max += sources_count(roster, &scenario->traffic[i], &plan->rooms[i]);
    }
    plan->streams = ARENA_NEW(arena, (size_t)streams_max, struct plan_stream);
    plan->heap = ARENA_NEW(arena, (size_t)streams_max, struct plan_entry);
    for (int32_t i = 0; i < scenario->traffic_count; i++)
        add_streams(plan, i);
    for (int32_t i = plan->heap_count / 4; i >= 0 && plan->heap_count > 0; i--)
        sift_down(plan, i, plan->heap[i]);
}

/* --- what --- */

static void fill(const struct plan *plan, struct plan_stream *stream,
                 struct plan_publish *publish) {
    const struct roster *roster = plan->roster;
    const struct spec_traffic *traffic = &roster->scenario->traffic[stream->traffic];
    const struct plan_rooms *rooms = &plan->rooms[stream->traffic];
    struct rng rng;
    rng_init(&rng,
             (struct rng_name){.seed = plan->seed,
                               .entity = stream->entity,
                               .purpose = DRAWS_PUBLISH,
                               .index = (uint64_t)stream->traffic << 48 | stream->drawn_count++});
    uint64_t where = rng_u64(&rng), who = rng_u64(&rng);
    if (traffic->rate.per == SPEC_PER_USER) {
        int32_t first = 0, count = rooms_of_client(roster, stream->source, rooms->group, &first);
        publish->client = stream->source;
        publish->room = roster->client_rooms[first + (int32_t)(where % (uint64_t)count)];
    } else {
        publish->room = traffic->rate.per == SPEC_PER_ROOM
                            ? stream->source
                            : rooms->items[where % (uint64_t)rooms->count];
        int32_t start = (int32_t)(who % (uint64_t)roster->rooms[publish->room].members_count);
        publish->client = sender_from(roster, publish->room, rooms->from, start);
    }
    publish->traffic = stream->traffic;
    publish->bytes = (int32_t)draws_from(&traffic->bytes, &rng);
    publish->is_heard = traffic->active >= 1 || rng_uniform(&rng) < traffic->active;
}

bool plan_next(struct plan *plan, struct plan_publish *publish) {
    if (plan->heap_count == 0)
        return false;
    struct plan_entry top = plan->heap[0];
    struct plan_stream *stream = &plan->streams[top.stream];
    publish->due_ns = top.due_ns;
    publish->number = plan->next_number++;
    fill(plan, stream, publish);
    top.due_ns = next_due(plan, stream, top.due_ns);
    if (top.due_ns == BASE_NS_MAX)
        top = plan->heap[--plan->heap_count];
    if (plan->heap_count > 0)
        sift_down(plan, 0, top);
    return true;
}

/* --- how much --- */

/* In the window; an automatic warm-up is at most half as long. */
static double mean_rate(const struct roster *roster, const struct spec_traffic *traffic) {
    const struct spec_window *window = &roster->scenario->window;
    base_ns from_ns = window->warm_up == SPEC_AUTO ? window->measure / 2 : window->warm_up;
    return pace_mean(&traffic->rate, traffic->throttle, from_ns, from_ns + window->measure);
}

static double mean_room(const struct roster *roster, const struct plan_rooms *rooms) {
    double members = 0;
    for (int32_t i = 0; i < rooms->count; i++)
        members += roster->rooms[rooms->items[i]].members_count;
    return rooms->count > 0 ? members / rooms->count : 0;
}

/* Members who get it, of a publish into the room: the feed's share of them. */
static double mean_takers(const struct roster *roster, int32_t room) {
    int64_t members = roster->rooms[room].members_count;
    return feed_share(&roster->scenario->nodes[0].feed, members) * (double)members;
}

/* Mean recipients of a publish of this traffic. */
static double mean_recipients(const struct roster *roster, const struct spec_traffic *traffic,
                              const struct plan_rooms *rooms) {
    double members = 0, weight = 0;
    if (traffic->rate.per != SPEC_PER_USER) {
        for (int32_t i = 0; i < rooms->count; i++)
            members += mean_takers(roster, rooms->items[i]);
        return rooms->count > 0 ? members / rooms->count : 0;
    }
    for (int32_t client = 0; client < roster->clients_count; client++) {
        int32_t first = 0, count = rooms_of_client(roster, client, rooms->group, &first);
        if (roster->population[client] != rooms->from || count == 0)
            continue;
        weight++;
        for (int32_t i = first; i < first + count; i++)
            members += mean_takers(roster, roster->client_rooms[i]) / count;
    }
    return weight > 0 ? members / weight : 0;
}

struct plan_load plan_offered(const struct roster *roster) {
    struct plan_load load = {0};
    struct arena scratch;
    arena_init(&scratch);
    for (int32_t i = 0; i < roster->scenario->traffic_count; i++) {
        const struct spec_traffic *traffic = &roster->scenario->traffic[i];
        struct plan_rooms rooms = rooms_of(roster, traffic, &scratch);
        double rate = mean_rate(roster, traffic) * sources_count(roster, traffic, &rooms);
        int64_t bytes = llround(spec_dist_mean(&traffic->bytes));
        double recipients = traffic->active * mean_recipients(roster, traffic, &rooms);
        load.publishes_per_s += rate;
        load.product_per_s += rate * traffic->active * mean_room(roster, &rooms);
        load.deliveries_per_s += rate * recipients;
        load.inbound_bytes_per_s += rate * (double)protocol_inbound_bytes(bytes);
        load.outbound_bytes_per_s += rate * recipients * (double)protocol_outbound_bytes(bytes);
    }
    arena_fini(&scratch);
    return load;
}

/* More of a traffic into a room. */
static void add_rate(struct plan_rate *rate, const struct plan_rate *more) {
    double bytes = rate->publishes_per_s * rate->bytes + more->publishes_per_s * more->bytes;
    rate->publishes_per_s += more->publishes_per_s;
    rate->heard_per_s += more->heard_per_s;
    rate->senders += more->senders;
    if (rate->publishes_per_s > 0)
        rate->bytes = bytes / rate->publishes_per_s;
}

/* `one`: what a publisher sends to all rooms of the group together. */
static void add_rates_of_users(const struct roster *roster, const struct plan_rooms *rooms,
                               const struct plan_rate *one, struct plan_rate *rates) {
    for (int32_t client = 0; client < roster->clients_count; client++) {
        if (roster->population[client] != rooms->from)
            continue;
        int32_t first = 0, count = rooms_of_client(roster, client, rooms->group, &first);
        for (int32_t i = first; i < first + count; i++)
            add_rate(&rates[roster->client_rooms[i]],
                     &(struct plan_rate){one->publishes_per_s / count, one->heard_per_s / count,
                                         one->bytes, 1.0 / count});
    }
}

static int32_t senders_in(const struct roster *roster, int32_t room_index, uint8_t population) {
    const struct roster_room *room = &roster->rooms[room_index];
    int32_t count = 0;
    for (int32_t i = 0; i < room->members_count; i++)
        count += roster->population[roster->members[room->members_first + i]] == population;
    return count;
}

void plan_rates(const struct roster *roster, struct plan_rate *rates) {
    struct arena scratch;
    arena_init(&scratch);
    memset(rates, 0, (size_t)roster->rooms_count * sizeof *rates);
    for (int32_t i = 0; i < roster->scenario->traffic_count; i++) {
        const struct spec_traffic *traffic = &roster->scenario->traffic[i];
        struct plan_rooms rooms = rooms_of(roster, traffic, &scratch);
        double sources = traffic->rate.per == SPEC_IN_ALL ? rooms.count : 1;
        double rate = mean_rate(roster, traffic) / fmax(sources, 1);
        struct plan_rate one = {rate, rate * traffic->active, spec_dist_mean(&traffic->bytes), 1};
        if (traffic->rate.per == SPEC_PER_USER)
            add_rates_of_users(roster, &rooms, &one, rates);
        for (int32_t r = 0; r < rooms.count && traffic->rate.per != SPEC_PER_USER; r++) {
            one.senders = senders_in(roster, rooms.items[r], rooms.from);
            add_rate(&rates[rooms.items[r]], &one);
        }
    }
    arena_fini(&scratch);
}
