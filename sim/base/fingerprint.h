/* One number that says whether two runs did the same: every event, draw and count goes in, in order
 * (XXH3, 64 bits). */
#ifndef HEADROOM_SIM_BASE_FINGERPRINT_H
#define HEADROOM_SIM_BASE_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct fingerprint {
    uint64_t state;
};

void fingerprint_init(struct fingerprint *fingerprint);
void fingerprint_u64(struct fingerprint *fingerprint, uint64_t value);
void fingerprint_bytes(struct fingerprint *fingerprint, const void *bytes, size_t length);
uint64_t fingerprint_value(const struct fingerprint *fingerprint);
/* Of one piece of text: what the store addresses scenarios, profiles and code by. */
uint64_t fingerprint_of(const void *bytes, size_t length);
/* 16 lower-case hex digits and a NUL. */
void fingerprint_format(uint64_t value, char out[17]);

#endif
