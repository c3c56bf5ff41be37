/* Which of several instances of a backplane a room is on.
 *
 * Jump consistent hash (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm",
 * 2014): no ring to keep, equal shares, and of n + 1 instances the new one takes a share of
 * 1/(n + 1) from all the others and nothing else moves. Its instances are numbered and only the
 * last can go, which is what a list in a scenario is. */
#ifndef HEADROOM_VALIDATION_BACKPLANE_SHARD_H
#define HEADROOM_VALIDATION_BACKPLANE_SHARD_H

#include <stddef.h>
#include <stdint.h>

/* 0 .. count - 1. */
int32_t shard_of(const char *room, size_t length, int32_t count);

#endif
