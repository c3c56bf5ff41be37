/* Random streams that are named, not shared.
 *
 * A stream is a name (seed, entity, purpose, index) and a position. Its numbers are Philox4x64-10
 * (Salmon et al., SC 2011; Random123) of name and position, so client 17 draws the same numbers
 * among 20 clients or 2 million, on one thread or 64, and adding a population changes nobody
 * else's. No two names share a counter: seed and purpose are the key, entity, index and position
 * the counter. */
#ifndef HEADROOM_SIM_BASE_RNG_H
#define HEADROOM_SIM_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

struct rng_name {
    uint64_t seed;
    uint64_t entity;  /* a client, a room, a replication: the caller's own numbering */
    uint32_t purpose; /* an enum of the module that draws */
    uint64_t index;   /* which of several streams of that entity and purpose */
};

struct rng {
    uint64_t key[2];
    uint64_t counter[4];
    uint64_t block[4];
    uint32_t block_used; /* 4: the block is spent */
};

void rng_init(struct rng *rng, struct rng_name name);
/* Where a stream stands: the numbers drawn so far. What is stored of a million streams is this, 8
 * bytes and a name, for up to 30 ns more per draw. */
uint64_t rng_position(const struct rng *rng);
void rng_init_at(struct rng *rng, struct rng_name name, uint64_t position);
uint64_t rng_u64(struct rng *rng);
double rng_uniform(struct rng *rng);             /* in (0, 1), never 0 or 1; 53 bits */
uint64_t rng_below(struct rng *rng, uint64_t n); /* 0 .. n-1 without bias; n > 0 */
double rng_exponential(struct rng *rng, double mean);

/* The stream as a GSL generator, for gsl_randist: the returned value lives in the caller's storage
 * and borrows `rng`. */
extern const gsl_rng_type *const rng_gsl_type;
gsl_rng rng_as_gsl(struct rng *rng);

#endif
