/* The fingerprint is a chain: each value is hashed with the state so far as its seed. So order
 * counts, and so do the borders between pieces ("ab" + "c" is not "a" + "bc"), which a stream hash
 * over the concatenation would not see. */
#include "sim/base/fingerprint.h"

#define XXH_INLINE_ALL
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

void fingerprint_init(struct fingerprint *fingerprint) {
    fingerprint->state = 0;
}

void fingerprint_u64(struct fingerprint *fingerprint, uint64_t value) {
    uint64_t little_endian = htole64(value);
    fingerprint->state =
        XXH3_64bits_withSeed(&little_endian, sizeof little_endian, fingerprint->state);
}

void fingerprint_bytes(struct fingerprint *fingerprint, const void *bytes, size_t length) {
    fingerprint->state = XXH3_64bits_withSeed(bytes, length, fingerprint->state);
}

uint64_t fingerprint_value(const struct fingerprint *fingerprint) {
    return fingerprint->state;
}

uint64_t fingerprint_of(const void *bytes, size_t length) {
    return XXH3_64bits(bytes, length);
}

void fingerprint_format(uint64_t value, char out[17]) {
    (void)snprintf(out, 17, "%016" PRIx64, value);
}
