/* Stratified, not systematic: every twentieth of rooms of a hundred would always be the same places
 * in the room, and a server that writes in a fixed order makes the same places always the last. */
#include "validation/load/sample.h"

#include "sim/base/rng.h"

#include <stdlib.h>

enum { PURPOSE_SAMPLE = 0x4c4f4144 }; /* "LOAD": no number of models/workload/draws.h */

struct place {
    int32_t first_room; /* -1: in none */
    int32_t client;
};

static int by_room(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->first_room != right->first_room)
        return left->first_room < right->first_room ? -1 : 1;
    return (left->client > right->client) - (left->client < right->client);
}

static int by_number(const void *a, const void *b) {
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

static int32_t places_of(const struct roster *roster, int32_t population, struct place *places) {
    int32_t count = 0;
    for (int32_t client = 0; client < roster->clients_count; client++) {
        if (roster->population[client] != population)
            continue;
        int32_t first = roster->client_first[client];
        bool is_in_a_room = roster->client_first[client + 1] > first;
        places[count++] = (struct place){is_in_a_room ? roster->client_rooms[first] : -1, client};
    }
    qsort(places, (size_t)count, sizeof *places, by_room);
    return count;
}

static int32_t quota_of(int32_t count, int32_t wanted, int32_t total) {
    int64_t share = ((int64_t)wanted * count + total / 2) / total;
    int64_t quota = share < SAMPLE_POPULATION_MIN ? SAMPLE_POPULATION_MIN : share;
    return quota < count ? (int32_t)quota : count;
}

void sample_init(struct sample *sample, const struct roster *roster, int32_t wanted, uint64_t seed,
                 struct arena *arena) {
    int32_t total = roster->clients_count;
    *sample = (struct sample){.clients = ARENA_NEW(arena, (size_t)total, int32_t)};
    struct place *places = ARENA_NEW(arena, (size_t)total, struct place);
    for (int32_t p = 0; p < roster->scenario->populations_count; p++) {
        int64_t count = places_of(roster, p, places);
        int64_t quota = quota_of((int32_t)count, wanted, total);
        struct rng rng;
        rng_init(&rng,
                 (struct rng_name){.seed = seed, .entity = (uint64_t)p, .purpose = PURPOSE_SAMPLE});
        for (int64_t k = 0; k < quota; k++) {
            int64_t low = k * count / quota, high = (k + 1) * count / quota;
            int64_t chosen = low + (int64_t)rng_below(&rng, (uint64_t)(high - low));
            sample->clients[sample->count++] = places[chosen].client;
        }
    }
    qsort(sample->clients, (size_t)sample->count, sizeof *sample->clients, by_number);
}
