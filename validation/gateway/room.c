/* Open addressing with backward-shift deletion: no tombstones, so a table that lives for months
 * does not slow down. Names come from clients, so their hash is XXH3 with a seed of the process's
 * own. */
#include "validation/gateway/room.h"

#include "sim/base/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { FIRST_NUMBERS = 64, FIRST_SLOTS = 128, FIRST_MEMBERS = 4 };

static uint32_t hash_of(const char *name, size_t length) {
    return (uint32_t)XXH3_64bits_withSeed(name, length, (XXH64_hash_t)getpid());
}

bool room_table_init(struct room_table *table) {
    *table = (struct room_table){
        .numbers_capacity = FIRST_NUMBERS, .numbers_used = 1, .slots_capacity = FIRST_SLOTS};
    table->rooms = calloc(FIRST_NUMBERS, sizeof(struct room *));
    table->free_numbers = calloc(FIRST_NUMBERS, sizeof(uint32_t));
    table->slots = calloc(FIRST_SLOTS, sizeof(uint32_t));
    return table->rooms != NULL && table->free_numbers != NULL && table->slots != NULL;
}

static void release(struct room *room) {
    free(room->members);
    free(room);
}

void room_table_fini(struct room_table *table) {
    for (uint32_t i = 1; i < table->numbers_used; i++)
        if (table->rooms[i] != NULL)
            release(table->rooms[i]);
    free(table->rooms);
    free(table->free_numbers);
    free(table->slots);
}

/* The slot that holds the name, or the free one where it would go. */
static uint32_t slot_of(const struct room_table *table, uint32_t hash, const char *name,
                        size_t length) {
    uint32_t slot = hash & (table->slots_capacity - 1);
    while (table->slots[slot] != 0) {
        const struct room *room = table->rooms[table->slots[slot]];
        if (room->hash == hash && room->name_length == length &&
            memcmp(room->name, name, length) == 0)
            break;
        slot = (slot + 1) & (table->slots_capacity - 1);
    }
    return slot;
}

struct room *room_find(const struct room_table *table, const char *name, size_t length) {
    uint32_t number = table->slots[slot_of(table, hash_of(name, length), name, length)];
    return number == 0 ? NULL : table->rooms[number];
}

static bool grow_slots(struct room_table *table) {
    uint32_t capacity = 2 * table->slots_capacity;
    uint32_t *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i < table->slots_capacity; i++) {
        if (table->slots[i] == 0)
            continue;
        uint32_t slot = table->rooms[table->slots[i]]->hash & (capacity - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (capacity - 1);
        slots[slot] = table->slots[i];
    }
    free(table->slots);
    table->slots = slots;
    table->slots_capacity = capacity;
    return true;
}

static bool grow_numbers(struct room_table *table) {
    size_t capacity = 2 * (size_t)table->numbers_capacity;
    struct room **rooms = realloc(table->rooms, capacity * sizeof(struct room *));
    if (rooms == NULL)
        return false;
    table->rooms = rooms;
    memset(rooms + table->numbers_capacity, 0, table->numbers_capacity * sizeof(struct room *));
    uint32_t *free_numbers = realloc(table->free_numbers, capacity * sizeof *free_numbers);
    if (free_numbers == NULL)
        return false;
    table->free_numbers = free_numbers;
    table->numbers_capacity = (uint32_t)capacity;
    return true;
}

static bool has_place_for_one_more(struct room_table *table) {
    if (table->count == ROOM_COUNT_MAX)
        return false;
    if (2 * (table->count + 1) > table->slots_capacity && !grow_slots(table))
        return false;
    return table->free_count > 0 || table->numbers_used < table->numbers_capacity ||
           grow_numbers(table);
}

static struct room *add(struct room_table *table, uint32_t hash, const char *name, size_t length) {
    CHECK(length <= PROTOCOL_ROOM_NAME_MAX);
    struct room *room = has_place_for_one_more(table) ? calloc(1, sizeof *room + length) : NULL;
    if (room == NULL)
        return NULL;
    room->hash = hash;
    room->name_length = (uint8_t)length;
    memcpy(room->name, name, length);
    room->number =
        table->free_count > 0 ? table->free_numbers[--table->free_count] : table->numbers_used++;
    table->rooms[room->number] = room;
    table->slots[slot_of(table, hash, name, length)] = room->number;
    table->count++;
    return room;
}

struct room *room_find_or_add(struct room_table *table, const char *name, size_t length) {
    uint32_t hash = hash_of(name, length);
    uint32_t number = table->slots[slot_of(table, hash, name, length)];
    return number != 0 ? table->rooms[number] : add(table, hash, name, length);
}

/* Moves later entries of the probe sequence into the hole, so that none becomes unreachable. */
static void close_hole(struct room_table *table, uint32_t hole) {
    uint32_t mask = table->slots_capacity - 1;
    uint32_t slot = hole;
    for (;;) {
        slot = (slot + 1) & mask;
        if (table->slots[slot] == 0)
            break;
        uint32_t home = table->rooms[table->slots[slot]]->hash & mask;
        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        table->slots[hole] = table->slots[slot];
        hole = slot;
    }
    table->slots[hole] = 0;
}

void room_remove(struct room_table *table, struct room *room) {
    CHECK(room->members_count == 0 && room->pending == NULL && !room->is_listed);
    close_hole(table, slot_of(table, room->hash, room->name, room->name_length));
    table->rooms[room->number] = NULL;
    table->free_numbers[table->free_count++] = room->number;
    table->count--;
    release(room);
}

bool room_add_member(struct room *room, struct room_member member) {
    if (room->members_count == room->members_capacity) {
        size_t capacity =
            room->members_capacity == 0 ? FIRST_MEMBERS : room->members_capacity * (size_t)2;
        struct room_member *members = realloc(room->members, capacity * sizeof *members);
        if (members == NULL)
            return false;
        room->members = members;
        room->members_capacity = (uint32_t)capacity;
    }
    room->members[room->members_count++] = member;
    return true;
}

struct room_member room_remove_member(struct room *room, uint32_t place) {
    struct room_member last = room->members[--room->members_count];
    if (place == room->members_count)
        return (struct room_member){UINT32_MAX, 0};
    room->members[place] = last;
    return last;
}
