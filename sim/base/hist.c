/* Log-linear buckets: the highest HIST_SUB_BITS + 1 bits of a value name its bucket.
 *
 * For a value with s bits more than that, bucket = s * 2^HIST_SUB_BITS + (value >> s). The two
 * parts overlap in one bit on purpose: value >> s lies in [2^HIST_SUB_BITS, 2 * 2^HIST_SUB_BITS),
 * so bucket numbers run on without a gap and the inverse is as short. A t-digest or a sketch would
 * be smaller, but what it holds depends on the order of adding, and two shards would no longer add
 * up to the same bytes. */
#include "sim/base/hist.h"

#include "sim/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SUB_COUNT = 1 << HIST_SUB_BITS, GROWTH_STEP = SUB_COUNT };

void hist_init(struct hist *hist) {
    *hist = (struct hist){.min = INT64_MAX, .max = -1};
}

void hist_fini(struct hist *hist) {
    free(hist->counts);
    hist_init(hist);
}

void hist_clear(struct hist *hist) {
    uint64_t *counts = hist->counts;
    uint32_t length = hist->counts_length;
    if (counts)
        memset(counts, 0, length * sizeof *counts);
    hist_init(hist);
    hist->counts = counts;
    hist->counts_length = length;
}

uint32_t hist_bucket(int64_t value) {
    uint64_t bits = (uint64_t)value;
    int32_t shift = 63 - HIST_SUB_BITS - __builtin_clzll(bits | (SUB_COUNT - 1));
    if (shift <= 0)
        return (uint32_t)bits;
    return ((uint32_t)shift << HIST_SUB_BITS) + (uint32_t)(bits >> shift);
}

int64_t hist_bucket_low(uint32_t bucket) {
    if (bucket < 2 * SUB_COUNT)
        return bucket;
    uint32_t shift = (bucket >> HIST_SUB_BITS) - 1;
    return (int64_t)(uint64_t)(SUB_COUNT + (bucket & (SUB_COUNT - 1))) << shift;
}

static int64_t bucket_high(uint32_t bucket) {
    return bucket + 1 < HIST_BUCKETS_MAX ? hist_bucket_low(bucket + 1) - 1 : INT64_MAX;
}

/* Whole octaves, and at least twice what there was: a simulation fills a hundred histograms from
 * below, and moving each once per octave took longer than counting. */
static void reserve(struct hist *hist, uint32_t bucket) {
    if (bucket < hist->counts_length)
        return;
    uint32_t length = (bucket / GROWTH_STEP + 1) * GROWTH_STEP;
    if (length < 2 * hist->counts_length)
        length =
            2 * hist->counts_length < HIST_BUCKETS_MAX ? 2 * hist->counts_length : HIST_BUCKETS_MAX;
    uint64_t *counts = realloc(hist->counts, length * sizeof *counts);
    CHECK(counts);
    memset(counts + hist->counts_length, 0, (length - hist->counts_length) * sizeof *counts);
    hist->counts = counts;
    hist->counts_length = length;
}

void hist_add(struct hist *hist, int64_t value) {
    hist_add_n(hist, value, 1);
}

void hist_add_n(struct hist *hist, int64_t value, uint64_t count) {
    CHECK(value >= 0);
    if (count == 0)
        return;
    uint32_t bucket = hist_bucket(value);
    reserve(hist, bucket);
    hist->counts[bucket] += count;
    hist->total += count;
    hist->sum += (hist_sum)(uint64_t)value * count;
    if (value < hist->min)
        hist->min = value;
    if (value > hist->max)
        hist->max = value;
}

/* The part of an arithmetic series that lies in one run of equally wide buckets. */
struct range {
    uint64_t value, step, left;
};

/* Buckets narrower than the step: each value has one to itself. */
static void count_each(uint64_t *counts, struct range *range, uint32_t shift, uint64_t end) {
    counts += (uint64_t)shift << HIST_SUB_BITS;
    for (; range->left > 0 && range->value < end; range->left--, range->value += range->step)
        counts[range->value >> shift]++;
}

/* Wider buckets: each holds width / step values or one more, depending on where in it the first one
 * falls, so one division serves them all (Bresenham's way of drawing a line). */
static void count_buckets(uint64_t *counts, struct range *range, uint32_t shift, uint64_t end) {
    uint64_t width = (uint64_t)1 << shift, fewest = width / range->step;
    uint64_t one_more_below = width % range->step, left = range->left;
    uint64_t bucket_start = range->value & ~(width - 1), offset = range->value - bucket_start;
    uint64_t skipped =
        offset / range->step; /* as if the series had begun in the bucket's first step */
    offset -= skipped * range->step;
    left += skipped;
    counts += (uint64_t)shift << HIST_SUB_BITS;
    counts[bucket_start >> shift] -= skipped;
    for (; left > 0 && bucket_start < end; bucket_start += width) {
        uint64_t here = fewest + (offset < one_more_below);
        if (here > left)
            here = left;
        counts[bucket_start >> shift] += here;
        left -= here;
        offset += here * range->step - width;
    }
    range->left = left;
    range->value = bucket_start + offset;
}

