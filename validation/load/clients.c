/* Hot members of a connection that is only counted fit into half a cache line; parsers, habits and
 * outboxes lie elsewhere. */
#include "validation/load/clients.h"

#include "models/workload/balancer.h"
#include "sim/base/check.h"
#include "validation/load/sample.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_habits(const struct receiver *receiver) {
    return receiver->bytes_per_s < INFINITY || receiver->stall_first_ns < BASE_NS_MAX;
}

static void add_reader(struct clients *clients, int32_t local, const struct receiver *habits,
                       bool is_sampled) {
    int32_t index = clients->readers_count++;
    struct reader *reader = &clients->readers[index];
    *reader = (struct reader){
        .habits = *habits, .has_habits = has_habits(habits), .client = local, .sample = -1};
    inbound_init(&reader->inbound);
    clients->client[local].reader = index;
    if (is_sampled) {
        reader->sample = clients->samples_count;
        clients->samples[clients->samples_count++] = index;
    }
}

static void choose_readers(struct clients *clients, struct arena *arena) {
    struct sample sample;
    sample_init(&sample, clients->roster, clients->options.samples, clients->options.seed, arena);
    int32_t next = 0;
    for (int32_t local = 0; local < clients->count; local++) {
        int32_t number = clients_roster_number(clients, local);
        while (next < sample.count && sample.clients[next] < number)
            next++;
        bool is_sampled = next < sample.count && sample.clients[next] == number;
        struct receiver habits = receiver_of(clients->roster, number, clients->options.seed);
        if (is_sampled || has_habits(&habits) || clients->is_away != NULL)
            add_reader(clients, local, &habits, is_sampled);
        if (!is_sampled)
            clients->others[clients->others_count++] = local;
    }
}

void clients_init(struct clients *clients, const struct roster *roster,
                  const struct clients_options *options, struct arena *arena) {
    CHECK(options->process < options->processes);
    *clients = (struct clients){.roster = roster, .options = *options};
    int32_t behind = roster->clients_count - 1 - options->process;
    clients->count = behind < 0 ? 0 : behind / options->processes + 1;
    size_t count = (size_t)clients->count;
    clients->client = ARENA_NEW(arena, count, struct client);
    clients->outbox = ARENA_NEW(arena, count, struct outbox);
    clients->readers = ARENA_NEW(arena, count, struct reader);
    clients->samples = ARENA_NEW(arena, count, int32_t);
    clients->others = ARENA_NEW(arena, count, int32_t);
    for (int32_t local = 0; local < clients->count; local++)
        clients->client[local] = (struct client){.fd = -1, .reader = -1};
    if (roster->scenario->has_presence)
        clients->is_away = ARENA_NEW(arena, (size_t)roster->memberships_count, bool);
    choose_readers(clients, arena);
    if (options->ports_count > 1) {
        int32_t *node_of = ARENA_NEW(arena, (size_t)roster->clients_count, int32_t);
        balancer_deal(roster, options->seed, node_of);
        clients->node_of = node_of;
    }
}

int32_t clients_port(const struct clients *clients, int32_t local) {
    const struct clients_options *options = &clients->options;
    if (local < 0)
        return options->ports[clients->extra_count % options->ports_count];
    int32_t node = clients->node_of ? clients->node_of[clients_roster_number(clients, local)] : 0;
    CHECK(node < options->ports_count);
    return options->ports[node];
}

void clients_fini(struct clients *clients) {
    for (int32_t local = 0; local < clients->count; local++) {
        if (clients->client[local].fd >= 0)
            close(clients->client[local].fd);
        outbox_fini(&clients->outbox[local]);
    }
    for (int32_t i = 0; i < clients->extra_count; i++)
        close(clients->extra[i]);
    free(clients->extra);
    clients->extra = NULL;
    clients->count = clients->extra_count = 0;
}

void clients_begin(struct clients *clients) {
    memset(clients->closed_by_code, 0, sizeof clients->closed_by_code);
    for (int32_t local = 0; local < clients->count; local++) {
        struct client *client = &clients->client[local];
        client->bytes = 0;
        client->was_there = client->fd >= 0;
    }
    for (int32_t i = 0; i < clients->readers_count; i++) {
        struct reader *reader = &clients->readers[i];
        reader->arrived_window = 0;
        reader->busy_until_ns = 0;
        reader->is_pinged = false;
        reader->is_reading = receiver_is_reading(&reader->habits, 0);
        reader->change_ns = receiver_next_change(&reader->habits, 0);
    }
}

void clients_closed(struct clients *clients, int32_t local, int32_t code) {
    struct client *client = &clients->client[local];
    CHECK(client->fd >= 0);
    close(client->fd);
    client->fd = -1;
    clients->connected_count--;
    clients->closed_by_code[code >= 0 && code < CLIENTS_CLOSE_CODES ? code : 0]++;
}
