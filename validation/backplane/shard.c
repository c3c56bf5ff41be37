/* The published loop, over a 64-bit hash of the room's name. */
#include "validation/backplane/shard.h"

#include "sim/base/check.h"
#include "sim/base/fingerprint.h"

int32_t shard_of(const char *room, size_t length, int32_t count) {
    CHECK(count > 0);
    uint64_t key = fingerprint_of(room, length);
    int64_t bucket = -1, next = 0;
    while (next < count) {
        bucket = next;
        key = key * 2862933555777941757ULL + 1;
        next = (int64_t)((double)(bucket + 1) * ((double)(1LL << 31) / (double)((key >> 33) + 1)));
    }
    return (int32_t)bucket;
}
