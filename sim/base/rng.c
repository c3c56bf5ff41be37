/* Streams from Philox: a number is a function of its name and position, so there is no state to
 * share or to split.
 *
 * The key is (seed, purpose), the counter (entity, index, block number, 0); a block gives four
 * numbers. The obvious other way, one Mersenne Twister per run, would couple every draw to the
 * order of all draws before it: one client more, and nothing can be compared with the run without
 * it. */
#include "sim/base/rng.h"

#include "sim/base/check.h"

#include <Random123/philox.h>
#include <limits.h>
#include <math.h>

enum { BLOCK_LENGTH = 4 };

__extension__ typedef unsigned __int128 wide;

void rng_init(struct rng *rng, struct rng_name name) {
    *rng = (struct rng){.key = {name.seed, name.purpose},
                        .counter = {name.entity, name.index, 0, 0},
                        .block_used = BLOCK_LENGTH};
}

static void next_block(struct rng *rng) {
    philox4x64_ctr_t counter = {
        {rng->counter[0], rng->counter[1], rng->counter[2], rng->counter[3]}};
    philox4x64_key_t key = {{rng->key[0], rng->key[1]}};
    philox4x64_ctr_t block = philox4x64(counter, key);
    for (int32_t i = 0; i < BLOCK_LENGTH; i++)
        rng->block[i] = block.v[i];
    rng->counter[2]++;
    rng->block_used = 0;
}

uint64_t rng_position(const struct rng *rng) {
    return BLOCK_LENGTH * rng->counter[2] + rng->block_used - BLOCK_LENGTH;
}

void rng_init_at(struct rng *rng, struct rng_name name, uint64_t position) {
    rng_init(rng, name);
    rng->counter[2] = position / BLOCK_LENGTH;
    if (position % BLOCK_LENGTH == 0)
        return;
    next_block(rng);
    rng->block_used = (uint32_t)(position % BLOCK_LENGTH);
}

uint64_t rng_u64(struct rng *rng) {
    if (rng->block_used == BLOCK_LENGTH)
        next_block(rng);
    return rng->block[rng->block_used++];
}

/* The odd multiples of 2^-53: 0 and 1 are not among them, and the mean is exactly one half. */
double rng_uniform(struct rng *rng) {
    return (double)((rng_u64(rng) >> 11) | 1) * 0x1p-53;
}

/* Lemire 2019, "Fast Random Integer Generation in an Interval": a division only when a number must
 * be refused. */
uint64_t rng_below(struct rng *rng, uint64_t n) {
    CHECK(n > 0);
    wide product = (wide)rng_u64(rng) * n;
    if ((uint64_t)product < n) {
        uint64_t refused_below = (0 - n) % n;
        while ((uint64_t)product < refused_below)
            product = (wide)rng_u64(rng) * n;
    }
    return (uint64_t)(product >> 64);
}

double rng_exponential(struct rng *rng, double mean) {
    return -mean * log(rng_uniform(rng));
}

static void gsl_set(void *state, unsigned long seed) {
    rng_init(state, (struct rng_name){.seed = seed});
}

static unsigned long gsl_get(void *state) {
    return rng_u64(state);
}

static double gsl_get_double(void *state) {
    return rng_uniform(state);
}

static const gsl_rng_type philox_type = {.name = "philox4x64-10",
                                         .max = ULONG_MAX,
                                         .min = 0,
                                         .size = sizeof(struct rng),
                                         .set = gsl_set,
                                         .get = gsl_get,
                                         .get_double = gsl_get_double};

const gsl_rng_type *const rng_gsl_type = &philox_type;

gsl_rng rng_as_gsl(struct rng *rng) {
    return (gsl_rng){.type = rng_gsl_type, .state = rng};
}
