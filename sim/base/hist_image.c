/* A histogram as bytes: what the store keeps and what shards send.
 *
 *   version 1 | buckets in use | min | max | sum, low 64 bits | sum, high 64 bits | (bucket - the
 * one before, count) ...
 *
 * All LEB128 varints without superfluous bytes, so that equal histograms have equal images; an
 * empty histogram ends after the second. Decoding trusts nothing: an image comes from a file that
 * somebody may have edited or cut. */
#include "sim/base/hist.h"

#include "sim/base/check.h"

#include <stdlib.h>

enum { IMAGE_VERSION = 1, VARINT_BYTES_MAX = 10, HEAD_BYTES_MAX = 6 * VARINT_BYTES_MAX };

struct writer {
    uint8_t *bytes;
    size_t length;
};

static void put(struct writer *writer, uint64_t value) {
    while (value >= 0x80) {
        writer->bytes[writer->length++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    writer->bytes[writer->length++] = (uint8_t)value;
}

static uint32_t buckets_in_use(const struct hist *hist) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < hist->counts_length; i++)
        used += hist->counts[i] != 0;
    return used;
}

size_t hist_encode(const struct hist *hist, uint8_t **bytes) {
    uint32_t used = buckets_in_use(hist);
    struct writer writer = {.bytes = malloc(HEAD_BYTES_MAX + (size_t)used * 2 * VARINT_BYTES_MAX)};
    CHECK(writer.bytes);
    put(&writer, IMAGE_VERSION);
    put(&writer, used);
    if (used > 0) {
        put(&writer, (uint64_t)hist->min);
        put(&writer, (uint64_t)hist->max);
        put(&writer, (uint64_t)hist->sum);
        put(&writer, (uint64_t)(hist->sum >> 64));
    }
    uint32_t before = 0;
    for (uint32_t i = 0; i < hist->counts_length; i++) {
        if (hist->counts[i] == 0)
            continue;
        put(&writer, i - before);
        put(&writer, hist->counts[i]);
        before = i;
    }
    *bytes = writer.bytes;
    return writer.length;
}

struct reader {
    const uint8_t *bytes;
    size_t left;
    bool is_broken;
};

static uint64_t get(struct reader *reader) {
    uint64_t value = 0;
    for (uint32_t shift = 0; reader->left > 0 && shift < 64; shift += 7) {
        uint8_t byte = *reader->bytes++;
        reader->left--;
        uint64_t part = byte & 0x7f;
        bool is_last = byte < 0x80;
        bool is_superfluous = is_last && byte == 0 && shift > 0;
        if ((part << shift) >> shift != part || is_superfluous)
            break;
        value |= part << shift;
        if (is_last)
            return value;
    }
    reader->is_broken = true;
    return 0;
}

static uint64_t get_up_to(struct reader *reader, uint64_t highest) {
    uint64_t value = get(reader);
    if (value > highest)
        reader->is_broken = true;
    return reader->is_broken ? 0 : value;
}

/* Where the values may lie, and what they can then add up to over all pairs: the sum must lie
 * between. */
struct range {
    uint64_t min, max;
    hist_sum sum_low, sum_high;
};

static uint64_t bucket_high(uint32_t bucket) {
    if (bucket + 1 == HIST_BUCKETS_MAX)
        return INT64_MAX;
    return (uint64_t)hist_bucket_low(bucket + 1) - 1;
}

static void get_pair(struct reader *reader, struct hist *hist, uint32_t *bucket, bool is_first,
                     struct range *range) {
    uint32_t step = (uint32_t)get_up_to(reader, HIST_BUCKETS_MAX - 1 - *bucket);
    uint64_t count = get(reader);
    if (count == 0 || (step == 0 && !is_first) || count > UINT64_MAX - hist->total)
        reader->is_broken = true;
    if (reader->is_broken)
        return;
    *bucket += step;
    uint64_t low = (uint64_t)hist_bucket_low(*bucket), high = bucket_high(*bucket);
    hist_add_n(hist, (int64_t)low, count);
    range->sum_low += (hist_sum)(low > range->min ? low : range->min) * count;
    range->sum_high += (hist_sum)(high < range->max ? high : range->max) * count;
}

static bool decode(struct hist *hist, struct reader *reader) {
    if (get(reader) != IMAGE_VERSION)
        return false;
    uint32_t used = (uint32_t)get_up_to(reader, HIST_BUCKETS_MAX);
    if (reader->is_broken || used == 0)
        return !reader->is_broken && reader->left == 0;
    struct range range = {0};
    range.min = get_up_to(reader, INT64_MAX);
    range.max = get_up_to(reader, INT64_MAX);
    int64_t min = (int64_t)range.min, max = (int64_t)range.max;
    hist_sum sum = get(reader);
    sum |= (hist_sum)get(reader) << 64;
    uint32_t bucket = 0;
    for (uint32_t i = 0; i < used && !reader->is_broken; i++)
        get_pair(reader, hist, &bucket, i == 0, &range);
    if (reader->is_broken || reader->left > 0 || min > max)
        return false;
    if (hist_bucket(min) != hist_bucket(hist->min) || hist_bucket(max) != bucket)
        return false;
    if (sum < range.sum_low || sum > range.sum_high)
        return false;
    hist->min = min;
    hist->max = max;
    hist->sum = sum;
    return true;
}

bool hist_decode(struct hist *hist, const uint8_t *bytes, size_t length) {
    struct reader reader = {.bytes = bytes, .left = length};
    hist_clear(hist);
    bool is_image = decode(hist, &reader);
    if (!is_image)
        hist_clear(hist);
    return is_image;
}
