/* A worker's rooms: found by name, numbered from 1, gone with their last member.
 *
 * A member's place in the room and the room's place in the connection point at each other, so
 * leaving is a swap with the last on both sides. The members keep their joining order until
 * somebody leaves. */
#ifndef HEADROOM_VALIDATION_GATEWAY_ROOM_H
#define HEADROOM_VALIDATION_GATEWAY_ROOM_H

#include "models/workload/hold.h"
#include "models/workload/protocol.h"
#include "sim/base/attributes.h"
#include "validation/gateway/segment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROOM_COUNT_MAX = 1 << 22 };

struct room_member {
    uint32_t connection; /* its number in the worker */
    uint32_t membership; /* which of the connection's memberships this is */
};

struct room {
    uint32_t number;
    uint32_t members_count, members_capacity;
    uint32_t throttlers; /* consumers (and other workers) that ask for silence */
    struct room_member *members;
    struct segment *pending; /* what was gathered and is not written; NULL: nothing */
    struct hold hold;        /* of `pending`, where it is held back beyond the turn */
    uint32_t hash;
    uint8_t name_length;
    bool is_listed; /* among the worker's dirty rooms */
    char name[];
};

struct room_table {
    struct room **rooms;                     /* by number; [numbers_capacity]; NULL: free */
    uint32_t numbers_capacity, numbers_used; /* numbers ever given out: 1 .. numbers_used - 1 */
    uint32_t *free_numbers;
    uint32_t free_count;
    uint32_t *
        slots; /* room numbers by hash, linear probing; 0: free; [slots_capacity], a power of two */
    uint32_t slots_capacity;
    uint32_t count;
};

bool room_table_init(struct room_table *table) MUST_USE;
void room_table_fini(struct room_table *table);

struct room *room_find(const struct room_table *table, const char *name, size_t length);
/* NULL: out of memory or ROOM_COUNT_MAX. */
struct room *room_find_or_add(struct room_table *table, const char *name, size_t length) MUST_USE;
void room_remove(struct room_table *table, struct room *room); /* no members, nothing pending */

bool room_add_member(struct room *room, struct room_member member) MUST_USE;
/* Removes the member in `place`; returns who stands there now (the former last), or a connection of
 * UINT32_MAX. */
struct room_member room_remove_member(struct room *room, uint32_t place);

#endif
