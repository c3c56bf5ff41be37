/* A log-linear histogram of non-negative integers (nanoseconds, bytes).
 *
 * Values below 2^HIST_SUB_BITS are exact; above, each power of two is cut into 2^HIST_SUB_BITS
 * equal buckets, so a quantile is within 1/2^(HIST_SUB_BITS + 1) = 0.2 % of a value that was added.
 * Counting is associative: histograms of shards, processes and both worlds add up, in any order, to
 * the same bytes. Storage grows with the highest value seen. */
#ifndef HEADROOM_SIM_BASE_HIST_H
#define HEADROOM_SIM_BASE_HIST_H

#include "sim/base/attributes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HIST_SUB_BITS = 8, HIST_BUCKETS_MAX = (64 - HIST_SUB_BITS) << HIST_SUB_BITS };

__extension__ typedef unsigned __int128 hist_sum; /* 2^64 values below 2^63 fit */

struct hist {
    uint64_t *counts; /* [counts_length] */
    uint32_t counts_length;
    uint64_t total;
    int64_t min, max; /* exact; of an empty histogram INT64_MAX and -1 */
    hist_sum sum;     /* exact, so that it too adds up in any order to the same bytes */
};

void hist_init(struct hist *hist);
void hist_fini(struct hist *hist);
void hist_clear(struct hist *hist);

void hist_add(struct hist *hist, int64_t value);
void hist_add_n(struct hist *hist, int64_t value, uint64_t count);
/* first, first + step, ..., `count` of them; the same counts as `count` calls of hist_add, in time
 * proportional to the buckets touched. step >= 0. */
void hist_add_range(struct hist *hist, int64_t first, int64_t step, uint64_t count);
void hist_merge(struct hist *into, const struct hist *from);

/* The value below which a share `p` in [0, 1] of the values lies (nearest rank: the ceil(p *
 * total)-th smallest), as its bucket's midpoint clamped to [min, max]. 0 when empty. */
int64_t hist_quantile(const struct hist *hist, double p);
double hist_mean(const struct hist *hist);
/* Of intervals that follow one another: the mean time from a random instant to the end of the one
 * that it falls into, E[X^2] / (2 E[X]) (Cox 1962, renewal theory, section 5.4). Right to twice
 * what a quantile is. */
double hist_mean_residual(const struct hist *hist);
/* Values above `value`: exact when `value` is a bucket's upper edge, else within that bucket's
 * count. */
uint64_t hist_count_above(const struct hist *hist, int64_t value);
bool hist_equal(const struct hist *a, const struct hist *b);

uint32_t hist_bucket(int64_t value);      /* the bucket that a value falls into */
int64_t hist_bucket_low(uint32_t bucket); /* its smallest value */

/* A portable image: version, min, max, sum, then (bucket, count) pairs as varints. `hist_decode`
 * replaces what an initialised histogram holds; it refuses what is not an image that hist_encode
 * could have written, and then leaves the histogram empty. */
size_t hist_encode(const struct hist *hist, uint8_t **bytes); /* the caller frees *bytes */
bool hist_decode(struct hist *hist, const uint8_t *bytes, size_t length) MUST_USE;

#endif
