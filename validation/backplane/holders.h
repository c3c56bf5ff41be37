/* Registry: which connections lead to nodes with members of a room. A hash table from names to sets
 * of places, a bit each. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_HOLDERS_H
#define HEADROOM_VALIDATION_BACKPLANE_HOLDERS_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOLDERS_WORDS = 2, HOLDERS_MAX = 64 * HOLDERS_WORDS, HOLDERS_ROOMS_MAX = 1 << 22 };

struct holders_room;
struct holders {                 /* zeroed: empty */
    struct holders_room **slots; /* linear probing; [capacity], a power of two */
    uint32_t capacity, count;
};

void holders_fini(struct holders *holders);
/* False: out of memory, or HOLDERS_ROOMS_MAX. */
bool holders_add(struct holders *holders, const char *room, size_t length, int32_t place) MUST_USE;
void holders_remove(struct holders *holders, const char *room, size_t length, int32_t place);
void holders_forget(struct holders *holders, int32_t place); /* it holds nothing any more */
void holders_of(const struct holders *holders, const char *room, size_t length,
                uint64_t set[HOLDERS_WORDS]);

#endif