static void count_range(struct hist *hist, struct range range) {
    while (range.left > 0) {
        uint32_t bucket = hist_bucket((int64_t)range.value);
        uint32_t shift = bucket < 2 * SUB_COUNT ? 0 : (bucket >> HIST_SUB_BITS) - 1;
        uint64_t end = (uint64_t)(2 * SUB_COUNT) << shift;
        if (range.step >> shift > 0)
            count_each(hist->counts, &range, shift, end);
        else
            count_buckets(hist->counts, &range, shift, end);
    }
}

void hist_add_range(struct hist *hist, int64_t first, int64_t step, uint64_t count) {
    CHECK(first >= 0 && step >= 0);
    if (count == 0)
        return;
    if (step == 0) {
        hist_add_n(hist, first, count);
        return;
    }
    CHECK(count - 1 <= (uint64_t)(INT64_MAX - first) / (uint64_t)step);
    int64_t last = first + (int64_t)((count - 1) * (uint64_t)step);
    reserve(hist, hist_bucket(last));
    count_range(hist, (struct range){(uint64_t)first, (uint64_t)step, count});
    hist->total += count;
    hist_sum pairs = (hist_sum)count * (count - 1) / 2;
    hist->sum += (hist_sum)(uint64_t)first * count + pairs * (uint64_t)step;
    if (first < hist->min)
        hist->min = first;
    if (last > hist->max)
        hist->max = last;
}

void hist_merge(struct hist *into, const struct hist *from) {
    if (from->total == 0)
        return;
    reserve(into, hist_bucket(from->max));
    for (uint32_t i = hist_bucket(from->min); i <= hist_bucket(from->max); i++)
        into->counts[i] += from->counts[i];
    into->total += from->total;
    into->sum += from->sum;
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

static int64_t midpoint(uint32_t bucket) {
    int64_t low = hist_bucket_low(bucket);
    return low + (bucket_high(bucket) - low) / 2;
}

/* ceil(p * total) in `double` may miss by one where the product is not exact; a rank is never above
 * the total. */
static uint64_t rank_of(const struct hist *hist, double p) {
    double rank = ceil(p * (double)hist->total);
    if (rank < 1)
        return 1;
    return rank >= (double)hist->total ? hist->total : (uint64_t)rank;
}

int64_t hist_quantile(const struct hist *hist, double p) {
    CHECK(p >= 0 && p <= 1);
    if (hist->total == 0)
        return 0;
    uint64_t rank = rank_of(hist, p), seen = 0;
    uint32_t bucket = hist_bucket(hist->min);
    for (; bucket < hist->counts_length; bucket++) {
        seen += hist->counts[bucket];
        if (seen >= rank)
            break;
    }
    return clamp(midpoint(bucket), hist->min, hist->max);
}

double hist_mean(const struct hist *hist) {
    return hist->total ? (double)hist->sum / (double)hist->total : 0;
}

double hist_mean_residual(const struct hist *hist) {
    double squares = 0;
    for (uint32_t i = 0; i < hist->counts_length; i++) {
        double value = (double)midpoint(i);
        squares += (double)hist->counts[i] * value * value;
    }
    return hist->sum > 0 ? squares / (2 * (double)hist->sum) : 0;
}

uint64_t hist_count_above(const struct hist *hist, int64_t value) {
    if (value >= hist->max)
        return 0;
    if (value < hist->min)
        return hist->total;
    uint64_t above = 0;
    uint32_t bucket = hist_bucket(value);
    for (uint32_t i = bucket + 1; i <= hist_bucket(hist->max); i++)
        above += hist->counts[i];
    /* Inside the bucket nothing is known, so its values count as spread evenly. */
    int64_t low = hist_bucket_low(bucket), high = bucket_high(bucket);
    double share = (double)(high - value) / (double)(high - low + 1);
    return above + (uint64_t)(share * (double)hist->counts[bucket]);
}

bool hist_equal(const struct hist *a, const struct hist *b) {
    if (a->total != b->total || a->min != b->min || a->max != b->max || a->sum != b->sum)
        return false;
    if (a->total == 0)
        return true;
    uint32_t first = hist_bucket(a->min), last = hist_bucket(a->max);
    size_t bytes = (last - first + 1) * sizeof *a->counts;
    return memcmp(a->counts + first, b->counts + first, bytes) == 0;
}
