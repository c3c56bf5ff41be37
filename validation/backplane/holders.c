/* Backward-shift deletion, as in validation/gateway/room.c: no tombstones. */
#include "validation/backplane/holders.h"

#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_SLOTS = 64 };

struct holders_room {
    uint64_t set[HOLDERS_WORDS];
    uint32_t hash;
    uint32_t length;
    char name[];
};

/* Names come from clients, so the hash has a seed of the process's own. */
static uint32_t hash_of(const char *room, size_t length) {
    struct fingerprint fingerprint;
    fingerprint_init(&fingerprint);
    fingerprint_u64(&fingerprint, (uint64_t)getpid());
    fingerprint_bytes(&fingerprint, room, length);
    return (uint32_t)(fingerprint_value(&fingerprint) >> 32);
}

void holders_fini(struct holders *holders) {
    for (uint32_t i = 0; i < holders->capacity; i++)
        free(holders->slots[i]);
    free(holders->slots);
    *holders = (struct holders){0};
}

/* The slot that has the room, or the free one where it would go. */
static uint32_t slot_of(const struct holders *holders, uint32_t hash, const char *room,
                        size_t length) {
    uint32_t mask = holders->capacity - 1, slot = hash & mask;
    for (; holders->slots[slot] != NULL; slot = (slot + 1) & mask) {
        const struct holders_room *found = holders->slots[slot];
        if (found->hash == hash && found->length == length &&
            memcmp(found->name, room, length) == 0)
            break;
    }
    return slot;
}

static bool grow(struct holders *holders) {
    uint32_t capacity = holders->capacity > 0 ? 2 * holders->capacity : FIRST_SLOTS;
    struct holders_room **slots = calloc(capacity, sizeof(struct holders_room *));
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < holders->capacity; i++) {
        if (holders->slots[i] == NULL)
            continue;
        uint32_t slot = holders->slots[i]->hash & (capacity - 1);
        while (slots[slot] != NULL)
            slot = (slot + 1) & (capacity - 1);
        slots[slot] = holders->slots[i];
    }
    free(holders->slots);
    holders->slots = slots;
    holders->capacity = capacity;
    return true;
}

bool holders_add(struct holders *holders, const char *room, size_t length, int32_t place) {
    CHECK(place >= 0 && place < HOLDERS_MAX);
    if (2 * (holders->count + 1) > holders->capacity && !grow(holders))
        return false;
    uint32_t hash = hash_of(room, length), slot = slot_of(holders, hash, room, length);
    if (holders->slots[slot] == NULL) {
        struct holders_room *added =
            holders->count < HOLDERS_ROOMS_MAX ? calloc(1, sizeof *added + length) : NULL;
        if (added == NULL)
            return false;
        added->hash = hash;
        added->length = (uint32_t)length;
        memcpy(added->name, room, length);
        holders->slots[slot] = added;
        holders->count++;
    }
    holders->slots[slot]->set[place / 64] |= UINT64_C(1) << (place % 64);
    return true;
}

static bool is_empty(const struct holders_room *room) {
    for (int i = 0; i < HOLDERS_WORDS; i++)
        if (room->set[i] != 0)
            return false;
    return true;
}

static void remove_slot(struct holders *holders, uint32_t hole) {
    uint32_t mask = holders->capacity - 1;
    free(holders->slots[hole]);
    holders->count--;
    for (uint32_t slot = (hole + 1) & mask; holders->slots[slot] != NULL;
         slot = (slot + 1) & mask) {
        uint32_t home = holders->slots[slot]->hash & mask;
        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        holders->slots[hole] = holders->slots[slot];
        hole = slot;
    }
    holders->slots[hole] = NULL;
}

/* True: the slot holds another room now, or none. */
static bool clear(struct holders *holders, uint32_t slot, int32_t place) {
    holders->slots[slot]->set[place / 64] &= ~(UINT64_C(1) << (place % 64));
    if (!is_empty(holders->slots[slot]))
        return false;
    remove_slot(holders, slot);
    return true;
}

void holders_remove(struct holders *holders, const char *room, size_t length, int32_t place) {
    if (holders->count == 0)
        return;
    uint32_t slot = slot_of(holders, hash_of(room, length), room, length);
    if (holders->slots[slot] != NULL)
        (void)clear(holders, slot, place);
}

void holders_forget(struct holders *holders, int32_t place) {
    for (uint32_t slot = 0; slot < holders->capacity;)
        if (holders->slots[slot] == NULL || !clear(holders, slot, place))
            slot++;
}

void holders_of(const struct holders *holders, const char *room, size_t length,
                uint64_t set[HOLDERS_WORDS]) {
    memset(set, 0, HOLDERS_WORDS * sizeof *set);
    if (holders->count == 0)
        return;
    const struct holders_room *found =
        holders->slots[slot_of(holders, hash_of(room, length), room, length)];
    if (found != NULL)
        memcpy(set, found->set, sizeof found->set);
}
